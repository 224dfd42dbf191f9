"""Tells photos and videos from everything else by a file's name and its first bytes.

A path comes in; out comes what to do with the file: veil it, refuse it with a sentence
(camera raw files, pictures in formats that are not read), or leave it alone.
Decoding is left to `media`, folders to `sources`.
"""

import stat
from dataclasses import dataclass
from pathlib import Path

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.formats import HEAD_BYTES, PHOTO_SUFFIXES, identify
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video import containers
from crowdveil.media.video.clip import VideoFormat


def _suffixes(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


RAW_SUFFIXES = _suffixes(
    "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 "
    "rwl sr2 srf srw x3f"
)
"""Camera raw files; most are TIFF inside, so that only their name gives them away."""

OTHER_PICTURE_SUFFIXES = _suffixes(
    "ai eps exr hdr icns ico insp j2k jp2 jpx jxl jxr pbm pdf pgm ppm psb psd qoi svg tga xcf"
)
"""Pictures that may show people and are not read; leaving them out must not be quiet."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is.

    Attributes:
        photo: whether it is to be treated as a photo, by its content or by its name.
        format: the photo format that its content shows, None if none.
        video: the container of its veiled copy if it is to be treated as a video.
    """

    photo: bool = False
    format: PhotoFormat | None = None
    video: VideoFormat | None = None

    @property
    def media(self) -> bool:
        """Whether it is a photo or a video."""
        return self.photo or self.video is not None


def kind_of(path: Path) -> Kind:
    """Look at a file's name and first bytes.

    A file whose name says photo or video and whose content does not counts as one, so that
    decoding refuses it with the reason instead of it being passed over.

    Raises:
        UnsupportedMedia: a camera raw file, or a picture in a format that is not read.
        UnreadableMedia: the file cannot be opened, or is no regular file.
    """
    try:
        # A pipe or a device would wait for ever when read.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableMedia(f"{path}: is no ordinary file; give photos, videos and folders")
        with path.open("rb") as file:
            head = file.read(max(HEAD_BYTES, containers.HEAD_BYTES))
    except OSError as error:
        raise UnreadableMedia(
            f"{path}: cannot be read ({error.strerror}); check that it exists and may be opened"
        ) from error
    suffix = path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        raise UnsupportedMedia(
            f"{path}: is a camera raw file, which cannot be veiled and was NOT copied; "
            "export it as JPEG, PNG or TIFF first"
        )
    found = identify(head[:HEAD_BYTES])
    if found is not None:
        return Kind(photo=True, format=found)
    if video := containers.written_as(head):
        return Kind(video=video)
    if suffix in containers.VIDEO_SUFFIXES:
        return Kind(video=VideoFormat.MKV)
    if suffix in OTHER_PICTURE_SUFFIXES:
        raise UnsupportedMedia(
            f"{path}: is a {suffix[1:].upper()} file, which cannot be veiled and was NOT copied; "
            "export it as JPEG, PNG or TIFF first"
        )
    return Kind(photo=suffix in PHOTO_SUFFIXES)
