"""Keeps of an ICC profile what is needed to show colours, and nothing that identifies.

Profiles carry dates, makers, models, serial numbers of displays and free text. A profile
comes in; one with the same colour tags, a neutral header and a neutral name goes out.
Source: ICC.1:2022 (profile version 4.4), clauses 7.2 (header) and 9 (tags).
"""

import struct

_HEADER = 128
_NAME = "Neutral colour profile"
_COLOUR_TAGS = frozenset(
    tag.encode()
    for tag in (
        "A2B0 A2B1 A2B2 A2B3 B2A0 B2A1 B2A2 B2A3 D2B0 D2B1 D2B2 D2B3 B2D0 B2D1 B2D2 B2D3 "
        "rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC wtpt bkpt chad chrm gamt pre0 pre1 pre2 cicp"
    ).split()
)


def neutral_profile(profile: bytes | None) -> bytes | None:
    """Rebuild a profile from its colour tags.

    Args:
        profile: an ICC profile, or None.

    Returns:
        A profile that transforms colours alike; None if there was none or it is damaged.
    """
    if profile is None or len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > 200 or len(profile) < _HEADER + 4 + 12 * count:
        return None
    tags: dict[bytes, bytes] = {}
    for k in range(count):
        name, offset, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * k)
        if offset + size > len(profile):
            return None
        if name in _COLOUR_TAGS:
            tags[name] = profile[offset : offset + size]
    if not tags:
        return None
    text = _text_v4 if profile[8] >= 4 else _text_v2
    tags[b"desc"] = text(_NAME)
    tags[b"cprt"] = _text_v4("No copyright") if profile[8] >= 4 else _plain_text("No copyright")
    return _assemble(_neutral_header(profile), tags)


def _neutral_header(profile: bytes) -> bytes:
    header = bytearray(profile[:_HEADER])
    header[4:8] = bytes(4)  # preferred colour engine
    header[24:36] = struct.pack(">6H", 1980, 1, 1, 0, 0, 0)  # date of creation
    header[40:44] = bytes(4)  # platform
    header[48:64] = bytes(16)  # maker, model and attributes of the device
    header[80:128] = bytes(48)  # creator, profile identifier, reserved
    return bytes(header)


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


def _text_v2(text: str) -> bytes:
    """A textDescriptionType of version 2 profiles, ASCII only."""
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(78)


def _plain_text(text: str) -> bytes:
    return b"text" + bytes(4) + text.encode("ascii") + b"\0"


def _text_v4(text: str) -> bytes:
    """A multiLocalizedUnicodeType with one record."""
    encoded = text.encode("utf-16-be")
    record = struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28)
    return b"mluc" + bytes(4) + record + encoded
