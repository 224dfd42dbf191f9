"""Gathers veiled faces from all checked files and lets recognisers attack them together.

Small cut-outs of faces, before and after, come in; the figures of the attacks go out, and a
finding for every face that was recognised. One gallery of all files tells more than one of
each. Cut-outs live in memory only. The attacks themselves are left to `reidentify`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.evidence import reidentify as attacks
from crowdveil.evidence.attacks import Share
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.portraits import Portrait
from crowdveil.evidence.record import AttackFigures, AttackRecord, Rate
from crowdveil.evidence.reidentification import SIGNIFICANCE, Reidentification
from crowdveil.geometry import Box
from crowdveil.media.picture import RGB
from crowdveil.recognise.embedder import Embedder
from crowdveil.redact.look import Look

MOST_A_PICTURE = 4
"""Faces of one picture that are attacked, the largest first: that keeps a check of a crowd within
three times the time of veiling it."""

MOST_FACES = 400
"""Faces that are attacked together."""

LEAST_PX = 20.0
"""Faces smaller than this are not attacked: no recogniser knows them unveiled either."""

_TELLS_PX = 32
"""Longer side of a veiled face below which resembling itself alone means nothing: recognisers see
112 pixels, and veils as small as that resemble each other."""

_AROUND = 3.2
_LARGEST_PX = 160


@dataclass(frozen=True, slots=True)
class VeiledFace:
    """A veiled face with its surroundings, before and after.

    Attributes:
        before, after: (h, w, 3) uint8, of one size. Never to be shown or saved.
        box: the face in pixels of them.
        where: the face in pixels of the upright original.
        size_px: its longer side there.
        frame: number of its frame or page, None for the only one.
        time_s: when that is shown, None for photos.
        person: who it is in its file; several sights of one count as one. Empty for a person of
            its own.
    """

    before: RGB = field(repr=False)
    after: RGB = field(repr=False)
    box: Box
    where: Box
    size_px: float
    frame: int | None
    time_s: float | None
    person: str = ""


def veiled_face(
    before: RGB,
    after: RGB,
    box: Box,
    *,
    where: Box,
    frame: int | None = None,
    time_s: float | None = None,
    person: str = "",
) -> VeiledFace:
    """Cut a face out of a picture and its copy.

    Args:
        before, after: (h, w, 3) uint8, of one size.
        box: the face in pixels of them.
        where: the face in pixels of the upright original.
        frame: number of the frame or page, None for the only one.
        time_s: when it is shown, None for photos.
        person: as in `VeiledFace`.
    """
    x0, y0, x1, y1 = box
    longer = max(x1 - x0, y1 - y0, 1.0)
    x, y, half = (x0 + x1) / 2, (y0 + y1) / 2, longer * _AROUND / 2
    height, width = before.shape[:2]
    left, top = int(min(max(x - half, 0), width - 1)), int(min(max(y - half, 0), height - 1))
    right = max(min(int(np.ceil(x + half)), width), left + 1)
    bottom = max(min(int(np.ceil(y + half)), height), top + 1)
    scale = min(1.0, _LARGEST_PX / longer)
    size = max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1)
    parts = [_fitted(picture[top:bottom, left:right], size) for picture in (before, after)]
    across, down = size[0] / (right - left), size[1] / (bottom - top)
    return VeiledFace(
        parts[0],
        parts[1],
        ((x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down),
        where,
        max(where[2] - where[0], where[3] - where[1]),
        frame,
        time_s,
        person,
    )


def _fitted(part: RGB, size: tuple[int, int]) -> RGB:
    if part.shape[1::-1] == size:
        return np.ascontiguousarray(part)
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Attacked:
    """What came of attacking all faces.

    Attributes:
        records: the figures of each attacker, in their order.
        recognised: for each file the faces that were recognised by any of them, and a finding
            for each.
    """

    records: tuple[AttackRecord, ...]
    recognised: tuple[tuple[tuple[Finding, VeiledFace], ...], ...]


def attack_all(
    faces: Sequence[Sequence[VeiledFace]],
    *,
    look: Look | None,
    gallery: Sequence[Portrait],
    landmarks: LandmarkFinder,
    attackers: Sequence[Embedder],
    groups: Sequence[str | None],
) -> Attacked:
    """Attack the veiled faces of all files together.

    Args:
        faces: for each file its veiled faces.
        look: how they were veiled, None if unknown.
        gallery: further faces to search among.
        landmarks: finds eyes, nose and mouth.
        attackers: the recognisers.
        groups: for each file the group that its people belong to, or None.
    """
    flat = [(k, face) for k, each in enumerate(faces) for face in each]
    flat.sort(key=lambda one: -one[1].size_px)
    spare, flat = max(len(flat) - MOST_FACES, 0), flat[:MOST_FACES]
    pairs = [
        attacks.Pair(
            face.before,
            face.after,
            np.array([face.box], np.float32),
            groups=(groups[k],) if groups[k] is not None else (),
            people=(f"{k}/{face.person}",) if face.person else (),
        )
        for k, face in flat
    ]
    found = [
        attacks.reidentify(
            pairs,
            embedder=embedder,
            veil=look,
            gallery=gallery,
            landmarks=landmarks,
            significance=SIGNIFICANCE / len(attackers),
        )
        for embedder in attackers
    ]
    recognised: list[list[tuple[Finding, VeiledFace]]] = [[] for _ in faces]
    for number, (k, face) in enumerate(flat):
        if (finding := _finding(number, face, found)) is not None:
            recognised[k].append((finding, face))
    return Attacked(
        tuple(_record(one, spare) for one in found), tuple(tuple(each) for each in recognised)
    )


def _finding(number: int, face: VeiledFace, found: Sequence[Reidentification]) -> Finding | None:
    """What the attackers together know of one face, None if nothing."""
    by, exposed = [], False
    for each in found:
        for one in each.faces:
            if one.pair == number and (one.matched or one.recognised):
                exposed = exposed or one.recognised or bool(each.exposing)
                how = f": {', '.join(one.matched)}" if one.matched else ""
                by.append(f"{each.recogniser.name}{how}")
    if not by or (not exposed and face.size_px < _TELLS_PX):
        return None
    known = "a recogniser knows this veiled face"
    alike = "this veiled face resembles its own beyond the threshold"
    x0, y0, x1, y1 = (round(value, 1) for value in face.where)
    return Finding(
        subject=Subject.IDENTITY,
        verdict=Verdict.EXPOSED if exposed else Verdict.DOUBTFUL,
        what=f"{known if exposed else alike} ({'; '.join(by)})",
        box=(x0, y0, x1, y1),
        size_px=round(face.size_px, 1),
        frame=face.frame,
        time_s=face.time_s,
    )


def _record(found: Reidentification, spare: int) -> AttackRecord:
    figures = []
    for attack in found.attacks:
        for group, one in ((None, attack.overall), *attack.groups):
            figures.append(
                AttackFigures(
                    name=attack.name,
                    group=group,
                    rank_1=_rate(one.rank_1),
                    rank_10=_rate(one.rank_10),
                    matches=None if one.matches is None else _rate(one.matches.share),
                    threshold=None
                    if one.matches is None
                    else round(one.matches.threshold.value, 4),
                    threshold_from="" if one.matches is None else one.matches.threshold.source,
                )
            )
    return AttackRecord(
        recogniser=found.recogniser.name,
        sha256=found.recogniser.sha256,
        verdict=found.verdict.value,
        people=found.people,
        distractors=found.distractors,
        faces=len(found.faces),
        unfit=found.unfit,
        left_out=found.left_out + spare,
        attacks=tuple(figures),
        sentences=found.sentences(),
    )


def _rate(share: Share) -> Rate:
    low, high = share.interval
    return Rate(
        hits=share.hits,
        trials=share.trials,
        low=round(float(low), 5),
        high=round(float(high), 5),
        chance=round(share.chance, 6),
    )
