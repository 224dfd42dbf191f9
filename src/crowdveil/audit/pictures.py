"""Draws the charts of audits: intervals, curves and matrices, as SVG that stands in a page.

Plain rows come in, each a mapping of the names a chart needs; one SVG element goes out. What
the figures mean is left to the pages.
"""

from collections.abc import Mapping, Sequence

import altair as alt
from markupsafe import Markup

from crowdveil.report.charts import COLOURS, INK, PALE, svg

WIDTH_PX = 380
"""Of the drawn area: with labels it fits a phone without shrinking the words too far."""

ROW_PX = 24
"""Height of one group in a chart of intervals."""

HEAT = ("#e4eff3", "#f3efe6", COLOURS[1])
"""Less than expected, as expected, more than expected."""

Rows = Sequence[Mapping[str, object]]


def intervals(rows: Rows, title: str) -> Markup:
    """A dot and a line for each group: the share and its interval.

    Args:
        rows: `group`, `rate`, `low`, `high` (shares, 0 to 1); in the order to be drawn.
        title: of the horizontal axis.
    """
    order = [str(row["group"]) for row in rows]
    base = alt.Chart(alt.InlineData(list(rows))).encode(
        y=alt.Y("group:N", sort=order, title=None, axis=alt.Axis(labelLimit=190))
    )
    across = alt.X("low:Q", title=title, axis=alt.Axis(format="~%"), scale=alt.Scale(nice=True))
    line = base.mark_rule(strokeWidth=5, opacity=0.35, color=COLOURS[0]).encode(
        x=across, x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=75, opacity=1, color=COLOURS[0]).encode(x="rate:Q")
    return svg((line + dot).properties(width=WIDTH_PX, height=ROW_PX * len(order)))


def lines(
    rows: Rows, *, x: str, y: str, x_title: str, y_title: str, share_x: bool = False,
    log_x: bool = False, log_y: bool = False, step: bool = False, marks: Rows = (),
) -> Markup:  # fmt: skip
    """A line for each group, dashed where a row says so.

    Args:
        rows: `group`, `x` and `y`, and perhaps `kind`: "measured" or another, which is dashed.
        x: name of the horizontal value.
        y: name of the vertical value, a share.
        x_title: of the axis.
        y_title: of the axis.
        share_x: whether the horizontal value is a share.
        log_x: whether the axis is logarithmic; rows with 0 are then left out.
        log_y: the same for the vertical axis.
        step: whether values hold until the next one.
        marks: further rows, drawn as points.
    """
    rows = [row for row in rows if _drawable(row, x, log_x) and _drawable(row, y, log_y)]
    marks = [row for row in marks if _drawable(row, x, log_x) and _drawable(row, y, log_y)]
    groups = sorted({str(row["group"]) for row in rows})
    colour = alt.Color("group:N", title=None, scale=alt.Scale(domain=groups, range=_range(groups)),
                       legend=alt.Legend(columns=2, labelLimit=190))  # fmt: skip
    across = alt.X(f"{x}:Q", title=x_title, axis=alt.Axis(format="~%" if share_x else ",~f"),
                   scale=alt.Scale(type="log" if log_x else "linear", nice=not log_x))  # fmt: skip
    up = alt.Y(f"{y}:Q", title=y_title, axis=alt.Axis(format="~%"),
               scale=alt.Scale(type="log" if log_y else "linear"))  # fmt: skip
    line = alt.Chart(alt.InlineData(rows)).mark_line(
        interpolate="step-after" if step else "linear", clip=True
    )
    encoded = line.encode(x=across, y=up, color=colour)
    if any("kind" in row for row in rows):
        kinds = alt.StrokeDash("kind:N", title=None, scale=alt.Scale(
            domain=["measured", "if independent"], range=[[1, 0], [4, 4]]))  # fmt: skip
        encoded = encoded.encode(strokeDash=kinds)
    chart: alt.TopLevelMixin = encoded.properties(width=WIDTH_PX, height=240)
    if marks:
        dots = alt.Chart(alt.InlineData(marks)).mark_point(filled=True, size=80, opacity=1)
        chart = (encoded + dots.encode(x=across, y=up, color=colour)).properties(
            width=WIDTH_PX, height=240
        )
    return svg(chart)


def matrix(rows: Rows, *, value: str, text: str, row_title: str, column_title: str) -> Markup:
    """A square for each pair of groups, darker the larger the value.

    Args:
        rows: `row`, `column`, the value (>= 0, or None for nothing to show) and the text in it.
        value: its name; 1 is the middle of the colours.
        text: name of the words in the square.
        row_title: what the rows are.
        column_title: what the columns are.
    """
    names = list(dict.fromkeys(str(row["row"]) for row in rows))
    size = max(34, min(64, 400 // max(1, len(names))))
    base = alt.Chart(alt.InlineData(list(rows))).encode(
        x=alt.X("column:N", sort=names, title=column_title,
                axis=alt.Axis(orient="top", labelAngle=-40, labelLimit=120, domain=False)),
        y=alt.Y("row:N", sort=names, title=row_title, axis=alt.Axis(labelLimit=120, domain=False)),
    )  # fmt: skip
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.condition(
            f"isValid(datum['{value}'])",
            alt.Color(f"{value}:Q", legend=None, scale=alt.Scale(
                type="symlog", domain=[0, 1, 8], range=list(HEAT), clamp=True)),
            alt.value(PALE),
        )
    )  # fmt: skip
    words = base.mark_text(fontSize=11, color=INK).encode(text=f"{text}:N")
    return svg((cells + words).properties(width=size * len(names), height=size * len(names)))


def _drawable(row: Mapping[str, object], name: str, log: bool) -> bool:
    value = row[name]
    return isinstance(value, int | float) and value == value and not (log and value <= 0)


def _range(groups: Sequence[str]) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(groups))]
