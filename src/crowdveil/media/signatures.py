"""What files of each kind begin with: the one table behind "read, refused or not media".

The first bytes of a file come in, the name and the verdict go out. Names and suffixes play no
part. Formats are listed once, here; docs/formats.md is generated from this table. What to do with
a file is left to `kinds`, and telling photos apart to `formats`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of files of a kind."""

    PHOTO = "read as photos"
    VIDEO = "read as videos"
    RAW = "refused by name: what cameras record before there is a picture"
    PICTURE = "refused by name: pictures that are not read"
    FILM = "refused by name: moving pictures that are not read"
    SOUND = "no media, listed as sound only"
    HOLDER = "no media, listed as what may hold pictures"


@dataclass(frozen=True, slots=True)
class Signature:
    """One kind of file.

    Attributes:
        name: with its article, as in a sentence: "a PCX picture".
        verdict: what becomes of it.
        starts: pairs of an offset in bytes and what is there; one of them is enough.
        test: says the same of the first `HEAD_BYTES` where bytes at a place are not enough.
    """

    name: str
    verdict: Verdict
    starts: tuple[tuple[int, bytes], ...] = ()
    test: Callable[[bytes], bool] | None = None

    def fits(self, head: bytes) -> bool:
        """Whether a file that begins so is of this kind."""
        if any(head.startswith(mark, at) for at, mark in self.starts):
            return True
        return self.test is not None and self.test(head)


HEAD_BYTES = 65_536
"""How much of a file is looked at: an MXF file may have this much before its first mark."""

_PACKETS, _TS_SEARCHED = 5, 4096
"""Packets of a transport stream that must follow one another, and bytes of another packet, or of
something else, that may come before the first."""

_COMMENT = rb"/\*(?:[^*]|\*(?!/))*+\*/"
_PROLOGUE = (
    rb"(?:\s|<\?[^>]*+>|<!--(?:[^-]|-(?!->))*+-->|<!DOCTYPE\s+svg[^>\[]*+(?:\[[^\]]*+\]\s*)?>)*+"
)
"""What may come before a picture in text; taken part by part, so that none takes long."""

_SIDES = range(1, 65_501)


def signature_of(head: bytes) -> Signature | None:
    """The first kind in the table that fits, None if none does.

    Args:
        head: the first `HEAD_BYTES` of a file, or all of a shorter one. What
            `formats.identify` and `containers.written_as` know must have been ruled out.
    """
    return next((one for one in TABLE if one.fits(head)), None)


def _at(*marks: bytes, offset: int = 0) -> tuple[tuple[int, bytes], ...]:
    return tuple((offset, mark) for mark in marks)


def _little(head: bytes, at: int, size: int = 2) -> int:
    return int.from_bytes(head[at : at + size], "little")


def _big(head: bytes, at: int, size: int = 2) -> int:
    return int.from_bytes(head[at : at + size], "big")


def _transport_stream(head: bytes) -> bool:
    """Packets of 188 bytes (with four or sixteen more in some cameras) begin with G."""
    at = head.find(b"G", 0, _TS_SEARCHED)
    while at >= 0:
        if any(_packets(head, at, size) for size in (188, 192, 204)):
            return True
        at = head.find(b"G", at + 1, _TS_SEARCHED)
    return False


def _packets(head: bytes, at: int, size: int) -> bool:
    starts = range(at, min(at + _PACKETS * size, len(head) - 3), size)
    # A short file may hold fewer, but then from its first byte on.
    enough = len(starts) == _PACKETS or (len(starts) >= 2 and at in (0, 4))
    return enough and all(head[k] == 0x47 and head[k + 3] & 0x30 for k in starts)


def _mxf(head: bytes) -> bool:
    return b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01" in head


def _after_start_code(head: bytes) -> bytes:
    """What follows the first start code of a raw stream, which zeros may precede."""
    rest = head.lstrip(b"\0")
    zeros = len(head) - len(rest)
    return rest[1:9] if 2 <= zeros <= 8 and rest[:1] == b"\x01" else b""


