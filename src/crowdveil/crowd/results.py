"""Everything there is to say about one scenario, put together once for screen, report and files."""

from dataclasses import dataclass

import numpy as np

from crowdveil.crowd.decomposition import Decomposition, Measure, decompose
from crowdveil.crowd.deployment import Deployment, deploy
from crowdveil.crowd.outcomes import Outcome, outcome
from crowdveil.crowd.published import (
    Check,
    Elsewhere,
    GroupCheck,
    Implied,
    check_groups,
    check_published,
    implied,
    predict_elsewhere,
)
from crowdveil.crowd.scenario import Scenario
from crowdveil.crowd.simulation import Simulation
from crowdveil.crowd.swings import Sensitivity, sensitivity
from crowdveil.errors import (
    OptionsInvalid,
    PlaceAmbiguous,
    PlaceUnknown,
    ScenarioInvalid,
)
from crowdveil.laws.lawful import Verdict, judge


@dataclass(frozen=True, slots=True)
class Results:
    """What a scenario comes to.

    Attributes:
        scenario: as it was read.
        deployment: as it was resolved.
        outcome: what happens.
        decompositions: why false alerts fall unevenly, by measure; empty with one group.
        checks: published counts beside the model's.
        group_checks: the same by group.
        elsewhere: what rates from elsewhere would have predicted.
        implied: what published counts say by themselves.
        sensitivity: which inputs matter.
        law: whether it would have been lawful there that day, as far as the register of laws
            knows; None if the scenario names no place.
    """

    scenario: Scenario
    deployment: Deployment
    outcome: Outcome
    decompositions: dict[Measure, Decomposition]
    checks: tuple[Check, ...]
    group_checks: tuple[GroupCheck, ...]
    elsewhere: tuple[Elsewhere, ...]
    implied: Implied | None
    sensitivity: Sensitivity
    law: Verdict | None


def assess(
    scenario: Scenario,
    *,
    simulation: Simulation | None = None,
    between: tuple[str, str] | None = None,
) -> Results:
    """Work out everything about a scenario.

    Args:
        scenario: from `load_scenario` or `load_case`.
        simulation: how often it is played; has a default.
        between: the two groups between which the disparity is decomposed; by default those that
            bear most and least.

    Raises:
        ScenarioInvalid: the inputs contradict one another, or its place is not known or is
            the name of several.
        OptionsInvalid: `between` names no groups of the scenario.
    """
    played = simulation or Simulation()
    deployment = deploy(scenario)
    law = law_of(scenario)
    result = outcome(deployment, year=scenario.year, simulation=played)
    decompositions = {}
    if between is not None and not set(between) <= set(deployment.groups):
        raise OptionsInvalid(
            f"{' and '.join(between)}: choose two of the groups {', '.join(deployment.groups)}"
        )
    # A group of which nobody passes bears nothing and has nothing to be compared with.
    if np.count_nonzero(deployment.people) > 1 or (between and len(deployment.groups) > 1):
        decompositions = {
            measure: decompose(deployment, measure=measure, between=between) for measure in Measure
        }
    return Results(
        scenario=scenario,
        deployment=deployment,
        outcome=result,
        decompositions=decompositions,
        checks=check_published(scenario, result),
        group_checks=check_groups(scenario, result),
        elsewhere=predict_elsewhere(scenario, played),
        implied=implied(scenario, result),
        sensitivity=sensitivity(scenario, deployment),
        law=law,
    )


def law_of(scenario: Scenario) -> Verdict | None:
    """What the register of laws says of the deployment; None if it names no place.

    Raises:
        ScenarioInvalid: the place is not known, or is the name of several.
    """
    if scenario.place is None or scenario.day is None:
        return None
    try:
        return judge(scenario.place, scenario.day, operator=scenario.operator, mode=scenario.mode)
    except (PlaceAmbiguous, PlaceUnknown) as error:
        raise ScenarioInvalid(f"place: {error}") from error
