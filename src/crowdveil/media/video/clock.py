"""Mends the clock of a file: one that starts anew, wraps or leaps becomes one that goes on.

All packets of a file are looked at once, without decoding; out comes a `Clock`, which says for
every packet of a second reading by how much its times are moved. A piece in which the clock
runs on is moved as a whole, picture and sound together, so that they stay in step, and begins
where the piece before it ends. What a frame is worth between two others is `reader`'s.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # FFmpeg is slow to load, and options need only the types
    from av.container import InputContainer

BACK_S = 0.1
"""A stream that goes back by so much begins anew; less is the inexactness of writers.
Source: ffmpeg's own program (`ts_discontinuity_detect`)."""

AHEAD_S, AHEAD_ELSEWHERE_S = 10.0, 3600.0
"""A stream that leaps ahead by more begins anew; less is a pause. The first is for containers
whose clocks are known to break off (broadcasts, discs). Source: ffplay's `max_frame_duration`."""

BREAKS_OFF = 0x0200
"""Flag of libavformat's demuxers (AVFMT_TS_DISCONT): clocks in this container may break off."""

BEGINS = "a piece of the clock begins"

_NEAR_S = 5.0
"""How far streams of one piece may lie apart where it begins."""

_REORDERED_S = 1.0
"""Pictures that others refer to are decoded at most so much earlier than they are shown."""

_LEAP_S = 1.0
"""A step from which a stream may have followed another into a new piece."""

_LONGEST_S = 10.0
"""A packet that claims to last longer is not believed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How the times of a file are mended.

    Attributes:
        moves: for the number of each stream whose clock breaks off, from which of its packets
            on (counted from 0 in the order of the file, the empty ones too) its times are moved
            by how many seconds; rising. Others need nothing.
        length_s: how long the picture lasts by its mended clock, None if it has no times.
        start_s: when the first picture is shown, counted back from the first that says so; None if
            none does.
        cut_short: whether the last packet of picture or sound is known to be incomplete.
    """

    moves: Mapping[int, tuple[tuple[int, Fraction], ...]] = field(default_factory=dict)
    length_s: Fraction | None = None
    start_s: Fraction | None = None
    cut_short: bool = False

    def mended(self, container: "InputContainer") -> Iterator[Any]:
        """The packets of all streams of a file, with their times mended in place.

        Where `moves` is not empty, the file must not have been read from before.
        `opaque` of the first packet of each later piece of a stream is set to `BEGINS`.
        """
        if not self.moves:
            yield from _packets(container)
            return
        counts: dict[int, int] = {}
        pieces: dict[int, int] = {}
        for packet in _packets(container):
            index = packet.stream_index
            number = counts.get(index, 0)
            counts[index] = number + 1
            moves, piece = self.moves.get(index, ()), pieces.get(index, -1)
            if piece + 1 < len(moves) and number >= moves[piece + 1][0]:
                piece += 1
                pieces[index] = piece
                if piece:
                    packet.opaque = BEGINS
            if piece >= 0:
                _move(packet, moves[piece][1])
            yield packet


def clock_of(container: "InputContainer", main: int) -> Clock:
    """Look at all packets of a file that was just opened; it must be opened anew to be read.

    Args:
        container: the file.
        main: number of the stream of the picture.
    """
    survey = _Survey(container, main)
    import av

    with suppress(av.error.FFmpegError):  # the reader tells of it
        for packet in _packets(container):
            survey.see(packet)
    return survey.clock()


def _packets(container: "InputContainer") -> Iterator[Any]:
    # PyAV trips at the end over streams that appeared on the way (a broken FLV).
    with suppress(IndexError):
        yield from container.demux()


@dataclass(slots=True)
class _Stretch:
    """What one stream has in one piece, in ticks of `base` seconds of the file's own clock."""

    since: int
    start: int
    end: int
    base: Fraction

    @property
    def start_s(self) -> Fraction:
        return self.start * self.base

    @property
    def end_s(self) -> Fraction:
        return self.end * self.base


@dataclass(slots=True)
class _Piece:
    """A part of the file in which the clock runs on.

    Attributes:
        low_s, high_s: times of its packets so far.
        stretches: by the number of the stream.
    """

    low_s: float
    high_s: float
    stretches: dict[int, _Stretch] = field(default_factory=dict)


