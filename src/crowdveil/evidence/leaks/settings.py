"""Looks into the settings that decoders get before the first sample, for what is no setting.

A codec's name and its settings come in; leaks go out: comments of Vorbis, Theora, Speex and FLAC
with their fields, pictures in FLAC, texts, and more bytes than any codec needs.
Source: Vorbis I specification, 5; FLAC (RFC 9639), 8; ISO/IEC 14496-1, 7.2.6 for descriptors.
"""

import re
import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.box_sizes import size_leaks
from crowdveil.evidence.leaks.boxes import Box
from crowdveil.evidence.leaks.leak import Leak, doubt
from crowdveil.evidence.leaks.makers import is_library, is_program

_MOST_BYTES = 640
"""More than parameter sets of the video codecs take."""
_TABLES_BYTES = 16_384
"""Of the codes that Vorbis and Theora bring with them."""
_TEXT = re.compile(rb"[\x20-\x7e]{10,}")
_COMMENTS = (b"\x03vorbis", b"\x81theora")
_FLAC_FACTS, _FLAC_PADDING, _FLAC_SEEKS, _FLAC_COMMENT, _FLAC_PICTURE = 0, 1, 3, 4, 6
_RECORDS = {"V_MPEGH/ISO/HEVC": "hvcC", "V_MPEG4/ISO/AVC": "avcC", "V_AV1": "av1C"}
"""Settings in the form that MP4 files have them in."""
_TABLES_OF_BYTES = (b"HFYU", b"FFVH")
"""Codecs that bring lengths of codes, which look like letters."""
_PLAIN_FIELDS = frozenset({b"ENCODER", b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK"})


def settings_leaks(codec: str, body: bytes, place: str) -> Iterator[Leak]:
    """What the settings of a decoder hold besides settings.

    Args:
        codec: its name, in any container's words.
        body: the settings.
        place: where they are in the file.
    """
    comment = next((body.find(magic) for magic in _COMMENTS if magic in body), -1)
    if comment >= 0:
        yield from _comment(body[comment + 7 :], place)
        if len(body) > _TABLES_BYTES:
            yield Leak(f"{len(body):,} bytes of settings", place, len(body))
    elif kind := _RECORDS.get(codec):
        # Notes in them are told by `units`.
        yield from size_leaks(body, Box(kind, 0, len(body), 0), place)
    elif "flac" in codec.lower():
        yield from _flac(body.removeprefix(b"fLaC"), place)
    else:
        if len(body) > _MOST_BYTES:
            yield Leak(f"{len(body):,} bytes of settings", place, len(body))
        tables = any(name in codec.encode() + body[:64] for name in _TABLES_OF_BYTES)
        for text in () if tables else _TEXT.findall(body):
            if not is_library(text) and not _is_library_inside(text):
                if is_program(text):
                    yield doubt("the name of a common encoder", place, len(text))
                else:
                    yield Leak("a text in the settings of a codec", place, len(text))


def _is_library_inside(text: bytes) -> bool:
    """Whether bytes before and behind a library's name only happen to be printable."""
    found = re.search(rb"(Lav[cf]\d|x26[45] - |XviD\d|DivX\d|x264 - core)", text)
    if found is None:
        return False
    return found.start() <= 3 and len(text) - found.end() <= 48


def _comment(body: bytes, place: str) -> Iterator[Leak]:
    """A vendor's name, then fields."""
    (size,) = struct.unpack_from("<I", body)
    vendor, at = body[4 : 4 + size], 4 + size
    if not is_library(vendor):
        yield (doubt if is_program(vendor) else Leak)(
            "the name of a common encoder" if is_program(vendor) else "a name of the encoder",
            place,
            len(vendor),
        )
    (count,) = struct.unpack_from("<I", body, at)
    at += 4
    for _ in range(min(count, 1000)):
        (size,) = struct.unpack_from("<I", body, at)
        name, _, value = body[at + 4 : at + 4 + size].partition(b"=")
        at += 4 + size
        plain = name.upper() in _PLAIN_FIELDS and (
            is_library(value) or re.fullmatch(rb"0x[0-9a-fA-F]+", value)
        )
        if not plain:
            told = "".join(chr(c) for c in name[:40] if 32 < c < 127)
            yield Leak(f"a comment in the sound or picture ({told})", place, size)


def _flac(body: bytes, place: str) -> Iterator[Leak]:
    at, last = 0, False
    while at + 4 <= len(body) and not last:
        kind, size = body[at] & 127, int.from_bytes(body[at + 1 : at + 4], "big")
        last = body[at] > 127
        part = body[at + 4 : at + 4 + size]
        if kind == _FLAC_COMMENT:
            yield from _comment(part, place)
        elif kind == _FLAC_PICTURE:
            yield Leak("a picture in the sound", place, size)
        elif kind == _FLAC_PADDING:
            if any(part):
                yield Leak("something in padding", place, size)
        elif kind not in (_FLAC_FACTS, _FLAC_SEEKS) or (kind == _FLAC_FACTS and size != 34):
            yield Leak("a program's data in the sound", place, size)
        at += 4 + size
    if any(body[at:]):
        yield Leak("bytes behind the settings of the sound", place, len(body) - at)
