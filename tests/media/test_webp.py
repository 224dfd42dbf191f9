"""WebP: the picture and nothing else survives, without loss where there was none."""

import io
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFilter

from crowdveil.errors import CrowdveilError, UnreadableMedia
from crowdveil.media import webp
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .damage import CUTS, FLIPS, damaged
from .turns import exif

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GPS = "GPS 52.5163 13.3777"


def scene(width: int = 60, height: int = 40, *, alpha: bool = False) -> Image.Image:
    """Something with gradients, edges and, if asked, every degree of transparency."""
    y, x = np.mgrid[:height, :width]
    layers = [x * 255 // width, y * 255 // height, (x // 7 + y // 5) % 2 * 200]
    if alpha:
        layers.append((x + y) * 255 // (width + height - 2))
    return Image.fromarray(np.stack(layers, axis=-1).astype(np.uint8))


def file(image: Image.Image, **settings: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", **settings)
    return out.getvalue()


def moving(*, lossless: bool = True) -> bytes:
    first, second, third = (scene().rotate(90 * k) for k in (0, 1, 2))
    return file(
        first,
        save_all=True,
        append_images=[second, third],
        duration=[70, 130, 1000],
        loop=3,
        lossless=lossless,
    )


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def with_chunks(data: bytes, *more: bytes) -> bytes:
    body = data[8:] + b"".join(more)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def names(data: bytes) -> list[bytes]:
    """Chunk names, read independently of the module."""
    found, at = [], 12
    while at < len(data):
        found.append(data[at : at + 4])
        (size,) = struct.unpack_from("<I", data, at + 4)
        at += 8 + size + size % 2
    return found


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
def test_lossless_stays_lossless_to_the_last_sample(alpha: bool) -> None:
    image = scene(alpha=alpha)
    photo = webp.decode(file(image, lossless=True, exact=True), "a.webp")
    again = webp.encode(photo)
    assert b"VP8L" in again
    assert b"VP8 " not in again
    assert np.array_equal(photo.frames[0].samples, np.asarray(image))
    assert np.array_equal(webp.decode(again, "b").frames[0].samples, np.asarray(image))


def test_lossy_stays_lossy_and_close() -> None:
    soft = scene(240, 160).filter(ImageFilter.GaussianBlur(6))
    photo = webp.decode(file(soft, quality=80), "a.webp")
    again = webp.encode(photo)
    assert b"VP8 " in names(again)
    before = photo.frames[0].samples.astype(float)
    error = ((webp.decode(again, "b").frames[0].samples - before) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 42


def test_an_animation_keeps_frames_durations_and_loop() -> None:
    photo = webp.decode(moving(), "a.webp")
    again = webp.decode(webp.encode(photo), "b.webp")
    assert len(photo.frames) == 3
    assert photo.durations_ms == (70, 130, 1000)
    assert photo.loop == 3
    assert again.durations_ms == photo.durations_ms
    assert again.loop == photo.loop
    for before, after in zip(photo.frames, again.frames, strict=True):
        assert np.array_equal(before.samples, after.samples)


def test_animations_remember_whether_they_were_lossless() -> None:
    assert b"VP8L" in webp.encode(webp.decode(moving(lossless=True), "a"))
    assert b"VP8L" not in webp.encode(webp.decode(moving(lossless=False), "a"))


def test_nothing_but_picture_and_profile_comes_out() -> None:
    secrets = (b"<x:xmpmeta>secret</x:xmpmeta>", b"secret in a chunk", b"secret at the end")
    data = file(scene(), icc_profile=SRGB, exif=exif(1, GPS), xmp=secrets[0])
    data = with_chunks(data, chunk(b"note", secrets[1])) + secrets[2]
    out = webp.encode(webp.decode(data, "a.webp"))
    assert set(names(out)) <= {b"VP8X", b"ICCP", b"VP8 ", b"ALPH"}
    assert b"secret" not in out
    assert GPS.encode() not in out
    assert len(out) == 8 + struct.unpack_from("<I", out, 4)[0]


def test_the_profile_shows_the_same_colours() -> None:
    photo = webp.decode(file(scene(), icc_profile=SRGB, lossless=True), "a.webp")
    with Image.open(io.BytesIO(webp.encode(photo))) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        as_before = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("LAB"), outputMode="LAB"
        )
        expected = ImageCms.profileToProfile(
            image, io.BytesIO(SRGB), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    difference = np.asarray(as_before).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_baked_into_the_pixels_once(orientation: int) -> None:
    image = scene()
    data = file(image, lossless=True, exif=exif(orientation, GPS))
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    expected = image.transpose(turns[orientation]) if orientation > 1 else image
    photo = webp.decode(data, "a.webp")
    assert np.array_equal(photo.frames[0].samples, np.asarray(expected))
    assert webp.notes(webp.encode(photo)).exif is None


def test_metadata_blocks_are_found_for_the_credit() -> None:
    found = webp.notes(file(scene(), exif=exif(1, GPS), xmp=b"<x/>"))
    assert found.xmp == b"<x/>"
    assert GPS.encode() in (found.exif or b"")
    assert webp.notes(b"RIFF").xmp is None


def test_a_fresh_packet_is_embedded_on_request() -> None:
    photo = webp.decode(file(scene(), xmp=b"<old/>"), "a.webp")
    assert webp.notes(webp.encode(photo, b"<fresh/>")).xmp == b"<fresh/>"


@pytest.mark.parametrize("where", ["start", "middle", "end"])
@pytest.mark.parametrize("kind", ["lossy", "lossless", "animated"])
def test_truncated_files_are_refused_not_half_decoded(kind: str, where: str) -> None:
    data = {"lossy": file(scene()), "lossless": file(scene(), lossless=True), "animated": moving()}
    length = {"start": 14, "middle": len(data[kind]) // 2, "end": len(data[kind]) - 3}[where]
    with pytest.raises(UnreadableMedia, match=r"^cut\.webp: "):
        webp.decode(data[kind][:length], "cut.webp")


def test_a_file_whose_picture_is_cut_inside_its_chunk_is_refused() -> None:
    data = file(scene(200, 200), quality=95)
    (size,) = struct.unpack_from("<I", data, 16)
    half = chunk(b"VP8 ", data[20 : 20 + size // 2])
    with pytest.raises(UnreadableMedia):
        webp.decode(with_chunks(b"RIFF\0\0\0\0WEBP", half), "cut.webp")


def test_an_animation_of_too_many_pixels_is_refused_before_decoding() -> None:
    canvas = struct.pack("<I", 0x02) + (16_382).to_bytes(3, "little") * 2
    body = chunk(b"VP8X", canvas) + chunk(b"ANIM", bytes(6))
    frame = chunk(b"ANMF", bytes(16) + chunk(b"VP8L", b"\x2f" + bytes(10)))
    bomb = with_chunks(b"RIFF\0\0\0\0WEBP", body, frame * 500)
    with pytest.raises(UnreadableMedia):
        webp.decode(bomb, "bomb.webp")


def test_photos_of_other_formats_are_lossless_where_they_were() -> None:
    samples = np.asarray(scene())
    for kind, expected in ((PhotoFormat.PNG, True), (PhotoFormat.JPEG, False)):
        photo = Photo(kind, (Picture(samples, ColourSpace.RGB),))
        assert (b"VP8L" in webp.encode(photo)) is expected


FILES = {
    "lossy": file(scene(), exif=exif(6, GPS)),
    "lossless": file(scene(), lossless=True, icc_profile=SRGB),
    "alpha": file(scene(alpha=True), xmp=b"<x/>"),
    "animated": moving(),
}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["lossy", "lossless", "alpha", "animated"]),
    FLIPS,
    CUTS,
)
def test_damage_gives_a_photo_or_one_of_our_errors(
    kind: str, flips: list[tuple[int, int]], cut: int
) -> None:
    data = damaged(FILES[kind], flips, cut)
    with suppress(CrowdveilError):
        photo = webp.decode(data, "f.webp")
        assert webp.encode(photo)
    webp.notes(data)
