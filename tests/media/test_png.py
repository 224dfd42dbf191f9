"""PNG files of every kind: read exactly, written exactly, and nothing else let through."""

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import pytest

from crowdveil.media import png
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SECRET = b"Alice at 52.5163N 13.3777E"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
KINDS = [
    *[(GREY, depth) for depth in (1, 2, 4, 8, 16)],
    *[(PALETTE, depth) for depth in (1, 2, 4, 8)],
    *[(colour, depth) for colour in (RGB, GREY_ALPHA, RGB_ALPHA) for depth in (8, 16)],
]
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
PASSES = (*ADAM7, (0, 1, 1, 2))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Every chunk of a file; fails if anything follows the last one."""
    assert data.startswith(SIGNATURE)
    found, at = [], len(SIGNATURE)
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    assert found[-1] == (b"IEND", b"")
    return found


def header(width: int, height: int, colour: int, depth: int, *, interlaced: bool = False) -> bytes:
    body = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return chunk(b"IHDR", body)


def rows_of(samples: np.ndarray, depth: int) -> bytes:
    """Rows as they are stored, unfiltered, each behind its filter's number."""
    flat = samples.reshape(len(samples), -1)
    if depth == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in flat)
    bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
    return b"".join(b"\0" + np.packbits(row.ravel()).tobytes() for row in bits)


def written(
    samples: np.ndarray,
    colour: int,
    depth: int,
    *,
    before: Iterable[tuple[bytes, bytes]] = (),
    interlaced: bool = False,
) -> bytes:
    """A PNG file of raw samples (h, w, c), with further chunks before the pixels."""
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in PASSES]
        rows = b"".join(rows_of(part, depth) for part in parts if part.size)
    else:
        rows = rows_of(samples, depth)
    return b"".join(
        [
            SIGNATURE,
            header(width, height, colour, depth, interlaced=interlaced),
            *[chunk(kind, body) for kind, body in before],
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def noise(shape: tuple[int, ...], depth: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 1 << depth, shape).astype(np.uint16)


def a_palette(depth: int) -> np.ndarray:
    return noise((1 << depth, 3), 8, seed=5)


def shown(samples: np.ndarray, colour: int, depth: int) -> np.ndarray:
    """What the standard says such samples look like."""
    if colour == PALETTE:
        return np.asarray(a_palette(depth)[samples[..., 0]])
    return np.asarray(samples if depth == 16 else samples * (255 // ((1 << depth) - 1)))


def photo_of(samples: Any, space: ColourSpace = ColourSpace.RGB, **more: Any) -> Photo:
    alpha = samples.shape[2] in (2, 4)
    return Photo(PhotoFormat.PNG, (Picture(samples, space, alpha),), **more)


@pytest.mark.parametrize("interlaced", [False, True], ids=["rows", "interlaced"])
@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_every_kind_is_read_as_the_standard_says_and_written_without_loss(
    colour: int, depth: int, interlaced: bool
) -> None:
    samples = noise((13, 11, CHANNELS[colour]), depth)
    before = [(b"PLTE", a_palette(depth).astype(np.uint8).tobytes())] if colour == PALETTE else []
    data = written(samples, colour, depth, before=before, interlaced=interlaced)
    photo = png.decode(data, "x.png")
    (frame,) = photo.frames
    assert frame.samples.dtype == (np.uint16 if depth == 16 else np.uint8)
    np.testing.assert_array_equal(frame.samples, shown(samples, colour, depth))
    assert frame.alpha == (colour in (GREY_ALPHA, RGB_ALPHA))
    assert frame.space is (ColourSpace.GREY if colour in (GREY, GREY_ALPHA) else ColourSpace.RGB)
    again = png.decode(png.encode(photo), "x.png")
    np.testing.assert_array_equal(again.frames[0].samples, frame.samples)
    assert again.frames[0].samples.dtype == frame.samples.dtype


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_another_reader_finds_the_same_samples_in_the_output(channels: int, depth: int) -> None:
    samples = noise((300, 41, channels), depth)
    samples = samples.astype(np.uint8) if depth == 8 else samples
    space = ColourSpace.GREY if channels < 3 else ColourSpace.RGB
    data = png.encode(photo_of(samples, space))
    found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.dtype == samples.dtype
    order = {1: [0], 2: [0, 3], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    found = found.reshape(*found.shape[:2], -1)[..., order]
    np.testing.assert_array_equal(found, samples)


@pytest.mark.parametrize(
    ("colour", "depth"), [(colour, depth) for colour, depth in KINDS if colour in (GREY, RGB)]
)
def test_a_colour_declared_transparent_becomes_alpha(colour: int, depth: int) -> None:
    samples = noise((9, 10, CHANNELS[colour]), depth)
    samples[::2, ::3] = samples[0, 0]
    key = struct.pack(f">{CHANNELS[colour]}H", *samples[0, 0].tolist())
    (frame,) = png.decode(written(samples, colour, depth, before=[(b"tRNS", key)]), "x.png").frames
    hidden = (samples == samples[0, 0]).all(axis=2)
    assert frame.alpha
    np.testing.assert_array_equal(frame.samples[..., -1] == 0, hidden)
    np.testing.assert_array_equal(frame.samples[..., :-1], shown(samples, colour, depth))
    assert set(np.unique(frame.samples[..., -1])) <= {0, np.iinfo(frame.samples.dtype).max}


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_with_transparency_becomes_alpha(depth: int) -> None:
    samples = noise((9, 10, 1), depth)
    alphas = noise((1 << depth,), 8, seed=7).astype(np.uint8)
    before = [(b"PLTE", a_palette(depth).astype(np.uint8).tobytes()), (b"tRNS", alphas.tobytes())]
    (frame,) = png.decode(written(samples, PALETTE, depth, before=before), "x.png").frames
    np.testing.assert_array_equal(frame.samples[..., :3], shown(samples, PALETTE, depth))
    np.testing.assert_array_equal(frame.samples[..., 3], alphas[samples[..., 0]])
