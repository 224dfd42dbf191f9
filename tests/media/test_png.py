"""PNG files of every kind: read exactly, written exactly, and nothing else let through."""

import io
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media import png
from crowdveil.media.photos import encode_photo
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .turns import TURNS

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


def a_palette(depth: int) -> Any:
    return noise((1 << depth, 3), 8, seed=5)


def shown(samples: Any, colour: int, depth: int) -> Any:
    """What the standard says such samples look like."""
    if colour == PALETTE:
        return a_palette(depth)[samples[..., 0]]
    factor = 1 if depth == 16 else 255 // ((1 << depth) - 1)
    return np.asarray(samples * factor)


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


ALLOWED = {b"IHDR", b"iCCP", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"IDAT", b"IEND"}


def exif(orientation: int, *, big_endian: bool = False) -> bytes:
    """A TIFF structure that says how to turn the picture and who took it."""
    order = ">" if big_endian else "<"
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8)
    turn = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    artist = struct.pack(order + "HHII", 0x013B, 2, len(SECRET), 38)
    return head + struct.pack(order + "H", 2) + turn + artist + bytes(4) + SECRET


def nasty() -> bytes:
    """A photo with everything that PNG files have been seen to carry."""
    samples = noise((20, 30, 3), 8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    before = [
        (b"iCCP", SECRET[:20] + b"\0\0" + zlib.compress(srgb)),
        (b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        (b"tEXt", b"Author\0" + SECRET),
        (b"zTXt", b"Comment\0\0" + zlib.compress(SECRET)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"),
        (b"eXIf", exif(1)),
        (b"tIME", struct.pack(">H5B", 2024, 6, 1, 12, 30, 0)),
        (b"prVt", SECRET),
        (b"sPLT", b"palette\0\x08" + bytes(6)),
        (b"hIST", bytes(4)),
        (b"bKGD", bytes(6)),
        (b"sBIT", b"\x08\x08\x08"),
        (b"caBX", SECRET),
        (b"gdAT", SECRET),
    ]
    return written(samples, RGB, 8, before=before) + SECRET + written(samples, RGB, 8)


def test_nothing_but_the_picture_its_profile_and_its_density_reaches_the_output() -> None:
    source = nasty()
    photo = png.decode(source, "x.png")
    output = png.encode(photo)
    assert {kind for kind, _ in chunks_of(output)} == {b"IHDR", b"iCCP", b"pHYs", b"IDAT", b"IEND"}
    assert not [body for _, body in chunks_of(output) if SECRET[:10] in body]
    assert photo.density == pytest.approx((300, 300), abs=0.01)
    np.testing.assert_array_equal(photo.frames[0].samples, noise((20, 30, 3), 8))
    with Image.open(io.BytesIO(output)) as image:
        image.load()
        assert set(image.info) == {"icc_profile", "dpi"}
        assert image.info["icc_profile"] == photo.icc


def test_a_credit_is_written_where_readers_look_for_it() -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    output = png.encode(png.decode(nasty(), "x.png"), packet)
    assert png.notes(output).xmp == packet
    assert png.notes(output).exif is None
    with Image.open(io.BytesIO(output)) as image:
        image.load()
        assert image.info["XML:com.adobe.xmp"].encode() == packet


def test_metadata_blocks_are_found_packed_or_not_and_damage_gives_none() -> None:
    packed = b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(SECRET)
    samples = noise((3, 3, 1), 8)
    data = written(samples, GREY, 8, before=[(b"iTXt", packed), (b"eXIf", exif(3))])
    assert png.notes(data).xmp == SECRET
    assert png.notes(data).exif == exif(3)
    bomb = b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(bytes(100_000_000))
    assert png.notes(written(samples, GREY, 8, before=[(b"iTXt", bomb)])).xmp is None
    assert png.notes(data[:40]).exif is None
    assert png.notes(b"").xmp is None


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("depth", [8, 16])
def test_a_turned_photo_is_read_upright_once(orientation: int, depth: int) -> None:
    samples = noise((5, 8, 3), depth)
    density = struct.pack(">IIB", 4000, 8000, 1)
    block = exif(orientation, big_endian=orientation % 2 == 0)
    data = written(samples, RGB, depth, before=[(b"eXIf", block), (b"pHYs", density)])
    photo = png.decode(data, "x.png")
    np.testing.assert_array_equal(photo.frames[0].samples, TURNS[orientation](samples))
    turned = (203.2, 101.6) if orientation > 4 else (101.6, 203.2)
    assert photo.density == pytest.approx(turned, abs=0.01)
    again = png.decode(png.encode(photo), "x.png")
    np.testing.assert_array_equal(again.frames[0].samples, photo.frames[0].samples)


@pytest.mark.parametrize(
    "body", [struct.pack(">IIB", 0, 0, 1), struct.pack(">IIB", 1, 1, 0), b"\xff" * 8 + b"\1", b""]
)
def test_a_density_that_says_nothing_is_left_out(body: bytes) -> None:
    photo = png.decode(written(noise((3, 3, 1), 8), GREY, 8, before=[(b"pHYs", body)]), "x.png")
    assert photo.density is None
    assert b"pHYs" not in dict(chunks_of(png.encode(photo)))


def frame_chunk(
    number: int, size_wh: tuple[int, int], at_xy: tuple[int, int], delay: tuple[int, int], how: int
) -> tuple[bytes, bytes]:
    """A frame's header; `how` is disposal * 2 + blending."""
    head = struct.pack(">IIIII", number, *size_wh, *at_xy)
    return b"fcTL", head + struct.pack(">HHBB", *delay, how // 2, how % 2)


def animation(*, hidden_still: bool = False, plays: int = 3) -> tuple[bytes, list[np.ndarray]]:
    """Three frames built by hand, and what they show: whole, a patch, a patch upon it."""
    base = noise((8, 10, 4), 8, seed=1).astype(np.uint8)
    patch = noise((3, 4, 4), 8, seed=2).astype(np.uint8)
    see_through = patch.copy()
    see_through[..., 3] = 255 * (np.arange(12).reshape(3, 4) % 2)
    second = base.copy()
    second[2:5, 1:5] = patch
    third = second.copy()
    third[4:7, 5:9][see_through[..., 3] == 255] = see_through[see_through[..., 3] == 255]
    still = zlib.compress(rows_of(np.zeros_like(base) if hidden_still else base, 8))
    parts = [chunk(b"acTL", struct.pack(">II", 3, plays))]
    first = chunk(*frame_chunk(0, (10, 8), (0, 0), (1, 10), 0))
    if hidden_still:
        parts += [chunk(b"IDAT", still), first]
        packed = zlib.compress(rows_of(base, 8))
        parts.append(chunk(b"fdAT", struct.pack(">I", 1) + packed))
    else:
        parts += [first, chunk(b"IDAT", still)]
    number = 1 + hidden_still
    for rows, at_xy, delay, how in (
        (patch, (1, 2), (250, 1000), 0),
        (see_through, (5, 4), (70, 1), 1),
    ):
        parts.append(chunk(*frame_chunk(number, (4, 3), at_xy, delay, how)))
        body = struct.pack(">I", number + 1) + zlib.compress(rows_of(rows, 8))
        parts.append(chunk(b"fdAT", body))
        number += 2
    data = SIGNATURE + header(10, 8, RGB_ALPHA, 8) + b"".join(parts) + chunk(b"IEND", b"")
    return data, [base, second, third]


@pytest.mark.parametrize("hidden_still", [False, True], ids=["still shown", "still hidden"])
def test_an_animation_keeps_its_frames_times_and_loops(hidden_still: bool) -> None:
    data, expected = animation(hidden_still=hidden_still)
    photo = png.decode(data, "x.png")
    assert photo.durations_ms == (100, 250, 70_000)
    assert photo.loop == 3
    again = png.decode(png.encode(photo), "x.png")
    for played in (photo, again):
        for frame, shown_frame in zip(played.frames, expected, strict=True):
            np.testing.assert_array_equal(frame.samples, shown_frame)
    assert (again.durations_ms, again.loop) == (photo.durations_ms, photo.loop)


def test_equal_frames_of_an_animation_stay_apart() -> None:
    same = Picture(noise((4, 5, 3), 8).astype(np.uint8), ColourSpace.RGB)
    photo = Photo(PhotoFormat.PNG, (same,) * 3, durations_ms=(60_000, 70_000, 1), loop=0)
    again = png.decode(png.encode(photo), "x.png")
    assert again.durations_ms == photo.durations_ms
    assert len(again.frames) == 3


def test_an_animation_carries_nothing_but_its_frames() -> None:
    data, _ = animation()
    end = chunk(b"IEND", b"")
    laden = data[: -len(end)] + chunk(b"tEXt", b"Author\0" + SECRET) + end + SECRET
    output = png.encode(png.decode(laden, "x.png"))
    assert {kind for kind, _ in chunks_of(output)} <= ALLOWED
    assert SECRET not in output
    with Image.open(io.BytesIO(output)) as image:
        assert getattr(image, "n_frames", 1) == 3


def test_the_only_frame_of_an_animation_wins_over_a_still_that_is_not_shown() -> None:
    shown_frame = noise((3, 4, 1), 8, seed=3).astype(np.uint8)
    data = b"".join(
        [
            SIGNATURE,
            header(4, 3, GREY, 8),
            chunk(b"acTL", struct.pack(">II", 1, 0)),
            chunk(b"IDAT", zlib.compress(rows_of(np.zeros_like(shown_frame), 8))),
            chunk(*frame_chunk(0, (4, 3), (0, 0), (1, 1), 0)),
            chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(rows_of(shown_frame, 8))),
            chunk(b"IEND", b""),
        ]
    )
    (frame,) = png.decode(data, "x.png").frames
    np.testing.assert_array_equal(frame.samples, shown_frame)


def test_an_animation_of_16_bits_is_refused_and_named() -> None:
    frames = tuple(Picture(noise((4, 5, 3), 16, seed=k), ColourSpace.RGB) for k in range(2))
    data = png.encode(Photo(PhotoFormat.PNG, frames, durations_ms=(10, 10)))
    with pytest.raises(UnsupportedMedia, match=r"^x\.png: .*16 bits"):
        png.decode(data, "x.png")


def test_pages_are_not_written_as_an_animation() -> None:
    frames = tuple(Picture(noise((4, 5, 3), 16, seed=k), ColourSpace.RGB) for k in range(2))
    with pytest.raises(ValueError, match="one page"):
        png.encode(Photo(PhotoFormat.TIFF, frames))


@pytest.mark.parametrize(
    ("chunks", "kept"),
    [
        ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45455))], False),
        ([(b"gAMA", struct.pack(">I", 45455))], False),
        ([(b"gAMA", struct.pack(">I", 100_000))], True),
        ([(b"cICP", bytes([1, 13, 0, 1]))], False),
        ([(b"cICP", bytes([12, 13, 0, 1]))], True),
    ],
    ids=["sRGB", "sRGB's gamma", "linear light", "sRGB by number", "Display P3 by number"],
)
def test_colours_told_in_numbers_are_told_by_a_profile(
    chunks: list[tuple[bytes, bytes]], kept: bool
) -> None:
    photo = png.decode(written(noise((3, 3, 3), 8), RGB, 8, before=chunks), "x.png")
    assert (photo.icc is not None) == kept
    if photo.icc:
        ImageCms.ImageCmsProfile(io.BytesIO(photo.icc))


