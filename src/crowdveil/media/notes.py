"""Metadata blocks of a source, raw, for whoever asks to keep the credit.

Holds bytes that format modules found; understanding them is left to `credit`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notes:
    """Raw metadata blocks, None where the file has none.

    Attributes:
        exif: a TIFF structure, with or without the `Exif\\0\\0` prefix.
        xmp: an XMP packet.
        iptc: IPTC-IIM datasets, without Photoshop's wrapping.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
