"""JPEG files of every kind: one picture out of each, and a second generation as good as one."""

import io
import struct
import tracemalloc
from contextlib import suppress
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, IptcImagePlugin, JpegImagePlugin
from PIL.Image import Transpose

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media import jpeg
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .turns import exif

SECRET = b"Alice at 52.5163N 13.3777E"
SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
UPRIGHT: dict[int, list[Transpose]] = {
    1: [],
    2: [Transpose.FLIP_LEFT_RIGHT],
    3: [Transpose.ROTATE_180],
    4: [Transpose.FLIP_TOP_BOTTOM],
    5: [Transpose.TRANSPOSE],
    6: [Transpose.ROTATE_270],
    7: [Transpose.TRANSVERSE],
    8: [Transpose.ROTATE_90],
}
"""What a viewer does for each orientation. Source: CIPA DC-008, tag 0x0112."""


def scene(mode: str = "RGB", size_wh: tuple[int, int] = (176, 112)) -> Image.Image:
    """Smooth shapes with grain and edges, as photos have them; no two corners alike."""
    width, height = size_wh
    rng = np.random.default_rng(7)
    bands = len(Image.new(mode, (1, 1)).getbands())
    coarse = rng.uniform(20, 235, (5, 7, bands)).astype(np.float32)
    smooth: Any = cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)
    smooth = smooth.reshape(height, width, -1)
    smooth[height // 4 : height // 2, width // 3 : width // 2] *= 0.3
    grain = rng.normal(0, 3, (height, width, 1))
    pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if bands == 1 else pixels, mode)


def saved(image: Image.Image, **settings: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **settings)
    return out.getvalue()


def exif_with(orientation: int) -> bytes:
    return exif(orientation, SECRET.decode())


def opened(data: bytes) -> Any:
    image: Any = Image.open(io.BytesIO(data), formats=["JPEG"])
    image.load()
    return image


def psnr(a: Any, b: Any) -> float:
    error = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-12)))


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def again(data: bytes) -> bytes:
    """A file read and written."""
    return jpeg.encode(jpeg.decode(data, "a.jpg"))


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
def test_tables_subsampling_and_kind_are_those_of_the_source(
    sampling: int, progressive: bool
) -> None:
    data = saved(scene(), quality=83, subsampling=sampling, progressive=progressive)
    source, output = opened(data), opened(again(data))
    assert output.quantization == source.quantization
    assert JpegImagePlugin.get_sampling(output) == sampling
    assert bool(output.info.get("progressive")) is progressive


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("quality", [60, 85, 96])
def test_a_second_generation_costs_next_to_nothing(mode: str, quality: int) -> None:
    source = saved(scene(mode), quality=quality)
    output = opened(again(source))
    assert output.mode == mode
    assert psnr(opened(source), output) > 45


@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_upright_and_as_good(orientation: int, sampling: int) -> None:
    settings: dict[str, Any] = {"quality": 85, "subsampling": sampling}
    source = saved(scene(), exif=exif_with(orientation), **settings)
    expected: Any = opened(source)
    for step in UPRIGHT[orientation]:
        expected = expected.transpose(step)

    photo = jpeg.decode(source, "a.jpg")
    output = opened(jpeg.encode(photo))

    np.testing.assert_array_equal(photo.frames[0].samples, np.asarray(expected))
    assert not output.getexif()
    assert output.size == expected.size
    assert psnr(expected, output) > 45


