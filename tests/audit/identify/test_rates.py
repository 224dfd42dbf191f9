"""Searches audited from arrays, against rates counted one search at a time."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from crowdveil.audit.identify.gallery_effects import GalleryEffects, gallery_effects
from crowdveil.audit.identify.rates import Identification, Measure, audit_searches
from crowdveil.audit.identify.searches import NOT_LISTED, Searches, false_hits, outcomes
from crowdveil.audit.identify.thresholds import points_for, threshold_for
from crowdveil.audit.partitions import Partition, partitions
from crowdveil.audit.points import EVERY_SCORE, Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Share
from crowdveil.errors import OptionsInvalid

QUICK = Resampling(draws=200)
EVERYONE = "everyone"

BFW = {
    "AF": (290, 21, 2, 0, 2, 0, 0, 0),
    "AM": (23, 168, 0, 0, 0, 3, 1, 2),
    "BF": (2, 0, 106, 8, 8, 0, 5, 0),
    "BM": (0, 0, 13, 100, 0, 3, 1, 3),
    "IF": (3, 0, 0, 0, 130, 4, 2, 0),
    "IM": (0, 6, 0, 1, 7, 110, 0, 3),
    "WF": (1, 1, 4, 0, 2, 0, 72, 4),
    "WM": (0, 2, 1, 1, 0, 6, 0, 19),
}
"""Wrong first candidates of 2,500 searches for each group, by the group of the candidate:
Balanced Faces in the Wild, https://github.com/visionjo/facerec-bias-bfw, rank-1 notebook."""


def searches_of(
    probe_subject: Sequence[int],
    gallery_subject: Sequence[int],
    lists: Sequence[Sequence[tuple[int, float]]],
) -> Searches:
    """Lists of (reference, score) for every probe."""
    flat = [(p, r + 1, *item) for p, items in enumerate(lists) for r, item in enumerate(items)]
    columns = list(zip(*flat, strict=True)) or [(), (), (), ()]
    return Searches(
        np.array(probe_subject, np.int32),
        np.array(gallery_subject, np.int32),
        np.array(columns[0], np.int32),
        np.array(columns[1], np.int32),
        np.array(columns[2], np.int32),
        np.array(columns[3], np.float64),
    )


def grouped(
    names: Sequence[str], probes: int
) -> tuple[tuple[Partition, ...], tuple[Partition, ...]]:
    """Partitions of the probes and of the references, whose labels follow one another."""
    both = partitions({"group": names}, len(names))
    return (
        tuple(partition.rows(slice(0, probes)) for partition in both),
        tuple(partition.rows(slice(probes, None)) for partition in both),
    )


def share(
    audit: Identification,
    measure: Measure,
    point: Point,
    rank: int | None = None,
    group: str = EVERYONE,
) -> Share:
    (found,) = [
        rate.share
        for rate in audit.rates
        if (rate.measure, rate.point, rate.rank, rate.group) == (measure, point, rank, group)
    ]
    return found


FOUR = searches_of(
    # Probe 0 finds itself first, 1 second, 2 is not enrolled and is taken for 0, 3 finds nobody.
    [0, 1, 7, 8],
    [0, 1, 2],
    [[(0, 0.9), (1, 0.4)], [(2, 0.8), (1, 0.7)], [(0, 0.6), (2, 0.2)], []],
)


def test_a_probe_is_non_mated_when_its_subject_is_not_enrolled() -> None:
    came = outcomes(FOUR)
    assert came.mated.tolist() == [True, True, False, False]
    assert came.mate_rank.tolist() == [1, 2, NOT_LISTED, NOT_LISTED]
    assert came.mate_score.tolist() == [0.9, 0.7, -np.inf, -np.inf]
    assert came.false_score.tolist() == [0.4, 0.8, 0.6, -np.inf]


