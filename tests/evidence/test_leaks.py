"""Leaky files of every container, made by hand: each leak is named with its place."""

import re
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.leak import Leak
from crowdveil.evidence.leaks.walk import leaks_of
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.media.credit import Credit
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.media.picture import PhotoFormat

from .leaky import (
    SECRET,
    box,
    element,
    exif,
    film,
    gif,
    heif,
    jpeg,
    picture,
    png,
    profile,
    saved,
    segment,
    texts,
    tiff,
    tiff_tags,
    told_of,
    webp,
)

Keep = Callable[[bytes, str], Path]


LEAKY: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "jpeg-exif": ("a.jpg", lambda: jpeg(exif=exif()), "EXIF.*Make.*position"),
    "jpeg-comment": ("a.jpg", lambda: jpeg(segment(0xFE, SECRET)), "comment"),
    "jpeg-jfif-thumbnail": (
        "a.jpg",
        lambda: jpeg(segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\1" + b"abc")),
        "thumbnail",
    ),
    "jpeg-jfxx": ("a.jpg", lambda: jpeg(segment(0xE0, b"JFXX\0\x10" + SECRET)), "thumbnail"),
    "jpeg-xmp": ("a.jpg", lambda: jpeg(xmp=b"<x:xmpmeta><dc:creator>A</dc:creator>"), "XMP"),
    "jpeg-multi-picture": ("a.jpg", lambda: jpeg(segment(0xE2, b"MPF\0II*\0")), "MPF"),
    "jpeg-maker": ("a.jpg", lambda: jpeg(segment(0xEA, b"AROT" + SECRET)), "program or camera"),
    "jpeg-photoshop": (
        "a.jpg",
        lambda: jpeg(
            segment(0xED, b"Photoshop 3.0\x008BIM\x04\x0c\0\0" + struct.pack(">I", 4) + b"abcd")
        ),
        "thumbnail",
    ),
    "jpeg-original-behind": (
        "a.jpg",
        lambda: jpeg(tail=saved(picture(), "JPEG")),
        "JPEG picture after the end",
    ),
    "jpeg-video-behind": (
        "a.jpg",
        lambda: jpeg(tail=b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + SECRET),
        "video .* after the end",
    ),
    "jpeg-stray-bytes": ("a.jpg", lambda: jpeg()[:20] + SECRET + jpeg()[20:], "between segments"),
    "png-text": ("a.png", lambda: png(pnginfo=texts()), "text .Author"),
    "png-exif": ("a.png", lambda: png(exif=exif()), "EXIF"),
    "png-time": ("a.png", lambda: png((b"tIME", b"\x07\xe8\6\1\x0c\0\0")), "date"),
    "png-private": ("a.png", lambda: png((b"prVt", SECRET)), "unknown chunk .prVt"),
    "png-behind": ("a.png", lambda: png(tail=SECRET), "after the end"),
    "webp-exif": ("a.webp", lambda: webp(exif=exif()), "EXIF"),
    "webp-xmp": ("a.webp", lambda: webp(xmp=b"<x:xmpmeta><dc:title/></x:xmpmeta>"), "XMP"),
    "webp-private": (
        "a.webp",
        lambda: webp(b"prVt" + struct.pack("<I", 22) + SECRET + b"\0"),
        "unknown chunk",
    ),
    "webp-behind": ("a.webp", lambda: webp(tail=SECRET), "after the end"),
    "tiff-tags": ("a.tif", tiff_tags, "Artist"),
    "tiff-exif": ("a.tif", lambda: tiff(exif=exif()), "position"),
    "tiff-behind": ("a.tif", lambda: tiff() + SECRET, "no directory speaks of"),
    "gif-comment": ("a.gif", lambda: gif(b"\x21\xfe\x05hello\0"), "comment"),
    "gif-program": (
        "a.gif",
        lambda: gif(b"\x21\xff\x0bPRIVATE 1.0\x05hello\0"),
        "block of a program",
    ),
    "gif-behind": ("a.gif", lambda: gif(tail=SECRET), "after the end"),
    "bmp-behind": ("a.bmp", lambda: saved(picture(), "BMP") + SECRET, "after the end"),
    "heif-exif": ("a.heic", lambda: heif(exif=exif()), "EXIF"),
    "heif-xmp": ("a.heic", lambda: heif(xmp=b"<x:xmpmeta><dc:title/></x:xmpmeta>"), "XMP"),
    "heif-thumbnail": ("a.heic", lambda: heif(thumbnails=[64]), "thumbnail"),
    "heif-padding": (
        "a.heic",
        lambda: heif() + struct.pack(">I4s", 8 + len(SECRET), b"free") + SECRET,
        "padding",
    ),
    "heif-uuid": (
        "a.heic",
        lambda: heif() + struct.pack(">I4s", 24 + len(SECRET), b"uuid") + bytes(16) + SECRET,
        "private box",
    ),
    "avif-exif": ("a.avif", lambda: saved(picture(), "AVIF", exif=exif()), "EXIF"),
}


