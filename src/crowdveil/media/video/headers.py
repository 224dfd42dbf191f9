"""Takes the comments out of the headers of sound and subtitles: titles, names, even pictures.

The codec's own header, as a container stores it, comes in; the same header without anything
that is not needed to play goes out. Formats whose header has no room for comments are left
as they are.
"""

_FLAC = b"fLaC"
_FLAC_INFO_BYTES = 34
_ASS_SCRIPT_INFO = b"[script info]"
_ASS_NEEDED = (
    *(b"scripttype", b"playresx", b"playresy", b"wrapstyle", b"scaledborderandshadow"),
    *(b"ycbcr matrix", b"collisions", b"timer", b"layoutresx", b"layoutresy"),
)
"""What of the description of a script changes how it looks; the rest is titles and names."""
_ASS_SECTIONS = (b"[v4+ styles]", b"[v4 styles]", b"[events]")
"""Other sections that are needed; programs keep file names and worse in sections of their own."""

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
    if codec in ("ass", "ssa"):
        return _ass(header)
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


def _ass(header: bytes) -> bytes:
    """Source: the SubStation Alpha v4.00+ script format, sections "Script Info" to "Events"."""
    kept: list[bytes] = []
    section = b""
    for line in header.splitlines():
        start = line.removeprefix(b"\xef\xbb\xbf").strip().lower()
        if start.startswith(b"["):
            section = start
        if section == _ASS_SCRIPT_INFO:
            needed = start == section or start.split(b":")[0].strip() in _ASS_NEEDED
        else:
            needed = section in _ASS_SECTIONS and not start.startswith((b";", b"comment:"))
        if needed:
            kept.append(line)
    return b"\r\n".join(kept) + b"\r\n"
