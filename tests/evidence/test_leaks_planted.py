"""A picture, a text and noise, planted into every block that a file may have, are called.

Noise looks like nothing, so only a block that is measured to its end gives it away.
"""

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crowdveil.errors import CrowdveilError
from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.walk import leaks_of

from .leaky import box, element, film, gif, heif, jpeg, picture, png, saved, tiff, told_of
from .planting import in_boxes, in_elements, in_jpeg, in_png, in_riff, png_chunk, png_chunks

Make = Callable[[bytes], bytes]
Plant = Callable[[bytes, bytes], bytes]


def _noisy_jpeg() -> bytes:
    pixels = np.random.default_rng(7).integers(0, 256, (160, 160, 3), np.uint8)
    return saved(Image.fromarray(pixels), "JPEG", quality=90)


PAYLOADS = {
    "picture": _noisy_jpeg()[:32_000],
    "position": b"We met at 52.5163, 13.3777 on 2026-11-28 12:34:56, bring the banner",
    "noise": random.Random(5).randbytes(3_001),
}


def behind(more: bytes) -> Make:
    return lambda body: body + more


def chunk_longer(kind: bytes) -> Plant:
    return lambda data, p: in_png(data, kind, behind(p))


def box_longer(path: tuple[bytes, ...]) -> Plant:
    return lambda data, p: in_boxes(data, path, behind(p))


def element_longer(path: tuple[int, ...]) -> Plant:
    return lambda data, p: in_elements(data, path, behind(p))


def new_element(path: tuple[int, ...], kind: bytes) -> Plant:
    return lambda data, p: in_elements(data, path, behind(element(kind, p)))


def riff_longer(path: tuple[bytes, ...]) -> Plant:
    return lambda data, p: in_riff(data, path, behind(p))


def new_chunk(path: tuple[bytes, ...], kind: bytes) -> Plant:
    return lambda data, p: in_riff(
        data, path, behind(kind + struct.pack("<I", len(p)) + p + bytes(len(p) % 2))
    )


def _stuffed(payload: bytes) -> bytes:
    return payload.replace(b"\xff", b"\xff\0")


def _in_scan(data: bytes, payload: bytes) -> bytes:
    return data[:-2] + _stuffed(payload) + data[-2:]


def _idat_longer(data: bytes, payload: bytes) -> bytes:
    return in_png(data, b"IDAT", lambda body: zlib.compress(zlib.decompress(body) + payload))


def _animated_png() -> bytes:
    out = io.BytesIO()
    picture().save(out, "PNG", save_all=True, append_images=[picture().rotate(90)], duration=100)
    return out.getvalue()


def _webp(**more: object) -> bytes:
    image = picture().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return saved(image, "WEBP", **more)


def _animated_webp() -> bytes:
    out = io.BytesIO()
    picture().save(out, "WEBP", save_all=True, append_images=[picture().rotate(90)], duration=100)
    return out.getvalue()


def _gif_longer(data: bytes, payload: bytes) -> bytes:
    blocks = b"".join(
        bytes([len(payload[k : k + 255])]) + payload[k : k + 255]
        for k in range(0, len(payload), 255)
    )
    # Behind the pixels come the empty block that ends them, and the end of the file.
    return data[:-2] + blocks + data[-2:]


