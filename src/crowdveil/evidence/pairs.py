"""Finds for every original its veiled copy, and the plan between them.

Files or folders come in; pairs go out, and a sentence for everything that has no partner, as a
file that was not checked must not look checked. Copies are found by their place and name; those
that were renamed by what they show. What a pair is worth is left to `check`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.errors import CrowdveilError, UnreadableMedia
from crowdveil.evidence.films import Video
from crowdveil.media.photos import read_photo
from crowdveil.media.video.probe import open_clip
from crowdveil.outputs import PLAN_SUFFIX, place_under, video_place
from crowdveil.plan import Plan
from crowdveil.sources import Input, expand, judge_media
from crowdveil.veiling import sha256_of

_THUMB = 24
"""Side of the reduced pictures by which renamed copies are found."""

_CLOSE, _CLEARLY = 14.0, 0.6
"""Mean difference of reduced pictures, out of 255, below which they may show the same, and how
much closer than any other the right one must be."""


Thumb: TypeAlias = tuple[float, NDArray[np.float32]]
"""Width over height, and a picture much reduced."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An original and its veiled copy.

    Attributes:
        original: the file.
        copy: the veiled file.
        place: of the copy under its folder; what reports call the pair.
        is_video: whether it is a video by its container.
        plan: what was veiled, None if unknown.
        plan_path: where the plan was read from.
        by_look: whether the two were put together because they show the same.
    """

    original: Path
    copy: Path
    place: PurePath
    is_video: bool
    plan: Plan | None = None
    plan_path: Path | None = None
    by_look: bool = False


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A file that cannot be checked, and the sentence that says why."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Matched:
    """What the given paths hold: pairs, in the order of the originals, and what has no partner."""

    pairs: tuple[Pair, ...]
    unmatched: tuple[Unmatched, ...]


def match(
    original: Path,
    veiled: Path,
    *,
    plans: Path | None,
    thumb: Callable[[Input], Thumb | None],
) -> Matched:
    """Pair the originals with their copies.

    Args:
        original: a file or a folder.
        veiled: the copy, or the folder of the copies.
        plans: the folder of the plans, None if there are none.
        thumb: what gives pictures much reduced, as `thumb_of`.

    Raises:
        UnreadableMedia: a path does not exist.
        PlanInvalid: a plan in `plans` cannot be read.
    """
    for path in (original, veiled):
        if not path.exists():
            raise UnreadableMedia(f"{path}: is not there; check the path")
    known = _plans(plans) if plans else {}
    outputs = [veiled] if veiled.is_dir() and not original.samefile(veiled) else []
    sources = expand([original], judge_media, outputs=outputs)
    copies = expand([veiled], judge_media, outputs=[plans] if plans else [])
    unmatched = [Unmatched(one.path, one.error) for one in (*sources.refusals, *copies.refusals)]
    if original.is_file() and veiled.is_file():
        both = list(zip(sources.inputs, copies.inputs, strict=False))
        named = [(a, b, False) for a, b in both]
        left: list[Input] = []
        rest: list[Input] = []
        if len(both) != 1:
            return Matched((), tuple(unmatched))
    else:
        named, left, rest = _by_name(sources.inputs, copies.inputs)
        found = _by_look(left, rest, thumb)
        named += [(a, b, True) for a, b in found]
        left = [one for one in left if all(one is not a for a, _ in found)]
        rest = [one for one in rest if all(one is not b for _, b in found)]
    unmatched += [
        Unmatched(one.path, f"{one.path}: has no veiled copy, so nothing was checked for it")
        for one in left
    ]
    unmatched += [
        Unmatched(
            one.path, f"{one.path}: its original was not found, so it was NOT checked; give it"
        )
        for one in rest
    ]
    pairs = [_pair(a, b, known, by_look=by_look) for a, b, by_look in named]
    return Matched(tuple(pairs), tuple(unmatched))


def _pair(a: Input, b: Input, known: dict[str, tuple[Plan, Path]], *, by_look: bool) -> Pair:
    plan, path = known.get(sha256_of(a.path), (None, None)) if known else (None, None)
    return Pair(a.path, b.path, b.place, b.video is not None, plan, path, by_look)


def _plans(folder: Path) -> dict[str, tuple[Plan, Path]]:
    """Plans by the hash of their source."""
    if not folder.is_dir():
        raise UnreadableMedia(f"{folder}: is no folder of plans; check --plans")
    paths = sorted(folder.rglob(f"*{PLAN_SUFFIX}"))
    if not paths:
        raise UnreadableMedia(f"{folder}: holds no plan (*{PLAN_SUFFIX}); check --plans")
    loaded = [(Plan.load(path), path) for path in paths]
    return {plan.source.sha256: (plan, path) for plan, path in loaded}


def _by_name(
    sources: Sequence[Input], copies: Sequence[Input]
) -> tuple[list[tuple[Input, Input, bool]], list[Input], list[Input]]:
    """Pairs of one place, or of one place but for the suffix; and the rest of both."""
    by_place = {copy.place: copy for copy in copies}
    by_stem: defaultdict[PurePath, list[Input]] = defaultdict(list)
    for copy in copies:
        by_stem[copy.place.with_suffix("")].append(copy)
    pairs: list[tuple[Input, Input, bool]] = []
    taken: set[PurePath] = set()
    left = []
    for source in sources:
        found = next(
            (by_place[place] for place in _places(source) if place in by_place), None
        ) or _only([c for c in by_stem[source.place.with_suffix("")] if c.place not in taken])
        if found is None or found.place in taken or (found.video is None) != (source.video is None):
            left.append(source)
        else:
            taken.add(found.place)
            pairs.append((source, found, False))
    return pairs, left, [copy for copy in copies if copy.place not in taken]


def _places(source: Input) -> Iterator[PurePath]:
    """Where crowdveil would have put the copy."""
    if source.video is not None:
        yield video_place(source.place, source.video)
    else:
        yield place_under(source.place, source.format)
    yield source.place


def _only(found: Sequence[Input]) -> Input | None:
    return found[0] if len(found) == 1 else None


def _by_look(
    sources: Sequence[Input], copies: Sequence[Input], thumb: Callable[[Input], Thumb | None]
) -> list[tuple[Input, Input]]:
    """Pairs that show the same but for the faces, where there is no doubt about it."""
    if not sources or not copies:
        return []
    before = [(one, small) for one in sources if (small := thumb(one)) is not None]
    pairs: list[tuple[Input, Input]] = []
    for copy in copies:
        after = thumb(copy)
        free = [(one, small) for one, small in before if all(one is not a for a, _ in pairs)]
        if after is None or not free:
            continue
        apart = np.array([_difference(small, after) for _, small in free])
        best = int(apart.argmin())
        second = float(np.partition(apart, 1)[1]) if len(apart) > 1 else np.inf
        if apart[best] < _CLOSE and apart[best] < _CLEARLY * second:
            pairs.append((free[best][0], copy))
    return pairs


def _difference(
    a: tuple[float, NDArray[np.float32]], b: tuple[float, NDArray[np.float32]]
) -> float:
    if abs(a[0] / b[0] - 1) > 0.02:
        return 255.0
    # The median leaves out what was veiled.
    return float(np.median(np.abs(a[1] - b[1])))


def thumb_of(one: Input) -> Thumb | None:
    """Width over height, and the first picture much reduced; None if it cannot be read."""
    try:
        if one.video is not None:
            video = Video(open_clip(one.path))
            picture = next(video.frames()).rgb(video.scene.seen_wh(256))
        else:
            picture = read_photo(one.path).frames[0].rgb()
    except CrowdveilError:
        return None
    aspect = picture.shape[1] / picture.shape[0]
    small = cv2.resize(picture, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return aspect, small.astype(np.float32)
