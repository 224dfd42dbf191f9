"""Finds the faces of a still picture that its veiled copy does not hide.

Two looks, each set more sensitively than the one that decides what is veiled: at the original,
and at the mirror image of the copy, which shows the detectors other samples of the same
faces. What either sees is compared between the two pictures: a face counts as open where its
texture is the same, whatever the detectors say of a veil. Time is left to `moving`, files to
`check`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import FaceFinder
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.likeness import Likeness, likeness
from crowdveil.geometry import Box, Boxes, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.plan import Action, Origin, Region

EXPOSED_FROM = 0.65
"""Probability from which an open face is certain enough to forbid publishing."""

DOUBTFUL_FROM = 0.25
"""Probability from which a face that shows through its veil is worth a person's look."""

AGREED_FROM, HINTED_FROM = 0.2, 0.1
"""Geometric mean of what both looks say from which an open place is worth a person's look; the
second where what is in the copy has the structure of what is in the original."""

OPEN_FROM, PARTLY_FROM = 0.5, 0.2
"""Share of a face that is unchanged from which it counts as open, and as partly open: a face of
which four fifths are changed counts as hidden, as everywhere in crowdveil."""

SHOWS_FROM, SHOWS_PX = 0.75, 24.0
"""Correlation from which a face of at least this size shows through its veil. Under `soft`, 1 %
of faces reach 0.62; under `mosaic`, half of them 0.5."""

_HIDDEN_MEAN, _HIDDEN_SPREAD, _SIGMAS = 0.1, 0.25, 3.5
"""What veils that let nothing through show by chance, and by how many standard errors the mean
over a picture must be above it to tell."""

_LEAST = 0.02
"""Probability below which nothing is worth a thought."""

_COVERED_FROM = 0.1
"""Probability from which an area is painted over in the report, if it is not hidden."""

_FEWEST = 3
_SAME_IOU = 0.3

_OPEN = "a face is open"
_PARTLY = "part of a face is open"
_MAYBE = "this may be a face, and it is open"
_SHOWS = "a face shows through its veil"
_LOSSY = "the veils keep light and shade of the faces, as a blur or a mosaic does"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one still picture and its copy.

    Attributes:
        findings: open and doubtful faces.
        boxes: (n, 4) float32, everything in the original that may be a face, likeliest first.
        probability: (n,) float32.
        alike: how each compares with the copy.
    """

    findings: tuple[Finding, ...]
    boxes: Boxes
    probability: NDArray[np.float32]
    alike: Likeness

    @property
    def faces(self) -> NDArray[np.bool_]:
        """(n,) which are more likely a face than not."""
        return np.asarray(self.probability >= 0.5)

    @property
    def to_cover(self) -> Boxes:
        """(m, 4) what a report must paint over."""
        return self.boxes[~self.hidden & (self.probability >= _COVERED_FROM)]

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """(n,) which are hidden in the copy."""
        return np.asarray(self.alike.unchanged < PARTLY_FROM)


def look_for_faces(
    original: RGB, copy: RGB, finder: FaceFinder, *, planned: Sequence[Region] = ()
) -> Look:
    """Look at a picture and its copy.

    Args:
        original: (h, w, 3) uint8, upright.
        copy: the same size.
        finder: at the operating point of the check.
        planned: the regions of the plan in this picture: what it veils must be hidden, what it
            leaves bare on purpose is named as doubtful only.
    """
    kept = [region.box for region in planned if region.action is Action.KEEP]
    mirror = np.ascontiguousarray(copy[:, ::-1])
    seen = _candidates(original, finder, lambda boxes: likeness(original, copy, boxes))
    left = _unmirrored(
        _candidates(
            mirror,
            finder,
            lambda boxes: likeness(original, copy, _flipped(boxes, copy.shape[1])),
        ),
        copy.shape[1],
    )
    alike = likeness(original, copy, seen.boxes)
    here, there = _best_at(left, seen.boxes), _best_at(seen, left.boxes)
    findings = judge(seen.boxes, seen.probability, here, alike, kept=kept)
    findings += not_as_planned(original, copy, planned)
    beside = likeness(original, copy, left.boxes)
    # Beside a veil the copy has shapes that nobody has: how much of them is open says nothing.
    findings += judge(left.boxes, left.probability, there, beside, kept=kept, parts=False)
    certain = np.asarray(seen.probability >= 0.5)
    return Look(
        (*merged(findings), *shows_through(seen.boxes[certain], _part(alike, certain))),
        seen.boxes,
        seen.probability,
        alike,
    )


def judge(
    boxes: Boxes,
    probability: NDArray[np.float32],
    other: NDArray[np.float32],
    alike: Likeness,
    *,
    kept: Sequence[Box] = (),
    parts: bool = True,
) -> list[Finding]:
    """What n candidates amount to, each by itself.

    Args:
        boxes: (n, 4) float32.
        probability: (n,) float32, that each is a face.
        other: (n,) float32, the same by the other look, 0 where that saw nothing.
        alike: how each compares with the copy.
        kept: boxes that are bare on purpose.
        parts: whether faces that are partly open are findings.
    """
    on_purpose = np.zeros(len(boxes), np.bool_)
    if len(kept) and len(boxes):
        on_purpose = pairwise_iou(boxes, np.array(kept, np.float32)).max(axis=1) >= _SAME_IOU
    findings = []
    for k in range(len(boxes)):
        size_px = float((boxes[k, 2:] - boxes[k, :2]).max())
        told = _told(
            float(probability[k]),
            float(other[k]),
            float(alike.unchanged[k]),
            float(alike.structure[k]),
            size_px,
        )
        if told is None or (told[1] == _PARTLY and not parts):
            continue
        verdict, what = told
        if on_purpose[k]:
            verdict, what = Verdict.DOUBTFUL, "a face is left bare, as the plan says"
        x0, y0, x1, y1 = boxes[k].tolist()
        findings.append(
            Finding(
                subject=Subject.FACE,
                verdict=verdict,
                what=what,
                box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)),
                size_px=round(size_px, 1),
                probability=round(float(probability[k]), 3),
                unchanged=round(float(alike.unchanged[k]), 3),
            )
        )
    return findings


def not_as_planned(original: RGB, copy: RGB, planned: Sequence[Region]) -> list[Finding]:
    """What a plan veils and the copy shows: exposed if a person drew it or it is surely a face."""
    veiled = [region for region in planned if region.action is Action.VEIL]
    boxes = np.array([region.box for region in veiled], np.float32).reshape(-1, 4)
    unchanged = likeness(original, copy, boxes).unchanged.tolist()
    return [
        Finding(
            subject=Subject.FACE,
            verdict=Verdict.EXPOSED
            if share >= OPEN_FROM and (one.origin is Origin.DRAWN or one.score >= EXPOSED_FROM)
            else Verdict.DOUBTFUL,
            what=f"region {one.id} of the plan is open",
            box=one.box,
            size_px=round(max(one.box[2] - one.box[0], one.box[3] - one.box[1]), 1),
            probability=round(one.score, 3),
            unchanged=round(share, 3),
        )
        for one, share in zip(veiled, unchanged, strict=True)
        if share >= PARTLY_FROM
    ]


def shows_through(boxes: Boxes, alike: Likeness) -> tuple[Finding, ...]:
    """Whether the hidden ones of n faces have more in common with themselves than chance gives.

    A single face proves little; the mean over a picture tells a lossy veil from one that lets
    nothing through.
    """
    hidden = alike.structure[(alike.unchanged < PARTLY_FROM) & (_sizes(boxes) >= SHOWS_PX)]
    if len(hidden) < _FEWEST:
        return ()
    mean = float(hidden.mean())
    if mean < _HIDDEN_MEAN + _SIGMAS * _HIDDEN_SPREAD / math.sqrt(len(hidden)):
        return ()
    what = f"{_LOSSY} (mean correlation {mean:.2f} over {len(hidden)} faces)"
    return (Finding(subject=Subject.VEIL, verdict=Verdict.DOUBTFUL, what=what),)


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Findings of which none lies over another: of those that do, the worst and surest stays."""
    rank = {Verdict.EXPOSED: 0, Verdict.DOUBTFUL: 1}
    ordered = sorted(findings, key=lambda one: (rank[one.verdict], -(one.probability or 0)))
    taken: list[Finding] = []
    for finding in ordered:
        if finding.box is None or not any(_same(finding.box, other.box) for other in taken):
            taken.append(finding)
    return taken


