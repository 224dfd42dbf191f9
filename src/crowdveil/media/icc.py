"""Keeps of an ICC profile what is needed to show colours, and nothing that identifies.

Profiles carry dates, makers, models, serial numbers of displays and free text. A profile
comes in; one with the same colour tags, a neutral header and a neutral name goes out. Where
a file describes its colours in numbers instead, a profile is made of them.
Source: ICC.1:2022 (profile version 4.4), clauses 7.2 (header), 9 (tags) and 10 (types).
"""

import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import ColourSpace

_HEADER = 128
_MAX_BYTES = 8_000_000
"""The largest press profiles have about 4 MB."""
_MAX_TAGS = 200
_NAME = "Neutral colour profile"
_NO_COPYRIGHT = "No copyright"
_TABLE_TAGS = frozenset(
    f"{kind}{k}".encode() for kind in ("A2B", "B2A", "D2B", "B2D") for k in range(4)
)
_COLOUR_TAGS = _TABLE_TAGS | {
    *(b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC"),
    *(b"wtpt", b"bkpt", b"chad", b"gamt", b"cicp"),
}
_SPACES = {ColourSpace.GREY: b"GRAY", ColourSpace.RGB: b"RGB ", ColourSpace.CMYK: b"CMYK"}
_CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"spac"})
_D50 = struct.pack(">3i", 0x0000F6D6, 0x00010000, 0x0000D32D)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_CURVE_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}

Chromaticities: TypeAlias = tuple[tuple[float, float], ...]
"""CIE x and y of white, red, green and blue."""

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""IEC 61966-2-1 as a parametric curve: g, a, b, c, d."""


SRGB_PRIMARIES: Chromaticities = ((0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_SRGB_CODE = 1
_CODED: dict[int, Chromaticities] = {
    1: SRGB_PRIMARIES,
    9: ((0.3127, 0.3290), (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.3127, 0.3290), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_SDR_CURVES = frozenset({1, 2, 6, 13, 14, 15})
"""The curves of television and sRGB, which viewers show alike."""
HDR_CURVES = frozenset({16, 18})
"""Perceptual quantiser and hybrid log-gamma."""


def neutral_profile(profile: bytes | None, space: ColourSpace) -> bytes | None:
    """Rebuild a profile from its colour tags.

    Args:
        profile: an ICC profile, or None.
        space: the colours of the picture that it belongs to.

    Returns:
        A profile that transforms colours alike; None if there was none, or if it is damaged
        or made for other colours, so that viewers ignore it as well.
    """
    if profile is None or not _HEADER + 4 < len(profile) <= _MAX_BYTES:
        return None
    fits = profile[16:20] == _SPACES[space] and profile[12:16] in _CLASSES
    if profile[36:40] != b"acsp" or not fits:
        return None
    tags = _colour_tags(profile)
    if not tags:
        return None
    return _assemble(_neutral_header(profile), tags | _texts(profile[8]))


def profile_of(
    chromaticities: Chromaticities, curve: tuple[float, float, float, float, float] | float
) -> bytes:
    """Make the profile of a space given by its primaries and one curve.

    Args:
        chromaticities: x and y of white, red, green and blue, 0-1.
        curve: an exponent, or g, a, b, c, d of ICC's parametric curve 3.

    Raises:
        ValueError: the primaries span no space.
    """
    columns = _adapted_columns(chromaticities)
    if isinstance(curve, float):
        shape = struct.pack(">4s4xHxx", b"para", 0) + _fixed([curve])
    else:
        shape = struct.pack(">4s4xHxx", b"para", 3) + _fixed(list(curve))
    tags = {b"wtpt": b"XYZ \0\0\0\0" + _D50}
    for k, name in enumerate((b"r", b"g", b"b")):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(columns[:, k].tolist())
        tags[name + b"TRC"] = shape
    header = bytearray(_HEADER)
    header[8:24] = b"\x04\x30\0\0mntrRGB XYZ "
    header[36:40] = b"acsp"
    return _assemble(_neutral_header(bytes(header)), tags | _texts(4))


def grey_profile_of(exponent: float) -> bytes:
    """Make the profile of greys whose light is a power of their samples."""
    header = bytearray(_HEADER)
    header[8:24] = b"\x04\x30\0\0mntrGRAYXYZ "
    curve = struct.pack(">4s4xHxx", b"para", 0) + _fixed([exponent])
    tags = {b"wtpt": b"XYZ \0\0\0\0" + _D50, b"kTRC": curve}
    return _assemble(_neutral_header(bytes(header)), tags | _texts(4))


def coded_profile(primaries: int, curve: int) -> bytes | None:
    """The profile of a space given by numbers of ITU-T H.273, tables 2 and 3.

    Returns:
        None for sRGB, which needs none, and for spaces that a profile cannot tell.
    """
    if primaries == _SRGB_CODE or primaries not in _CODED or curve not in _SDR_CURVES:
        return None
    return profile_of(_CODED[primaries], SRGB_CURVE)


def _adapted_columns(chromaticities: Chromaticities) -> NDArray[np.float64]:
    """XYZ of the primaries under D50, as ICC's matrix wants them. Source: Lindbloom, Bradford."""
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in chromaticities if y > 0]).T
    if xyz.shape != (3, 4) or abs(np.linalg.det(xyz[:, 1:])) < 1e-6:
        raise ValueError(f"primaries that span no colours: {chromaticities}")
    white = xyz[:, 0]
    columns = xyz[:, 1:] * np.linalg.solve(xyz[:, 1:], white)
    cone = np.array(_BRADFORD)
    gain = np.diag((cone @ [0.9642, 1.0, 0.8249]) / (cone @ white))
    return np.asarray(np.linalg.inv(cone) @ gain @ cone @ columns, np.float64)


