"""The pictures of the page: a timeline of the rules, and maps with their places, as SVG.

Standings come in, text goes out: plain SVG, drawn here, because it needs outlines of countries
and bars with uncertain ends and no library of charts. Colour never stands alone: effects differ
by shape, statuses by filling. Outlines are Natural Earth's (public domain), simplified.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from markupsafe import Markup, escape

from crowdveil.laws import wording
from crowdveil.laws.record import BINDING, Effect, PlaceLevel, Status
from crowdveil.laws.register import HOME
from crowdveil.laws.standing import Standing, standing

COLOUR = {
    Effect.BANS: "#b3261e",
    Effect.LIMITS: "#8a6100",
    Effect.DISCLOSES: "#1f6f8b",
    Effect.PERMITS: "#5b3f8f",
    Effect.RULING: "#1d2733",
}
"""Dark enough for white paper, and told apart by colour-blind readers together with the shapes."""

_LAND, _COAST, _INK, _SOFT, _GRID = "#eef1f4", "#b9c4cd", "#1d2733", "#55626f", "#d9e0e6"
_ROW_PX, _LABEL_PX, _WIDTH_PX, _TOP_PX = 17, 330, 960, 26
_FIRST_YEAR = 2014
"""Where the timeline begins; the one rule that is older gets an arrow."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of the world and where it is drawn.

    Attributes:
        west, east, south, north: in degrees.
        width_px: of the picture.
        stretch: how much higher a degree of latitude is drawn than one of longitude.
    """

    west: float
    east: float
    south: float
    north: float
    width_px: int
    stretch: float

    @property
    def scale(self) -> float:
        """Pixels in a degree of longitude."""
        return self.width_px / (self.east - self.west)

    @property
    def height_px(self) -> int:
        """Of the picture."""
        return round((self.north - self.south) * self.scale * self.stretch)

    def xy(self, lat: float, lon: float) -> tuple[float, float]:
        """Pixels from the left and from the top."""
        return (lon - self.west) * self.scale, (self.north - lat) * self.scale * self.stretch

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a point lies in it."""
        return self.west <= lon <= self.east and self.south <= lat <= self.north


WORLD = Frame(-170, 180, -56, 78, 960, 1.0)
STATES = Frame(-126, -66, 24, 50, 960, 1.28)
EUROPE = Frame(-12, 33, 35, 61, 960, 1.5)


def maps(found: Sequence[Standing]) -> list[tuple[str, Markup]]:
    """Maps with a caption each: the world, and the parts where places stand close."""
    drawn = []
    for name, frame in (("The world", WORLD), ("United States", STATES), ("Europe", EUROPE)):
        here = [one for one in found if one.place.at and frame.holds(*one.place.at)]
        if here:
            drawn.append((name, _map(name, frame, here)))
    return drawn


def _map(name: str, frame: Frame, found: Sequence[Standing]) -> Markup:
    lines = [
        f'<path d="{_outline(rings, frame)}" fill="{_LAND}" stroke="{_COAST}" stroke-width=".7"/>'
        for rings in _outlines().values()
    ]
    # One mark a place: its weightiest rule of the day.
    weightiest = {one.place.id: one for one in sorted(found, key=_weight)}
    large = (PlaceLevel.STATE, PlaceLevel.COUNTRY, PlaceLevel.UNION)
    for one in sorted(weightiest.values(), key=lambda one: one.place.level not in large):
        lat, lon = one.place.at or (0.0, 0.0)
        size = 7.0 if one.place.level in large else 5.0
        name = wording.place_name(one.place)
        label = f"{name}: {one.rule.title}; {wording.where_it_stood(one)}"
        lines.append(mark(one, *frame.xy(lat, lon), size=size, label=label))
    count = len(weightiest)
    text = f"Map, {name}: {count} {'place' if count == 1 else 'places'} with rules, listed below."
    return _svg(frame.width_px, frame.height_px, text, lines)


def _weight(one: Standing) -> tuple[int, int]:
    effects = (Effect.RULING, Effect.DISCLOSES, Effect.PERMITS, Effect.LIMITS, Effect.BANS)
    applies = 2 if one.binds else 0 if one.over else 1
    return applies, effects.index(one.effect)


def mark(one: Standing, x: float, y: float, *, size: float, label: str) -> str:
    """The sign of a rule: shape and colour say what it does, the filling where it stands."""
    colour = COLOUR[one.effect]
    fill = colour if one.binds else "#ffffff"
    dashes = "" if one.binds or one.status is Status.NOT_STARTED else ' stroke-dasharray="2 1.6"'
    opacity = ' opacity=".55"' if one.over else ""
    look = f'fill="{fill}" stroke="{colour}" stroke-width="1.6"{dashes}{opacity}'
    return f"<g>{_shape(one.effect, x, y, size, look)}<title>{escape(label)}</title></g>"


def _shape(effect: Effect, x: float, y: float, size: float, look: str) -> str:
    corners = {
        Effect.BANS: ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        Effect.PERMITS: ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
        Effect.RULING: ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        Effect.DISCLOSES: ((0, 1.2), (1.15, -0.9), (-1.15, -0.9)),
    }.get(effect)
    if corners is None:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" {look}/>'
    points = " ".join(f"{x + dx * size * 0.9:.1f},{y + dy * size * 0.9:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" {look}/>'


def _outline(rings: Iterable[Sequence[int]], frame: Frame) -> str:
    parts = []
    for ring in rings:
        points = [(ring[k + 1] / 10, ring[k] / 10) for k in range(0, len(ring), 2)]
        if any(frame.holds(*point) for point in points) or frame is STATES:
            shown = (frame.xy(*point) for point in points)
            parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shown) + "Z")
    return "".join(parts)


