"""Takes a JPEG file apart into what its picture needs and what else is in it.

Bytes come in; the smallest file that decodes to the same picture comes out, with the tables
of its encoder and the metadata blocks beside it. Decoding pixels is left to `jpeg`.
Source: ITU-T T.81, annex B; CIPA DC-008 for APP1; JFIF 1.02 for APP0.
"""

import re
import struct
from dataclasses import dataclass, field

import numpy as np

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.notes import Notes
from crowdveil.media.pillow import damaged

MAX_SCANS = 100
"""A progressive file of a few bytes may ask for thousands of passes over a huge picture."""

_SOI, _EOI, _SOS, _DQT, _DHT, _DRI, _DNL, _COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC, 0xFE
_SOF = {0xC0: False, 0xC1: False, 0xC2: True}
"""Start-of-frame markers that are decoded, and whether each is progressive."""
_OTHER_SOF = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_TEM = 0x01
_AFTER_LAST_SCAN = frozenset({_DNL})
_BETWEEN_SCANS = frozenset({_SOS, _DHT, _DQT, _DRI}) | _AFTER_LAST_SCAN
"""What may follow a scan but the end; anything else is a byte gone wrong in it."""
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# fmt: off
ZIGZAG = np.array([
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
])
"""Where in a table of 8 rows the values of a file go, in their order."""
# fmt: on


@dataclass(frozen=True, slots=True)
class Component:
    """One colour component.

    Attributes:
        id: its number or letter in the file.
        sampling: horizontal and vertical sampling factors, 1-4.
        table: number of its quantisation table.
    """

    id: int
    sampling: tuple[int, int]
    table: int


@dataclass(slots=True)
class JpegFile:
    """What is in a JPEG file.

    Attributes:
        clean: the same picture without anything else.
        size_wh: width and height in pixels, as stored.
        progressive: whether it is.
        components: in the order of the file.
        tables: number to 64 quantisation steps, row by row.
        adobe: the colour transform of Adobe's marker, None without it.
        density: dots per inch of JFIF.
        icc: the assembled ICC profile.
        notes: metadata blocks.
    """

    clean: bytes = b""
    size_wh: tuple[int, int] = (0, 0)
    progressive: bool = False
    components: tuple[Component, ...] = ()
    tables: dict[int, tuple[int, ...]] = field(default_factory=dict)
    adobe: int | None = None
    density: tuple[float, float] | None = None
    icc: bytes | None = None
    notes: Notes = field(default_factory=Notes)


def parse(data: bytes, where: str) -> JpegFile:
    """Take a file apart.

    Args:
        data: the whole file; what follows its end marker is ignored.
        where: what to call the file in messages.

    Raises:
        UnreadableMedia: it ends before its end marker, or its structure is broken.
        UnsupportedMedia: lossless, arithmetic or 12-bit coding; a rare number of colours.
    """
    file = JpegFile()
    parts = [b"\xff\xd8"]
    apps: list[tuple[int, bytes]] = []
    scans, at = 0, 2
    missing: set[int] = set()
    while True:
        marker, at = _next_marker(data, at, where)
        if marker == _EOI:
            break
        if marker == _TEM and not scans:
            continue
        if marker == _SOI or (scans and marker not in _after_scan(file, missing)):
            raise damaged(where, "its picture breaks off")
        body = _body(data, at, where)
        at += 2 + len(body)
        if marker in _OTHER_SOF:
            raise UnsupportedMedia(
                f"{where}: is a JPEG with lossless, hierarchical or arithmetic coding, which is "
                "not read; export it as an ordinary JPEG or as PNG first"
            )
        if marker in _SOF:
            if file.components:
                raise damaged(where, "two pictures begin in one")
            _read_frame(file, body, where)
            file.progressive = _SOF[marker]
            missing = {part.id for part in file.components}
        elif marker == _DQT:
            _read_tables(file.tables, body, where)
        elif marker == _SOS:
            scans += 1
            if scans > MAX_SCANS:
                raise UnreadableMedia(
                    f"{where}: passes more than {MAX_SCANS} times over its picture, which is not "
                    "safe to decode; save it again as an ordinary JPEG first"
                )
            missing -= _begun(body)
        elif marker not in (_DHT, _DRI, _DNL):
            if 0xE0 <= marker <= 0xEF:
                apps.append((marker, body))
            continue
        parts.append(bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body)
        if marker == _SOS:
            end = _end_of_scan(data, at, where)
            parts.append(data[at:end])
            at = end
    if not file.components or not scans:
        raise damaged(where, "holds no picture")
    if missing:
        raise damaged(where, "some of its colours are missing")
    _read_apps(file, apps)
    file.clean = b"".join([parts[0], *_colour_markers(file, apps), *parts[1:], b"\xff\xd9"])
    return file


def next_marker_at(data: bytes, at: int) -> int:
    """Where the next marker is, past filling and the pixels of a scan; -1 without one."""
    found = _NEXT_MARKER.search(data, at)
    return found.start() if found else -1


