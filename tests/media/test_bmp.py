"""BMP files: read exactly, written exactly, transparency included."""

import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crowdveil.errors import CrowdveilError, UnreadableMedia
from crowdveil.media import bmp
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .conftest import Keep, ReadTags, saved, scene


def photo_of(samples: Any, **more: Any) -> Photo:
    space = ColourSpace.GREY if samples.shape[2] < 3 else ColourSpace.RGB
    return Photo(PhotoFormat.BMP, (Picture(samples, space, samples.shape[2] in (2, 4)),), **more)


def decoded(data: bytes) -> Any:
    (picture,) = bmp.decode(data, "x.bmp").frames
    return picture.samples


@pytest.mark.parametrize("width", [1, 2, 3, 4, 61], ids=lambda w: f"{w} wide")
@pytest.mark.parametrize("channels", [1, 3, 4], ids=["grey", "rgb", "rgb+alpha"])
def test_another_reader_finds_the_same_samples_in_the_output(channels: int, width: int) -> None:
    samples = scene(7, width, channels)
    data = bmp.encode(photo_of(samples))
    found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    assert np.array_equal(found.reshape(7, width, -1)[..., order], samples)
    assert np.array_equal(decoded(data), samples)


def test_grey_with_alpha_keeps_both() -> None:
    samples = scene(channels=2)
    found = decoded(bmp.encode(photo_of(samples)))
    assert np.array_equal(found[..., 0], samples[..., 0])
    assert np.array_equal(found[..., 3], samples[..., 1])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_every_kind_that_pillow_writes_is_read(mode: str) -> None:
    image = Image.fromarray(scene()).convert(mode)
    expected = np.asarray(image.convert("L" if mode in "1L" else "RGB"))
    assert np.array_equal(decoded(saved(image, "BMP")).squeeze(), expected)


def indexed(indices: Any, bits: int, palette: list[tuple[int, int, int]]) -> bytes:
    """A file of places in a palette, from none of our code or Pillow's."""
    height, width = indices.shape
    stored = np.unpackbits(indices[::-1].astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
    rows = np.packbits(stored.reshape(height, -1), axis=1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    start = 54 + 4 * len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, len(palette), 0)
    table = b"".join(bytes([blue, green, red, 0]) for red, green, blue in palette)
    return (
        b"BM" + struct.pack("<III", start + rows.size, 0, start) + header + table + rows.tobytes()
    )


GREYS = [(17 * k, 17 * k, 17 * k) for k in range(16)]


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize(
    "palette",
    [[(0, 0, 0), (255, 255, 255)], [(255, 255, 255), (0, 0, 0)], [(9, 5, 1), (2, 250, 3)], GREYS],
    ids=["black and white", "white and black", "two colours", "sixteen greys"],
)
def test_palettes_are_read_as_the_colours_they_show(
    palette: list[tuple[int, int, int]], bits: int
) -> None:
    palette = palette[: 1 << bits]
    indices = np.random.default_rng(3).integers(0, len(palette), (7, 13))
    found = decoded(indexed(indices, bits, palette))
    expected = np.array(palette)[indices]
    assert np.array_equal(np.broadcast_to(found, expected.shape), expected)


@pytest.mark.parametrize("channels", [3, 4])
def test_density_survives(channels: int) -> None:
    data = bmp.encode(photo_of(scene(channels=channels), density=(300.0, 150.0)))
    assert bmp.decode(data, "x.bmp").density == pytest.approx((300, 150), abs=0.05)


def test_the_path_to_a_profile_does_not_survive(keep: Keep, exiftool: ReadTags) -> None:
    """A fifth version's header may name a file on the photographer's disk."""
    linked = b"C:\\Users\\Ana Ruiz\\monitor.icc\0"
    plain = bmp.encode(photo_of(scene(channels=4)))
    header = bytearray(plain[14:122]) + struct.pack("<IIII", 4, 124 + len(plain) - 122, 0x30, 0)
    header[:4], header[56:60] = struct.pack("<I", 124), b"KNIL"
    source = plain[:10] + struct.pack("<I", 138) + bytes(header) + plain[122:] + linked
    output = bmp.encode(bmp.decode(source, "x.bmp"))
    assert b"Ana Ruiz" in source
    assert b"Ana Ruiz" not in output
    assert np.array_equal(decoded(output), scene(channels=4))
    assert not [tag for tag in exiftool(keep(output)) if "Profile" in tag]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float) -> None:
    data = saved(Image.fromarray(scene()), "BMP")
    with pytest.raises(UnreadableMedia, match=r"^x\.bmp: "):
        bmp.decode(data[: int(len(data) * share)], "x.bmp")


def test_a_size_that_would_fill_memory_is_not_believed() -> None:
    data = bytearray(saved(Image.fromarray(scene()), "BMP"))
    data[18:26] = struct.pack("<ii", 60_000, 60_000)
    with pytest.raises(UnreadableMedia, match="more pixels than the limit"):
        bmp.decode(bytes(data), "x.bmp")


SOURCES = [saved(Image.fromarray(scene(9, 11)).convert(m), "BMP") for m in ("1", "P", "RGB")]
SOURCES.append(bmp.encode(photo_of(scene(9, 11, 4))))


@settings(max_examples=150, deadline=None)
@given(
    source=st.sampled_from(SOURCES),
    changes=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=4),
    size=st.integers(0, 600),
)
def test_damage_gives_a_photo_or_one_of_our_errors(
    source: bytes, changes: list[tuple[int, int]], size: int
) -> None:
    data = bytearray(source)
    for at, value in changes:
        data[at % len(data)] = value
    data = data[: len(data) if size > 300 else size]
    try:
        photo = bmp.decode(bytes(data), "x.bmp")
    except CrowdveilError:
        return
    bmp.encode(photo)
