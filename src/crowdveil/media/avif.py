"""AVIF: stills of 8 to 12 bits, and animations of 8 bits.

Pillow reads what the file says of itself, and pictures of 8 bits; as it has no deeper colour,
deeper stills go through OpenCV, which brings the same decoder. Rotation and mirroring that
the file asks for come out of Pillow as an EXIF orientation and are applied once.
Source: AOMedia, AV1 Image File Format 1.1, and AV1 in ISO base media files 1.2, clause 2.3.
"""

import io
import re
import struct
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import iso_file, orientation, pillow
from crowdveil.media.icc import HDR_CURVES, coded_profile, neutral_profile
from crowdveil.media.iso_file import IsoFile, boxes_in
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.opencv import quiet_opencv
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture, Samples, contiguous

MAX_SIDE_PX = 65_536
QUALITY = 90
_SPEED = 7
_DEEP_BITS = 10
"""For 16-bit pictures that were no AVIF."""
_CONFIGURATION = re.compile(rb"av1C(\x81..)", re.DOTALL)
"""The box that tells depth and subsampling: type, version, level, then the byte of flags."""
_CODED_COLOURS = re.compile(rb"colrnclx(.{4})", re.DOTALL)
"""The box that numbers primaries and curve."""
_UNSPECIFIED = 2
_SUBSAMPLING = {0: "4:4:4", 2: "4:2:2", 3: "4:2:0"}
"""Halved width (2) and height (1) of the chroma planes to what Pillow calls it."""
_KINDS = {1: (ColourSpace.GREY, False), 3: (ColourSpace.RGB, False), 4: (ColourSpace.RGB, True)}


@dataclass(frozen=True, slots=True)
class AvifEncoding:
    """How the source was encoded.

    Attributes:
        bits: a sample, 8, 10 or 12.
        subsampling: as Pillow calls it.
        coded: primaries and curve as ITU-T H.273 numbers them.
    """

    bits: int
    subsampling: str
    coded: tuple[int, int]

    @property
    def hdr(self) -> bool:
        """Whether the samples mean nothing without the curve that only this format names."""
        return self.coded[1] in HDR_CURVES


def decode(data: bytes, where: str) -> Photo:
    """Decode an AVIF file; stills of 10 and 12 bits come out as 16, animations as 8.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: an animation of high dynamic range, which 8 bits cannot hold.
    """
    file = iso_file.parse(data)
    data = data[: file.end or None]
    file.require_room(where)
    with pillow.decoding(where, cut=file.cut):
        file.require_whole(len(data))
        how = _encoding(data, file)
        image: Any = pillow.open_image(data, ("AVIF",), where, animated=True, cut=file.cut)
        turn = orientation.exif_orientation(pillow.text_or_bytes(image.info.get("exif")))
        moving = image.n_frames > 1
        deep = None if moving or how.bits == 8 else _deep(data, image, how.bits, where)
        if how.hdr and how.bits > 8 and moving:
            raise UnsupportedMedia(
                f"{where}: is a moving AVIF of high dynamic range, which is not read; "
                "export it with standard range first"
            )
        frames, durations = [], []
        lost: tuple[str, ...] = ()
        for number in range(image.n_frames):
            if deep is not None:
                picture = deep
            else:
                image.seek(number)
                image.load()
                picture = pillow.to_picture(image, where)
            picture = _clean_area(picture, file)
            frames.append(replace(picture, samples=orientation.upright(picture.samples, turn)))
            durations.append(round(float(image.info.get("duration", 0))))
        pictures = pillow.same_kind(frames)
        icc = neutral_profile(image.info.get("icc_profile"), pictures[0].space)
        if icc is None and pictures[0].space is ColourSpace.RGB:
            icc = coded_profile(*how.coded)
    animated = len(pictures) > 1
    if animated and how.bits > 8:
        lost = (f"shades finer than 8 bits of its {how.bits}",)
    return Photo(
        PhotoFormat.AVIF,
        pictures,
        durations_ms=tuple(durations) if animated else (),
        # Neither Pillow nor its encoder tells how often; viewers play for ever.
        loop=0 if animated else None,
        icc=icc,
        encoding=how,
        left_out=lost,
    )


def notes(data: bytes) -> Notes:
    """Metadata blocks of an AVIF file."""
    with suppress(Exception):
        info = pillow.open_image(data, ("AVIF",), "").info
        exif, xmp = (pillow.text_or_bytes(info.get(name)) for name in ("exif", "xmp"))
        return Notes(exif=exif, xmp=xmp)
    return Notes()


def _encoding(data: bytes, file: IsoFile) -> AvifEncoding:
    """How the picture that is shown is encoded, whatever else the file holds."""
    said = file.of_shown(b"av1C")
    if not said:
        # An animation may list no picture: its one description is in the movie.
        movies = [data[box.start : box.end] for box in file.boxes if box.kind == b"moov"]
        said = [found[1] for movie in movies for found in _CONFIGURATION.finditer(movie)]
    flags = [body[2] for body in said if len(body) > 2]
    coded = [body[4:8] for body in file.of_shown(b"colr") if body[:4] == b"nclx"]
    if not said or not file.items:
        coded += [found[1] for found in _CODED_COLOURS.finditer(data)]
    # Alpha has a configuration of its own, without colour planes.
    colour = next((flag for flag in flags if not flag & 0x10), 0x0C)
    return AvifEncoding(
        bits=max((10 + 2 * bool(flag & 0x20) if flag & 0x40 else 8 for flag in flags), default=8),
        subsampling=_SUBSAMPLING.get(colour >> 2 & 3, "4:2:0"),
        coded=struct.unpack(">HH", coded[0]) if coded else (_UNSPECIFIED, _UNSPECIFIED),
    )


