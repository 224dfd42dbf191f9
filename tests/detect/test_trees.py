"""Forests and the rule that decides with them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crowdveil.detect.features import candidate_names, look_names
from crowdveil.detect.fusion import Rule, load_fusion
from crowdveil.detect.points import POINTS, Caution
from crowdveil.detect.trees import Forest
from crowdveil.errors import WeightsInvalid
from crowdveil.models.registry import weights_path


def walk(tree: dict[str, list[float]], row: list[float]) -> float:
    """One tree for one row, the slow way."""
    node = 0
    while tree["feature"][node] >= 0:
        low = row[int(tree["feature"][node])] <= tree["threshold"][node]
        node = int(tree["left" if low else "right"][node])
    return float(tree["value"][node])


@pytest.mark.parametrize("caution", list(Caution))
def test_all_rows_walk_all_trees_as_one_row_walks_one_tree(caution: Caution) -> None:
    model = json.loads(weights_path("fusion").read_text())["points"][caution]["first"]
    rows = np.random.default_rng(1).normal(0, 2, (30, len(model["features"]))).astype(np.float32)
    got = Forest.model_validate(model).compile().probability(rows)
    for row, probability in zip(rows, got, strict=True):
        odds = sum(walk(tree, row.tolist()) for tree in model["trees"])
        assert probability == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)


@pytest.mark.parametrize("caution", list(Caution))
def test_the_forests_ask_for_the_features_that_are_measured(caution: Caution) -> None:
    fusion = load_fusion(weights_path("fusion"), caution)
    names = candidate_names(list(POINTS[caution].reaches))
    assert list(fusion.first.features) == names
    assert list(fusion.second.features) == [*names, *look_names(list(POINTS[caution].views))]


def test_no_candidates_have_no_probabilities() -> None:
    fusion = load_fusion(weights_path("fusion"), Caution.LOW)
    empty = np.empty((0, len(fusion.first.features)), np.float32)
    assert fusion.first.probability(empty).shape == (0,)


def test_a_tree_that_leads_nowhere_is_refused() -> None:
    tree = {"feature": [0], "threshold": [0], "left": [5], "right": [0], "value": [0]}
    with pytest.raises(ValidationError, match="leads nowhere"):
        Forest.model_validate({"features": ["a"], "bias": 0, "trees": [tree]})


def test_a_missing_model_says_what_to_do(tmp_path: object) -> None:
    with pytest.raises(WeightsInvalid, match="reinstall"):
        load_fusion(weights_path("fusion").with_name("absent.json"), Caution.HIGH)


@given(st.floats(2, 500), st.floats(2, 500))
def test_a_larger_candidate_needs_no_less_evidence(a: float, b: float) -> None:
    rule = Rule(odds=0.05, growth=0.7, least=0.01, most=0.5)
    small, large = sorted((a, b))
    boxes = np.array([[0, 0, small, small], [0, 0, large, large]], np.float32)
    needed = rule.threshold(boxes, (1024, 680))
    assert rule.least - 1e-6 <= needed[0] <= needed[1] <= rule.most + 1e-6
