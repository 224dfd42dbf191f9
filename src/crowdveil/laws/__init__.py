"""What the law on face recognition was, where, on which day: a register with its sources.

`on("Portland, Oregon", date(2021, 6, 1))` answers level by level; `judge` says whether a
deployment would have been barred; `select` lists and filters. Names are imported when they are
first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crowdveil.laws.answer import Answer, Level, on
    from crowdveil.laws.areas import Spot
    from crowdveil.laws.lawful import Finding, Mode, Operator, Verdict, judge
    from crowdveil.laws.nearby import near
    from crowdveil.laws.record import (
        Bound,
        Change,
        Confidence,
        Effect,
        Kind,
        Place,
        PlaceLevel,
        Rule,
        Source,
        Status,
        Use,
    )
    from crowdveil.laws.register import Register, load_register
    from crowdveil.laws.resolving import resolve
    from crowdveil.laws.selection import Selection, select
    from crowdveil.laws.standing import Standing

_HOMES = {
    "answer": ("Answer", "Level", "on"),
    "areas": ("Spot",),
    "lawful": ("Finding", "Mode", "Operator", "Verdict", "judge"),
    "nearby": ("near",),
    "record": (
        *("Bound", "Change", "Confidence", "Effect", "Kind", "Place", "PlaceLevel", "Rule"),
        *("Source", "Status", "Use"),
    ),
    "register": ("Register", "load_register"),
    "resolving": ("resolve",),
    "selection": ("Selection", "select"),
    "standing": ("Standing",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "Bound",
    "Change",
    "Confidence",
    "Effect",
    "Finding",
    "Kind",
    "Level",
    "Mode",
    "Operator",
    "Place",
    "PlaceLevel",
    "Register",
    "Rule",
    "Selection",
    "Source",
    "Spot",
    "Standing",
    "Status",
    "Use",
    "Verdict",
    "judge",
    "load_register",
    "near",
    "on",
    "resolve",
    "select",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'crowdveil.laws' has no attribute {name!r}")
    return getattr(import_module(f"crowdveil.laws.{_HOME_OF[name]}"), name)
