"""Reads four properties out of an XMP packet, and writes a packet that holds nothing else.

Packets come from strangers: document type declarations are refused, so no entity expands and
nothing outside is fetched, and a damaged packet reads as an empty one.
Source: ISO 16684-1 (XMP); IPTC Photo Metadata Standard 2023.1 for which property is which.
"""

import codecs
import html
import re
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree
from xml.parsers import expat

CREATOR: Final = "{http://purl.org/dc/elements/1.1/}creator"
CREDIT: Final = "{http://ns.adobe.com/photoshop/1.0/}Credit"
RIGHTS: Final = "{http://purl.org/dc/elements/1.1/}rights"
DESCRIPTION: Final = "{http://purl.org/dc/elements/1.1/}description"

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MAX_BYTES = 4_000_000
"""Editing histories grow large; four properties never do."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, even escaped."""

_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">{}</rdf:Description>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
_ELEMENTS = {
    CREATOR: ("dc:creator", "rdf:Seq", ""),
    RIGHTS: ("dc:rights", "rdf:Alt", ' xml:lang="x-default"'),
    DESCRIPTION: ("dc:description", "rdf:Alt", ' xml:lang="x-default"'),
}
"""Property to its element, the container around its values, and their attributes."""


def values(packet: bytes | None) -> dict[str, list[str]]:
    """The values of the properties named above.

    Args:
        packet: an XMP packet in any encoding that XML allows, with padding or without.

    Returns:
        Property to its non-empty values, the default language first; nothing for a property
        that is absent, and nothing at all for a packet that is damaged.
    """
    found: dict[str, list[str]] = {}
    for description in _descriptions(packet):
        for name in (CREATOR, CREDIT, RIGHTS, DESCRIPTION):
            texts = [description.get(name, "")]
            texts += [text for child in description.findall(name) for text in _texts(child)]
            texts = [text.strip() for text in texts if text.strip()]
            if texts:
                found.setdefault(name, texts)
    return found


def packet(properties: Mapping[str, list[str]]) -> bytes:
    """A packet that holds these properties.

    Args:
        properties: those named above to their values, plain text.
    """
    return _PACKET.format("".join(_element(*item) for item in properties.items())).encode()


def _element(name: str, texts: list[str]) -> str:
    clean = [html.escape(_NOT_XML.sub("", text)) for text in texts]
    if name == CREDIT:
        return f"<photoshop:Credit>{clean[0]}</photoshop:Credit>"
    tag, container, attributes = _ELEMENTS[name]
    items = "".join(f"<rdf:li{attributes}>{text}</rdf:li>" for text in clean)
    return f"<{tag}><{container}>{items}</{container}></{tag}>"


def _descriptions(packet: bytes | None) -> list[ElementTree.Element]:
    """The resource's own descriptions; those nested deeper speak of other pictures."""
    # Some writers fill up with zero bytes.
    packet = (packet or b"").rstrip(b"\0")
    if packet.startswith(codecs.BOM_UTF16_LE) and len(packet) % 2:
        packet += b"\0"
    if not packet or len(packet) > _MAX_BYTES:
        return []
    try:
        root = _parse(packet)
    except (expat.ExpatError, ValueError, LookupError):
        return []
    return [entry for rdf in root.iter(_RDF + "RDF") for entry in rdf.findall(_RDF + "Description")]


def _parse(packet: bytes) -> ElementTree.Element:
    """An element tree, made without any declaration of types or entities.

    Raises:
        ExpatError: not well-formed.
        ValueError: it declares a document type.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_qualified(name), {_qualified(k): v for k, v in attributes.items()})

    def refuse(*_: object) -> None:
        raise ValueError("an XMP packet must not declare a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: builder.end(_qualified(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(packet, True)
    return builder.close()


def _qualified(name: str) -> str:
    """A name as ElementTree writes it."""
    return "{" + name if "}" in name else name


def _texts(element: ElementTree.Element) -> list[str]:
    """The values in an element: of its list, the default language first, or its own text."""
    items = element.findall(f"*/{_RDF}li")
    items.sort(key=lambda item: item.get(_LANG, "x-default") != "x-default")
    if element.find(_RDF + "Alt") is not None:
        # Translations of one text, not several texts.
        items = items[:1]
    return [item.text or "" for item in items] or [element.text or ""]
