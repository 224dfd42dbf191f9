"""Whatever a photo's file holds besides its picture is named, and a plain file says nothing."""

import base64
import io
import struct
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.kinds import kind_of
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.media.picture import PhotoFormat

from .conftest import Keep, one_of, psnr, saved, saved_heif, scene
from .iso_maker import Item, auxiliary, box, file_of, picture_of

APPLE = "urn:com:apple:photo:2020:aux:hdrgainmap"
DEPTH = "urn:mpeg:hevc:2015:auxid:2"
ALPHA = "urn:mpeg:hevc:2015:auxid:1"
MATTE = "urn:com:apple:photo:2018:aux:portraiteffectsmatte"
FORMATS_WITH_AN_END = [PhotoFormat.JPEG, PhotoFormat.PNG, PhotoFormat.WEBP, PhotoFormat.GIF]
FORMATS_WITH_AN_END += [PhotoFormat.BMP, PhotoFormat.HEIF, PhotoFormat.AVIF]
OTHER = np.ascontiguousarray(scene()[::-1])


def jpeg(**settings: Any) -> bytes:
    return saved(Image.fromarray(OTHER), "JPEG", **settings)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def xmp(text: str) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())


@cache
def film(*, video: bool = True, sound: bool = True, codec: str = "mpeg4") -> bytes:
    """A second of film as a phone appends it."""
    command = ["ffmpeg", "-v", "error", "-nostdin"]
    if video:
        command += ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=1"]
    if sound:
        command += ["-f", "lavfi", "-i", "sine=d=1"]
    command += ["-c:v", codec, "-c:a", "aac"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)
        return path.read_bytes()


def wave() -> bytes:
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + bytes(9)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def heic() -> Item:
    return picture_of(saved_heif(scene(64, 64)))


def avif(bits: int = 8) -> Item:
    """A picture of AV1, of 8 or 10 bits."""
    samples: Any = scene()[..., ::-1] if bits == 8 else scene()[..., ::-1].astype(np.uint16) * 4
    done, data = cv2.imencode(".avif", samples, [cv2.IMWRITE_AVIF_DEPTH, bits])
    assert done
    return picture_of(data.tobytes())


@pytest.fixture
def said(keep: Keep) -> Callable[[bytes], tuple[str, ...]]:
    """What is left out of the copy of a file."""
    return lambda data: read_photo(keep(data)).left_out


Say = Callable[[bytes], tuple[str, ...]]


@pytest.mark.parametrize("format", PhotoFormat)
def test_a_plain_photo_lacks_nothing(format: PhotoFormat, said: Say) -> None:
    assert said(one_of(format)) == ()


@pytest.mark.parametrize("format", PhotoFormat)
def test_a_copy_of_a_loaded_photo_lacks_nothing_any_more(
    format: PhotoFormat, said: Say, keep: Keep
) -> None:
    loaded = one_of(format) + jpeg() + film()
    assert said(encode_photo(read_photo(keep(loaded)))) == ()


@pytest.mark.parametrize("format", FORMATS_WITH_AN_END)
@pytest.mark.parametrize(
    ("behind", "name"),
    [
        (lambda: jpeg(), "a second picture"),
        (lambda: jpeg() * 3, "3 further pictures"),
        (lambda: one_of(PhotoFormat.PNG), "a second picture"),
        (lambda: one_of(PhotoFormat.WEBP), "a second picture"),
        (lambda: one_of(PhotoFormat.AVIF), "a second picture"),
        (film, "the video of a motion photo"),
        (lambda: film(video=False), "sound"),
        (wave, "sound"),
        (lambda: bytes(99) + b"SEFH, some maker's list" + film() + b"SEFT", "the video of a"),
    ],
    ids=["JPEG", "three", "PNG", "WebP", "AVIF", "film", "MP4 of sound", "WAVE", "in a trailer"],
)
def test_what_stands_behind_the_end_is_named(
    format: PhotoFormat, behind: Callable[[], bytes], name: str, said: Say
) -> None:
    (found,) = said(one_of(format) + behind())
    assert found.startswith(name)


