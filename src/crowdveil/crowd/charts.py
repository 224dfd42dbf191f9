"""The pictures of the report: each takes results and returns one SVG element.

What is in them also stands in the report's tables; how our charts look alike is left to
`crowdveil.report.charts`.
"""

import altair as alt
import numpy as np
from markupsafe import Markup

from crowdveil.crowd.decomposition import FACTORS, Decomposition
from crowdveil.crowd.outcomes import Outcome, repeated
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.results import Results
from crowdveil.crowd.swings import Sensitivity, SweepPoint
from crowdveil.crowd.wording import FACTOR_LABEL, PER, number, one_in, reviewed
from crowdveil.report.charts import COLOURS, INK, svg

_WIDTH = 400
"""Of the drawing area in CSS pixels: with its labels it still reads on a phone."""

_TORNADO_BARS = 8
_ROOM = {"left": 34, "right": 20, "top": 5, "bottom": 5}
"""Around a drawing: a reader's font may be wider than the one labels were measured with."""

_PLAIN = "datum.value < 1 ? format(datum.value, '~g') : format(datum.value, '~s')"


def funnel(results: Results) -> Markup:
    """From everyone scanned to those found, on a scale on which all can be seen."""
    result = results.outcome
    stopped = result.counts[Quantity.WRONGLY_STOPPED].mean
    steps = [
        ("scanned", result.scanned),
        ("not on the list", result.innocent),
        ("false alerts", result.counts[Quantity.FALSE_ALERTS].mean),
        *([("wrongly stopped", stopped)] if reviewed(results.scenario) else []),
        ("listed people found", result.counts[Quantity.FOUND].mean),
    ]
    rows = [
        {
            "step": step,
            "people": max(value, 0.1),
            "label": number(value),
            "wrong": step in ("false alerts", "wrongly stopped"),
        }
        for step, value in steps
    ]
    order = [step for step, _ in steps]
    base = alt.Chart(alt.InlineData(rows)).encode(
        y=alt.Y("step:N", sort=order, title=None),
    )
    scale = alt.Scale(type="log", domainMin=0.1, domainMax=max(value for _, value in steps) * 8)
    bars = base.mark_bar().encode(
        x=alt.X(
            "people:Q",
            scale=scale,
            title="each line is ten times the one before",
            axis=_powers([value for _, value in steps], low=0.1),
        ),
        x2=alt.datum(0.1),
        color=alt.condition("datum.wrong", alt.value(COLOURS[1]), alt.value(COLOURS[0])),
    )
    text = base.mark_text(align="left", dx=5, color=INK, fontSize=13).encode(
        x=alt.X("people:Q", scale=scale), text="label:N"
    )
    return svg((bars + text).properties(padding=_ROOM, width=_WIDTH, height=alt.Step(30)))


def who(results: Results) -> Markup:
    """Each group's share of the population, the crowd, the list and the harm."""
    result, deployment = results.outcome, results.deployment
    columns: list[tuple[str, list[float]]] = []
    if deployment.population is not None:
        columns.append(("population", deployment.population.tolist()))
    columns += [
        ("people scanned", [group.scanned for group in result.groups]),
        ("list", deployment.entries.tolist()),
        ("false alerts", [group.counts[Quantity.FALSE_ALERTS].mean for group in result.groups]),
    ]
    if reviewed(results.scenario):
        stops = [group.counts[Quantity.WRONGLY_STOPPED].mean for group in result.groups]
        columns.append(("wrongly stopped", stops))
    rows = [
        {"of": name, "group": group, "share": value / sum(values), "order": place}
        for name, values in columns
        if sum(values) > 0
        for place, (group, value) in enumerate(zip(deployment.groups, values, strict=True))
    ]
    chart = (
        alt.Chart(alt.InlineData(rows))
        .mark_bar(stroke="white", strokeWidth=1)
        .encode(
            y=alt.Y("of:N", sort=[name for name, _ in columns], title=None),
            x=alt.X(
                "share:Q",
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5),
                title="share of each group",
            ),
            color=alt.Color("group:N", sort=list(deployment.groups), title=None),
            order="order:O",
        )
        .properties(padding=_ROOM, width=_WIDTH, height=alt.Step(30))
    )
    return svg(chart)


def waterfall(split: Decomposition) -> Markup:
    """From the burden of one group to that of the other, a step for each factor."""
    level = split.burden[split.less] * PER
    rows = [_step(split.less, 0.0, level, "group", number(level))]
    for factor in FACTORS:
        share = split.shares[factor] * PER
        label = f"{share:+,.1f}" if abs(share) < 100 else f"{share:+,.0f}"
        kind = "more" if share >= 0 else "fewer"
        rows.append(_step(FACTOR_LABEL[factor], level, level + share, kind, label))
        level += share
    rows.append(_step(split.more, 0.0, level, "group", number(level)))
    order = [str(row["step"]) for row in rows]
    # Both ends may have the same name as a factor; a step is known by its place.
    base = alt.Chart(alt.InlineData(rows)).encode(y=alt.Y("step:N", sort=order, title=None))
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", title=f"false alerts per {PER:,} heads"),
        x2="end:Q",
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(
                domain=["group", "more", "fewer"], range=[COLOURS[0], COLOURS[1], COLOURS[2]]
            ),
            legend=None,
        ),
    )
    text = base.mark_text(align="left", dx=5, color=INK, fontSize=13).encode(
        x=alt.X("right:Q"), text="label:N"
    )
    return svg((bars + text).properties(padding=_ROOM, width=_WIDTH, height=alt.Step(32)))


