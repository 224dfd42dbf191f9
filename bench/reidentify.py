"""Who is still recognised behind a veil: LFW, style by attack, with exact intervals.

A gallery of everybody's first photo is searched with the second photos, veiled; the attacker
knows the landmarks of the original (the worst case) or not, veils the gallery alike (parrot) or
not, or has trained a linear map from veiled to clean faces on other people. Every style is
compared, probe by probe, with the same photos in which the whole head is blacked out.

    python bench/reidentify.py                    # everything, about half an hour on two cores
    python bench/reidentify.py soft blur --people 100
    python bench/reidentify.py --check            # each photo against itself, as `check` does
    python bench/reidentify.py --threshold        # what 1 in 10,000 pairs of strangers exceeds
    python bench/reidentify.py --embedder dlib raw soft blur
"""

import argparse
import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.evidence.attacks import Alignment, Enrolment, Searched, Share, search
from crowdveil.evidence.portraits import Portrait, Veil, veil_with
from crowdveil.evidence.reidentify import Pair, attack, reidentify, veiled_portrait
from crowdveil.geometry import Boxes
from crowdveil.media.picture import RGB
from crowdveil.plan import Shape
from crowdveil.recognise.align import chip
from crowdveil.recognise.embedder import Embedder, load_embedder
from crowdveil.redact.look import Look, Style
from protest import eval_dir

FOLDS = 5
THUMB_PX = 16
HEAD = 1.8
"""Side of the blacked-out head area over the side of the face's box: hair, ears and chin."""


@dataclass(frozen=True)
class People:
    """Everyone's first photo, and the second one of those who have two.

    Attributes:
        gallery: m portraits, one for each person.
        probes: n portraits.
        mates: (n,) index of each probe's person in the gallery.
    """

    gallery: list[Portrait]
    probes: list[Portrait]
    mates: NDArray[np.intp]


def load(folder: Path, most: int | None) -> People:
    """Find the face nearest to the middle of every photo of LFW, and its landmarks."""
    detectors = load_detectors()
    finder, landmarks = FaceFinder(detectors=detectors), LandmarkFinder(detectors)

    def portrait(path: Path) -> Portrait | None:
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGB"))
        boxes = finder.find(picture).boxes
        if not len(boxes):
            print(f"no face found in {path.name}", file=sys.stderr)
            return None
        middle = np.array(picture.shape[1::-1]) / 2
        distance = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - middle).sum(axis=1)
        box = boxes[int(distance.argmin())]
        found = landmarks.find(picture, box[None])
        x0, y0, x1, y1 = box.tolist()
        return Portrait(picture, (x0, y0, x1, y1), found.points[0])

    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    folders.sort(key=lambda path: -len(list(path.glob("*.jpg"))))
    people = People([], [], np.empty(0, np.intp))
    mates = []
    for person in folders[:most]:
        first, *rest = sorted(person.glob("*.jpg"))
        reference = portrait(first)
        if reference is None:
            continue
        for path in rest[:1]:
            probe = portrait(path)
            if probe is not None:
                mates.append(len(people.gallery))
                people.probes.append(probe)
        people.gallery.append(reference)
    return People(people.gallery, people.probes, np.array(mates, np.intp))


def plain(picture: RGB, boxes: Boxes) -> RGB:
    """No veil at all."""
    return picture


def blacked_out(picture: RGB, boxes: Boxes) -> RGB:
    """The baseline: the whole head area black, so that nothing of the face or its veil is left."""
    out = picture.copy()
    for x0, y0, x1, y1 in boxes.tolist():
        x, y, half_w, half_h = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
        left, top = max(int(x - half_w * HEAD), 0), max(int(y - half_h * HEAD), 0)
        out[top : int(np.ceil(y + half_h * HEAD)), left : int(np.ceil(x + half_w * HEAD))] = 0
    return out


