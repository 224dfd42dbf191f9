"""HEIF: the upright primary picture at its own depth, and nothing else of the file."""

import io
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ImageCms

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media import convert, credit, heif
from crowdveil.media.credit import Credit
from crowdveil.media.heif import HeifEncoding
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .damage import CUTS, FLIPS, damaged
from .turns import exif

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GPS = b"GPS 52.5163 13.3777"
XMP = b"<x:xmpmeta>secret place</x:xmpmeta>"
NUMBERS = ("color_primaries", "transfer_characteristics", "matrix_coefficients", "full_range_flag")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def ramps(channels: int = 3, top: int = 255) -> NDArray[Any]:
    """Smooth, so that lossy coding stays close, and without symmetry."""
    y, x = np.mgrid[:64, :96]
    layers = np.stack([x / 95, y / 63, (x + 2 * y) / 221, 1 - x / 190], axis=-1)[..., :channels]
    return np.asarray(np.rint(layers * top), np.uint8 if top == 255 else np.uint16)


def file(samples: NDArray[Any], **options: Any) -> bytes:
    mode = MODES[samples.shape[2]] + (";16" if samples.dtype == np.uint16 else "")
    out = io.BytesIO()
    size = samples.shape[1], samples.shape[0]
    pillow_heif.encode(mode, size, samples.tobytes(), out, **{"quality": 90, **options})
    return out.getvalue()


def coded(**values: int) -> dict[str, Any]:
    """Options for primaries and the like, sRGB where nothing else is said."""
    return {"nclx_profile": dict(zip(NUMBERS, (1, 13, 6, 1), strict=True)) | values}


