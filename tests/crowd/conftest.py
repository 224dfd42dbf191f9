"""What the tests of scenarios share: one with every unevenness, and a way to change it."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from crowdveil.crowd.reading import scenario_from
from crowdveil.crowd.scenario import Scenario

UNEVEN = """
name = "Uneven"
[crowd]
people = 20_000
groups = { A = 0.7, B = 0.3 }
population = { A = 0.8, B = 0.2 }
cameras = 2
seen_by_each = 0.8
passes = { A = 1.0, B = 1.4 }
[watchlist]
size = 900
groups = { A = 0.4, B = 0.6 }
present = 0.03
wrongly_listed = 0.2
[recogniser]
fmr = { A = 1e-6, B = 5e-6 }
across = 0.2
fnir = { A = 0.1, B = 0.3 }
[procedure]
rejects_false = 0.4
rejects_true = 0.1
dwell_minutes = 10
"""

Build = Callable[..., Scenario]


@pytest.fixture
def build() -> Build:
    """A scenario from `UNEVEN`, with tables replaced by key: build({"crowd.people": 5})."""

    def make(changes: dict[str, Any] | None = None) -> Scenario:
        table = tomllib.loads(UNEVEN)
        for key, value in (changes or {}).items():
            part, _, name = key.partition(".")
            if value is None:
                table[part].pop(name, None)
            elif name:
                table.setdefault(part, {})[name] = value
            else:
                table[part] = value
        return scenario_from(table)

    return make