def _strip_longer(data: bytes, payload: bytes) -> bytes:
    """The only strip, moved to the end and made longer."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    whole = bytearray(data)
    tags = {
        struct.unpack_from("<H", data, at + 2 + 12 * k)[0]: at + 10 + 12 * k for k in range(count)
    }
    (start,), (size,) = (struct.unpack_from("<I", data, tags[tag]) for tag in (273, 279))
    struct.pack_into("<I", whole, tags[273], len(data))
    struct.pack_into("<I", whole, tags[279], size + len(payload))
    whole[start : start + size] = bytes(size)
    return bytes(whole) + data[start : start + size] + payload


PHOTOS: dict[str, tuple[Callable[[], bytes], Plant]] = {
    **{
        f"png-{kind.decode()}": (png, chunk_longer(kind))
        for kind in (
            b"tRNS PLTE sBIT gAMA cHRM bKGD pHYs hIST sPLT sRGB cICP mDCV cLLI IHDR IDAT".split()
        )
    },
    "png-palette-transparency": (
        lambda: saved(picture().quantize(16), "PNG"),
        lambda data, p: in_png(data, b"tRNS", behind(p)),
    ),
    "png-more-pixels": (png, _idat_longer),
    "png-end": (png, lambda data, p: in_png(data, b"IEND", behind(p))),
    "png-frame-control": (_animated_png, lambda data, p: in_png(data, b"fcTL", behind(p))),
    "png-frames-control": (_animated_png, lambda data, p: in_png(data, b"acTL", behind(p))),
    "png-frame": (_animated_png, lambda data, p: in_png(data, b"fdAT", behind(p))),
    "jpeg-app0": (jpeg, lambda data, p: in_jpeg(data, 0xE0, behind(p))),
    "jpeg-quantisation": (jpeg, lambda data, p: in_jpeg(data, 0xDB, behind(p))),
    "jpeg-codes": (jpeg, lambda data, p: in_jpeg(data, 0xC4, behind(p))),
    "jpeg-frame": (jpeg, lambda data, p: in_jpeg(data, 0xC0, behind(p))),
    "jpeg-scan-head": (jpeg, lambda data, p: in_jpeg(data, 0xDA, behind(p))),
    "jpeg-scan": (jpeg, _in_scan),
    "jpeg-progressive-scan": (lambda: jpeg(progressive=True), _in_scan),
    "jpeg-restart": (
        jpeg,
        lambda data, p: data[:2] + b"\xff\xdd" + struct.pack(">HH", 4 + len(p), 0) + p + data[2:],
    ),
    "webp-alpha": (_webp, lambda data, p: in_riff(data, (b"ALPH",), behind(p))),
    "webp-head": (_webp, lambda data, p: in_riff(data, (b"VP8X",), behind(p))),
    "webp-picture": (
        lambda: saved(picture(), "WEBP"),
        lambda data, p: in_riff(data, (b"VP8 ",), behind(p)),
    ),
    "webp-lossless": (
        lambda: saved(picture(), "WEBP", lossless=True),
        lambda data, p: in_riff(data, (b"VP8L",), behind(p)),
    ),
    "webp-animation": (_animated_webp, lambda data, p: in_riff(data, (b"ANIM",), behind(p))),
    "webp-second-picture": (
        lambda: saved(picture(), "WEBP"),
        lambda data, p: (
            data[:4]
            + struct.pack("<I", len(data) + len(p) + len(p) % 2)
            + data[8:]
            + b"VP8 "
            + struct.pack("<I", len(p))
            + p
            + bytes(len(p) % 2)
        ),
    ),
    "gif-pixels": (gif, _gif_longer),
    "gif-times": (
        lambda: gif(b""),
        lambda data, p: gif(b"\x21\xf9" + bytes([200]) + p[:60].ljust(200, b".") + b"\0"),
    ),
    "bmp-free": (
        lambda: saved(picture(), "BMP"),
        lambda data, p: data[:10] + struct.pack("<I", 54 + len(p)) + data[14:54] + p + data[54:],
    ),
    "tiff-strip": (tiff, _strip_longer),
    "tiff-deflate-strip": (lambda: tiff(compression="tiff_adobe_deflate"), _strip_longer),
    "tiff-lzw-strip": (lambda: tiff(compression="tiff_lzw"), _strip_longer),
    **{
        f"heif-{'-'.join(part.decode() for part in path)}": (
            heif,
            box_longer(path),
        )
        for path in (
            (b"ftyp",),
            (b"mdat",),
        )
    },
    "heif-padding": (heif, lambda data, p: data + box(b"skip", p)),
    "heif-second-meta": (heif, lambda data, p: data + box(b"meta", bytes(4) + p)),
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize(("make", "plant"), PHOTOS.values(), ids=PHOTOS)
def test_what_is_planted_into_a_block_of_a_photo_is_called(
    make: Callable[[], bytes], plant: Plant, payload: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(make())
    assert told_of(path) == []
    path.write_bytes(plant(make(), payload))
    assert told_of(path)


def _after(path: tuple[bytes, ...], kind: bytes) -> Plant:
    return lambda data, p: in_boxes(data, path, behind(box(kind, p)))


_STBL = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_BOXES: dict[str, Plant] = {
    **{
        "/".join(part.decode() for part in path): box_longer(path)
        for path in (
            (b"ftyp",),
            (b"moov", b"mvhd"),
            (b"moov", b"trak", b"tkhd"),
            (b"moov", b"trak", b"edts", b"elst"),
            (b"moov", b"trak", b"mdia", b"mdhd"),
            (b"moov", b"trak", b"mdia", b"hdlr"),
            (b"moov", b"trak", b"mdia", b"minf", b"vmhd"),
            (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"),
            *((*_STBL, kind) for kind in b"stts stsc stsz stco".split()),
            (*_STBL, b"stsd", b"avc1", b"avcC"),
        )
    },
    "new-sidx": lambda data, p: data + box(b"sidx", bytes(30) + p),
    "new-ssix": lambda data, p: data + box(b"ssix", bytes(8) + p),
    "new-styp": lambda data, p: data + box(b"styp", p.ljust(-(-len(p) // 4) * 4)),
    "new-mdat": lambda data, p: data + box(b"mdat", p),
    "new-skip": lambda data, p: data + box(b"skip", p),
    "new-ctts": _after(_STBL, b"ctts"),
    "new-stss": lambda data, p: in_boxes(
        data, _STBL, behind(box(b"stps", struct.pack(">II", 0, len(p) // 4) + p[: len(p) // 4 * 4]))
    ),
    "new-sdtp": _after(_STBL, b"sdtp"),
    "new-cslg": _after(_STBL, b"cslg"),
    "new-subs": lambda data, p: in_boxes(data, _STBL, behind(box(b"subs", bytes(8) + p))),
    "new-pasp": _after((*_STBL, b"stsd", b"avc1"), b"pasp"),
    "new-clap": _after((*_STBL, b"stsd", b"avc1"), b"clap"),
    "new-colr": _after((*_STBL, b"stsd", b"avc1"), b"colr"),
    "new-iods": _after((b"moov",), b"iods"),
    "new-tref": lambda data, p: in_boxes(
        data, (b"moov", b"trak"), behind(box(b"tref", box(b"cdsc", p)))
    ),
}
_SEGMENT, _TRACK, _CLUSTER = 0x18538067, (0x18538067, 0x1654AE6B, 0xAE), 0x1F43B675
_ELEMENTS: dict[str, Plant] = {
    **{
        "-".join(f"{part:x}" for part in path): element_longer(path)
        for path in (
            (0x1A45DFA3, 0x4282),
            (_SEGMENT, 0x1549A966, 0x2AD7B1),
            (_SEGMENT, 0x1549A966, 0x4D80),
            (_SEGMENT, 0x1549A966, 0x4489),
            (*_TRACK, 0x86),
            (*_TRACK, 0x22B59C),
            (*_TRACK, 0x63A2),
            (*_TRACK, 0xE0, 0xB0),
            (_SEGMENT, _CLUSTER, 0xE7),
        )
    },
    **{
        f"new-{name}": new_element(path, kind)
        for name, path, kind in (
            ("void", (_SEGMENT,), b"\xec"),
            ("check-sum", (_SEGMENT,), b"\xbf"),
            ("identity", (_SEGMENT, 0x1549A966), b"\x73\xa4"),
            ("unknown", (_SEGMENT,), b"\x4f\xff"),
            ("in-cluster", (_SEGMENT, _CLUSTER), b"\xab"),
            ("pixels", (*_TRACK, 0xE0), b"\x2e\xb5\x24"),
            ("colours", (*_TRACK, 0xE0), b"\x55\xb0"),
            ("sound", _TRACK, b"\xe1"),
            ("encodings", _TRACK, b"\x6d\x80"),
            ("addition", _TRACK, b"\x41\xe4"),
            ("other-stream", (_SEGMENT, _CLUSTER), b"\xa3"),
        )
    },
    "new-cues": lambda data, p: in_elements(
        data,
        (_SEGMENT,),
        behind(element(b"\x1c\x53\xbb\x6b", element(b"\xbb", element(b"\xb3", p)))),
    ),
}
_CHUNKS: dict[str, Plant] = {
    **{
        "-".join(part.decode().strip() for part in path): riff_longer(path)
        for path in (
            (b"hdrl", b"avih"),
            (b"hdrl", b"strl", b"strh"),
            (b"hdrl", b"strl", b"strf"),
            (b"idx1",),
            (b"JUNK",),
        )
    },
    **{
        f"new-{kind.decode()}": new_chunk(path, kind)
        for kind, path in (
            (b"05dc", (b"movi",)),
            (b"00pc", (b"movi",)),
            (b"ix00", (b"movi",)),
            (b"dmlh", (b"hdrl",)),
            (b"indx", (b"hdrl", b"strl")),
            (b"vprp", (b"hdrl", b"strl")),
            (b"abcd", (b"hdrl",)),
        )
    },
}
VIDEOS: dict[str, tuple[str, Plant]] = {
    **{f"mp4-{name}": ("mp4", plant) for name, plant in _BOXES.items()},
    **{f"mkv-{name}": ("mkv", plant) for name, plant in _ELEMENTS.items()},
    **{f"avi-{name}": ("avi", plant) for name, plant in _CHUNKS.items()},
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    return {kind: film(folder / f"a.{kind}").read_bytes() for kind in ("mp4", "mkv", "avi")}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize(("kind", "plant"), VIDEOS.values(), ids=VIDEOS)
def test_what_is_planted_into_a_block_of_a_video_is_called(
    kind: str, plant: Plant, payload: bytes, films: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(plant(films[kind], payload))
    assert told_or_refused(path)


def told_or_refused(path: Path) -> bool:
    """Whether something is exposed, or the file is said not to have been searched."""
    try:
        return any(leak.verdict is Verdict.EXPOSED for leak in leaks_of(path))
    except CrowdveilError:
        return True


def test_an_untouched_file_of_each_kind_tells_nothing(
    films: dict[str, bytes], tmp_path: Path
) -> None:
    for kind, data in films.items():
        path = tmp_path / f"a.{kind}"
        path.write_bytes(data)
        assert told_of(path) == []


def test_chunks_put_together_again_are_the_same_file() -> None:
    data = png()
    assert data[:8] + b"".join(png_chunk(*part) for part in png_chunks(data)) == data
    assert in_png(data, b"IDAT", bytes) == data
