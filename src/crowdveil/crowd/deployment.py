"""The deployment: a scenario turned into arrays over groups, with every default filled in.

`deploy` resolves shares to people and entries, typed rates to a matrix over pairs of groups,
and solves for what is to be calibrated. The arrays are what the exact distributions, the
simulation and the decomposition share; they change them freely with `dataclasses.replace`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from crowdveil.crowd.audit_file import rates_at, read_audit
from crowdveil.crowd.rates import Rate, Rates, counted_rate
from crowdveil.crowd.scenario import DEFAULT_FNIR, Scenario
from crowdveil.crowd.sightings import SightingModel
from crowdveil.errors import ScenarioInvalid

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PairRates:
    """Where the false match rate of each pair of groups comes from.

    The rate of a person of group g against an entry of group h is
    `factor[g, h] * sqrt(v[first[g, h]] * v[second[g, h]])`, v being the rates' values.

    Attributes:
        rates: as given, K of them.
        first, second: (G, G) int64 numbers of rates.
        factor: (G, G) float64, 0 to 1.
    """

    rates: tuple[Rate, ...]
    first: Whole
    second: Whole
    factor: Floats

    def matrix(self, values: Floats) -> Floats:
        """(..., G, G) rates from (..., K) values of the given rates."""
        product = values[..., self.first] * values[..., self.second]
        same = self.first == self.second
        # The root of a square would round; a rate that stands alone is taken as it is.
        root = np.where(same, values[..., self.first], np.sqrt(product))
        return np.asarray(self.factor * root, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Deployment:
    """A scenario as arrays over its G groups.

    Attributes:
        groups: names.
        people: (G,) people who pass, listed or not; whole numbers unless made up by a
            counterfactual.
        population: (G,) shares of the population, or None when not given.
        entries: (G,) entries of the list.
        present: probability that a listed person passes at one event.
        wrongly_listed: share of the listed people who should not be.
        fmr: (G, G) false match rate by group of the person and of the entry.
        fnir: (G,) share of sightings of listed people without an alert.
        sightings: how often a person is seen.
        rejects_false, rejects_true: shares of alerted people whom a reviewer lets go.
        dwell_minutes: length of a stop, or None.
        events: how many events all this is spread over.
        uncertain_fmr, uncertain_fnir: where the rates come from, if any was counted; else None.
    """

    groups: tuple[str, ...]
    people: Floats
    population: Floats | None
    entries: Floats
    present: float
    wrongly_listed: float
    fmr: Floats
    fnir: Floats
    sightings: SightingModel
    rejects_false: float
    rejects_true: float
    dwell_minutes: float | None
    events: int
    uncertain_fmr: PairRates | None = None
    uncertain_fnir: tuple[Rate, ...] | None = None

    @property
    def list_size(self) -> float:
        """Entries of the list."""
        return float(self.entries.sum())

    @property
    def listed(self) -> Floats:
        """(G,) expected number of listed people who pass, at all events together."""
        return self.chances * self.present

    @property
    def chances(self) -> Floats:
        """(G,) entries of the list times events: how often a listed person might pass."""
        return self.entries * self.events

    @property
    def certain(self) -> bool:
        """Whether every rate is taken at its word."""
        return self.uncertain_fmr is None and self.uncertain_fnir is None

    def fpir(self) -> Floats:
        """(G,) probability that one search for a person not listed gives an alert."""
        return fpir(self.fmr, self.entries)


def fpir(fmr: Floats, entries: Floats) -> Floats:
    """False positive identification rate of a list, from the rate of single comparisons.

    FPIR = 1 - prod over h of (1 - FMR(g, h))^entries(h): every entry is one more chance for a
    false match, as if the comparisons of one search were independent. Source: NIST IR 8429
    (2022), Annex B, gives FPIR near N x FMR (eq. 32); for its limits see docs/crowd.md.

    Args:
        fmr: (..., G, G) by group of the person and of the entry, each 0 to 1.
        entries: (G,) numbers of entries.

    Returns:
        (..., G) by group of the person.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        # An FMR of 1 gives -inf, which is right, but 0 entries of it must give 0.
        logs = np.where(entries > 0, np.log1p(-fmr) * entries, 0.0)
    return np.asarray(-np.expm1(logs.sum(axis=-1)), np.float64)


