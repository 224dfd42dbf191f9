"""Real files of every kind under names that say nothing, or something else."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.kinds import Apart, kind_of
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.signatures import HEAD_BYTES, signature_of
from crowdveil.media.video.probe import open_clip


def film(
    container: str, codec: str, *, size: tuple[int, int] = (176, 144), rate: int = 25
) -> bytes:
    """Twelve frames."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(12):
            picture = np.full((size[1], size[0], 3), number * 20, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return file.getvalue()


def sound(container: str, codec: str, *, rate: int = 48000) -> bytes:
    """A fifth of a second."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate, layout="mono")
        format = stream.codec_context.format or av.AudioFormat("s16")
        for start in range(0, rate // 5, 960):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
            frame.rate, frame.pts = rate, start
            resampler = av.AudioResampler(
                format, "mono", rate, frame_size=stream.frame_size or None
            )
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


READ = {
    "MPEG-TS": ("mpegts", "mpeg2video"),
    "MPEG-PS": ("mpeg", "mpeg2video"),
    "H.264": ("h264", "libx264"),
    "HEVC": ("hevc", "libx265"),
    "MPEG-4": ("m4v", "mpeg4"),
    "MPEG-1": ("mpeg1video", "mpeg1video"),
    "AV1": ("obu", "libsvtav1"),
    "Y4M": ("yuv4mpegpipe", "rawvideo"),
    "FLV": ("flv", "flv"),
    "WMV": ("asf", "wmv2"),
    "RealMedia": ("rm", "rv10"),
    "MXF": ("mxf", "mpeg2video"),
    "NUT": ("nut", "mpeg4"),
    "IVF": ("ivf", "libvpx"),
    "3GP": ("3gp", "libx264"),
    "AVI": ("avi", "mpeg4"),
    "Matroska": ("matroska", "libx264"),
}
SOUNDS = {
    "MP3": ("mp3", "libmp3lame"),
    "AAC": ("adts", "aac"),
    "M4A": ("mp4", "aac"),
    "MOV": ("mov", "aac"),
    "WAV": ("wav", "pcm_s16le"),
    "FLAC": ("flac", "flac"),
    "Opus": ("ogg", "libopus"),
    "Matroska": ("matroska", "libopus"),
    "WMA": ("asf", "libmp3lame"),
    "AVI": ("avi", "mp2"),
    "FLV": ("flv", "libmp3lame"),
}
NAMES = ("IMG_0001", "note.txt", "a.xyz", "a.mp4")


@pytest.mark.parametrize("kind", READ)
def test_a_video_is_known_and_can_be_opened_under_any_name(kind: str, tmp_path: Path) -> None:
    data = film(*READ[kind])
    for name in (*NAMES, "a.jpg"):
        path = tmp_path / name
        path.write_bytes(data)
        assert kind_of(path).video is not None
    assert open_clip(tmp_path / "IMG_0001").stored_wh == (176, 144)


def test_a_transport_stream_that_was_cut_anywhere_is_known(tmp_path: Path) -> None:
    data = film("mpegts", "mpeg2video")
    cards = b"".join(bytes(4) + data[k : k + 188] for k in range(0, len(data), 188))
    for number, stream in enumerate((data, cards)):
        for start in (0, 1, 100, 187, 1000):
            path = tmp_path / f"{number}-{start}"
            path.write_bytes(stream[start:])
            assert kind_of(path).video is not None


@pytest.mark.parametrize("kind", SOUNDS)
def test_sound_is_never_a_video_whatever_its_name(kind: str, tmp_path: Path) -> None:
    data = sound(*SOUNDS[kind])
    for name in (*NAMES, "a.ogg", "a.m4a", "a.mp3"):
        path = tmp_path / name
        path.write_bytes(data)
        found = kind_of(path)
        assert not found.media
        assert found.apart is Apart.SOUND


@pytest.mark.parametrize("kind", ["mp4", "matroska", "asf", "avi"])
def test_sound_with_a_picture_is_a_video(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(film(kind, "mpeg4"))
    assert kind_of(path).video is not None


def _pillow(format: str, mode: str = "RGB") -> Callable[[], bytes]:
    def make() -> bytes:
        file = io.BytesIO()
        Image.linear_gradient("L").resize((64, 48)).convert(mode).save(file, format)
        return file.getvalue()

    return make


def _pfm() -> bytes:
    return b"PF\n4 4\n-1.0\n" + bytes(4 * 4 * 12)


def _dicom() -> bytes:
    return bytes(128) + b"DICM\2\0\0\0UL\4\0"


def _wmf() -> bytes:
    return b"\xd7\xcd\xc6\x9a" + bytes(18) + b"\1\0\x09\0\0\3"


def _emf() -> bytes:
    return b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(44)


def _run_length_targa() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "TGA", compression="tga_rle")
    return file.getvalue()[:-26]  # without the footer of later versions


def _targa_with_odd_header() -> bytes:
    return bytes([0, 1, 32]) + bytes(40) + bytes(8) + b"TRUEVISION-XFILE.\0"


REFUSED: dict[str, Callable[[], bytes]] = {
    "PCX": _pillow("PCX"),
    "DDS": _pillow("DDS"),
    "JPEG 2000": _pillow("JPEG2000"),
    "JPEG XL": lambda: b"\xff\x0a\xfa\x1f\x41\x91\x08\x06\x01\x00\x48",
    "Netpbm": _pillow("PPM"),
    "SGI": _pillow("SGI"),
    "TGA": _pillow("TGA"),
    "ICO": _pillow("ICO"),
    "ICNS": _pillow("ICNS"),
    "XBM": _pillow("XBM", "1"),
    "PDF": _pillow("PDF"),
    "EPS": _pillow("EPS"),
    "QOI": _pillow("QOI"),
    "PFM": _pfm,
    "DICOM": _dicom,
    "WMF": _wmf,
    "EMF": _emf,
    "TGA picture": _run_length_targa,
    "a TGA": _targa_with_odd_header,
    "SVG": lambda: b'<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "XPM": lambda: b"/* XPM */\nstatic char *a[] = {};",
    "PSD": lambda: b"8BPS\0\1" + bytes(20),
    "XCF": lambda: b"gimp xcf v011\0",
    "OpenEXR": lambda: b"\x76\x2f\x31\x01\2\0\0\0",
    "Radiance": lambda: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n",
    "FITS": lambda: b"SIMPLE  =                    T",
    "DjVu": lambda: b"AT&TFORM\0\0\0\x10DJVU",
    "FLIF": lambda: b"FLIF31",
    "BPG": lambda: b"BPG\xfb\x20\x00",
    "HEIF sequence": lambda: b"\0\0\0\x1cftyphevc\0\0\0\0msf1hevciso8" + bytes(64),
    "CR3": lambda: b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(64),
    "RAF": lambda: b"FUJIFILMCCD-RAW 0201" + bytes(64),
    "X3F": lambda: b"FOVb" + bytes(64),
    "MRW": lambda: b"\0MRM" + bytes(64),
    "ORF": lambda: b"IIRO\x08\0\0\0" + bytes(64),
    "RW2": lambda: b"IIU\0\x18\0\0\0" + bytes(64),
    "VVC": lambda: b"\0\0\0\1\0\x79\0\x0b" + bytes(64),
    "SWF": lambda: b"FWS\x0a" + bytes(64),
    "Video CD": lambda: b"RIFF\0\0\0\0CDXAfmt " + bytes(64),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_picture_that_is_not_read_is_refused_by_name_whatever_its_own(
    kind: str, tmp_path: Path
) -> None:
    data = REFUSED[kind]()
    for name in ("IMG_0001", "note.txt", "a.jpg", "a.mp4"):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UnsupportedMedia, match=rf"(?s){kind}.* NOT copied"):
            kind_of(path)


@pytest.mark.parametrize("where", ["first", "sub"])
@pytest.mark.parametrize("tag", [(50706, (1, 4, 0, 0)), (262, 32803), (259, 34713)])
def test_a_camera_raw_file_is_known_by_what_the_sensor_saw(
    where: str, tag: tuple[int, object], tmp_path: Path
) -> None:
    path = tmp_path / "scan.tif"
    _tiff(path, None)
    assert kind_of(path).format is PhotoFormat.TIFF
    _tiff(path, tag, sub=where == "sub")
    with pytest.raises(UnsupportedMedia, match="camera raw file"):
        kind_of(path)


def _tiff(path: Path, tag: tuple[int, object] | None, *, sub: bool = False) -> None:
    Image.new("RGB", (8, 8)).save(path)
    if tag is None:
        return
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[tag[0]] = tag[1]
    # Behind the whole file, in a directory of its own, that the first one leads to.
    data = bytearray(path.read_bytes())
    at = len(data) + len(data) % 2
    data += bytes(at - len(data)) + directory.tobytes(at)
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    if sub:
        entry = first + 2
        kept = bytes(data[entry : entry + 12 * count])
        moved = len(data) + len(data) % 2
        data += bytes(moved - len(data))
        data += (count + 1).to_bytes(2, "little") + kept
        data += b"\x4a\x01\x04\0\x01\0\0\0" + at.to_bytes(4, "little") + bytes(4)
        data[4:8] = moved.to_bytes(4, "little")
    else:
        data[4:8] = at.to_bytes(4, "little")
    path.write_bytes(data)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", b"x")
    return file.getvalue()


HOLDERS = {
    "ZIP": _zip(),
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "gzip": b"\x1f\x8b\x08\0",
    "e-mail": b"From: a@example.org\r\nSubject: pictures\r\nMIME-Version: 1.0\r\n\r\n",
    "Office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64),
}


@pytest.mark.parametrize("kind", HOLDERS)
def test_what_may_hold_pictures_is_set_apart_and_refused_under_the_name_of_a_photo(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(HOLDERS[kind])
    assert kind_of(path).apart is Apart.HOLDER
    for name in ("a.jpg", "a.mp4"):
        path = tmp_path / name
        path.write_bytes(HOLDERS[kind])
        with pytest.raises(UnsupportedMedia, match=rf"{kind}.* whatever its name says"):
            kind_of(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.mp4", "a.pcx"])
def test_an_empty_file_that_promises_a_picture_is_called_empty(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UnreadableMedia, match="is empty"):
        kind_of(tmp_path / name)


@pytest.mark.parametrize("name", ["index.ts", "go.mod", "a.mts"])
def test_a_text_that_shares_its_suffix_with_videos_is_no_media(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("export const name = 'K\u00f6ln';\n", encoding="utf-8")
    assert not kind_of(tmp_path / name).media


@pytest.mark.parametrize("suffix", [".jpf", ".pnm", ".sgi", ".wmf", ".jxl", ".heics", ".nef"])
def test_a_name_that_promises_a_picture_is_not_ignored(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"\x9c nothing that is known")
    with pytest.raises(UnsupportedMedia, match="NOT copied"):
        kind_of(path)


@given(st.text(min_size=1))
def test_no_text_is_taken_for_a_picture_or_a_video_unless_it_is_one(text: str) -> None:
    found = signature_of(f"Dear all, {text}".encode("utf-8", "surrogatepass")[:HEAD_BYTES])
    assert found is None


@pytest.mark.parametrize(
    "part", [b"/* a */ ", b"<!-- a -->", b"<?a?>", b"G" * 9, b"P5 # a\n", b"#\n"]
)
def test_no_content_takes_for_ever_to_tell(part: bytes) -> None:
    for start in (b"", b"<", b"P6 ", b"/* XPM"):
        assert signature_of((start + part * HEAD_BYTES)[:HEAD_BYTES]) is None


def test_a_page_with_drawings_in_it_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><html><body><svg width='1'></svg></body></html>")
    assert not kind_of(path).media


def test_programs_and_their_texts_are_no_pictures() -> None:
    folder = Path(subprocess.__file__).parent
    files = [p for p in sorted(folder.glob("*/*")) if p.is_file()]
    files += [*folder.glob("*.py"), Path(sys.executable)]
    assert len(files) > 500
    assert [p for p in files if kind_of(p).media] == []
