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
    f".{name}"
    for line in (
        "264 265 360 3g2 3gp 3gp2 3gpp amv asf av1 avc bik braw dav dif divx dv dvr-ms evo f4v flc",
        "fli flv gxf h261 h263 h264 h265 hevc insv ismv ivf j2v lrv m1v m2p m2t m2ts m2v mj2 mjp2",
        "mjpeg mjpg mk3d mlv mod mp2v mpe mpeg mpg mpv mts mxf nsv nut obu ogm ogv r3d rec rm rmvb",
        "roq swf tod trp ts ty vc1 vid vob vp8 vp9 vro vvc wmv wtv xvid y4m",
    )
    for name in line.split()
)
"""Of videos in containers that are not written; some are not read either."""

VIDEO_SUFFIXES = OTHER_SUFFIXES.union(*SUFFIXES.values())

_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"skip", b"pnot")
_LATER_BOXES = (b"free", b"uuid", b"styp", b"sidx", b"moof")
"""What else may come first in files that were cut; only with a size, as text may read so."""
_NO_VIDEOS = (
    b"crx ",
    b"avci",
    b"avcs",
    b"j2ki",
    b"mif2",
    b"msf1",
    b"hevc",
    b"hevx",
    b"hevm",
    b"hevs",
)
"""Brands of pictures in boxes, of which `formats` knows those that are read."""
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
        if head[8:12] in _NO_VIDEOS:
            return None
        return VideoFormat.MOV if head[8:12] == b"qt  " else VideoFormat.MP4
    if head[4:8] in _QUICKTIME_BOXES or (head[4:8] in _LATER_BOXES and head[:2] == b"\0\0"):
        return VideoFormat.MOV
    if head.startswith(b"\x1aE\xdf\xa3"):
        return VideoFormat.WEBM if b"webm" in head else VideoFormat.MKV
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return VideoFormat.AVI
    return VideoFormat.MKV if head.startswith(_OTHER_HEADS) else None