def _fixed(values: list[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(v * 65536) for v in values))


def _colour_tags(profile: bytes) -> dict[bytes, bytes]:
    """The tags that carry colour, without the slack that could carry more; none if damaged."""
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MAX_TAGS or len(profile) < _HEADER + 4 + 12 * count:
        return {}
    tags = {}
    for k in range(count):
        name, offset, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * k)
        if name not in _COLOUR_TAGS:
            continue
        if offset + size > len(profile) or size < 12:
            return {}
        data = profile[offset : offset + size]
        tags[name] = data[:4] + bytes(4) + data[8 : _size_of(data)]
    return tags


def _size_of(data: bytes) -> int:
    """How long a tag has to be for its type; what follows is slack."""
    match data[:4]:
        case b"XYZ " | b"cicp":
            return 20 if data[:4] == b"XYZ " else 12
        case b"sf32":
            return 8 + 9 * 4
        case b"curv":
            return 12 + 2 * int.from_bytes(data[8:12], "big")
        case b"para":
            return 12 + 4 * _CURVE_PARAMETERS.get(int.from_bytes(data[8:10], "big"), 7)
    return len(data)


def _neutral_header(profile: bytes) -> bytes:
    header = bytearray(_HEADER)
    header[8:10] = profile[8:10]  # version
    header[12:24] = profile[12:24]  # class, colour space, connection space
    header[24:36] = struct.pack(">6H", 1980, 1, 1, 0, 0, 0)  # date of creation
    header[36:40] = b"acsp"
    header[67] = profile[67]  # rendering intent
    header[68:80] = _D50
    return bytes(header)


def _texts(version: int) -> dict[bytes, bytes]:
    """Name and copyright, which every profile must have."""
    if version >= 4:
        return {b"desc": _text_v4(_NAME), b"cprt": _text_v4(_NO_COPYRIGHT)}
    plain = b"text" + bytes(4) + _NO_COPYRIGHT.encode("ascii") + b"\0"
    return {b"desc": _text_v2(_NAME), b"cprt": plain}


def _text_v2(text: str) -> bytes:
    """A textDescriptionType of version 2 profiles, ASCII only."""
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(78)


def _text_v4(text: str) -> bytes:
    """A multiLocalizedUnicodeType with one record."""
    encoded = text.encode("utf-16-be")
    record = struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28)
    return b"mluc" + bytes(4) + record + encoded


def _assemble(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body = [], bytearray()
    start = _HEADER + 4 + 12 * len(tags)
    placed: dict[bytes, int] = {}
    for name, data in tags.items():
        # Curves are often shared by the three channels; keep that.
        if data not in placed:
            placed[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table.append(struct.pack(">4sII", name, placed[data], len(data)))
    whole = bytearray(header + struct.pack(">I", len(tags)) + b"".join(table) + body)
    struct.pack_into(">I", whole, 0, len(whole))
    return bytes(whole)
