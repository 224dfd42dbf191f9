"""How fast comparisons are made and counted, in how much memory, beside the peers.

Makes embeddings of people in groups, compares all pairs as `crowdveil audit verify` does, and
multiplies the same matrices without counting anything. Then, with `--rows`, streams a table of so
many scores from Parquet. The peers, scikit-learn's ROC and pyeer (if installed), get as many of
the very scores as they can be expected to hold, and draw one curve for everyone.

    python bench/audit.py --pictures 20000 --groups 8
    python bench/audit.py --pictures 100000 --groups 8 --peer-scores 0
    python bench/audit.py --pictures 0 --rows 100000000
"""

import argparse
import importlib
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import roc_curve

import crowdveil
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.partitions import partitions
from crowdveil.audit.verify.allpairs import AllPairs, Faces
from crowdveil.audit.verify.inputs import prepare
from crowdveil.audit.verify.rates import audit_comparisons

DIMENSIONS = 128
PER_PERSON = 4
BLOCK = 4096
PART = 2_000_000
"""Rows that are made at once."""


def main() -> None:
    """Compare, multiply, stream, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--groups", type=int, default=8)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--peer-scores", type=int, default=20_000_000)
    parser.add_argument("--work", type=Path, default=None, help="folder for the table")
    args = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, NumPy "
        f"{np.__version__}, Polars {version('polars')}, crowdveil {crowdveil.__version__}"
    )
    if args.pictures:
        all_pairs(args.pictures, args.groups, args.peer_scores)
    if args.rows:
        with tempfile.TemporaryDirectory(dir=args.work) as folder:
            table(Path(folder) / "scores.parquet", args.rows, args.groups)


def all_pairs(pictures: int, groups: int, peer_scores: int) -> None:
    """Compare all pairs of embeddings."""
    random = np.random.default_rng(0)
    person = (np.arange(pictures) // PER_PERSON).astype(np.int32)
    people = int(person[-1]) + 1
    centre = random.normal(size=(people, DIMENSIONS)).astype(np.float32)
    noise = random.normal(size=(pictures, DIMENSIONS)).astype(np.float32)
    embeddings = centre[person] + noise
    divided = partitions({"group": [f"group {k}" for k in range(groups)]}, groups)
    pairs = AllPairs(
        Faces(embeddings, person), None, (np.arange(people) % groups).astype(np.int32), divided
    )
    print(
        f"{pictures:,} pictures of {DIMENSIONS} numbers, {groups} groups, "
        f"{pairs.comparisons:,} comparisons"
    )
    before = plain_rate(embeddings)
    begin = time.perf_counter()
    pairs.histograms()
    counted = pairs.comparisons / (time.perf_counter() - begin)
    plain = (before + plain_rate(embeddings)) / 2
    line("plain matrix product", plain, "comparisons/s")
    line("histograms by group", counted, f"comparisons/s, {counted / plain:.2f} of it")
    begin = time.perf_counter()
    thresholds = [pairs.lowest(0, 0, target) for target in (1e-3, 1e-4)]
    pairs.tally(thresholds)
    told = pairs.comparisons / (time.perf_counter() - begin)
    line("two operating points", told, f"comparisons/s, {told / plain:.2f} of it, errors by person")
    memory()
    if peer_scores:
        peers(embeddings, person, peer_scores)


def plain_rate(embeddings: npt.NDArray[np.float32]) -> float:
    """Similarities a second of a product with all cores that counts nothing."""
    out = np.empty((BLOCK, min(len(embeddings), 4 * BLOCK)), np.float32)
    block = embeddings[: len(out)]
    other = embeddings[: out.shape[1]].T
    out = out[: len(block)]
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < 3:
        np.matmul(block, other, out=out)
        done += out.size
    return done / (time.perf_counter() - begin)


def peers(embeddings: npt.NDArray[np.float32], person: npt.NDArray[np.int32], most: int) -> None:
    """One curve over as many of the same scores, by others."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    rows = min(len(unit), int(most**0.5))
    i, j = np.triu_indices(rows, 1)
    scores = (unit[:rows] @ unit[:rows].T)[i, j]
    mated = person[i] == person[j]
    begin = time.perf_counter()
    roc_curve(mated, scores)
    rate = len(scores) / (time.perf_counter() - begin)
    line("scikit-learn roc_curve", rate, f"scores/s, {version('scikit-learn')}, scores given")
    try:
        pyeer = importlib.import_module("pyeer.eer_info")
    except ImportError:
        print("pyeer                  not installed")
        return
    some = slice(0, 200_000)
    begin = time.perf_counter()
    pyeer.get_eer_stats(scores[mated][some].tolist(), scores[~mated][some].tolist())
    number = len(scores[mated][some]) + len(scores[~mated][some])
    rate = number / (time.perf_counter() - begin)
    try:
        release = version("pyeer")
    except PackageNotFoundError:
        release = "unknown release"
    line("pyeer get_eer_stats", rate, f"scores/s, {release}, scores given")


def table(path: Path, rows: int, groups: int) -> None:
    """Stream a table of scores, from checking its rows to the last interval."""
    # In a process of its own, so that making it is not in the peak.
    maker = multiprocessing.get_context("spawn").Process(
        target=make_table, args=(path, rows, groups)
    )
    maker.start()
    maker.join()
    print(f"{rows:,} rows of Parquet, {path.stat().st_size / 1e6:,.0f} MB, {groups} groups")
    options = VerifyOptions(group=("group",), fmr=(1e-3, 1e-5), draws=500)
    begin = time.perf_counter()
    prepared = prepare(path, None, options)
    checked = time.perf_counter() - begin
    found = audit_comparisons(prepared.comparisons, options.resampling(), fmr=options.fmr)
    whole = time.perf_counter() - begin
    line("checked row by row", rows / checked, "rows/s")
    line("the whole audit", rows / whole, f"rows/s, {whole:,.0f} s")
    for point in found.points:
        share = found.at(point).fmr[0][0].share
        print(f"  {point.label}: {share.errors:,} of {share.trials:,}")
    memory()


def make_table(path: Path, rows: int, groups: int) -> None:
    """A table in which every probe is compared with 2,000 references, one of them mated."""
    parts = path.parent / "parts"
    parts.mkdir()
    random = np.random.default_rng(0)
    for number, first in enumerate(range(0, rows, PART)):
        at = np.arange(first, min(first + PART, rows))
        probe, place = at // 2000, at % 2000
        subject = np.where(place == 0, probe, (place * 31 + probe + 1) % 100_000)
        score = random.normal(size=len(at)).astype(np.float32) * np.float32(0.1)
        score[probe == subject] += np.float32(0.6)
        pl.DataFrame(
            {
                "probe": probe,
                "reference": place,
                "score": score,
                "probe_subject": probe,
                "reference_subject": subject,
                "probe_group": np.array([f"group {k}" for k in range(groups)])[probe % groups],
                "reference_group": np.array([f"group {k}" for k in range(groups)])[
                    subject % groups
                ],
            }
        ).write_parquet(parts / f"{number:06}.parquet")
    pl.scan_parquet(parts / "*.parquet").sink_parquet(path)


def line(name: str, rate: float, what: str) -> None:
    """One line of results."""
    print(f"{name:22} {rate:14,.0f} {what}")


def memory() -> None:
    """The most that the process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'peak memory':22} {peak:14,.0f} MB")


if __name__ == "__main__":
    main()
