"""Asks exiftool and ffprobe what they see in a file, if they are installed.

They share no code with ours. What they name that tells of somebody is handed out as a leak, and
who looked is told in the record. Nothing depends on them: our own walk finds the same without
them, and a file on which one of them dies, hangs or takes all memory says so and goes on. Running
them is left to `programs`.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from crowdveil.evidence.leaks.leak import Leak, doubt
from crowdveil.evidence.leaks.makers import is_program
from crowdveil.evidence.leaks.programs import Asked, Ended, printed

_FACTS = re.compile(
    r"^(SourceFile|System:.*|ExifTool:.*|Composite:.*|JFIF:.*|ICC_Profile.*|ICC-.*|APP14:.*|"
    r"File:(FileType|FileTypeExtension|MIMEType|ImageWidth|ImageHeight|EncodingProcess|"
    r"BitsPerSample|ColorComponents|YCbCrSubSampling|ExifByteOrder|BMPVersion|Planes|BitDepth|"
    r"Compression|ImageLength|PixelsPerMeter[XY]|Num(Colors|ImportantColors)|"
    r"(Red|Green|Blue|Alpha)Mask|ColorSpace|.*Endpoint[XYZ]|Gamma(Red|Green|Blue)|"
    r"(Red|Green|Blue)Endpoint|RenderingIntent|ProfileDataOffset|ProfileSize|ImageDataOffset)|"
    r"PNG.*:(ImageWidth|ImageHeight|BitDepth|ColorType|Compression|Filter|Interlace|Gamma|"
    r"SRGBRendering|PixelsPerUnit[XY]|PixelUnits|Palette|Transparency|WhitePoint[XY]|"
    r"(Red|Green|Blue)[XY]|SignificantBits|BackgroundColor|ProfileName|ColorPrimaries|"
    r"TransferCharacteristics|MatrixCoefficients|VideoFullRangeFlag|AnimationFrames|AnimationPlays)|"
    r"IFD\d+:(SubfileType|ImageWidth|ImageHeight|BitsPerSample|Compression|"
    r"PhotometricInterpretation|FillOrder|StripOffsets|Orientation|SamplesPerPixel|RowsPerStrip|"
    r"StripByteCounts|XResolution|YResolution|PlanarConfiguration|ResolutionUnit|Predictor|ColorMap|"
    r"TileWidth|TileLength|TileOffsets|TileByteCounts|ExtraSamples|SampleFormat|InkSet|NumberofInks|"
    r"JPEGTables|YCbCr.*|PageNumber|Exif_0x0111|WhitePoint|PrimaryChromaticities|MinSampleValue|"
    r"MaxSampleValue)|"
    r"(RIFF|GIF|Animation):(ImageWidth|ImageHeight|VP8Version|HorizontalScale|VerticalScale|"
    r"AlphaIsUsed|AlphaPreprocessing|AlphaFiltering|AlphaCompression|WebP_Flags|BackgroundColor|"
    r"AnimationLoopCount|AnimationIterations|FrameCount|Duration|GIFVersion|HasColorMap|"
    r"ColorResolutionDepth|BitsPerPixel|TransparentColor|PixelAspectRatio|DelayTime|ColorSpace|"
    r"StreamCount|StreamType|.*Codec|.*FrameRate|.*FrameCount|.*Rate|.*Size|Quality|MaxDataRate|"
    r"ImageLength|Planes|BitDepth|Compression|NumColors|NumImportantColors|PixelsPerMeter[XY]|"
    r"Encoding|NumChannels|AvgBytesPerSec|BitsPerSample|TotalFrameCount|VideoCodec)|"
    r"File:.*Image.*|Photoshop:(XResolution|YResolution|DisplayedUnits[XY]|"
    r"CurrentIPTCDigest|IPTCDigest)|"
    r"(Track\d+|QuickTime|Meta|ItemList|HEIC|AV1|Matroska|Info|Video|Audio):"
    r"(MajorBrand|MinorVersion|CompatibleBrands|MediaData(Size|Offset)|.*Version|TimeScale|"
    r"(Movie|Track|Media)?Duration|Preferred(Rate|Volume)|MatrixStructure|Preview(Time|Duration)|"
    r"PosterTime|Selection(Time|Duration)|CurrentTime|NextTrackID|TrackID|TrackLayer|TrackVolume|"
    r"ImageWidth|ImageHeight|.*TimeScale|HandlerType|HandlerClass|"
    r"GraphicsMode|OpColor|CompressorID|SourceImage(Width|Height)|[XY]Resolution|BitDepth|"
    r"PixelAspectRatio|ColorProfiles|ColorPrimaries|TransferCharacteristics|MatrixCoefficients|"
    r"VideoFullRangeFlag|VideoFrameRate|Balance|Audio.*|.*Flags|CleanAperture.*|ProductionAperture.*|"
    r"EncodedPixelsAperture.*|ImageSpatialExtent|ImagePixelDepth|ConstraintIndicatorFlags|"
    r"GeneralLevelIDC|GeneralProfile.*|GeneralTierFlag|MinSpatialSegmentationIdc|ParallelismType|"
    r"ChromaFormat|BitDepth.*|AverageFrameRate|ConstantFrameRate|NumTemporalLayers|"
    r"TemporalIDNested|PrimaryItemReference|HEVCConfigurationVersion|AV1ConfigurationVersion|"
    r"AuxiliaryImageType|Rotation|MetaImageSize|.*BitRate|BufferSize|DocType|"
    r"EBML.*|TimecodeScale|TrackNumber|TrackType|TrackUID|TrackLanguage|.*CodecID|CodecID|"
    r"DisplayWidth|DisplayHeight|DisplayUnit|DefaultDuration|CodecDelay|SeekPreRoll|TrackUsed|"
    r"TrackDefault|TrackForced|TrackTimecodeScale|VideoScanType|Unknown.*|TagName|"
    r"TagTrackUID|TagString|TagLanguage|TagLanguageBCP47|TagDefault|ImageSize|Color.*|"
    r"Void|Chroma.*|OutputAudioSampleRate|SeekHead.*|FirstFrameOffset|GenMediaVersion|GenFlags|"
    r"GenGraphicsMode|GenOpColor|GenBalance|TextFont|TextFace|TextSize|TextColor|"
    r"MediaLanguageCode|HandlerDescription|HandlerVendorID|MuxingApp|WritingApp|"
    r"PurchaseFileFormat|AudioSampleCount|MovieFragmentSequence|HandlerName|"
    r"TrackName|.*CreateDate|.*ModifyDate|CompressorName|VendorID))$",
    re.IGNORECASE,
)
"""Tags that every picture or video has."""
_ZERO_DATES = re.compile(r".*(CreateDate|ModifyDate)$")
_TEXTS = re.compile(
    r".*:(HandlerDescription|CompressorName|TrackName|MuxingApp|WritingApp|HandlerName|Software|"
    r"SoftwareVersion|Encoder|EncodedBy|TagString)$"
)
_PLAIN = frozenset(
    {"", "VideoHandler", "SoundHandler", "SubtitleHandler", "DataHandler", "Lavf", "Apple Alias"}
)
_TELLING = re.compile(
    r"GPS|Serial|Date|Comment|Artist|Author|Creator|Owner|Title|Thumbnail|Preview|Make|Model|"
    r"Location|(?<!Channel)Description|Software|Copyright|Name|Trailer|MPImage|XMP|IPTC|Email|Phone|City",
    re.IGNORECASE,
)
_CREDIT = re.compile(r"^(XMP-(dc|photoshop|x|plus|xmpRights)|IPTC|IPTC\d?):")
_NAMED = 8
_STREAM_FACTS = frozenset({"language", "duration", "handler_name", "vendor_id", "rotate"})
_FORMAT_FACTS = frozenset({"major_brand", "minor_version", "compatible_brands"})
_WRITERS = frozenset({"encoder", "software", "encoded_by", "software_version"})


class Witnesses:
    """The programs that are installed; used by several threads, and as a context manager."""

    def __init__(self) -> None:
        """Find out which are installed."""
        self._exiftool, self._ffprobe = shutil.which("exiftool"), shutil.which("ffprobe")
        self._asked = Asked([str(self._exiftool), "-stay_open", "True", "-@", "-"])
        self._lock = Lock()
        self.versions = _versions(self._exiftool, self._ffprobe)

    def __enter__(self) -> Self:
        """Nothing is started before it is asked."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let exiftool go."""
        self._asked.stop()

    @property
    def absent(self) -> tuple[str, ...]:
        """Those that are not installed."""
        found = {"exiftool": self._exiftool, "ffprobe": self._ffprobe}
        return tuple(name for name, path in found.items() if path is None)

    def look(self, path: Path, *, video: bool) -> tuple[tuple[Leak, ...], tuple[str, ...]]:
        """What they see in a file beyond its picture, and who looked, with versions.

        One that ends on a file is named as a doubt, and is not among those who looked.
        """
        leaks: list[Leak] = []
        looked = []
        asked: list[tuple[str, str | None, Callable[[], Iterator[Leak]]]] = [
            ("exiftool", self._exiftool, lambda: _of_exiftool(self._read(path)))
        ]
        if video:
            asked.append(("ffprobe", self._ffprobe, lambda: _of_ffprobe(self._probe(path))))
        for name, program, see in asked:
            if program is None:
                continue
            try:
                leaks += see()
                looked.append(f"{name} {self.versions.get(name, '')}".strip())
            except Ended as ended:
                what = f"{name} ended on this file ({ended}), so it did not look"
                leaks.append(doubt(what, "whole file", 0))
        return tuple(leaks), tuple(looked)

    def _read(self, path: Path) -> dict[str, Any]:
        """Every tag that exiftool finds, `Group:Name` to value."""
        words = ["-json", "-G1", "-a", "-ee"]
        name = os.fsencode(path.resolve())
        if _is_plain(name):
            # One process for all files: starting Perl takes longer than reading a photo.
            with self._lock:
                lines = [*(word.encode() for word in words), b"-charset", b"filename=utf8", name]
                out = self._asked.ask(lines)
        else:
            # Its list of words has one a line: a name of several lines comes as an open file.
            out = printed([str(self._exiftool), *words, "-"], path)
        found = _parsed(out)
        tags = found[0] if isinstance(found, list) and found else None
        if not isinstance(tags, dict):
            raise Ended("it gave no answer")
        return tags

    def _probe(self, path: Path) -> dict[str, Any]:
        """What ffprobe says of the file, its streams and its chapters."""
        words = ["-v", "quiet", "-print_format", "json", "-show_format", "-show_streams"]
        command = [str(self._ffprobe), *words, "-show_chapters", f"file:{path.resolve()}"]
        found = _parsed(printed(command))
        if not isinstance(found, dict):
            raise Ended("it gave no answer")
        return found


