"""Recognises a credit that was kept on purpose: four fields, and nothing else.

A packet of XMP or a block of IPTC-IIM comes in; the names of the four fields that it holds go
out, or nothing if there is anything beside them: another property, an attribute, a comment, a
declaration, blanks that could carry a message. Written anew for the check, so that it does not
believe the writer. Source: ISO 16684-1 (XMP); IPTC-NAA Information Interchange Model 4.2.
"""

from xml.parsers import expat

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC, _PHOTOSHOP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/photoshop/1.0/"
_SPACES = frozenset({_RDF, _DC, _PHOTOSHOP, "adobe:ns:meta/"})
_FIELDS = {
    f"{_DC}}}creator": "creator",
    f"{_PHOTOSHOP}}}Credit": "credit",
    f"{_DC}}}rights": "copyright",
    f"{_DC}}}description": "caption",
}
_AROUND = frozenset(
    {"adobe:ns:meta/}xmpmeta", *(f"{_RDF}}}{name}" for name in ("RDF", "Description"))}
)
_LISTS = frozenset(f"{_RDF}}}{name}" for name in ("Seq", "Alt", "li"))
_ATTRIBUTES = {
    f"{_RDF}}}about": "",
    "http://www.w3.org/XML/1998/namespace}lang": "x-default",
}
_INSTRUCTIONS = frozenset({'begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"', 'end="r"', 'end="w"'})
_MOST_BYTES = 100_000
_DATASETS = {80: "creator", 110: "credit", 116: "copyright", 120: "caption"}
_LONGEST = {80: 32, 110: 32, 116: 128, 120: 2000}
_HEAD = b"\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\0\0\x02\0\x04"
"""UTF-8, and version 4: what such a block begins with."""


class _OtherError(ValueError):
    """There is something beside the four fields."""


def credit_in_xmp(packet: bytes) -> tuple[str, ...]:
    """Names of the fields of a packet that holds nothing but a credit; else none."""
    if len(packet) > _MOST_BYTES:
        return ()
    found: dict[str, None] = {}
    path: list[str] = []
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        inner = any(above in _FIELDS for above in path)
        if not (name in _AROUND or name in _FIELDS or (inner and name in _LISTS)):
            raise _OtherError
        if any(_ATTRIBUTES.get(key) != value for key, value in attributes.items()):
            raise _OtherError
        if name in _FIELDS:
            found[_FIELDS[name]] = None
        path.append(name)

    def end(_: str) -> None:
        path.pop()

    def text(_: str) -> None:
        if not path or not (path[-1] == f"{_RDF}}}li" or path[-1] == f"{_PHOTOSHOP}}}Credit"):
            raise _OtherError

    def instruction(target: str, content: str) -> None:
        if target != "xpacket" or content not in _INSTRUCTIONS or path:
            raise _OtherError

    def space(_: str | None, address: str | None) -> None:
        if address not in _SPACES:
            raise _OtherError

    def refuse(*_: object) -> None:
        raise _OtherError

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.ProcessingInstructionHandler = text, instruction
    parser.StartNamespaceDeclHandler = space
    parser.CommentHandler = parser.StartDoctypeDeclHandler = refuse
    parser.XmlDeclHandler = refuse
    parser.DefaultHandler = refuse
    try:
        parser.Parse(packet, True)
    except (expat.ExpatError, ValueError, LookupError):
        return ()
    return tuple(found)


def credit_in_iptc(block: bytes) -> tuple[str, ...]:
    """Names of the fields of a block that holds nothing but a credit; else none."""
    if not block.startswith(_HEAD):
        return ()
    found: dict[str, None] = {}
    at = len(_HEAD)
    while at < len(block):
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        if block[at : at + 2] != b"\x1c\x02" or at + 5 + size > len(block):
            return ()
        number = block[at + 2]
        if number not in _DATASETS or size > _LONGEST[number]:
            return ()
        found[_DATASETS[number]] = None
        at += 5 + size
    return tuple(found)
