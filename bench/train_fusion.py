"""Learns what `models/fusion.json` holds: which candidates are faces, and how sure that is.

Runs the passes and second looks of an operating point over the annotated protest photos and
their mirror images, trains the two forests, finds the rule's odds for the wanted
over-redaction from cross-validated probabilities (photos, not faces, are held out), prints
what those would hide, and writes the model learned from all photos.

    python bench/train_fusion.py normal --over 0.029 --write

With `--half even --write PATH` it learns from every second photo, so that `bench/plans.py
--half odd --fusion PATH` can judge it on films of photos that it never saw (videos use `normal`
and `low`).

Needs the extra `bench`.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, log_loss

from crowdveil.detect.candidates import Candidates
from crowdveil.detect.features import (
    Table,
    candidate_names,
    candidate_table,
    look_names,
    look_table,
)
from crowdveil.detect.finder import DOUBTFUL, Eyes, in_doubt, settle
from crowdveil.detect.frame import Frame
from crowdveil.detect.fusion import HOPE, Rule
from crowdveil.detect.points import POINTS, Caution
from crowdveil.geometry import Boxes, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.redact.look import Look
from crowdveil.redact.masks import DOUBTFUL_RIM
from protest import HALVES, Annotated, Tally, eval_dir, half, interval, load, simulate

MODEL = Path(__file__).resolve().parents[1] / "src" / "crowdveil" / "models" / "fusion.json"
FOLDS = 5
SETTINGS = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 12,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "use_missing": False,
    "num_threads": 2,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}
ROUNDS = 160


@dataclass
class Sample:
    """One photo or its mirror image, looked at."""

    photo: Annotated
    mirrored: bool
    size_wh: tuple[int, int]
    candidates: Candidates
    table: Table
    label: NDArray[np.bool_]


def read(photo: Annotated, mirrored: bool) -> RGB:
    """The photo as (h, w, 3) uint8 RGB, perhaps flipped."""
    bgr = cv2.imread(str(photo.path))
    if bgr is None:
        raise SystemExit(f"{photo.path}: cannot be read")
    return np.ascontiguousarray(bgr[:, ::-1, ::-1] if mirrored else bgr[:, :, ::-1])


def truth(photo: Annotated, mirrored: bool, width: int) -> Boxes:
    """The annotated boxes in the frame of the picture that `read` returns."""
    boxes = photo.boxes.copy()
    if mirrored:
        boxes[:, [0, 2]] = width - photo.boxes[:, [2, 0]]
    return boxes


def is_face(boxes: Boxes, annotated: Boxes) -> NDArray[np.bool_]:
    """Which of (n, 4) boxes show one of the annotated faces, valid or not."""
    if len(boxes) == 0 or len(annotated) == 0:
        return np.zeros(len(boxes), np.bool_)
    return np.asarray((pairwise_iou(boxes, annotated) >= 0.3).any(axis=1))


def observe(eyes: Eyes, photo: Annotated, mirrored: bool) -> Sample:
    """All candidates of one photo with their features and labels."""
    picture = read(photo, mirrored)
    size_wh = (picture.shape[1], picture.shape[0])
    candidates = eyes.candidates(picture)
    return Sample(
        photo,
        mirrored,
        size_wh,
        candidates,
        candidate_table(candidates, Frame(size_wh)),
        is_face(candidates.boxes, truth(photo, mirrored, size_wh[0])),
    )


def train(rows: Table, labels: NDArray[np.bool_]) -> lgb.Booster:
    """One forest."""
    return lgb.train(SETTINGS, lgb.Dataset(rows, labels.astype(np.float64)), ROUNDS)


def cross_validate(
    rows: Table, labels: NDArray[np.bool_], fold: NDArray[np.int_]
) -> NDArray[np.float32]:
    """Each row's probability from a forest that never saw its photo."""
    probability = np.zeros(len(rows), np.float32)
    for k in range(FOLDS):
        out = fold == k
        probability[out] = np.asarray(train(rows[~out], labels[~out]).predict(rows[out]))
    return probability


def forest_json(booster: lgb.Booster, names: Sequence[str]) -> dict[str, Any]:
    """A forest as `detect.trees.Forest` reads it."""
    trees = []
    for info in booster.dump_model()["tree_info"]:
        nodes: list[tuple[int, float, int, int, float]] = []
        _flatten(info["tree_structure"], nodes)
        feature, threshold, left, right, value = zip(*nodes, strict=True)
        trees.append(
            {"feature": feature, "threshold": threshold, "left": left, "right": right,
             "value": value}
        )  # fmt: skip
    return {"features": list(names), "bias": 0.0, "trees": trees}


def _flatten(node: dict[str, Any], nodes: list[tuple[int, float, int, int, float]]) -> int:
    here = len(nodes)
    if "leaf_value" in node:
        nodes.append((-1, 0.0, here, here, float(f"{node['leaf_value']:.6g}")))
        return here
    nodes.append((0, 0.0, 0, 0, 0.0))
    left = _flatten(node["left_child"], nodes)
    right = _flatten(node["right_child"], nodes)
    # float32 features: nine digits tell any two of them apart.
    nodes[here] = (node["split_feature"], float(f"{node['threshold']:.9g}"), left, right, 0.0)
    return here


