"""GIF: untouched pixels keep their exact colours, and every frame shows what it showed."""

import io
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from crowdveil.errors import CrowdveilError, UnreadableMedia
from crowdveil.media import credit, gif
from crowdveil.media.credit import Credit
from crowdveil.media.gif_file import Control, Disposal, GifFrame, build
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

RNG = np.random.default_rng(7)
FULL_TABLE = np.stack([np.arange(256), np.arange(256)[::-1], np.arange(256) * 7 % 256], axis=-1)
TABLE = FULL_TABLE.astype(np.uint8)
HEIGHT, WIDTH = 24, 32

Frames = list[NDArray[np.uint8]]


def block(kind: int, body: bytes) -> bytes:
    """An extension with its body in sub-blocks."""
    parts = [body[k : k + 255] for k in range(0, len(body), 255)]
    return bytes([0x21, kind]) + b"".join(bytes([len(p)]) + p for p in parts) + b"\0"


def application(name: bytes, body: bytes) -> bytes:
    return b"\x21\xff\x0b" + name + block(0xFF, body)[2:]


def with_blocks(data: bytes, *blocks: bytes) -> bytes:
    """The same GIF with more blocks before its first frame."""
    start = 13 + (3 << (1 + (data[10] & 7)) if data[10] & 0x80 else 0)
    return data[:start] + b"".join(blocks) + data[start:]


def still(indices: NDArray[np.uint8], table: NDArray[np.uint8] = TABLE, **settings: Any) -> bytes:
    image = Image.fromarray(indices)
    image.putpalette(table.tobytes())
    out = io.BytesIO()
    image.save(out, "GIF", optimize=False, **settings)
    return out.getvalue()


def noise(height: int = HEIGHT, width: int = WIDTH, colours: int = 256) -> NDArray[np.uint8]:
    return RNG.integers(0, colours, (height, width)).astype(np.uint8)


def composite(size_wh: tuple[int, int], frames: list[GifFrame]) -> Frames:
    """What a browser shows, written down from the specification: RGBA for each frame."""
    canvas = np.zeros((size_wh[1], size_wh[0], 4), np.uint8)
    shown = []
    for frame in frames:
        disposal = frame.control.disposal
        before = canvas.copy()
        x, y = frame.corner_xy
        height, width = frame.indices.shape
        area = canvas[y : y + height, x : x + width]
        clear = frame.control.clear
        seen = frame.indices != (-1 if clear is None else clear)
        area[seen] = np.append(frame.table[frame.indices[seen]], np.full((seen.sum(), 1), 255), 1)
        shown.append(canvas.copy())
        if disposal == 2:
            canvas[y : y + height, x : x + width] = 0
        elif disposal == 3:
            canvas = before
    return shown


def moving(
    disposals: list[int], *, clear: int | None = 0, cover: bool = True
) -> tuple[bytes, Frames]:
    """An animation of patches with these disposals, and what it shows."""
    frames = []
    for k, disposal in enumerate(disposals):
        height, width = (HEIGHT, WIDTH) if k == 0 and cover else (10, 12)
        corner = (0, 0) if k == 0 and cover else (2 + 2 * k, 1 + 2 * k)
        control = Control(clear, 50, Disposal(disposal))
        frames.append(GifFrame(noise(height, width), corner, np.roll(TABLE, k, 0), control))
    return build((WIDTH, HEIGHT), frames, repeats=0), composite((WIDTH, HEIGHT), frames)


def rgba(picture: Picture) -> NDArray[np.uint8]:
    samples: Any = picture.samples
    if not picture.alpha:
        samples = np.append(samples, np.full_like(samples[..., :1], 255), axis=2)
    # What cannot be seen has no colour.
    return np.asarray(samples * (samples[..., 3:] > 0), np.uint8)


def by_pillow(data: bytes) -> Frames:
    with Image.open(io.BytesIO(data)) as image:
        frames = []
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            frame = np.array(image.convert("RGBA"))
            frames.append(frame * (frame[..., 3:] > 0))
        return frames


DISPOSALS = [
    pytest.param([1, 1, 1], id="leave"),
    pytest.param([0, 0, 0], id="unsaid"),
    pytest.param([2, 2, 2], id="wipe"),
    pytest.param([1, 3, 1, 3, 2], id="restore"),
    pytest.param([1, 2, 3, 1, 2, 1], id="mixed"),
]


@pytest.mark.parametrize("disposals", DISPOSALS)
@pytest.mark.parametrize("clear", [None, 0], ids=["opaque", "transparent"])
@pytest.mark.parametrize("cover", [True, False], ids=["whole", "patch"])
def test_frames_come_out_as_a_browser_shows_them(
    disposals: list[int], clear: int | None, cover: bool
) -> None:
    data, expected = moving(disposals, clear=clear, cover=cover)
    photo = gif.decode(data, "a.gif")
    assert len(photo.frames) == len(expected)
    for picture, truth in zip(photo.frames, expected, strict=True):
        assert np.array_equal(rgba(picture), truth)


