"""Finds what a HEIF or AVIF file holds besides its primary picture and its transparency.

Items are judged by how they hang together (`iso_file`), tracks by what they carry, and
everything else by its bytes, as phones append the video of a motion photo in ways of their own.
"""

from collections.abc import Iterator

from crowdveil.media.besides import Besides
from crowdveil.media.embedded import embedded
from crowdveil.media.iso_file import ALPHA, CODED, DERIVED, IsoFile, Track, parse

_AUXILIARY = (
    (b"gainmap", Besides.GAIN_MAP),
    (b"depth", Besides.DEPTH_MAP),
    (b"disparity", Besides.DEPTH_MAP),
    (b"auxid:2", Besides.DEPTH_MAP),
    (b"matte", Besides.MASK),
)
_TONE_MAP = b"tmap"
_PICTURES = CODED | DERIVED
_OF_THE_PICTURE = frozenset({b"ftyp", b"meta", b"moov", b"mdat"})


def find(data: bytes, *, plays: bool) -> Iterator[Besides]:
    """What else is in the file, one by one.

    Args:
        data: the whole file.
        plays: whether its animation is what was read.
    """
    file = parse(data)
    yield from _items(file)
    yield from _tracks(file.tracks, plays=plays)
    for box in file.boxes:
        if box.kind not in _OF_THE_PICTURE:
            yield from embedded(data, box.start, box.end)
    yield from embedded(data, file.end)


def _items(file: IsoFile) -> Iterator[Besides]:
    if file.primary is None:
        return
    copied = file.parts_of(file.primary)
    for alpha in file.alphas_of(file.primary):
        copied |= file.parts_of(alpha)
    gains = set()
    for number, item in file.items.items():
        if item.kind == _TONE_MAP:
            gains |= set(file.targets(b"dimg", number)) - copied
    yield from [Besides.GAIN_MAP] * len(gains)
    parts = {
        target for kind, _, targets in file.references if kind == b"dimg" for target in targets
    }
    previews = {source for kind, source, _ in file.references if kind == b"thmb"}
    auxiliary = {source for kind, source, _ in file.references if kind == b"auxl"}
    for number, item in file.items.items():
        if number in copied | gains | parts | previews or item.kind not in _PICTURES:
            continue
        if number not in auxiliary and not item.auxiliary:
            yield Besides.PICTURE
        elif item.auxiliary not in ALPHA:
            yield _auxiliary(item.auxiliary)


def _auxiliary(kind: bytes) -> Besides:
    kind = kind.lower()
    return next((name for sign, name in _AUXILIARY if sign in kind), Besides.AUXILIARY)


def _tracks(tracks: list[Track], *, plays: bool) -> Iterator[Besides]:
    moving = [track for track in tracks if track.handler in (b"pict", b"vide")]
    if not plays and any(track.samples > 1 for track in moving):
        yield Besides.SEQUENCE
    yield from [Besides.SEQUENCE] * (len(moving) - 1 if plays else 0)
    for track in tracks:
        if track.handler == b"soun":
            yield Besides.SOUND
        elif track.handler == b"auxv" and track.auxiliary not in ALPHA and plays:
            yield _auxiliary(track.auxiliary)
