"""TIFF files of every kind: read exactly, written exactly, and nothing else let through."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media import tiff
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

from .turns import TURNS

SECRET = b"Alice at 52.5163N 13.3777E"
DEPTHS = [8, 16]


def noise(shape: tuple[int, ...], depth: int, seed: int = 0) -> Any:
    samples = np.random.default_rng(seed).integers(0, 1 << depth, shape)
    return samples.astype(np.uint16 if depth == 16 else np.uint8)


def written(samples: Any, **settings: Any) -> bytes:
    """A file as tifffile writes it, from none of our code."""
    out = io.BytesIO()
    tifffile.imwrite(out, samples, metadata=None, software=False, **settings)
    return out.getvalue()


def assert_exact(data: bytes, expected: Any, space: ColourSpace, *, alpha: bool = False) -> None:
    """Decoding gives these samples, and so does an independent reader of what is encoded."""
    photo = tiff.decode(data, "x.tif")
    (frame,) = photo.frames
    expected = expected[..., None] if expected.ndim == 2 else expected
    assert (frame.space, frame.alpha) == (space, alpha)
    assert frame.samples.dtype == expected.dtype
    np.testing.assert_array_equal(frame.samples, expected)
    found = tifffile.imread(io.BytesIO(tiff.encode(photo)))
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


ARRANGEMENTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 16},
    "tiles": {"tile": (32, 48)},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "big-endian BigTIFF in tiles": {"bigtiff": True, "byteorder": ">", "tile": (16, 16)},
    "deflate": {"compression": "zlib", "rowsperstrip": 16},
    "deflate of differences": {"compression": "zlib", "predictor": True},
    "deflate of differences in tiles": {
        "compression": "zlib",
        "predictor": True,
        "tile": (32, 32),
        "byteorder": ">",
    },
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_is_read_exactly(arrangement: str, depth: int) -> None:
    samples = noise((70, 90, 3), depth)
    data = written(samples, photometric="rgb", **ARRANGEMENTS[arrangement])
    assert_exact(data, samples, ColourSpace.RGB)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("tile", [None, (32, 48)], ids=["strips", "tiles"])
def test_separate_planes_are_read_exactly(depth: int, tile: tuple[int, int] | None) -> None:
    samples = noise((70, 90, 3), depth)
    planes = np.ascontiguousarray(samples.transpose(2, 0, 1))
    data = written(planes, photometric="rgb", planarconfig="separate", tile=tile)
    assert_exact(data, samples, ColourSpace.RGB)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_what_libtiff_packs_is_unpacked_exactly(depth: int, order: str, compression: str) -> None:
    grey = noise((70, 90), depth)
    image = Image.fromarray(grey)
    if order == ">" and depth == 16:
        image = Image.frombytes("I;16B", (90, 70), grey.astype(">u2").tobytes())
    out = io.BytesIO()
    image.save(out, "TIFF", compression=compression)
    assert_exact(out.getvalue(), grey, ColourSpace.GREY)


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_kind_of_samples_is_read_exactly(depth: int) -> None:
    five = noise((20, 30, 5), depth)
    top = (1 << depth) - 1
    grey = five[..., 0].copy()
    straight = {"extrasamples": ["unassalpha"]}
    assert_exact(written(grey, photometric="minisblack"), grey, ColourSpace.GREY)
    assert_exact(written(grey, photometric="miniswhite"), top - grey, ColourSpace.GREY)
    data = written(
        five[..., :2].copy(), photometric="minisblack", planarconfig="contig", **straight
    )
    assert_exact(data, five[..., :2], ColourSpace.GREY, alpha=True)
    data = written(five[..., :4].copy(), photometric="rgb", **straight)
    assert_exact(data, five[..., :4], ColourSpace.RGB, alpha=True)
    data = written(five[..., :4].copy(), photometric="rgb", extrasamples=["unspecified"])
    assert_exact(data, five[..., :3], ColourSpace.RGB)
    data = written(five[..., :4].copy(), photometric="separated")
    assert_exact(data, five[..., :4], ColourSpace.CMYK)
    data = written(five, photometric="separated", **straight)
    assert_exact(data, five, ColourSpace.CMYK, alpha=True)


@pytest.mark.parametrize("depth", DEPTHS)
def test_colours_multiplied_by_alpha_are_divided_again(depth: int) -> None:
    top = (1 << depth) - 1
    multiplied = np.array([[[top // 4, top // 2, 0, top // 2], [9, 9, 9, 0], [1, 2, top, top]]])
    dtype = np.uint16 if depth == 16 else np.uint8
    data = written(multiplied.astype(dtype), photometric="rgb", extrasamples=["assocalpha"])
    (frame,) = tiff.decode(data, "x.tif").frames
    colours, alpha = frame.samples[0, :, :3].astype(int), frame.samples[0, :, 3]
    assert frame.alpha
    np.testing.assert_array_equal(alpha, [top // 2, 0, top])
    np.testing.assert_allclose(colours[0], [top / 2, top, 0], atol=2)
    np.testing.assert_array_equal(colours[2], [1, 2, top])


def test_scanned_lines_and_palettes_become_the_colours_they_show() -> None:
    lines = noise((20, 37), 1).astype(bool)
    for compression in (None, "group3", "group4"):
        out = io.BytesIO()
        Image.fromarray(lines).save(out, "TIFF", compression=compression)
        assert_exact(out.getvalue(), lines.astype(np.uint8) * 255, ColourSpace.GREY)
    indices = noise((20, 24), 8)
    colours = noise((3, 256), 8).astype(np.uint16) * 257
    data = written(indices, photometric="palette", colormap=colours)
    shown = (colours.T // 257).astype(np.uint8)[indices]
    assert_exact(data, shown, ColourSpace.RGB)


ALLOWED = {
    "ImageWidth",
    "ImageLength",
    "BitsPerSample",
    "Compression",
    "PhotometricInterpretation",
    "StripOffsets",
    "SamplesPerPixel",
    "RowsPerStrip",
    "StripByteCounts",
    "XResolution",
    "YResolution",
    "PlanarConfiguration",
    "ResolutionUnit",
    "Predictor",
    "ExtraSamples",
    "InterColorProfile",
}


def nasty(depth: int = 8) -> bytes:
    """A photo with GPS, EXIF, a thumbnail below it and one behind it, notes and a trailer."""
    thumbnail = noise((8, 8, 3), 8)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(
            noise((40, 60, 3), depth),
            photometric="rgb",
            resolution=(300, 300),
            resolutionunit="INCH",
            description=SECRET.decode(),
            datetime="2024:06:01 12:30:00",
            software="Camera",
            subifds=1,
            metadata=None,
            extratags=[
                (271, 2, None, SECRET.decode(), True),
                (315, 2, None, "Alice", True),
                (700, 1, len(SECRET), SECRET, True),
                (33432, 2, None, "Alice 2024", True),
                (33723, 7, 4, b"\x1c\x02\x00\x00", True),
                (34377, 7, len(SECRET), SECRET, True),
                (37500, 7, len(SECRET), SECRET, True),
                (50341, 7, len(SECRET), SECRET, True),
                (65000, 7, len(SECRET), SECRET, True),
            ],
        )
        writer.write(thumbnail, photometric="rgb", subfiletype=1, metadata=None)
        writer.write(thumbnail, photometric="rgb", subfiletype=1, metadata=None, software=False)
    return with_gps(out.getvalue()) + SECRET


def with_gps(data: bytes) -> bytes:
    """The same file with a GPS directory in its first page, behind everything else."""
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    entries = [data[first + 2 + 12 * k : first + 14 + 12 * k] for k in range(count)]
    following = data[first + 2 + 12 * count : first + 6 + 12 * count]
    gps = len(data)
    north = struct.pack("<HHI4s", 1, 2, 2, b"N\0")
    latitude = struct.pack("<HHII", 2, 5, 3, gps + 30)
    directory = struct.pack("<H", 2) + north + latitude + bytes(4)
    data += directory + struct.pack("<6I", 52, 1, 31, 1, 8, 10)
    entries.append(struct.pack("<HHII", 34853, 4, 1, gps))
    start = len(data)
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry))
    data += struct.pack("<H", count + 1) + b"".join(entries) + following
    return data[:4] + struct.pack("<I", start) + data[8:]


@pytest.mark.parametrize("depth", DEPTHS)
def test_nothing_but_the_picture_and_its_density_reaches_the_output(depth: int) -> None:
    photo = tiff.decode(nasty(depth), "x.tif")
    (frame,) = photo.frames
    np.testing.assert_array_equal(frame.samples, noise((40, 60, 3), depth))
    assert photo.density == (300, 300)
    output = tiff.encode(photo)
    assert SECRET[:8] not in output
    with tifffile.TiffFile(io.BytesIO(output)) as file:
        pages: list[Any] = list(file.pages)
        (page,) = pages
        assert {tag.name for tag in page.tags} <= ALLOWED


def test_exiftool_finds_nothing_but_the_picture(
    exiftool: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    source, output = tmp_path / "source.tif", tmp_path / "output.tif"
    source.write_bytes(nasty())
    output.write_bytes(tiff.encode(tiff.decode(nasty(), "x.tif")))
    before, after = exiftool(source), exiftool(output)
    assert {"GPS:GPSLatitude", "SubIFD:ImageWidth", "IFD1:ImageWidth"} <= before.keys()
    assert {name.split(":")[0] for name in after} <= {"ExifTool", "File", "IFD0", "Composite"}
    names = {"ImageWidth", "ImageHeight", "BitsPerSample", "Compression", "StripOffsets"}
    names |= {"PhotometricInterpretation", "SamplesPerPixel", "RowsPerStrip", "StripByteCounts"}
    names |= {"XResolution", "YResolution", "PlanarConfiguration", "ResolutionUnit", "Predictor"}
    assert {name.split(":")[1] for name in after if name.startswith("IFD0:")} == names


def test_who_made_it_is_found_for_whoever_asks() -> None:
    notes = tiff.notes(nasty())
    assert notes.xmp == SECRET
    assert notes.iptc == b"\x1c\x02\x00\x00"
    block = Image.Exif()
    block.load(notes.exif or b"")
    assert block[315] == "Alice"
    assert block[33432] == "Alice 2024"
    assert set(block) == {270, 315, 33432}
    assert tiff.notes(b"II*\0").exif is None
    assert tiff.notes(nasty()[:60]).xmp is None


def test_datasets_turned_by_a_writer_of_numbers_are_turned_back() -> None:
    turned = [(33723, 4, 1, 0x1C0200FF, True)]
    data = written(noise((4, 4), 8), photometric="minisblack", extratags=turned)
    assert tiff.notes(data).iptc == b"\x1c\x02\x00\xff"


def test_a_credit_and_a_profile_are_written_where_readers_look_for_them() -> None:
    packet, icc = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", b"profile"
    frame = Picture(noise((4, 5, 3), 16), ColourSpace.RGB)
    output = tiff.encode(Photo(PhotoFormat.TIFF, (frame,), icc=icc), packet)
    with tifffile.TiffFile(io.BytesIO(output)) as file:
        pages: list[Any] = list(file.pages)
        tags = pages[0].tags
        assert tags[700].value == packet
        assert tags[34675].value == icc
    assert tiff.notes(output).xmp == packet


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_turned_pages_are_read_upright_once(orientation: int, depth: int) -> None:
    pages = noise((2, 5, 8, 3), depth)
    data = written(
        pages,
        photometric="rgb",
        resolution=(100, 200),
        resolutionunit="CENTIMETER",
        extratags=[(274, 3, 1, orientation, False)],
    )
    photo = tiff.decode(data, "x.tif")
    for frame, page in zip(photo.frames, pages, strict=True):
        np.testing.assert_array_equal(frame.samples, TURNS[orientation](page))
    expected = (508, 254) if orientation > 4 else (254, 508)
    assert photo.density == pytest.approx(expected)
    again = tiff.decode(tiff.encode(photo), "x.tif")
    for frame, page in zip(again.frames, photo.frames, strict=True):
        np.testing.assert_array_equal(frame.samples, page.samples)
    assert again.density == pytest.approx(expected)


@pytest.mark.parametrize("depth", DEPTHS)
def test_pages_stay_together_and_in_order(depth: int) -> None:
    pages = noise((5, 20, 30, 3), depth)
    photo = tiff.decode(written(pages, photometric="rgb", compression="zlib"), "x.tif")
    assert photo.durations_ms == ()
    found = tifffile.imread(io.BytesIO(tiff.encode(photo)))
    np.testing.assert_array_equal(found, pages)


def test_pages_of_different_sizes_are_refused_rather_than_dropped() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for side in (20, 30):
            writer.write(noise((side, side, 3), 8), photometric="rgb", metadata=None)
    with pytest.raises(UnsupportedMedia, match=r"^x\.tif: has 2 pages of different sizes"):
        tiff.decode(out.getvalue(), "x.tif")


@pytest.mark.parametrize("first", [False, True], ids=["behind", "before"])
def test_a_preview_is_not_taken_for_the_photo(first: bool) -> None:
    photo, preview = noise((20, 30, 3), 8), noise((5, 6, 3), 8)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for samples in (preview, photo) if first else (photo, preview):
            kind = 1 if samples is preview else 0
            writer.write(samples, photometric="rgb", subfiletype=kind, metadata=None)
    assert_exact(out.getvalue(), photo, ColourSpace.RGB)


def test_a_file_of_previews_only_is_refused_as_camera_raw_files_are() -> None:
    data = written(noise((5, 6, 3), 8), photometric="rgb", subfiletype=1)
    with pytest.raises(UnsupportedMedia, match="camera raw"):
        tiff.decode(data, "x.tif")


def _sources() -> dict[str, bytes]:
    rgb, deep = noise((20, 30, 3), 8), noise((20, 30, 3), 16)
    fax = io.BytesIO()
    Image.fromarray(noise((20, 37), 1).astype(bool)).save(fax, "TIFF", compression="group4")
    jpeg = io.BytesIO()
    Image.fromarray(rgb).save(jpeg, "TIFF", compression="jpeg")
    lzw = io.BytesIO()
    Image.fromarray(rgb).save(lzw, "TIFF", compression="tiff_lzw")
    colours = noise((3, 256), 16)
    packed: dict[str, Any] = {"photometric": "rgb", "compression": "zlib", "predictor": True}
    return {
        "plain": written(rgb, photometric="rgb"),
        "tiles": written(rgb, tile=(16, 16), **packed),
        "deep": written(deep, rowsperstrip=7, **packed),
        "deep tiles": written(deep, tile=(16, 16), byteorder=">", bigtiff=True, **packed),
        "pages": written(noise((3, 6, 7, 3), 8), **packed),
        "nasty": nasty(),
        "palette": written(rgb[..., 0].copy(), photometric="palette", colormap=colours),
        "lzw": lzw.getvalue(),
        "fax": fax.getvalue(),
        "jpeg": jpeg.getvalue(),
    }


SOURCES = _sources()


def read_or_refused(data: bytes) -> Photo | None:
    """Decode; the only exception allowed is one of ours that begins with the file's name."""
    tiff.notes(data)
    try:
        return tiff.decode(data, "x.tif")
    except CrowdveilError as error:
        if not str(error).startswith("x.tif: "):
            raise
        return None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_either_read_or_refused(source: str, data: st.DataObject) -> None:
    broken = bytearray(SOURCES[source])
    places = st.integers(0, len(broken) - 1)
    hits = data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4))
    for at, value in hits:
        broken[at] = value
    size = data.draw(st.one_of(st.just(len(broken)), st.integers(0, len(broken))))
    read_or_refused(bytes(broken[:size]))