@pytest.mark.parametrize("disposals", DISPOSALS)
@pytest.mark.parametrize("clear", [None, 0], ids=["opaque", "transparent"])
def test_untouched_animations_come_out_the_same_in_another_reader(
    disposals: list[int], clear: int | None
) -> None:
    data, expected = moving(disposals, clear=clear)
    out = gif.encode(gif.decode(data, "a.gif"))
    for seen, truth in zip(by_pillow(out), expected, strict=True):
        assert np.array_equal(seen, truth)


def veiled(photo: Photo) -> tuple[Photo, NDArray[np.bool_]]:
    """Frames with a disc of many new colours on each, and where they are untouched."""
    y, x = np.mgrid[: photo.frames[0].size_wh[1], : photo.frames[0].size_wh[0]]
    disc = (x - 12) ** 2 + (y - 12) ** 2 < 60
    frames = []
    for picture in photo.frames:
        samples = picture.samples.copy()
        samples[disc, :3] = RNG.integers(0, 256, (disc.sum(), 3))
        if picture.alpha:
            samples[disc, 3] = 255
        frames.append(Picture(samples, picture.space, picture.alpha))
    return (
        Photo(photo.format, tuple(frames), photo.durations_ms, photo.loop, encoding=photo.encoding),
        ~disc,
    )


@pytest.mark.parametrize("disposals", DISPOSALS)
@pytest.mark.parametrize("clear", [None, 0], ids=["opaque", "transparent"])
def test_pixels_beside_a_veil_keep_their_exact_colours(
    disposals: list[int], clear: int | None
) -> None:
    data, expected = moving(disposals, clear=clear)
    photo, untouched = veiled(gif.decode(data, "a.gif"))
    out = gif.encode(photo)
    for seen, truth in zip(by_pillow(out), expected, strict=True):
        assert np.array_equal(seen[untouched], truth[untouched])


def test_whole_frames_of_256_colours_keep_them_all_beside_a_veil() -> None:
    base = noise(64, 64)
    base.reshape(-1)[-256:] = np.arange(256)
    other = RNG.permuted(base.reshape(-1)).reshape(64, 64)
    other[40:, :] = base[40:, :]
    other[:40, 40:].reshape(-1)[:256] = np.arange(256)[: other[:40, 40:].size]
    frames = [GifFrame(k, (0, 0), TABLE, Control(duration_ms=40)) for k in (base, other, base)]
    photo, untouched = veiled(gif.decode(build((64, 64), frames, repeats=0), "a.gif"))
    for seen, source in zip(by_pillow(gif.encode(photo)), frames, strict=True):
        assert np.array_equal(seen[..., :3][untouched], TABLE[source.indices][untouched])


def test_a_veil_uses_the_places_that_are_free() -> None:
    flat = np.zeros((HEIGHT, WIDTH), np.uint8)
    photo, untouched = veiled(gif.decode(still(flat), "a.gif"))
    (seen,) = by_pillow(gif.encode(photo))
    error = seen[..., :3].astype(int) - photo.frames[0].samples
    assert not error[untouched].any()
    assert np.abs(error[~untouched]).mean() < 12


def test_colours_that_were_only_under_the_veil_are_gone_from_the_file() -> None:
    indices = np.full((HEIGHT, WIDTH), 3, np.uint8)
    indices[8:16, 8:16] = 200
    photo = gif.decode(still(indices), "a.gif")
    samples = photo.frames[0].samples.copy()
    samples[8:16, 8:16] = (9, 8, 7)
    out = gif.encode(
        Photo(photo.format, (Picture(samples, ColourSpace.RGB),), encoding=photo.encoding)
    )
    assert TABLE[3].tobytes() in out
    assert TABLE[200].tobytes() not in out


def test_durations_and_loop_survive() -> None:
    data, _ = moving([1, 1, 1])
    for loop in (0, 3):
        patched = data.replace(b"\x03\x01\0\0", b"\x03\x01" + struct.pack("<H", loop))
        out = gif.encode(gif.decode(patched, "a.gif"))
        with Image.open(io.BytesIO(out)) as image:
            assert image.info["loop"] == loop
            assert image.info["duration"] == 50
    without = data.replace(application(b"NETSCAPE2.0", b"\x01\0\0"), b"")
    photo = gif.decode(without, "a.gif")
    assert photo.loop is None
    assert b"NETSCAPE" not in gif.encode(photo)


def test_the_loop_count_means_the_same_in_every_format() -> None:
    data, _ = moving([1, 1])
    repeats_twice = data.replace(b"\x03\x01\0\0", b"\x03\x01\x02\0")
    # GIF counts repetitions, the others how often it plays.
    assert gif.decode(repeats_twice, "a.gif").loop == 3


def test_frames_that_show_nothing_new_keep_their_time() -> None:
    frame = GifFrame(noise(), (0, 0), TABLE, Control(duration_ms=70))
    photo = gif.decode(build((WIDTH, HEIGHT), [frame] * 3, repeats=0), "a.gif")
    again = gif.decode(gif.encode(photo), "b.gif")
    assert again.durations_ms == (70, 70, 70)


