"""The answer in plain words: what happens, to whom, why, and what it rests on.

Results come in, sentences go out; screen and report show the same ones. No number is rounded to
nothing: what is small is said as "1 in ...".
"""

from collections.abc import Sequence

from crowdveil.crowd.decomposition import Decomposition, Factor, Measure
from crowdveil.crowd.outcomes import Estimate, GroupOutcome, Outcome
from crowdveil.crowd.published import Basis, Check, GroupCheck, Verdict
from crowdveil.crowd.quantities import LABEL, Quantity
from crowdveil.crowd.results import Results
from crowdveil.crowd.scenario import Scenario
from crowdveil.laws import wording as law_wording
from crowdveil.report.page import percent

FACTOR_LABEL = {
    Factor.ERRORS: "error rates",
    Factor.ENROLMENT: "enrolment",
    Factor.PRESENCE: "presence",
}
BASIS_LABEL = {
    Basis.SOURCE: "published",
    Basis.TYPED: "typed",
    Basis.ASSUMED: "ASSUMED",
    Basis.CALIBRATED: "calibrated",
    Basis.DEFAULT: "default",
}
PER = 100_000
"""Heads to which small burdens are told."""

ALIKE = 1.005
"""A ratio below this is no difference worth a sentence."""

TINY = 1e-12
"""A smaller probability is not put into a number: the inputs do not bear it."""

RARE = 0.025
"""A one-sided probability below this is not put down to chance."""


def number(value: float) -> str:
    """A count or an expected count: whole from 10 on, else two significant digits.

    >>> number(2297.4), number(4.389), number(0.0123), number(0)
    ('2,297', '4.4', '0.012', '0')
    """
    if value == 0:
        return "0"  # also of what is 0 with a minus
    if abs(value) >= 9.95 or (abs(value) >= 1 and float(value).is_integer()):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def spread(estimate: Estimate) -> str:
    """A mean with its interval.

    >>> spread(Estimate(4.389, 0, 10))
    '4.4 (0-10)'
    """
    if estimate.low is None or estimate.high is None:
        return number(estimate.mean)
    return f"{number(estimate.mean)} ({number(estimate.low)}-{number(estimate.high)})"


def one_in(risk: float) -> str:
    """A probability as people say it.

    >>> one_in(0.0001), one_in(0.3), one_in(0), one_in(0.0135)
    ('1 in 10,000', '30.0 %', 'none', '1 in 74')
    """
    if risk <= 0:
        return "none"
    if risk < TINY:
        return f"less than 1 in {1 / TINY:,.0f}"
    if risk > 0.1:
        return percent(risk)
    whole = 1 / risk
    # Three digits are more than such inputs bear.
    places = max(len(f"{whole:.0f}") - 3, 0)
    return f"1 in {round(whole, -places):,.0f}"


def ratio(value: float) -> str:
    """A factor: two significant digits and more for large ones.

    >>> ratio(11.42), ratio(1.954), ratio(0.5)
    ('11', '2.0', '0.50')
    """
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def scans(scenario: Scenario) -> str:
    """What the scenario counts: people, or faces that may belong to the same person."""
    return "people" if scenario.crowd.people is not None else "faces"


def answer(results: Results) -> tuple[str, ...]:
    """What happens, in a few sentences, the answer first."""
    result, scenario = results.outcome, results.scenario
    return (
        _alerts(result, scenario),
        *_without_suspicion(result, scenario),
        *_stops(result, scenario),
        *_risk(result, scenario),
    )


def law(results: Results) -> tuple[str, ...]:
    """Whether it would have been lawful there that day; nothing if no place is named."""
    return law_wording.verdict(results.law) if results.law else ()


def _alerts(result: Outcome, scenario: Scenario) -> str:
    noun = scans(scenario)
    scanned = result.scanned if noun == "people" else result.faces
    alerts, false = result.counts[Quantity.ALERTS], result.counts[Quantity.FALSE_ALERTS]
    said = (
        f"Of {number(scanned)} {noun} scanned, expect {spread(alerts)} alerts, of which "
        f"{spread(false)} are false"
    )
    if result.precision is None:
        return f"{said}."
    return f"{said}: an alert is right with a probability of {percent(result.precision.mean)}."


