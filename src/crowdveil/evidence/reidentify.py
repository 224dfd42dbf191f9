"""Attacks the veiled faces of pictures with face recognition, to see whether any is recognised.

For `crowdveil check` and for `bench`: originals, veiled results and the boxes of the faces come
in (`Pair`), a frozen `Reidentification` goes out, with every attack's rank-1, rank-10 and matches
at a false match rate of 1 in 10,000 beside chance. Templates exist only while `reidentify` runs.
Finding faces is left to `detect`, concluding to `reidentification`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.landmarks import SURE, LandmarkFinder
from crowdveil.evidence.attacks import Alignment, Enrolment, Searched, Threshold, search
from crowdveil.evidence.portraits import Cut, Portrait, Veil, enrolled, veil_with
from crowdveil.evidence.reidentification import (
    SIGNIFICANCE,
    Attack,
    AttackedFace,
    Figures,
    Reidentification,
)
from crowdveil.geometry import Box, Boxes
from crowdveil.media.picture import RGB
from crowdveil.recognise.embedder import Embedder
from crowdveil.redact.look import Look

MOST_FACES = 40
"""Faces attacked in one picture, the largest first, so that checking a crowd takes seconds."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One picture before and after, upright and of one size.

    Attributes:
        original, veiled: (h, w, 3) uint8 RGB.
        boxes: (n, 4) the veiled faces in pixels, half-open; n may be 0.
        groups: a label of the user's for each face, None where there is none; or empty.
        people: who each face is, so that several sights of one person, in several pictures, count
            as one; or empty if each is a person of its own.
        name: what the results call the picture.
    """

    original: RGB = field(repr=False)
    veiled: RGB = field(repr=False)
    boxes: Boxes
    groups: tuple[str | None, ...] = ()
    people: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse pictures or boxes that do not belong together."""
        for picture in (self.original, self.veiled):
            if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
                raise ValueError(f"pictures must be (h, w, 3) uint8, not {picture.shape}")
        if self.original.shape != self.veiled.shape:
            raise ValueError(
                f"{self.name or 'a pair'}: original {self.original.shape} and veiled "
                f"{self.veiled.shape} differ in size"
            )
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4:
            raise ValueError(f"boxes must have shape (n, 4), not {self.boxes.shape}")
        if self.groups and len(self.groups) != len(self.boxes):
            raise ValueError("there must be one group for each box, or none at all")
        if self.people and len(self.people) != len(self.boxes):
            raise ValueError("there must be one person for each box, or none at all")


def reidentify(
    pairs: Sequence[Pair],
    *,
    embedder: Embedder,
    veil: Veil | Look | None,
    gallery: Sequence[Portrait] = (),
    landmarks: LandmarkFinder | None = None,
    most_faces: int = MOST_FACES,
    significance: float = SIGNIFICANCE,
) -> Reidentification:
    """Attack the veiled faces of pictures.

    The references are the originals' own faces, each turned upright before plain grey as if
    from another photo (`portraits.enrolled` says why), and the faces of `gallery` likewise.

    Args:
        pairs: pictures before and after, with the boxes of the veiled faces.
        embedder: the attacker's recogniser.
        veil: how the pictures were veiled, for the parrot attack: the `Look` of crowdveil or
            any function that veils boxes; None if it is not known, which leaves that attack out.
        gallery: distractors, as `portraits.portraits` cuts them out of the user's photos.
        landmarks: to share one; made if None.
        most_faces: as `MOST_FACES`, at least 1.
        significance: as `SIGNIFICANCE`; its share if several recognisers are tried.

    Raises:
        WeightsInvalid: weights are missing or altered.
        ValueError: `most_faces` below 1.
    """
    if most_faces < 1:
        raise ValueError(f"most_faces must be at least 1, not {most_faces}")
    landmarks = landmarks or LandmarkFinder()
    victims = [
        victim
        for number, pair in enumerate(pairs)
        for victim in _victims(number, pair, landmarks, most_faces)
    ]
    fit = [victim for victim in victims if victim.fit]
    number = {person: k for k, person in enumerate(dict.fromkeys(one.person for one in fit))}
    # Several sights of one person have one reference, as strangers do.
    best = [
        max((one for one in fit if one.person == person), key=lambda one: one.size_px)
        for person in number
    ]
    references = [enrolled(one.before) for one in best]
    references += [enrolled(portrait) for portrait in gallery]
    attacks, searched = attack(
        [victim.after for victim in fit],
        references,
        np.array([number[one.person] for one in fit], np.intp),
        together=True,
        embedder=embedder,
        veil=veil_with(veil) if isinstance(veil, Look) else veil,
        landmarks=landmarks,
        groups=tuple(victim.group for victim in best),
    )
    faces = tuple(
        AttackedFace(
            pair=victim.pair,
            box=victim.box,
            group=victim.group,
            best_rank=min(int(one.rank[k]) for one in searched),
            matched=tuple(
                made.name for made, one in zip(attacks, searched, strict=True) if one.mated[k]
            ),
            recognised=any(
                bool(one.plain[k])
                for made, one in zip(attacks, searched, strict=True)
                if made.enrolment is Enrolment.CLEAN
            ),
        )
        for k, victim in enumerate(best)
    )
    return Reidentification(
        recogniser=embedder.recogniser,
        people=len(references),
        distractors=len(gallery),
        faces=faces,
        unfit=len({victim.person for victim in victims} - set(number)),
        left_out=sum(len(pair.boxes) for pair in pairs) - len(victims),
        attacks=attacks,
        significance=significance,
    )