def deploy(scenario: Scenario) -> Deployment:
    """Fill in what a scenario leaves open and turn it into arrays.

    Raises:
        ScenarioInvalid: more listed people present than people, more alerts published than faces
            seen, an audit that does not fit, or nothing from which to calibrate.
    """
    crowd, groups = scenario.crowd, tuple(scenario.crowd.groups)
    shares = np.array(list(crowd.groups.values()))
    sightings = SightingModel.of(
        cameras=crowd.cameras,
        seen=crowd.seen_by_each,
        passes=_by_group(crowd.passes, groups),
        correlation=crowd.correlation,
    )
    if crowd.people is not None:
        total = crowd.people
    else:
        total = float(crowd.faces or 0) / float(shares @ sightings.mean())
    listed_shares = scenario.watchlist.groups
    entry_shares = shares if listed_shares is None else np.array([listed_shares[g] for g in groups])
    pairs, misses = _rates(scenario, groups)
    fnir = np.array([rate.mean for rate in misses])
    bare = Deployment(
        groups=groups,
        people=apportion(round(total), shares),
        population=None
        if crowd.population is None
        else np.array([crowd.population[group] for group in groups]),
        entries=apportion(scenario.watchlist.size, entry_shares),
        present=0.0,
        wrongly_listed=scenario.watchlist.wrongly_listed,
        fmr=np.zeros((len(groups), len(groups))),
        fnir=fnir,
        sightings=sightings,
        rejects_false=scenario.procedure.rejects_false,
        rejects_true=scenario.procedure.rejects_true,
        dwell_minutes=scenario.procedure.dwell_minutes,
        events=crowd.events,
        uncertain_fnir=misses if any(rate.counted for rate in misses) else None,
    )
    if bare.people.sum() < 1:
        raise ScenarioInvalid("crowd: nobody passes; people or faces must come to at least 1")
    _refuse_more_alerts_than_faces(scenario, bare)
    if pairs is None:
        bare = replace(bare, present=_presence(scenario, bare))
        pairs = _calibrated_rate(scenario, bare)
    fmr = pairs.matrix(np.array([rate.mean for rate in pairs.rates]))
    uncertain = pairs if any(rate.counted for rate in pairs.rates) else None
    rated = replace(bare, fmr=fmr, uncertain_fmr=uncertain)
    deployment = replace(rated, present=_presence(scenario, rated))
    for group, listed, people in zip(groups, deployment.listed, deployment.people, strict=True):
        if listed > people + 0.5:
            raise ScenarioInvalid(
                f"watchlist.present: {listed:,.0f} listed people of group {group!r} would pass, "
                f"but only {people:,.0f} people of that group do; lower watchlist.present or "
                "watchlist.size"
            )
    return deployment


def _refuse_more_alerts_than_faces(scenario: Scenario, deployment: Deployment) -> None:
    if scenario.published is None:
        return
    faces = round(float(deployment.people @ deployment.sightings.mean()))
    for key in ("false_alerts", "true_alerts", "alerts"):
        count = getattr(scenario.published, key)
        if count is not None and count > faces:
            raise ScenarioInvalid(
                f"published.{key}: {count:,} are more than the {faces:,} faces seen; correct it or "
                "crowd.faces, or say with crowd.passes how often one person passes"
            )