def _same(box: Box, other: Box | None) -> bool:
    if other is None:
        return False
    pair = np.array([box, other], np.float32)
    centre = (pair[0, :2] + pair[0, 2:]) / 2
    inside = bool((centre >= pair[1, :2]).all() and (centre < pair[1, 2:]).all())
    return inside or bool(pairwise_iou(pair[:1], pair[1:])[0, 0] >= _SAME_IOU)


def _told(
    probability: float, other: float, unchanged: float, structure: float, size_px: float
) -> tuple[Verdict, str] | None:
    if unchanged >= OPEN_FROM:
        if probability >= EXPOSED_FROM:
            return Verdict.EXPOSED, _OPEN
        # A face that is open is the same in both pictures; what only looks like one to a
        # detector seldom does so twice.
        both = math.sqrt(probability * other)
        if both >= AGREED_FROM or (both >= HINTED_FROM and structure >= SHOWS_FROM):
            return Verdict.DOUBTFUL, _MAYBE
    elif unchanged >= PARTLY_FROM:
        if probability >= EXPOSED_FROM:
            return Verdict.DOUBTFUL, _PARTLY
    elif probability >= DOUBTFUL_FROM and structure >= SHOWS_FROM and size_px >= SHOWS_PX:
        return Verdict.DOUBTFUL, _SHOWS
    return None


def _best_at(faces: Faces, boxes: Boxes) -> NDArray[np.float32]:
    """The greatest probability of any of the faces at each of (n, 4) boxes, 0 if none is there."""
    if not len(faces) or not len(boxes):
        return np.zeros(len(boxes), np.float32)
    there = pairwise_iou(boxes, faces.boxes) >= _SAME_IOU
    best: NDArray[np.float32] = np.where(there, faces.probability[None], 0).max(axis=1)
    return best.astype(np.float32)


def _candidates(picture: RGB, finder: FaceFinder, compare: Callable[[Boxes], Likeness]) -> Faces:
    """Whatever may be a face; what is hidden anyway is not looked at twice, which saves half."""
    guesses = finder.guess(picture)
    doubt = finder.in_doubt(guesses)
    alike = compare(guesses.candidates.boxes[doubt])
    doubt[doubt] = alike.unchanged >= PARTLY_FROM
    faces = finder.add_custom(picture, finder.judge(picture, guesses, doubt))
    return faces.take(np.asarray(faces.probability >= _LEAST))


def _unmirrored(faces: Faces, width: int) -> Faces:
    boxes = _flipped(faces.boxes, width)
    return Faces(boxes, faces.probability, faces.uncertain, faces.detectors)


def _flipped(boxes: Boxes, width: int) -> Boxes:
    flipped = boxes.copy()
    flipped[:, [0, 2]] = width - boxes[:, [2, 0]]
    return flipped


def _part(alike: Likeness, which: NDArray[np.bool_]) -> Likeness:
    return Likeness(alike.unchanged[which], alike.structure[which])


def _sizes(boxes: Boxes) -> NDArray[np.float32]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).max(axis=1), np.float32)