def off(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mean difference as a share of the range."""
    return float(np.abs(a.astype(float) - b).mean() / np.iinfo(a.dtype).max)


@pytest.mark.parametrize("channels", [1, 3, 4], ids=["grey", "rgb", "rgba"])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_pixels_and_depth_survive_reading_and_writing(bits: int, channels: int) -> None:
    truth = ramps(channels, 255 if bits == 8 else 65535)
    photo = heif.decode(file(truth, bit_depth=bits), "a.heic")
    again = heif.decode(heif.encode(photo), "b.heic")
    for picture in (*photo.frames, *again.frames):
        assert picture.samples.shape == truth.shape
        assert picture.samples.dtype == truth.dtype
        assert picture.space is (ColourSpace.GREY if channels == 1 else ColourSpace.RGB)
        assert off(picture.samples, truth) < 0.012
    assert isinstance(again.encoding, HeifEncoding)
    assert again.encoding.bits == bits


@pytest.mark.parametrize("bits", [10, 12])
def test_white_and_full_alpha_are_full(bits: int) -> None:
    white = np.full((64, 64, 4), 65535, np.uint16)
    (picture,) = heif.decode(file(white, bit_depth=bits), "a.heic").frames
    assert (picture.samples == 65535).all()


@pytest.mark.parametrize("chroma", [420, 422, 444])
def test_subsampling_is_kept(chroma: int) -> None:
    photo = heif.decode(file(ramps(), chroma=chroma), "a.heic")
    again = heif.decode(heif.encode(photo), "b.heic")
    assert isinstance(again.encoding, HeifEncoding)
    assert again.encoding.chroma == chroma


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param({}, id="srgb"),
        pytest.param({"matrix_coefficients": 1, "full_range_flag": 0}, id="television"),
        pytest.param({"color_primaries": 12}, id="display-p3"),
    ],
)
def test_colours_told_by_numbers_mean_the_same_afterwards(numbers: dict[str, int]) -> None:
    photo = heif.decode(file(ramps(), **coded(**numbers)), "a.heic")
    again = heif.decode(heif.encode(photo), "b.heic")
    assert off(photo.frames[0].samples, ramps()) < 0.012
    assert off(again.frames[0].samples, ramps()) < 0.012
    assert again.icc == photo.icc
    assert (photo.icc is None) == ("color_primaries" not in numbers)


@pytest.mark.parametrize("curve", [16, 18], ids=["pq", "hlg"])
def test_high_dynamic_range_stays_what_it_was(curve: int) -> None:
    options = coded(color_primaries=9, transfer_characteristics=curve, matrix_coefficients=9)
    photo = heif.decode(file(ramps(3, 65535), bit_depth=10, **options), "a.heic")
    again = heif.decode(heif.encode(photo), "b.heic")
    assert again.encoding == photo.encoding
    assert isinstance(again.encoding, HeifEncoding)
    assert again.encoding.coded == (9, curve, 9, 1)
    with pytest.raises(UnsupportedMedia, match="dynamic range"):
        convert.fit(photo, PhotoFormat.JPEG)


def test_lossless_rgb_sources_can_be_written() -> None:
    data = file(ramps(), quality=-1, chroma=444, **coded(matrix_coefficients=0))
    photo = heif.decode(data, "a.heic")
    assert np.array_equal(photo.frames[0].samples, ramps())
    assert off(heif.decode(heif.encode(photo), "b").frames[0].samples, ramps()) < 0.012


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_is_applied_once_and_exif_is_not_believed(orientation: int) -> None:
    turns: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda a: np.rot90(a),
    }
    # The encoder writes rotation and mirroring into the file and keeps EXIF as it is given.
    data = file(ramps(), exif=exif(orientation, GPS.decode()))
    photo = heif.decode(data, "a.heic")
    expected = turns[orientation](ramps())
    assert photo.frames[0].samples.shape == expected.shape
    assert off(photo.frames[0].samples, expected) < 0.012
    out = heif.encode(photo)
    assert b"irot" not in out
    assert b"imir" not in out
    assert off(heif.decode(out, "b").frames[0].samples, expected) < 0.015


def test_a_nasty_file_leaves_only_its_picture(
    exiftool: Callable[[Path], dict[str, Any]], keep: Callable[[bytes], Path]
) -> None:
    big = np.tile(ramps(), (6, 4, 1))
    data = file(big, exif=exif(6, GPS.decode()), xmp=XMP, thumbnails=[64, 128], icc_profile=SRGB)
    data += b"secret at the end"
    (source,) = pillow_heif.open_heif(data)
    assert source.info["thumbnails"]
    out = heif.encode(heif.decode(data, "a.heic"))
    assert b"secret" not in out
    assert GPS not in out
    (clean,) = pillow_heif.open_heif(out)
    assert not clean.info["thumbnails"]
    assert not clean.info["depth_images"]
    assert not clean.info["aux"]
    assert not clean.info["metadata"]
    assert not clean.info["exif"]
    tags = exiftool(keep(out))
    groups = ("IFD", "XMP", "GPS", "ExifIFD", "InteropIFD", "Apple")
    assert not [name for name in tags if name.startswith(groups)]


def test_further_pictures_of_the_file_stay_behind() -> None:
    several = pillow_heif.from_bytes("RGB", (96, 64), ramps().tobytes())
    several.add_frombytes("RGB", (64, 64), np.zeros((64, 64, 3), np.uint8).tobytes())
    out = io.BytesIO()
    several.save(out, quality=90, primary_index=0)
    photo = heif.decode(out.getvalue(), "a.heic")
    assert len(photo.frames) == 1
    assert off(photo.frames[0].samples, ramps()) < 0.012
    assert len(pillow_heif.open_heif(heif.encode(photo))) == 1


def test_a_picture_in_tiles_is_put_together() -> None:
    big = np.tile(ramps(), (4, 3, 1))
    photo = heif.decode(file(big, tile_size=128), "a.heic")
    assert off(photo.frames[0].samples, big) < 0.02
    again = heif.decode(heif.encode(photo), "b.heic")
    assert off(again.frames[0].samples, photo.frames[0].samples) < 0.012


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 31), (65, 63)], ids=str)
def test_odd_and_tiny_pictures_keep_their_size(size: tuple[int, int]) -> None:
    samples = np.ascontiguousarray(ramps()[: size[1], : size[0]])
    if min(size) >= 16:
        photo = heif.decode(file(samples), "a.heic")
    else:
        photo = Photo(PhotoFormat.PNG, (Picture(samples, ColourSpace.RGB),))
    (again,) = heif.decode(heif.encode(photo), "b.heic").frames
    assert again.size_wh == size


def test_metadata_blocks_are_found_for_the_credit() -> None:
    packet = credit.xmp_packet(Credit(creator="Ana", caption="March"))
    found = heif.notes(file(ramps(), exif=exif(1, GPS.decode()), xmp=packet))
    assert credit.read(found) == Credit(creator="Ana", copyright="", caption="March")
    assert GPS in (found.exif or b"")
    assert heif.notes(b"\0\0\0\x18ftypheic").exif is None


def test_a_fresh_packet_and_the_profile_are_embedded() -> None:
    photo = heif.decode(file(ramps(), icc_profile=SRGB, xmp=XMP), "a.heic")
    out = heif.encode(photo, b"<fresh/>")
    assert heif.notes(out).xmp == b"<fresh/>"
    assert heif.decode(out, "b.heic").icc == photo.icc is not None


def test_damaged_metadata_do_not_cost_the_photo() -> None:
    for block in (b"\xff" * 50, b"II*\0" + b"\xff" * 30, b""):
        data = file(ramps(), exif=exif(1, GPS.decode()), xmp=b"<not xml")
        start = data.find(exif(1, GPS.decode())[6:16])
        broken = data[:start] + block + data[start + len(block) :] if start > 0 else data
        assert heif.decode(broken, "a.heic").frames
        assert heif.notes(broken) is not None


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.95, 0.995])
def test_truncated_files_are_refused_not_half_decoded(share: float) -> None:
    for data in (file(ramps()), file(ramps(4)), file(ramps(3, 65535), bit_depth=10)):
        with pytest.raises(UnreadableMedia, match=r"^cut\.heic: "):
            heif.decode(data[: int(len(data) * share)], "cut.heic")


@pytest.mark.parametrize("share", [0.5, 0.75, 0.99])
def test_a_picture_with_missing_tiles_is_refused(share: float) -> None:
    """libheif shows the tiles that it has."""
    whole = file(np.tile(ramps(), (4, 4, 1)), tile_size=64)
    with pytest.raises(UnreadableMedia, match="ends too early"):
        heif.decode(whole[: int(len(whole) * share)], "a.heic")


def test_a_bomb_is_refused_before_decoding() -> None:
    size = struct.pack(">II", 96, 64)
    data = file(ramps())
    assert size in data
    with pytest.raises(UnreadableMedia):
        heif.decode(data.replace(size, struct.pack(">II", 60_000, 60_000)), "bomb.heic")


def test_photos_of_the_evaluation_keep_their_colours(eval_dir: Path) -> None:
    path = eval_dir / "metadata" / "heic" / "heic__cheers_1440x960.heic"
    photo = heif.decode(path.read_bytes(), str(path))
    (again,) = heif.decode(heif.encode(photo), "b.heic").frames
    error = ((again.samples.astype(float) - photo.frames[0].samples) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 45


FILES = {
    "plain": file(ramps(), exif=exif(6, GPS.decode()), xmp=XMP, thumbnails=[48]),
    "alpha": file(ramps(4)),
    "deep": file(ramps(3, 65535), bit_depth=10),
    "tiles": file(np.tile(ramps(), (2, 2, 1)), tile_size=64),
}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    FLIPS,
    CUTS,
)
def test_damage_gives_a_photo_or_one_of_our_errors(
    kind: str, flips: list[tuple[int, int]], cut: int
) -> None:
    data = damaged(FILES[kind], flips, cut)
    with suppress(CrowdveilError):
        assert heif.decode(data, "f.heic").frames
    heif.notes(data)
