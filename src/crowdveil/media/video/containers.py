"""Which container a file is, told by its first bytes, and how files of each are named."""

from crowdveil.media.video.clip import VideoFormat

HEAD_BYTES = 64
"""How much of a file must be read to tell."""

SUFFIXES: dict[VideoFormat, tuple[str, ...]] = {
    VideoFormat.MP4: (".mp4", ".m4v"),
    VideoFormat.MOV: (".mov", ".qt"),
    VideoFormat.MKV: (".mkv",),
    VideoFormat.WEBM: (".webm",),
    VideoFormat.AVI: (".avi",),
}
"""File name suffixes that tell the truth, the usual one first."""

OTHER_SUFFIXES = frozenset(
    {".3g2", ".3gp", ".asf", ".flv", ".insv", ".lrv", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf"}
    | {".ogv", ".ts", ".vob", ".wmv"}
)
"""Videos in containers that are read and not written."""

VIDEO_SUFFIXES = OTHER_SUFFIXES.union(*SUFFIXES.values())

_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"skip", b"pnot")
_OTHER_HEADS = (
    *(b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"OggS"),
    b"0&\xb2u\x8ef\xcf\x11",
)


def written_as(head: bytes) -> VideoFormat | None:
    """The container in which a veiled copy is written, None if these bytes begin no video.

    Args:
        head: the first `HEAD_BYTES` of a file, or all of a shorter one. A photo's bytes must
            have been ruled out: HEIC and AVIF begin like MP4.
    """
    if head[4:8] == b"ftyp":
        return VideoFormat.MOV if head[8:12] == b"qt  " else VideoFormat.MP4
    if head[4:8] in _QUICKTIME_BOXES:
        return VideoFormat.MOV
    if head.startswith(b"\x1aE\xdf\xa3"):
        return VideoFormat.WEBM if b"webm" in head else VideoFormat.MKV
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return VideoFormat.AVI
    return VideoFormat.MKV if head.startswith(_OTHER_HEADS) else None