def apportion(total: int, shares: Floats) -> Floats:
    """Split a whole number by shares into whole numbers with the same sum.

    Largest remainders; of equal ones the earlier group gains.
    Source: the method of Hamilton (1792).
    """
    exact = total * shares / shares.sum()
    # A share like 0.7 of 10 may come to 6.999...: that is 7.
    whole = np.floor(np.round(exact, 9))
    left = int(total - whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1
    return np.asarray(whole, np.float64)


def _by_group(value: float | dict[str, float], groups: tuple[str, ...]) -> Floats:
    if isinstance(value, dict):
        return np.array([value[group] for group in groups])
    return np.full(len(groups), float(value))


def _rates(
    scenario: Scenario, groups: tuple[str, ...]
) -> tuple[PairRates | None, tuple[Rate, ...]]:
    """FMR by pair of groups, or None if it is to be calibrated, and FNIR by group."""
    given = scenario.recogniser
    misses = given.fnir
    if given.audit is not None:
        matches, measured = rates_at(read_audit(Path(given.audit)), given.operating_point, groups)
        misses = misses or measured
    else:
        typed = given.fmr if given.fmr is not None else given.fpir
        if not isinstance(typed, Rates):
            return None, _of_groups(misses, groups)
        matches = typed
    return _pair_rates(matches, groups, given.across), _of_groups(misses, groups)


def _of_groups(rates: Rates | None, groups: tuple[str, ...]) -> tuple[Rate, ...]:
    if rates is None:
        return (Rate(DEFAULT_FNIR),) * len(groups)
    if rates.common is not None:
        return (rates.common,) * len(groups)
    by_group = rates.groups or {}
    return tuple(by_group[group] for group in groups)


def _pair_rates(rates: Rates, groups: tuple[str, ...], across: float | None) -> PairRates:
    size = len(groups)
    rows, columns = np.indices((size, size))
    ones = np.ones((size, size))
    if rates.common is not None:
        zeros = np.zeros((size, size), np.int64)
        return PairRates((rates.common,), zeros, zeros, ones)
    if rates.groups is not None:
        given = tuple(rates.groups[group] for group in groups)
        if across is None:
            return PairRates(given, rows, rows, ones)
        return PairRates(given, rows, columns, np.where(rows == columns, 1.0, across))
    pairs = rates.pairs or {}
    cells = tuple(pairs[row][column] for row in groups for column in groups)
    numbers = rows * size + columns
    return PairRates(cells, numbers, numbers, ones)


def _calibrated_rate(scenario: Scenario, deployment: Deployment) -> PairRates:
    """One FMR for all that gives the published number of false alerts."""
    published = scenario.published
    if published is None or published.false_alerts is None:
        raise ScenarioInvalid(
            "recogniser: give fmr, fpir or audit, or published.false_alerts to calibrate from"
        )
    innocent = np.maximum(deployment.people - deployment.listed, 0)
    searches = float(innocent @ deployment.sightings.mean())
    if published.false_alerts >= searches:
        raise ScenarioInvalid("published.false_alerts: more than there are sightings of people")
    if published.false_alerts == 0:
        rate = counted_rate(0, searches * deployment.list_size)
    else:
        share = published.false_alerts / searches
        rate = Rate(float(-np.expm1(np.log1p(-share) / deployment.list_size)))
    return _pair_rates(Rates(common=rate), deployment.groups, None)


def _presence(scenario: Scenario, deployment: Deployment) -> float:
    """The share of listed people who pass, typed or solved from the published true alerts."""
    given = scenario.watchlist.present
    if isinstance(given, float):
        return given
    published = scenario.published
    right = None
    if published is not None:
        right = published.true_alerts
        if right is None and published.alerts is not None:
            wrong = deployment.people @ (deployment.sightings.mean() * deployment.fpir())
            right = max(round(published.alerts - float(wrong)), 0)
    if right is None:
        raise ScenarioInvalid(
            "watchlist.present: say what share of the listed people passes (0 to 1), or give "
            "published.true_alerts to calibrate from"
        )
    hits = float(deployment.chances @ (deployment.sightings.mean() * (1 - deployment.fnir)))
    if right > hits:
        raise ScenarioInvalid(
            f"published.true_alerts: {right:,} are more than the whole list can give when everyone "
            f"on it passes ({hits:,.0f}); raise watchlist.size or crowd.passes (repeat sightings)"
        )
    # Like a test without errors, a day without a true alert does not promise another.
    return min((right or 0.5) / hits, 1.0) if hits else 0.0