@pytest.mark.parametrize(
    ("threshold", "rank", "fpir", "fnir"),
    [
        (0.6, 2, 1 / 2, 0),
        (0.6, 1, 1 / 2, 1 / 2),
        (0.61, 2, 0, 0),
        (0.75, 2, 0, 1 / 2),
        (0.95, 2, 0, 1),
    ],
    ids=["at the score", "at rank 1", "above the score", "one mate below", "all mates below"],
)
def test_rates_are_what_nist_defines(threshold: float, rank: int, fpir: float, fnir: float) -> None:
    point = Point(threshold, "given")
    audit = audit_searches(FOUR, partitions({}, 4), [point], QUICK)
    assert share(audit, Measure.FPIR, point).rate == fpir
    assert share(audit, Measure.FNIR, point, rank).rate == fnir
    none = share(audit, Measure.NO_LIST, EVERY_SCORE)
    assert (none.errors, none.trials) == (1, 4)


def test_of_several_references_the_best_one_counts_and_a_person_is_one_false_candidate() -> None:
    twice = searches_of(
        [0, 9], [0, 0, 1, 1], [[(2, 0.9), (1, 0.8), (0, 0.7)], [(2, 0.9), (3, 0.8)]]
    )
    assert outcomes(twice).mate_rank[0] == 2
    hits = false_hits(twice, 0.5)
    assert (hits.probe.tolist(), hits.subject.tolist()) == ([1], [1])


def test_a_list_that_ends_above_the_threshold_may_have_left_somebody_out() -> None:
    short = searches_of([8, 9], [0, 1, 2], [[(0, 0.9), (1, 0.8)], [(0, 0.9), (1, 0.4)]])
    assert false_hits(short, 0.5).cut.tolist() == [True, False]
    whole = searches_of([8], [0, 1], [[(0, 0.9), (1, 0.8)]])
    assert false_hits(whole, 0.5).cut.tolist() == [False]


@given(
    st.lists(st.sampled_from([-np.inf, 0.1, 0.2, 0.3, 0.4, 0.5]), min_size=1, max_size=40),
    st.floats(0.001, 0.999),
)
def test_a_threshold_keeps_its_target_and_no_lower_score_would(
    scores: list[float], target: float
) -> None:
    values = np.array(scores)
    threshold = threshold_for(values, target)
    assert np.mean(values >= threshold) <= target
    lower = values[np.isfinite(values) & (values < threshold)]
    assert all(np.mean(values >= score) > target for score in lower)


def test_a_target_can_be_that_of_a_reference_group() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(size=400)
    scores[:200] += 1
    searches = searches_of(range(1, 401), [0], [[(0, score)] for score in scores])
    divided, _ = grouped(["high"] * 200 + ["low"] * 200 + ["low"], 400)
    (point,) = points_for(outcomes(searches), divided, fpir=[0.05], reference="low")
    audit = audit_searches(searches, divided, [point], QUICK)
    assert share(audit, Measure.FPIR, point, None, "low").rate == 0.05
    assert share(audit, Measure.FPIR, point, None, "high").rate > 0.15
    with pytest.raises(OptionsInvalid, match="there are: everyone; high; low"):
        points_for(outcomes(searches), divided, fpir=[0.05], reference="none")


def test_without_non_mated_probes_only_a_threshold_can_be_given() -> None:
    closed = searches_of([0], [0], [[(0, 0.9)]])
    with pytest.raises(OptionsInvalid, match="not enrolled; give a threshold"):
        points_for(outcomes(closed), partitions({}, 1), fpir=[0.01])
    (point,) = points_for(outcomes(closed), partitions({}, 1), thresholds=[0.5])
    audit = audit_searches(closed, partitions({}, 1), [point], QUICK)
    assert share(audit, Measure.FPIR, point).trials == 0
    assert share(audit, Measure.FNIR, point, 1).rate == 0


