"""Finds the faces of a still picture that its veiled copy does not hide.

Two looks, each set more sensitively than the one that decides what is veiled: at the original,
and at the mirror image of the copy, which shows the detectors other samples of the same
faces. What either sees is compared between the two pictures, brought together by `alignment`: a
face counts as open where its texture is the same, whatever the detectors say of a veil. And the
copy stands for itself: a clear face in it is open, whatever the original shows there, as are faces
that lie or stand on their head. Time is left to `moving`, files to `check`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import FaceFinder
from crowdveil.evidence.alignment import Aligned
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.likeness import Drawing, Likeness, likeness
from crowdveil.evidence.turned import faces_at_angles
from crowdveil.geometry import Box, Boxes, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.plan import Action, Origin, Region

EXPOSED_FROM = 0.65
"""Probability from which an open face is certain enough to forbid publishing."""

CERTAIN_FROM, SECOND_FROM = 0.85, 0.2
"""Probability from which one look is enough; below, the other must hold the place for possible too.
Of 296 times that one look at an unveiled photo took something for a face, it did in 292."""

DOUBTFUL_FROM = 0.25
"""Probability from which a face that shows through its veil is worth a person's look."""

AGREED_FROM, HINTED_FROM = 0.2, 0.1
"""Geometric mean of what both looks say from which an open place is worth a person's look; the
second where what is in the copy has the structure of what is in the original."""

OPEN_FROM, PARTLY_FROM = 0.5, 0.2
"""Share of a face that is unchanged from which it counts as open, and as partly open: a face of
which four fifths are changed counts as hidden, as everywhere in crowdveil."""

WHOLE_FROM = 0.75
"""Share of a face that is not upright that must be unchanged for it to count as open."""

SHOWS_FROM, SHOWS_PX = 0.75, 24.0
"""Correlation from which a face of at least this size shows through its veil. Under `soft`, 1 %
of faces reach 0.62; under `mosaic`, half of them 0.5."""

_HIDDEN_MEAN, _HIDDEN_SPREAD, _SIGMAS = 0.1, 0.25, 3.5
"""What veils that let nothing through show by chance, and by how many standard errors the mean
over a picture must be above it to tell."""

_LEAST = 0.02
"""Probability below which nothing is worth a thought."""

FOREIGN_FROM = 0.6
"""Share of a face in the copy that is textured and not the original's from which it is a face of
its own and no veil."""

STRANGER_FROM, STRANGER_PX = 0.75, 16.0
"""Probability and size from which such a face forbids publishing."""

ITS_OWN, ITS_SHADE = 0.85, 0.5
"""Correlation from which a face in the copy is the original's own at other levels, and below which
it is another. Between the two lie mosaics, which keep some of it."""

_COVERED_FROM = 0.1
"""Probability from which an area is painted over in the report, if it is not hidden."""

_FEWEST = 3
_SAME_IOU = 0.3

