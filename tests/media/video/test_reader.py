from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.video.clip import Span, VideoFormat
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader

from .films import Film, make, picture, pictures_of, times_of


def test_frames_come_in_order_with_their_times_and_colours(tmp_path: Path) -> None:
    path = make(tmp_path, Film())
    clip = open_clip(path)
    frames = list(FrameReader(clip))
    assert [frame.number for frame in frames] == list(range(24))
    assert [frame.time_s for frame in frames] == pytest.approx([k / 25 for k in range(24)])
    for frame in frames:
        error = np.abs(frame.rgb(clip.size_wh).astype(int) - picture(frame.number, (160, 96)))
        # Colour is stored at a quarter of the pixels and with loss.
        assert error.mean() < 12


def test_a_frame_at_half_size_is_the_mean_of_its_pixels(tmp_path: Path) -> None:
    path = make(tmp_path, Film(options={"crf": "0"}))
    clip = open_clip(path)
    frame = next(iter(FrameReader(clip)))
    whole = frame.rgb((160, 96)).reshape(48, 2, 80, 2, 3).mean(axis=(1, 3))
    assert np.abs(frame.rgb((80, 48)) - whole).mean() < 3


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "format"),
    [
        ("a.mp4", "libx264", "yuv420p", VideoFormat.MP4),
        ("a.mov", "libx264", "yuv422p", VideoFormat.MOV),
        ("a.mkv", "libx265", "yuv420p10le", VideoFormat.MKV),
        ("a.webm", "libvpx-vp9", "yuv420p", VideoFormat.WEBM),
        ("b.webm", "libvpx", "yuv420p", VideoFormat.WEBM),
        ("a.avi", "mpeg4", "yuv420p", VideoFormat.AVI),
        ("b.avi", "mjpeg", "yuvj420p", VideoFormat.AVI),
        ("b.mov", "prores_ks", "yuv422p10le", VideoFormat.MOV),
        ("b.mkv", "ffv1", "bgr0", VideoFormat.MKV),
        ("b.mp4", "libsvtav1", "yuv420p", VideoFormat.MP4),
    ],
)
def test_what_phones_cameras_and_editors_write_is_read(
    name: str, codec: str, pixels: str, format: VideoFormat, tmp_path: Path
) -> None:
    clip = open_clip(make(tmp_path, Film(name, codec, pixels, frames=6)))
    frames = list(FrameReader(clip))
    assert clip.format is format
    assert len(frames) == 6
    assert all(plane.samples.flags.writeable for plane in frames[0].planes())


def test_painting_a_frame_changes_no_later_one(tmp_path: Path) -> None:
    clip = open_clip(make(tmp_path, Film()))
    plain = [frame.rgb((160, 96)) for frame in FrameReader(clip)]
    for frame, expected in zip(FrameReader(clip), plain, strict=True):
        assert np.array_equal(frame.rgb((160, 96)), expected)
        for plane in frame.planes():
            plane.samples[...] = 0


def test_a_span_begins_and_ends_where_it_is_told(tmp_path: Path) -> None:
    clip = open_clip(make(tmp_path, Film(frames=50)))
    frames = list(FrameReader(clip, Span(0.4, 1.2)))
    whole = [frame.rgb((160, 96)) for frame in FrameReader(clip)]
    assert len(frames) == 20
    assert frames[0].number == 0
    assert frames[0].time_s == pytest.approx(0)
    assert all(
        np.array_equal(frame.rgb((160, 96)), whole[10 + k]) for k, frame in enumerate(frames)
    )


def test_a_span_past_the_end_is_one_clear_error(tmp_path: Path) -> None:
    clip = open_clip(make(tmp_path, Film()))
    with pytest.raises(UnreadableMedia, match="in the part that was asked for"):
        list(FrameReader(clip, Span(5.0)))


def test_uneven_times_stay_uneven(tmp_path: Path) -> None:
    times = [0, 3003, 6006, 20_000, 20_500, 45_000, 90_000, 93_000]
    path = make(tmp_path, Film("a.mkv", frames=8, times=times))
    frames = list(FrameReader(open_clip(path)))
    expected = [float(time - times_of(path)[0]) for time in times_of(path)]
    assert [frame.time_s for frame in frames] == pytest.approx(expected)


def cut_off(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def corrupted(path: Path, seed: int) -> Path:
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for at in rng.integers(len(data) // 3, len(data) * 3 // 4, 40).tolist():
        data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    return path


def test_a_truncated_video_gives_what_is_there_and_says_what_is_missing(tmp_path: Path) -> None:
    path = cut_off(make(tmp_path, Film("a.mkv", frames=100, options={"g": "10"})), 0.5)
    reader = FrameReader(open_clip(path))
    count = sum(1 for _ in reader)
    assert 10 < count < 100
    assert "damaged" in (reader.damage.sentence() or "")


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_video_reads_the_same_twice_and_is_not_taken_for_whole(
    seed: int, tmp_path: Path
) -> None:
    film = Film("a.mkv", frames=80, options={"g": "12"}, size_wh=(320, 192))
    path = corrupted(make(tmp_path, film), seed)
    readings = []
    for _ in range(2):
        reader = FrameReader(open_clip(path))
        readings.append([(frame.pts, frame.rgb((320, 192)).tobytes()) for frame in reader])
    assert readings[0] == readings[1]
    assert reader.damage.sentence() or len(readings[0]) == 80


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"not a video"])
def test_what_holds_no_video_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableMedia) as caught:
        open_clip(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_video_without_its_index_is_one_clear_error(tmp_path: Path) -> None:
    path = cut_off(make(tmp_path, Film(frames=60)), 0.7)
    with pytest.raises(UnreadableMedia, match="copy it again"):
        open_clip(path)


def test_sound_without_a_picture_is_refused(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 48_000), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 48_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(UnsupportedMedia, match="no moving picture"):
        open_clip(path)


def test_a_gone_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="No such file"):
        open_clip(tmp_path / "gone.mp4")


def test_real_videos_turn_upright(eval_dir: Path) -> None:
    clip = open_clip(eval_dir / "metadata" / "mov" / "mov__with-gps.mov")
    assert clip.stored_wh == (568, 320)
    assert clip.size_wh == (320, 568)
    stored = pictures_of(clip.path)[0]
    upright = next(iter(FrameReader(clip))).rgb(clip.size_wh)
    error = np.abs(np.rot90(stored, -1).astype(int) - upright)
    assert error.mean() < 5
    assert clip.rate == Fraction(72_000, 2401)