NUMBERS = [
    (b"sRGB", b"\1"),
    (b"gAMA", struct.pack(">I", 55_000)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
    (b"cICP", bytes([12, 13, 0, 1])),
]


@pytest.mark.parametrize(("channels", "colour"), [(1, GREY), (2, GREY_ALPHA), (3, RGB)])
@pytest.mark.parametrize("depth", [8, 16])
def test_numbers_that_describe_colours_are_kept_as_they_are(
    channels: int, colour: int, depth: int
) -> None:
    source = written(noise((3, 3, channels), depth), colour, depth, before=NUMBERS)
    output = png.encode(png.decode(source, "x.png"))
    with Image.open(io.BytesIO(source)) as before, Image.open(io.BytesIO(output)) as after:
        for name in ("gamma", "chromaticity", "srgb"):
            assert after.info[name] == before.info[name]
    assert [one for one in chunks_of(output) if one in NUMBERS] == [
        *(NUMBERS[3], NUMBERS[0], NUMBERS[1], NUMBERS[2])
    ]
    assert not any(kind == b"iCCP" for kind, _ in chunks_of(output))


@pytest.mark.parametrize(
    ("kind", "body"),
    [(b"gAMA", b"secret"), (b"gAMA", b"S.E."), (b"cHRM", b"Secret place!" * 3), (b"sRGB", b"S")],
    ids=["too long", "no gamma", "text for primaries", "no intent"],
)
def test_numbers_that_make_no_sense_are_left_behind(kind: bytes, body: bytes) -> None:
    data = written(noise((3, 3, 1), 8), GREY, 8, before=[(kind, body)])
    assert not any(found == kind for found, _ in chunks_of(png.encode(png.decode(data, "x.png"))))


def test_greys_with_a_gamma_look_the_same_in_a_format_without_one() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    linear = (b"gAMA", struct.pack(">I", 100_000))
    photo = png.decode(written(ramp, GREY, 8, before=[linear]), "x.png")
    with Image.open(io.BytesIO(encode_photo(photo, format=PhotoFormat.BMP))) as image:
        shown = np.asarray(image.convert("L")).astype(float)
    light = ramp[..., 0] / 255
    # Source: IEC 61966-2-1.
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(shown - srgb).max() <= 2


def test_a_high_dynamic_range_stays_in_a_png() -> None:
    coded = (b"cICP", bytes([9, 16, 0, 1]))
    photo = png.decode(written(noise((3, 3, 3), 16), RGB, 16, before=[coded]), "x.png")
    assert coded in chunks_of(png.encode(photo))


SOURCES = {
    "grey": written(noise((9, 7, 1), 2), GREY, 2),
    "palette": written(
        noise((9, 7, 1), 2), PALETTE, 2, before=[(b"PLTE", bytes(range(12))), (b"tRNS", b"\x80")]
    ),
    "nasty": nasty(),
    "deep": written(noise((9, 7, 4), 16), RGB_ALPHA, 16),
    "deep interlaced": written(noise((9, 7, 3), 16), RGB, 16, interlaced=True),
    "animation": animation()[0],
}


def read_or_refused(data: bytes) -> Photo | None:
    """Decode; the only exception allowed is one of ours that begins with the file's name."""
    png.notes(data)
    try:
        return png.decode(data, "x.png")
    except CrowdveilError as error:
        if not str(error).startswith("x.png: "):
            raise
        return None


def mended(data: bytes) -> bytes:
    """The same chunks with check sums that fit, so that damage gets past them."""
    parts, at = [SIGNATURE], len(SIGNATURE)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        parts.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return b"".join(parts)


@pytest.mark.parametrize("source", SOURCES)
def test_a_file_cut_anywhere_before_its_end_chunk_is_refused(source: str) -> None:
    whole = SOURCES[source]
    end = whole.index(b"IEND")
    for size in range(len(SIGNATURE), end + 4, 3):
        with pytest.raises(UnreadableMedia, match=r"^x\.png: "):
            png.decode(whole[:size], "x.png")


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_either_read_or_refused(source: str, data: st.DataObject) -> None:
    broken = bytearray(SOURCES[source])
    places = st.integers(len(SIGNATURE), len(broken) - 1)
    hits = data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4))
    for at, value in hits:
        broken[at] = value
    if data.draw(st.booleans()):
        broken = bytearray(mended(bytes(broken)))
    read_or_refused(bytes(broken))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_either_read_or_refused(tail: bytes, begins_well: bool) -> None:
    beginning = SIGNATURE + header(3, 3, RGB, 8) if begins_well else b""
    read_or_refused(beginning + tail)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("interlaced", [False, True], ids=["rows", "interlaced"])
