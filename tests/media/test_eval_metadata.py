"""Real cameras' files, read and written: an independent reader finds a picture and nothing else."""

import re
import subprocess
from pathlib import Path

import pytest

from crowdveil.errors import CrowdveilError
from crowdveil.media.photos import encode_photo, read_photo

from .conftest import ReadTags, Tags

PHOTO_FOLDERS = ("avif", "bmp", "gif", "heic", "heif", "jpg", "png", "tif", "webp")

STRUCTURE = {
    "AVIF": r"Meta:PrimaryItemReference|QuickTime:.*",
    "BMP": r"File:(BMPVersion|BitDepth|Compression|ImageLength|NumColors|NumImportantColors"
    r"|PixelsPerMeter[XY]|Planes)",
    "GIF": r"GIF:(GIFVersion|HasColorMap|ColorResolutionDepth|BitsPerPixel|BackgroundColor"
    r"|AnimationIterations|FrameCount|Duration|TransparentColor)|File:.*",
    "HEIC": r"Meta:PrimaryItemReference|QuickTime:.*",
    "JPEG": r"JFIF:(JFIFVersion|ResolutionUnit|[XY]Resolution)|File:(BitsPerSample"
    r"|ColorComponents|EncodingProcess|YCbCrSubSampling)|Adobe:.*"
    r"|Photoshop:([XY]Resolution|DisplayedUnits[XY])",
    "PNG": r"PNG:(BitDepth|ColorType|Compression|Filter|Interlace|ProfileName|SRGBRendering"
    r"|Gamma|(WhitePoint|Red|Green|Blue)[XY]"
    r"|ImageWidth|ImageHeight|Palette|Transparency|AnimationFrames|AnimationPlays)"
    r"|PNG-pHYs:Pixel(Units|sPerUnit[XY])",
    "TIFF": r"File:ExifByteOrder|IFD\d+:(BitsPerSample|Compression|ImageHeight|ImageWidth"
    r"|PhotometricInterpretation|PlanarConfiguration|Predictor|ResolutionUnit|RowsPerStrip"
    r"|SamplesPerPixel|StripByteCounts|StripOffsets|[XY]Resolution|ExtraSamples)",
    "WEBP": r"RIFF:(HorizontalScale|VerticalScale|ImageWidth|ImageHeight|VP8Version|WebP_Flags"
    r"|AlphaIsUsed)",
}
"""What each kind of file has to say for a picture to be shown."""

ALWAYS = (
    r"Composite:(ImageSize|Megapixels)|ExifTool:ExifToolVersion"
    r"|File:(FileType|FileTypeExtension|MIMEType|ImageWidth|ImageHeight)"
    r"|ICC-header:.*|ICC_Profile:(ProfileCopyright|ProfileDescription|MediaWhitePoint"
    r"|MediaBlackPoint|ChromaticAdaptation|(Red|Green|Blue)(MatrixColumn|TRC)|GrayTRC"
    r"|(A2B|B2A)\d|Gamut)"
)
TELLING = re.compile(
    r":.*(GPS|Exif|Make|Model|Serial|Date|Time|Thumbnail|Preview|Comment|Artist|Owner|Software"
    r"|XMP|IPTC|Title|Author)"
)
EMPTIED = {
    "ICC-header:DeviceModel": "",
    "ICC-header:ProfileDateTime": "1980:01:01 00:00:00",
}
"""Fields that a profile must have."""


def objections(tags: Tags) -> list[str]:
    """The tags that no picture needs."""
    allowed = re.compile(f"(?:{ALWAYS}|{STRUCTURE[tags['File:FileType']]})")
    return [
        tag
        for tag, value in tags.items()
        if not allowed.fullmatch(tag) or (TELLING.search(tag) and EMPTIED.get(tag) != value)
    ]


def photo_paths(eval_dir: Path) -> list[Path]:
    folders = [eval_dir / "metadata" / name for name in PHOTO_FOLDERS]
    return sorted(path for folder in folders for path in folder.iterdir())


def output_of(path: Path, folder: Path) -> Path | None:
    """The photo read and written; None if it is refused."""
    try:
        photo = read_photo(path)
    except CrowdveilError:
        return None
    output = folder / path.name
    output.write_bytes(encode_photo(photo))
    return output


@pytest.fixture(scope="module")
def outputs(eval_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path | None]:
    folder = tmp_path_factory.mktemp("outputs")
    return {path: output_of(path, folder) for path in photo_paths(eval_dir)}


def test_every_camera_s_photo_is_read(outputs: dict[Path, Path | None]) -> None:
    """Only files that were made to be malformed are refused."""
    malformed = re.compile(r"ImageTestSuite|bmpsuite|Exception")
    refused = [path.name for path, output in outputs.items() if output is None]
    assert [name for name in refused if not malformed.search(name)] == []
    assert len(outputs) - len(refused) >= 30


def test_exiftool_finds_a_picture_and_nothing_else(
    outputs: dict[Path, Path | None], exiftool: ReadTags
) -> None:
    surplus = {}
    for output in filter(None, outputs.values()):
        tags = exiftool(output)
        allowed = re.compile(f"(?:{ALWAYS}|{STRUCTURE[tags['File:FileType']]})")
        found = sorted(
            f"{tag}={value}" for tag, value in tags.items() if not allowed.fullmatch(tag)
        )
        if found:
            surplus[output.name] = found
    assert surplus == {}


def test_the_allow_list_has_no_place_for_what_identifies(
    eval_dir: Path, exiftool: ReadTags
) -> None:
    """The same list finds something to object to in nearly every original."""
    loud = 0
    paths = [path for path in photo_paths(eval_dir) if path.parent.name == "jpg"]
    cameras = [path for path in paths if "ImageTestSuite" not in path.name]
    for path in cameras:
        loud += any(TELLING.search(tag) for tag in objections(exiftool(path)))
    assert loud >= len(cameras) - 1


def test_no_picture_is_inside_another(outputs: dict[Path, Path | None]) -> None:
    for path, output in outputs.items():
        if output is None:
            continue
        data = output.read_bytes()
        inner = data.count(b"\xff\xd8\xff")
        if path.parent.name == "jpg":
            assert inner == 1, path.name
            assert data.endswith(b"\xff\xd9"), path.name


def test_exiftool_can_extract_no_preview(
    outputs: dict[Path, Path | None], exiftool: ReadTags
) -> None:
    written = [str(output) for output in outputs.values() if output is not None]
    command = ["exiftool", "-q", "-q", "-b", "-preview:all", *written]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.stdout == b""