def test_curves_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(2)
    probes = 150
    mated = random.random(probes) < 0.5
    score = random.normal(mated * 1.5)
    subject = np.where(mated, 0, np.arange(1, probes + 1))
    searches = searches_of(subject.tolist(), [0], [[(0, value)] for value in score])
    (curve,) = audit_searches(searches, partitions({}, probes), [Point(0.0, "given")], QUICK).curves
    fpir, hits, thresholds = roc_curve(mated, score, drop_intermediate=False)
    there = np.searchsorted(curve.threshold, thresholds[1:])
    assert np.array_equal(curve.threshold[there], thresholds[1:])
    assert curve.fpir[there] == pytest.approx(fpir[1:])
    assert 1 - curve.fnir[there] == pytest.approx(hits[1:])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_more_ranks_and_lower_thresholds_never_miss_more(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.sort(random.random((20, 6)))[:, ::-1]
    orders = [random.permutation(6) for _ in range(20)]
    lists = [
        list(zip(order.tolist(), row, strict=True))
        for order, row in zip(orders, scores, strict=True)
    ]
    came = outcomes(searches_of(random.integers(0, 9, 20).tolist(), range(6), lists))
    rates = [[came.missed(t, r).sum() for r in (1, 2, 3, 6)] for t in (0.1, 0.5, 0.9)]
    assert np.all(np.diff(rates, axis=0) >= 0)
    assert np.all(np.diff(rates, axis=1) <= 0)


def bfw() -> tuple[Searches, tuple[Partition, ...], tuple[Partition, ...]]:
    """2,500 searches for each of eight groups: one candidate, right or wrong as published."""
    groups = list(BFW)
    enrolled = [name for name in groups for _ in range(2)]
    labels, subjects, lists = [], [], []
    for own, (name, wrong) in enumerate(BFW.items()):
        for column, number in enumerate(wrong):
            subjects += [2 * own] * number
            lists += [[(2 * column + 1, 0.5)]] * number
        right = 2500 - sum(wrong)
        subjects += [2 * own] * right
        lists += [[(2 * own, 0.9)]] * right
        labels += [name] * 2500
    divided, of_gallery = grouped(labels + enrolled, len(labels))
    return searches_of(subjects, range(16), lists), divided, of_gallery


def test_the_rank_1_confusion_of_bfw_is_reproduced() -> None:
    searches, divided, of_gallery = bfw()
    audit = audit_searches(searches, divided, [Point(0.0, "all")], QUICK)
    missed = [share(audit, Measure.FNIR, EVERY_SCORE, 1, name).errors for name in BFW]
    assert missed == [315, 197, 129, 120, 139, 127, 84, 29]
    percents = [f"{share(audit, Measure.FNIR, EVERY_SCORE, 1, name).rate:.2%}" for name in BFW]
    assert percents[0] == "12.60%"
    assert percents[-1] == "1.16%"
    effects = gallery_effects(searches, divided, of_gallery, [Point(0.0, "all")], QUICK)
    (confusion,) = effects.false_candidates
    assert confusion.first_wrong.tolist() == [list(row) for row in BFW.values()]
    assert np.diag(confusion.first_wrong).tolist() == [290, 168, 106, 100, 130, 110, 72, 19]


def open_set(
    seed: int = 0, probes: int = 300, enrolled: int = 120
) -> tuple[Searches, tuple[Partition, ...], tuple[Partition, ...]]:
    """Non-mated probes of two groups whose members look alike, in full lists."""
    random = np.random.default_rng(seed)
    group = random.integers(0, 2, probes + enrolled)
    score = random.normal(size=(probes, enrolled)) + (group[:probes, None] == group[probes:])
    order = np.argsort(-score, axis=1)
    lists = [[(int(k), float(score[p, k])) for k in order[p]] for p in range(probes)]
    searches = searches_of(range(1000, 1000 + probes), range(enrolled), lists)
    return searches, *grouped([("x", "y")[code] for code in group], probes)


def effects_of(
    point: Point,
) -> tuple[GalleryEffects, Searches, tuple[Partition, ...], tuple[Partition, ...]]:
    searches, divided, of_gallery = open_set()
    return (
        gallery_effects(searches, divided, of_gallery, [point], QUICK),
        searches,
        divided,
        of_gallery,
    )


def test_the_whole_gallery_has_the_fpir_that_was_measured() -> None:
    point = Point(2.6, "given")
    effects, searches, divided, _ = effects_of(point)
    audit = audit_searches(searches, divided, [point], QUICK)
    for curve in effects.by_size:
        assert curve.fpir[-1] == pytest.approx(
            share(audit, Measure.FPIR, point, None, curve.group).rate
        )
        assert np.all(np.diff(curve.fpir) >= 0)


def test_fpir_by_own_share_is_that_of_galleries_drawn_at_random() -> None:
    point = Point(2.6, "given")
    effects, searches, divided, of_gallery = effects_of(point)
    random = np.random.default_rng(4)
    hits = false_hits(searches, point.threshold)
    hit = np.zeros((300, 120), np.bool_)
    hit[hits.probe, hits.subject] = True
    for curve in effects.by_share:
        code = divided[1].groups.index(curve.group)
        own = np.flatnonzero(of_gallery[1].group == code)
        other = np.flatnonzero(of_gallery[1].group != code)
        mine = hit[divided[1].group == code]
        step = 7
        number = round(float(curve.own_share[step]) * int(curve.drawn[step]))
        means = []
        for _ in range(400):
            drawn = np.concatenate(
                [
                    random.choice(own, number, replace=False),
                    random.choice(other, int(curve.drawn[step]) - number, replace=False),
                ]
            )
            means.append(mine[:, drawn].any(1).mean())
        assert curve.fpir[step] == pytest.approx(np.mean(means), abs=0.01)
        assert curve.low[step] <= curve.fpir[step] <= curve.high[step]


def test_more_of_ones_own_group_means_more_false_positives() -> None:
    effects, *_ = effects_of(Point(2.6, "given"))
    assert len(effects.by_share) == 2
    for curve in effects.by_share:
        assert curve.own_share[0] == 0
        assert curve.own_share[-1] == 1
        assert curve.fpir[-1] > 2 * curve.fpir[0]


def test_false_candidates_are_counted_by_both_groups_and_compared_with_the_gallery() -> None:
    point = Point(2.6, "given")
    effects, searches, divided, of_gallery = effects_of(point)
    (found,) = effects.false_candidates
    hits = searches.score >= point.threshold
    for row in (0, 1):
        for column in (0, 1):
            of_row = divided[1].group[searches.probe] == row
            of_column = of_gallery[1].group[searches.reference] == column
            assert found.hits[row, column] == np.count_nonzero(hits & of_row & of_column)
    assert np.all(np.diag(found.representation) > 1)
    assert found.enrolled.sum() == 120
    weighted = (found.representation * found.enrolled).sum(1) / 120
    assert weighted == pytest.approx([1, 1])


def test_false_candidates_that_crowd_on_few_probes_stay_below_the_independent_prediction() -> None:
    lists = [[(k, 0.9) for k in range(50)]] * 2 + [[(k, 0.1) for k in range(50)]] * 98
    searches = searches_of(range(100, 200), range(50), lists)
    every, of_gallery = partitions({}, 100), partitions({}, 50)
    (curve,) = gallery_effects(searches, every, of_gallery, [Point(0.5, "given")], QUICK).by_size
    assert curve.fpir[-1] == pytest.approx(0.02)
    assert curve.independent[-1] == pytest.approx(1 - 0.98**50)


def test_nobody_hit_leaves_a_bound_and_not_a_promise() -> None:
    searches = searches_of(range(100, 138), [0, 1], [[(0, 0.1), (1, 0.1)]] * 38)
    (curve,) = gallery_effects(
        searches, partitions({}, 38), partitions({}, 2), [Point(0.5, "given")], QUICK
    ).by_size
    assert curve.fpir[-1] == 0
    assert curve.high[-1] == pytest.approx(1 - 0.025 ** (1 / 38))


def test_no_candidates_for_anybody_is_an_audit_too() -> None:
    searches = searches_of([0, 9], [0], [[], []])
    audit = audit_searches(searches, partitions({}, 2), [Point(0.5, "given")], QUICK)
    assert share(audit, Measure.FNIR, EVERY_SCORE, 1).rate == 1
    assert share(audit, Measure.NO_LIST, EVERY_SCORE).rate == 1


def test_a_small_group_has_only_the_shares_that_its_size_allows() -> None:
    """Five of 65 enrolled are of group x: too few to fill galleries, too few to set their size."""
    names = ["x"] * 10 + ["y"] * 10 + ["z"] * 10 + ["x"] * 5 + ["y"] * 30 + ["z"] * 30
    searches = searches_of(range(100, 130), range(65), [[(0, 0.9)]] * 30)
    effects = gallery_effects(searches, *grouped(names, 30), [Point(0.5, "given")], QUICK)
    drawn = {
        curve.group: (int(curve.drawn[0]), curve.own_share.tolist()) for curve in effects.by_share
    }
    assert drawn["x"] == (30, [0.0, 0.1])
    assert drawn["y"] == (30, [share / 10 for share in range(11)])


def two_groups(wrong: int, searched: int = 200) -> tuple[Searches, tuple[Partition, ...]]:
    """As many non-mated as mated probes of two groups; `wrong` of the first are named."""
    people = 2 * searched
    lists: list[list[tuple[int, float]]] = []
    for probe in range(2 * people):
        mated, first = probe < people, probe % 2 == 0
        number = (probe % people) // 2
        if mated:
            lists.append([(probe, 0.4 if number < 10 else 0.9)])
        else:
            lists.append([(0, 0.8 if number < (wrong if first else 10) else 0.1)])
    searches = searches_of(range(2 * people), range(people), lists)
    labels = ["A" if probe % 2 == 0 else "B" for probe in range(2 * people)]
    return searches, grouped(labels + ["A"] * people, 2 * people)[0]


def test_groups_that_differ_lie_beyond_what_chance_gives_and_others_do_not() -> None:
    searches, divided = two_groups(60)
    audit = audit_searches(searches, divided, [Point(0.5, "given")], QUICK)
    found = {(one.measure.name, one.of): one for one in audit.summaries}
    # 60 and 10 of 200 are wrong, and 10 and 10 of 200 are missed.
    assert found["max/min", "FPIR"].value == pytest.approx(6)
    assert found["Gini, corrected", "FPIR"].value == pytest.approx(0.25 / 0.35)
    assert found["GARBE", None].value == pytest.approx(0.25 / 0.35 / 2)
    assert found["FDR", None].value == pytest.approx(1 - 0.25 / 2)
    assert found["max/mean", "FPIR"].value > found["max/mean", "FPIR"].by_chance
    assert found["max/mean", "FNIR"].value == pytest.approx(1)
    for one in found.values():
        assert one.groups == 2
        assert np.isnan(one.low) or one.low <= one.value <= one.high or one.of == "FNIR"


def test_alpha_weighs_false_positives_against_misses() -> None:
    searches, divided = two_groups(60)
    points = [Point(0.5, "given")]
    only = audit_searches(searches, divided, points, QUICK, alpha=1.0).summaries
    (garbe,) = [one.value for one in only if one.measure.name == "GARBE"]
    assert garbe == pytest.approx(0.25 / 0.35)


def test_groups_of_few_searched_people_are_measured_but_neither_compared_nor_summed_up() -> None:
    searches, divided = two_groups(60, searched=5)
    points = [Point(0.5, "given")]
    audit = audit_searches(searches, divided, points, QUICK, min_people=11)
    assert audit.small == {("group", "A"): 10, ("group", "B"): 10}
    assert not audit.summaries
    assert not audit.differences
    assert share(audit, Measure.FPIR, points[0]).trials == 10
    assert audit_searches(searches, divided, points, QUICK, min_people=10).differences
