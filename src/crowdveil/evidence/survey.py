"""Reads a film once, quickly, for what is needed to bring two films together.

A film comes in; thumbnails of all its frames and a few pictures of it go out. Two surveys give
the alignment of the films in space, and by `time_alignment` in time. Faces are left to `moving`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.alignment import Alignment
from crowdveil.evidence.films import Film
from crowdveil.evidence.levels import fit_levels
from crowdveil.evidence.registration import Registration, register
from crowdveil.evidence.time_alignment import Path, align_in_time, likeliest, stacked, thumbnail
from crowdveil.geometry import SizeWH
from crowdveil.media.picture import RGB

_SEEN_PX = 512
"""Longer side of the pictures by which films are registered."""

_MOST = 32
"""Pictures that are kept of a film at most; of a longer one every second, fourth, ... only."""

_TRIED = 3
"""Pictures of the copy that are registered at most."""

_LIKELY, _AGAINST = 2, 5
"""Pictures of the original that each is tried against: the likeliest, and others spread evenly."""

_EXACT_COST, _EXACT_MORE = 0.02, 1.3
"""How much worse the whole frame may fit than what was found, to be taken for simplicity."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a film shows, reduced.

    Attributes:
        thumbs: (n, 24, 32) uint8, of all frames.
        pictures: number of a frame, and the frame at a reduced size.
        size_wh: of a frame, in its own pixels.
    """

    thumbs: NDArray[np.uint8] = field(repr=False)
    pictures: tuple[tuple[int, RGB], ...] = field(repr=False)
    size_wh: SizeWH


@dataclass(frozen=True, slots=True)
class Together:
    """How a copy is brought to its original.

    Attributes:
        alignment: of the frames, in the films' own pixels.
        path: of the times.
    """

    alignment: Alignment
    path: Path


def survey(film: Film, breath: Callable[[], None]) -> Survey:
    """Read a film.

    Args:
        film: what to read.
        breath: called for every frame; raises to stop.
    """
    seen_wh = film.scene.seen_wh(_SEEN_PX)
    thumbs: list[NDArray[np.uint8]] = []
    pictures: list[tuple[int, RGB]] = []
    every = 1
    for frame in film.frames():
        breath()
        picture = frame.rgb(seen_wh)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        if len(thumbs) % every == 0:
            pictures.append((len(thumbs), picture))
        thumbs.append(thumbnail(grey))
        if len(pictures) > _MOST:
            pictures, every = pictures[::2], every * 2
    return Survey(stacked(thumbs), tuple(pictures), film.scene.size_wh)


def bring_together(original: Survey, copy: Survey) -> Together | None:
    """Align two films in space and time; None if it cannot be done with certainty."""
    best: Together | None = None
    for number, picture in _some(copy.pictures, _TRIED):
        found = _registered(original, picture, copy.thumbs[number])
        if found is None:
            continue
        registration, alignment = found
        for lies in dict.fromkeys((True, registration.exact)):
            one = registration.whole if lies else registration
            path = align_in_time(original.thumbs, copy.thumbs, one, alignment.levels)
            better = best is None or _rank(path) * _EXACT_MORE + _EXACT_COST < _rank(best.path)
            if better:
                full = one.scaled(original.size_wh, copy.size_wh)
                best = Together(Alignment(full, alignment.levels), path)
        if best is not None and best.path.unmatched == 0:
            return best
    if best is not None and best.path.unmatched == len(copy.thumbs):
        return None
    return best


def _rank(path: Path) -> float:
    """How badly two films fit: what is not matched counts most."""
    return path.cost + path.unmatched / max(len(path.shows), 1)


def _registered(
    original: Survey, picture: RGB, thumb: NDArray[np.uint8]
) -> tuple[Registration, Alignment] | None:
    """The registration of one picture of a copy, by the picture of the original that fits best."""
    best: tuple[Registration, RGB] | None = None
    known = original.thumbs[[number for number, _ in original.pictures]]
    likely = [original.pictures[k] for k in likeliest(known, thumb, _LIKELY)]
    for _, before in (*likely, *_some(original.pictures, _AGAINST)):
        found = register(before, picture)
        if found is not None and (best is None or found.votes[0] > best[0].votes[0]):
            best = found, before
        if best is not None and best[0].sure:
            break
    if best is None:
        return None
    registration, before = best
    shown = registration.aligned(picture)
    levels = fit_levels(before, shown, registration.places, registration.reach_px)
    return registration, Alignment(registration, levels)


def _some(pictures: tuple[tuple[int, RGB], ...], most: int) -> list[tuple[int, RGB]]:
    """At most so many, spread evenly."""
    chosen = np.linspace(0, len(pictures) - 1, min(most, len(pictures))).astype(int)
    return [pictures[k] for k in dict.fromkeys(chosen.tolist())]
