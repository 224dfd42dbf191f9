"""AVIF: upright pixels of 8 to 12 bits, and nothing else."""

import io
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media import avif, convert
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .damage import CUTS, FLIPS, damaged
from .turns import exif

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GPS = b"GPS 52.5163 13.3777"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def ramps(channels: int = 3, top: int = 255) -> NDArray[Any]:
    """Smooth, so that lossy coding stays close, and without symmetry."""
    y, x = np.mgrid[:64, :96]
    layers = np.stack([x / 95, y / 63, (x + 2 * y) / 221, 1 - x / 190], axis=-1)[..., :channels]
    return np.asarray(np.rint(layers * top), np.uint8 if top == 255 else np.uint16)


def scene(channels: int = 3) -> Image.Image:
    samples = ramps(channels)
    return Image.fromarray(samples[..., 0] if channels == 1 else samples)


def file(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    fine = {"subsampling": "4:4:4"} if image.mode != "L" else {}
    image.save(out, "AVIF", **{"quality": 90, "speed": 9, **fine, **options})
    return out.getvalue()


def deep_file(bits: int, channels: int = 3) -> tuple[bytes, NDArray[np.uint16]]:
    """A still as OpenCV writes it, and its samples, red first."""
    samples = ramps(channels, (1 << bits) - 1)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    done, data = cv2.imencode(
        ".avif",
        np.ascontiguousarray(samples[..., order]),
        [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 95, cv2.IMWRITE_AVIF_SPEED, 9],
    )
    assert done
    return data.tobytes(), samples


def coded(data: bytes, primaries: int, curve: int) -> bytes:
    """The same file, but telling of other primaries and another curve."""
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, curve) + data[at + 4 :]


def moving() -> bytes:
    turned = [scene().transpose(Image.Transpose(k)) for k in (0, 1)]
    return file(scene(), save_all=True, append_images=turned, duration=[40, 120, 1000])


