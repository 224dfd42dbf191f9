"""Finds what a JPEG file holds besides its first picture.

Further pictures behind the first are told apart by their own words, by the list of a
multi-picture file and by the list that phones put into XMP; videos and sound by their bytes.
Source: CIPA DC-007 (multi-picture format); ISO 21496-1 and Adobe (gain maps); Google
(Dynamic Depth, photo and audio in XMP); JPEG XT.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress

from crowdveil.media.besides import Besides
from crowdveil.media.embedded import Jpeg, embedded, found_in, jpeg_at

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_MORE_XMP_HEAD = len(_MORE_XMP) + 40
"""Behind the name: a hash, the whole length and the place of this part."""
_IN_XMP = (
    (re.compile(rb"GImage:Data\W"), Besides.PICTURE),
    (re.compile(rb"GDepth:Data\W"), Besides.DEPTH_MAP),
    (re.compile(rb"GAudio:Data\W"), Besides.SOUND),
)
_SEMANTIC = re.compile(rb"Item:Semantic\s*(?:=\s*[\"']|>)\s*(\w+)")
_LISTED = {
    b"GainMap": Besides.GAIN_MAP,
    b"Depth": Besides.DEPTH_MAP,
    b"DepthMap": Besides.DEPTH_MAP,
    b"Confidence": Besides.AUXILIARY,
    b"SegmentationMask": Besides.MASK,
}
_GAIN = (b"hdr-gain-map", b"21496:-1", b"hdrgainmap")
_DEPTH = (b"depthdata", b"disparity", b"auxiliary:depth")
_MASK = (b"effectsmatte", b"matte")
_PREVIEW_CLASS, _DISPARITY, _GAIN_TYPE = 0x01, 0x020002, 0x050000
_ENTRIES = 0xB002


def find(data: bytes) -> Iterator[Besides]:
    """What else is in a JPEG file, one by one."""
    first = jpeg_at(data, 0)
    yield from _in_segments(first)
    behind = list(found_in(data, first.end))
    pictures = [(one, at) for one, at in behind if isinstance(one, Jpeg)]
    types = _listed_types(first)
    words = _semantics(first) if pictures else []
    # Phones list a video too, always last.
    words = words[: len(pictures)] if len(words) >= len(pictures) else []
    for number, (picture, at) in enumerate(pictures):
        kind = _kind(picture, types.get(at, 0), words[number] if words else b"")
        if kind is not None:
            yield kind
    yield from (one for one, _ in behind if isinstance(one, Besides))


def _in_segments(jpeg: Jpeg) -> Iterator[Besides]:
    """What lies in application segments, which hold at most 64 kB each."""
    xmp = _joined(jpeg, 0xE1, _XMP, len(_XMP)) + _joined(jpeg, 0xE1, _MORE_XMP, _MORE_XMP_HEAD)
    for pattern, kind in _IN_XMP:
        if pattern.search(xmp):
            yield kind
    if any(body.startswith(b"FLIR\0") for _, _, body in jpeg.apps):
        yield Besides.THERMAL
    boxed = _joined(jpeg, 0xEB, b"", 0)
    if b"HDR_RI" in boxed or (boxed.startswith(b"JP") and b"RESI" in boxed):
        yield Besides.HDR_LAYER
    for marker in (0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xEA):
        body = _joined(jpeg, marker, b"", 0)
        yield from (one for one in embedded(body, 0) if one in (Besides.SOUND, Besides.MOTION))


def _joined(jpeg: Jpeg, marker: int, prefix: bytes, skip: int) -> bytes:
    return b"".join(
        body[skip:] for kind, _, body in jpeg.apps if kind == marker and body.startswith(prefix)
    )


def _semantics(jpeg: Jpeg) -> list[bytes]:
    """What the list in XMP calls the pictures behind the first."""
    words = _SEMANTIC.findall(_joined(jpeg, 0xE1, _XMP, len(_XMP)))
    return [word for word in words if word not in (b"Primary", b"MotionPhoto")]


def _kind(picture: Jpeg, listed: int, word: bytes) -> Besides | None:
    """What a further picture is; None for a preview."""
    own = b"".join(body for _, _, body in picture.apps).lower()
    if listed >> 16 == _PREVIEW_CLASS:
        return None
    if listed == _GAIN_TYPE or any(sign in own for sign in _GAIN):
        return Besides.GAIN_MAP
    if listed == _DISPARITY or any(sign in own for sign in _DEPTH):
        return Besides.DEPTH_MAP
    if any(sign in own for sign in _MASK):
        return Besides.MASK
    return _LISTED.get(word, Besides.PICTURE)


def _listed_types(jpeg: Jpeg) -> dict[int, int]:
    """Where the list of a multi-picture file says that pictures begin, to their types."""
    types: dict[int, int] = {}
    for marker, at, body in jpeg.apps:
        if marker == 0xE2 and body.startswith(b"MPF\0"):
            with suppress(struct.error):
                types |= _entries(body[4:], at + 4)
    return types


def _entries(block: bytes, base: int) -> dict[int, int]:
    order = "<" if block[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, at)
    types = {}
    for k in range(count):
        tag, _, size, place = struct.unpack_from(order + "HHII", block, at + 2 + 12 * k)
        for entry in range(place, place + size, 16) if tag == _ENTRIES else ():
            attribute, _, offset = struct.unpack_from(order + "III", block, entry)
            types[base + offset] = attribute & 0xFFFFFF
    return types