@cache
def _outlines() -> dict[str, list[list[int]]]:
    text = (HOME / "data" / "outlines.json").read_text(encoding="utf-8")
    found: dict[str, list[list[int]]] = json.loads(text)
    return found


def timeline(found: Sequence[Standing]) -> Markup:
    """One bar a rule, by place: hatched before it started, full while it applied."""
    day = found[0].day if found else date.today()
    years = range(_FIRST_YEAR, max(day.year, 2028) + 2)
    height = _TOP_PX + _ROW_PX * len(found) + 6
    span = _Span(date(years[0], 1, 1), date(years[-1], 1, 1))
    lines = [
        '<defs><pattern id="unsure" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="5" height="5" fill="#ffffff"/>'
        f'<rect width="2" height="5" fill="{_SOFT}"/></pattern></defs>'
    ]
    for year in years:
        x = span.x(date(year, 1, 1))
        lines.append(f'<path d="M{x:.1f} {_TOP_PX - 6}V{height}" stroke="{_GRID}"/>')
        lines.append(
            f'<text x="{x:.1f}" y="13" font-size="11" fill="{_SOFT}" '
            f'text-anchor="middle">{year}</text>'
        )
    x = span.x(day)
    lines.append(f'<path d="M{x:.1f} {_TOP_PX - 6}V{height}" stroke="{_INK}" stroke-width="1.5"/>')
    for row, one in enumerate(found):
        lines += _bar(one, _TOP_PX + row * _ROW_PX, span)
    text = f"Timeline of {len(found)} rules; the table below has the same days. The line is {day}."
    return _svg(_WIDTH_PX, height, text, lines)


@dataclass(frozen=True, slots=True)
class _Span:
    first: date
    last: date

    def x(self, day: date) -> float:
        days = (min(max(day, self.first), self.last) - self.first).days
        width = _WIDTH_PX - _LABEL_PX - 10
        return _LABEL_PX + width * days / (self.last - self.first).days


def _bar(one: Standing, top: float, span: _Span) -> list[str]:
    name = f"{wording.place_name(one.place)}: {one.rule.title}"
    short = name if len(name) <= 56 else f"{name[:54].rstrip()}…"
    middle = top + _ROW_PX / 2
    lines = [
        f'<text x="{_LABEL_PX - 8}" y="{middle + 3.5:.1f}" font-size="10.5" fill="{_INK}" '
        f'text-anchor="end">{escape(short)}</text>'
    ]
    for start, end, status in _stretches(one, span):
        left, right = span.x(start), span.x(end)
        lines.append(_stretch(one, status, left, max(right - left, 1.5), top + 3))
    hover = escape(f"{name}; {wording.where_it_stood(one)}")
    return [f"<g><title>{hover}</title>", *lines, "</g>"]


def _stretches(one: Standing, span: _Span) -> list[tuple[date, date, Status]]:
    """From when to when the rule had which status, from its own changes alone."""
    days = {span.first, span.last}
    for change in one.rule.changes:
        days |= {day for day in (change.earliest, change.latest) if day and day < span.last}
    ordered = sorted(day for day in days if day >= span.first)
    found = []
    for start, end in zip(ordered, [*ordered[1:], span.last], strict=True):
        there = standing(one.place, one.rule, start)
        if there and start < end:
            found.append((start, end, there.status))
    return found


def _stretch(one: Standing, status: Status, left: float, width: float, top: float) -> str:
    colour, height = COLOUR[one.effect], _ROW_PX - 7
    box = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height}"'
    if status in BINDING:
        return f'<rect {box} fill="{colour}"/>'
    if status is Status.UNKNOWN:
        return f'<rect {box} fill="url(#unsure)" stroke="{_SOFT}" stroke-width=".6"/>'
    if status in (Status.NOT_STARTED, Status.PROPOSED, Status.SUSPENDED):
        return f'<rect {box} fill="#ffffff" stroke="{colour}" stroke-width="1.2"/>'
    if status is Status.FAILED:
        return f'<path d="M{left:.1f} {top}v{height}" stroke="{colour}" stroke-width="3"/>'
    return ""


def key() -> Markup:
    """What shapes and fillings mean."""
    lines, x = [], 8.0
    for effect in Effect:
        look = f'fill="{COLOUR[effect]}" stroke="{COLOUR[effect]}"'
        lines.append(_shape(effect, x, 12, 5, look))
        lines.append(_words(x + 11, wording.EFFECT[effect]))
        x += 34 + 6.4 * len(wording.EFFECT[effect])
    x = 8.0
    fillings = (
        (f'fill="{_INK}"', "in force"),
        (f'fill="#ffffff" stroke="{_INK}"', "adopted or proposed"),
        (f'fill="url(#unsure-key)" stroke="{_SOFT}"', "not known (on maps: dashed outline)"),
    )
    lines.append(
        '<defs><pattern id="unsure-key" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="5" height="5" fill="#ffffff"/>'
        f'<rect width="2" height="5" fill="{_SOFT}"/></pattern></defs>'
    )
    for look, words in fillings:
        lines.append(f'<rect x="{x - 5}" y="29" width="22" height="10" {look}/>')
        lines.append(_words(x + 23, words, y=38))
        x += 46 + 6.4 * len(words)
    return _svg(_WIDTH_PX, 46, "Key: shapes say what a rule does, fillings where it stands.", lines)


def _words(x: float, text: str, *, y: float = 16) -> str:
    return f'<text x="{x:.1f}" y="{y}" font-size="12" fill="{_INK}">{escape(text)}</text>'


def _svg(width: int, height: int, text: str, lines: Iterable[str]) -> Markup:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(text)}" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif\">"
    )
    # Escaped above wherever a text of the register or of the user comes in.
    return Markup(f"{head}{''.join(lines)}</svg>")
