"""Files stuffed with everything that can give someone away, in every format and every corner."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from crowdveil.media.photos import encode_photo, read_photo

from .conftest import Keep, ReadTags, deep_scene, saved, saved_heif, scene

SECRET = b"Ana Ruiz +57 300 5550123 serial 4711"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- ' + SECRET + b" --></x:xmpmeta>"
TRAILER = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + SECRET
TELLING = ("GPS", "Make", "Model", "Serial", "Comment", "Artist", "XMP", "IPTC", "Preview", "Thumb")


def exif() -> bytes:
    """A first directory, GPS, maker note and a thumbnail."""
    block = Image.Exif()
    block[0x010F], block[0x0110], block[0x013B] = "Canon", "EOS R5", SECRET.decode()
    block.get_ifd(0x8825).update({1: "N", 2: (4.0, 35.0, 53.0), 3: "W", 4: (74.0, 4.0, 33.0)})
    block.get_ifd(0x8769).update({0x927C: SECRET, 0xA431: SECRET.decode(), 0x9003: "2024:06:01"})
    return block.tobytes()


def rgb() -> Image.Image:
    return Image.fromarray(scene())


def stuffed_jpeg() -> bytes:
    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    thumbnail = saved(rgb().resize((16, 12)), "JPEG")
    plain = saved(rgb(), "JPEG", exif=exif(), comment=SECRET, xmp=XMP)
    extra = segment(0xE2, b"MPF\0" + SECRET) + segment(0xEA, thumbnail) + segment(0xED, SECRET)
    return plain[:2] + extra + plain[2:] + thumbnail + TRAILER


def stuffed_png() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET.decode())
    texts.add_text("Comment", SECRET.decode(), zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    plain = saved(rgb(), "PNG", pnginfo=texts, exif=exif())
    return _with_chunks(plain, [(b"tIME", b"\x07\xe8\6\1\x0c\0\0"), (b"prVt", SECRET)]) + TRAILER


def stuffed_deep_png() -> bytes:
    done, plain = cv2.imencode(".png", deep_scene())
    assert done
    return _with_chunks(plain.tobytes(), [(b"tEXt", b"Author\0" + SECRET), (b"eXIf", exif()[6:])])


def _with_chunks(png: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    made = b""
    for kind, body in chunks:
        made += struct.pack(">I", len(body)) + kind + body
        made += struct.pack(">I", zlib.crc32(kind + body))
    return png[:33] + made + png[33:]


def stuffed_webp() -> bytes:
    plain = saved(rgb(), "WEBP", exif=exif(), xmp=XMP)
    extra = b"prVt" + struct.pack("<I", len(SECRET)) + SECRET + bytes(len(SECRET) % 2)
    whole = plain[8:] + extra
    return b"RIFF" + struct.pack("<I", len(whole)) + whole + TRAILER


def stuffed_tiff() -> bytes:
    tags: Any = TiffImagePlugin.ImageFileDirectory_v2()
    tags[315], tags[305], tags[306] = SECRET.decode(), SECRET.decode(), "2024:06:01 12:00:00"
    tags[700], tags[33723], tags[34377], tags[65000] = XMP, SECRET, SECRET, SECRET.decode()
    tags[34853] = {1: "N", 2: (4.0, 35.0, 53.0)}
    page, thumbnail = rgb(), rgb().resize((16, 12))
    # A second page that says it is a smaller copy of the first.
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    data = saved(page, "TIFF", tiffinfo=tags, save_all=True, append_images=[thumbnail])
    return data + SECRET


def stuffed_heif() -> bytes:
    plain = saved_heif(scene(128, 128), exif=exif(), xmp=XMP, thumbnails=[64])
    return plain + b"\0\0\0\x40free" + SECRET.ljust(56)


def stuffed_avif() -> bytes:
    return saved(rgb(), "AVIF", exif=exif(), xmp=XMP)


def stuffed_gif() -> bytes:
    plain = saved(rgb().quantize(16), "GIF", comment=SECRET)
    block = b"\x21\xff\x0bPRIVATE 1.0" + bytes([len(SECRET)]) + SECRET + b"\0"
    xmp = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    table = 13 + (3 << (1 + (plain[10] & 7)))
    return plain[:table] + block + xmp + plain[table:] + TRAILER


def stuffed_bmp() -> bytes:
    return saved(rgb(), "BMP") + SECRET


STUFFED = [
    stuffed_jpeg,
    stuffed_png,
    stuffed_deep_png,
    stuffed_webp,
    stuffed_tiff,
    stuffed_heif,
    stuffed_avif,
    stuffed_gif,
    stuffed_bmp,
]
NAMES = [make.__name__.removeprefix("stuffed_") for make in STUFFED]


@pytest.mark.parametrize("make", STUFFED, ids=NAMES)
def test_the_secret_is_in_the_source_and_not_in_the_output(
    make: Callable[[], bytes], veiled: Callable[[bytes], bytes]
) -> None:
    source = make()
    assert SECRET in source or make is stuffed_png
    output = veiled(source)
    for part in (SECRET, SECRET[:8], b"Canon", b"EOS R5", b"4711", b"adobe:ns", b"ftypmp42"):
        assert part not in output


@pytest.mark.parametrize("make", STUFFED, ids=NAMES)
def test_exiftool_finds_telling_tags_in_the_source_and_none_in_the_output(
    make: Callable[[], bytes],
    veiled: Callable[[bytes], bytes],
    keep: Keep,
    exiftool: ReadTags,
) -> None:
    source = make()
    before, after = exiftool(keep(source)), exiftool(keep(veiled(source)))
    found = [tag for tag in after if any(word in tag for word in TELLING)]
    assert found == []
    assert len(after) < len(before) or make is stuffed_bmp


@pytest.mark.parametrize("make", STUFFED, ids=NAMES)
def test_the_picture_is_what_the_stuffing_was_wrapped_around(
    make: Callable[[], bytes], keep: Keep
) -> None:
    photo = read_photo(keep(make()))
    assert len(photo.frames) == 1
    width, height = photo.frames[0].size_wh
    assert (width, height) in ((64, 48), (128, 128))
    again = read_photo(keep(encode_photo(photo)))
    assert again.frames[0].size_wh == (width, height)


def test_a_heif_with_thumbnail_and_depth_map_comes_out_with_one_picture(
    veiled: Callable[[bytes], bytes],
) -> None:
    opened: Any = pillow_heif.open_heif(io.BytesIO(veiled(stuffed_heif())))
    assert len(opened) == 1
    assert opened.info["thumbnails"] == []
    assert opened.info["depth_images"] == []
    assert not opened.info.get("aux")
    assert not opened.info["exif"]
    assert not opened.info["metadata"]


def test_what_alpha_hides_is_the_only_thing_alpha_hides(veiled: Callable[[bytes], bytes]) -> None:
    """Colours under full transparency belong to the picture: they are kept, and so veiled."""
    hidden = np.dstack([scene(), np.zeros((48, 64), np.uint8)])
    output = veiled(saved(Image.fromarray(hidden), "PNG"))
    with Image.open(io.BytesIO(output)) as image:
        assert np.array_equal(np.asarray(image), hidden)
