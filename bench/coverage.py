"""How often the intervals of an audit of comparisons hold the truth, on simulated people.

People with pictures are compared, all pairs of pictures. Some people, or pairs of people, are
confused more easily than others, by so much and no more than the truth is known. The rates,
differences and measures of the audit are set beside it. Without any difference between groups,
the share of reports with a "yes" is counted, and with a threshold that is set on the same scores,
how often FNMR's interval holds FNMR at the threshold that the population has.

    python bench/coverage.py --repeats 400
    python bench/coverage.py --repeats 2000 --seed 7 --people 60 --people 240
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from crowdveil.audit.differentials import OF_BOTH, OF_ONE
from crowdveil.audit.partitions import Partition, partitions
from crowdveil.audit.points import Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.summaries import known_of, summaries
from crowdveil.audit.verify.cells import Error, cells_of
from crowdveil.audit.verify.comparisons import Histograms, Tally
from crowdveil.audit.verify.rate_gaps import all_together, differences
from crowdveil.audit.verify.thresholds import with_threshold
from crowdveil.audit.words import is_established

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

RESAMPLING = Resampling(draws=200)
HUBS = 0.05
"""Share of people who are confused easily, where some are and the others are not."""
FNMR = 0.05
SPREAD = 0.7
"""Of how well people are recognised, on the scale of the scores, whose own spread is 1."""


@dataclass(frozen=True)
class Scenario:
    """How people look alike.

    Attributes:
        people, pictures, groups: how many, of each person, of equal size.
        fmr: of the first group; the last one has `ratio` times as much.
        look_alikes: none, people (some are confused more easily), pairs (some pairs are), or
            hubs (a few people are, and all others not).
        strength: by how much, on the scale of the scores, whose own spread is 1.
        ratio: 1 if all groups are alike.
    """

    people: int
    pictures: int
    groups: int
    fmr: float
    look_alikes: str
    strength: float
    ratio: float = 1.0

    def fmr_of(self, group: npt.NDArray[np.int_]) -> Floats:
        """The true FMR within each group: even steps of the ratio from first to last."""
        return np.asarray(self.fmr * self.ratio ** (group / max(1, self.groups - 1)))


def main() -> None:
    """Simulate, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--people", type=int, action="append")
    parser.add_argument("--fmr", type=float, default=0.005)
    parser.add_argument("--reports", type=int, default=60, help="of the second part, which is slow")
    args = parser.parse_args()
    kinds = [("none", 0.0), ("people", 0.3), ("people", 0.6), ("pairs", 0.7), ("hubs", 1.0)]
    columns = ("FMR", "at most", "FNMR", "differences", "lowest measure", "of which")
    print("coverage in %, all groups; " + " | ".join(columns))
    for people, (kind, strength), ratio in product(args.people or [60, 240], kinds, (1.0, 4.0)):
        scenario = Scenario(people, 3, 3, args.fmr, kind, strength, ratio)
        print(f"{name_of(scenario)}: {covered(scenario, args.repeats, args.seed)}", flush=True)
    for people, (kind, strength) in product(args.people or [60, 240], kinds):
        scenario = Scenario(people, 3, 1, args.fmr, kind, strength)
        share = false_alarms(scenario, args.reports, args.seed)
        held = at_set_threshold(scenario, args.reports, args.seed)
        print(
            f"{name_of(scenario)}: any 'yes' in {100 * share:.1f} % of reports without difference, "
            f"FNMR at a set FMR covered in {100 * held:.1f} %",
            flush=True,
        )


def name_of(scenario: Scenario) -> str:
    """A scenario in a few words."""
    alike = "alike" if scenario.ratio == 1 else f"up to x{scenario.ratio:g}"
    return (
        f"{scenario.people} people, {scenario.pictures} pictures, {scenario.groups} groups "
        f"{alike}, look-alikes {scenario.look_alikes} {scenario.strength:g}"
    )