@pytest.mark.parametrize(("name", "make", "told"), LEAKY.values(), ids=LEAKY)
def test_what_is_hidden_in_a_photo_is_named_and_its_contents_are_not(
    name: str, make: Callable[[], bytes], told: str, keep: Keep
) -> None:
    leaks = [leak for leak in leaks_of(keep(make(), name)) if leak.verdict is Verdict.EXPOSED]
    assert any(re.search(told, leak.what) for leak in leaks), leaks
    assert all(leak.place for leak in leaks)
    assert not any("4711" in leak.what + leak.place or "Ruiz" in leak.what for leak in leaks)


@pytest.mark.parametrize("format", PhotoFormat, ids=str)
def test_a_photo_written_by_crowdveil_holds_nothing_but_its_picture(
    format: PhotoFormat, keep: Keep
) -> None:
    source = read_photo(keep(jpeg(exif=exif(), icc_profile=profile("sRGB")), "source.jpg"))
    path = keep(encode_photo(source, format=format), f"copy.{format}")
    assert leaks_of(path) == ()
    with Witnesses() as witnesses:
        assert witnesses.look(path, video=False)[0] == ()


def test_a_credit_that_was_kept_is_a_doubt_and_no_exposure(keep: Keep) -> None:
    source = read_photo(keep(jpeg(), "source.jpg"))
    data = encode_photo(source, credit=Credit(creator="Ana", caption="A march"))
    leaks = leaks_of(keep(data, "copy.jpg"))
    assert {leak.verdict for leak in leaks} == {Verdict.DOUBTFUL}
    assert any("creator, caption" in leak.what for leak in leaks)
    # One blank more, and it is no longer the block that crowdveil would have written.
    other = data.replace(b"A march", b"A  arch")
    assert all(leak.verdict is Verdict.DOUBTFUL for leak in leaks_of(keep(other, "b.jpg")))
    more = data.replace(b"dc:description", b"dc:xescription")
    assert any(leak.verdict is Verdict.EXPOSED for leak in leaks_of(keep(more, "c.jpg")))


def test_a_profile_that_names_its_maker_is_a_doubt(keep: Keep) -> None:
    (leak,) = leaks_of(keep(jpeg(icc_profile=profile("sRGB")), "a.jpg"))
    assert leak.verdict is Verdict.DOUBTFUL
    assert "colour profile" in leak.what


def test_a_date_in_a_file_name_is_a_doubt(keep: Keep) -> None:
    (leak,) = leaks_of(keep(jpeg(), "IMG_20240601_120000.jpg"))
    assert (leak.place, leak.verdict) == ("file name", Verdict.DOUBTFUL)
    assert leaks_of(keep(jpeg(), "photo-0012.jpg")) == ()


# Videos


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi"])
def test_a_title_is_found_in_every_container(suffix: str, tmp_path: Path) -> None:
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    assert told_of(film(tmp_path / f"plain.{suffix}", codec=codec)) == []
    found = told_of(film(tmp_path / f"told.{suffix}", told=True, codec=codec))
    assert any(re.search("user data|title|text", what) for what in found)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_second_stream_of_pictures_is_found(suffix: str, tmp_path: Path) -> None:
    assert "another stream of pictures" in told_of(film(tmp_path / f"a.{suffix}", second=True))


def test_notes_of_the_encoder_between_the_pictures_are_a_doubt(tmp_path: Path) -> None:
    leaks = leaks_of(film(tmp_path / "a.mp4"))
    (leak,) = [leak for leak in leaks if "encoder" in leak.what]
    assert leak.verdict is Verdict.DOUBTFUL


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        (b"uuid", bytes(16) + SECRET, "private box"),
        (b"free", SECRET, "padding"),
        (b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+48.8584+002.2945/"), "unknown box|user data"),
        (b"meta", bytes(4) + SECRET, "metadata"),
        (b"mdat", SECRET, "belong to no stream"),
    ],
    ids=["uuid", "free", "udta", "meta", "mdat"],
)
def test_a_box_at_the_end_of_an_mp4_is_found(
    kind: bytes, body: bytes, told: str, tmp_path: Path
) -> None:
    path = film(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes() + box(kind, body))
    assert any(re.search(told, what) for what in told_of(path))