def _h264(head: bytes) -> bool:
    unit = _after_start_code(head)
    return len(unit) > 1 and unit[0] in (0x06, 0x09, 0x27, 0x47, 0x67)


def _hevc(head: bytes) -> bool:
    # Parameter sets, delimiter or information, in the base layer, of the lowest rate.
    return _after_start_code(head)[:2] in (
        b"\x40\x01",
        b"\x42\x01",
        b"\x44\x01",
        b"F\x01",
        b"N\x01",
    )


def _vvc(head: bytes) -> bool:
    return _after_start_code(head)[:2] in (b"\0\x61", b"\0\x69", b"\0\x71", b"\0\x79", b"\0\xa1")


def _mpeg_video(head: bytes) -> bool:
    unit = _after_start_code(head)
    return unit[:1] in (b"\xb3", b"\xb0") or (
        len(unit) > 4 and unit[0] < 0x20 and unit[1:4] == b"\0\0\x01" and 0x20 <= unit[4] < 0x30
    )


def _av1(head: bytes) -> bool:
    # A temporal delimiter without content, then a sequence header.
    return head[:2] == b"\x12\0" and head[2:3] in (b"\n", b"\x0e")


def _h263(head: bytes) -> bool:
    # Start code, then two fixed bits and a source format that exists.
    return (
        head[:2] == b"\0\0"
        and len(head) > 5
        and head[2] & 0xFC == 0x80
        and head[3] & 3 == 2
        and 1 <= head[4] >> 2 & 7 <= 5
    )


def _gxf(head: bytes) -> bool:
    return head[:6] == b"\0\0\0\0\x01\xbc" and head[14:16] == b"\xe1\xe2"


def _h261(head: bytes) -> bool:
    # Start code of 20 bits, later that of the first group of blocks, of 16.
    return head[:2] == b"\0\x01" and head[2:3] < b"\x10" and head[4:6] in (b"\0\x01", b"\0\x11")


def _dv(head: bytes) -> bool:
    return head[:3] == b"\x1f\x07\0" and head[3:4] in (b"\x3f", b"\xbf")


def _cr3(head: bytes) -> bool:
    return head[4:12] == b"ftypcrx "


def _heif_kin(head: bytes) -> bool:
    """A HEIF of pictures that are not read: sequences, and stills of other codecs."""
    others = (b"msf1", b"hevc", b"hevx", b"hevm", b"hevs", b"avci", b"avcs", b"j2ki", b"mif2")
    return head[4:8] == b"ftyp" and head[8:12] in others


def _pcx(head: bytes) -> bool:
    return (
        head[:1] == b"\n"
        and len(head) >= 16
        and head[1] in (0, 2, 3, 4, 5)
        and head[2] in (0, 1)
        and head[3] in (1, 2, 4, 8, 24)
        and _little(head, 4) <= _little(head, 8)
        and _little(head, 6) <= _little(head, 10)
        and head[64:65] in (b"", b"\0")
    )


