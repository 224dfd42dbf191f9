"""Knows what libraries and programs call themselves where they sign the files they write.

A text comes in; out goes whether it names only a library, a program that many people use, or
anything else. Libraries tell nothing of whoever used them.
"""

import re

_VERSION = r"[ /-]?(v?\d[\w.+~-]*)?"
_LIBRARY = re.compile(
    rf"(Lav[fc]|x26[45]|XviD|libavformat|libebml|libmatroska|libwebm|libheif|libavif|libvpx|"
    rf"libaom|SVT-AV1|dav1d|libtheora|libvorbis|libopus|opusenc|Xiph\.Org[\w ]*|"
    rf"reference libFLAC|Speex\s*){_VERSION}( \d{{8}})?"
    rf"( \([\w ,.-]{{0,40}}\))?( (lib)?[a-z0-9_-]{{1,16}})?",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    rf"((HandBrake|mkvmerge|MKVToolNix|GPAC|Google|Chrome|QTmuxingAppLibWebM|Mozilla|Firefox|"
    rf"GStreamer( matroskamux)?|VLC|OBS|libobs|ffmpeg|Adobe|Apple|QuickTime|iMovie|DaVinci Resolve|"
    rf"Blackmagic Design|Nero AAC|qaac|fdkaac|iTunes|AviDemux|VirtualDub|Shutter Encoder|"
    rf"IsoMedia File Produced by|L-SMASH|mp4creator|Android|AVC Coding|HEVC Coding|VPC Coding|"
    rf"AOM Coding|H\.26[45]|Motion JPEG|Photo - JPEG|MPEG-4 Video|AV1 Coding|Apple ProRes [\w ]*|"
    rf"DV(CPRO)?[\w /-]*|DNxH[DR][\w ]*|Animation|GIF|PNG|None|Uncompressed[\w :.-]*)"
    rf"{_VERSION}(( [\w.]{{1,24}}){{0,4}})?)",
    re.IGNORECASE,
)
_MOST_CHARS = 100


def is_library(text: str | bytes) -> bool:
    """Whether a text is empty or only the name of a library, with a version and a codec."""
    told = _clean(text)
    return not told or (len(told) <= _MOST_CHARS and bool(_LIBRARY.fullmatch(told)))


def is_program(text: str | bytes) -> bool:
    """Whether a text only names a library, a codec or a program that many people use."""
    told = _clean(text)
    return is_library(told) or (len(told) <= _MOST_CHARS and bool(_PROGRAM.fullmatch(told)))


def _clean(text: str | bytes) -> str:
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return told.strip("\0 \t\r\n")
