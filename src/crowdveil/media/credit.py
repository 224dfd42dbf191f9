"""Who made a photo and what it shows: the only metadata that may be kept, and only if asked.

Reads the four fields of a credit from whatever block a file has them in, and hands out fresh
blocks that hold these four and nothing else. The blocks' own syntax is left to `xmp` and
`iptc`, putting them into files to the format modules.
"""

from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from crowdveil.media import iptc, xmp
from crowdveil.media.notes import Notes

MAX_NAME_CHARS = 1_000
MAX_CAPTION_CHARS = 7_000
"""Even if every character has to be escaped, the packet fits into one JPEG segment."""

_BETWEEN = "; "
"""Between several creators. Source: Exif 2.32 on tag Artist."""
_ARTIST, _COPYRIGHT, _DESCRIPTION = 0x013B, 0x8298, 0x010E
_CAMERA_WORDS = frozenset({"dcim", "dsc", "digital camera", "digital still camera", "default"})
"""What cameras write where a caption belongs, alone or after their maker's name."""


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit line of a photo; empty strings where there is none.

    Attributes:
        creator: who made it; several are separated by semicolons.
        credit: who is to be named when it is published.
        copyright: the copyright notice.
        caption: what it shows.
    """

    creator: str = ""
    credit: str = ""
    copyright: str = ""
    caption: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return any((self.creator, self.credit, self.copyright, self.caption))


def read(notes: Notes) -> Credit:
    """The credit that a file's metadata give.

    Each field comes from XMP, else from IPTC-IIM (whose lengths are limited), else from EXIF.
    Longer texts than anyone writes are cut, visibly. Damaged blocks count as absent.
    """
    new, old, camera = xmp.values(notes.xmp), iptc.values(notes.iptc), _exif(notes.exif)
    creators = new.get(xmp.CREATOR) or old.get(iptc.CREATOR) or camera.get(_ARTIST, [])
    return Credit(
        creator=_cut(_BETWEEN.join(dict.fromkeys(creators)), MAX_NAME_CHARS),
        credit=_first(MAX_NAME_CHARS, new.get(xmp.CREDIT), old.get(iptc.CREDIT)),
        copyright=_first(
            MAX_NAME_CHARS, new.get(xmp.RIGHTS), old.get(iptc.COPYRIGHT), camera.get(_COPYRIGHT)
        ),
        caption=_first(
            MAX_CAPTION_CHARS,
            new.get(xmp.DESCRIPTION),
            old.get(iptc.CAPTION),
            [text for text in camera.get(_DESCRIPTION, []) if not _by_camera(text)],
        ),
    )


def xmp_packet(credit: Credit) -> bytes | None:
    """An XMP packet that holds this credit and nothing else; None if it is empty."""
    fields = {
        xmp.CREATOR: _creators(credit),
        xmp.CREDIT: [credit.credit],
        xmp.RIGHTS: [credit.copyright],
        xmp.DESCRIPTION: [credit.caption],
    }
    return xmp.packet({k: v for k, v in fields.items() if any(v)}) if credit else None


def iptc_block(credit: Credit) -> bytes | None:
    """IPTC-IIM datasets that hold this credit and nothing else; None if it is empty."""
    fields = {
        iptc.CREATOR: _creators(credit),
        iptc.CREDIT: [credit.credit],
        iptc.COPYRIGHT: [credit.copyright],
        iptc.CAPTION: [credit.caption],
    }
    return iptc.block({k: v for k, v in fields.items() if any(v)}) if credit else None


def _creators(credit: Credit) -> list[str]:
    return [name.strip() for name in credit.creator.split(";") if name.strip()]


def _first(limit: int, *choices: list[str] | None) -> str:
    return next((_cut(texts[0], limit) for texts in choices if texts), "")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _exif(exif: bytes | None) -> dict[int, list[str]]:
    """The texts of a photographer in an EXIF block; none if it is damaged."""
    block = Image.Exif()
    # Damaged EXIF is common and means "no credit", whatever the parser stumbles over.
    with suppress(Exception):
        block.load(exif or b"")
        return {
            tag: texts
            for tag in (_ARTIST, _COPYRIGHT, _DESCRIPTION)
            if (texts := _texts(block.get(tag)))
        }
    return {}


def _texts(value: object) -> list[str]:
    """An EXIF text. Copyright may hold two, photographer's and editor's, with a zero between."""
    if isinstance(value, str):
        # Pillow takes every byte for a character; cameras and desks write UTF-8.
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return []
    parts = [iptc.decode(part).strip() for part in value.split(b"\0")]
    joined = _BETWEEN.join(part for part in parts if part)
    return [joined] if joined else []


def _by_camera(text: str) -> bool:
    """Whether a caption is only a camera's own words, which tell its make and nothing else."""
    words = text.lower().split()
    return any(" ".join(words[k:]) in _CAMERA_WORDS for k in range(min(2, len(words))))
