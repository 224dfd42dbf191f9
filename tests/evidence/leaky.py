"""Files of every container with something hidden in them, made by hand."""

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
from PIL import Image, PngImagePlugin, TiffImagePlugin

from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.walk import leaks_of

SECRET = b"Ana Ruiz, serial 4711"


def saved(image: Image.Image, format: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **more)
    return out.getvalue()


def picture() -> Image.Image:
    y, x = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.asarray(np.stack([x * 4, y * 5, x + y], -1) % 256, np.uint8))


def exif() -> bytes:
    block = Image.Exif()
    block[0x010F] = "Canon"
    block.get_ifd(0x8825).update({1: "N", 2: (4.0, 35.0, 53.0)})
    block.get_ifd(0x8769)[0xA431] = "4711"
    data: bytes = block.tobytes()
    return data


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments: bytes, tail: bytes = b"", **more: Any) -> bytes:
    whole = saved(picture(), "JPEG", **more)
    return whole[:2] + b"".join(segments) + whole[2:] + tail


def png(*chunks: tuple[bytes, bytes], tail: bytes = b"", **more: Any) -> bytes:
    whole = saved(picture(), "PNG", **more)
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return whole[:33] + made + whole[33:] + tail


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", SECRET.decode())
    return info


def webp(*chunks: bytes, tail: bytes = b"", **more: Any) -> bytes:
    body = saved(picture(), "WEBP", **more)[8:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body + tail


def tiff(**more: Any) -> bytes:
    return saved(picture(), "TIFF", **more)


def tiff_tags() -> bytes:
    tags: Any = TiffImagePlugin.ImageFileDirectory_v2()
    tags[315], tags[65000] = SECRET.decode(), SECRET.decode()
    return tiff(tiffinfo=tags)


def gif(block: bytes = b"", tail: bytes = b"") -> bytes:
    whole = saved(picture().quantize(16), "GIF")
    table = 13 + (3 << (1 + (whole[10] & 7)))
    return whole[:table] + block + whole[table:] + tail


def heif(**more: Any) -> bytes:
    out = io.BytesIO()
    rows = np.asarray(picture().resize((128, 128)))
    pillow_heif.encode("RGB", (128, 128), rows.tobytes(), out, **more)
    return out.getvalue()


def profile(text: str) -> bytes:
    from PIL import ImageCms

    made: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made


def film(
    path: Path,
    *,
    told: bool = False,
    second: bool = False,
    codec: str = "libx264",
    frames: int = 3,
    **options: str,
) -> Path:
    with av.open(str(path), "w", container_options={"fflags": "+bitexact", **options}) as out:
        if told:
            out.metadata["title"] = SECRET.decode()
        streams: list[Any] = []
        for _ in range(1 + second):
            stream: Any = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.flags |= 1 << 23 | 1 << 22
            stream.time_base = Fraction(1, 25)
            streams.append(stream)
        frame = av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24")
        for stream in streams:
            for number in range(frames):
                frame.pts, frame.time_base = number, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def told_of(path: Path) -> list[str]:
    return [leak.what for leak in leaks_of(path) if leak.verdict is Verdict.EXPOSED]


def element(number: bytes, body: bytes) -> bytes:
    return number + b"\x01" + struct.pack(">Q", len(body))[1:] + body
