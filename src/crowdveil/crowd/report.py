"""The report of a scenario: one HTML page with the answer first, its pictures and its inputs.

Results come in, text goes out; writing it is left to `writing`, sentences to `wording`.
"""

from pathlib import Path
from typing import Any

from crowdveil.crowd import charts, wording
from crowdveil.crowd.comparison import compare
from crowdveil.crowd.decomposition import Counterfactual, Factor, Measure
from crowdveil.crowd.outcomes import Estimate
from crowdveil.crowd.published import Basis, basis
from crowdveil.crowd.quantities import LABEL, Quantity
from crowdveil.crowd.rates import Rate, Rates
from crowdveil.crowd.results import Results
from crowdveil.crowd.scenario import INPUTS, Scenario
from crowdveil.report.page import render_page

TEMPLATES = Path(__file__).parent / "templates"
_MOST_COLUMNS = 6
"""Groups that a table still has room for beside the sum."""

_STOPS = (Quantity.WRONGLY_STOPPED, Quantity.STOPPED)

_EQUAL = (
    (),
    (Factor.ERRORS,),
    (Factor.ENROLMENT,),
    (Factor.PRESENCE,),
    (Factor.ERRORS, Factor.ENROLMENT),
    (Factor.ERRORS, Factor.ENROLMENT, Factor.PRESENCE),
)


def report(results: Results) -> str:
    """The page as text, to be written as UTF-8."""
    scenario, result = results.scenario, results.outcome
    split = results.decompositions.get(Measure.PER_HEAD)
    uneven = split if split is not None and abs(split.difference) > 1e-12 else None
    found = results.sensitivity
    several = len(result.groups) > 1
    answer = wording.answer(results)
    return render_page(
        TEMPLATES,
        "crowd.html",
        scenario=scenario,
        lead=answer[0],
        answer=answer[1:],
        disparity=wording.disparity(results),
        comparisons=wording.comparisons(results, counts=False),
        notes=wording.notes(results),
        law=wording.law(results),
        sources=_law_sources(results),
        funnel=charts.funnel(results),
        who=charts.who(results) if several else None,
        waterfall=charts.waterfall(uneven) if uneven else None,
        split=uneven,
        counterfactuals=[_what_if(uneven.counterfactual(*equal)) for equal in _EQUAL]
        if uneven
        else [],
        measure="the population" if scenario.crowd.population else "those who pass",
        equal_rates=[wording.one_in(rate) for rate in uneven.equal_rates] if uneven else [],
        risk=charts.risk(result) if _recurs(results) else None,
        groups=result.groups[:_MOST_COLUMNS] if several else (),
        left_out=len(result.groups) - _MOST_COLUMNS,
        table=_table(results),
        tornado=charts.tornado(found) if found.swings else None,
        list_sweep=charts.sweep(found.list_size, "entries of the list"),
        people_sweep=charts.sweep(found.people, "people who pass"),
        threshold_sweep=charts.sweep(found.threshold, "threshold of the audit", straight=True)
        if found.threshold
        else None,
        checks=results.checks,
        inputs=[_input(scenario, results, key) for key in INPUTS if _shown(scenario, key)],
        reviewed=wording.reviewed(scenario),
        labels=LABEL,
        words=wording,
        basis_label=wording.BASIS_LABEL,
        simulation=result.simulation,
    )


def comparison_report(first: Results, second: Results) -> str:
    """The page of two scenarios side by side."""
    return render_page(
        TEMPLATES,
        "compare.html",
        first=first,
        second=second,
        rows=compare(first, second),
        words=wording,
    )


def _law_sources(results: Results) -> list[dict[str, str]]:
    """Pages that show the law: whose rule, the address, and what it shows."""
    if results.law is None:
        return []
    found = results.law
    rules = (*found.bans, *found.limits, *found.permits, *found.uncertain, *found.coming)
    return [
        {"place": one.place.name, "url": source.url, "supports": source.supports}
        for one in rules
        for source in one.rule.sources
    ]


def _recurs(results: Results) -> bool:
    """Whether it happens again and again, so that a year's risk means something."""
    scenario = results.scenario
    yearly = scenario.given("year.events") or scenario.given("year.attended")
    return yearly and any(group.risk > 0 for group in results.outcome.groups)


def _what_if(one: Counterfactual) -> dict[str, Any]:
    names = [wording.FACTOR_LABEL[factor] for factor in one.equal]
    listed = ", ".join(names[:-1]) + (" and " if names[:-1] else "") + "".join(names[-1:])
    return {
        "label": f"equal {listed}" if names else "as it is",
        "burden": {group: burden * wording.PER for group, burden in one.burden.items()},
        "ratio": one.ratio,
        "false_alerts": one.false_alerts,
        "innocent": one.innocent,
    }


def _table(results: Results) -> list[dict[str, Any]]:
    """Rows of the table of counts: a label, the sum, then each group."""
    result = results.outcome
    groups = result.groups[:_MOST_COLUMNS] if len(result.groups) > 1 else ()
    rows: list[tuple[str, Estimate, list[Estimate]]] = [
        (
            label,
            Estimate(getattr(result, name)),
            [Estimate(getattr(group, name)) for group in groups],
        )
        for label, name in (
            ("People seen", "scanned"),
            ("of them not on the list", "innocent"),
            ("Faces seen", "faces"),
            ("Listed people who pass", "listed"),
        )
    ]
    rows += [
        (LABEL[key], result.counts[key], [group.counts[key] for group in groups])
        for key in Quantity
        if wording.reviewed(results.scenario) or key not in _STOPS
    ]
    return [
        {"label": label, "cells": [wording.spread(one) for one in (whole, *parts)]}
        for label, whole, parts in rows
    ]


def _shown(scenario: Scenario, key: str) -> bool:
    table, _, name = key.partition(".")
    value = getattr(getattr(scenario, table), name)
    return value is not None or key in scenario.calibrated


def _input(scenario: Scenario, results: Results, key: str) -> dict[str, str]:
    table, _, name = key.partition(".")
    value = getattr(getattr(scenario, table), name)
    why = ""
    if key in scenario.assumed:
        why = " ".join(scenario.assumed[key].why.split())
    elif key in scenario.sources:
        why = scenario.sources[key]
    found = basis(scenario, key)
    if found is Basis.CALIBRATED:
        why = why or "solved from the published counts of this deployment"
        value = results.deployment.present if name == "present" else _solved(results)
    return {"key": key, "value": told(value), "basis": found.value, "why": why}


def _solved(results: Results) -> Rates:
    return Rates(common=Rate(float(results.deployment.fmr[0, 0])))


def told(value: object) -> str:
    """An input as a reader would write it."""
    if isinstance(value, Rates):
        return _rates(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {told(one)}" for name, one in value.items())
    if isinstance(value, float) and 0 < value < 1:
        return f"{value:.3g}"
    if isinstance(value, int | float):
        return wording.number(value)
    return str(value)


def _rates(rates: Rates) -> str:
    if rates.common is not None:
        return _rate(rates.common)
    if rates.groups is not None:
        return ", ".join(f"{group} {_rate(one)}" for group, one in rates.groups.items())
    pairs = rates.pairs or {}
    return f"{len(pairs)} x {len(pairs)} pairs of groups"


def _rate(rate: Rate) -> str:
    counted = rate.counted
    if counted is not None:
        return f"{counted[0]:,.0f} in {counted[1]:,.0f}"
    return f"{rate.mean:.3g}"
