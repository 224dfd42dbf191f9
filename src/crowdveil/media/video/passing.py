"""Passes sound and subtitles on from a video to its copy, in step with the picture.

Packets are taken from the source as they are and put at their new times; sound may be
disguised on the way, or encoded anew where the container of the copy cannot hold it. Of
subtitles only words are copied, and only if asked for. What else a file holds, and what else a
packet carries, stays behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer, OutputContainer

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.video.clip import AudioChoice, SubtitleChoice, VideoFormat
from crowdveil.media.video.clock import Clock
from crowdveil.media.video.headers import bare_header
from crowdveil.media.video.muxers import holds
from crowdveil.media.video.words import Words, are_words, can_hold_words

_NEEDED_SIDE_DATA = ("skip_samples", "new_extradata")
"""What must travel with a packet for it to be played as it was."""

_PLAIN_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}
"""AVI only counts channels; MP4 must be told where they are heard."""

_PRIMING_S = 0.1
"""How much sound before the first that is heard may be needed to decode that."""

_UNKNOWN_LANGUAGE = "und"


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the source is copied, in seconds of its own clock.

    Attributes:
        shift_s: what is taken off every time.
        start_s: nothing earlier is copied; None for all from the beginning.
        end_s: nothing from here on is copied; None for all to the end.
    """

    shift_s: Fraction
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Passing:
    """How streams are passed on.

    Attributes:
        audio, subtitles: what becomes of them.
        part: which part of the source.
        clock: how the times of the source are mended.
        target: the container of the copy.
        foreign: whether that is not the source's own, so that it may hold other kinds of sound.
    """

    audio: AudioChoice
    subtitles: SubtitleChoice
    part: Part
    clock: Clock
    target: VideoFormat
    foreign: bool


