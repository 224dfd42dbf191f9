"""PNG and animated PNG, 1 to 16 bits.

Up to 8 bits Pillow decodes and encodes; 16-bit colour, which Pillow cannot hold, goes
through OpenCV. Outputs hold the pixels, the ICC profile and the density, nothing else.
"""

import io
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
from PIL import PngImagePlugin

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.icc import neutral_profile
from crowdveil.media.notes import Notes
from crowdveil.media.orientation import TRANSPOSING, exif_orientation, upright
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.pillow import (
    decoding,
    density_of,
    open_image,
    text_or_bytes,
    to_image,
    to_picture,
)

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INCH_M = 0.0254


def decode(data: bytes, where: str) -> Photo:
    """Decode a PNG; raises `UnreadableMedia`, its message beginning with `where`."""
    _check_end(data, where)
    image = open_image(data, ("PNG",), where)
    with decoding(where):
        first = 1 if image.info.get("default_image") else 0
        count = int(getattr(image, "n_frames", 1))
        animated = count - first > 1
        frames, durations = [], []
        if data[24:25] == b"\x10" and not animated:
            frames.append(_decode16(data, where))
            image.load()
        else:
            for k in range(first, max(count, 1)) if animated else (0,):
                image.seek(k)
                image.load()
                frames.append(to_picture(image))
                durations.append(round(float(image.info.get("duration", 0))))
        turn = exif_orientation(text_or_bytes(image.info.get("exif")))
        density = density_of(image)
        frames = [replace(frame, samples=upright(frame.samples, turn)) for frame in frames]
        if turn in TRANSPOSING and density:
            density = (density[1], density[0])
        loop = image.info.get("loop")
    return Photo(
        PhotoFormat.PNG,
        tuple(_alike(frames)),
        durations_ms=tuple(durations) if animated else (),
        loop=int(loop) if animated and loop is not None else None,
        icc=neutral_profile(image.info.get("icc_profile")),
        density=density,
    )


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode losslessly; raises `UnsupportedMedia` for CMYK."""
    picture = photo.frames[0]
    if picture.space is ColourSpace.CMYK:
        raise UnsupportedMedia("PNG holds no CMYK; choose --format tiff or jpeg")
    if picture.samples.dtype == np.uint16 and len(photo.frames) == 1:
        return _encode16(photo, xmp)
    options: dict[str, object] = {}
    if photo.durations_ms:
        options = {
            "save_all": True,
            "append_images": [to_image(frame) for frame in photo.frames[1:]],
            "duration": list(photo.durations_ms),
            "loop": photo.loop or 0,
            "disposal": PngImagePlugin.Disposal.OP_NONE,
            "blend": PngImagePlugin.Blend.OP_SOURCE,
        }
    elif len(photo.frames) > 1:
        raise UnsupportedMedia("PNG holds one page only; choose --format tiff")
    if photo.icc:
        options["icc_profile"] = photo.icc
    if photo.density:
        options["dpi"] = photo.density
    if xmp:
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options["pnginfo"] = text
    out = io.BytesIO()
    to_image(picture).save(out, "PNG", compress_level=4, **options)
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """The metadata blocks of the file, for reading a credit; never raises."""
    try:
        image = open_image(data, ("PNG",), "photo")
        image.load()
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
        return Notes(text_or_bytes(image.info.get("exif")), text_or_bytes(xmp))
    # A damaged block means no credit, not a lost photo.
    except Exception:
        return Notes()


def _alike(frames: list[Picture]) -> list[Picture]:
    """Frames with the same channels: some may have gained alpha from a palette."""
    if len({(frame.space, frame.alpha) for frame in frames}) <= 1:
        return frames
    images = [to_image(frame).convert("RGBA") for frame in frames]
    return [to_picture(image) for image in images]


def _check_end(data: bytes, where: str) -> None:
    """Refuse a file that breaks off: decoders fill up the rest in silence."""
    position = len(_SIGNATURE)
    while position + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, position)
        if data[position + 4 : position + 8] == b"IEND":
            return
        position += 12 + size
    raise UnreadableMedia(
        f"{where}: breaks off before its end; fetch it again from the camera or the sender"
    )


def _decode16(data: bytes, where: str) -> Picture:
    grid = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if grid is None or grid.dtype != np.uint16:
        raise UnreadableMedia(f"{where}: its 16-bit pixels cannot be decoded; fetch it again")
    return from_opencv(grid)


def from_opencv(grid: np.ndarray) -> Picture:  # type: ignore[type-arg]
    """A grey, BGR or BGRA array, (h, w) or (h, w, c), as a picture."""
    if grid.ndim == 2 or grid.shape[2] == 1:
        return Picture(grid.reshape(*grid.shape[:2], 1), ColourSpace.GREY)
    order = [2, 1, 0, 3][: grid.shape[2]]
    return Picture(np.ascontiguousarray(grid[..., order]), ColourSpace.RGB, grid.shape[2] == 4)


def to_opencv(picture: Picture) -> np.ndarray:  # type: ignore[type-arg]
    """The inverse of `from_opencv`; grey with alpha becomes BGRA."""
    samples = picture.samples
    if picture.space is ColourSpace.GREY:
        return samples[..., 0] if not picture.alpha else samples[..., [0, 0, 0, 1]]
    return np.ascontiguousarray(samples[..., [2, 1, 0, 3][: samples.shape[2]]])


def _encode16(photo: Photo, xmp: bytes | None) -> bytes:
    done, grid = cv2.imencode(".png", to_opencv(photo.frames[0]))
    if not done:
        raise UnsupportedMedia("a 16-bit picture could not be written as PNG; try --format tiff")
    extra = b""
    if photo.icc:
        extra += _chunk(b"iCCP", b"ICC\0\0" + zlib.compress(photo.icc))
    if photo.density:
        x, y = (round(v / _INCH_M) for v in photo.density)
        extra += _chunk(b"pHYs", struct.pack(">IIB", x, y, 1))
    if xmp:
        extra += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    data = grid.tobytes()
    after_header = len(_SIGNATURE) + 25
    return data[:after_header] + extra + data[after_header:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    )
