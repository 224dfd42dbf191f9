"""One door for every format: read by content, converted where nothing is lost, else refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media.credit import Credit
from crowdveil.media.formats import identify
from crowdveil.media.photos import encode_photo, read_credit, read_photo
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .conftest import Keep, ReadTags, deep_scene, one_of, psnr, samples_of, saved, scene

CREDIT = Credit("Ana Ruiz", "Ruiz/Agencia", "(c) 2024 Ana Ruiz", "March in Bogotá, <seen> & heard")
RGB, GREY, CMYK = ColourSpace.RGB, ColourSpace.GREY, ColourSpace.CMYK
WITH_XMP = [format for format in PhotoFormat if format is not PhotoFormat.BMP]


def photo_of(samples: Any, space: ColourSpace = RGB, **more: Any) -> Photo:
    alpha = samples.shape[2] in (2, 4) and space is not CMYK
    return Photo(PhotoFormat.TIFF, (Picture(samples, space, alpha),), **more)


def reread(data: bytes, keep: Keep) -> Photo:
    return read_photo(keep(data))


@pytest.mark.parametrize("format", PhotoFormat)
def test_a_file_is_read_by_its_content_whatever_its_name(
    format: PhotoFormat, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(one_of(format))
    photo = read_photo(path)
    assert photo.format is format
    assert psnr(samples_of(photo)[:48, :64], scene()) > 20 or format is PhotoFormat.HEIF


@pytest.mark.parametrize("format", PhotoFormat)
def test_output_has_the_source_s_format(format: PhotoFormat, keep: Keep) -> None:
    data = encode_photo(reread(one_of(format), keep))
    assert identify(data) is format


@pytest.mark.parametrize("format", PhotoFormat)
def test_samples_belong_to_the_photo_and_not_to_a_decoder(format: PhotoFormat, keep: Keep) -> None:
    """pillow-heif 1.0 lent memory and freed it: the veil was painted over other data."""
    samples: Any = samples_of(reread(one_of(format), keep))
    while isinstance(samples.base, np.ndarray):
        samples = samples.base
    assert samples.flags.owndata


@pytest.mark.parametrize("target", PhotoFormat)
@pytest.mark.parametrize("source", PhotoFormat)
def test_any_plain_photo_can_become_any_format(
    source: PhotoFormat, target: PhotoFormat, keep: Keep
) -> None:
    photo = reread(one_of(source), keep)
    data = encode_photo(photo, format=target)
    assert identify(data) is target
    again = reread(data, keep)
    assert again.frames[0].size_wh == photo.frames[0].size_wh
    assert psnr(again.frames[0].rgb(), photo.frames[0].rgb()) > 27


@pytest.mark.parametrize("format", PhotoFormat)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_with_its_path(
    format: PhotoFormat, share: float, keep: Keep
) -> None:
    data = one_of(format)
    path = keep(data[: int(len(data) * share)])
    with pytest.raises(UnreadableMedia) as caught:
        read_photo(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "ends too early" in str(caught.value)


def test_an_empty_file_is_refused(keep: Keep) -> None:
    with pytest.raises(UnreadableMedia, match="is empty"):
        read_photo(keep(b""))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="No such file"):
        read_photo(tmp_path / "none.jpg")


def test_a_text_called_jpg_is_no_photo(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("meet at noon")
    with pytest.raises(UnsupportedMedia, match="whatever its name says"):
        read_photo(path)


def test_a_damaged_file_and_then_a_sound_one(keep: Keep) -> None:
    with pytest.raises(CrowdveilError):
        read_photo(keep(one_of(PhotoFormat.WEBP)[:60]))
    assert read_photo(keep(one_of(PhotoFormat.WEBP))).frames


@pytest.mark.parametrize("target", [PhotoFormat.PNG, PhotoFormat.TIFF])
@pytest.mark.parametrize("channels", [1, 2, 3, 4], ids=["grey", "grey+alpha", "rgb", "rgb+alpha"])
def test_16_bits_survive_to_the_last_one(target: PhotoFormat, channels: int, keep: Keep) -> None:
    samples = deep_scene(channels=channels)
    photo = photo_of(samples, GREY if channels < 3 else RGB)
    again = reread(encode_photo(photo, format=target), keep)
    assert np.array_equal(samples_of(again), samples)
    assert again.frames[0].alpha == photo.frames[0].alpha


def test_16_bits_are_rounded_for_formats_of_8(keep: Keep) -> None:
    photo = photo_of(deep_scene())
    again = reread(encode_photo(photo, format=PhotoFormat.BMP), keep)
    expected = np.rint(deep_scene() / 257).astype(np.uint8)
    assert np.array_equal(samples_of(again), expected)


def test_press_colours_become_srgb_through_their_profile(keep: Keep) -> None:
    ink = np.asarray(Image.fromarray(scene()).convert("CMYK"))
    plain = reread(encode_photo(photo_of(ink, CMYK), format=PhotoFormat.PNG), keep)
    assert plain.frames[0].space is RGB
    assert np.abs(samples_of(plain).astype(int) - scene()).max() <= 2
    assert reread(encode_photo(photo_of(ink, CMYK)), keep).frames[0].space is CMYK


def test_wide_colours_become_srgb_where_no_profile_can_be_kept(keep: Keep) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = photo_of(scene(), icc=profile)
    again = reread(encode_photo(photo, format=PhotoFormat.BMP), keep)
    assert again.icc is None
    assert np.abs(samples_of(again).astype(int) - scene()).max() <= 2


def test_a_transparency_that_hides_nothing_is_no_obstacle(keep: Keep) -> None:
    opaque = np.dstack([scene(), np.full((48, 64), 255, np.uint8)])
    again = reread(encode_photo(photo_of(opaque), format=PhotoFormat.JPEG), keep)
    assert psnr(samples_of(again), scene()) > 30


def test_an_animation_is_never_written_as_a_still(keep: Keep) -> None:
    frames = [Image.fromarray(np.roll(scene(), k, axis=1)).quantize(64) for k in (0, 7)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    photo = reread(data, keep)
    for target in (PhotoFormat.JPEG, PhotoFormat.TIFF, PhotoFormat.HEIF, PhotoFormat.BMP):
        with pytest.raises(UnsupportedMedia, match="--format"):
            encode_photo(photo, format=target)


@pytest.mark.parametrize("target", [PhotoFormat.PNG, PhotoFormat.WEBP, PhotoFormat.GIF])
def test_an_animation_plays_alike_in_another_format(target: PhotoFormat, keep: Keep) -> None:
    frames = [Image.fromarray(np.roll(scene(), 9 * k, axis=1)).quantize(64) for k in range(3)]
    data = saved(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 120, 70], loop=2
    )
    photo = reread(data, keep)
    again = reread(encode_photo(photo, format=target), keep)
    assert again.durations_ms == photo.durations_ms == (50, 120, 70)
    for one, other in zip(again.frames, photo.frames, strict=True):
        assert np.array_equal(one.rgb(), other.rgb())


def test_pages_are_never_dropped(keep: Keep) -> None:
    pages = [Image.fromarray(np.roll(scene(), k, axis=0)) for k in range(3)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    photo = reread(data, keep)
    assert len(photo.frames) == 3
    with pytest.raises(UnsupportedMedia, match="tiff"):
        encode_photo(photo, format=PhotoFormat.JPEG)
    with Image.open(io.BytesIO(encode_photo(photo))) as again:
        assert getattr(again, "n_frames", 1) == 3


@pytest.mark.parametrize("format", WITH_XMP)
def test_a_credit_is_kept_in_every_format_that_can_hold_one(
    format: PhotoFormat, keep: Keep
) -> None:
    data = encode_photo(reread(one_of(format), keep), credit=CREDIT)
    assert read_credit(keep(data)) == CREDIT
    assert read_credit(keep(encode_photo(reread(data, keep)))) == Credit()


@pytest.mark.parametrize("format", WITH_XMP)
def test_exiftool_reads_the_credit_too(format: PhotoFormat, keep: Keep, exiftool: ReadTags) -> None:
    tags = exiftool(keep(encode_photo(reread(one_of(format), keep), credit=CREDIT)))
    assert tags["XMP-dc:Creator"] == CREDIT.creator
    assert tags["XMP-photoshop:Credit"] == CREDIT.credit
    assert tags["XMP-dc:Rights"] == CREDIT.copyright
    assert tags["XMP-dc:Description"] == CREDIT.caption
    kept = {tag for tag in tags if tag.startswith(("XMP", "IPTC"))}
    allowed = {"XMP-dc:Creator", "XMP-photoshop:Credit", "XMP-dc:Rights", "XMP-dc:Description"}
    names = ("By-line", "Credit", "CopyrightNotice", "Caption-Abstract", "ApplicationRecordVersion")
    iptc = {f"IPTC:{name}" for name in names} | {"IPTC:CodedCharacterSet"}
    assert kept - allowed - iptc == set()
    assert format is not PhotoFormat.JPEG or iptc <= kept


def test_a_credit_is_never_lost_in_silence(keep: Keep) -> None:
    photo = reread(one_of(PhotoFormat.PNG), keep)
    with pytest.raises(UnsupportedMedia, match="BMP"):
        encode_photo(photo, format=PhotoFormat.BMP, credit=CREDIT)
    assert encode_photo(photo, format=PhotoFormat.BMP, credit=Credit())


def test_reading_and_writing_leave_a_photo_as_it_is(keep: Keep) -> None:
    photo = reread(one_of(PhotoFormat.JPEG), keep)
    before = samples_of(photo).copy()
    for target in PhotoFormat:
        encode_photo(photo, format=target)
    assert np.array_equal(samples_of(photo), before)