@dataclass
class Judged:
    """Cross-validated outcome for the photos that are not mirrored."""

    samples: list[Sample]
    boxes: list[Boxes]
    probability: list[NDArray[np.float32]]

    def tally(self, rule: Rule) -> Tally:
        """What a rule would hide."""
        chosen = [
            p >= rule.threshold(s.candidates.boxes, s.size_wh)
            for s, p in zip(self.samples, self.probability, strict=True)
        ]
        veiled = [boxes[which] for boxes, which in zip(self.boxes, chosen, strict=True)]
        rim = Look().margin - 1
        scales = [
            1 + rim * np.where(p[which] < DOUBTFUL, DOUBTFUL_RIM, 1)
            for p, which in zip(self.probability, chosen, strict=True)
        ]
        return simulate(((s.photo, s.size_wh) for s in self.samples), veiled, scales)

    def rule_for(self, over: float) -> Rule:
        """The rule whose over-redaction comes closest to `over` without passing it."""

        def rule(odds: float) -> Rule:
            return HOPE.model_copy(update={"odds": float(f"{odds:.3g}")})

        low, high = 1e-3, 3.0
        for _ in range(10):
            middle = float(np.sqrt(low * high))
            if self.tally(rule(middle)).over > over:
                low = middle
            else:
                high = middle
        return rule(high)


def report(tally: Tally) -> None:
    """Print what a tally holds."""
    print(f"  over-redaction {tally.over:.2%}")
    for name, (hits, n) in tally.headline().items():
        low, high = interval(hits, n)
        print(f"  {name:24s} {hits / n:.2%} ({low:.2%}-{high:.2%}, n={n})")
    for group, labels in tally.by_group().items():
        print(f"  {group}:", ", ".join(f"{k} {h / n:.1%} (n={n})" for k, (h, n) in labels.items()))


def learn(
    caution: Caution, photos: Sequence[Annotated], over: float, log: Callable[[str], None]
) -> tuple[dict[str, Any], Judged]:
    """Learn one operating point; returns its part of the model and the cross-validation."""
    point = POINTS[caution]
    eyes = Eyes(point)
    with ThreadPoolExecutor(2) as pool:
        samples = list(
            pool.map(
                lambda job: observe(eyes, *job), [(p, m) for p in photos for m in (False, True)]
            )
        )
    fold_of = np.random.default_rng(0).permutation(len(photos)) % FOLDS
    lengths = [len(s.label) for s in samples]
    fold = np.repeat(np.repeat(fold_of, 2), lengths)
    cuts = np.cumsum(lengths)[:-1]
    table = np.concatenate([s.table for s in samples])
    label = np.concatenate([s.label for s in samples])
    first = cross_validate(table, label, fold)
    log(f"first: {len(label)} rows, AP {average_precision_score(label, first):.4f}, "
        f"log loss {log_loss(label, first):.4f}")  # fmt: skip
    parts = np.split(first, cuts)

    def again(job: tuple[Sample, NDArray[np.float32]]) -> tuple[NDArray[np.bool_], Table, Boxes]:
        sample, p = job
        boxes = sample.candidates.boxes
        doubt = in_doubt(point, boxes, p, sample.size_wh)
        looks = eyes.look(read(sample.photo, sample.mirrored), boxes[doubt])
        rows = [sample.table[doubt], look_table(p[doubt], boxes[doubt], looks)]
        settled = boxes.copy()
        settled[doubt] = settle(sample.candidates.take(doubt), looks)
        return doubt, np.concatenate(rows, axis=1), settled

    with ThreadPoolExecutor(2) as pool:
        looked = list(pool.map(again, zip(samples, parts, strict=True)))
    doubt = np.concatenate([d for d, _, _ in looked])
    rows = np.concatenate([r for _, r, _ in looked])
    log(f"second look at {doubt.sum() / len(samples):.1f} candidates a photo")
    second = cross_validate(rows, label[doubt], fold[doubt])
    final = first.copy()
    final[doubt] = second
    log(f"second: AP {average_precision_score(label, final):.4f}, "
        f"log loss {log_loss(label, final):.4f}")  # fmt: skip
    probability = np.split(final, cuts)
    straight = [i for i, s in enumerate(samples) if not s.mirrored]
    judged = Judged(
        [samples[i] for i in straight],
        [looked[i][2] for i in straight],
        [probability[i] for i in straight],
    )
    rule = judged.rule_for(over)
    names = candidate_names(list(point.reaches))
    model = {
        "first": forest_json(train(table, label), names),
        "second": forest_json(train(rows, label[doubt]), [*names, *look_names(list(point.views))]),
        "rule": rule.model_dump(),
    }
    return model, judged


def main() -> None:
    """Learn the operating points named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("caution", type=Caution, choices=list(Caution))
    parser.add_argument("--over", type=float, required=True, help="wanted over-redaction, 0-1")
    parser.add_argument("--half", choices=HALVES, help="learn from every second photo only")
    parser.add_argument("--write", type=Path, nargs="?", const=MODEL, help="the model to write to")
    arguments = parser.parse_args()
    if arguments.half and arguments.write == MODEL:
        parser.error("--half: the built-in model learns from all photos; give --write a path")
    photos = half(load(eval_dir() / "wider_protest"), arguments.half)
    model, judged = learn(arguments.caution, photos, arguments.over, print)
    print(f"{arguments.caution}: cross-validated over {len(photos)} photos, rule {model['rule']}")
    report(judged.tally(Rule.model_validate(model["rule"])))
    if arguments.write:
        whole: dict[str, Any] = {"version": 1, "points": {}}
        if arguments.write.exists():
            whole = json.loads(arguments.write.read_text())
        whole["about"] = (
            "Boosted trees over the features of crowdveil.detect.features, learned by "
            "bench/train_fusion.py on annotated photos of protests. Apache-2.0."
        )
        whole["points"][str(arguments.caution)] = model
        arguments.write.write_text(json.dumps(whole, indent=None, separators=(",", ":")) + "\n")
        print("Its hash and size, for models/catalogue.py:")
        data = arguments.write.read_bytes()
        print(hashlib.sha256(data).hexdigest(), len(data))


if __name__ == "__main__":
    main()
