"""Creator, credit, copyright and caption: the only metadata a picture desk may keep.

Reads the four from XMP, IPTC-IIM and EXIF, in this order, and writes them as fresh blocks
that hold nothing else.
Source: IPTC Photo Metadata Standard 2023.2; IIM 4.2, datasets 2:80, 2:110, 2:116, 2:120.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from PIL import Image

from crowdveil.media.notes import Notes

_DC = "{http://purl.org/dc/elements/1.1/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_DATASETS = {80: "creator", 110: "credit", 116: "copyright", 120: "caption"}
_EXIF_TAGS = {315: "creator", 33432: "copyright", 270: "caption"}
_LIMITS = {80: 32, 110: 32, 116: 128, 120: 2000}
"""Longest value of each dataset in bytes."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What may be kept; each a plain string, empty if the source does not say."""

    creator: str = ""
    credit: str = ""
    copyright: str = ""
    caption: str = ""

    def __bool__(self) -> bool:
        return any((self.creator, self.credit, self.copyright, self.caption))


def read(notes: Notes) -> Credit:
    """The credit that metadata blocks give; damaged blocks count as absent."""
    found: dict[str, str] = {}
    for source in (_from_xmp(notes.xmp), _from_iptc(notes.iptc), _from_exif(notes.exif)):
        for field, text in source:
            clean = _clean(text)
            if clean:
                found.setdefault(field, clean)
    return Credit(**found)


def xmp_packet(credit: Credit) -> bytes | None:
    """An XMP packet with the credit and nothing else, UTF-8; None when there is none."""
    if not credit:
        return None
    parts = []
    if credit.creator:
        parts.append(f"<dc:creator><rdf:Seq><rdf:li>{escape(credit.creator)}</rdf:li>"
                     "</rdf:Seq></dc:creator>")  # fmt: skip
    for name, text in (("rights", credit.copyright), ("description", credit.caption)):
        if text:
            parts.append(f'<dc:{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}'
                         f"</rdf:li></rdf:Alt></dc:{name}>")  # fmt: skip
    if credit.credit:
        parts.append(f"<photoshop:Credit>{escape(credit.credit)}</photoshop:Credit>")
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF[1:-1]}"><rdf:Description rdf:about="" '
        f'xmlns:dc="{_DC[1:-1]}" xmlns:photoshop="{_PHOTOSHOP[1:-1]}">'
        f"{''.join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    )
    return packet.encode()


def iptc_block(credit: Credit) -> bytes | None:
    """IPTC-IIM datasets with the credit and nothing else; None when there is none."""
    if not credit:
        return None
    block = b"\x1c\x01\x5a\x00\x03\x1b%G"  # 1:90, the text is UTF-8
    for number, field in _DATASETS.items():
        text = getattr(credit, field).encode()[: _LIMITS[number]].decode(errors="ignore").encode()
        if text:
            block += bytes((0x1C, 2, number)) + len(text).to_bytes(2, "big") + text
    return block


def _clean(text: str) -> str:
    """One readable string: no control characters, at most 2,000 characters."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text).strip()[:2000]


def _from_xmp(xmp: bytes | None) -> Iterator[tuple[str, str]]:
    # No document type, so no entities: nothing to expand and nothing to fetch.
    if not xmp or b"<!" in xmp or b"<\0!" in xmp:
        return
    try:
        root = ET.fromstring(xmp.strip(b"\0 \r\n\t"))
    except (ET.ParseError, ValueError):
        return
    places = ((f"{_DC}creator", "creator"), (f"{_DC}rights", "copyright"))
    for name, field in (*places, (f"{_DC}description", "caption")):
        for node in root.iter(name):
            lines = [item.text for item in node.iter(f"{_RDF}li") if item.text]
            text = ", ".join(lines) if field == "creator" else (lines or [node.text or ""])[0]
            yield field, text
    for node in root.iter(f"{_PHOTOSHOP}Credit"):
        yield "credit", node.text or ""
    for node in root.iter(f"{_RDF}Description"):
        yield "credit", node.get(f"{_PHOTOSHOP}Credit", "")


def _from_iptc(iptc: bytes | None) -> Iterator[tuple[str, str]]:
    position = 0
    while iptc and position + 5 <= len(iptc) and iptc[position] == 0x1C:
        record, number = iptc[position + 1], iptc[position + 2]
        size = int.from_bytes(iptc[position + 3 : position + 5], "big")
        if size & 0x8000:
            return
        value = iptc[position + 5 : position + 5 + size]
        if record == 2 and number in _DATASETS:
            yield _DATASETS[number], _text(value)
        position += 5 + size


def _from_exif(exif: bytes | None) -> Iterator[tuple[str, str]]:
    if not exif:
        return
    reader = Image.Exif()
    # Damaged EXIF is common; then it gives no credit.
    try:
        reader.load(exif)
        values = [(field, reader.get(tag)) for tag, field in _EXIF_TAGS.items()]
    except Exception:
        return
    for field, value in values:
        if isinstance(value, str):
            yield field, value


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
