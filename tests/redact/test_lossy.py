"""Mosaic and blur: how coarse they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.media.picture import Samples
from crowdveil.redact.lossy import grid_block_px, pixelated_on_grid


@given(st.floats(0, 5000))
def test_a_block_on_the_grid_is_at_least_a_fifth_of_a_face_and_never_twice_that(
    face_px: float,
) -> None:
    block_px = grid_block_px(face_px)
    assert block_px >= face_px / 5
    assert block_px < 2 * max(face_px / 5, 2.1)
    assert block_px % 4 == 0


def test_a_growing_face_changes_its_blocks_rarely() -> None:
    sizes = {grid_block_px(face_px) for face_px in np.linspace(20, 400, 500)}
    assert sorted(sizes) == [4, 8, 12, 16, 24, 32, 48, 64, 96]


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.arange(70, dtype=np.uint8).reshape(7, 10, 1), id="8-bit"),
        pytest.param(np.arange(500, 570, dtype=np.uint16).reshape(7, 10, 1), id="16-bit"),
    ],
)
def test_blocks_are_means_and_may_run_past_the_last_sample(samples: Samples) -> None:
    blocks = pixelated_on_grid(samples, block_wh=(4, 2))
    assert blocks.shape == samples.shape
    assert blocks.dtype == samples.dtype
    for top in range(0, 6, 2):
        for left in range(0, 8, 4):
            block = blocks[top : top + 2, left : left + 4]
            assert (block == block[0, 0]).all()
            mean = samples[top : top + 2, left : left + 4].mean()
            assert abs(float(block[0, 0, 0]) - mean) <= 0.5
    assert len(np.unique(blocks[6:, 8:])) == 1
