"""Videos through the real command line, made of the demo's faces."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from crowdveil.plan import Plan

Run = Callable[..., Any]

FRAMES, RATE, SIZE = 40, 25, (320, 240)


@pytest.fixture(scope="session")
def street(people_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera that pans over a few people, with a title that tells."""
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    with Image.open(people_photo) as image:
        people = np.asarray(image.convert("RGB"))
    with av.open(str(path), "w") as out:
        out.metadata["title"] = "SECRET-4711"
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "16"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for k in range(FRAMES):
            part = people[100 : 100 + SIZE[1], 2 * k + 60 : 2 * k + 60 + SIZE[0]]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(part), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [np.asarray(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]


def test_a_video_is_veiled_in_every_frame_and_photos_go_along(
    crowdveil: Run, street: Path, people_photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(street.read_bytes())
    (folder / "b.jpg").write_bytes(people_photo.read_bytes())
    said = crowdveil(
        "veil", folder, "-o", tmp_path / "out", "--crf", "0", "--plans", tmp_path / "p"
    )
    assert said.code == 0
    assert "1 photo and 1 video" in said.out
    plan = Plan.load(tmp_path / "p" / "a.mp4.plan.json")
    assert plan.source.frames == FRAMES
    assert plan.tracks
    before, after = pictures(street), pictures(tmp_path / "out" / "a.mp4")
    assert len(after) == FRAMES
    assert b"SECRET" not in (tmp_path / "out" / "a.mp4").read_bytes()
    photo = Plan.load(tmp_path / "p" / "b.jpg.plan.json")
    sure = [region for region in photo.regions if region.score > 0.9]
    assert sure
    for k in range(FRAMES):
        for region in sure:
            x0, y0, x1, y1 = region.box
            x, y, half = (x0 + x1) / 2 - 2 * k - 60, (y0 + y1) / 2 - 100, (x1 - x0) / 4
            rows, columns = (slice(int(max(c - half, 0)), int(c + half)) for c in (y, x))
            face = before[k][rows, columns]
            if x < 10 or y < 10 or x > SIZE[0] - 10 or y > SIZE[1] - 10 or not face.size:
                continue
            changed = (face != after[k][rows, columns]).any(axis=-1).mean()
            assert changed > 0.8, (k, region.id)


def test_who_comes_into_sight_just_before_a_cut_is_veiled(
    crowdveil: Run, people_photo: Path, tmp_path: Path
) -> None:
    with Image.open(people_photo) as image:
        people = image.convert("RGB").reduce(4)
    coarse = np.random.default_rng(7).integers(0, 256, (18, 32, 3), np.uint8)
    wall = np.asarray(Image.fromarray(coarse).resize((1280, 720), Image.Resampling.BICUBIC))
    crowd = wall.copy()
    crowd[300 : 300 + people.height, 500 : 500 + people.width] = people
    shots = [wall] * 20 + [crowd] * 2 + [255 - wall] * 8
    film = tmp_path / "film.mkv"
    with av.open(str(film), "w") as out:
        stream = out.add_stream("ffv1", rate=RATE, width=1280, height=720, pix_fmt="bgr0")
        for frame in shots:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode(None))
    photo = tmp_path / "photo.png"
    Image.fromarray(crowd).save(photo)
    crowdveil("plan", film, photo, "-o", tmp_path / "p")
    boxes = [
        np.array(track.keyframes[0][1:])
        for track in Plan.load(tmp_path / "p" / "film.mkv.plan.json").tracks
        if track.keyframes[0][0] <= 20 and track.keyframes[-1][0] == 21
    ]
    known = [r for r in Plan.load(tmp_path / "p" / "photo.png.plan.json").regions if r.score > 0.9]
    assert len(known) >= 3
    assert boxes
    for region in known:
        assert min(np.abs(box - region.box).max() for box in boxes) < 4, region


def test_outside_the_veils_not_a_sample_changes(
    crowdveil: Run, street: Path, tmp_path: Path
) -> None:
    crowdveil("plan", street, "-o", tmp_path / "p")
    path = tmp_path / "p" / "street.mp4.plan.json"
    plan = json.loads(path.read_text())
    plan["tracks"] = [
        {"id": "t1", "keyframes": [[5, 100, 60, 140, 110], [20, 130, 60, 170, 110]], "shape": "box"}
    ]
    path.write_text(json.dumps(plan))
    said = crowdveil("render", path, "-o", tmp_path / "out.mp4", "--crf", "0", "--margin", "1")
    assert said.code == 0
    for k, (a, b) in enumerate(zip(pictures(street), pictures(tmp_path / "out.mp4"), strict=True)):
        changed = (a != b).any(axis=-1)
        if not 5 <= k <= 20:
            assert not changed.any()
            continue
        x = 100 + (k - 5) * 2
        assert changed[64:106, x + 4 : x + 36].mean() > 0.8
        changed[56:114, x - 4 : x + 46] = False
        assert not changed.any()


def test_a_video_that_changed_since_its_plan_is_refused(
    crowdveil: Run, street: Path, tmp_path: Path
) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(street.read_bytes())
    crowdveil("plan", film, "-o", tmp_path / "p")
    film.write_bytes(street.read_bytes() + b"\0" * 8)
    said = crowdveil("render", tmp_path / "p", "-o", tmp_path / "out")
    assert said.code == 1
    assert "make a new plan" in said.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_part_of_a_video_is_cut_out(crowdveil: Run, street: Path, tmp_path: Path) -> None:
    said = crowdveil("veil", street, "--from", "0.4", "--to", "0:01.2", "-o", tmp_path / "out.mp4")
    assert said.code == 0
    assert len(pictures(tmp_path / "out.mp4")) == 20
    said = crowdveil("veil", street, "--from", "2", "--to", "1", "-o", tmp_path / "b.mp4")
    assert said.code == 2
    assert "--to after it" in said.err
    said = crowdveil("veil", street, "--from", "noon", "-o", tmp_path / "b.mp4")
    assert said.code == 2


def test_a_damaged_video_is_veiled_as_far_as_it_goes_and_loudly(
    crowdveil: Run, street: Path, tmp_path: Path
) -> None:
    film = tmp_path / "a.mkv"
    with av.open(str(film), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"g": "5"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for picture in pictures(street):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    data = film.read_bytes()
    film.write_bytes(data[: len(data) * 2 // 3])
    said = crowdveil("veil", film, "-o", tmp_path / "out", "--json")
    outcome = next(json.loads(line) for line in said.out.splitlines() if "status" in line)
    assert outcome["status"] == "done"
    assert said.code == 1
    assert "damaged" in said.err
    assert 5 < len(pictures(tmp_path / "out" / "a.mkv")) < FRAMES


def test_a_broken_video_fails_alone(crowdveil: Run, street: Path, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(street.read_bytes()[:3000])
    (folder / "b.mp4").write_bytes(street.read_bytes())
    said = crowdveil("veil", folder, "-o", tmp_path / "out")
    assert said.code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.mp4"]
    (line,) = said.err.splitlines()
    assert "a.mp4" in line


@pytest.mark.parametrize("out", ["out.jpg", "out.avi", "out.wmv"])
def test_a_name_that_does_not_fit_is_refused(
    out: str, crowdveil: Run, street: Path, tmp_path: Path
) -> None:
    said = crowdveil("veil", street, "-o", tmp_path / out)
    assert said.code == 2
    assert "change the name" in said.err


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_of_a_video_leaves_nothing(
    way: signal.Signals, street: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    long = tmp_path / "long.mkv"
    with av.open(str(long), "w") as film:
        stream = film.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        shown = pictures(street)
        for k in range(600):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(shown[k % FRAMES], format="rgb24")))
        film.mux(stream.encode(None))
    command = [sys.executable, "-m", "crowdveil", "veil", str(long), "-o", str(out), "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line).get("stage") == "veiling":
            break
    begin = time.monotonic()
    child.send_signal(way)
    child.communicate(timeout=60)
    assert child.returncode == 130
    assert time.monotonic() - begin < 30
    assert not list(out.iterdir())


def test_progress_is_told_as_json(crowdveil: Run, street: Path, tmp_path: Path) -> None:
    said = crowdveil("veil", street, "-o", tmp_path / "out.mp4", "--json", "--audio", "drop")
    told = [json.loads(line) for line in said.out.splitlines()]
    stages = [line["stage"] for line in told if "progress" in line]
    assert stages[0] == "looking"
    assert stages[-1] == "veiling"
    assert next(line for line in told if "status" in line)["frames"] == FRAMES


HOME = "HOME(13.3777,52.5163) 2026.11.28 12:34:56"


@pytest.fixture(scope="session")
def drone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short film of nobody, with sound and a subtitle track that tells where and when."""
    folder = tmp_path_factory.mktemp("drone")
    (folder / "a.srt").write_text(f"1\n00:00:00,100 --> 00:00:00,300\n{HOME}\n")
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x96:r=25:d=0.4"]
    command += ["-f", "lavfi", "-i", "sine=d=0.4", "-i", "a.srt", "-c:a", "aac"]
    command += ["-c:s", "mov_text", "-movflags", "+faststart", "a.mp4"]
    subprocess.run(command, check=True, cwd=folder)
    return folder / "a.mp4"


needs_ffmpeg = pytest.mark.skipif(which("ffmpeg") is None, reason="ffmpeg is not installed")


@needs_ffmpeg
def test_subtitles_that_tell_where_are_left_out_and_said_to_be(
    crowdveil: Run, drone: Path, tmp_path: Path
) -> None:
    said = crowdveil("veil", drone, "-o", tmp_path / "out.mp4")
    assert said.code == 0
    assert HOME.encode() in drone.read_bytes()
    assert b"52.5163" not in (tmp_path / "out.mp4").read_bytes()
    assert "left out: 1 subtitle track (mov_text)" in said.out
    said = crowdveil("veil", drone, "-o", tmp_path / "kept.mkv", "--subtitles", "keep")
    assert said.code == 0
    assert HOME.encode() in (tmp_path / "kept.mkv").read_bytes()
    assert "positions, clock times" in said.out


@needs_ffmpeg
def test_a_broadcast_becomes_mp4_by_name_or_by_option(
    crowdveil: Run, drone: Path, tmp_path: Path
) -> None:
    film = tmp_path / "a.ts"
    command = ["ffmpeg", "-v", "error", "-i", str(drone), "-map", "0:v", "-map", "0:a"]
    subprocess.run([*command, "-c", "copy", str(film)], check=True)
    for out, more in (("safe.mp4", []), ("folder", ["--container", "mp4"])):
        assert crowdveil("veil", film, "-o", tmp_path / out, *more).code == 0
        path = tmp_path / out if out.endswith("mp4") else tmp_path / out / "a.mp4"
        assert path.read_bytes()[4:8] == b"ftyp"
        assert len(pictures(path)) == 10
    said = crowdveil("veil", film, "-o", tmp_path / "b.mp4", "--container", "mkv")
    assert said.code == 2
    assert "change one of the two" in said.err


@needs_ffmpeg
def test_a_film_that_lacks_its_last_bytes_is_done_and_loudly(
    crowdveil: Run, drone: Path, tmp_path: Path
) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(drone.read_bytes()[:-1])
    said = crowdveil("veil", film, "-o", tmp_path / "out.mp4")
    assert said.code == 1
    assert "at least 1 byte is missing at its end" in said.err
    assert len(pictures(tmp_path / "out.mp4")) == 10


@needs_ffmpeg
def test_a_check_says_when_sound_is_out_of_step(
    crowdveil: Run, drone: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "a.mkv"
    command = ["ffmpeg", "-v", "error", "-i", str(drone), "-itsoffset", "0.5", "-i", str(drone)]
    command += ["-map", "0:v", "-map", "1:a", "-c", "copy", "-fflags", "+bitexact", str(copy)]
    subprocess.run(command, check=True)
    said = crowdveil("check", drone, copy, "-o", tmp_path / "evidence", "--json")
    assert "later against the picture" in said.out


def test_an_empty_video_is_said_to_be_empty(crowdveil: Run, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    said = crowdveil("veil", tmp_path / "a.mp4", "-o", tmp_path / "out")
    assert said.code == 1
    assert "is empty" in said.err