def off(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mean difference as a share of the range."""
    return float(np.abs(a.astype(float) - b).mean() / np.iinfo(a.dtype).max)


@pytest.mark.parametrize("channels", [1, 3, 4], ids=["grey", "rgb", "rgba"])
def test_pixels_survive_reading_and_writing(channels: int) -> None:
    photo = avif.decode(file(scene(channels)), "a.avif")
    (picture,) = photo.frames
    assert picture.samples.shape == (64, 96, channels)
    assert picture.space is (ColourSpace.GREY if channels == 1 else ColourSpace.RGB)
    (again,) = avif.decode(avif.encode(photo), "b.avif").frames
    assert off(picture.samples, ramps(channels)) < 0.01
    assert off(again.samples, picture.samples) < 0.01


@pytest.mark.parametrize("channels", [1, 3, 4], ids=["grey", "rgb", "rgba"])
@pytest.mark.parametrize("bits", [10, 12])
def test_deeper_stills_keep_their_bits(bits: int, channels: int) -> None:
    data, truth = deep_file(bits, channels)
    photo = avif.decode(data, "a.avif")
    (picture,) = photo.frames
    assert picture.samples.dtype == np.uint16
    assert picture.samples.shape == truth.shape
    # Full range: the brightest sample is white, not a little less.
    expected = np.rint(truth / ((1 << bits) - 1) * 65535)
    assert off(picture.samples, expected) < 0.01
    assert picture.samples.max() == 65535
    out = avif.encode(photo)
    (again,) = avif.decode(out, "b.avif").frames
    assert again.samples.dtype == np.uint16
    assert off(again.samples, picture.samples) < 0.01
    # Steps finer than 8 bits can tell are still there.
    assert len(np.unique(again.samples[..., 0])) > 256 / 4 * (1 if channels == 1 else 1.2)


def test_exiftool_agrees_on_depth_and_finds_no_metadata(
    exiftool: Callable[[Path], dict[str, Any]], keep: Callable[[bytes], Path]
) -> None:
    for bits in (10, 12):
        tags = exiftool(keep(avif.encode(avif.decode(deep_file(bits)[0], "a"))))
        (depth,) = (value for name, value in tags.items() if name.endswith(":ImagePixelDepth"))
        assert depth == f"{bits} {bits} {bits}"
        assert not [name for name in tags if name.startswith(("IFD", "XMP", "GPS", "ExifIFD"))]


def test_16_bit_photos_of_other_formats_become_10_bits() -> None:
    samples = ramps(3, 65535)
    photo = Photo(PhotoFormat.TIFF, (Picture(samples, ColourSpace.RGB),))
    fitting = convert.fit(photo, PhotoFormat.AVIF)
    (picture,) = avif.decode(avif.encode(fitting), "a.avif").frames
    assert picture.samples.dtype == np.uint16
    assert off(picture.samples, samples) < 0.01


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("curve", [16, 18], ids=["pq", "hlg"])
def test_high_dynamic_range_stays_what_it_was(bits: int, curve: int) -> None:
    source = file(scene()) if bits == 8 else deep_file(bits)[0]
    photo = avif.decode(coded(source, 9, curve), "a.avif")
    out = avif.encode(photo)
    at = out.index(b"colrnclx") + 8
    assert struct.unpack_from(">HH", out, at) == (9, curve)
    assert off(avif.decode(out, "b").frames[0].samples, photo.frames[0].samples) < 0.01
    with pytest.raises(UnsupportedMedia, match="dynamic range"):
        convert.fit(photo, PhotoFormat.JPEG)


def test_wide_colours_told_by_numbers_get_a_profile_for_other_formats() -> None:
    photo = avif.decode(coded(file(scene()), 12, 13), "p3.avif")
    assert photo.icc is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(photo.icc))
    red = Image.new("RGB", (1, 1), (255, 0, 0))
    seen = ImageCms.profileToProfile(red, profile, ImageCms.createProfile("sRGB"))
    # The reddest red of Display P3 lies outside of sRGB, which clips it.
    assert isinstance(seen, Image.Image)
    assert seen.getpixel((0, 0)) == (255, 0, 0)
    rgb = np.array([200, 100, 100])
    half = ImageCms.profileToProfile(
        Image.new("RGB", (1, 1), tuple(rgb.tolist())), profile, ImageCms.createProfile("sRGB")
    )
    assert isinstance(half, Image.Image)
    linear = ((rgb / 255 + 0.055) / 1.055) ** 2.4
    # Display P3 to sRGB. Source: CSS Color Module Level 4, 17.
    matrix = [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]
    expected = 255 * (1.055 * (np.array(matrix) @ linear) ** (1 / 2.4) - 0.055)
    assert np.abs(np.array(half.getpixel((0, 0))) - expected).max() <= 1.5


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_subsampling_is_kept(subsampling: str) -> None:
    photo = avif.decode(file(scene(), subsampling=subsampling), "a.avif")
    again = avif.decode(avif.encode(photo), "b.avif")
    assert again.encoding == photo.encoding
    assert isinstance(photo.encoding, avif.AvifEncoding)
    assert photo.encoding.subsampling == subsampling


def test_an_animation_keeps_frames_and_durations() -> None:
    photo = avif.decode(moving(), "a.avif")
    again = avif.decode(avif.encode(photo), "b.avif")
    assert photo.durations_ms == again.durations_ms == (40, 120, 1000)
    for before, after in zip(photo.frames, again.frames, strict=True):
        assert off(before.samples, after.samples) < 0.02


def test_an_animation_does_not_say_when_it_was_written(
    exiftool: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "moving.avif"
    path.write_bytes(avif.encode(avif.decode(moving(), "moving.avif")))
    dates = {tag: value for tag, value in exiftool(path).items() if tag.endswith("Date")}
    times = {value for tag, value in dates.items() if not tag.startswith(("File", "System"))}
    assert times == {"0000:00:00 00:00:00"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_that_the_file_asks_for_is_applied_once(orientation: int) -> None:
    # Pillow writes EXIF orientation as the file's own rotation and mirroring.
    photo = avif.decode(file(scene(), exif=exif(orientation, GPS.decode())), "a.avif")
    expected = scene() if orientation == 1 else scene().transpose(TURNS[orientation])
    assert photo.frames[0].samples.shape[:2] == expected.size[::-1]
    assert off(photo.frames[0].samples, np.asarray(expected)) < 0.01
    out = avif.encode(photo)
    assert b"irot" not in out
    assert b"imir" not in out


def rotated(data: bytes, quarters: int) -> bytes:
    """A still of one item that asks to be turned counter-clockwise."""
    for name in (b"meta", b"iprp", b"ipco"):
        at = data.index(name) - 4
        grown = int.from_bytes(data[at : at + 4], "big") + (9 if name == b"ipco" else 10)
        data = data[:at] + grown.to_bytes(4, "big") + data[at + 4 :]
    at = data.index(b"ipma") - 4
    size, count = int.from_bytes(data[at : at + 4], "big"), data[at + 18]
    associations = data[at + 4 : at + 18] + bytes([count + 1]) + data[at + 19 : at + size]
    turn = b"\0\0\0\x09irot" + bytes([quarters])
    linked = (size + 1).to_bytes(4, "big") + associations + bytes([0x80 | count + 1])
    data = data[:at] + turn + linked + data[at + size :]
    # The pixels lie ten bytes further on.
    at = data.index(b"iloc") + 4 + 4 + 2 + 2 + 2 + 2 + 2
    return (
        data[:at]
        + (int.from_bytes(data[at : at + 4], "big") + 10).to_bytes(4, "big")
        + data[at + 4 :]
    )


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_deep_stills_are_turned_upright_too(quarters: int) -> None:
    data, truth = deep_file(10)
    (picture,) = avif.decode(rotated(data, quarters), "a.avif").frames
    expected = np.rot90(truth / 1023 * 65535, quarters)
    assert picture.samples.shape == expected.shape
    assert off(picture.samples, expected) < 0.01


def test_exif_orientation_alone_turns_nothing() -> None:
    block = Image.Exif()
    block[0x0100] = 6
    data = file(scene(), exif=block.tobytes())
    # Image width becomes orientation behind the encoder's back.
    for order in ("<", ">"):
        data = data.replace(
            struct.pack(order + "HHI", 0x0100, 3, 1), struct.pack(order + "HHI", 0x0112, 3, 1)
        )
    (picture,) = avif.decode(data, "a.avif").frames
    assert off(picture.samples, ramps()) < 0.01


def test_nothing_but_picture_and_profile_comes_out() -> None:
    xmp = b"<x:xmpmeta>secret place</x:xmpmeta>"
    data = (
        file(scene(), exif=exif(6, GPS.decode()), xmp=xmp, icc_profile=SRGB) + b"secret at the end"
    )
    found = avif.notes(data)
    assert found.xmp == xmp
    assert GPS in (found.exif or b"")
    out = avif.encode(avif.decode(data, "a.avif"))
    assert b"secret" not in out
    assert GPS not in out
    assert b"colrprof" in out
    assert avif.notes(out).exif is None
    assert avif.notes(out).xmp is None


@pytest.mark.parametrize("bits", [8, 10])
def test_a_fresh_packet_and_the_profile_are_embedded(bits: int) -> None:
    source = file(scene(), icc_profile=SRGB) if bits == 8 else deep_file(bits)[0]
    photo = avif.decode(source, "a.avif")
    profile = avif.decode(file(scene(), icc_profile=SRGB), "b.avif").icc
    photo = Photo(photo.format, photo.frames, icc=profile, encoding=photo.encoding)
    out = avif.encode(photo, b"<fresh/>")
    assert avif.notes(out).xmp == b"<fresh/>"
    assert avif.decode(out, "c.avif").icc == profile


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.95, 0.999])
def test_truncated_files_are_refused_not_half_decoded(share: float) -> None:
    for data in (file(scene()), moving(), deep_file(10)[0]):
        with pytest.raises(UnreadableMedia, match=r"^cut\.avif: "):
            avif.decode(data[: int(len(data) * share)], "cut.avif")


def test_a_bomb_is_refused_before_decoding() -> None:
    data = file(scene())
    size = struct.pack(">II", 96, 64)
    with pytest.raises(UnreadableMedia):
        avif.decode(data.replace(size, struct.pack(">II", 60_000, 60_000)), "bomb.avif")


FILES = {
    "still": file(scene(), exif=exif(6, GPS.decode()), xmp=b"<x/>"),
    "alpha": file(scene(4)),
    "deep": deep_file(10)[0],
    "moving": moving(),
}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    FLIPS,
    CUTS,
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_gives_a_photo_or_one_of_our_errors(
    kind: str, flips: list[tuple[int, int]], cut: int
) -> None:
    data = damaged(FILES[kind], flips, cut)
    with suppress(CrowdveilError):
        assert avif.decode(data, "f.avif").frames
    avif.notes(data)