def test_times_of_other_formats_do_not_drift() -> None:
    picture = Picture(np.zeros((4, 4, 3), np.uint8), ColourSpace.RGB)
    photo = Photo(PhotoFormat.WEBP, (picture,) * 90, durations_ms=(33,) * 90)
    again = gif.decode(gif.encode(photo), "b.gif")
    assert abs(sum(again.durations_ms) - 90 * 33) <= 10


def test_stills_with_transparency_keep_it() -> None:
    indices = noise(colours=4)
    photo = gif.decode(still(indices, transparency=2), "a.gif")
    (seen,) = by_pillow(gif.encode(photo))
    assert np.array_equal(seen[..., 3] == 0, indices == 2)
    assert np.array_equal(seen[indices != 2, :3], TABLE[indices[indices != 2]])


def test_interlaced_and_small_tables_are_read() -> None:
    indices = noise(colours=2)
    for interlace in (0, 1):
        photo = gif.decode(still(indices, TABLE[:2], interlace=interlace), "a.gif")
        assert np.array_equal(photo.frames[0].samples, TABLE[indices])


def test_photos_of_other_formats_get_the_colours_that_suit_them() -> None:
    y, x = np.mgrid[:90, :120]
    samples = np.stack([x * 2, y * 2, x + y], axis=-1).astype(np.uint8)
    photo = Photo(PhotoFormat.JPEG, (Picture(samples, ColourSpace.RGB),))
    (seen,) = by_pillow(gif.encode(photo))
    assert np.abs(seen[..., :3].astype(int) - samples).mean() < 8


def test_half_transparency_becomes_all_or_none() -> None:
    samples = np.zeros((2, 256, 4), np.uint8)
    samples[..., 3] = np.arange(256)
    photo = Photo(PhotoFormat.PNG, (Picture(samples, ColourSpace.RGB, alpha=True),))
    (seen,) = by_pillow(gif.encode(photo))
    assert np.array_equal(seen[0, :, 3], np.where(np.arange(256) > 127, 255, 0))


def test_nothing_but_frames_comes_out() -> None:
    end = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    xmp = b"<x:xmpmeta>secret place</x:xmpmeta>"
    data = with_blocks(
        moving([1, 1])[0],
        block(0xFE, b"secret comment"),
        b"\x21\xff\x0bXMP DataXMP" + xmp + end,
        application(b"ICCRGBG1012", b"secret profile"),
        application(b"SECRETAPP10", b"secret data" * 50),
        block(0x01, bytes(12) + b"secret text"),
    )
    data += b"secret after the end"
    assert gif.notes(data).xmp == xmp
    out = gif.encode(gif.decode(data, "a.gif"))
    assert b"secret" not in out
    assert b"SECRET" not in out
    assert gif.notes(out).xmp is None


def test_a_fresh_packet_is_embedded_where_other_readers_find_it(
    exiftool: Callable[[Path], dict[str, Any]], keep: Callable[[bytes], Path]
) -> None:
    packet = credit.xmp_packet(Credit(creator="Ana", caption="March"))
    out = gif.encode(gif.decode(moving([1, 2, 1])[0], "a.gif"), packet)
    assert gif.notes(out).xmp == packet
    tags = exiftool(keep(out))
    assert tags["XMP-dc:Creator"] == "Ana"
    assert tags["XMP-dc:Description"] == "March"
    assert tags["GIF:FrameCount"] == 3


def test_metadata_of_damaged_files_count_as_absent() -> None:
    assert gif.notes(b"GIF89a").xmp is None
    assert gif.notes(b"").xmp is None


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_truncated_files_are_refused_not_half_decoded(share: float) -> None:
    for data in (still(noise()), moving([1, 2, 3])[0]):
        with pytest.raises(UnreadableMedia, match=r"^cut\.gif: "):
            gif.decode(data[: int(len(data) * share)], "cut.gif")


def test_a_bomb_is_refused_before_decoding() -> None:
    data = bytearray(still(noise()))
    data[6:10] = struct.pack("<HH", 65_000, 65_000)
    with pytest.raises(UnreadableMedia, match="million"):
        gif.decode(bytes(data), "bomb.gif")


FILES = {
    "still": still(noise(colours=16), interlace=1),
    "clear": still(noise(colours=8), transparency=1),
    "moving": moving([1, 2, 3, 1])[0],
    "patch": moving([2, 1, 3], clear=None, cover=False)[0],
}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    st.integers(0, 10**6),
)
def test_damage_gives_a_photo_or_one_of_our_errors(
    kind: str, flips: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(FILES[kind])
    for at, value in flips:
        # Sizes grow where a test has no need of it.
        data[at % len(data)] = value if at % len(data) not in (7, 9) else value & 1
    if cut % 3 == 0:
        del data[cut % len(data) :]
    with suppress(CrowdveilError):
        photo = gif.decode(bytes(data), "f.gif")
        assert gif.encode(photo)
    gif.notes(bytes(data))