def test_a_position_in_the_movie_s_user_data_is_called_one(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mov")
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    (size,) = struct.unpack_from(">I", data, at)
    udta = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+48.8584+002.2945/"))
    path.write_bytes(
        data[:at] + struct.pack(">I", size + len(udta)) + data[at + 4 : at + size] + udta
    )
    assert any("position" in what for what in told_of(path))


def test_a_date_in_a_movie_header_is_found(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 8
    data[at : at + 4] = struct.pack(">I", 3_800_000_000)
    path.write_bytes(data)
    assert told_of(path) == ["a date of the movie"]


@pytest.mark.parametrize(
    ("number", "body", "told"),
    [
        (b"\x19\x41\xa4\x69", SECRET, "attached files"),
        (b"\x10\x43\xa7\x70", SECRET, "chapters"),
        (b"\xec", SECRET, "padding"),
        (
            b"\x12\x54\xc3\x67",
            element(b"\x73\x73", element(b"\x67\xc8", element(b"\x45\xa3", b"ARTIST"))),
            "tag .ARTIST",
        ),
    ],
    ids=["attachment", "chapters", "void", "tags"],
)
def test_an_element_in_a_matroska_segment_is_found(
    number: bytes, body: bytes, told: str, tmp_path: Path
) -> None:
    path = film(tmp_path / "a.mkv")
    data = path.read_bytes()
    at = data.index(b"\x18\x53\x80\x67") + 4
    length = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    more = element(number, body)
    told_size = (size + len(more)) | 1 << 7 * length
    path.write_bytes(data[:at] + told_size.to_bytes(length, "big") + data[at + length :] + more)
    assert any(re.search(told, what) for what in told_of(path))


def test_junk_in_an_avi_is_padding_or_a_leak(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi")
    data = path.read_bytes()
    junk = b"JUNK" + struct.pack("<I", len(SECRET) + 1) + SECRET + b"\0"
    path.write_bytes(data + junk)
    assert any("after the end" in what for what in told_of(path))
    inside = b"RIFF" + struct.pack("<I", len(data) - 8 + len(junk)) + data[8:] + junk
    path.write_bytes(inside)
    assert any("padding" in what for what in told_of(path))


def test_exiftool_and_ffprobe_are_asked_and_named(tmp_path: Path) -> None:
    with Witnesses() as witnesses:
        if witnesses.absent:
            pytest.skip(f"not installed: {witnesses.absent}")
        path = film(tmp_path / "a.mp4", told=True)
        seen, looked = witnesses.look(path, video=True)
        assert [name.split()[0] for name in looked] == ["exiftool", "ffprobe"]
        assert any("exiftool sees" in leak.what and "Title" in leak.what for leak in seen)
        assert any("ffprobe sees the tags" in leak.what for leak in seen)
        assert not any("4711" in leak.what for leak in seen)


# What cannot be walked


@pytest.mark.parametrize("make", [jpeg, png, webp, tiff, gif, heif], ids=lambda m: m.__name__)
def test_a_cut_off_file_is_refused_and_not_called_clean(
    make: Callable[[], bytes], keep: Keep
) -> None:
    data = make()
    with pytest.raises(UnreadableMedia):
        leaks_of(keep(data[: len(data) * 2 // 3], "a"))


def test_what_is_no_known_container_is_refused(keep: Keep) -> None:
    with pytest.raises(UnsupportedMedia):
        leaks_of(keep(b"FLV\x01" + bytes(100), "a.flv"))
    with pytest.raises(UnreadableMedia):
        leaks_of(keep(b"", "empty.jpg"))


@pytest.mark.parametrize("make", [jpeg, png, webp, tiff, gif, heif], ids=lambda m: m.__name__)
@settings(max_examples=25, deadline=None)
@given(at=st.floats(0, 1), value=st.integers(0, 255))
def test_a_byte_gone_wrong_never_ends_in_a_traceback(
    make: Callable[[], bytes],
    tmp_path_factory: pytest.TempPathFactory,
    at: float,
    value: int,
) -> None:
    data = bytearray(make())
    data[min(int(at * len(data)), len(data) - 1)] = value
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(data)
    # Refused with a sentence, or walked; nothing else.
    with suppress(CrowdveilError):
        assert all(isinstance(leak, Leak) for leak in leaks_of(path))
