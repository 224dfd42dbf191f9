"""A photo comes out upright, once, in every format that can lie down."""

import io
import struct
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from crowdveil.media.orientation import exif_density, exif_orientation, upright
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.media.picture import PhotoFormat

from .conftest import Keep, deep_scene, psnr, samples_of, saved, scene

ORIENTATIONS = range(1, 9)


def lying(upright_samples: NDArray[Any], orientation: int) -> Image.Image:
    """An image stored so that its orientation makes it this picture, by Pillow's own turns."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = Image.fromarray(upright_samples)
    if orientation in undo:
        image = image.transpose(Image.Transpose(undo[orientation]))
    return image


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_turning_agrees_with_pillow(orientation: int) -> None:
    image = lying(scene(), orientation)
    block = exif(orientation)
    image = Image.open(io.BytesIO(saved(image, "PNG", exif=block)))
    turned = ImageOps.exif_transpose(image)
    assert np.array_equal(np.asarray(turned), scene())
    assert np.array_equal(upright(np.asarray(image), orientation), scene())


@pytest.mark.parametrize("channels", range(1, 6))
@pytest.mark.parametrize("make", [scene, deep_scene], ids=["8 bits", "16 bits"])
def test_every_kind_of_samples_turns_alike(make: Callable[..., Any], channels: int) -> None:
    """Five channels are CMYK with alpha."""
    samples = np.concatenate([make(9, 7, 3), make(9, 7, 2)], axis=2)[..., :channels].copy()
    expected = {3: np.rot90(samples, 2), 6: np.rot90(samples, -1), 8: np.rot90(samples)}
    expected |= {2: np.fliplr(samples), 4: np.flipud(samples), 5: np.swapaxes(samples, 0, 1)}
    expected |= {7: np.rot90(np.swapaxes(samples, 0, 1), 2)}
    for orientation, turned in expected.items():
        found = upright(samples, orientation)
        assert found.flags.c_contiguous
        assert np.array_equal(found, turned)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_lying_photo_comes_out_upright(format: str, orientation: int, keep: Keep) -> None:
    kinds: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}
    settings = kinds.get(format, {})
    data = saved(lying(scene(), orientation), format, exif=exif(orientation), **settings)
    photo = read_photo(keep(data))
    assert photo.frames[0].size_wh == (64, 48)
    again = read_photo(keep(encode_photo(photo)))
    for samples in (samples_of(photo), samples_of(again)):
        assert psnr(samples, scene()) > (28 if format == "JPEG" else 100)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_lying_tiff_of_16_bits_comes_out_upright(orientation: int, keep: Keep) -> None:
    flips = {2: (1, 0), 3: (1, 1), 4: (0, 1)}
    stored = deep_scene()
    if orientation in (5, 6, 7, 8):
        stored = stored.transpose(1, 0, 2)
        flips = {6: (0, 1), 7: (1, 1), 8: (1, 0)}
    across, down = flips.get(orientation, (0, 0))
    stored = stored[:: -1 if down else 1, :: -1 if across else 1]
    done, data = cv2.imencode(".tif", np.ascontiguousarray(stored[..., ::-1]))
    assert done
    path = keep(_with_orientation(data.tobytes(), orientation))
    assert np.array_equal(samples_of(read_photo(path)), deep_scene())


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_rotation_in_a_heif_is_applied_once(orientation: int, keep: Keep) -> None:
    out = io.BytesIO()
    # The writer turns EXIF's orientation into the container's own and keeps the EXIF.
    image = lying(scene(64, 96), orientation)
    size = image.size
    block = exif(orientation).tobytes()
    pillow_heif.encode("RGB", size, image.tobytes(), out, quality=95, chroma=444, exif=block)
    photo = read_photo(keep(out.getvalue()))
    again = read_photo(keep(encode_photo(photo)))
    for samples in (samples_of(photo), samples_of(again)):
        assert psnr(samples, scene(64, 96)) > 30


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_rotation_in_an_avif_is_applied_once(orientation: int, keep: Keep) -> None:
    data = saved(lying(scene(64, 96), orientation), "AVIF", quality=95, exif=exif(orientation))
    photo = read_photo(keep(data))
    assert psnr(samples_of(photo), scene(64, 96)) > 30
    again = read_photo(keep(encode_photo(photo)))
    assert psnr(samples_of(again), scene(64, 96)) > 28


@pytest.mark.parametrize("format", [PhotoFormat.PNG, PhotoFormat.TIFF])
def test_density_turns_with_the_photo(format: PhotoFormat, keep: Keep) -> None:
    data = saved(lying(scene(), 6), format.value.upper(), exif=exif(6), dpi=(100, 200))
    photo = read_photo(keep(data))
    assert photo.density == pytest.approx((200, 100), abs=0.02)


@pytest.mark.parametrize(
    "block",
    [None, b"", b"Exif\0\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", bytes(50)],
    ids=["none", "empty", "bare", "far offset", "many tags", "zeros"],
)
def test_damaged_exif_means_upright(block: bytes | None) -> None:
    assert exif_orientation(block) == 1
    assert exif_density(block) is None


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_means_upright(value: int) -> None:
    assert exif_orientation(exif(value).tobytes()) == 1


def _with_orientation(tiff: bytes, orientation: int) -> bytes:
    """OpenCV writes an orientation of 1 into no file; replace the last tag that says nothing."""
    start = int.from_bytes(tiff[4:8], "little")
    (count,) = struct.unpack_from("<H", tiff, start)
    entries = [tiff[start + 2 + 12 * k : start + 14 + 12 * k] for k in range(count)]
    entries = [e for e in entries if e[:2] != struct.pack("<H", 274)]
    entries.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    directory = struct.pack("<H", len(entries)) + b"".join(entries)
    return tiff[:4] + struct.pack("<I", len(tiff)) + tiff[8:] + directory + bytes(4)
