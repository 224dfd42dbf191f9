"""Built-in scenarios: deployments that were published, and an illustration, each as TOML.

Their texts name the source of every published input and mark every assumed one. Reading is left
to `reading`.
"""

from importlib import resources

from crowdveil.crowd.reading import read_scenario
from crowdveil.crowd.scenario import Scenario
from crowdveil.errors import OptionsInvalid

_CASES = resources.files("crowdveil.crowd") / "cases"


def case_names() -> tuple[str, ...]:
    """The names of the built-in scenarios, in alphabetical order."""
    files = (entry.name for entry in _CASES.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def case_text(name: str) -> str:
    """The TOML of a built-in scenario.

    Raises:
        OptionsInvalid: there is none of this name.
    """
    if name not in case_names():
        raise OptionsInvalid(
            f"{name}: no such file, and no built-in scenario of that name; there are "
            f"{', '.join(case_names())}"
        )
    return (_CASES / f"{name}.toml").read_text(encoding="utf-8")


def load_case(name: str) -> Scenario:
    """A built-in scenario; raises `OptionsInvalid` if there is none of this name."""
    return read_scenario(case_text(name), where=name)