def test_a_multi_picture_file_is_named_and_its_preview_is_not(keep: Keep, said: Say) -> None:
    pictures = [Image.fromarray(np.roll(scene(), k, axis=1)) for k in range(3)]
    data = saved(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    assert said(data) == ("2 further pictures",)
    # The list calls the second one a large thumbnail (CIPA DC-007, table 4).
    at = data.index(b"\x02\xb0") if data[data.index(b"MPF\0") + 4 :][:2] == b"II" else 0
    assert at
    base = data.index(b"MPF\0") + 4
    entries = base + int.from_bytes(data[at + 8 : at + 12], "little")
    second = entries + 16
    typed = data[:second] + struct.pack("<I", 0x010002) + data[second + 4 :]
    assert said(typed) == ("a second picture",)


@pytest.mark.parametrize(
    "mark",
    [
        xmp('<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'),
        segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(60)),
        xmp('<x xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"/>'),
    ],
    ids=["Adobe", "ISO", "Apple"],
)
def test_a_gain_map_behind_a_jpeg_is_told_from_a_picture(mark: bytes, said: Say) -> None:
    assert said(jpeg() + with_segments(jpeg(), mark)) == ("a gain map",)
    assert said(jpeg() + with_segments(jpeg(), mark) + jpeg() + film()) == (
        *("a second picture", "a gain map", "the video of a motion photo"),
    )


def test_the_list_of_a_phone_tells_what_an_unmarked_picture_is(said: Say) -> None:
    listed = "".join(f'<x Item:Semantic="{w}"/>' for w in ("Primary", "Depth", "MotionPhoto"))
    assert said(with_segments(jpeg(), xmp(listed)) + jpeg() + film(sound=False)) == (
        *("a depth map", "the video of a motion photo"),
    )


def test_pictures_and_sound_inside_xmp_are_named(said: Say) -> None:
    packet = " ".join(
        f'{name}:Data="{base64.b64encode(jpeg()).decode()}"' for name in ("GDepth", "GAudio")
    ).encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32
    # A name may be cut by the end of a segment.
    cut = packet.index(b"GAudio") + 3
    parts = [
        segment(0xE1, head + struct.pack(">II", len(packet), at) + part)
        for at, part in ((0, packet[:cut]), (cut, packet[cut:]))
    ]
    assert said(with_segments(jpeg(), *parts)) == ("a depth map", "sound")


def test_sound_and_heat_inside_segments_are_named(said: Say) -> None:
    sound, heat = segment(0xE2, b"FPXR\0" + wave()), segment(0xE1, b"FLIR\0\x01\0\0" + bytes(40))
    assert said(with_segments(jpeg(), sound, heat)) == ("sound", "thermal measurements")


def test_a_thumbnail_is_metadata_and_not_named(said: Say) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x"
    block = exif.tobytes() + jpeg()
    assert said(jpeg(exif=block)) == ()


def test_further_pictures_of_a_heif_are_counted(said: Say) -> None:
    several = pillow_heif.from_bytes("RGB", (64, 48), scene().tobytes())
    for k in range(1, 4):
        several.add_frombytes("RGB", (64, 48), np.roll(scene(), k).tobytes())
        out = io.BytesIO()
        several.save(out, quality=50, primary_index=0)
        expected = "a second picture" if k == 1 else f"{k} further pictures"
        assert said(out.getvalue()) == (expected,)


@pytest.mark.parametrize(
    ("urn", "name"),
    [(APPLE, "a gain map"), (DEPTH, "a depth map"), (MATTE, "a mask"), ("urn:x", "an auxiliary")],
)
@pytest.mark.parametrize("make", [heic, avif])
def test_maps_are_named_and_transparency_is_kept(
    make: Callable[[], Item], urn: str, name: str, keep: Keep
) -> None:
    main = make()
    extra = Item(main.kind, main.payload, (*main.properties, auxiliary(urn)), ((b"auxl", (1,)),))
    brand = b"avif" if main.kind == b"av01" else b"heic"
    photo = read_photo(keep(file_of([main, extra], brand=brand)))
    (found,) = photo.left_out
    assert found.startswith(name)


