"""Copies the words of text subtitles and nothing that hangs on them.

A packet of a subtitle stream comes in, the packet for the copy goes out: the words in the plain
format of the copy's container. Names of speakers and styles, fonts, comments, places on the
screen and drawings stay behind. Subtitles that are pictures, or of other kinds, are not words.
"""

import html
import re
from typing import Any

from av.container import OutputContainer

from crowdveil.media.video.clip import VideoFormat

_PLAIN = {
    VideoFormat.MP4: "mov_text",
    VideoFormat.MOV: "mov_text",
    VideoFormat.MKV: "subrip",
    VideoFormat.WEBM: "webvtt",
}

_ASS, _TIMED = ("ass", "ssa"), "mov_text"
_MARKED_UP = ("subrip", "srt", "text", "webvtt")

_ASS_FIELDS = 8
"""Fields before the words in a packet of a script: its number, layer, style, speaker, three
margins and an effect."""

_UNKNOWN_LANGUAGE = "und"

_TAG, _OVERRIDE = re.compile(r"<[^<>]*>"), re.compile(r"\{[^{}]*\}")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")

_STYLES = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
    b"Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, "
    b"Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n"
    b"\r\n[Events]\r\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)
"""How words look; the field's encoders will not begin without."""


def are_words(codec: str) -> bool:
    """Whether subtitles of a codec (the field's short name) are text that can be copied."""
    return codec in (*_ASS, _TIMED, *_MARKED_UP)


def can_hold_words(container: VideoFormat) -> bool:
    """Whether a container has room for subtitles."""
    return container in _PLAIN


class Words:
    """One stream of subtitles in a copy."""

    def __init__(self, stream: Any, out: OutputContainer, container: VideoFormat) -> None:
        """Add the stream to a copy that was not begun; `stream` is the source's."""
        self._codec = str(stream.codec_context.codec.canonical_name)
        self._plain = _PLAIN[container]
        target: Any = out.add_stream(self._plain)
        target.time_base, target.codec_context.subtitle_header = stream.time_base, _STYLES
        if stream.language and stream.language != _UNKNOWN_LANGUAGE:
            target.metadata["language"] = stream.language
        self.target = target

    def written(self, packet: bytes) -> bytes | None:
        """The bytes to write for those of a packet of the source, None if there are no words."""
        words = words_of(packet, self._codec)
        if not words:
            return None
        if self._plain == _TIMED:
            data = words.encode()[: (1 << 16) - 1]
            return len(data).to_bytes(2) + data
        if self._plain == "webvtt":
            words = html.escape(words, quote=False)
        return words.encode()


def words_of(packet: bytes, codec: str) -> str:
    """The words of a packet of text subtitles, lines apart; empty if there are none."""
    if codec == _TIMED:
        length = int.from_bytes(packet[:2])
        return _readable(packet[2 : 2 + length]).strip()
    text = _readable(packet)
    if codec in _ASS:
        text = text.split(",", _ASS_FIELDS)[-1] if text.count(",") >= _ASS_FIELDS else ""
        if _DRAWING.search(text):
            return ""
        text = text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    else:
        text = _TAG.sub("", text)
        if codec == "webvtt":
            text = html.unescape(text)
    # No empty line: it would end the words where they are told apart by one.
    lines = (line.strip() for line in _OVERRIDE.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def _readable(data: bytes) -> str:
    if data.startswith((b"\xfe\xff", b"\xff\xfe")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace").replace("\0", "")