@pytest.mark.parametrize("source", ["plain", "tiles", "deep", "deep tiles", "pages", "palette"])
def test_a_file_cut_inside_its_picture_is_refused(source: str) -> None:
    whole = SOURCES[source]
    # tifffile puts the first directory before the samples.
    for size in range(0, len(whole) - 8, 11):
        with pytest.raises(UnreadableMedia, match=r"^x\.tif: "):
            tiff.decode(whole[:size], "x.tif")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]), st.binary(max_size=120))
def test_any_bytes_are_either_read_or_refused(beginning: bytes, tail: bytes) -> None:
    read_or_refused(beginning + tail)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_size_that_would_fill_the_memory_is_refused_before_decoding(depth: int) -> None:
    data = bytearray(written(noise((20, 30, 3), depth), photometric="rgb"))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, at)[0] in (256, 257):
            struct.pack_into("<HII", data, at + 2, 4, 1, 60_000)
    with pytest.raises(UnreadableMedia, match="limit"):
        tiff.decode(bytes(data), "x.tif")


def test_pages_that_go_in_circles_are_refused() -> None:
    data = bytearray(written(noise((4, 5), 8), photometric="minisblack"))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    with pytest.raises(UnreadableMedia, match="circles"):
        tiff.decode(bytes(data), "x.tif")