@pytest.mark.parametrize("size_wh", [(171, 103), (168, 104), (161, 112)], ids=str)
@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
@pytest.mark.parametrize("orientation", range(1, 9))
def test_odd_sizes_are_as_good_after_any_turn(
    orientation: int, sampling: int, size_wh: tuple[int, int]
) -> None:
    """Squares counted from the other side fall elsewhere."""
    source = saved(
        scene(size_wh=size_wh), quality=70, subsampling=sampling, exif=exif_with(orientation)
    )
    photo = jpeg.decode(source, "a.jpg")
    output = jpeg.encode(photo)
    assert psnr(photo.frames[0].samples, opened(output)) > 44
    assert len(output) < 4 * len(source)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_odd_sizes_of_other_colours_are_as_good_after_a_turn(mode: str) -> None:
    source = saved(scene(mode, (171, 103)), quality=70, exif=exif_with(3))
    photo = jpeg.decode(source, "a.jpg")
    assert (
        psnr(photo.frames[0].samples, jpeg.decode(jpeg.encode(photo), "b").frames[0].samples) > 44
    )


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_file_too_short_for_the_size_it_claims_is_refused_before_decoding(
    progressive: bool,
) -> None:
    """A kilobyte that claims 196 million pixels took 2.4 GB."""
    data = saved(scene(), progressive=progressive)
    at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    bomb = data[:at] + struct.pack(">HH", 14_000, 14_000) + data[at + 4 :]
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableMedia, match="ends too early"):
            jpeg.decode(bomb, "a.jpg")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_the_plainest_picture_is_not_taken_for_a_short_one(mode: str, progressive: bool) -> None:
    plain = Image.new(mode, (2001, 1003))
    for how in ({"optimize": True}, {"quality": 1, "subsampling": 2}):
        source = saved(plain, progressive=progressive, **how)
        assert jpeg.decode(source, "a.jpg").frames[0].size_wh == (2001, 1003)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_tables_turn_with_the_picture(orientation: int) -> None:
    lying = [[1 + k for k in range(64)], [64 - k for k in range(64)]]
    data = saved(scene(), qtables=lying, subsampling=0, exif=exif_with(orientation))
    written = opened(again(data)).quantization
    for number, table in enumerate(lying):
        standing = np.reshape(table, (8, 8)).T.ravel().tolist()
        assert list(written[number]) == standing


@pytest.mark.parametrize(
    "factor",
    [cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440],
    ids=["4:1:1", "4:4:0"],
)
def test_rare_subsampling_is_replaced_by_a_finer_one(factor: int) -> None:
    pixels = np.asarray(scene())[..., ::-1]
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])
    assert done
    source = data.tobytes()
    assert psnr(opened(source), opened(again(source))) > 45


def test_press_colours_stay_press_colours() -> None:
    """Ink is ink in the output too: with another reader, cyan is not red."""
    inks = np.zeros((64, 64, 4), np.uint8)
    inks[:, 32:, 0] = 255
    source = saved(Image.fromarray(inks, "CMYK"), quality=95)

    photo = jpeg.decode(source, "a.jpg")
    output = jpeg.encode(photo)

    assert photo.frames[0].space is ColourSpace.CMYK
    assert np.abs(photo.frames[0].samples.astype(int) - inks).max() < 8
    shown: Any = cv2.imdecode(np.frombuffer(output, np.uint8), cv2.IMREAD_COLOR)
    blue, green, red = shown[32, 48]
    assert red < 40
    assert green > 200
    assert blue > 200


def test_press_colours_stored_as_luma_and_chroma_are_read_right() -> None:
    """The same components, once told to be CMYK and once YCCK, differ by the known formula."""
    plain = saved(scene("CMYK"), quality=95)
    adobe = plain.index(b"Adobe") + 11
    assert plain[adobe] == 0
    source = plain[:adobe] + b"\x02" + plain[adobe + 1 :]
    y, cb, cr, k = np.moveaxis(255.0 - np.asarray(opened(plain)), -1, 0)
    # Source: ITU-T T.871; Adobe stores all four inverted.
    ink = [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)]
    ink += [y + 1.772 * (cb - 128), 255 - k]

    samples = jpeg.decode(source, "a.jpg").frames[0].samples
    output = jpeg.decode(again(source), "a.jpg").frames[0].samples

    expected = np.clip(np.stack(ink, axis=-1), 0, 255)
    assert np.abs(samples - expected).max() <= 2
    assert psnr(samples, output) > 45


