"""Turns an Altair chart into SVG that stands in a page: no script, no font file, no network.

What a chart shows is left to the report that draws it; here is only how ours look alike.
"""

import altair as alt
import vl_convert
from markupsafe import Markup

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK = "#1d2733"
PALE = "#d9e0e6"
COLOURS = ("#1f6f8b", "#d1603d", "#5b8c3e", "#8a5a9e", "#c79a1f", "#4b6cb7", "#a23b55", "#6b7280")
"""Told apart by colour-blind readers and in print; the first two carry the main contrast."""


def svg(chart: alt.TopLevelMixin) -> Markup:
    """The chart as one SVG element that takes the width of the page.

    Args:
        chart: with its data inside (no URL); sizes in CSS pixels.

    Raises:
        ValueError: the chart's specification is not valid.
    """
    specification = chart.to_dict()
    specification.setdefault("config", {}).update(_config())
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    text = vl_convert.vegalite_to_svg(specification, vl_version=version, allowed_base_urls=[])
    return Markup(text)


def _config() -> dict[str, object]:
    text = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "font": FONT,
        "background": None,
        "view": {"stroke": None},
        "range": {"category": list(COLOURS)},
        "axis": {**text, "gridColor": PALE, "domainColor": PALE, "tickColor": PALE},
        "legend": {**text, "orient": "bottom", "symbolStrokeWidth": 2},
        "header": text,
        "title": {"color": INK, "anchor": "start", "fontSize": 13},
        "bar": {"color": COLOURS[0]},
        "line": {"strokeWidth": 2},
    }
