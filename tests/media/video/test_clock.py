"""Copies of files whose clock breaks off, compared with what ffmpeg decodes of them."""

import json
import struct
import subprocess
from itertools import pairwise
from pathlib import Path
from shutil import which

import pytest

from crowdveil.media.video.clip import Span, VideoFormat
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader

from .copying import copied
from .films import Film, make, packets_of, times_of

pytestmark = pytest.mark.skipif(which("ffmpeg") is None, reason="ffmpeg is not installed")

STEP = 1 / 25


def decoded(path: Path) -> list[str]:
    """A checksum of every frame, by ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-vsync", "passthrough"]
    said = subprocess.run([*command, "-f", "framemd5", "-"], capture_output=True, text=True)
    return [line.split(",")[-1] for line in said.stdout.splitlines() if not line.startswith("#")]


def length_s(path: Path) -> float:
    """How long a file plays, by ffprobe."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json"]
    said = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    return float(json.loads(said.stdout)["format"]["duration"])


def end_to_end(folder: Path, *parts: Path) -> Path:
    path = folder / f"all{parts[0].suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def moved(path: Path, by_s: float) -> Path:
    """The same broadcast, its clock ahead by so many seconds."""
    out = path.with_name("moved.ts")
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-c", "copy", "-copyts"]
    subprocess.run([*command, "-output_ts_offset", str(by_s), str(out)], check=True)
    return out


CASES = [
    Film("a.ts", audio="aac"),
    Film("b.ts", "mpeg2video", audio="mp2"),
    Film("c.ts"),
    Film("a.mpg", "mpeg2video", audio="mp2"),
    Film("a.webm", "libvpx", audio="libopus"),
    Film("a.mkv", audio="aac", options={"bf": "3"}),
]


@pytest.mark.parametrize("film", CASES, ids=lambda film: f"{film.name}-{film.codec}")
def test_a_clock_that_starts_anew_goes_on_and_no_frame_is_squeezed(
    film: Film, tmp_path: Path
) -> None:
    one = make(tmp_path, film)
    path = end_to_end(tmp_path, one, one)
    reader = FrameReader(open_clip(path))
    times = [frame.time_s for frame in reader]
    assert len(times) == len(decoded(path)) == 2 * film.frames
    steps = [after - before for before, after in pairwise(times)]
    assert min(steps) > 0.9 * STEP
    assert reader.damage.sentence() is None
    out = copied(path)
    assert len(decoded(out)) == 2 * film.frames
    # Where sound lasts longer than the picture, the second part waits for its end.
    assert length_s(out) == pytest.approx(2 * length_s(one), abs=0.1)
    if film.audio:
        sound, alone = packets_of(out, "audio"), packets_of(one, "audio")
        assert len(sound) == 2 * len(alone)
        pictures, before = times_of(out), times_of(one)
        late = [sound[len(alone)][0] - pictures[film.frames], alone[0][0] - before[0]]
        assert float(late[0]) == pytest.approx(float(late[1]), abs=0.03)


def test_a_clock_that_jumps_wraps_and_goes_back_many_times_is_one_clock(tmp_path: Path) -> None:
    one = make(tmp_path, Film("a.ts", audio="aac"))
    parts = [one.read_bytes()]
    for by_s in (300.0, 95_440.0, 7.5 * 3600, 0.0):  # 33 bits end after 95,443.7 s
        parts.append(moved(one, by_s).read_bytes())
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join(parts))
    out = copied(path)
    assert len(decoded(out)) == 5 * 24
    assert length_s(out) == pytest.approx(5 * length_s(one), abs=0.2)


def test_a_clock_that_wraps_within_a_film_is_seen_through(tmp_path: Path) -> None:
    one = make(tmp_path, Film("a.ts", frames=100, audio="aac"))
    path = moved(one, (1 << 33) / 90_000 - 3)
    out = copied(path)
    times = [float(time) for time in times_of(out)]
    assert [time - times[0] for time in times] == pytest.approx(
        [k * STEP for k in range(100)], abs=2e-3
    )


def test_a_pause_of_some_seconds_stays_a_pause(tmp_path: Path) -> None:
    times = [3600 * k + (5 * 90_000 if k >= 12 else 0) for k in range(24)]
    out = copied(make(tmp_path, Film("a.ts", times=times)))
    seen = [float(time) for time in times_of(out)]
    assert seen[12] - seen[11] == pytest.approx(5 + STEP, abs=2e-3)


