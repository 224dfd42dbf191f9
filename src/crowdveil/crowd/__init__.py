"""What would a deployment of face recognition do, and to whom?

A scenario (TOML) says who passes, who is on the list, how the recogniser errs and what happens
on an alert; out come the people scanned, the alerts, who is wrongly stopped and why. Names are
imported when they are first used, so that the command line stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crowdveil.crowd.cases import case_names, load_case
    from crowdveil.crowd.decomposition import Decomposition, Measure, decompose
    from crowdveil.crowd.deployment import Deployment, deploy
    from crowdveil.crowd.means import Expected, expected
    from crowdveil.crowd.outcomes import Estimate, Outcome, outcome
    from crowdveil.crowd.published import Check, check_published
    from crowdveil.crowd.quantities import Quantity
    from crowdveil.crowd.reading import load_scenario, read_scenario
    from crowdveil.crowd.results import Results, assess
    from crowdveil.crowd.scenario import Scenario
    from crowdveil.crowd.simulation import Simulated, Simulation, simulate
    from crowdveil.crowd.swings import Sensitivity, sensitivity

_HOMES = {
    "cases": ("case_names", "load_case"),
    "decomposition": ("Decomposition", "Measure", "decompose"),
    "deployment": ("Deployment", "deploy"),
    "means": ("Expected", "expected"),
    "outcomes": ("Estimate", "Outcome", "outcome"),
    "published": ("Check", "check_published"),
    "quantities": ("Quantity",),
    "reading": ("load_scenario", "read_scenario"),
    "results": ("Results", "assess"),
    "scenario": ("Scenario",),
    "swings": ("Sensitivity", "sensitivity"),
    "simulation": ("Simulated", "Simulation", "simulate"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Check",
    "Decomposition",
    "Deployment",
    "Estimate",
    "Expected",
    "Measure",
    "Outcome",
    "Quantity",
    "Results",
    "Scenario",
    "Sensitivity",
    "Simulated",
    "Simulation",
    "assess",
    "case_names",
    "check_published",
    "decompose",
    "deploy",
    "expected",
    "load_case",
    "load_scenario",
    "outcome",
    "read_scenario",
    "sensitivity",
    "simulate",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'crowdveil.crowd' has no attribute {name!r}")
    return getattr(import_module(f"crowdveil.crowd.{_HOME_OF[name]}"), name)