class OtherStreams:
    """All that is copied beside the picture; a second look into the source, in step with it."""

    def __init__(self, source: InputContainer, out: OutputContainer, how: Passing) -> None:
        """Add the streams to the copy, which must not have been begun.

        Raises:
            UnsupportedMedia: the container cannot hold the sound as it is.
        """
        self._out, self._part = out, how.part
        self._targets: dict[int, Any] = {}
        self._encoded: dict[int, Any] = {}
        self._words: dict[int, Words] = {}
        self._given: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._lasted: dict[int, int] = {}
        self._begun: set[int] = set()
        self.encoded_anew: list[str] = []
        for stream in source.streams:
            if stream.codec_context is None:
                continue
            if stream.type == "audio":
                self._add_sound(stream, out, how)
            elif stream.type == "subtitle" and how.subtitles == SubtitleChoice.KEEP:
                codec = stream.codec_context.codec.canonical_name
                if are_words(codec) and can_hold_words(how.target):
                    words = Words(stream, out, how.target)
                    self._words[stream.index], self._targets[stream.index] = words, words.target
        wanted = {*self._targets, *self._encoded}
        self._packets = _read(source, how.clock, wanted)
        self._waiting: Any = None

    def _add_sound(self, stream: Any, out: OutputContainer, how: Passing) -> None:
        if how.audio == AudioChoice.DROP:
            return
        if how.audio == AudioChoice.KEEP and holds(out.format.name, stream):
            self._targets[stream.index] = _same(stream, out)
            return
        codec = stream.codec_context.codec.canonical_name
        if how.audio == AudioChoice.KEEP and not how.foreign:
            raise UnsupportedMedia(
                f"its sound ({codec}) cannot be kept in {how.target.upper()}; leave it out with "
                "--audio drop, or choose another container with --container"
            )
        from crowdveil.media.video.sound import Encoded  # only for those who ask

        disguised = how.audio == AudioChoice.DISGUISE
        encoded = Encoded(stream, out, how.target, disguised=disguised)
        self._encoded[stream.index] = encoded
        if not disguised:
            self.encoded_anew.append(
                f"the sound ({codec}) is encoded anew ({encoded.told}), as "
                f"{how.target.upper()} cannot hold it as it is"
            )

    @property
    def counts(self) -> range:
        """How many streams a reader may find beside the picture.

        Those that never had a packet (a microphone that was off, a span after the end of the
        sound) are in the head of some containers and not in that of others.
        """
        return range(len(self._begun), len(self._targets) + len(self._encoded) + 1)

    def copy_until(self, time_s: float | None) -> None:
        """Pass on what is due up to a time of the source's clock, or all that is left."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._packets, None)
            packet = self._waiting
            if packet is None:
                break
            at = _time_s(packet)
            if time_s is not None and at is not None and at > time_s:
                return
            self._waiting = None
            if self._wanted(packet, at):
                self._pass_on(packet)
            elif at is not None and self._part.end_s is not None and at > self._part.end_s + 10:
                break  # streams lie less far apart than that
        if time_s is None:
            for index, encoded in self._encoded.items():
                if encoded.finish():
                    self._begun.add(index)

    def _wanted(self, packet: Any, at: float | None) -> bool:
        part = self._part
        if at is None or _trimmed_away(packet):
            return False
        until = at
        if packet.stream.type == "subtitle":  # one that is still shown when the part begins
            until += float((packet.duration or 0) * packet.time_base)
        return (part.start_s is None or until >= part.start_s) and (
            part.end_s is None or at < part.end_s
        )

    def _pass_on(self, packet: Any) -> None:
        index = packet.stream.index
        if index in self._encoded:
            self._encoded[index].take(packet, float(self._part.shift_s))
            return
        data: bytes | None = bytes(packet)
        if index in self._words:
            data = self._words[index].written(bytes(packet))
        if data is None:
            return
        bare = av.Packet(data)
        bare.time_base, bare.duration = packet.time_base, packet.duration
        bare.is_keyframe = packet.is_keyframe
        if index not in self._words:
            for kind in _NEEDED_SIDE_DATA:
                if packet.has_sidedata(kind):
                    bare.set_sidedata(packet.get_sidedata(kind))
        shift = round(self._part.shift_s / packet.time_base)
        pts = packet.pts if packet.pts is not None else packet.dts
        dts = packet.dts if packet.dts is not None else packet.pts
        pts, dts = pts - shift, dts - shift
        if self._part.start_s is not None and pts < 0 and packet.stream.type == "subtitle":
            bare.duration, pts, dts = max((packet.duration or 0) + pts, 0), 0, 0
        dts = self._risen(index, dts, bare.duration or 0)
        bare.pts, bare.dts = max(pts, dts), dts
        bare.stream = self._targets[index]
        self._out.mux_one(bare)
        self._begun.add(index)

    def _risen(self, index: int, dts: int, lasts: int) -> int:
        """A time after the last one: bad clocks stand still or go back, which no copy can."""
        last, given = self._last.get(index), self._given.get(index)
        self._given[index] = dts
        if last is not None and given is not None and dts <= last:
            stands = dts <= given
            dts = last + max(self._lasted.get(index, 0) if stands else 1, 1)
        self._last[index], self._lasted[index] = dts, lasts
        return dts


def _same(stream: Any, out: OutputContainer) -> Any:
    """A stream of the copy like one of the source, without its names and comments."""
    language = stream.language
    target: Any = out.add_stream_from_template(stream, opaque=True)
    target.metadata.clear()
    if language and language != _UNKNOWN_LANGUAGE:
        target.metadata["language"] = language
    bare = bare_header(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
    if bare is not None:
        target.codec_context.extradata = bare
    if stream.type == "audio" and stream.layout.name in _PLAIN_LAYOUTS:
        target.codec_context.layout = _PLAIN_LAYOUTS[stream.layout.name]
    target.time_base = stream.time_base
    return target


def _read(source: InputContainer, clock: Clock, wanted: set[int]) -> Iterator[Any]:
    if not wanted:
        return
    ends: dict[int, int] = {}
    try:
        for packet in clock.mended(source):
            index = packet.stream_index
            if not packet.size or index not in wanted:
                continue
            if packet.pts is None and packet.dts is None:
                packet.pts = packet.dts = ends.get(index, packet.stream.start_time or 0)
            begins = packet.pts if packet.pts is not None else packet.dts
            ends[index] = begins + (packet.duration or 0)
            yield packet
    except av.error.FFmpegError:
        return  # the file ends in damage, which the reader of the picture tells of


def _trimmed_away(packet: Any) -> bool:
    """Whether it is of what someone cut off the beginning, which is still in the file."""
    if not packet.is_discard or packet.pts is None:
        return False
    start = packet.stream.start_time or 0
    return bool((packet.pts + (packet.duration or 0) - start) * packet.time_base < -_PRIMING_S)


def _time_s(packet: Any) -> float | None:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return None if ticks is None else float(ticks * packet.time_base)