def test_frames_whose_clock_stands_still_are_shown_one_after_the_other(tmp_path: Path) -> None:
    path = make(tmp_path, Film("a.mp4", options={"bf": "0"}))
    data = bytearray(path.read_bytes())
    # One entry says how long each frame lasts; three say that eight in the middle last nothing.
    at = data.index(b"stts") + 4
    _, entries, count, ticks = struct.unpack(">4I", data[at : at + 16])
    assert (entries, count) == (1, 24)
    table = struct.pack(">8I", 0, 3, 8, ticks, 8, 0, 8, ticks)
    free = 16
    data[at : at + 16] = table
    for name, before in ((b"stts", 4), (b"stbl", 4), (b"minf", 4), (b"mdia", 4), (b"trak", 4)):
        place = data.index(name) - before
        size = struct.unpack(">I", data[place : place + 4])[0]
        data[place : place + 4] = struct.pack(">I", size + free)
    place = data.index(b"moov") - 4
    size = struct.unpack(">I", data[place : place + 4])[0]
    data[place : place + 4] = struct.pack(">I", size + free)
    assert data.index(b"mdat") < place  # so that no sample moved
    path.write_bytes(data)
    times = [frame.time_s for frame in FrameReader(open_clip(path))]
    steps = [after - before for before, after in pairwise(times)]
    assert len(times) == len(decoded(path)) == 24
    assert min(steps) > 0.3 * STEP


def test_segments_joined_as_they_came_from_a_server_are_not_damaged(tmp_path: Path) -> None:
    film = make(tmp_path, Film("a.mkv", frames=100, audio="aac", options={"g": "25"}))
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-c", "copy", "-f", "hls"]
    command += ["-hls_time", "1", "-hls_list_size", "0", "list.m3u8"]
    subprocess.run(command, check=True, cwd=tmp_path)
    path = end_to_end(tmp_path, *(tmp_path / f"list{k}.ts" for k in range(4)))
    reader = FrameReader(open_clip(path))
    times = [frame.time_s for frame in reader]
    assert times == pytest.approx([k * STEP for k in range(100)], abs=2e-3)
    assert reader.damage.sentence() is None


@pytest.mark.parametrize("name", ["vfr.avi", "vfr.mkv", "vfr.mp4", "vfr.mov"])
def test_a_frame_that_is_shown_longer_is_no_damage(name: str, tmp_path: Path) -> None:
    times = [3600 * k for k in range(60) if k not in range(10, 15) and k not in range(30, 40)]
    even = make(tmp_path, Film("even.mkv", frames=45, times=times, options={"crf": "0"}))
    path = tmp_path / name
    codec = "mjpeg" if name.endswith(("avi", "mov")) else "copy"
    command = ["ffmpeg", "-v", "error", "-i", str(even), "-vsync", "passthrough", "-c:v", codec]
    subprocess.run([*command, str(path)], check=True)
    for film in (path, copied(path)):
        reader = FrameReader(open_clip(film))
        seen = [frame.time_s for frame in reader]
        assert seen == pytest.approx([time / 90_000 for time in times], abs=2e-3)
        assert reader.damage.sentence() is None
        assert open_clip(film).lacking == ()


def test_a_part_of_a_film_is_counted_by_the_mended_clock(tmp_path: Path) -> None:
    one = make(tmp_path, Film("a.ts", frames=50))
    path = end_to_end(tmp_path, one, one)
    out = copied(path, span=Span(1.0, 3.0))
    assert len(times_of(out)) == 50


@pytest.mark.parametrize("target", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize(
    "film",
    [
        Film("a.ts", audio="aac"),
        Film("c.avi", "mpeg4", audio="pcm_s16le"),
        Film("e.wmv", "wmv2", audio="libmp3lame"),
        Film("f.mkv", audio="wavpack"),
    ],
    ids=lambda film: film.name,
)
def test_a_container_that_was_asked_for_has_all_frames_and_the_sound_in_step(
    film: Film, target: str, tmp_path: Path
) -> None:
    path = make(tmp_path, film)
    out = copied(path, target=VideoFormat(target))
    clip = open_clip(out)
    assert clip.format == target
    assert len(decoded(out)) == len(decoded(path)) == film.frames
    late = []
    for file in (path, out):
        pictures, sound = times_of(file), packets_of(file, "audio")
        late.append(float(sound[0][0] - (pictures[0] if file.suffix != ".avi" else 0)))
        assert sound
    # What is encoded anew begins with a breath of silence.
    assert late[1] == pytest.approx(late[0], abs=0.09)
