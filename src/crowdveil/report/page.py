"""Renders a self-contained HTML page from a template and plain values.

A package keeps its templates in its own folder `templates/` and extends `base.html` of this
one, which brings the style sheet, print rules and a content policy that forbids the browser
to load or run anything. Values are escaped; what a page says is left to its template.
"""

import base64
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

_HERE = Path(__file__).parent / "templates"


def render_page(templates: Path, name: str, /, **values: Any) -> str:
    """The page as text, to be written as UTF-8.

    Args:
        templates: the folder in which the caller's package keeps its templates.
        name: of the template in it, which should begin with `{% extends "base.html" %}` and
            fill the blocks `title`, `lead` (one paragraph that answers the question) and
            `body`.
        **values: what the template names; a name that is missing is an error, not a gap.

    Raises:
        jinja2.UndefinedError: the template uses a value that was not given.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, _HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["count"] = count
    environment.globals["style"] = Markup((_HERE / "style.css").read_text("utf-8"))
    return environment.get_template(name).render(**values)


def picture(data: bytes, mime: str = "image/png") -> str:
    """A picture as the value of an `src` attribute."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def percent(share: float, digits: int = 3) -> str:
    """A share in words: `digits` significant digits, never a rounded 0 % or 100 %.

    >>> percent(0.96666), percent(0), percent(0.0000123), percent(0.99999), percent(1)
    ('96.7 %', '0 %', '0.00123 %', '99.999 %', '100 %')
    """
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    # Near 100 the digits that tell are those of what is missing.
    places = 0
    while places < 12 and (
        round(value, places) in (0, 100) or min(abs(value), 100) * 10**places < 10 ** (digits - 1)
    ):
        places += 1
    return f"{value:.{places}f} %"


def count(number: float) -> str:
    """A number with thousands set apart.

    >>> count(170000), count(1234.5)
    ('170,000', '1,234.5')
    """
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
