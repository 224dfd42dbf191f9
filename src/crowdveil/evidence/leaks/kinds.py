"""Tells by a file's first bytes which container it is, and so which walker reads it.

Written anew for the check: whoever shares this with the writer shares its errors.
"""

from enum import StrEnum

HEAD_BYTES = 64
"""How much of a file is looked at."""


class Container(StrEnum):
    """Containers that are walked through."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    TIFF = "TIFF"
    HEIF = "HEIF or AVIF"
    GIF = "GIF"
    BMP = "BMP"
    ISO = "MP4 or QuickTime"
    MATROSKA = "Matroska or WebM"
    AVI = "AVI"


VIDEOS = frozenset({Container.ISO, Container.MATROSKA, Container.AVI})
"""Those that hold videos."""

_SIGNATURES = (
    (b"\xff\xd8\xff", Container.JPEG),
    (b"\x89PNG\r\n\x1a\n", Container.PNG),
    (b"GIF87a", Container.GIF),
    (b"GIF89a", Container.GIF),
    (b"II*\0", Container.TIFF),
    (b"MM\0*", Container.TIFF),
    (b"II+\0", Container.TIFF),
    (b"MM\0+", Container.TIFF),
    (b"\x1aE\xdf\xa3", Container.MATROSKA),
)
_STILLS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 avif avis".split())
_FIRST_BOXES = frozenset(b"moov mdat wide skip free pnot moof styp".split())
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def container_of(head: bytes) -> Container | None:
    """The container that begins with these bytes, None if it is not walked.

    Args:
        head: the file's first `HEAD_BYTES`, or all of a shorter one.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": Container.WEBP, b"AVI ": Container.AVI}.get(head[8:12])
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return Container.BMP
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12], *(head[k : k + 4] for k in range(16, size - 3, 4))}
        return Container.HEIF if brands & _STILLS else Container.ISO
    return Container.ISO if head[4:8] in _FIRST_BOXES else None