def _is_plain(name: bytes) -> bool:
    """Whether a name is one line of UTF-8."""
    try:
        return not re.search(r"[\r\n]", name.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _parsed(out: bytes) -> Any:
    try:
        return json.loads(out)
    except ValueError:
        return None


def _of_exiftool(tags: dict[str, Any]) -> Iterator[Leak]:
    # What it merely does not know as a fact is no finding: our own walk has a list of what may be.
    odd = [tag for tag, value in tags.items() if not _is_fact(tag, value)]
    told = [tag for tag in odd if not _CREDIT.match(tag) and _TELLING.search(tag.split(":")[-1])]
    if told:
        yield Leak(f"exiftool sees {_listed(told)}", "whole file", 0)


def _is_fact(tag: str, value: Any) -> bool:
    if _TEXTS.match(tag):
        text = str(value).strip()
        return text in _PLAIN or is_program(text)
    if not _FACTS.match(tag):
        return False
    if _ZERO_DATES.match(tag) and not tag.startswith(("System", "ICC")):
        return str(value).startswith("0000")
    return True


def _of_ffprobe(found: dict[str, Any]) -> Iterator[Leak]:
    streams = found.get("streams", [])
    # Matroska writes all names in capitals, and those of the file with each of its tags.
    tags = _odd_tags(found.get("format", {})) - _FORMAT_FACTS
    for stream in streams:
        tags |= _odd_tags(stream) - _STREAM_FACTS - _FORMAT_FACTS
    if tags:
        yield Leak(f"ffprobe sees the tags {_listed(sorted(tags))}", "whole file", 0)
    if found.get("chapters"):
        yield Leak("ffprobe sees chapters", "whole file", 0)
    kinds = [stream.get("codec_type") for stream in streams]
    odd = [kind for kind in kinds if kind not in ("video", "audio", "subtitle")]
    if odd or kinds.count("video") > 1:
        what = f"ffprobe sees other streams ({', '.join(str(kind) for kind in kinds)})"
        yield Leak(what, "whole file", 0)


def _versions(exiftool: str | None, ffprobe: str | None) -> dict[str, str]:
    versions = {}
    for name, program, word in (("exiftool", exiftool, "-ver"), ("ffprobe", ffprobe, "-version")):
        if program is None:
            continue
        try:
            found = re.search(rb"\d+\.\d+[\w.-]*", printed([program, word]))
        except Ended:
            found = None
        versions[name] = found.group().decode() if found else "unknown"
    return versions


def _odd_tags(described: dict[str, Any]) -> set[str]:
    """Names of tags, but for those that only name a common program."""
    tags = described.get("tags", {})
    return {
        name.lower()
        for name, value in tags.items()
        if not (name.lower() in _WRITERS and is_program(str(value)))
    }


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