def _step(name: str, start: float, end: float, kind: str, label: str) -> dict[str, object]:
    return {
        "step": name,
        "start": start,
        "end": end,
        "right": max(start, end),
        "kind": kind,
        "label": label,
    }


def risk(result: Outcome) -> Markup:
    """Risk of at least one false alert over the events that one person passes."""
    most = max(52, round(result.attended))
    times = np.unique(np.concatenate([[1], np.linspace(1, most, 52).round()]))
    rows = [
        {"events": int(events), "risk": repeated(group.risk, float(events)), "group": group.group}
        for group in result.groups
        for events in times
    ]
    highest = max(float(str(row["risk"])) for row in rows)
    several = len(result.groups) > 1
    chart = (
        alt.Chart(alt.InlineData(rows))
        .mark_line()
        .encode(
            x=alt.X("events:Q", title="events passed in a year", axis=alt.Axis(grid=False)),
            y=alt.Y(
                "risk:Q",
                title="risk of a false alert",
                axis=alt.Axis(format=".1%" if highest > 0.01 else ".2~%", tickCount=5),
            ),
            color=alt.Color(
                "group:N",
                sort=[group.group for group in result.groups],
                title=None,
                legend=alt.Legend() if several else None,
            ),
        )
        .properties(padding=_ROOM, width=_WIDTH, height=240)
    )
    return svg(chart)


def tornado(found: Sensitivity) -> Markup:
    """How far each input moves the number of people wrongly stopped, the widest first."""
    rows = []
    for swing in found.swings[:_TORNADO_BARS]:
        low, high = swing.at_low.wrongly_stopped, swing.at_high.wrongly_stopped
        span = f"{_value(swing.low)} to {_value(swing.high)}" if swing.given else "half to double"
        label = f"{swing.label} ({span})"
        rows.append({"input": label, "low": min(low, high), "high": max(low, high)})
    base = alt.Chart(alt.InlineData(rows)).encode(
        y=alt.Y(
            "input:N",
            sort=[str(row["input"]) for row in rows],
            title=None,
            axis=alt.Axis(labelLimit=330),
        )
    )
    bars = base.mark_bar(color=COLOURS[0]).encode(
        x=alt.X("low:Q", title="people wrongly stopped", axis=alt.Axis(tickCount=5)), x2="high:Q"
    )
    rule = (
        alt.Chart(alt.InlineData([{"base": found.base.wrongly_stopped}]))
        .mark_rule(color=COLOURS[1], strokeWidth=2)
        .encode(x="base:Q")
    )
    return svg((bars + rule).properties(padding=_ROOM, width=_WIDTH - 100, height=alt.Step(28)))


def _powers(values: list[float], *, low: float | None = None) -> alt.Axis:
    """An axis with a line at every power of ten, and nothing between."""
    floor = low if low is not None else min(values, default=1.0)
    first, last = np.floor(np.log10(floor)), np.ceil(np.log10(max(values, default=1.0)))
    ticks = [10.0**power for power in range(int(first), int(last) + 1)]
    return alt.Axis(values=ticks, labelExpr=_PLAIN)


def _value(value: float) -> str:
    return one_in(value) if 0 < value < 0.001 else number(value)


def sweep(points: tuple[SweepPoint, ...], title: str, *, straight: bool = False) -> Markup:
    """False alerts and people found along one input."""
    rows = [
        {"value": point.value, "count": count, "what": what}
        for point in points
        for what, count in (
            ("false alerts", point.answer.false_alerts),
            ("listed people found", point.answer.found),
        )
        if count > 1e-3
    ]
    chart = (
        alt.Chart(alt.InlineData(rows))
        .mark_line(point=straight)
        .encode(
            x=alt.X(
                "value:Q",
                title=title,
                scale=alt.Scale(zero=False) if straight else alt.Scale(type="log", nice=False),
                axis=alt.Axis(tickCount=5, grid=False)
                if straight
                else alt.Axis(format="~s", tickCount=5, grid=False),
            ),
            y=alt.Y(
                "count:Q",
                title="expected number",
                scale=alt.Scale(type="log"),
                axis=_powers([float(str(row["count"])) for row in rows]),
            ),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(
                    domain=["false alerts", "listed people found"], range=[COLOURS[1], COLOURS[0]]
                ),
            ),
        )
        .properties(padding=_ROOM, width=_WIDTH, height=220)
    )
    return svg(chart)
