"""A profile shows the same colours afterwards, and tells nothing else."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from crowdveil.media.icc import (
    SRGB_CURVE,
    SRGB_PRIMARIES,
    coded_profile,
    neutral_profile,
    profile_of,
)
from crowdveil.media.picture import ColourSpace

from .conftest import Keep, ReadTags, saved, scene

SECRET = b"serial 4711 of Ana's monitor"
RGB = ColourSpace.RGB


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def talkative(profile: bytes) -> bytes:
    """The profile with all that monitors write into one: texts, numbers, dates, slack."""
    count = int.from_bytes(profile[128:132], "big")
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * k) for k in range(count)]
    tags = {name: profile[start : start + size] + SECRET for name, start, size in entries}
    text = b"text\0\0\0\0" + SECRET + b"\0"
    tags |= dict.fromkeys((b"dmnd", b"dmdd", b"meta", b"vcgt", b"mmod", b"cprt", b"ABCD"), text)
    header = bytearray(profile[:128])
    header[4:8] = b"appl"
    header[24:36] = struct.pack(">6H", 2024, 6, 1, 12, 30, 5)
    header[40:44] = b"APPL"
    header[48:56] = b"SERIAL42"
    header[80:128] = SECRET.ljust(48, b"!")
    table, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    whole = bytes(header) + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def shown(profile: bytes, intent: ImageCms.Intent) -> np.ndarray:
    """How a picture with this profile looks in a space unlike it."""
    lab = ImageCms.createProfile("LAB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(source, lab, "RGB", "LAB", intent)
    return np.asarray(transform.apply(Image.fromarray(scene())), np.int16)


@pytest.mark.parametrize("intent", list(ImageCms.Intent))
def test_colours_are_shown_alike(intent: ImageCms.Intent) -> None:
    source = talkative(srgb())
    kept = neutral_profile(source, RGB)
    assert kept is not None
    assert np.array_equal(shown(kept, intent), shown(source, intent))


def test_nothing_that_was_said_about_device_or_owner_is_left() -> None:
    kept = neutral_profile(talkative(srgb()), RGB)
    assert kept is not None
    for secret in (SECRET, SECRET[:6], b"SERIAL42", b"appl", b"APPL", b"\x07\xe8\0\6"):
        assert secret not in kept


def test_exiftool_finds_only_colours_in_a_kept_profile(exiftool: ReadTags, keep: Keep) -> None:
    kept = neutral_profile(talkative(srgb()), RGB)
    tags = exiftool(keep(saved(Image.fromarray(scene()), "PNG", icc_profile=kept)))
    said = {name: value for name, value in tags.items() if name.startswith("ICC")}
    assert said["ICC_Profile:ProfileDescription"] == "Neutral colour profile"
    assert said["ICC-header:ProfileDateTime"] == "1980:01:01 00:00:00"
    assert not any("serial" in str(value) for value in said.values())


def test_neutral_twice_is_neutral_once() -> None:
    once = neutral_profile(talkative(srgb()), RGB)
    assert neutral_profile(once, RGB) == once


@pytest.mark.parametrize("space", [ColourSpace.GREY, ColourSpace.CMYK])
def test_a_profile_of_other_colours_is_dropped(space: ColourSpace) -> None:
    assert neutral_profile(srgb(), space) is None


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 600), at=st.integers(0, 599), to=st.binary(max_size=8))
def test_a_damaged_profile_is_kept_or_dropped_and_never_an_accident(
    cut: int, at: int, to: bytes
) -> None:
    data = bytearray(srgb())
    data[at : at + len(to)] = to
    kept = neutral_profile(bytes(data[: len(data) - cut]), RGB)
    assert kept is None or len(kept) == int.from_bytes(kept[:4], "big")


def test_a_profile_made_of_numbers_is_srgb_for_the_numbers_of_srgb() -> None:
    made = profile_of(SRGB_PRIMARIES, SRGB_CURVE)
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    assert np.abs(shown(made, intent) - shown(srgb(), intent)).max() <= 1


def test_wide_colours_told_by_numbers_get_a_profile_that_is_wider() -> None:
    wide = coded_profile(12, 13)
    assert wide is not None
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    a, b = shown(wide, intent)[..., 1:], shown(srgb(), intent)[..., 1:]
    assert np.hypot(*np.moveaxis(a.astype(np.int8).astype(float), -1, 0)).mean() > (
        np.hypot(*np.moveaxis(b.astype(np.int8).astype(float), -1, 0)).mean()
    )


def test_srgb_told_by_numbers_needs_no_profile() -> None:
    assert coded_profile(1, 13) is None


def test_primaries_that_span_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="no colours"):
        profile_of(((0.3, 0.3),) * 4, 2.2)