def _without_suspicion(result: Outcome, scenario: Scenario) -> tuple[str, ...]:
    noun = scans(scenario)
    found, missed = result.counts[Quantity.FOUND], result.counts[Quantity.MISSED]
    unlisted = result.innocent
    if noun == "faces":
        unlisted = result.faces - result.listed * (result.faces / result.scanned)
    said = [f"{number(unlisted)} of the {noun} scanned are of nobody on the list"]
    if noun == "people":
        said = [f"{number(unlisted)} of the people scanned are not on the list"]
    if result.scanned_per_found is not None:
        per = unlisted / found.mean
        said.append(
            f"{number(per)} for every listed person found ({spread(found)} found, "
            f"{spread(missed)} missed)"
        )
    return ("; ".join(said) + ".",)


def _stops(result: Outcome, scenario: Scenario) -> tuple[str, ...]:
    wrongly, stopped = result.counts[Quantity.WRONGLY_STOPPED], result.counts[Quantity.STOPPED]
    if reviewed(scenario):
        said = (
            f"After review {spread(stopped)} people are stopped, {spread(wrongly)} of them wrongly"
        )
    else:
        said = (
            f"If every alert were acted on, {spread(stopped)} people would be stopped, "
            f"{spread(wrongly)} of them wrongly; how many of them a human reviewer lets go is not "
            "part of this scenario"
        )
    if result.minutes is not None and result.wrong_minutes is not None:
        said += (
            f": {number(result.minutes)} minutes of stops, {number(result.wrong_minutes)} of them "
            "with people wrongly stopped"
        )
    sentences = [f"{said}."]
    if result.year is not None and abs(result.year - result.events) > 1e-9:
        times = result.year / result.events
        sentences.append(
            f"In a year of {number(result.year)} events that makes "
            f"{number(times * result.counts[Quantity.FALSE_ALERTS].mean)} false alerts and "
            f"{number(times * wrongly.mean)} people wrongly stopped."
        )
    return tuple(sentences)


def _risk(result: Outcome, scenario: Scenario) -> tuple[str, ...]:
    there = [group for group in result.groups if group.scanned > 0]
    worst = max(there, key=lambda group: group.risk)
    best = min(there, key=lambda group: group.risk)
    if worst.risk <= 0:
        return ()

    def told(group: GroupOutcome) -> str:
        once = f"{one_in(group.risk)} at one event"
        if not scenario.given("year.attended"):
            return once
        return f"{once} and {one_in(group.year_risk)} at {number(result.attended)} events"

    said = f"Someone not on the list runs a risk of a false alert of {told(worst)}"
    if worst.risk < ALIKE * best.risk:
        return (f"{said}.",)
    return (f"{said} ({worst.group}; {best.group}: {told(best)}).",)


def disparity(results: Results) -> tuple[str, ...]:
    """How unevenly false alerts fall, why, and what equal error rates would leave."""
    if Measure.PER_HEAD not in results.decompositions:
        return ()
    split = results.decompositions[Measure.PER_HEAD]
    published = [
        _fell_on(check)
        for check in results.group_checks
        if check.published > check.of * check.expected
    ]
    if abs(split.difference) <= 1e-12:
        return (
            "With these inputs false alerts fall evenly, per head, on all groups: nothing in them "
            "differs between groups.",
            *published,
        )
    return (_who(results, split), *_remains(results, split), *published)


def _heads(results: Results) -> str:
    given = results.scenario.crowd.population is not None
    return "per head of the population" if given else "per head of those who pass"


def _who(results: Results, split: Decomposition) -> str:
    if split.ratio is None or split.factors is None:
        return (
            f"{split.more}: {number(split.difference * PER)} false alerts more than "
            f"{split.less}, {_heads(results).replace('head', f'{PER:,} heads')}."
        )
    parts = ", ".join(
        f"{FACTOR_LABEL[factor]} x {ratio(part)}" for factor, part in split.factors.items()
    )
    return (
        f"{split.more}: {ratio(split.ratio)} times the false alerts of {split.less}, "
        f"{_heads(results)}. It comes from {parts}."
    )


def _remains(results: Results, split: Decomposition) -> tuple[str, ...]:
    if split.ratio is None:
        return ()
    fairer = split.counterfactual(Factor.ERRORS)
    both = split.counterfactual(Factor.ERRORS, Factor.ENROLMENT)
    if fairer.ratio is None or both.ratio is None:
        return ()
    return (
        f"With equal error rates it would still be {ratio(fairer.ratio)} times, with equal "
        f"enrolment too {ratio(both.ratio)} times; and {number(both.innocent)} people would "
        "still be scanned without suspicion.",
    )


def _fell_on(check: GroupCheck) -> str:
    said = (
        f"{check.published} of {check.of} published false alerts concerned {check.group}; with "
        f"these inputs {percent(check.expected)} of them should."
    )
    if check.chance >= RARE:
        return f"{said} Chance alone may do that (probability {percent(check.chance)})."
    chance = one_in(max(check.chance, TINY / 2))
    return (
        f"{said} Chance alone would do that with a probability of {chance}: error rates, "
        "the list or those who pass differ between groups in a way these inputs leave out."
    )


