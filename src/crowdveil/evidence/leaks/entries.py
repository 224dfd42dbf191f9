"""Looks into the descriptions of samples in MP4 and QuickTime files: codecs, their settings, and
the names that encoders leave there.

The box of descriptions comes in; leaks go out. What settings of decoders may hold is left to
`settings`. Source: ISO/IEC 14496-12, 8.5.2 and 12; ISO/IEC 14496-14; Apple, QuickTime File Format.
"""

import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.box_sizes import size_leaks
from crowdveil.evidence.leaks.boxes import Box, boxes, odd_box
from crowdveil.evidence.leaks.leak import Data, Leak, doubt, leftover, words
from crowdveil.evidence.leaks.makers import is_library, is_program
from crowdveil.evidence.leaks.profile import profile_leaks
from crowdveil.evidence.leaks.settings import settings_leaks

_MEASURED = words(
    "avcC hvcC av1C vpcC colr pasp clap btrt clli mdcv SmDm CoLL fiel gama dac3 dec3 dOps dfLa "
    "chrm amve cclv frma enda ccst lhvC dvcC dvvC srat alac auxi"
)
_SETTINGS = words("esds glbl strf wave")
_SMALL = words(
    "chan ftab styp damr d263 st3d sv3d tx3g samr hvcE auxC pcmC vttC mp4a dmlp ddts wfex udts "
    "chnl SA3D strf avss ACLR APRG ARES hist"
)
_MOST_SMALL_BYTES = 160
_PLAIN_MAKERS = (bytes(4), b"FFMP", b"appl")
"""Nobody, the field's library, and whoever follows Apple's example."""
_VIDEO_ENTRY, _SOUND_ENTRY = 78, 28
_SOUND_MORE = {0: 0, 1: 16, 2: 36}
_DENSITY = b"\0\x48"


def entry_leaks(data: Data, table: Box, handler: bytes, path: str) -> Iterator[Leak]:
    """What descriptions of samples hold besides what decoders need.

    Args:
        data: the whole file.
        table: the box of descriptions.
        handler: what kind of samples they are, as the track says.
        path: where the box is.
    """
    for entry in boxes(data, table.start + 8, table.end):
        here = f"{path}/{entry.kind}"
        if handler in (b"vide", b"auxv", b"pict"):
            yield from _picture(data, entry, here)
        elif handler == b"soun":
            yield from _sound(data, entry, here)
        elif entry.size > _MOST_SMALL_BYTES:
            yield Leak(f"{entry.size:,} bytes that describe timed data", here, entry.size)


def _picture(data: Data, entry: Box, here: str) -> Iterator[Leak]:
    if entry.size < _VIDEO_ENTRY:
        return
    length = data[entry.start + 42]
    name = bytes(data[entry.start + 43 : entry.start + 43 + min(length, 31)])
    field = bytes(data[entry.start + 42 : entry.start + 74])
    rest = field[1 + min(length, 31) :]
    if any(rest) or not is_program(name):
        yield Leak("a name of the encoder", here, 32)
    elif not is_library(name):
        yield doubt("the name of a common encoder", here, len(name))
    if bytes(data[entry.start + 12 : entry.start + 16]) not in _PLAIN_MAKERS:
        yield doubt("a maker's code", here, 4)
    start = entry.start + _VIDEO_ENTRY
    depth = struct.unpack_from(">H", data, entry.start + 74)[0]
    if bytes(data[entry.start + 76 : entry.start + 78]) == b"\0\0" and depth & 31 <= 8:
        # QuickTime's own palette follows.
        (last,) = struct.unpack_from(">H", data, start + 6)
        start += 8 + 8 * (last + 1)
    yield from _parts(data, entry, start, here)


def _sound(data: Data, entry: Box, here: str) -> Iterator[Leak]:
    if entry.size < _SOUND_ENTRY:
        return
    (version,) = struct.unpack_from(">H", data, entry.start + 8)
    start = entry.start + _SOUND_ENTRY + _SOUND_MORE.get(version, 0)
    if bytes(data[entry.start + 12 : entry.start + 16]) not in _PLAIN_MAKERS:
        yield doubt("a maker's code", here, 4)
    yield from _parts(data, entry, start, here)


def _parts(data: Data, entry: Box, start: int, path: str) -> Iterator[Leak]:
    """The boxes behind the fixed part of a description."""
    at = start
    for box in boxes(data, start, entry.end):
        at, here = box.end, f"{path}/{box.kind}"
        if box.kind == "colr" and data[box.start : box.start + 4] in (b"prof", b"rICC"):
            yield from profile_leaks(bytes(data[box.start + 4 : box.end]), here)
        elif box.kind == "dfLa" and box.size > 42:
            yield from settings_leaks("flac", bytes(data[box.start + 4 : box.end]), here)
        elif box.kind in _MEASURED:
            yield from size_leaks(data, box, here)
        elif box.kind in _SETTINGS:
            yield from settings_leaks(entry.kind, bytes(data[box.start : box.end]), here)
        elif box.kind in _SMALL:
            if box.size > _MOST_SMALL_BYTES:
                yield Leak(f"{box.size:,} bytes of settings", here, box.size)
        else:
            yield from odd_box(data, box, path)
    yield from leftover(data, at, entry.end, "behind a description of samples", path)
