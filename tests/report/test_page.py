from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.report.charts import svg
from crowdveil.report.page import percent, picture, render_page

TEMPLATE = (
    '{% extends "base.html" %}{% block title %}{{ name }}{% endblock %}'
    "{% block lead %}{{ share | percent }}{% endblock %}{% block body %}{{ chart }}{% endblock %}"
)


class Loads(HTMLParser):
    """What a browser would fetch or run for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "iframe", "object", "embed", "base"}:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(name)
            if name in {"src", "href", "xlink:href"} and not str(value).startswith(("data:", "#")):
                self.found.append(str(value))


def page(tmp_path: Path, name: str = "A name") -> str:
    (tmp_path / "page.html").write_text(TEMPLATE)
    data = alt.InlineData([{"group": "A & B", "rate": 0.1}, {"group": "<C>", "rate": 0.2}])
    chart = svg(alt.Chart(data).mark_bar().encode(x="rate:Q", y="group:N"))
    return render_page(tmp_path, "page.html", name=name, share=0.0123, chart=chart)


def test_a_page_loads_and_runs_nothing(tmp_path: Path) -> None:
    loads = Loads()
    loads.feed(page(tmp_path))
    assert loads.found == []
    assert "default-src 'none'" in page(tmp_path)


def test_values_are_escaped(tmp_path: Path) -> None:
    assert "<script>" not in page(tmp_path, name="<script>alert(1)</script>")


def test_a_value_that_is_missing_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(TEMPLATE)
    with pytest.raises(jinja2.UndefinedError):
        render_page(tmp_path, "page.html", name="x", share=0.1)


def test_a_chart_is_one_picture_with_its_words_in_it() -> None:
    data = alt.InlineData([{"group": "A & B", "rate": 0.1}])
    root = ElementTree.fromstring(svg(alt.Chart(data).mark_bar().encode(y="group:N", x="rate:Q")))
    assert root.tag.endswith("svg")
    assert "A & B" in [text for element in root.iter() for text in element.itertext()]


def test_a_picture_is_part_of_the_page() -> None:
    assert picture(b"\x89PNG") == "data:image/png;base64,iVBORw=="


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_none_or_all(share: float) -> None:
    told = percent(share)
    assert (told == "0 %") == (share == 0) or share < 1e-13
    assert (told == "100 %") == (share == 1) or share > 1 - 1e-13
