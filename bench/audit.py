"""How fast all pairs of embeddings are compared and counted, beside the plain matrix product.

Makes embeddings of people in groups, compares all pairs as `crowdveil audit verify` does, and
multiplies the same blocks without counting anything; then the peer, scikit-learn's ROC, on as
many of the scores as it can hold.

    python bench/audit.py --pictures 20000 --groups 8
"""

import argparse
import os
import platform
import resource
import time
from importlib.metadata import version

import numpy as np
from sklearn.metrics import roc_curve

import crowdveil
from crowdveil.audit.paired import BLOCK, AllPairs

DIMENSIONS = 128
PER_PERSON = 4
PEER_SCORES = 20_000_000


def main() -> None:
    """Compare, multiply, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--groups", type=int, default=8)
    args = parser.parse_args()
    random = np.random.default_rng(0)
    subject = np.arange(args.pictures) // PER_PERSON
    centre = random.normal(size=(subject[-1] + 1, DIMENSIONS)).astype(np.float32)
    embeddings = centre[subject] + random.normal(size=(args.pictures, DIMENSIONS)).astype(
        np.float32
    )
    labels = [[f"group {k}" for k in subject % args.groups]]
    pairs = args.pictures * (args.pictures - 1) // 2
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, NumPy "
        f"{np.__version__}, Polars {version('polars')}, crowdveil {crowdveil.__version__}"
    )
    print(
        f"{args.pictures:,} pictures of {DIMENSIONS} numbers, {args.groups} groups, {pairs:,} pairs"
    )

    blocks = [embeddings[k : k + BLOCK] for k in range(0, args.pictures, BLOCK)]
    begin = time.perf_counter()
    for k, block in enumerate(blocks):
        for other in blocks[k:]:
            block @ other.T
    plain = time.perf_counter() - begin
    print(f"plain matrix product   {pairs / plain:14,.0f} pairs/s")

    compared = AllPairs(embeddings, subject.astype(str), labels, ("group",))
    begin = time.perf_counter()
    compared.sweep()
    counted = time.perf_counter() - begin
    print(f"histograms by group    {pairs / counted:14,.0f} pairs/s, {plain / counted:.2f} of it")
    begin = time.perf_counter()
    compared.tally(0.3)
    tallied = time.perf_counter() - begin
    print(f"one operating point    {pairs / tallied:14,.0f} pairs/s, {plain / tallied:.2f} of it")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory            {peak:14,.0f} MB")

    some = min(PEER_SCORES, pairs)
    scores, mated = random.normal(size=some).astype(np.float32), random.random(some) < 0.01
    begin = time.perf_counter()
    roc_curve(mated, scores)
    peer = time.perf_counter() - begin
    print(
        f"scikit-learn roc_curve {some / peer:14,.0f} scores/s, {version('scikit-learn')}, one "
        "curve, scores given"
    )


if __name__ == "__main__":
    main()