@pytest.mark.parametrize("missing", [1, 40])
def test_rows_that_end_too_early_are_refused_and_not_shown_grey(
    depth: int, interlaced: bool, missing: int
) -> None:
    whole = written(noise((40, 30, 3), depth), RGB, depth, interlaced=interlaced)
    (rows,) = [zlib.decompress(body) for kind, body in chunks_of(whole) if kind == b"IDAT"]
    short = b"".join(
        [
            SIGNATURE,
            header(30, 40, RGB, depth, interlaced=interlaced),
            chunk(b"IDAT", zlib.compress(rows[:-missing])),
            chunk(b"IEND", b""),
        ]
    )
    with pytest.raises(UnreadableMedia):
        png.decode(short, "x.png")


@pytest.mark.parametrize("depth", [8, 16])
def test_a_size_that_would_fill_the_memory_is_refused_before_decoding(depth: int) -> None:
    bomb = b"".join(
        [
            SIGNATURE,
            header(60_000, 60_000, RGB, depth),
            chunk(b"IDAT", zlib.compress(bytes(1_000_000))),
            chunk(b"IEND", b""),
        ]
    )
    with pytest.raises(UnreadableMedia, match="limit"):
        png.decode(bomb, "x.png")


def test_an_animation_of_too_many_pixels_is_refused_before_decoding() -> None:
    bomb = b"".join(
        [
            SIGNATURE,
            header(1000, 1000, RGB, 8),
            chunk(b"acTL", struct.pack(">II", 500, 0)),
            chunk(b"IDAT", zlib.compress(bytes(1_000_000))),
            chunk(b"IEND", b""),
        ]
    )
    with pytest.raises(UnreadableMedia, match="limit"):
        png.decode(bomb, "x.png")


@pytest.mark.parametrize("kind", [b"CgBI", b"ABCD"])
def test_a_part_that_is_needed_but_unknown_is_refused(kind: bytes) -> None:
    data = written(noise((3, 3, 1), 8), GREY, 8, before=[(kind, bytes(4))])
    with pytest.raises(UnsupportedMedia, match=f"unknown kind .*{kind.decode()}"):
        png.decode(data, "x.png")
