"""All pairs of embeddings, against a plain product counted pair by pair."""

import numpy as np
import numpy.typing as npt
import pytest

from crowdveil.audit.partitions import partitions
from crowdveil.audit.verify import allpairs
from crowdveil.audit.verify.allpairs import SCALE, STEP, AllPairs, Faces

RACES = ("a", "b", None)
SEXES = ("f", "m", "f")


def faces(n: int, people: int, seed: int) -> Faces:
    random = np.random.default_rng(seed)
    person = random.integers(0, people, n).astype(np.int32)
    mean = np.random.default_rng(99).normal(size=(people, 24))
    return Faces((mean[person] + random.normal(size=(n, 24))).astype(np.float32), person)


def plain(one: Faces, other: Faces) -> npt.NDArray[np.float64]:
    """Bins of similarities, from a product in double precision."""
    left, right = (
        f.embeddings.astype(np.float64)
        / np.linalg.norm(f.embeddings.astype(np.float64), axis=1, keepdims=True)
        for f in (one, other)
    )
    return np.asarray(left @ right.T)


@pytest.fixture(params=["one set", "two sets"])
def compared(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[AllPairs, npt.NDArray[np.float64], list[npt.NDArray[np.int32]]]:
    """Pairs with their scores and people, in tiles so small that there are many."""
    monkeypatch.setattr(allpairs, "TILE_ROWS", 32)
    monkeypatch.setattr(allpairs, "TILE_COLUMNS", 50)
    atom = np.random.default_rng(5).integers(0, 3, 60).astype(np.int32)
    divided = partitions({"race": RACES, "sex": SEXES}, 3)
    one = faces(310, 60, 1)
    if request.param == "one set":
        pairs = AllPairs(one, None, atom, divided)
        i, j = np.triu_indices(310, 1)
        score, who = plain(one, one)[i, j], [one.person[i], one.person[j]]
    else:
        other = faces(170, 60, 2)
        pairs = AllPairs(one, other, atom, divided)
        score = plain(one, other).ravel()
        who = [np.repeat(one.person, 170), np.tile(other.person, 310)]
    return pairs, score, [atom[who[0]], atom[who[1]], *who]


def test_every_pair_is_in_one_bin_of_its_groups(
    compared: tuple[AllPairs, npt.NDArray[np.float64], list[npt.NDArray[np.int32]]],
) -> None:
    pairs, score, (left, right, one, other) = compared
    found = pairs.histograms()
    # Between two bins rounding decides; so bins are compared at edges nobody is near.
    clear = [k for k in range(2000, 65000, 3000) if np.abs(score - found.edges[k]).min() > 1e-6]
    assert len(clear) > 15
    for number, partition in enumerate(pairs.partitions):
        for code in range(len(partition.groups)):
            within = (partition.group[left] == code) & (partition.group[right] == code)
            for counts, kind in ((found.nonmated, one != other), (found.mated, one == other)):
                mine = score[within & kind]
                assert counts[number][code].sum() == len(mine)
                for k in clear:
                    assert counts[number][code][k:].sum() == (mine >= found.edges[k]).sum()


def test_every_cell_has_the_errors_that_plain_counting_gives(
    compared: tuple[AllPairs, npt.NDArray[np.float64], list[npt.NDArray[np.int32]]],
) -> None:
    pairs, score, (left, right, one, other) = compared
    # Rounding decides about a score at the threshold, so three are taken that nobody is near.
    thresholds = [
        next(
            value
            for value in (pairs.snapped(near + step * STEP) for step in range(50))
            if np.abs(score - value).min() > 1e-6
        )
        for near in (0.61, 0.11, -0.05)
    ]
    tally = pairs.tally(thresholds)
    symmetric = pairs.comparisons == 310 * 309 // 2
    for partition in pairs.partitions:
        sides = [partition.group == code for code in range(len(partition.groups))]
        for g in sides:
            for h in [*sides, np.ones(3, np.bool_)]:
                chosen = g[left] & h[right]
                if symmetric:
                    chosen |= h[left] & g[right]
                chosen &= one != other
                for cell, threshold in zip(tally.nonmated_cells(g, h), thresholds, strict=True):
                    assert cell.trials == chosen.sum()
                    assert cell.errors == (chosen & (score >= threshold)).sum()
                    assert cell.persons == len(np.unique([one[chosen], other[chosen]]))
                    assert cell.people.errors @ cell.people.number == 2 * cell.errors
            mine = g[left] & (one == other)
            for people, threshold in zip(tally.mated_cells(g), thresholds, strict=True):
                assert people.trials @ people.number == mine.sum()
                assert people.errors @ people.number == (mine & (score < threshold)).sum()


def test_a_threshold_is_the_lowest_step_that_keeps_the_rate() -> None:
    pairs = AllPairs(faces(200, 40, 3), None, np.zeros(40, np.int32), partitions({}, 1))
    counts = pairs.histograms().nonmated[0][0]
    for target in (0.5, 0.01, 1e-3, 1e-9):
        found = pairs.lowest(0, 0, target)
        step = round(found * SCALE) + 32_768
        assert pairs.snapped(found) == found
        assert counts[step:].sum() <= target * counts.sum() < counts[step - 1 :].sum()
        assert pairs.tally([found]).nonmated_cells(np.ones(1, np.bool_), np.ones(1, np.bool_))[
            0
        ].errors == int(counts[step:].sum())


def test_equal_embeddings_of_two_people_need_a_threshold_above_one() -> None:
    same = Faces(np.ones((4, 8), np.float32), np.arange(4, dtype=np.int32))
    pairs = AllPairs(same, None, np.zeros(4, np.int32), partitions({}, 1))
    found = pairs.lowest(0, 0, 0.1)
    assert 1 < found < 1.001
    everybody = np.ones(1, np.bool_)
    assert pairs.tally([found]).nonmated_cells(everybody, everybody)[0].errors == 0
    assert pairs.tally([1.0]).nonmated_cells(everybody, everybody)[0].errors == 6


def test_the_length_of_an_embedding_does_not_matter() -> None:
    one = faces(60, 10, 4)
    scale = np.random.default_rng(0).uniform(1e-3, 1e3, (60, 1)).astype(np.float32)
    other = Faces(one.embeddings * scale, one.person)
    atom, divided = np.zeros(10, np.int32), partitions({}, 1)
    first, second = (AllPairs(f, None, atom, divided).histograms() for f in (one, other))
    moved = np.abs(np.cumsum(first.nonmated[0][0] - second.nonmated[0][0]))
    assert moved.max() <= 2  # a rounding across the edge of a bin


def test_one_of_a_set_alone_and_two_widths_are_refused() -> None:
    atom, divided = np.zeros(1, np.int32), partitions({}, 1)
    one = Faces(np.ones((2, 3), np.float32), np.zeros(2, np.int32))
    with pytest.raises(ValueError, match="one length"):
        AllPairs(one, Faces(np.ones((2, 4), np.float32), np.zeros(2, np.int32)), atom, divided)
    with pytest.raises(ValueError, match="finite"):
        AllPairs(Faces(np.zeros((2, 3), np.float32), one.person), None, atom, divided)
