import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from shutil import which
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from crowdveil.errors import OutputRefused
from crowdveil.media.video.clip import AudioChoice, Clip, Span, Turn
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader
from crowdveil.media.video.verify import faults_of
from crowdveil.media.video.writer import ClipWriter

from .copying import copied
from .films import SECRET, Film, make, packets_of, picture, pictures_of, times_of

Upright = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def psnr(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    error = np.mean([(x.astype(float) - y) ** 2 for x, y in zip(a, b, strict=True)])
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


UNEVEN = [0, 3003, 6006, 9009, 20_500, 45_000, 90_000, 93_000]

FILMS = [
    Film("a.mp4", audio="aac"),
    Film("a.mov", pixels="yuv422p", audio="aac"),
    Film("a.mkv", "libx265", "yuv420p10le", audio="flac"),
    Film("b.mkv", "libx264", "yuv444p"),
    Film("a.webm", "libvpx-vp9", audio="libopus"),
    Film("a.avi", "mpeg4", audio="libmp3lame"),
    Film("b.avi", "mjpeg", "yuvj420p"),
    Film("b.mov", "prores_ks", "yuv422p10le"),
    Film("b.mp4", "libsvtav1"),
    Film("odd.mkv", "ffv1", size_wh=(161, 97)),
    Film("odd.webm", "libvpx-vp9", size_wh=(161, 97)),
    Film("deep.avi", "ffv1", "yuv422p10le"),
    Film("deep.webm", "libsvtav1", "yuv420p10le", options={"preset": "10"}),
    Film("deep.mkv", "ffv1", "yuv444p12le"),
    Film("grey.mkv", "ffv1", "gray"),
    Film("grey10.mov", "libx265", "gray10le"),
    Film("rgb.mkv", "libx264rgb", "rgb24"),
    Film("rgb.mov", "png", "rgb24"),
    Film("a.ts", audio="mp2"),
    Film("a.flv", "flv", audio="libmp3lame"),
    Film("a.mpg", "mpeg1video", audio="mp2"),
    Film("a.3gp", "mpeg4", audio="aac"),
]


@pytest.mark.parametrize("film", FILMS, ids=lambda film: f"{film.name}-{film.codec}")
def test_a_copy_has_the_same_frames_at_the_same_times(film: Film, tmp_path: Path) -> None:
    path = make(tmp_path, film)
    out = copied(path)
    before, after = times_of(path), times_of(out)
    if path.suffix in (".ts", ".mpg"):  # clocks that begin anywhere; Matroska's begins at zero
        before, after = ([time - times[0] for time in times] for times in (before, after))
    # AVI knows no times, and readers guess where it begins.
    guessed = 2 / 25 if path.suffix == ".avi" else 1.1e-3
    assert after == pytest.approx(before, abs=guessed)
    assert open_clip(out).stored_wh == open_clip(path).stored_wh
    assert psnr(pictures_of(path), pictures_of(out)) > 38


@pytest.mark.parametrize(
    ("film", "codec", "pixels"),
    [
        (Film("a.mp4", pixels="yuv444p"), "h264", "yuv444p"),
        (Film("a.mov", "prores_ks", "yuva444p10le"), "hevc", "yuv444p12le"),
        (Film("a.mkv", "libx265", "yuv422p12le"), "hevc", "yuv422p12le"),
        (Film("a.avi", "ffv1", "yuv422p10le"), "h264", "yuv422p10le"),
        (Film("a.webm", "libsvtav1", "yuv420p10le"), "av1", "yuv420p10le"),
        (Film("b.mkv", "ffv1", "yuv411p"), "h264", "yuv422p"),
        (Film("c.mkv", "libx264rgb", "rgb24"), "h264", "yuv444p"),
    ],
    ids=lambda value: value.name if isinstance(value, Film) else "",
)
def test_depth_and_colour_resolution_are_kept(
    film: Film, codec: str, pixels: str, tmp_path: Path
) -> None:
    clip = open_clip(copied(make(tmp_path, film)))
    assert (clip.codec, clip.pixels) == (codec, pixels)


def test_the_picture_of_a_copy_looks_the_same(tmp_path: Path) -> None:
    path = make(tmp_path, Film(size_wh=(640, 384), options={"crf": "12"}))
    assert psnr(pictures_of(path), pictures_of(copied(path))) > 38


def test_a_rate_factor_of_zero_loses_nothing(tmp_path: Path) -> None:
    path = make(tmp_path, Film())
    for before, after in zip(pictures_of(path), pictures_of(copied(path, crf=0)), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("film", [f for f in FILMS if f.audio], ids=lambda film: film.name)
def test_sound_is_passed_on_bit_for_bit_or_left_out(film: Film, tmp_path: Path) -> None:
    path = make(tmp_path, film)
    kept = copied(path)
    assert [data for _, data in packets_of(kept, "audio")] == [
        data for _, data in packets_of(path, "audio")
    ]
    with av.open(str(copied(path, audio=AudioChoice.DROP))) as out:
        assert not out.streams.audio


def test_uneven_times_stay_as_they_were(tmp_path: Path) -> None:
    path = make(tmp_path, Film(frames=8, times=UNEVEN))
    assert times_of(copied(path)) == times_of(path)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_copy_ends_when_its_last_frame_has_been_shown(codec: str, tmp_path: Path) -> None:
    film = Film("a.mov", codec, frames=8, times=UNEVEN, options={"bf": "0"})
    if codec == "libx265":
        film = replace(film, pixels="yuv420p10le", options={"x265-params": "bframes=0"})
    path = make(tmp_path, film)
    lengths = []
    for file in (path, copied(path)):
        with av.open(str(file)) as opened:
            stream = opened.streams.video[0]
            lengths.append((stream.duration or 0) * Fraction(stream.time_base or 0))
    assert lengths[0] == lengths[1] > 1


def test_a_span_is_cut_out_with_its_sound(tmp_path: Path) -> None:
    path = make(tmp_path, Film("a.mkv", frames=75, audio="aac"))
    out = copied(path, span=Span(1.0, 2.0))
    assert len(times_of(out)) == 25
    assert float(times_of(out)[0]) == pytest.approx(0, abs=0.05)
    sound = [time for time, _ in packets_of(out, "audio")]
    assert float(min(sound)) == pytest.approx(0, abs=0.05)
    assert float(max(sound)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "film",
    [
        Film("a.mp4", tagged=True, audio="aac"),
        Film("a.mov", tagged=True, audio="aac"),
        Film("a.mkv", tagged=True, audio="flac"),
        Film("a.webm", "libvpx-vp9", tagged=True, audio="libopus"),
        Film("a.avi", "mpeg4", tagged=True, audio="libmp3lame"),
    ],
    ids=lambda film: film.name,
)
def test_tags_are_gone(film: Film, tmp_path: Path) -> None:
    path = make(tmp_path, film)
    assert SECRET.encode() in path.read_bytes()
    data = copied(path).read_bytes()
    for told in (SECRET, "48.8584", "x264", "x265", "options:"):
        assert told.encode() not in data


def test_a_pixel_that_is_not_square_stays_so(tmp_path: Path) -> None:
    out = copied(make(tmp_path, Film(aspect=Fraction(4, 3))))
    assert open_clip(out).pixel_aspect == Fraction(4, 3)


def test_high_dynamic_range_stays_in_ten_bits_with_its_colours(tmp_path: Path) -> None:
    hlg = Film("a.mp4", "libx265", "yuv420p10le", colours=(1, 9, 18, 9))
    out = copied(make(tmp_path, hlg))
    with av.open(str(out)) as file:
        context = file.streams.video[0].codec_context
        assert context.name == "hevc"
        assert context.pix_fmt == "yuv420p10le"
        assert (context.color_primaries, context.color_trc, context.colorspace) == (9, 18, 9)


MASTERED = (
    "log-level=none:hdr10=1:repeat-headers=0:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_hdr10_keeps_its_mastering_display_and_its_light_level(name: str, tmp_path: Path) -> None:
    film = Film(
        name, "libx265", "yuv420p10le", colours=(1, 9, 16, 9), options={"x265-params": MASTERED}
    )
    path = make(tmp_path, film)
    told = []
    for file in (path, copied(path)):
        with av.open(str(file)) as opened:
            sides: Any = next(opened.decode(video=0)).side_data
            wanted = (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL)
            told.append({side.type: bytes(side) for side in sides if side.type in wanted})
    assert len(told[0]) == 2
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
@pytest.mark.parametrize(
    ("turned", "upright"),
    [
        ((0, 1, -1, 0), lambda stored: np.rot90(stored, -1)),
        ((-1, 0, 0, -1), lambda stored: np.rot90(stored, 2)),
        ((0, -1, 1, 0), lambda stored: np.rot90(stored)),
        ((-1, 0, 0, 1), np.fliplr),
        ((0, 1, 1, 0), lambda stored: np.rot90(np.fliplr(stored))),
    ],
    ids=["right", "over", "left", "mirrored", "mirrored and left"],
)
def test_which_way_is_up_is_kept(
    name: str, turned: tuple[int, int, int, int], upright: Upright, tmp_path: Path
) -> None:
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = make(tmp_path, Film(name, codec, frames=3, turned=turned))
    out = copied(path)
    before, after = open_clip(path), open_clip(out)
    assert (after.turn, after.stored_wh) == (before.turn, before.stored_wh)
    seen = next(iter(FrameReader(after))).rgb(after.size_wh)
    assert np.abs(seen.astype(int) - upright(picture(0, (160, 96)))).mean() < 12


def test_streams_that_tell_are_left_out_and_said_to_be(eval_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.mov"
    path.write_bytes((eval_dir / "metadata" / "mov" / "mov__with-gps.mov").read_bytes())
    clip = open_clip(path)
    assert any("timed data" in notice for notice in clip.notices)
    out = copied(path)
    with av.open(str(out)) as file:
        assert {stream.type for stream in file.streams} == {"video", "audio"}
    data = out.read_bytes()
    for told in (b"Apple", b"iPhone", b"2019", b"+32.0929", b"mebx", b"12.3"):
        assert (told in data) <= (told in (b"Apple",) and b"Apple QuickTime" in data)


@pytest.mark.skipif(which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("kind", ["mov", "mp4"])
def test_exiftool_finds_no_one_in_copies_of_real_videos(
    kind: str, eval_dir: Path, tmp_path: Path
) -> None:
    allowed = {
        "AudioBitsPerSample", "AudioChannels", "AudioFormat", "AudioSampleRate", "Balance",
        "BitDepth", "ColorProfiles", "ColorPrimaries", "CompatibleBrands", "CompressorID",
        "CreateDate", "CurrentTime", "Duration", "GraphicsMode", "HandlerClass",
        "HandlerDescription", "HandlerType", "ImageHeight", "ImageWidth", "LayoutFlags",
        "MajorBrand", "MatrixCoefficients", "MatrixStructure", "MediaCreateDate",
        "MediaDataOffset", "MediaDataSize", "MediaDuration", "MediaHeaderVersion",
        "MediaLanguageCode", "MediaModifyDate", "MediaTimeScale", "MinorVersion", "ModifyDate",
        "MovieHeaderVersion", "NextTrackID", "OpColor", "PixelAspectRatio", "PosterTime",
        "PreferredRate", "PreferredVolume", "PreviewDuration", "PreviewTime",
        "PurchaseFileFormat", "SelectionDuration", "SelectionTime", "SourceImageHeight",
        "SourceImageWidth", "TimeScale", "TrackCreateDate", "TrackDuration",
        "TrackHeaderVersion", "TrackID", "TrackLayer", "TrackModifyDate", "TrackVolume",
        "HandlerVendorID", "TransferCharacteristics", "VendorID", "VideoFrameRate",
        "VideoFullRangeFlag",
        "XResolution", "YResolution", "BufferSize", "MaxBitrate", "AverageBitrate",
    }  # fmt: skip
    for number, source in enumerate(sorted((eval_dir / "metadata" / kind).iterdir())):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / f"in.{kind}"
        path.write_bytes(source.read_bytes())
        out = copied(path)
        said = subprocess.run(
            ["exiftool", "-s", "-a", "-G0", str(out)], capture_output=True, text=True, check=True
        ).stdout
        for line in said.splitlines():
            group, _, rest = line.partition("]")
            name, _, value = rest.partition(":")
            if group.strip("[ ") != "QuickTime":
                continue
            assert name.strip() in allowed, line
            if name.strip().endswith("Date"):
                assert value.strip() == "0000:00:00 00:00:00", line


@pytest.mark.skipif(which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("film", FILMS, ids=lambda film: f"{film.name}-{film.codec}")
def test_ffprobe_counts_the_same_frames_and_finds_no_name(film: Film, tmp_path: Path) -> None:
    path = make(tmp_path, replace(film, tagged=True))
    seen = []
    for file in (path, copied(path)):
        command = ["ffprobe", "-v", "error", "-count_frames", "-of", "json"]
        command += ["-show_streams", "-show_format", "-show_chapters", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seen.append(json.loads(done.stdout))
    before, after = (
        next(stream for stream in told["streams"] if stream["codec_type"] == "video")
        for told in seen
    )
    for name in ("nb_read_frames", "width", "height", "sample_aspect_ratio"):
        assert after.get(name, "1:1") == before.get(name, "1:1")
    assert SECRET not in json.dumps(seen[1])
    tags = seen[1]["format"].get("tags", {})
    assert set(tags) <= {"major_brand", "minor_version", "compatible_brands", "encoder"}
    assert tags.get("encoder", "Lavf") == "Lavf"
    assert not seen[1]["chapters"]


def test_a_copy_that_is_other_than_meant_is_found_out(tmp_path: Path) -> None:
    path = make(tmp_path, Film(audio="aac", tagged=True))
    clean = copied(path)
    clip, one = open_clip(path), range(1, 2)
    assert faults_of(clean, clip, frames=24, others=one) == ()
    assert any("frames" in fault for fault in faults_of(clean, clip, frames=25, others=one))
    assert any("streams" in fault for fault in faults_of(clean, clip, frames=24, others=range(1)))
    assert any("tags" in fault for fault in faults_of(path, clip, frames=24, others=one))
    lying = replace(clip, turn=Turn(1), stored_wh=(96, 160))
    assert len(faults_of(clean, lying, frames=24, others=one)) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    clip = open_clip(make(tmp_path, Film("a.mkv", frames=60)))

    def write_all() -> None:
        with ClipWriter(Path("/dev/full"), clip) as writer:
            for frame in FrameReader(clip):
                writer.write(frame)
            writer.finish()

    with pytest.raises(OutputRefused, match="space left"):
        write_all()


def test_no_frames_make_no_copy(tmp_path: Path) -> None:
    clip = open_clip(make(tmp_path, Film()))
    with ClipWriter(tmp_path / "out.mp4", clip) as writer, pytest.raises(OutputRefused):
        writer.finish()
    assert not (tmp_path / "out.mp4").exists()


def test_a_copy_that_fails_half_way_says_so_in_one_sentence(tmp_path: Path) -> None:
    clip = open_clip(make(tmp_path, Film()))

    def write_all() -> None:
        with ClipWriter(tmp_path / "no folder" / "out.mp4", clip) as writer:
            for frame in FrameReader(clip):
                writer.write(frame)
            writer.finish()

    with pytest.raises(OutputRefused, match="cannot be written"):
        write_all()


def test_real_phone_videos_keep_times_and_direction(eval_dir: Path, tmp_path: Path) -> None:
    for number, kind in enumerate(("mov", "mp4")):
        for source in sorted((eval_dir / "metadata" / kind).iterdir()):
            path = tmp_path / f"{number}-{source.name}"
            path.write_bytes(source.read_bytes())
            clip: Clip = open_clip(path)
            out = copied(path)
            assert times_of(out) == pytest.approx(times_of(path), abs=2e-3)
            assert open_clip(out).turn == clip.turn
            out.unlink()
