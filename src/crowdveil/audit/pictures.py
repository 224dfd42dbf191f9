"""Draws the charts of audits: intervals, curves and matrices, as SVG that stands in a page.

Plain rows come in, each a mapping of the names a chart needs; one SVG element goes out. What
the figures mean is left to the pages.
"""

from collections.abc import Iterable, Mapping, Sequence

import altair as alt
from markupsafe import Markup

from crowdveil.report.charts import COLOURS, INK, PALE, svg

WIDTH_PX = 380
"""Of the drawn area: with labels it fits a phone without shrinking the words too far."""

HEIGHT_PX = 240

ROW_PX = 24
"""Height of one group in a chart of intervals."""

HEAT = ("#e4eff3", "#f3efe6", COLOURS[1])
"""Less than expected, as expected, more than expected."""

PADDING = {"left": 14, "right": 14, "top": 5, "bottom": 5}
"""Browsers may set labels wider than they were measured."""

MOST_LETTERS = 24
"""Of the name of a group in a chart: as many as its label has room for."""

Rows = Sequence[Mapping[str, object]]


def short_names(names: Iterable[str], most: int = MOST_LETTERS) -> dict[str, str]:
    """Long names cut in the middle, as long as they can then still be told apart.

    Combined groups ("Northern region, women") differ at their end, which a chart would cut off.

    >>> short_names(["Northern and eastern region, women"])
    {'Northern and eastern region, women': 'Northern and e…on, women'}
    """
    head = most * 3 // 5
    cut = {
        name: name if len(name) <= most else f"{name[:head]}…{name[head + 1 - most :]}"
        for name in names
    }
    return cut if len(set(cut.values())) == len(cut) else {name: name for name in cut}


def intervals(rows: Rows, title: str) -> Markup:
    """A dot and a line for each group: the share and its interval.

    Args:
        rows: `group`, `rate`, `low`, `high` (shares, 0 to 1); in the order to be drawn.
        title: of the horizontal axis.
    """
    rows = _shortened(rows, "group")
    order = [str(row["group"]) for row in rows]
    base = alt.Chart(alt.InlineData(list(rows))).encode(
        y=alt.Y("group:N", sort=order, title=None, axis=alt.Axis(labelLimit=190))
    )
    across = alt.X("low:Q", title=title, axis=alt.Axis(format="~%"), scale=alt.Scale(nice=True))
    line = base.mark_rule(strokeWidth=5, opacity=0.35, color=COLOURS[0]).encode(
        x=across, x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=75, opacity=1, color=COLOURS[0]).encode(x="rate:Q")
    return svg((line + dot).properties(width=WIDTH_PX, height=ROW_PX * len(order), padding=PADDING))


def lines(
    rows: Rows, *, x: str, y: str, x_title: str, y_title: str, share_x: bool = False,
    log_x: bool = False, fit_y: bool = False,
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
        fit_y: whether the vertical axis begins where the values do, not at 0.
    """
    rows = [row for row in rows if _drawable(row, x, log_x) and _drawable(row, y, False)]
    rows = _shortened(rows, "group")
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(groups))]
    colour = alt.Color(
        "group:N",
        title=None,
        scale=alt.Scale(domain=groups, range=colours),
        legend=alt.Legend(columns=2, labelLimit=190) if len(groups) > 1 else None,
    )
    across = alt.X(
        f"{x}:Q",
        title=x_title,
        axis=alt.Axis(format="~%" if share_x else ",~f", tickCount=5),
        scale=alt.Scale(type="log" if log_x else "linear", nice=not log_x, zero=not log_x),
    )
    up = alt.Y(f"{y}:Q", title=y_title, axis=alt.Axis(format="~%"), scale=alt.Scale(zero=not fit_y))
    chart = alt.Chart(alt.InlineData(rows)).mark_line().encode(x=across, y=up, color=colour)
    if any("kind" in row for row in rows):
        dashes = alt.Scale(domain=["measured", "if independent"], range=[[1, 0], [4, 4]])
        chart = chart.encode(strokeDash=alt.StrokeDash("kind:N", title=None, scale=dashes))
    return svg(chart.properties(width=WIDTH_PX, height=HEIGHT_PX, padding=PADDING))


def matrix(rows: Rows, *, value: str, text: str, row_title: str, column_title: str) -> Markup:
    """A square for each pair of groups, darker the larger the value.

    Args:
        rows: `row`, `column`, the value (>= 0, or None for nothing to show) and the text in it.
        value: its name; 1 is the middle of the colours.
        text: name of the words in the square.
        row_title: what the rows are.
        column_title: what the columns are.
    """
    rows = _shortened(rows, "row", "column", most=18)
    names = list(dict.fromkeys(str(row["row"]) for row in rows))
    size = max(34, min(64, 400 // max(1, len(names))))
    base = alt.Chart(alt.InlineData(list(rows))).encode(
        x=alt.X("column:N", sort=names, title=column_title,
                axis=alt.Axis(orient="top", labelAngle=-40, labelLimit=120, domain=False)),
        y=alt.Y("row:N", sort=names, title=row_title, axis=alt.Axis(labelLimit=120, domain=False)),
    )  # fmt: skip
    nothing = base.mark_rect(stroke="white", strokeWidth=2, color=PALE, opacity=0.5)
    scale = alt.Scale(type="symlog", domain=[0, 1, 8], range=list(HEAT), clamp=True)
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color(f"{value}:Q", legend=None, scale=scale)
    )
    words = base.mark_text(fontSize=11, color=INK).encode(text=f"{text}:N")
    return svg(
        (nothing + cells + words).properties(
            width=size * len(names), height=size * len(names), padding=PADDING
        )
    )


def _drawable(row: Mapping[str, object], name: str, log: bool) -> bool:
    value = row[name]
    return isinstance(value, int | float) and value == value and not (log and value <= 0)


def _shortened(rows: Rows, *columns: str, most: int = MOST_LETTERS) -> list[dict[str, object]]:
    names = short_names((str(row[column]) for row in rows for column in columns), most)
    return [{**row, **{column: names[str(row[column])] for column in columns}} for row in rows]
