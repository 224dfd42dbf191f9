"""TIFF files of every kind: read exactly, written exactly, and nothing else let through."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media import tiff
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

SECRET = b"Alice at 52.5163N 13.3777E"
DEPTHS = [8, 16]


def noise(shape: tuple[int, ...], depth: int, seed: int = 0) -> Any:
    samples = np.random.default_rng(seed).integers(0, 1 << depth, shape)
    return samples.astype(np.uint16 if depth == 16 else np.uint8)


def written(samples: Any, **settings: Any) -> bytes:
    """A file as tifffile writes it, from none of our code."""
    out = io.BytesIO()
    tifffile.imwrite(out, samples, metadata=None, software=False, **settings)
    return out.getvalue()


def assert_exact(data: bytes, expected: Any, space: ColourSpace, *, alpha: bool = False) -> None:
    """Decoding gives these samples, and so does an independent reader of what is encoded."""
    photo = tiff.decode(data, "x.tif")
    (frame,) = photo.frames
    expected = expected[..., None] if expected.ndim == 2 else expected
    assert (frame.space, frame.alpha) == (space, alpha)
    assert frame.samples.dtype == expected.dtype
    np.testing.assert_array_equal(frame.samples, expected)
    found = tifffile.imread(io.BytesIO(tiff.encode(photo)))
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


ARRANGEMENTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 16},
    "tiles": {"tile": (32, 48)},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "big-endian BigTIFF in tiles": {"bigtiff": True, "byteorder": ">", "tile": (16, 16)},
    "deflate": {"compression": "zlib", "rowsperstrip": 16},
    "deflate of differences": {"compression": "zlib", "predictor": True},
    "deflate of differences in tiles": {
        "compression": "zlib",
        "predictor": True,
        "tile": (32, 32),
        "byteorder": ">",
    },
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_is_read_exactly(arrangement: str, depth: int) -> None:
    samples = noise((70, 90, 3), depth)
    data = written(samples, photometric="rgb", **ARRANGEMENTS[arrangement])
    assert_exact(data, samples, ColourSpace.RGB)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("tile", [None, (32, 48)], ids=["strips", "tiles"])
def test_separate_planes_are_read_exactly(depth: int, tile: tuple[int, int] | None) -> None:
    samples = noise((70, 90, 3), depth)
    planes = np.ascontiguousarray(samples.transpose(2, 0, 1))
    data = written(planes, photometric="rgb", planarconfig="separate", tile=tile)
    assert_exact(data, samples, ColourSpace.RGB)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_what_libtiff_packs_is_unpacked_exactly(depth: int, order: str, compression: str) -> None:
    grey = noise((70, 90), depth)
    image = Image.fromarray(grey)
    if order == ">" and depth == 16:
        image = Image.frombytes("I;16B", (90, 70), grey.astype(">u2").tobytes())
    out = io.BytesIO()
    image.save(out, "TIFF", compression=compression)
    assert_exact(out.getvalue(), grey, ColourSpace.GREY)


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_kind_of_samples_is_read_exactly(depth: int) -> None:
    five = noise((20, 30, 5), depth)
    top = (1 << depth) - 1
    grey = five[..., 0].copy()
    straight = {"extrasamples": ["unassalpha"]}
    assert_exact(written(grey, photometric="minisblack"), grey, ColourSpace.GREY)
    assert_exact(written(grey, photometric="miniswhite"), top - grey, ColourSpace.GREY)
    data = written(
        five[..., :2].copy(), photometric="minisblack", planarconfig="contig", **straight
    )
    assert_exact(data, five[..., :2], ColourSpace.GREY, alpha=True)
    data = written(five[..., :4].copy(), photometric="rgb", **straight)
    assert_exact(data, five[..., :4], ColourSpace.RGB, alpha=True)
    data = written(five[..., :4].copy(), photometric="rgb", extrasamples=["unspecified"])
    assert_exact(data, five[..., :3], ColourSpace.RGB)
    data = written(five[..., :4].copy(), photometric="separated")
    assert_exact(data, five[..., :4], ColourSpace.CMYK)
    data = written(five, photometric="separated", **straight)
    assert_exact(data, five, ColourSpace.CMYK, alpha=True)


@pytest.mark.parametrize("depth", DEPTHS)
def test_colours_multiplied_by_alpha_are_divided_again(depth: int) -> None:
    top = (1 << depth) - 1
    multiplied = np.array([[[top // 4, top // 2, 0, top // 2], [9, 9, 9, 0], [1, 2, top, top]]])
    dtype = np.uint16 if depth == 16 else np.uint8
    data = written(multiplied.astype(dtype), photometric="rgb", extrasamples=["assocalpha"])
    (frame,) = tiff.decode(data, "x.tif").frames
    colours, alpha = frame.samples[0, :, :3].astype(int), frame.samples[0, :, 3]
    assert frame.alpha
    np.testing.assert_array_equal(alpha, [top // 2, 0, top])
    np.testing.assert_allclose(colours[0], [top / 2, top, 0], atol=2)
    np.testing.assert_array_equal(colours[2], [1, 2, top])


def test_scanned_lines_and_palettes_become_the_colours_they_show() -> None:
    lines = noise((20, 37), 1).astype(bool)
    for compression in (None, "group3", "group4"):
        out = io.BytesIO()
        Image.fromarray(lines).save(out, "TIFF", compression=compression)
        assert_exact(out.getvalue(), lines.astype(np.uint8) * 255, ColourSpace.GREY)
    indices = noise((20, 24), 8)
    colours = noise((3, 256), 8).astype(np.uint16) * 257
    data = written(indices, photometric="palette", colormap=colours)
    shown = (colours.T // 257).astype(np.uint8)[indices]
    assert_exact(data, shown, ColourSpace.RGB)
