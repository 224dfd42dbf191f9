"""TIFF: 8 and 16 bits, grey, RGB and CMYK, with alpha, one or more pages.

Reads with Pillow, and with OpenCV where colour has 16 bits; writes with tifffile, which
adds no tag of its own. Pages of one size and kind are frames; others are refused rather than
dropped.
"""

import io
from dataclasses import replace

import cv2
import numpy as np
import tifffile
from PIL import Image

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.icc import neutral_profile
from crowdveil.media.notes import Notes
from crowdveil.media.orientation import ORIENTATION_TAG, TRANSPOSING, upright
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.pillow import decoding, density_of, open_image, text_or_bytes, to_picture
from crowdveil.media.png import from_opencv

_BITS_TAG, _SUBFILE_TAG, _XMP_TAG, _IPTC_TAG = 258, 254, 700, 33723
_PHOTOMETRIC = {
    ColourSpace.GREY: "minisblack",
    ColourSpace.RGB: "rgb",
    ColourSpace.CMYK: "separated",
}


def decode(data: bytes, where: str) -> Photo:
    """Decode a TIFF.

    Raises:
        UnreadableMedia: damaged; the message begins with `where`.
        UnsupportedMedia: floating point samples, or pages of different kinds.
    """
    image = open_image(data, ("TIFF",), where)
    frames = []
    with decoding(where):
        for page in range(int(getattr(image, "n_frames", 1))):
            image.seek(page)
            # A reduced copy of another page is a thumbnail, not a page.
            if page and int(image.tag_v2.get(_SUBFILE_TAG, 0)) & 1:
                continue
            frames.append(_page(image, data, page, where))
        image.seek(0)
        turn = int(image.tag_v2.get(ORIENTATION_TAG, 1))
        density = density_of(image)
        icc = neutral_profile(image.info.get("icc_profile"))
    frames = [replace(frame, samples=upright(frame.samples, turn)) for frame in frames]
    first = frames[0]
    kind = (first.samples.shape, first.samples.dtype, first.space)
    if any((f.samples.shape, f.samples.dtype, f.space) != kind for f in frames):
        raise UnsupportedMedia(
            f"{where}: has pages of different size or kind; save each page as a file of its own"
        )
    if turn in TRANSPOSING and density:
        density = (density[1], density[0])
    return Photo(PhotoFormat.TIFF, tuple(frames), icc=icc, density=density)


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode losslessly (Deflate), one page a frame."""
    out = io.BytesIO()
    tags: list[tuple[int, int, int, bytes, bool]] = []
    if xmp:
        tags.append((_XMP_TAG, 1, len(xmp), xmp, True))
    with tifffile.TiffWriter(out) as writer:
        for frame in photo.frames:
            flat = frame.samples[..., 0] if frame.samples.shape[2] == 1 else frame.samples
            writer.write(
                np.ascontiguousarray(flat),
                photometric=_PHOTOMETRIC[frame.space],
                extrasamples=["unassalpha"] if frame.alpha else None,
                compression="zlib",
                rowsperstrip=max(1, (1 << 20) // max(1, frame.samples[0].nbytes)),
                planarconfig="contig" if flat.ndim == 3 else None,
                resolution=photo.density,
                resolutionunit="inch" if photo.density else None,
                iccprofile=photo.icc,
                software=False,
                metadata=None,
                extratags=tags,
            )
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """The metadata blocks of the file, for reading a credit; never raises."""
    try:
        image = open_image(data, ("TIFF",), "photo")
        tags = image.tag_v2
        exif = image.getexif().tobytes()
        return Notes(exif, text_or_bytes(tags.get(_XMP_TAG)), text_or_bytes(tags.get(_IPTC_TAG)))
    # A damaged block means no credit, not a lost photo.
    except Exception:
        return Notes()


def _page(image: Image.Image, data: bytes, page: int, where: str) -> Picture:
    bits = image.tag_v2.get(_BITS_TAG, (1,))
    deep = max(bits if isinstance(bits, tuple) else (bits,)) > 8
    if deep and len(bits) > 1:
        return _deep_page(data, page, where)
    image.load()
    try:
        return to_picture(image)
    except ValueError as error:
        raise UnsupportedMedia(f"{where}: has {error}; convert it to 8 or 16 bits") from error


def _deep_page(data: bytes, page: int, where: str) -> Picture:
    """A 16-bit colour page, which Pillow would reduce to 8 bits or refuse."""
    done, grids = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if not done or page >= len(grids):
        raise UnreadableMedia(f"{where}: its 16-bit pixels cannot be decoded; fetch it again")
    grid = np.asarray(grids[page])
    if grid.dtype != np.uint16:
        raise UnsupportedMedia(f"{where}: has {grid.dtype} samples; convert it to 8 or 16 bits")
    return from_opencv(grid)