def _deep(data: bytes, image: Any, bits: int, where: str) -> Picture | None:
    """The still as stored, stretched to 16 bits; None if its pixels have only 8 after all."""
    with quiet_opencv():
        samples: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        # OpenCV tells nobody why: Pillow raises if the file is damaged.
        image.load()
        raise UnsupportedMedia(
            f"{where}: is an AVIF of {bits} bits whose finer shades cannot be read; "
            "export it with 8 bits or as PNG first"
        )
    if samples.dtype != np.uint16:
        return None
    samples = samples.reshape(*samples.shape[:2], -1)
    check_size(samples.shape[1], samples.shape[0], 1, where)
    space, alpha = _KINDS[samples.shape[2]]
    samples = _swapped(samples)
    return Picture(samples << (16 - bits) | samples >> (2 * bits - 16), space, alpha)


def _clean_area(picture: Picture, file: IsoFile) -> Picture:
    """What of the picture is meant to be seen: no decoder here cuts the rest off.

    Source: ISO/IEC 14496-12, clause 12.1.4 (clap); the centre is that of the whole picture.
    """
    body = file.of_shown(b"clap")[:1]
    if not body or len(body[0]) != 32:
        return picture
    parts = struct.unpack(">IIIIiIiI", body[0])
    if not all(parts[1::2]):
        return picture
    width, height, x, y = (Fraction(*parts[k : k + 2]) for k in (0, 2, 4, 6))
    whole_wh = picture.size_wh
    left, top = (whole_wh[0] - width) / 2 + x, (whole_wh[1] - height) / 2 + y
    sides = left, top, left + width, top + height
    inside = 0 <= left < sides[2] <= whole_wh[0] and 0 <= top < sides[3] <= whole_wh[1]
    if not inside or any(side.denominator != 1 for side in (left, top, width, height)):
        return picture
    x0, y0, x1, y1 = (int(side) for side in sides)
    return replace(picture, samples=contiguous(picture.samples[y0:y1, x0:x1]))


def _swapped(samples: Any) -> Samples:
    """Red first to blue first or back, as OpenCV wants it."""
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[2]]
    return contiguous(samples[..., order])


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a still of 8 or 16 bits or an animation of 8, grey or RGB, alpha or not.

    Args:
        photo: at most `MAX_SIDE_PX` a side; 16 bits are written as the source's 10 or 12.
        xmp: a packet to embed.
    """
    how = photo.encoding if isinstance(photo.encoding, AvifEncoding) else None
    deep = photo.frames[0].samples.dtype == np.uint16
    data = _encode_deep(photo, xmp, how) if deep else _encode_shallow(photo, xmp, how)
    return _with_coded_colours(data, how) if how and how.coded[0] != _UNSPECIFIED else data


def _encode_shallow(photo: Photo, xmp: bytes | None, how: AvifEncoding | None) -> bytes:
    images = [pillow.to_image(frame) for frame in photo.frames]
    settings: dict[str, Any] = {"quality": QUALITY, "speed": _SPEED}
    settings |= {"icc_profile": photo.icc, "xmp": xmp}
    if photo.frames[0].space is ColourSpace.RGB:
        settings["subsampling"] = how.subsampling if how else "4:2:0"
    if len(images) > 1:
        settings |= {
            "save_all": True,
            "append_images": images[1:],
            "duration": list(photo.durations_ms),
        }
    out = io.BytesIO()
    images[0].save(out, "AVIF", **settings)
    return _timeless(out.getvalue()) if len(images) > 1 else out.getvalue()


def _timeless(data: bytes) -> bytes:
    """The same animation without the time at which it was encoded.

    Source: ISO/IEC 14496-12, 8.2.2, 8.3.2 and 8.4.2: two times follow version and flags, of four
    bytes each, or eight in version 1.
    """
    bare = bytearray(data)
    waiting = list(boxes_in(data, 0, len(data)))
    while waiting:
        box = waiting.pop()
        if box.kind in (b"moov", b"trak", b"mdia"):
            waiting += boxes_in(data, box.start, box.end)
        elif box.kind in (b"mvhd", b"tkhd", b"mdhd"):
            times = 16 if data[box.start] == 1 else 8
            bare[box.start + 4 : box.start + 4 + times] = bytes(times)
    return bytes(bare)


def _encode_deep(photo: Photo, xmp: bytes | None, how: AvifEncoding | None) -> bytes:
    (picture,) = photo.frames
    bits = how.bits if how and how.bits > 8 else _DEEP_BITS
    samples = _swapped(picture.samples >> (16 - bits))
    blocks = {cv2.IMAGE_METADATA_ICCP: photo.icc, cv2.IMAGE_METADATA_XMP: xmp}
    given = {kind: np.frombuffer(block, np.uint8) for kind, block in blocks.items() if block}
    settings = [
        *(cv2.IMWRITE_AVIF_DEPTH, bits),
        *(cv2.IMWRITE_AVIF_QUALITY, QUALITY),
        *(cv2.IMWRITE_AVIF_SPEED, _SPEED),
    ]
    done, data = cv2.imencodeWithMetadata(
        ".avif", samples, list(given), list(given.values()), settings
    )
    if not done:
        raise UnsupportedMedia(
            f"an AVIF of {bits} bits cannot be written by this installation of OpenCV; "
            "choose --format tiff"
        )
    return data.tobytes()


def _with_coded_colours(data: bytes, how: AvifEncoding) -> bytes:
    """The file with the source's primaries and curve; what the pixels hold does not change."""
    return _CODED_COLOURS.sub(lambda _: b"colrnclx" + struct.pack(">HH", *how.coded), data)