def covered(scenario: Scenario, repeats: int, seed: int) -> str:
    """How often each kind of interval held the truth."""
    random = np.random.default_rng(seed)
    group = np.arange(scenario.people) % scenario.groups
    labels = [f"group {n}" for n in range(scenario.groups)]
    divided = partitions({"group": labels}, scenario.groups)[1]
    truth = scenario.fmr_of(np.arange(scenario.groups))
    held: defaultdict[str, list[bool]] = defaultdict(list)
    for _ in range(repeats):
        tally = tallied(scenario, group, scenario.groups, random)
        (cells,) = cells_of(tally, divided, [Point(0.0, "")], RESAMPLING)
        for rate, true in zip(cells.within(Error.FMR), truth, strict=True):
            held["FMR"].append(rate.share.low <= true <= rate.share.high)
            held["at most"].append(true <= rate.share.at_most)
        for rate in cells.fnmr:
            held["FNMR"].append(rate.share.low <= FNMR <= rate.share.high)
        for gap in differences(cells):
            if gap.error is Error.FMR:
                true = float(truth[labels.index(gap.higher)] - truth[labels.index(gap.lower)])
                held["differences"].append(gap.gap.low <= true <= gap.gap.high)
        false, missed = (
            {
                label: known
                for label, rate in zip(labels, cells.within(error), strict=True)
                if (known := known_of(rate.share)) is not None
            }
            for error in Error
        )
        point = Point(0.0, "")
        for one in summaries(("FMR", false), ("FNMR", missed), RESAMPLING, point=point,
                             partition="group"):  # fmt: skip
            equal = np.full(scenario.groups, FNMR)
            if one.of is None:
                true = float(OF_BOTH[one.measure](truth, equal, 0.5))
            else:
                true = float(OF_ONE[one.measure](truth if one.of == "FMR" else equal))
            # Equal rates differ in the last digits.
            inside = one.low - 1e-9 <= true <= one.high + 1e-9
            held[f"measure {one.measure.name} of {one.of or 'both'}"].append(inside)
    shares = {name: float(np.mean(found)) for name, found in held.items()}
    worst = min((name for name in shares if name.startswith("measure")), key=shares.__getitem__)
    told = [f"{100 * shares[name]:.1f}" for name in ("FMR", "at most", "FNMR", "differences")]
    return " | ".join([*told, f"{100 * shares[worst]:.1f}", worst.removeprefix("measure ")])


def false_alarms(scenario: Scenario, repeats: int, seed: int) -> float:
    """The share of reports with any "yes": three columns of two labels, two thresholds."""
    random = np.random.default_rng(seed)
    atom = np.arange(scenario.people) % 8
    labels = {f"column {n}": [str(a >> n & 1) for a in range(8)] for n in range(3)}
    divided = partitions(labels, 8)
    points = [Point(0.0, "one"), Point(1.0, "two")]
    alarms = 0
    for _ in range(repeats):
        tally = tallied(scenario, atom, 8, random, thresholds=2)
        found = [
            gap
            for partition in divided
            for cells in cells_of(tally, partition, points, RESAMPLING)
            for gap in differences(cells)
        ]
        alarms += any(is_established(one.gap, 0.95) for one in all_together(found))
    return alarms / repeats