def test_thumbnails_tiles_and_transparency_of_a_heif_are_not_named(said: Say) -> None:
    rgba = np.dstack([scene(64, 64), np.full((64, 64), 99, np.uint8)])
    assert said(saved_heif(rgba, "RGBA")) == ()
    assert said(saved_heif(np.tile(scene(64, 64), (4, 4, 1)), tile_size=128)) == ()
    main = heic()
    small = Item(main.kind, main.payload, main.properties, ((b"thmb", (1,)),))
    about = Item(b"Exif", b"\0\0\0\0II*\0", (), ((b"cdsc", (1,)),))
    assert said(file_of([main, small, about])) == ()


def test_a_gain_map_of_the_iso_kind_is_one_thing_and_no_picture(said: Say) -> None:
    main = heic()
    gain = Item(main.kind, main.payload, main.properties)
    tone = Item(b"tmap", bytes(62), main.properties[:1], ((b"dimg", (1, 2)),))
    assert said(file_of([main, gain, tone])) == ("a gain map",)


def test_the_box_of_a_motion_photo_is_named(said: Say) -> None:
    assert said(file_of([heic()], behind=box(b"mpvd", film()))) == ("the video of a motion photo",)
    assert said(file_of([heic()], behind=film())) == ("the video of a motion photo",)


def test_a_heif_still_with_a_moving_version_says_so(said: Say) -> None:
    still = file_of([heic()])
    moving = film(codec="libx265")
    at = moving.index(b"moov") - 4
    movie = moving[at : at + int.from_bytes(moving[at : at + 4], "big")]
    assert said(still + movie) == ("a moving version", "sound")


@pytest.mark.parametrize(
    ("brand", "look"),
    [(b"hevc", kind_of), (b"msf1", kind_of), (b"hevx", kind_of), (b"mif1", read_photo)],
    ids=["hevc", "msf1", "hevx", "named as a still"],
)
def test_a_heif_sequence_is_refused_by_name(
    brand: bytes, look: Callable[[Path], object], keep: Keep
) -> None:
    moving = film(codec="libx265", sound=False).replace(b"vide", b"pict")
    size = int.from_bytes(moving[:4], "big")
    path = keep(box(b"ftyp", brand + bytes(4) + brand) + moving[size:])
    with pytest.raises(UnsupportedMedia, match=r"is a HEIF (image )?sequence"):
        look(path)


def test_an_avif_is_as_deep_as_its_own_picture_and_not_as_its_gain_map(keep: Keep) -> None:
    main, deep = avif(), avif(10)
    gain = Item(deep.kind, deep.payload, (*deep.properties, auxiliary(APPLE)), ((b"auxl", (1,)),))
    photo = read_photo(keep(file_of([main, gain], brand=b"avif")))
    assert photo.frames[0].samples.dtype == np.uint8
    assert psnr(photo.frames[0].samples, scene()) > 25
    assert photo.left_out == ("a gain map",)
    gain = Item(main.kind, main.payload, (*main.properties, auxiliary(APPLE)), ((b"auxl", (1,)),))
    assert read_photo(keep(file_of([deep, gain], brand=b"avif"))).frames[0].samples.dtype == "u2"


def test_an_avif_is_cut_to_the_part_that_is_meant_to_be_seen(keep: Keep) -> None:
    plain = avif(10)
    clap = struct.pack(">IIIIiIiI", 40, 1, 31, 1, 3, 1, -1, 2)
    cut = Item(plain.kind, plain.payload, (*plain.properties, box(b"clap", clap)))
    whole = read_photo(keep(file_of([plain], brand=b"avif"))).frames[0].samples
    part = read_photo(keep(file_of([cut], brand=b"avif"))).frames[0].samples
    # Half of what is taken away lies left and above; then the centre moves 3 right, 1/2 up.
    assert np.array_equal(part, whole[8 : 8 + 31, 15 : 15 + 40])