def test_a_file_that_stores_red_green_and_blue_keeps_them() -> None:
    source = saved(scene(), quality=90, keep_rgb=True)
    output = opened(again(source))
    assert [part[0] for part in output.layer] == list(b"RGB")
    assert psnr(opened(source), output) > 50


def test_nothing_but_the_picture_comes_out_of_a_loaded_file() -> None:
    thumbnail = saved(scene(size_wh=(48, 32)))
    block = exif_with(1) + thumbnail
    plain = saved(scene(), comment=SECRET)
    loaded = b"".join(
        [
            plain[:2],
            segment(0xE1, b"Exif\0\0" + block.removeprefix(b"Exif\0\0") + SECRET),
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
            segment(0xE2, b"MPF\0" + SECRET),
            segment(0xE5, SECRET),
            segment(0xEB, b"JP" + SECRET),
            segment(0xED, b"Photoshop 3.0\0" + SECRET),
            segment(0xFE, SECRET),
            plain[2:],
            thumbnail,
            b"\0\0\0\x18ftypmp42" + SECRET,
        ]
    )
    photo = jpeg.decode(loaded, "a.jpg")
    output = jpeg.encode(photo)

    np.testing.assert_array_equal(photo.frames[0].samples, np.asarray(opened(plain)))
    assert SECRET not in output
    assert SECRET not in repr(photo).encode()
    assert output.count(b"\xff\xd8\xff") == 1
    assert output.endswith(b"\xff\xd9")
    assert [marker for marker, _ in opened(output).applist] == ["APP0"]


def test_only_the_first_of_several_pictures_is_kept() -> None:
    out = io.BytesIO()
    scene().save(out, "MPO", save_all=True, append_images=[scene(size_wh=(64, 64))] * 2)
    assert Image.open(io.BytesIO(out.getvalue())).n_frames == 3  # type: ignore[attr-defined]
    output = again(out.getvalue())
    assert output.count(b"\xff\xd8\xff") == 1
    assert Image.open(io.BytesIO(output)).format == "JPEG"


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.95, 0.999])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_truncated_file_is_refused_rather_than_half_grey(share: float, progressive: bool) -> None:
    data = saved(scene(), quality=90, progressive=progressive)
    with pytest.raises(UnreadableMedia, match=r"^a\.jpg: "):
        jpeg.decode(data[: max(3, int(len(data) * share))], "a.jpg")


def scan_of(data: bytes) -> int:
    """Where the picture's data begin."""
    start = data.index(b"\xff\xda")
    return start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("lost", [600, 1500])
def test_a_hole_in_the_data_is_refused_rather_than_half_grey(mode: str, lost: int) -> None:
    data = saved(scene(mode), quality=90)
    hole = scan_of(data) + 500
    with pytest.raises(UnreadableMedia, match="breaks off"):
        jpeg.decode(data[:hole] + data[hole + lost :], "a.jpg")


@pytest.mark.parametrize("marker", [0x01, 0x5A, 0xC0, 0xD8, 0xE1, 0xF7, 0xFE])
def test_a_byte_gone_wrong_that_ends_the_picture_is_not_passed_over(marker: int) -> None:
    data = saved(scene(), quality=90)
    middle = (scan_of(data) + len(data)) // 2
    broken = data[:middle] + bytes([0xFF, marker, 0, 40]) + data[middle + 4 :]
    with pytest.raises(UnreadableMedia):
        jpeg.decode(broken, "a.jpg")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("level", [127, 128])
def test_a_picture_that_ends_in_grey_is_read(mode: str, level: int) -> None:
    image = scene(mode)
    image.paste((level,) * len(image.getbands()), (0, 60, *image.size))
    data = saved(image, quality=90)
    samples = jpeg.decode(data, "a.jpg").frames[0].samples
    np.testing.assert_array_equal(np.squeeze(samples), np.asarray(opened(data)))


def test_a_picture_without_all_its_colours_is_refused() -> None:
    data = saved(scene(), quality=90, progressive=True)
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xc4", first)
    with pytest.raises(UnreadableMedia, match="colours are missing"):
        jpeg.decode(data[:first] + data[second:], "a.jpg")