def _next_marker(data: bytes, at: int, where: str) -> tuple[int, int]:
    """The next marker, past any filling, and where its body begins."""
    found = _NEXT_MARKER.search(data, at)
    if found is None:
        raise damaged(where, "it ends too early")
    return data[found.end() - 1], found.end()


def _body(data: bytes, at: int, where: str) -> bytes:
    size = int.from_bytes(data[at : at + 2], "big")
    if size < 2 or at + size > len(data):
        raise damaged(where, "it ends too early")
    return data[at + 2 : at + size]


def _end_of_scan(data: bytes, at: int, where: str) -> int:
    found = _NEXT_MARKER.search(data, at)
    if found is None:
        raise damaged(where, "it ends too early")
    return found.start()


def _after_scan(file: JpegFile, missing: set[int]) -> frozenset[int]:
    """What may follow a scan."""
    return _BETWEEN_SCANS if file.progressive or missing else _AFTER_LAST_SCAN


def _begun(body: bytes) -> set[int]:
    """The components whose first pass is in a scan: all in it, or none if it only refines."""
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        return set()
    first, refines = body[1 + 2 * count], body[3 + 2 * count] >> 4
    return set() if first or refines else set(body[1 : 1 + 2 * count : 2])


def _read_frame(file: JpegFile, body: bytes, where: str) -> None:
    if len(body) < 6 or len(body) < 6 + 3 * body[5] or not body[5]:
        raise damaged(where, "its header makes no sense")
    if body[5] not in (1, 3, 4):
        raise UnsupportedMedia(
            f"{where}: is a JPEG of {body[5]} colours, which is not read; "
            "export it as an ordinary JPEG or as PNG first"
        )
    if body[0] != 8:
        raise UnsupportedMedia(
            f"{where}: is a JPEG with {body[0]} bits a sample, which is not read; "
            "export it as an ordinary JPEG or as PNG first"
        )
    height, width = struct.unpack_from(">HH", body, 1)
    if not height:
        raise UnsupportedMedia(
            f"{where}: is a JPEG that tells its height only at its end, which is not read; "
            "export it as an ordinary JPEG or as PNG first"
        )
    file.size_wh = width, height
    file.components = tuple(
        Component(body[k], (body[k + 1] >> 4, body[k + 1] & 15), body[k + 2])
        for k in range(6, 6 + 3 * body[5], 3)
    )


def _read_tables(tables: dict[int, tuple[int, ...]], body: bytes, where: str) -> None:
    at = 0
    while at < len(body):
        wide, number = body[at] >> 4, body[at] & 15
        size = 128 if wide else 64
        steps = np.frombuffer(body[at + 1 : at + 1 + size], ">u2" if wide else "u1")
        if len(steps) != 64:
            raise damaged(where, "its tables are cut off")
        natural = np.empty(64, np.int64)
        natural[ZIGZAG] = steps
        # The first definition is the one the first scan was made with.
        tables.setdefault(number, tuple(natural.tolist()))
        at += 1 + size


def _read_apps(file: JpegFile, apps: list[tuple[int, bytes]]) -> None:
    exif = xmp = None
    photoshop = b""
    icc: dict[int, bytes] = {}
    for marker, body in apps:
        if marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 12:
            unit, x, y = struct.unpack_from(">BHH", body, 7)
            scale = {1: 1.0, 2: 2.54}.get(unit, 0.0)
            if x * scale >= 1 and y * scale >= 1:
                file.density = x * scale, y * scale
        elif marker == 0xE1 and body[:4] == b"Exif":
            exif = exif or body[6:]
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            xmp = xmp or body[29:]
        elif marker == 0xE2 and body[:12] == b"ICC_PROFILE\0" and len(body) > 14:
            icc.setdefault(body[12], body[14:])
        elif marker == 0xED and body[:14] == b"Photoshop 3.0\0":
            photoshop += body[14:]
        elif marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            file.adobe = body[11]
    file.icc = b"".join(icc[k] for k in sorted(icc)) or None
    file.notes = Notes(exif=exif, xmp=xmp, iptc=iptc_of(photoshop))


def iptc_of(resources: bytes) -> bytes | None:
    """The IPTC datasets among Photoshop's image resources, None if there are none."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        kind = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = 1 + resources[at + 6]
        start = at + 6 + name + name % 2
        size = int.from_bytes(resources[start : start + 4], "big")
        if kind == 0x0404:
            return resources[start + 4 : start + 4 + size] or None
        at = start + 4 + size + size % 2
    return None


def _colour_markers(file: JpegFile, apps: list[tuple[int, bytes]]) -> list[bytes]:
    """The two markers by which decoders tell colour spaces, freshly written."""
    markers = []
    if any(marker == 0xE0 and body[:5] == b"JFIF\0" for marker, body in apps):
        markers.append(b"\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    if file.adobe is not None:
        markers.append(b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0" + bytes([file.adobe]))
    return markers
