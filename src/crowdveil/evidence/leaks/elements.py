"""Knows the elements of Matroska and WebM files: which may lie where, and what each holds.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from dataclasses import dataclass
from enum import StrEnum


class Holds(StrEnum):
    """What an element holds."""

    NUMBER = "number"
    """A whole number or one with a fraction, of at most eight bytes."""
    WORD = "word"
    """The name of a codec, a language or a kind of file."""
    ELEMENTS = "elements"
    BLOCK = "block"
    SETTINGS = "settings"
    SMALL = "small"
    """A few bytes."""
    PROGRAM = "program"
    """What wrote the file."""
    IDENTITY = "identity"
    """A random number of the file."""
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Element:
    """One kind of element.

    Attributes:
        name: its name in the standard.
        holds: what it holds.
        inside: numbers of what may lie in it.
    """

    name: str
    holds: Holds
    inside: frozenset[int] = frozenset()


VOID, CRC, SEGMENT, TRACKS, CLUSTER, TRACK = (
    0xEC,
    0xBF,
    0x18538067,
    0x1654AE6B,
    0x1F43B675,
    0xAE,
)
SIMPLE_TAG, TAG_NAME, TAG_TEXT = 0x67C8, 0x45A3, 0x4487
TRACK_NUMBER, TRACK_TYPE, CODEC, PRIVATE = 0xD7, 0x83, 0x86, 0x63A2
EBML = 0x1A45DFA3
TOP = frozenset({0x114D9B74, 0x1549A966, TRACKS, CLUSTER, 0x1C53BB6B, 0x1254C367, 0x1941A469})
"""What ends a cluster of unknown length."""


def _holder(name: str, *inside: int) -> Element:
    return Element(name, Holds.ELEMENTS, frozenset(inside))


_COLOUR = (*range(0x55B1, 0x55BE), 0x55D0)
KNOWN: dict[int, Element] = {
    EBML: _holder("EBML", 0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285),
    0x4282: Element("DocType", Holds.WORD),
    SEGMENT: _holder("Segment", 0x114D9B74, 0x1549A966, TRACKS, CLUSTER, 0x1C53BB6B, 0x1254C367),
    0x114D9B74: _holder("SeekHead", 0x4DBB),
    0x4DBB: _holder("Seek", 0x53AB, 0x53AC),
    0x53AB: Element("SeekID", Holds.SMALL),
    0x1549A966: _holder("Info", 0x2AD7B1, 0x4489, 0x4D80, 0x5741, 0x73A4),
    0x4D80: Element("MuxingApp", Holds.PROGRAM),
    0x5741: Element("WritingApp", Holds.PROGRAM),
    0x73A4: Element("SegmentUID", Holds.IDENTITY),
    TRACKS: _holder("Tracks", TRACK),
    TRACK: _holder(
        "TrackEntry",
        *(0xD7, 0x73C5, 0x83, 0xB9, 0x88, 0x55AA, 0x9C, 0x23E383, 0x234E7A, 0x55EE, 0x86, 0x63A2),
        *(0x56AA, 0x56BB, 0xE0, 0xE1, 0x22B59C, 0x22B59D, 0x6DE7, 0x6DF8, 0x55AB, 0x55AC, 0x55AD),
        *(0x55AE, 0x55AF, 0x41E4, 0xAA, 0x23314F, 0x6D80, 0x537F),
    ),
    0x86: Element("CodecID", Holds.WORD),
    0x22B59C: Element("Language", Holds.WORD),
    0x22B59D: Element("LanguageBCP47", Holds.WORD),
    0x63A2: Element("CodecPrivate", Holds.SETTINGS),
    0x41E4: _holder("BlockAdditionMapping", 0x41F0, 0x41A4, 0x41E7, 0x41ED),
    0x41A4: Element("BlockAddIDName", Holds.WORD),
    0x41ED: Element("BlockAddIDExtraData", Holds.SMALL),
    0x6D80: _holder("ContentEncodings", 0x6240),
    0x6240: _holder("ContentEncoding", 0x5031, 0x5032, 0x5033, 0x5034),
    0x5034: _holder("ContentCompression", 0x4254, 0x4255),
    0x4255: Element("ContentCompSettings", Holds.SMALL),
    0xE0: _holder(
        "Video",
        *(0xB0, 0xBA, 0x9A, 0x9D, 0x53B8, 0x53B9, 0x53C0, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x54B0),
        *(0x54BA, 0x54B2, 0x54B3, 0x2EB524, 0x2FB523, 0x2383E3, 0x55B0, 0x7670),
    ),
    0x2EB524: Element("UncompressedFourCC", Holds.SMALL),
    0x55B0: _holder("Colour", *_COLOUR),
    0x55D0: _holder("MasteringMetadata", *range(0x55D1, 0x55DB)),
    0x7670: _holder("Projection", 0x7671, 0x7672, 0x7673, 0x7674, 0x7675),
    0x7672: Element("ProjectionPrivate", Holds.SMALL),
    0xE1: _holder("Audio", 0xB5, 0x78B5, 0x9F, 0x6264, 0x52F1),
    CLUSTER: _holder("Cluster", 0xE7, 0xA7, 0xAB, 0xA3, 0xA0),
    0xA3: Element("SimpleBlock", Holds.BLOCK),
    0xA0: _holder("BlockGroup", 0xA1, 0x9B, 0xFB, 0x75A2, 0xFA),
    0xA1: Element("Block", Holds.BLOCK),
    0x1C53BB6B: _holder("Cues", 0xBB),
    0xBB: _holder("CuePoint", 0xB3, 0xB7),
    0xB7: _holder("CueTrackPositions", 0xF7, 0xF1, 0xF0, 0xB2, 0x5378, 0xEA),
    0x1254C367: _holder("Tags", 0x7373),
    0x7373: _holder("Tag", 0x63C0, SIMPLE_TAG),
    0x63C0: _holder("Targets", 0x68CA, 0x63CA, 0x63C5),
    0x63CA: Element("TargetType", Holds.WORD),
    SIMPLE_TAG: Element("SimpleTag", Holds.TAG),
}
"""What a file may hold; what only says a number is not listed by itself."""
NAMES = {
    0x7BA9: "a title",
    0x4461: "the date of the recording",
    0x7384: "the name of the file",
    0x3CB923: "the identity of another file",
    0x3C83AB: "the name of another file",
    0x3EB923: "the identity of another file",
    0x3E83BB: "the name of another file",
    0x4444: "the identity of a family of files",
    0x536E: "a name of a stream",
    0x258688: "a name of the codec",
    0x1941A469: "attached files",
    0x1043A770: "chapters",
    0x75A1: "something attached to the frames",
    0xAF: "encrypted data",
    0xA4: "settings of the codec between the frames",
}
"""What others mean."""