def test_a_size_that_would_fill_memory_is_not_believed() -> None:
    data = bytearray(saved(scene("L")))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\x00\xff\x00"
    with pytest.raises(UnreadableMedia, match="65280 x 65280"):
        jpeg.decode(bytes(data), "a.jpg")


def test_a_file_that_asks_for_thousands_of_passes_is_refused() -> None:
    data = saved(scene("L"), progressive=True)
    starts = [k for k in range(len(data) - 1) if data[k : k + 2] == b"\xff\xda"]
    scan = next(data[a:b] for a, b in pairwise([*starts, len(data) - 2]))
    bomb = data[:-2] + scan * 3000 + b"\xff\xd9"
    with pytest.raises(UnreadableMedia, match="passes"):
        jpeg.decode(bomb, "a.jpg")


def test_arithmetic_coding_is_named_as_the_reason() -> None:
    data = saved(scene("L")).replace(b"\xff\xc0", b"\xff\xc9", 1)
    with pytest.raises(UnsupportedMedia, match="arithmetic"):
        jpeg.decode(data, "a.jpg")


def test_noise_in_the_finest_steps_is_written_all_the_same() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    settings: dict[str, Any] = {"qtables": [[1] * 64], "subsampling": 0}
    source = saved(Image.fromarray(noise), **settings)
    photo = jpeg.decode(source, "a.jpg")
    encoding = photo.encoding
    assert isinstance(encoding, jpeg.JpegEncoding)
    for progressive in (False, True):
        how = jpeg.JpegEncoding(ColourSpace.RGB, encoding.tables, 0, progressive, as_rgb=False)
        output = jpeg.encode(Photo(PhotoFormat.JPEG, photo.frames, encoding=how))
        assert psnr(opened(source), opened(output)) > 45


def test_density_turns_with_the_picture() -> None:
    lying = jpeg.decode(saved(scene(), dpi=(300, 150), exif=exif_with(6)), "a.jpg")
    assert lying.density == (150, 300)
    assert opened(jpeg.encode(lying)).info["dpi"] == (150, 300)


def test_a_picture_from_elsewhere_gets_fine_steps_and_full_chroma() -> None:
    pixels = np.asarray(scene())
    photo = Photo(PhotoFormat.PNG, (Picture(pixels, ColourSpace.RGB),))
    output = opened(jpeg.encode(photo))
    assert JpegImagePlugin.get_sampling(output) == 0
    assert psnr(pixels, output) > 40


def test_xmp_and_iptc_are_where_picture_desks_look() -> None:
    byline = b"\x1c\x02\x50" + struct.pack(">H", 5) + b"Alice"
    photo = jpeg.decode(saved(scene()), "a.jpg")
    output = jpeg.encode(photo, b"<x:xmpmeta/>", byline)
    image = opened(output)
    assert image.info["xmp"] == b"<x:xmpmeta/>"
    assert IptcImagePlugin.getiptcinfo(image) == {(2, 80): b"Alice"}
    found = jpeg.notes(output)
    assert (found.xmp, found.iptc, found.exif) == (b"<x:xmpmeta/>", byline, None)


FILES = [
    saved(scene(size_wh=(40, 24)), exif=exif_with(6), icc_profile=b"not a profile"),
    saved(scene("CMYK", (24, 24)), progressive=True),
]


@settings(max_examples=150, deadline=None)
@given(
    which=st.sampled_from(range(len(FILES))),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    length=st.floats(0, 1),
)
def test_damaged_files_are_read_or_refused_and_nothing_else(
    which: int, changes: list[tuple[float, int]], length: float
) -> None:
    data = bytearray(FILES[which])
    for where, value in changes:
        data[min(len(data) - 1, int(where * len(data)))] = value
    if length < 0.5:
        data = data[: int(2 * length * len(data))]
    with suppress(CrowdveilError):
        jpeg.encode(jpeg.decode(bytes(data), "a.jpg"))
    jpeg.notes(bytes(data))