class _Survey:
    """Finds the pieces while packets go by."""

    def __init__(self, container: "InputContainer", main: int) -> None:
        breaks_off = bool(container.format.flags & BREAKS_OFF)
        self._ahead_s = AHEAD_S if breaks_off else AHEAD_ELSEWHERE_S
        self._main = main
        # Only picture and sound say where a piece begins: other streams have gaps of any length.
        self._leading = {main, *(stream.index for stream in container.streams.audio)}
        rate = container.streams[main].average_rate
        self._usual_s = Fraction(1, 30) if not rate else 1 / Fraction(rate)
        self._pieces: list[_Piece] = []
        self._in: dict[int, int] = {}
        self._next_s: dict[int, float] = {}
        self._bases: dict[int, tuple[Fraction, float]] = {}
        self._count: dict[int, int] = {}
        self._corrupt: dict[int, bool] = {}
        self._untold = 0

    def see(self, packet: Any) -> None:
        """Take the next packet of the file."""
        index = packet.stream_index
        number = self._count.get(index, 0)
        self._count[index] = number + 1
        if not packet.size:
            return
        self._corrupt[index] = packet.is_corrupt
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is None:
            self._untold += index == self._main and index not in self._in
            return
        base, tick_s = self._base(packet)
        shown = ticks if packet.pts is None else packet.pts
        now_s, lasts = ticks * tick_s, packet.duration or 0
        if not 0 < lasts * tick_s <= _LONGEST_S:
            lasts = round(self._usual_s / base) if index == self._main else 0
        piece = self._piece_of(index, now_s, shown * tick_s, key=packet.is_keyframe)
        self._in[index], self._next_s[index] = piece, now_s + lasts * tick_s
        known = self._pieces[piece]
        if index in self._leading:
            known.low_s, known.high_s = min(known.low_s, now_s), max(known.high_s, now_s)
        stretch = known.stretches.get(index)
        if stretch is None:
            known.stretches[index] = _Stretch(number, shown, shown + lasts, base)
        else:
            stretch.start = min(stretch.start, shown)
            stretch.end = max(stretch.end, shown + lasts)

    def clock(self) -> Clock:
        """What was found."""
        moves_s = self._moves_s()
        moves: dict[int, tuple[tuple[int, Fraction], ...]] = {}
        for index in self._count:
            own = tuple(
                (piece.stretches[index].since, move_s)
                for piece, move_s in zip(self._pieces, moves_s, strict=True)
                if index in piece.stretches
            )
            if any(move_s for _, move_s in own):
                moves[index] = own
        start_s, end_s = self._ends_s(moves_s)
        cut_short = any(self._corrupt.get(index) for index in self._leading)
        if start_s is None or end_s is None:
            return Clock(moves, cut_short=cut_short)
        return Clock(moves, end_s - start_s, start_s, cut_short)

    def _piece_of(self, index: int, now_s: float, shown_s: float, *, key: bool) -> int:
        """The number of the piece that a packet is of, which may be a new one."""
        current = self._in.get(index)
        if index not in self._leading or current is None:
            return self._joined(0 if current is None else current, now_s)
        step_s = now_s - self._next_s[index]
        if step_s < -BACK_S and index == self._main:
            # Some readers guess in which order pictures are decoded, and guess backwards.
            shown_before_s = float(self._pieces[current].stretches[index].end_s)
            if shown_s > shown_before_s - (BACK_S if key else _REORDERED_S):
                return current
        if -BACK_S <= step_s <= _LEAP_S:
            return current
        for later in range(current + 1, len(self._pieces)):
            if self._pieces[later].low_s - _NEAR_S <= now_s <= self._pieces[later].high_s + _NEAR_S:
                return later
        if -BACK_S <= step_s <= self._ahead_s:
            return current
        self._pieces.append(_Piece(now_s, now_s))
        return len(self._pieces) - 1

    def _joined(self, first: int, now_s: float) -> int:
        """The latest piece that a stream may be of which does not lead."""
        if not self._pieces:
            self._pieces.append(_Piece(now_s, now_s))
        for number in range(len(self._pieces) - 1, first, -1):
            piece = self._pieces[number]
            if piece.low_s - _NEAR_S <= now_s <= piece.high_s + _NEAR_S:
                return number
        return first

    def _base(self, packet: Any) -> tuple[Fraction, float]:
        """The seconds that a tick of a packet's stream lasts, exactly and for quick comparisons."""
        known = self._bases.get(packet.stream_index)
        if known is None:
            base = Fraction(packet.time_base)
            known = self._bases[packet.stream_index] = base, float(base)
        return known

    def _moves_s(self) -> list[Fraction]:
        """By how much each piece is moved, so that no stream overlaps with what it had before."""
        moves_s: list[Fraction] = []
        ends_s: dict[int, Fraction] = {}
        for piece in self._pieces:
            needed = [
                ends_s[index] - stretch.start_s
                for index, stretch in piece.stretches.items()
                if index in self._leading and index in ends_s
            ]
            move_s = max(needed) if moves_s and needed else Fraction(0)
            moves_s.append(move_s)
            for index, stretch in piece.stretches.items():
                ends_s[index] = stretch.end_s + move_s
        return moves_s

    def _ends_s(self, moves_s: list[Fraction]) -> tuple[Fraction | None, Fraction | None]:
        """When the picture begins and ends by its mended clock."""
        own = [
            (piece.stretches[self._main], move_s)
            for piece, move_s in zip(self._pieces, moves_s, strict=True)
            if self._main in piece.stretches
        ]
        if not own:
            return None, None
        start_s = min(stretch.start_s + move_s for stretch, move_s in own)
        end_s = max(stretch.end_s + move_s for stretch, move_s in own)
        return start_s - self._untold * self._usual_s, end_s


def _move(packet: Any, by_s: Fraction) -> None:
    ticks = round(by_s / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
