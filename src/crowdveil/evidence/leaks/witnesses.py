"""Asks exiftool and ffprobe what they see in a file, if they are installed.

They share no code with ours. What they name beyond the facts that every picture or video has is
handed out as a leak; whether they were there is told in the record. Nothing depends on them.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from crowdveil.evidence.leaks.leak import Leak, doubt

_TIMEOUT_S = 120
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
    r".*:(HandlerDescription|CompressorName|TrackName|MuxingApp|WritingApp|HandlerName)$"
)
_PLAIN = frozenset(
    {"", "VideoHandler", "SoundHandler", "SubtitleHandler", "DataHandler", "Lavf", "Apple Alias"}
)
_LIBRARIES = ("Lavc", "Lavf")
_TELLING = re.compile(
    r"GPS|Serial|Date|Comment|Artist|Author|Creator|Owner|Title|Thumbnail|Preview|Make|Model|"
    r"Location|Description|Software|Copyright|Name|Trailer|MPImage|XMP|IPTC|Email|Phone|City",
    re.IGNORECASE,
)
_CREDIT = re.compile(r"^(XMP-(dc|photoshop|x|plus|xmpRights)|IPTC|IPTC\d?):")
_NAMED = 8
_STREAM_FACTS = frozenset(
    {"language", "duration", "handler_name", "vendor_id", "encoder", "rotate"}
)
_FORMAT_FACTS = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


class Witnesses:
    """The programs of others that look at files too; use as a context manager."""

    def __init__(self) -> None:
        """Find out which are installed."""
        self._exiftool, self._ffprobe = shutil.which("exiftool"), shutil.which("ffprobe")
        self._process: subprocess.Popen[bytes] | None = None
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
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(b"-stay_open\nFalse\n")
            self._process.stdin.flush()
            self._process.wait(_TIMEOUT_S)

    @property
    def absent(self) -> tuple[str, ...]:
        """Those that are not installed."""
        found = {"exiftool": self._exiftool, "ffprobe": self._ffprobe}
        return tuple(name for name, path in found.items() if path is None)

    def look(self, path: Path, *, video: bool) -> tuple[tuple[Leak, ...], tuple[str, ...]]:
        """What they see in a file beyond its picture, and who looked, with versions."""
        leaks: list[Leak] = []
        looked = []
        if self._exiftool is not None:
            leaks += _of_exiftool(self._read(path))
            looked.append(f"exiftool {self.versions.get('exiftool', '')}".strip())
        if video and self._ffprobe is not None:
            leaks += _of_ffprobe(_probed(self._ffprobe, path))
            looked.append(f"ffprobe {self.versions.get('ffprobe', '')}".strip())
        return tuple(leaks), tuple(looked)

    def _read(self, path: Path) -> dict[str, Any]:
        """Every tag that exiftool finds, `Group:Name` to value."""
        # One process for all files: starting Perl takes longer than reading a photo.
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [str(self._exiftool), "-stay_open", "True", "-@", "-"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            process = self._process
            if process.stdin is None or process.stdout is None:
                return {}
            name = str(path.resolve())
            if "\n" in name:
                return {}
            words = ["-json", "-G1", "-a", "-ee", "-charset", "filename=utf8", name]
            process.stdin.write("\n".join([*words, "-execute", ""]).encode())
            process.stdin.flush()
            lines = []
            while (line := process.stdout.readline()).strip() != b"{ready}" and line:
                lines.append(line)
        try:
            found: list[dict[str, Any]] = json.loads(b"".join(lines))
        except ValueError:
            return {}
        return found[0] if found else {}


def _of_exiftool(tags: dict[str, Any]) -> Iterator[Leak]:
    odd = [tag for tag, value in tags.items() if not _is_fact(tag, value)]
    kept = [tag for tag in odd if _CREDIT.match(tag)]
    told = [tag for tag in odd if tag not in kept and _TELLING.search(tag.split(":")[-1])]
    rest = [tag for tag in odd if tag not in kept and tag not in told]
    if told:
        yield Leak(f"exiftool sees {_listed(told)}", "whole file", 0)
    if rest or kept:
        yield doubt(f"exiftool sees {_listed(rest + kept)}", "whole file", 0)


def _is_fact(tag: str, value: Any) -> bool:
    if not _FACTS.match(tag):
        return False
    if _ZERO_DATES.match(tag) and not tag.startswith(("System", "ICC")):
        return str(value).startswith("0000")
    if _TEXTS.match(tag):
        text = str(value).strip()
        return text in _PLAIN or text.startswith(_LIBRARIES)
    return True


def _probed(program: str, path: Path) -> dict[str, Any]:
    command = [program, "-v", "quiet", "-print_format", "json", "-show_format", "-show_streams"]
    done = subprocess.run(
        [*command, "-show_chapters", f"file:{path.resolve()}"],
        capture_output=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {}
    return found


def _of_ffprobe(found: dict[str, Any]) -> Iterator[Leak]:
    streams = found.get("streams", [])
    # Matroska writes all names in capitals, and those of the file with each of its tags.
    tags = {tag.lower() for tag in found.get("format", {}).get("tags", {})} - _FORMAT_FACTS
    of_streams = {tag.lower() for stream in streams for tag in stream.get("tags", {})}
    tags |= of_streams - _STREAM_FACTS - _FORMAT_FACTS
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
        done = subprocess.run([program, word], capture_output=True, check=False, timeout=_TIMEOUT_S)
        found = re.search(rb"\d+\.\d+[\w.-]*", done.stdout)
        versions[name] = found.group().decode() if found else "unknown"
    return versions


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
