"""Words for the screen: counts, names that cannot harm a terminal, how a command speaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 photo", "2 photos"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plain(text: object) -> str:
    """One line that any terminal can show; control and broken characters become escapes.

    File names may hold anything, also sequences that rewrite the screen.

    >>> plain("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(
        char
        if char.isprintable() or category(char) == "Zs"
        else char.encode("unicode_escape", "surrogatepass").decode()
        for char in str(text)
    )


def first(names: Sequence[object], most: int) -> str:
    """The first names, and how many there are besides: "a, b and 3 more"."""
    shown = ", ".join(plain(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


@dataclass(frozen=True, slots=True)
class Wording:
    """How a command speaks of its work.

    Attributes:
        doing: what the bar says.
        done: what the summary begins with.
        out: where the outputs go.
        publishes: whether the outputs are for publication.
        renames: whether the outputs' names must be told.
    """

    doing: str
    done: str
    out: Path
    publishes: bool = True
    renames: bool = False