def reviewed(scenario: Scenario) -> bool:
    """Whether the scenario says who is stopped: without, only who is alerted can be told."""
    return scenario.given("procedure.rejects_false")


def comparisons(results: Results, *, counts: bool = True) -> tuple[str, ...]:
    """What was published, by itself and beside the model's counts, and what that proves.

    Args:
        results: of a scenario.
        counts: whether each published count has its sentence; a table may say it better.
    """
    compared = [_compared(check) for check in results.checks] if counts else []
    sentences = [*_implied(results), *compared]
    if any(check.verdict is Verdict.CALIBRATED for check in results.checks):
        sentences.append(
            "Calibrated: an input was solved from this very deployment. Such a count agrees by "
            "construction and proves nothing about the model."
        )
    for other in results.elsewhere:
        verdict = {True: ": as published", False: ": NOT what was published", None: ""}
        sentences.append(
            f"The rate of {other.name}, scaled to this list, would have predicted "
            f"{spread(other.model)} false alerts{verdict[other.inside]}."
        )
    return tuple(sentences)


def _implied(results: Results) -> tuple[str, ...]:
    found, noun = results.implied, scans(results.scenario)
    parts = []
    if found is not None and found.per_face is not None and found.per_face_interval is not None:
        low, high = found.per_face_interval
        parts.append(
            f"one false alert per {number(1 / found.per_face)} {noun} scanned"
            f" (95 %: {number(1 / high)} to {number(1 / low)})"
            if found.per_face
            else f"no false alert, hence at most one per {number(1 / high)} {noun} (95 %)"
        )
    if found is not None and found.precision is not None and found.precision_interval is not None:
        low, high = found.precision_interval
        parts.append(
            f"{percent(found.precision)} of the alerts right (95 %: {percent(low)} to "
            f"{percent(high)})"
        )
    if found is not None and found.arrests is not None:
        many = "one arrest" if found.arrests == 1 else f"{number(found.arrests)} arrests"
        per = "" if found.per_arrest is None else f", one per {number(found.per_arrest)} {noun}"
        parts.append(f"{many if found.arrests else 'no arrest'}{per}")
    return (f"The published counts by themselves: {', '.join(parts)}.",) if parts else ()


def _compared(check: Check) -> str:
    said = (
        f"{LABEL[check.quantity]}: {number(check.published)} published, {spread(check.model)} here"
    )
    if check.verdict is Verdict.CALIBRATED:
        return f"{said}. Calibrated."
    rest = ", ".join(f"{key} ({BASIS_LABEL[basis]})" for key, basis in check.rests_on)
    if check.verdict is Verdict.REPRODUCED:
        return f"{said}. Reproduced, predicted from {rest}."
    if any(basis is Basis.CALIBRATED for _, basis in check.rests_on):
        return f"{said}. NOT reproduced, although an input was solved from such counts: {rest}."
    return f"{said}. NOT reproduced, predicted from {rest}."


def assumptions(scenario: Scenario) -> Sequence[tuple[str, str]]:
    """Key and reason of every assumed input."""
    return [(key, " ".join(one.why.split())) for key, one in scenario.assumed.items()]


def notes(results: Results) -> tuple[str, ...]:
    """What a reader should know of the model with these inputs."""
    scenario, deployment = results.scenario, results.deployment
    found = []
    if deployment.list_size > deployment.people.sum():
        found.append("The list is longer than the crowd: most of those listed cannot be there.")
    if deployment.fpir().max() > 0.1:
        found.append(
            "More than one search in ten gives a false alert: no system would be run like this. "
            "Look at the false match rate and the length of the list."
        )
    if len(deployment.groups) > 1 and _blind_to_list(results):
        found.append(
            "The rates do not depend on the group of the list entry, so that enrolment cannot "
            "matter here; give recogniser.across or a rate for each pair of groups if it does."
        )
    if not deployment.certain:
        found.append(
            "A rate was counted in a test; the intervals include what that count leaves open "
            f"({results.outcome.simulation.events:,} simulated events)."
        )
    if scenario.watchlist.groups is None and len(deployment.groups) > 1:
        found.append("The list is taken to be made up like the crowd (watchlist.groups).")
    return tuple(found)


def _blind_to_list(results: Results) -> bool:
    fmr = results.deployment.fmr
    return bool((fmr == fmr[:, :1]).all())
