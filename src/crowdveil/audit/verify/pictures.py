"""Draws what only audits of comparisons have: DET curves, distributions, the matrix of groups.

What was measured comes in; one SVG element goes out, or None where there is nothing to draw.
"""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from crowdveil.audit.pictures import HEIGHT_PX, PADDING, WIDTH_PX, intervals, matrix, short_names
from crowdveil.audit.points import Point
from crowdveil.audit.verify.cells import Cells, Error
from crowdveil.audit.verify.curves import Curve, Spread
from crowdveil.audit.verify.dyads import Rate
from crowdveil.report.charts import COLOURS, INK, svg
from crowdveil.report.page import percent

MOST_CELLS = 12
"""Groups in a matrix that can still be read."""

FEWEST_ERRORS = 3
"""A curve ends where fewer comparisons than this decide over it."""


def det(curves: Sequence[Curve], points: Sequence[Point]) -> Markup | None:
    """Both errors at all thresholds, a line for each group, a dot at each operating point.

    Args:
        curves: of the groups, at most as many as there are colours.
        points: operating points.
    """
    names = short_names(curve.group for curve in curves)
    rows: list[dict[str, Any]] = [
        {"group": names[curve.group], "fmr": float(x), "fnmr": float(y), "order": step}
        for curve in curves
        for step, (x, y) in enumerate(zip(curve.fmr, curve.fnmr, strict=True))
        if x * curve.nonmated >= FEWEST_ERRORS and y * curve.mated >= FEWEST_ERRORS
    ]
    if not rows:
        return None
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    colour = alt.Color(
        "group:N",
        title=None,
        scale=alt.Scale(domain=groups, range=list(COLOURS[: len(groups)])),
        legend=alt.Legend(columns=2, labelLimit=190) if len(groups) > 1 else None,
    )
    axis, scale = _logarithmic([row["fmr"] for row in rows])
    across = alt.X("fmr:Q", title="FMR", axis=axis, scale=scale)
    axis, scale = _logarithmic([row["fnmr"] for row in rows])
    up = alt.Y("fnmr:Q", title="FNMR", axis=axis, scale=scale)
    line = (
        alt.Chart(alt.InlineData(rows))
        .mark_line(interpolate="linear")
        .encode(x=across, y=up, color=colour, order="order:Q")
    )
    dots = [
        {"group": names[curve.group], "fmr": float(curve.fmr[k]), "fnmr": float(curve.fnmr[k])}
        for curve in curves
        if curve.group in groups
        for k in (_nearest(curve, point) for point in points)
        if curve.fmr[k] * curve.nonmated >= FEWEST_ERRORS
        and curve.fnmr[k] * curve.mated >= FEWEST_ERRORS
    ]
    if dots:
        marks = alt.Chart(alt.InlineData(dots)).mark_point(filled=True, size=60, opacity=1)
        chart: alt.TopLevelMixin = (
            line + marks.encode(x=across, y=up, color=colour)
        ).properties(width=WIDTH_PX, height=HEIGHT_PX + 60, padding=PADDING)  # fmt: skip
    else:
        chart = line.properties(width=WIDTH_PX, height=HEIGHT_PX + 60, padding=PADDING)
    return svg(chart)


def distributions(spreads: Sequence[Spread], points: Sequence[Point]) -> Markup | None:
    """How often each score occurs, a line for each group; a rule at each operating point.

    Args:
        spreads: of the groups, at most as many as there are colours.
        points: operating points.
    """
    names = short_names(spread.group for spread in spreads)
    rows = [
        {
            "group": names[spread.group],
            "score": float((spread.edges[bar] + spread.edges[bar + 1]) / 2),
            "share": float(counts[bar] / counts.sum()),
            "kind": kind,
        }
        for spread in spreads
        for kind, counts in (("non-mated", spread.nonmated), ("mated", spread.mated))
        if counts.sum()
        for bar in range(len(counts))
    ]
    if not rows:
        return None
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    base = alt.Chart(alt.InlineData(rows)).mark_line(strokeWidth=1.6)
    drawn = base.encode(
        x=alt.X("score:Q", title="Score", scale=alt.Scale(zero=False, nice=False)),
        y=alt.Y("share:Q", title="Share of comparisons", axis=alt.Axis(format="~%", tickCount=4)),
        color=alt.Color(
            "group:N",
            title=None,
            scale=alt.Scale(domain=groups, range=list(COLOURS[: len(groups)])),
            legend=alt.Legend(columns=2, labelLimit=190) if len(groups) > 1 else None,
        ),
        strokeDash=alt.StrokeDash(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=["mated", "non-mated"], range=[[1, 0], [4, 3]]),
        ),
    )
    ends = (float(spreads[0].edges[0]), float(spreads[0].edges[-1]))
    at = [{"score": p.threshold} for p in points if ends[0] <= p.threshold <= ends[1]]
    rule = alt.Chart(alt.InlineData(at)).mark_rule(color=INK, strokeWidth=1).encode(x="score:Q")
    chart = drawn + rule if at else drawn
    return svg(chart.properties(width=WIDTH_PX, height=HEIGHT_PX, padding=PADDING))


def rates(cells: Cells, error: Error) -> Markup | None:
    """A dot and a line for each group."""
    rows = [
        {"group": group, "rate": r.share.rate, "low": r.share.low, "high": r.share.high}
        for group, r in zip(cells.groups, cells.within(error), strict=True)
        if r.share.trials
    ]
    title = "FMR within the group" if error is Error.FMR else "FNMR"
    return intervals(rows, title) if rows else None


def who_for_whom(cells: Cells) -> Markup | None:
    """FMR of every pair of groups, darker the higher above that of all of them together."""
    every = [rate.share for row in cells.fmr for rate in row]
    errors, trials = sum(s.errors for s in every), sum(s.trials for s in every)
    if not errors or not 2 <= len(cells.groups) <= MOST_CELLS:
        return None
    rows = [
        {
            "row": group,
            "column": other,
            "times": rate.share.rate * trials / errors if rate.share.trials else None,
            "text": _cell(rate),
        }
        for group, row in zip(cells.groups, cells.fmr, strict=True)
        for other, rate in zip(cells.groups, row, strict=True)
    ]
    return matrix(
        rows, value="times", text="text", row_title="Probe", column_title="Reference: FMR in %"
    )


def _cell(rate: Rate) -> str:
    """The rate in per cent; where no error was seen, what it is below at the least."""
    if not rate.share.trials:
        return ""
    if not rate.share.errors:
        return f"<{percent(rate.exact_at_most, 2).removesuffix(' %')}"
    return percent(rate.share.rate, 2).removesuffix(" %")


def _nearest(curve: Curve, point: Point) -> int:
    return int(abs(curve.threshold - point.threshold).argmin())


def _logarithmic(values: Sequence[float]) -> tuple[alt.Axis, alt.Scale]:
    """An axis from a power of ten to a power of ten, with lines at these and between them."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    last = max(last, first + 1)
    between = (1, 3) if last - first < 4 else (1,)
    ticks = [n * 10.0**power for power in range(first, last + 1) for n in between]
    axis = alt.Axis(
        values=[tick for tick in ticks if tick <= 10.0**last],
        labelExpr="format(datum.value * 100, '~r') + '%'",
    )
    return axis, alt.Scale(type="log", domain=[10.0**first, 10.0**last], nice=False)
