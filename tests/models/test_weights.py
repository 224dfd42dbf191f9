"""The published graphs declare one fixed input; the product runs them at any size."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crowdveil.models.offline import silence_reporter
from crowdveil.models.registry import weights_path

silence_reporter()
import openvino as ov  # noqa: E402

NETWORKS = pytest.mark.parametrize("name", ["centerface", "yunet"])
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def compiled(name: str, *, free: bool) -> Any:
    core = ov.Core()
    model = core.read_model(weights_path(name))
    if free:
        model.reshape({0: ov.PartialShape([-1, 3, -1, -1])})
    return core.compile_model(model, "CPU", EXACT)


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(0, 255, shape).astype(np.float32)


@NETWORKS
def test_freed_shapes_give_the_published_outputs_at_the_published_shape(name: str) -> None:
    published = compiled(name, free=False)
    batch = noise(*published.input(0).shape)
    for expected, freed in zip(
        published(batch).values(), compiled(name, free=True)(batch).values(), strict=True
    ):
        np.testing.assert_allclose(freed, expected, rtol=1e-5, atol=1e-5)


@NETWORKS
@pytest.mark.parametrize("size_hw", [(32, 32), (96, 160), (704, 1024)], ids=str)
def test_a_picture_in_a_batch_is_seen_as_if_alone(name: str, size_hw: tuple[int, int]) -> None:
    network = compiled(name, free=True)
    batch = noise(3, 3, *size_hw)
    together = list(network(batch).values())
    for i in range(3):
        for whole, alone in zip(together, network(batch[i : i + 1]).values(), strict=True):
            mine = whole.reshape(3, -1)[i]
            np.testing.assert_allclose(mine, alone.reshape(-1), rtol=1e-4, atol=1e-4)
