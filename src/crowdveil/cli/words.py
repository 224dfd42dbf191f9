"""Words for the screen: counts, names that cannot harm a terminal, how a command speaks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category

from crowdveil.summary import Outcome


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
        names: the file that they are written to as well, None if there is none.
    """

    doing: str
    done: str
    out: Path
    publishes: bool = True
    renames: bool = False
    names: Path | None = None

    def new_names(self, outcomes: Iterable[Outcome]) -> list[str]:
        """A heading, and a line for each new name; empty if there is nothing to tell."""
        lines = [f"{plain(one.output)}  was  {plain(one.source)}" for one in outcomes if one.output]
        where = "nowhere else" if self.names is None else f"also to {plain(self.names)}"
        return [f"New names, written {where}:", *lines] if self.renames and lines else []