def at_set_threshold(scenario: Scenario, repeats: int, seed: int) -> float:
    """How often FNMR's interval holds FNMR where the population's FMR is the one aimed at."""
    random = np.random.default_rng(seed)
    threshold = -threshold_for(scenario, scenario.fmr)
    shift = threshold + float(ndtri(1 - FNMR)) * np.sqrt(1 + SPREAD**2)
    divided = (Partition("everyone", ("everyone",), np.zeros(1, np.int32)),)
    m, held = scenario.pictures, 0
    for _ in range(repeats):
        one, other, ease = pairs(scenario, random)
        nonmated = ease[:, None] + random.normal(size=(len(one), m * m))
        own = shift + SPREAD * random.normal(size=scenario.people)
        mated = own[:, None] + random.normal(size=(scenario.people, m * (m - 1) // 2))
        scores = np.sort(nonmated.ravel())
        lowest = float(np.nextafter(scores[-1 - int(scenario.fmr * len(scores))], np.inf))
        errors = np.array([np.ones_like(nonmated).sum(1), (nonmated >= lowest).sum(1)], np.int64)
        missed = np.array([np.ones_like(mated).sum(1), (mated < lowest).sum(1)], np.int64)
        tally = Tally(
            np.zeros(scenario.people, np.int32), np.ones(scenario.people, np.int64),
            by_person(errors, one, other, scenario.people)[:, :, None], None, missed,
        )  # fmt: skip
        edges = np.unique(np.concatenate([nonmated.ravel(), mated.ravel()]))
        counts = [
            np.histogram(s, np.append(edges, np.inf))[0].astype(np.int64) for s in (nonmated, mated)
        ]
        spread = Histograms(edges, [counts[0][None, :]], [counts[1][None, :]])
        (cells,) = cells_of(tally, divided[0], [Point(lowest, "")], RESAMPLING)
        (rate,) = with_threshold(cells, spread, 0, cells.fmr[0][0], spread.nonmated[0][0]).fnmr
        held += rate.share.low <= FNMR <= rate.share.high
    return held / repeats


def tallied(
    scenario: Scenario, atom: npt.NDArray[np.int_], atoms: int, random: Random, thresholds: int = 1
) -> Tally:
    """What each person's comparisons came to, with independent chance at each threshold."""
    m = scenario.pictures
    one, other, ease = pairs(scenario, random)
    group = atom % scenario.groups
    level = np.array(
        [threshold_for(scenario, rate) for rate in scenario.fmr_of(np.arange(scenario.groups))]
    )
    # Between groups the level of the lower of both.
    wrong = ndtr(np.minimum(level[group[one]], level[group[other]]) + ease)
    trials = np.full(len(one), m * m)
    counted = np.array([trials, *(random.binomial(trials, wrong) for _ in range(thresholds))])
    probe = np.zeros((1 + thresholds, scenario.people, atoms), np.int64)
    for number, errors in enumerate(counted):
        np.add.at(probe[number], (one, atom[other]), errors)
        np.add.at(probe[number], (other, atom[one]), errors)
    own = ndtri(FNMR) * np.sqrt(1 + SPREAD**2) + SPREAD * random.normal(size=scenario.people)
    mated = np.full(scenario.people, m * (m - 1) // 2)
    missed = np.array([mated, *(random.binomial(mated, ndtr(own)) for _ in range(thresholds))])
    return Tally(atom.astype(np.int32), np.ones(scenario.people, np.int64), probe, None, missed)


def pairs(
    scenario: Scenario, random: Random
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """All pairs of people, and how easily each is confused."""
    one, other = np.triu_indices(scenario.people, 1)
    if scenario.look_alikes == "people":
        own = scenario.strength * random.normal(size=scenario.people)
        return one, other, own[one] + own[other]
    if scenario.look_alikes == "hubs":
        hub = scenario.strength * (random.random(scenario.people) < HUBS)
        return one, other, hub[one] + hub[other]
    return one, other, scenario.strength * random.normal(size=len(one))


def threshold_for(scenario: Scenario, fmr: float) -> float:
    """The level at which the population's FMR is this, by the scenario's own arithmetic."""
    s = scenario.strength
    if scenario.look_alikes == "hubs":
        shares = ((1 - HUBS) ** 2, 2 * HUBS * (1 - HUBS), HUBS**2)

        def above(level: float) -> float:
            return sum(w * float(ndtr(level + k * s)) for k, w in enumerate(shares)) - fmr

        return float(brentq(above, -12, 5))
    sides = 2 if scenario.look_alikes == "people" else 1
    return float(ndtri(fmr) * np.sqrt(1 + sides * s * s))


def by_person(
    counts: npt.NDArray[np.int64],
    one: npt.NDArray[np.intp],
    other: npt.NDArray[np.intp],
    people: int,
) -> npt.NDArray[np.int64]:
    """(rows, people) what each person's pairs came to."""
    sums = [np.bincount(one, row, people) + np.bincount(other, row, people) for row in counts]
    return np.array(sums, np.int64)


if __name__ == "__main__":
    main()