_OPEN = "a face is open"
_PARTLY = "part of a face is open"
_MAYBE = "this may be a face, and it is open"
_SHOWS = "a face shows through its veil"
_KEPT = "a face is left bare, as the plan says"
_STRANGER = "a face is open that the original does not show there"
_OUTSIDE = "a face is open outside what the original shows"
_LOSSY = "the veils keep light and shade of the faces, as a blur or a mosaic does"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one still picture and its copy.

    Attributes:
        findings: open and doubtful faces.
        boxes: (n, 4) float32, everything in the original that may be a face, likeliest first.
        probability: (n,) float32.
        alike: how each compares with the copy.
        open_in_copy: (m, 4) float32, what may be a face by the copy alone and is no veil.
    """

    findings: tuple[Finding, ...]
    boxes: Boxes
    probability: NDArray[np.float32]
    alike: Likeness
    open_in_copy: Boxes

    @property
    def faces(self) -> NDArray[np.bool_]:
        """(n,) which are more likely a face than not."""
        return np.asarray(self.probability >= 0.5)

    @property
    def to_cover(self) -> Boxes:
        """(m, 4) what a report must paint over."""
        own = self.boxes[~self.hidden & (self.probability >= _COVERED_FROM)]
        return np.concatenate([own, self.open_in_copy])

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """(n,) which are hidden in the copy."""
        return np.asarray(self.alike.unchanged < PARTLY_FROM)


def look_for_faces(
    original: RGB,
    copy: RGB,
    aligned: Aligned,
    finder: FaceFinder,
    *,
    planned: Sequence[Region] = (),
    drawing: Drawing | None = None,
    quick: bool = False,
) -> Look:
    """Look at a picture and its copy.

    Args:
        original: (h, w, 3) uint8, upright.
        copy: (h', w', 3) uint8, as it is stored upright.
        aligned: the two as they can be compared.
        finder: at the operating point of the check.
        planned: the regions of the plan in this picture: what it veils must be hidden, what it
            leaves bare on purpose is named as doubtful only.
        drawing: what the plan would draw, None if unknown.
        quick: whether faces that are not upright are looked for in a reduced picture.
    """

    def compare(boxes: Boxes) -> Likeness:
        alike = likeness(aligned.before, aligned.after, boxes, drawing=drawing)
        return alike.but_for(aligned.unseen(boxes))

    kept = [region.box for region in planned if region.action is Action.KEEP]
    lies = aligned.registration
    seen = _candidates(original, finder, compare)
    # With the levels of the original: detectors see no face in a negative.
    oriented = aligned.levels.copy(lies.oriented(copy))
    width = oriented.shape[1]
    mirror = np.ascontiguousarray(oriented[:, ::-1])
    left = _candidates(
        mirror, finder, lambda boxes: compare(lies.from_oriented(_flipped(boxes, width)))
    )
    left = _placed(left, lies.from_oriented(_flipped(left.boxes, width)))
    alike, beside = compare(seen.boxes), compare(left.boxes)
    here, there = _best_at(left, seen.boxes), _best_at(seen, left.boxes)
    findings = judge(seen.boxes, seen.probability, here, alike, kept=kept)
    findings += not_as_planned(aligned, planned, drawing)
    # Beside a veil the copy has shapes that nobody has: how much of them is open says nothing.
    findings += judge(left.boxes, left.probability, there, beside, kept=kept, parts=False)
    outside = aligned.unseen(left.boxes)
    findings += alone(left.boxes, left.probability, beside, outside, kept=kept)
    boxes, probability = faces_at_angles(
        oriented, finder, lambda found: _worth(compare(lies.from_oriented(found))), quick=quick
    )
    boxes = lies.from_oriented(boxes)
    angled = compare(boxes)
    # Turned, shapes beside a veil look like anything: what is open there must be so for the most.
    whole = angled.unchanged >= WHOLE_FROM
    findings += judge(
        boxes[whole],
        probability[whole],
        probability[whole],
        angled.take(whole),
        kept=kept,
        parts=False,
    )
    findings += alone(boxes, probability, angled, aligned.unseen(boxes), kept=kept)
    certain = np.asarray(seen.probability >= 0.5)
    bare = (left.probability >= _COVERED_FROM) & (_worth(beside) | outside)
    return Look(
        (*merged(findings), *shows_through(seen.boxes[certain], alike.take(certain))),
        seen.boxes,
        seen.probability,
        alike,
        np.concatenate([left.boxes[bare], boxes]),
    )


def look_at_copy(copy: RGB, finder: FaceFinder, *, quick: bool) -> list[Finding]:
    """The clear faces of a copy that nothing is known of: all of them are open.

    Args:
        copy: (h, w, 3) uint8; boxes are in its pixels.
        finder: at the operating point of the check.
        quick: whether faces that are not upright are looked for in a reduced picture.
    """
    guesses = finder.guess(copy)
    faces = finder.add_custom(copy, finder.judge(copy, guesses, finder.in_doubt(guesses)))
    boxes, probability = faces_at_angles(
        copy, finder, lambda found: np.ones(len(found), np.bool_), quick=quick
    )
    boxes = np.concatenate([faces.boxes, boxes])
    probability = np.concatenate([faces.probability, probability])
    blank = likeness(np.full_like(copy, 128), copy, boxes)
    outside = np.zeros(len(boxes), np.bool_)
    return merged(alone(boxes, probability, blank, outside))


def alone(
    boxes: Boxes,
    probability: NDArray[np.float32],
    alike: Likeness,
    outside: NDArray[np.bool_],
    *,
    kept: Sequence[Box] = (),
) -> list[Finding]:
    """What n faces of a copy amount to by themselves, where the original shows something else.

    Args:
        boxes: (n, 4) float32.
        probability: (n,) float32, that each is a face, as it is in the copy.
        alike: how each compares with the original, but for veils that are known.
        outside: (n,) bool, which lie where the original shows nothing.
        kept: boxes that are bare on purpose.
    """
    findings = []
    purpose = _on_purpose(boxes, kept)
    for k in range(len(boxes)):
        chance, size_px = float(probability[k]), float((boxes[k, 2:] - boxes[k, :2]).max())
        if outside[k]:
            if chance >= EXPOSED_FROM:
                findings.append(_finding(boxes[k], Verdict.EXPOSED, _OUTSIDE, chance, 1.0))
            continue
        if alike.foreign[k] < FOREIGN_FROM or chance < STRANGER_FROM or size_px < STRANGER_PX:
            continue
        verdict, what = Verdict.EXPOSED, _STRANGER
        if alike.structure[k] >= ITS_OWN:
            what = _OPEN
        elif alike.structure[k] >= ITS_SHADE:
            verdict, what = Verdict.DOUBTFUL, _SHOWS
        if purpose[k]:
            verdict, what = Verdict.DOUBTFUL, _KEPT
        findings.append(_finding(boxes[k], verdict, what, chance, float(alike.unchanged[k])))
    return findings


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
    on_purpose = _on_purpose(boxes, kept)
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
            verdict, what = Verdict.DOUBTFUL, _KEPT
        findings.append(
            _finding(boxes[k], verdict, what, float(probability[k]), float(alike.unchanged[k]))
        )
    return findings


def _on_purpose(boxes: Boxes, kept: Sequence[Box]) -> NDArray[np.bool_]:
    """Which of (n, 4) boxes a plan leaves bare."""
    if not len(kept) or not len(boxes):
        return np.zeros(len(boxes), np.bool_)
    overlap = pairwise_iou(boxes, np.array(kept, np.float32))
    return np.asarray(overlap.max(axis=1) >= _SAME_IOU)


def _finding(
    box: NDArray[np.float32], verdict: Verdict, what: str, probability: float, unchanged: float
) -> Finding:
    x0, y0, x1, y1 = box.tolist()
    return Finding(
        subject=Subject.FACE,
        verdict=verdict,
        what=what,
        box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)),
        size_px=round(max(x1 - x0, y1 - y0), 1),
        probability=round(probability, 3),
        unchanged=round(unchanged, 3),
    )


def not_as_planned(
    aligned: Aligned, planned: Sequence[Region], drawing: Drawing | None
) -> list[Finding]:
    """What a plan veils and the copy shows: exposed if a person drew it or it is surely a face."""
    veiled = [region for region in planned if region.action is Action.VEIL]
    boxes = np.array([region.box for region in veiled], np.float32).reshape(-1, 4)
    alike = likeness(aligned.before, aligned.after, boxes, drawing=drawing)
    unchanged = alike.but_for(aligned.unseen(boxes)).unchanged.tolist()
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
        if probability >= (EXPOSED_FROM if other >= SECOND_FROM else CERTAIN_FROM):
            return Verdict.EXPOSED, _OPEN
        if probability >= EXPOSED_FROM:
            return Verdict.DOUBTFUL, _MAYBE
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
    doubt[doubt] = _worth(alike)
    faces = finder.add_custom(picture, finder.judge(picture, guesses, doubt))
    return faces.take(np.asarray(faces.probability >= _LEAST))


def _worth(alike: Likeness) -> NDArray[np.bool_]:
    """Which of n places are not plainly veiled."""
    return np.asarray((alike.unchanged >= PARTLY_FROM) | (alike.foreign >= FOREIGN_FROM))


def _placed(faces: Faces, boxes: Boxes) -> Faces:
    return Faces(boxes, faces.probability, faces.uncertain, faces.detectors)


def _flipped(boxes: Boxes, width: int) -> Boxes:
    flipped = boxes.copy()
    flipped[:, [0, 2]] = width - boxes[:, [2, 0]]
    return flipped


def _sizes(boxes: Boxes) -> NDArray[np.float32]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).max(axis=1), np.float32)
