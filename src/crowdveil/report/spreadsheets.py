"""Makes text harmless for spreadsheets, which take some of it for formulas and run them.

A cell comes in, the cell to write goes out; numbers are left as they are. Every CSV file that
crowdveil writes goes through here. Source: OWASP, CSV Injection.
"""

import re
from typing import TypeVar

_STARTS = (
    *("=", "+", "-", "@", "|", "%", "\t", "\r", "\n"),
    *("\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}"),
    *("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}"),
)

_UNSEEN = re.compile(r"^[\s\0\u200b\ufeff]+")

T = TypeVar("T")


def inert(cell: T) -> T | str:
    """The cell, with an apostrophe before text that a spreadsheet would take for a formula.

    >>> inert("=HYPERLINK(1)"), inert("women"), inert(-0.5)
    ("'=HYPERLINK(1)", 'women', -0.5)
    """
    if not isinstance(cell, str):
        return cell
    # Spreadsheets look past blanks and marks that cannot be seen.
    seen = _UNSEEN.sub("", cell)
    return f"'{cell}" if cell.startswith(_STARTS) or seen.startswith(_STARTS) else cell
