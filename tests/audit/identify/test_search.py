import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.audit.embeddings import has_template
from crowdveil.audit.identify import search as module
from crowdveil.audit.identify.search import search


def plainly(gallery: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """Cosine similarities in double precision, all at once."""
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (gallery, probes)]
    return np.asarray(unit[1] @ unit[0].T)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(0, 20), st.integers(1, 80), st.integers(0, 99))
def test_blocks_find_what_a_full_sort_finds(
    references: int, probes: int, candidates: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    gallery = random.normal(size=(references, 8))
    searched = random.normal(size=(probes, 8))
    with pytest.MonkeyPatch.context() as small:
        small.setattr(module, "PROBE_BLOCK", 7)
        small.setattr(module, "GALLERY_BLOCK", 16)
        found = search(gallery, searched, candidates=candidates)
    scores = plainly(gallery, searched)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :candidates]
    assert np.array_equal(found.reference, order)
    assert np.allclose(found.score, np.take_along_axis(scores, order, 1), atol=1e-6)


def test_equal_references_stand_in_the_gallerys_order_across_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GALLERY_BLOCK", 4)
    found = search(np.tile([[1.0, 2.0]], (10, 1)), np.array([[2.0, 4.0]]), candidates=3)
    assert found.reference.tolist() == [[0, 1, 2]]
    assert found.score[0] == pytest.approx(1)


def test_a_picture_without_a_template_finds_and_is_found_by_nobody() -> None:
    gallery = np.array([[1.0, 0.0], [np.nan, 1.0], [0.0, 0.0], [0.0, 1.0]])
    probes = np.array([[1.0, 0.1], [np.inf, 0.0]])
    found = search(gallery, probes, candidates=4)
    assert has_template(gallery).tolist() == [True, False, False, True]
    assert found.reference.tolist() == [[0, 3, -1, -1], [-1, -1, -1, -1]]


def test_huge_and_tiny_embeddings_keep_their_direction() -> None:
    gallery = np.array([[1e30, 0.0], [0.0, 1e-30]], np.float32)
    found = search(gallery, np.array([[1.0, 3.0]], np.float32), candidates=2)
    assert found.reference.tolist() == [[1, 0]]
    assert found.score[0] == pytest.approx([3 / 10**0.5, 1 / 10**0.5])


def test_embeddings_of_two_models_are_refused() -> None:
    with pytest.raises(ValueError, match="one width"):
        search(np.ones((2, 3)), np.ones((2, 4)), candidates=1)
