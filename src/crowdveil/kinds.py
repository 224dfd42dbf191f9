"""Tells photos and videos from everything else by what is in a file.

A path comes in; out comes what to do with the file: veil it, refuse it with a sentence
(camera raw files, pictures and films in formats that are not read), or leave it alone and say
why. A name only ever adds caution: where nothing is known of the content, a name that promises a
picture is refused instead of being passed over. Decoding is left to `media`, folders to `sources`.
"""

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.camera_raw import is_camera_raw
from crowdveil.media.formats import PHOTO_SUFFIXES, identify
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.signatures import HEAD_BYTES, Signature, Verdict, signature_of
from crowdveil.media.video import containers
from crowdveil.media.video.clip import VideoFormat
from crowdveil.media.video.tracks import sound_only


def _suffixes(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


RAW_SUFFIXES = _suffixes(
    "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 "
    "rwl sr2 srf srw x3f"
)
"""Camera raw files; some are TIFF inside and nothing but their name gives them away."""

OTHER_PICTURE_SUFFIXES = _suffixes(
    "afphoto ai ani avifs bpg bw cdr cin clip cur dcm dds dicom djv djvu dpx emf eps exr fits flif "
    "fts hdr heics heifs icb icns ico iff ilbm im indd insp int inta j2c j2k jbig2 jng jp2 jpc jpf "
    "jpm jps jpx jxl jxr jxs kra ktx lbm miff mng msp ora pam pbm pcd pct pcx pdf pfm pgm pict pnm "
    "ppm ps psb psd psp qoi ras rgb rgba sgi svg svgz tga vda vst vtf wbmp wdp wmf xbm xcf xpm xwd"
)
"""Pictures that may show people and are not read; leaving them out must not be quiet."""

_SHARED_SUFFIXES = _suffixes("mod mpv mts rm ts vid")
"""Suffixes of videos that other programs give to text: TypeScript, Go, music."""

_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
_CONVERT = "which cannot be veiled and was NOT copied; export it as JPEG, PNG or TIFF first"
_CONVERT_FILM = "which cannot be veiled and was NOT copied; convert it to H.264 in MP4 first"


class Apart(StrEnum):
    """Why a file that is neither a photo nor a video is worth a word of its own."""

    SOUND = "sound only"
    HOLDER = "may hold pictures"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is.

    Attributes:
        photo: whether it is to be treated as a photo, by its content or by its name.
        format: the photo format that its content shows, None if none.
        video: the container of its veiled copy if it is to be treated as a video.
        apart: what else it is known to be, None for a photo, a video or something unknown.
        name: the same with its article, as in a sentence; empty if unknown.
    """

    photo: bool = False
    format: PhotoFormat | None = None
    video: VideoFormat | None = None
    apart: Apart | None = None
    name: str = ""

    @property
    def media(self) -> bool:
        """Whether it is a photo or a video."""
        return self.photo or self.video is not None


def kind_of(path: Path) -> Kind:
    """Look at what a file holds, and where that tells nothing, at its name.

    A file whose name says photo or video and whose content says nothing counts as one, so that
    decoding refuses it with the reason instead of it being passed over.

    Raises:
        UnsupportedMedia: a camera raw file, a picture or film in a format that is not read, or
            something else under the name of a photo or video.
        UnreadableMedia: the file is empty under such a name, cannot be opened, or is no regular
            file.
    """
    suffix = path.suffix.lower()
    try:
        # A pipe or a device would wait for ever when read.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableMedia(f"{path}: is no ordinary file; give photos, videos and folders")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            known = _by_content(path, file, head, suffix)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UnreadableMedia(
            f"{path}: cannot be read ({reason}); check that it exists and may be opened"
        ) from error
    if known is not None and known.media:
        return known
    return _by_name(path, head, suffix, known or Kind())


def _by_content(path: Path, file: BinaryIO, head: bytes, suffix: str) -> Kind | None:
    """What the content shows; None if it is unknown."""
    found = identify(head)
    if found is PhotoFormat.TIFF and (suffix in RAW_SUFFIXES or is_camera_raw(file)):
        raise UnsupportedMedia(f"{path}: is a camera raw file, {_CONVERT}")
    signature = None if found in _CERTAIN else signature_of(head)
    if signature is None and _ends_with(file, _TGA_FOOTER):
        signature = Signature("a TGA picture", Verdict.PICTURE)
    if signature is not None and signature.verdict is Verdict.RAW:
        raise UnsupportedMedia(f"{path}: is {signature.name}, {_CONVERT}")
    if found is not None:
        return Kind(photo=True, format=found)
    video = containers.written_as(head[: containers.HEAD_BYTES])
    if video is None and signature is not None:
        match signature.verdict:
            case Verdict.PICTURE:
                raise UnsupportedMedia(f"{path}: is {signature.name}, {_CONVERT}")
            case Verdict.FILM:
                raise UnsupportedMedia(f"{path}: is {signature.name}, {_CONVERT_FILM}")
            case Verdict.SOUND:
                return Kind(apart=Apart.SOUND, name=signature.name)
            case Verdict.HOLDER:
                return Kind(apart=Apart.HOLDER, name=signature.name)
        video = VideoFormat.MKV
    if video is None:
        return None
    if sound_only(file, head):
        return Kind(apart=Apart.SOUND, name="a sound file")
    return Kind(video=video)


_CERTAIN = frozenset(PhotoFormat) - {PhotoFormat.TIFF}
"""Formats whose first bytes no other kind of file shares."""


def _by_name(path: Path, head: bytes, suffix: str, known: Kind) -> Kind:
    """Caution for what shows no photo and no video: a name that promises one is not ignored."""
    promises = suffix in PHOTO_SUFFIXES | containers.VIDEO_SUFFIXES | OTHER_PICTURE_SUFFIXES
    if not head and promises:
        raise UnreadableMedia(f"{path}: is empty; copy it again from the camera or the sender")
    if known.apart is not Apart.SOUND and suffix in RAW_SUFFIXES:
        raise UnsupportedMedia(f"{path}: is a camera raw file by its name, {_CONVERT}")
    if known.apart is not Apart.SOUND and suffix in OTHER_PICTURE_SUFFIXES:
        raise UnsupportedMedia(f"{path}: is a {suffix[1:].upper()} file by its name, {_CONVERT}")
    if known.apart is None:
        text = suffix in _SHARED_SUFFIXES and _is_text(head)
        video = suffix in containers.VIDEO_SUFFIXES and not text
        return Kind(photo=suffix in PHOTO_SUFFIXES, video=VideoFormat.MKV if video else None)
    if suffix in PHOTO_SUFFIXES or (
        known.apart is Apart.HOLDER and suffix in containers.VIDEO_SUFFIXES
    ):
        raise UnsupportedMedia(
            f"{path}: is {known.name}, whatever its name says, and was NOT copied; "
            "give it its right name, or take out what it holds"
        )
    return known


def _ends_with(file: BinaryIO, mark: bytes) -> bool:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(mark)))
    return file.read(len(mark)) == mark


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(char.isprintable() or char in "\t\r\n\f" for char in text)
