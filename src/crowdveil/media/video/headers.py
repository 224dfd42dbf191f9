"""Takes the comments out of the headers of sound: titles, names, even pictures.

The codec's own header, as a container stores it, comes in; the same header without anything
that is not needed to play goes out. Formats whose header has no room for comments are left
as they are.
"""

_FLAC = b"fLaC"
_FLAC_INFO_BYTES = 34
_VORBIS_COMMENT = b"\x03vorbis" + bytes(4) + bytes(4) + b"\x01"
"""A comment header by nobody, with no comments: two lengths of zero and the framing bit."""


def bare_header(codec: str, header: bytes | None) -> bytes | None:
    """The header to write instead, None if the given one may stay.

    Args:
        codec: the short name of the codec, as "vorbis".
        header: what the container stores for the decoder.
    """
    if not header:
        return None
    if codec == "flac":
        return _flac(header)
    if codec in ("vorbis", "libvorbis"):
        return _vorbis(header)
    return None


def _flac(header: bytes) -> bytes:
    """Source: RFC 9639, section 8: STREAMINFO comes first, all else may go."""
    if header.startswith(_FLAC):
        header = header[8:]
    return header[:_FLAC_INFO_BYTES]


def _vorbis(header: bytes) -> bytes | None:
    """Source: Vorbis I specification, section 4.2: identification, comments, setup.

    Containers join the three by Xiph lacing: the number of sizes, then sizes in bytes of 255.
    """
    if header[:1] != b"\x02":
        return None
    sizes, at = [], 1
    for _ in range(2):
        size = 0
        while at < len(header) and header[at] == 255:
            size, at = size + 255, at + 1
        size, at = size + header[at], at + 1
        sizes.append(size)
    identification = header[at : at + sizes[0]]
    setup = header[at + sizes[0] + sizes[1] :]
    lacing = b"".join(
        b"\xff" * (len(part) // 255) + bytes([len(part) % 255])
        for part in (identification, _VORBIS_COMMENT)
    )
    return b"\x02" + lacing + identification + _VORBIS_COMMENT + setup