@pytest.mark.parametrize(
    ("samples", "settings"),
    [
        (np.zeros((4, 5), np.float32), {}),
        (np.zeros((4, 5), np.uint32), {}),
        (np.zeros((4, 5), np.int16), {}),
        (np.zeros((4, 5, 3), np.uint8), {"photometric": "cielab"}),
        (np.zeros((4, 5), bool), {"photometric": "mask"}),
        (np.zeros((4, 5), np.uint16), {"extratags": [(50706, 1, 4, b"\1\4\0\0", True)]}),
    ],
    ids=["float", "32 bits", "signed", "CIELab", "mask", "DNG"],
)
def test_what_is_not_known_is_refused_and_named(samples: Any, settings: dict[str, Any]) -> None:
    data = written(samples, **({"photometric": "minisblack"} | settings))
    with pytest.raises(UnsupportedMedia, match=r"^x\.tif: is a .*export it as"):
        tiff.decode(data, "x.tif")


def test_a_page_cut_into_countless_parts_is_refused_by_name() -> None:
    """Each part is unpacked by itself: one of a pixel each took minutes."""
    out = io.BytesIO()
    image = Image.new("L", (1, 60_000))
    image.save(out, "TIFF", compression="packbits", tiffinfo={278: 1})
    with pytest.raises(UnsupportedMedia, match="60,000 parts"):
        tiff.decode(out.getvalue(), "x.tif")