def attack(
    probes: Sequence[Portrait],
    references: Sequence[Portrait],
    mates: NDArray[np.intp],
    *,
    embedder: Embedder,
    veil: Veil | None,
    landmarks: LandmarkFinder,
    groups: Sequence[str | None] = (),
    together: bool = False,
) -> tuple[tuple[Attack, ...], tuple[Searched, ...]]:
    """Run every attack on portraits that are at hand.

    Args:
        probes: n veiled portraits, with the landmarks of the unveiled faces.
        references: m clean portraits, one for each person.
        mates: (n,) index of each probe's own reference.
        embedder, veil: as for `reidentify`.
        landmarks: the attacker's own, for veiled portraits.
        groups: a label for each search, or none.
        together: whether probes with one mate are sights of one person and make one search, as in
            `search`.

    Returns:
        The attacks, and what became of each search in each of them; nothing without probes.
    """
    if not probes:
        return (), ()
    aligned = {
        alignment: embedder.embed_all(_aligned(probes, alignment, landmarks))
        for alignment in Alignment
    }
    known = embedder.recogniser
    fallback = None if known.threshold is None else Threshold(known.threshold, known.threshold_from)
    galleries: dict[tuple[Enrolment, Alignment], NDArray[np.float32]] = {}
    clean = embedder.embed_all(_aligned(references, Alignment.ORACLE, landmarks))
    for alignment in Alignment:
        galleries[Enrolment.CLEAN, alignment] = clean
    if veil is not None:
        alike = [veiled_portrait(portrait, veil) for portrait in references]
        for alignment in Alignment:
            galleries[Enrolment.PARROT, alignment] = embedder.embed_all(
                _aligned(alike, alignment, landmarks)
            )
    attacks, searched = [], []
    for (enrolment, alignment), templates in galleries.items():
        clean_gallery = enrolment is Enrolment.CLEAN
        one = search(
            aligned[alignment],
            templates,
            mates,
            fallback=fallback if clean_gallery else None,
            together=together,
        )
        searched.append(one)
        attacks.append(Attack(enrolment, alignment, _figures(one), tuple(_by_group(one, groups))))
    return tuple(attacks), tuple(searched)


def veiled_portrait(portrait: Portrait, veil: Veil) -> Portrait:
    """The same portrait, veiled."""
    boxes = np.array([portrait.box], np.float32)
    return Portrait(veil(portrait.picture, boxes), portrait.box, portrait.points)


@dataclass(frozen=True, slots=True)
class _Victim:
    """One veiled face: where it is, and its portraits before and after."""

    pair: int
    box: Box
    size_px: float
    person: tuple[int, int] | str
    group: str | None
    fit: bool
    before: Portrait
    after: Portrait


def _victims(
    number: int, pair: Pair, landmarks: LandmarkFinder, most_faces: int
) -> Iterator[_Victim]:
    """The largest faces of a pair, in the order of their boxes."""
    boxes = np.asarray(pair.boxes, np.float32)
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    which = np.sort(np.argsort(-longer, kind="stable")[:most_faces])
    found = landmarks.find(pair.original, boxes[which])
    size_wh = (pair.original.shape[1], pair.original.shape[0])
    for face, points, score in zip(which, found.points, found.scores, strict=True):
        x0, y0, x1, y1 = boxes[face].tolist()
        box = (x0, y0, x1, y1)
        cut = Cut.about(box, size_wh)
        yield _Victim(
            pair=number,
            box=box,
            size_px=float(longer[face]),
            person=pair.people[face] if pair.people else (number, int(face)),
            group=pair.groups[face] if pair.groups else None,
            fit=bool(score >= SURE),
            before=cut.of(pair.original, box, points),
            after=cut.of(pair.veiled, box, points),
        )


def _aligned(
    portraits: Sequence[Portrait], alignment: Alignment, landmarks: LandmarkFinder
) -> list[tuple[RGB, NDArray[np.float32]]]:
    """Portraits with the landmarks by which the attacker aligns them."""
    if alignment is Alignment.ORACLE:
        return [(one.picture, one.points) for one in portraits]
    pictures = [one.picture for one in portraits]
    boxes = np.array([one.box for one in portraits], np.float32)
    return list(zip(pictures, landmarks.find_each(pictures, boxes).points, strict=True))


def _figures(one: Searched, which: NDArray[np.bool_] | None = None) -> Figures:
    return Figures(one.within(1, which), one.within(10, which), one.matches(which))


def _by_group(one: Searched, groups: Sequence[str | None]) -> Iterator[tuple[str, Figures]]:
    for label in sorted({group for group in groups if group is not None}):
        which = np.array([group == label for group in groups], np.bool_)
        yield label, _figures(one, which)