def deface(how: str) -> Veil:
    """What deface 1.5.0 draws by default (masks 1.3, ellipse), on the same boxes."""

    def veil(picture: RGB, boxes: Boxes) -> RGB:
        out = picture.copy()
        height, width = out.shape[:2]
        for box in boxes.astype(int).tolist():
            wide, high = box[2] - box[0], box[3] - box[1]
            # 1.3 - 1 as deface computes it: the last bit decides how a half is rounded.
            grown = np.array(box) + (1.3 - 1.0) * np.array([-wide, -high, wide, high])
            x0, y0, x1, y1 = np.round(grown).astype(int).tolist()
            y0, y1 = max(0, y0), min(height - 1, y1)
            x0, x1 = max(0, x0), min(width - 1, x1)
            part = out[y0:y1, x0:x1]
            if how == "solid":
                out[y0 : y1 + 1, x0 : x1 + 1] = 0
            elif how == "blur":
                smooth = cv2.blur(part, ((x1 - x0) // 2, (y1 - y0) // 2))
                rows, columns = np.ogrid[: y1 - y0, : x1 - x0]
                down, across = (y1 - y0) // 2, (x1 - x0) // 2
                inside = ((rows - down) / down) ** 2 + ((columns - across) / across) ** 2 < 1
                part[inside] = smooth[inside]
            else:
                for y in range(y0, y1, 20):
                    for x in range(x0, x1, 20):
                        out[y : min(y1, y + 19) + 1, x : min(x1, x + 19) + 1] = out[y, x].copy()
        return out

    return veil


VEILS: dict[str, Veil] = {
    "raw": plain,
    **{str(style): veil_with(Look(style=style)) for style in Style},
    "soft, margin 1.5": veil_with(Look(margin=1.5)),
    "soft, margin 2": veil_with(Look(margin=2.0)),
    "soft, box 1.8": veil_with(Look(margin=HEAD, shape=Shape.BOX)),
    "deface blur": deface("blur"),
    "deface mosaic": deface("mosaic"),
    "deface solid": deface("solid"),
}


def each_search(
    people: People, veil: Veil, embedder: Embedder, landmarks: LandmarkFinder
) -> dict[str, Searched]:
    """Every attack on probes under one veil, the trained one last."""
    probes = [veiled_portrait(probe, veil) for probe in people.probes]
    attacks, searched = attack(
        probes,
        people.gallery,
        people.mates,
        embedder=embedder,
        veil=veil,
        landmarks=landmarks,
    )
    names = {
        (Enrolment.CLEAN, Alignment.OWN): "clean",
        (Enrolment.CLEAN, Alignment.ORACLE): "clean, oracle",
        (Enrolment.PARROT, Alignment.OWN): "parrot",
        (Enrolment.PARROT, Alignment.ORACLE): "parrot, oracle",
    }
    found = {
        names[one.enrolment, one.alignment]: result
        for one, result in zip(attacks, searched, strict=True)
    }
    found["trained, oracle"] = trained(people, probes, veil, embedder)
    return found


def trained(people: People, probes: Sequence[Portrait], veil: Veil, embedder: Embedder) -> Searched:
    """An attacker who learned to map veiled faces to clean templates from other people.

    Ridge regression from what is seen under the veil (the template of the veiled face and its
    pixels at 16 x 16) to the template of the clean face: of the same photo for people with one,
    of the other photo for people with two. People are split into folds; a probe is mapped by
    what was learned without its person.
    """
    clean = embedder.embed_all([(one.picture, one.points) for one in people.gallery])
    clean_probes = embedder.embed_all([(one.picture, one.points) for one in people.probes])
    seen_gallery = features([veiled_portrait(one, veil) for one in people.gallery], embedder)
    seen_probes = features(probes, embedder)
    single = np.setdiff1d(np.arange(len(people.gallery)), people.mates)
    fold = np.random.default_rng(0).permutation(len(people.probes)) % FOLDS
    mapped = np.empty((len(probes), clean.shape[1]), np.float32)
    for k in range(FOLDS):
        known = np.flatnonzero(fold != k)
        mates = people.mates[known]
        x = np.concatenate([seen_gallery[single], seen_probes[known], seen_gallery[mates]])
        y = np.concatenate([clean[single], clean[mates], clean_probes[known]])
        mapped[fold == k] = _mapped(x, y, seen_probes[fold == k])
    return search(
        _unit(mapped - clean.mean(axis=0)), _unit(clean - clean.mean(axis=0)), people.mates
    )


def _mapped(
    x: NDArray[np.float32], y: NDArray[np.float32], seen: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Predict templates, from nothing or as a change of the veiled one, whichever learns better."""
    width = y.shape[1]
    best, predicted = -np.inf, np.zeros((len(seen), width), np.float32)
    for kept in (0.0, 1.0):
        ridge = RidgeCV(alphas=np.logspace(1, 7, 13), scoring="neg_mean_squared_error")
        model = make_pipeline(StandardScaler(), ridge).fit(x, y - kept * x[:, :width])
        if ridge.best_score_ > best:
            best = ridge.best_score_
            predicted = model.predict(seen) + kept * seen[:, :width]
    return np.asarray(predicted, np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


class Remembering(Embedder):
    """An embedder that embeds no chip twice in one run; in memory only."""

    def __init__(self, inner: Embedder) -> None:
        """Wrap another one."""
        super().__init__(inner.recogniser, inner.frame, inner._run)
        self._known: dict[bytes, NDArray[np.float32]] = {}

    def embed_chips(self, chips: Sequence[RGB]) -> NDArray[np.float32]:
        """As the other one."""
        keys = [hashlib.sha256(one.tobytes()).digest() for one in chips]
        new = {key: one for key, one in zip(keys, chips, strict=True) if key not in self._known}
        vectors = super().embed_chips(list(new.values()))
        self._known.update(zip(new, vectors, strict=True))
        return np.stack([self._known[key] for key in keys])


def features(portraits: Sequence[Portrait], embedder: Embedder) -> NDArray[np.float32]:
    """Template and thumbnail of each veiled face, (n, d + 16 * 16 * 3) float32."""
    chips = [chip(one.picture, one.points, embedder.frame) for one in portraits]
    thumbs = [
        cv2.resize(one, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).reshape(-1) / 255
        for one in chips
    ]
    return np.concatenate([embedder.embed_chips(chips), np.array(thumbs, np.float32)], axis=1)


def share_text(share: Share) -> str:
    """A share with its interval, in per cent."""
    low, high = share.interval
    return f"{share.rate:.1%} ({float(low):.1%}-{float(high):.1%})"


def mcnemar(one: Searched, baseline: Searched, places: int) -> str:
    """Exact McNemar test of hits against the baseline's, probe by probe: gained, lost, p."""
    hit, base = one.rank <= places, baseline.rank <= places
    gained, lost = int((hit & ~base).sum()), int((base & ~hit).sum())
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return f"+{gained} -{lost}, p = {p:.2g}"


def show_check(names: Iterable[str], people: People, embedder: Embedder) -> None:
    """Print what `crowdveil check` would say of all the probes as one folder of photos."""
    landmarks = LandmarkFinder()
    print("| style | verdict | attack | rank 1 | rank 10 | as if unveiled |")
    print("|---|---|---|---|---|---|")
    for name in names:
        veil = VEILS[name]
        pairs = []
        for one in people.probes:
            boxes = np.array([one.box], np.float32)
            pairs.append(Pair(one.picture, veil(one.picture, boxes), boxes))
        result = reidentify(pairs, embedder=embedder, veil=veil, landmarks=landmarks)
        shown = sum(face.recognised for face in result.faces)
        for kind in result.attacks:
            first, ten = kind.overall.rank_1, kind.overall.rank_10
            hits = f"{first.hits} of {first.trials} | {ten.hits}"
            print(f"| {name} | {result.verdict} | {kind.name} | {hits} | {shown} |", flush=True)


def show_threshold(people: People, embedder: Embedder) -> None:
    """Similarities that rare pairs of different people exceed, and who is recognised then."""
    clean = embedder.embed_all([(one.picture, one.points) for one in people.gallery])
    probes = embedder.embed_all([(one.picture, one.points) for one in people.probes])
    pairs = np.sort((clean @ clean.T)[np.triu_indices(len(clean), 1)])
    mated = (probes * clean[people.mates]).sum(axis=1)
    print(f"{embedder.recogniser.name}: {len(pairs):,} pairs of different people")
    first = search(probes, clean, people.mates).within(1)
    print(f"unveiled, rank 1 among {len(clean)} people: {share_text(first)}")
    for rate in (1e-3, 1e-4, 1e-5):
        threshold = float(pairs[len(pairs) - 1 - int(rate * len(pairs))])
        share = Share(int((mated > threshold).sum()), len(mated), rate)
        print(f"FMR {rate:g}: threshold {threshold:.4f}, recognised {share_text(share)}")


def show(names: Iterable[str], people: People, embedder: Embedder, rank: int) -> None:
    """Print the table, style by attack."""
    landmarks = LandmarkFinder()
    baseline = each_search(people, blacked_out, embedder, landmarks)
    m = len(people.gallery)
    print(f"{embedder.recogniser.name}, {len(people.probes)} probes, {m} people; chance ", end="")
    print(f"{1 / m:.2%} and {rank / m:.2%}\n")
    print(f"| style | attack | rank 1 | rank {rank} |", end="")
    print(f" rank 1 against head blacked out | rank {rank} |")
    print("|---|---|---|---|---|---|")

    def rows(name: str, found: dict[str, Searched]) -> None:
        for kind, one in found.items():
            first, more = share_text(one.within(1)), share_text(one.within(rank))
            tests = [mcnemar(one, baseline[kind], places) for places in (1, rank)]
            print(f"| {name} | {kind} | {first} | {more} | {tests[0]} | {tests[1]} |", flush=True)

    rows("head blacked out", baseline)
    for name in names:
        rows(name, each_search(people, VEILS[name], embedder, landmarks))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("styles", nargs="*", default=list(VEILS), metavar="style")
    parser.add_argument("--people", type=int, help="only so many, those with two photos first")
    parser.add_argument("--rank", type=int, default=10, help="length of the longer list")
    parser.add_argument("--check", action="store_true", help="each photo against itself only")
    parser.add_argument("--threshold", action="store_true", help="print thresholds only")
    parser.add_argument("--embedder", default="sface", help="sface, dlib or an ONNX file")
    chosen = parser.parse_args()
    if chosen.embedder == "dlib":
        from crowdveil.recognise.dlib_resnet import load_dlib

        embedder = load_dlib()
    else:
        embedder = load_embedder(None if chosen.embedder == "sface" else Path(chosen.embedder))
    embedder = Remembering(embedder)
    people = load(eval_dir() / "lfw", chosen.people)
    if chosen.threshold:
        show_threshold(people, embedder)
    elif chosen.check:
        show_check(chosen.styles, people, embedder)
    else:
        show(chosen.styles, people, embedder, chosen.rank)


if __name__ == "__main__":
    main()
