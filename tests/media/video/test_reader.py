from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.video.clip import Span, Turn, VideoFormat
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
    "turn", [Turn(k, mirrored) for k in range(4) for mirrored in (False, True)]
)
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_part_of_a_frame_looks_as_it_does_in_the_whole(
    turn: Turn, share: float, tmp_path: Path
) -> None:
    clip = replace(open_clip(make(tmp_path, Film(frames=1, options={"crf": "0"}))), turn=turn)
    frame = next(iter(FrameReader(clip)))
    width, height = (round(side * share) for side in clip.size_wh)
    boxes = np.array([[10, 20, 40, 41], [-5, 60, 8, 400]], np.float32) * np.float32(share)
    whole, part = frame.rgb((width, height)), frame.rgb((width, height), boxes)
    for x0, y0, x1, y1 in np.clip(boxes, 0, (width, height) * 2).round().astype(int).tolist():
        error = np.abs(part[y0:y1, x0:x1].astype(int) - whole[y0:y1, x0:x1])
        assert error.size
        # At its border a part does not know the colour of its neighbours.
        assert error.mean() < 2
    assert (part == 0).all(axis=2).mean() > 0.7


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


DAMAGED = [
    Film("a.mp4", frames=60, options={"g": "12"}, size_wh=(320, 192)),
    Film("a.mkv", frames=60, options={"g": "12"}, size_wh=(320, 192)),
    Film("a.avi", "mpeg4", frames=60, size_wh=(320, 192)),
    Film("a.webm", "libvpx-vp9", frames=60, size_wh=(320, 192)),
    Film("a.mov", "prores_ks", "yuv422p10le", frames=20, size_wh=(320, 192)),
    Film("a.ts", frames=60, options={"g": "12"}, size_wh=(320, 192)),
]


@pytest.mark.parametrize("film", DAMAGED, ids=lambda film: film.name)
@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_video_reads_the_same_twice_and_is_not_taken_for_whole(
    seed: int, film: Film, tmp_path: Path
) -> None:
    path = make(tmp_path, film)
    intact = [frame.rgb((320, 192)).tobytes() for frame in FrameReader(open_clip(path))]
    corrupted(path, seed)
    readings = []
    for _ in range(2):
        reader = FrameReader(open_clip(path))
        readings.append([(frame.pts, frame.rgb((320, 192)).tobytes()) for frame in reader])
    assert readings[0] == readings[1]
    # VP9 carries nothing by which its decoder could tell.
    if [picture for _, picture in readings[0]] != intact and film.codec != "libvpx-vp9":
        assert reader.damage.sentence()
        assert "damaged" in (reader.damage.sentence() or "")


@pytest.mark.parametrize(
    "film",
    [
        *DAMAGED,
        Film("b.avi", "libx264", frames=60, options={"bf": "2"}),
        Film("b.avi", "mpeg4", frames=60, options={"bf": "2"}),
        Film("b.webm", "libvpx", frames=60, options={"auto-alt-ref": "1", "lag-in-frames": "9"}),
        Film("b.flv", "flv", frames=60),
        Film("b.mpg", "mpeg2video", frames=60),
        Film("b.mkv", rate=60, frames=60),
        Film("uneven.mkv", frames=6, times=[0, 3000, 9000, 12_000, 40_000, 41_000]),
    ],
    ids=lambda film: f"{film.name}-{film.codec}",
)
def test_a_whole_video_is_not_taken_for_damaged(film: Film, tmp_path: Path) -> None:
    reader = FrameReader(open_clip(make(tmp_path, film)))
    assert sum(1 for _ in reader) == film.frames
    assert reader.damage.sentence() is None


def test_frames_of_avi_follow_each_other_evenly(tmp_path: Path) -> None:
    film = Film("a.avi", "libx264", frames=30, options={"bf": "3"})
    times = [frame.time_s for frame in FrameReader(open_clip(make(tmp_path, film)))]
    assert times == pytest.approx([k / 25 for k in range(30)])


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"g": "50", "x264-params": "open-gop=1"}),
        ("a.mkv", "libx264", {"g": "250"}),
        ("a.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "60"}),
    ],
)
def test_a_late_span_is_the_same_whether_sought_or_read_up_to(
    name: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    film = Film(name, codec, frames=400, size_wh=(64, 48), options=options)
    clip = open_clip(make(tmp_path, film))
    whole = [frame.rgb((64, 48)).tobytes() for frame in FrameReader(clip)]
    reader = FrameReader(clip, Span(12.3, 13.1))
    sought = [(frame.time_s, frame.rgb((64, 48)).tobytes()) for frame in reader]
    assert [picture for _, picture in sought] == whole[308:328]
    assert sought[0][0] == pytest.approx(0.02, abs=2e-3)
    assert reader.damage.sentence() is None


def test_a_picture_that_changes_its_size_is_one_clear_error(tmp_path: Path) -> None:
    small = make(tmp_path, Film("a.ts", frames=30))
    large = make(tmp_path, Film("b.ts", frames=30, size_wh=(320, 192)))
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(UnreadableMedia, match="changes size"):
        list(FrameReader(open_clip(path)))


@pytest.mark.parametrize("suffix", ["mkv", "avi", "ts"])
def test_a_truncated_video_says_how_much_is_missing(suffix: str, tmp_path: Path) -> None:
    codec = "mpeg4" if suffix == "avi" else "libx264"
    path = make(tmp_path, Film(f"a.{suffix}", codec, frames=100, options={"g": "10"}))
    reader = FrameReader(open_clip(cut_off(path, 0.6)))
    count = sum(1 for _ in reader)
    assert 10 < count < 100
    # A stream without an index or a length cannot tell where it should have ended.
    assert suffix == "ts" or reader.damage.sentence()


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