def _pnm(head: bytes) -> bool:
    return (
        re.match(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d|P7\s+(#|WIDTH|\d)|P[FfHh]4?\s+-?\d", head)
        is not None
    )


def _sgi(head: bytes) -> bool:
    return (
        head[:2] == b"\x01\xda"
        and head[2:3] in (b"\0", b"\x01")
        and head[3:4] in (b"\x01", b"\x02")
        and 1 <= _big(head, 4) <= 3
    )


def _xbm(head: bytes) -> bool:
    before = rb"(?:\s|" + _COMMENT + rb")*+"
    return re.match(before + rb"#define\s+\w*width\s+\d", head[:4096]) is not None


def _xpm(head: bytes) -> bool:
    return re.match(rb"\s*(/\* XPM \*/|! XPM2)", head[:256]) is not None


def _wmf(head: bytes) -> bool:
    return head[:4] == b"\xd7\xcd\xc6\x9a" or (
        head[:2] in (b"\x01\0", b"\x02\0")
        and head[2:4] == b"\x09\0"
        and head[4:6] in (b"\0\x01", b"\0\x03")
    )


def _emf(head: bytes) -> bool:
    return head[:4] == b"\x01\0\0\0" and head[40:44] == b" EMF"


def _tga(head: bytes) -> bool:
    """There is no mark at the start, but few bytes of the header are free."""
    if len(head) < 18:
        return False
    coloured, kind, depth = head[1], head[2], head[16]
    plausible = _little(head, 12) in _SIDES and _little(head, 14) in _SIDES and not head[17] & 0xC0
    if kind in (1, 9):
        return plausible and coloured == 1 and depth in (8, 16) and head[7] in (15, 16, 24, 32)
    depths = {2: (15, 16, 24, 32), 10: (15, 16, 24, 32), 3: (8, 16), 11: (8, 16)}.get(kind, ())
    # Without a palette its place is empty.
    return plausible and coloured == 0 and depth in depths and head[3:8] == bytes(5)


def _icon(head: bytes) -> bool:
    return (
        head[:3] in (b"\0\0\x01", b"\0\0\x02")
        and head[3:4] == b"\0"
        and 1 <= _little(head, 4) <= 256
        and head[9:10] == b"\0"
        and _little(head, 14, 4) > 0
        and _little(head, 18, 4) >= 22
    )


def _svg(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[2:].replace(b"\0", b"")
    text = head.removeprefix(b"\xef\xbb\xbf")
    return re.match(_PROLOGUE + rb"<(?:[\w-]{1,40}:)?svg[\s>]", text) is not None


def _pdf(head: bytes) -> bool:
    return b"%PDF-" in head[:1024]


def _pict(head: bytes) -> bool:
    return head[:512].strip(b"\0") == b"" and head[522:526] in (
        b"\0\x11\x02\xff",
        b"\x11\x01\x01\0",
    )


def _jxr(head: bytes) -> bool:
    return head[:3] == b"II\xbc"


def _xwd(head: bytes) -> bool:
    return _big(head, 4, 4) == 7 and _big(head, 8, 4) == 2 and 40 <= _big(head, 0, 4) <= 4096


def _flic(head: bytes) -> bool:
    return head[4:6] in (b"\x11\xaf", b"\x12\xaf") and 0 < _little(head, 6) < 65_000


def _iff_picture(head: bytes) -> bool:
    kinds = (b"ILBM", b"PBM ", b"ACBM", b"RGB8", b"RGBN", b"DEEP", b"ANIM", b"CIMG", b"TBMP")
    return head[:4] in (b"FORM", b"FOR4") and head[8:12] in kinds


def _riff(*kinds: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] in kinds


def _mpeg_audio(head: bytes) -> bool:
    """A frame header of MP3 and its kin, or of AAC, with no field that may not be so."""
    if len(head) < 4 or head[0] != 0xFF or head[:2] in (b"\xff\xfe", b"\xff\xff"):
        return False
    if head[1] & 0xF6 == 0xF0:  # AAC
        return head[2] >> 2 & 15 < 13
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, samples = head[2] >> 4, head[2] >> 2 & 3
    return (
        head[1] & 0xE0 == 0xE0
        and version != 1
        and layer != 0
        and rate not in (0, 15)
        and samples != 3
    )


def _mail(head: bytes) -> bool:
    start = head[:4096].lstrip(b"\xef\xbb\xbf\r\n")
    first = re.match(
        rb"(From |Received:|Return-Path:|Delivered-To:|MIME-Version:|Message-ID:|From:|Date:)",
        start,
        re.IGNORECASE,
    )
    return (
        first is not None
        and re.search(rb"^(MIME-Version|Subject|To):", start, re.M | re.I) is not None
    )


def _tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _iso(head: bytes) -> bool:
    return head[32769:32774] in (b"CD001", b"BEA01")


_ASF = b"0&\xb2u\x8ef\xcf\x11"
_WTV = b"\xb7\xd8\x00\x207I\xda\x11\xa6N\x00\x07\xe9^\xad\x8d"

TABLE: tuple[Signature, ...] = (
    # What cameras record. Most is TIFF, which `kinds` looks into.
    Signature("a Canon raw file (CR2)", Verdict.RAW, _at(b"CR\x02\0", offset=8)),
    Signature("a Canon raw file (CR3)", Verdict.RAW, test=_cr3),
    Signature("a Canon raw file (CRW)", Verdict.RAW, _at(b"HEAPCCDR", offset=6)),
    Signature("a Fujifilm raw file (RAF)", Verdict.RAW, _at(b"FUJIFILMCCD-RAW")),
    Signature("an Olympus raw file (ORF)", Verdict.RAW, _at(b"IIRO", b"IIRS", b"MMOR")),
    Signature("a Panasonic raw file (RW2)", Verdict.RAW, _at(b"IIU\0")),
    Signature("a Sigma raw file (X3F)", Verdict.RAW, _at(b"FOVb")),
    Signature("a Minolta raw file (MRW)", Verdict.RAW, _at(b"\0MRM")),
    Signature("a Phase One raw file (IIQ)", Verdict.RAW, _at(b"IIII", b"MMMM")),
    # Pictures with a mark that nothing else has.
    Signature("a JPEG XL picture", Verdict.PICTURE, _at(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    Signature("a Motion JPEG 2000 film", Verdict.FILM, _at(b"ftypmjp2", offset=16)),
    Signature(
        "a JPEG 2000 picture",
        Verdict.PICTURE,
        _at(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    ),
    Signature("a JPEG XR picture", Verdict.PICTURE, test=_jxr),
    Signature("a JPEG XS picture", Verdict.PICTURE, _at(b"\xff\x10\xff\x50")),
    Signature("a HEIF sequence, or a HEIF with another codec", Verdict.PICTURE, test=_heif_kin),
    Signature("a DDS picture", Verdict.PICTURE, _at(b"DDS ")),
    Signature("a Photoshop picture (PSD)", Verdict.PICTURE, _at(b"8BPS")),
    Signature("a GIMP picture (XCF)", Verdict.PICTURE, _at(b"gimp xcf")),
    Signature("a Paint Shop Pro picture", Verdict.PICTURE, _at(b"Paint Shop Pro Image File")),
    Signature("a QOI picture", Verdict.PICTURE, _at(b"qoif")),
    Signature("an OpenEXR picture", Verdict.PICTURE, _at(b"\x76\x2f\x31\x01")),
    Signature("a Radiance picture (HDR)", Verdict.PICTURE, _at(b"#?RADIANCE", b"#?RGBE")),
    Signature("an Apple icon (ICNS)", Verdict.PICTURE, _at(b"icns")),
    Signature("a FITS picture", Verdict.PICTURE, _at(b"SIMPLE  =")),
    Signature("a DICOM picture", Verdict.PICTURE, _at(b"DICM", offset=128)),
    Signature("a DjVu document", Verdict.PICTURE, _at(b"AT&TFORM")),
    Signature("a FLIF picture", Verdict.PICTURE, _at(b"FLIF")),
    Signature("a BPG picture", Verdict.PICTURE, _at(b"BPG\xfb")),
    Signature("a JBIG2 picture", Verdict.PICTURE, _at(b"\x97JB2\r\n\x1a\n")),
    Signature("an MNG or JNG picture", Verdict.PICTURE, _at(b"\x8aMNG\r\n", b"\x8bJNG\r\n")),
    Signature(
        "a DPX or Cineon picture", Verdict.PICTURE, _at(b"SDPX", b"XPDS", b"\x80\x2a\x5f\xd7")
    ),
    Signature("a Sun raster picture", Verdict.PICTURE, _at(b"\x59\xa6\x6a\x95")),
    Signature("a Windows Paint picture (MSP)", Verdict.PICTURE, _at(b"DanM", b"LinS")),
    Signature("an IFUNC picture (IM)", Verdict.PICTURE, _at(b"Image type: ")),
    Signature("an X window dump (XWD)", Verdict.PICTURE, test=_xwd),
    Signature("a KTX or PVR texture", Verdict.PICTURE, _at(b"\xabKTX ", b"PVR\x03", b"VTF\0")),
    Signature("a MIFF picture", Verdict.PICTURE, _at(b"id=ImageMagick")),
    Signature("a Kodak Photo CD picture", Verdict.PICTURE, _at(b"PCD_IPI", offset=2048)),
    Signature("a PostScript document (EPS)", Verdict.PICTURE, _at(b"%!PS", b"\xc5\xd0\xd3\xc6")),
    Signature("an Affinity document", Verdict.PICTURE, _at(b"\0\xffKA")),
    Signature(
        "a CorelDRAW picture",
        Verdict.PICTURE,
        test=lambda h: h[:4] == b"RIFF" and h[8:11] == b"CDR",
    ),
    Signature("an animated cursor (ANI)", Verdict.PICTURE, test=_riff(b"ACON")),
    Signature("an Amiga picture (IFF)", Verdict.PICTURE, test=_iff_picture),
    Signature("an enhanced metafile (EMF)", Verdict.PICTURE, test=_emf),
    Signature("a Windows metafile (WMF)", Verdict.PICTURE, test=_wmf),
    Signature("a PDF document", Verdict.PICTURE, test=_pdf),
    # Videos that are read and written in other containers.
    Signature("an MPEG program stream", Verdict.VIDEO, _at(b"\0\0\x01\xba")),
    Signature("an MPEG transport stream", Verdict.VIDEO, test=_transport_stream),
    Signature("a Flash video (FLV)", Verdict.VIDEO, _at(b"FLV\x01")),
    Signature("a Windows Media video (WMV, ASF)", Verdict.VIDEO, _at(_ASF)),
    Signature("an Ogg video", Verdict.VIDEO, _at(b"OggS")),
    Signature("a RealMedia video", Verdict.VIDEO, _at(b".RMF")),
    Signature("a Windows TV recording (WTV)", Verdict.VIDEO, _at(_WTV)),
    Signature("a NUT video", Verdict.VIDEO, _at(b"nut/multimedia container\0")),
    Signature("an IVF video", Verdict.VIDEO, _at(b"DKIF")),
    Signature("a Dahua recording", Verdict.VIDEO, _at(b"DHAV", b"DAHUA")),
    Signature("a YUV4MPEG video", Verdict.VIDEO, _at(b"YUV4MPEG2")),
    Signature("a DV video", Verdict.VIDEO, test=_dv),
    Signature("a raw HEVC stream", Verdict.VIDEO, test=_hevc),
    Signature("a raw H.264 stream", Verdict.VIDEO, test=_h264),
    Signature("a raw MPEG-1, MPEG-2 or MPEG-4 stream", Verdict.VIDEO, test=_mpeg_video),
    Signature("a raw AV1 stream", Verdict.VIDEO, test=_av1),
    Signature("an MXF video", Verdict.VIDEO, test=_mxf),
    # Videos that are not read.
    Signature("a raw VVC stream", Verdict.FILM, test=_vvc),
    Signature("a raw VC-1 stream", Verdict.FILM, _at(b"\0\0\x01\x0f")),
    Signature("a raw H.263 stream", Verdict.FILM, test=_h263),
    Signature("a raw H.261 stream", Verdict.FILM, test=_h261),
    Signature("a RoQ video", Verdict.FILM, _at(b"\x84\x10\xff\xff\xff\xff")),
    Signature("a raw Dirac stream", Verdict.FILM, _at(b"BBCD")),
    Signature("a GXF video", Verdict.FILM, test=_gxf),
    Signature("a Flash film (SWF)", Verdict.FILM, _at(b"FWS", b"CWS", b"ZWS")),
    Signature("a FLIC animation", Verdict.FILM, test=_flic),
    Signature("a Video CD file", Verdict.FILM, test=_riff(b"CDXA")),
    Signature("an AMV video", Verdict.FILM, test=_riff(b"AMV ")),
    Signature("a Bink or Smacker video", Verdict.FILM, _at(b"BIK", b"KB2", b"SMK2", b"SMK4")),
    Signature("a Nullsoft video (NSV)", Verdict.FILM, _at(b"NSVf", b"NSVs")),
    Signature("a RED camera film (R3D)", Verdict.FILM, _at(b"RED1", b"RED2", offset=4)),
    Signature("a Magic Lantern film (MLV)", Verdict.FILM, _at(b"MLVI")),
    Signature("an astronomer's film (SER)", Verdict.FILM, _at(b"LUCAM-RECORDER")),
    Signature("a MythTV recording", Verdict.FILM, _at(b"NuppelVideo", b"MythTVVideo")),
    Signature("a PVA recording", Verdict.FILM, _at(b"AVPV")),
    Signature("a TiVo recording", Verdict.FILM, _at(b"\xf5\x46\x7a\xbd")),
    # Sound.
    Signature("an MP3 sound file", Verdict.SOUND, _at(b"ID3")),
    Signature("an MP3 or AAC sound file", Verdict.SOUND, test=_mpeg_audio),
    Signature("a WAV sound file", Verdict.SOUND, _at(b"riff.\x91\xcf\x11"), test=_riff(b"WAVE")),
    Signature("a FLAC sound file", Verdict.SOUND, _at(b"fLaC")),
    Signature("an AMR voice note", Verdict.SOUND, _at(b"#!AMR")),
    Signature("a SILK voice note", Verdict.SOUND, _at(b"#!SILK", b"\x02#!SILK")),
    Signature("an AIFF sound file", Verdict.SOUND, _at(b"AIFF", b"AIFC", offset=8)),
    Signature("an AU sound file", Verdict.SOUND, _at(b".snd")),
    Signature("a RealAudio sound file", Verdict.SOUND, _at(b".ra\xfd")),
    Signature("an AC-3 sound file", Verdict.SOUND, _at(b"\x0bw")),
    Signature("a DTS sound file", Verdict.SOUND, _at(b"\x7f\xfe\x80\x01")),
    Signature("a CAF sound file", Verdict.SOUND, _at(b"caff\0\x01")),
    Signature(
        "a WavPack, APE, TTA, Musepack or DSF sound file",
        Verdict.SOUND,
        _at(b"wvpk", b"MAC ", b"TTA1", b"MPCK", b"DSD "),
    ),
    Signature("a MIDI file", Verdict.SOUND, _at(b"MThd")),
    # What may hold pictures of any kind.
    Signature(
        "a ZIP archive (also DOCX, ODT, EPUB)",
        Verdict.HOLDER,
        _at(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"),
    ),
    Signature("a 7z archive", Verdict.HOLDER, _at(b"7z\xbc\xaf\x27\x1c")),
    Signature("a RAR archive", Verdict.HOLDER, _at(b"Rar!\x1a\x07")),
    Signature(
        "a gzip, bzip2, xz or Zstandard archive",
        Verdict.HOLDER,
        _at(b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"),
    ),
    Signature("a tar archive", Verdict.HOLDER, test=_tar),
    Signature("a disc image (ISO)", Verdict.HOLDER, test=_iso),
    Signature(
        "an old Office document (DOC, XLS, PPT, MSG)",
        Verdict.HOLDER,
        _at(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ),
    Signature("an RTF document", Verdict.HOLDER, _at(b"{\\rtf")),
    Signature("a database (SQLite)", Verdict.HOLDER, _at(b"SQLite format 3\0")),
    Signature("an e-mail", Verdict.HOLDER, test=_mail),
    # Pictures without a mark: text, or headers of which only few bytes are fixed.
    Signature("a PCX picture", Verdict.PICTURE, test=_pcx),
    Signature("a Netpbm picture (PBM, PGM, PPM, PAM, PFM)", Verdict.PICTURE, test=_pnm),
    Signature("an SGI picture", Verdict.PICTURE, test=_sgi),
    Signature("an icon or cursor (ICO, CUR)", Verdict.PICTURE, test=_icon),
    Signature("an XBM picture", Verdict.PICTURE, test=_xbm),
    Signature("an XPM picture", Verdict.PICTURE, test=_xpm),
    Signature("an SVG picture", Verdict.PICTURE, test=_svg),
    Signature("an Apple picture (PICT)", Verdict.PICTURE, test=_pict),
    Signature("a TGA picture", Verdict.PICTURE, test=_tga),
)
"""Every kind but the photos of `formats.SUFFIXES` and the videos of `containers.SUFFIXES`, the
surest marks first."""