def test_a_moving_avif_of_ten_bits_says_what_it_loses(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1:r=3"]
    command += ["-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p10le", str(path)]
    subprocess.run(command, check=True)
    photo = read_photo(path)
    assert len(photo.frames) == 3
    assert photo.left_out == ("shades finer than 8 bits of its 10",)


def test_the_picture_for_programs_that_play_nothing_is_named(said: Say) -> None:
    frames = [Image.fromarray(np.roll(scene(), k, axis=1)) for k in range(3)]
    settings = {"save_all": True, "append_images": frames[1:], "duration": 90}
    assert said(saved(frames[0], "PNG", **settings)) == ()
    (found,) = said(saved(frames[0], "PNG", default_image=True, **settings))
    assert found.startswith("the still picture")


def tiff(kind_below: int | None = None, **settings: Any) -> bytes:
    """A page, with another picture of some kind in a directory under it if wanted."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        below = 0 if kind_below is None else 1
        writer.write(scene(), photometric="rgb", subifds=below, **settings)
        if kind_below is not None:
            writer.write(OTHER, photometric="rgb", subfiletype=kind_below)
    return out.getvalue()


def test_layers_and_sub_pictures_of_a_tiff_are_named_and_pages_are_kept(said: Say) -> None:
    layers = b"Adobe Photoshop Document Data Block\0MIB8ryaL" + bytes(40)
    assert said(tiff(extratags=[(37724, 7, len(layers), layers, True)])) == ("Photoshop's layers",)
    assert said(tiff(kind_below=0)) == ("a second picture",)
    assert said(tiff(kind_below=1)) == ()
    pages = [Image.fromarray(np.roll(scene(), k, axis=0)) for k in range(2)]
    assert said(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])) == ()


def test_channels_that_nobody_sees_are_named(said: Say) -> None:
    out = io.BytesIO()
    tifffile.imwrite(
        out,
        np.dstack([scene(), scene()[..., :2]]),
        photometric="rgb",
        extrasamples=["unspecified", "unspecified"],
    )
    assert said(out.getvalue()) == ("2 extra channels",)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_list_that_lies_costs_no_photo(share: float, keep: Keep) -> None:
    """Sizes behind the picture that reach nowhere are passed over."""
    behind = film()
    loaded = jpeg() + behind[: int(len(behind) * share)] + b"\xff\xff\xff\xffmdat" + jpeg()[:300]
    assert read_photo(keep(loaded)).left_out[-1] == "the video of a motion photo"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece", [b"\xff\xd8\xff", b"\0\0\0\x18ftypmp42", jpeg()[:300]], ids=["JPEG", "MP4", "header"]
)
def test_millions_of_false_beginnings_are_passed_over_soon(piece: bytes, keep: Keep) -> None:
    assert read_photo(keep(jpeg() + piece * (20_000_000 // len(piece)))).frames


@pytest.mark.parametrize("format", [PhotoFormat.HEIF, PhotoFormat.AVIF])
def test_a_size_that_would_fill_the_memory_is_refused_by_its_number(
    format: PhotoFormat, keep: Keep
) -> None:
    main = picture_of(one_of(format))
    claim = box(b"ispe", bytes(4) + struct.pack(">II", 60_000, 60_000))
    kept = tuple(one for one in main.properties if one[4:8] != b"ispe")
    brand = b"avif" if format is PhotoFormat.AVIF else b"heic"
    path = keep(file_of([Item(main.kind, main.payload, (claim, *kept))], brand=brand))
    with pytest.raises(UnreadableMedia, match="60000 x 60000"):
        read_photo(path)
