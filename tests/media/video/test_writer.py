import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from shutil import which

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from crowdveil.media.video.clip import AudioChoice, Clip, Span
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader
from crowdveil.media.video.writer import ClipWriter

from .copying import copied
from .films import SECRET, Film, make, packets_of, picture, pictures_of, times_of

Upright = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def psnr(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    error = np.mean([(x.astype(float) - y) ** 2 for x, y in zip(a, b, strict=True)])
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


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
]


@pytest.mark.parametrize("film", FILMS, ids=lambda film: f"{film.name}-{film.codec}")
def test_a_copy_has_the_same_frames_at_the_same_times(film: Film, tmp_path: Path) -> None:
    path = make(tmp_path, film)
    out = copied(path)
    # AVI knows no times, and readers guess where it begins.
    guessed = 2 / 25 if path.suffix == ".avi" else 1e-3
    assert times_of(out) == pytest.approx(times_of(path), abs=guessed)
    assert open_clip(out).stored_wh == open_clip(path).stored_wh
    assert psnr(pictures_of(path), pictures_of(out)) > 33


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
    times = [0, 3003, 6006, 20_000, 20_500, 45_000, 90_000, 93_000]
    path = make(tmp_path, Film(frames=8, times=times))
    assert times_of(copied(path)) == times_of(path)


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


def test_a_copy_that_fails_half_way_says_so_in_one_sentence(tmp_path: Path) -> None:
    from crowdveil.errors import OutputRefused

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
