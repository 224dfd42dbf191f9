"""Tells photo formats apart by their first bytes, and says how their files are called.

Names are never believed: a PNG called .jpg is a PNG.
"""

from crowdveil.media.picture import PhotoFormat

HEAD_BYTES = 64
"""How much of a file `identify` needs at most."""

SUFFIXES: dict[PhotoFormat, tuple[str, ...]] = {
    PhotoFormat.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    PhotoFormat.PNG: (".png", ".apng"),
    PhotoFormat.WEBP: (".webp",),
    PhotoFormat.TIFF: (".tif", ".tiff"),
    PhotoFormat.HEIF: (".heic", ".heif", ".hif"),
    PhotoFormat.AVIF: (".avif", ".avifs"),
    PhotoFormat.GIF: (".gif",),
    PhotoFormat.BMP: (".bmp", ".dib"),
}
"""File name endings of each format, the usual one first."""

PHOTO_SUFFIXES: frozenset[str] = frozenset(s for names in SUFFIXES.values() for s in names)

_SIGNATURES = (
    (b"\xff\xd8\xff", PhotoFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", PhotoFormat.PNG),
    (b"GIF87a", PhotoFormat.GIF),
    (b"GIF89a", PhotoFormat.GIF),
    (b"II*\0", PhotoFormat.TIFF),
    (b"MM\0*", PhotoFormat.TIFF),
    (b"II+\0\x08\0", PhotoFormat.TIFF),
    (b"MM\0+\0\x08", PhotoFormat.TIFF),
)
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""Lengths of the header that follows a BMP's first 14 bytes: "BM" alone may begin a text."""

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
"""Of stills: a file that has only brands of sequences holds no picture that is read."""


def identify(head: bytes) -> PhotoFormat | None:
    """The format of a file, or None if it is none of ours.

    Args:
        head: the file's first bytes, at least `HEAD_BYTES` if it is that long.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES:
        return PhotoFormat.BMP
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return PhotoFormat.WEBP
    if head[4:8] == b"ftyp":
        return _brand(head)
    return None


def _brand(head: bytes) -> PhotoFormat | None:
    """Tell AVIF from HEIF: both are boxes that begin with a list of brands."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[k : k + 4] for k in range(16, size - 3, 4))]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return PhotoFormat.AVIF
    return PhotoFormat.HEIF if any(brand in _HEIF_BRANDS for brand in brands) else None
