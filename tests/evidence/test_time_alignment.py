"""Which frame of the original a frame of the copy shows, and what is said of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from crowdveil.api import veil
from crowdveil.evidence.check import check
from crowdveil.evidence.findings import Subject
from crowdveil.evidence.levels import Levels
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.record import FileRecord
from crowdveil.evidence.registration import Registration, register
from crowdveil.evidence.time_alignment import align_in_time, stacked, thumbnail

FRAMES = 60
QUICK = CheckOptions(quick=True)

Frames = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def march(people_photo: Path) -> Frames:
    """A camera that pans over people."""
    with Image.open(people_photo) as image:
        people = np.asarray(image.convert("RGB"))
    return [people[100:340, 2 * k + 20 : 2 * k + 340] for k in range(FRAMES)]


@pytest.fixture(scope="module")
def in_place(march: Frames) -> Registration:
    found = register(march[0], march[0])
    assert found is not None
    return found


def thumbs(frames: Frames) -> NDArray[np.uint8]:
    greys = (np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in frames)
    return stacked(thumbnail(grey) for grey in greys)


CUTS: dict[str, tuple[Callable[[list[int]], list[int]], str]] = {
    "whole": (lambda n: n, ""),
    "start": (lambda n: n[3:], "begins 3 frames later than the original"),
    "end": (lambda n: n[:-7], "ends 7 frames earlier than the original"),
    "middle": (lambda n: n[:20] + n[24:], "leaves out 4 frames in between"),
    "doubled": (lambda n: n[:30] + n[29:], "shows 1 frame more than once"),
    "fast": (lambda n: n[::2], "shows 2 frames of the original for each of its own"),
    "slow": (lambda n: [k for k in n for _ in (0, 1)], "shows 0.5 frames of the original"),
    "backwards": (lambda n: n[::-1], "plays backwards"),
}


@pytest.mark.parametrize(("cut", "told"), CUTS.values(), ids=CUTS)
def test_what_was_cut_is_told_and_each_frame_meets_its_own(
    march: Frames,
    in_place: Registration,
    cut: Callable[[list[int]], list[int]],
    told: str,
) -> None:
    numbers = cut(list(range(FRAMES)))
    copy = [march[k].copy() for k in numbers]
    for frame in copy:
        frame[60:180, 100:220] = (90, 100, 110)  # a veil over a sixth of it
    path = align_in_time(thumbs(march), thumbs(copy), in_place, Levels(None))
    said = "; ".join(path.differences)
    assert told in said if told else said == ""
    if told == "plays backwards":
        assert path.backwards > FRAMES // 2
        return
    assert path.unmatched == path.backwards == 0
    off = np.abs(path.shows - np.array(numbers))
    assert (off <= 1).all()
    assert (off == 0).mean() > 0.9


def test_frames_of_something_else_are_matched_with_nothing(
    march: Frames, in_place: Registration
) -> None:
    rng = np.random.default_rng(0)
    others = [cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (320, 240)) for _ in range(9)]
    copy = [*march[:20], *(np.asarray(one, np.uint8) for one in others), *march[20:]]
    path = align_in_time(thumbs(march), thumbs(copy), in_place, Levels(None))
    assert (path.shows[20:29] == -1).all()
    assert path.unmatched == 9


def write(path: Path, frames: Frames) -> Path:
    with av.open(str(path), "w", container_options={"fflags": "+bitexact"}) as out:
        stream: Any = out.add_stream("libx264", rate=12, options={"crf": "12"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def open_faces(file: FileRecord) -> int:
    return sum(one.subject is Subject.FACE for one in file.exposed)


def test_a_film_cut_and_mirrored_is_exposed_if_bare_and_only_then(
    march: Frames, tmp_path: Path
) -> None:
    film = write(tmp_path / "march.mp4", march[:20])
    bare = write(tmp_path / "bare.mp4", [one[:, ::-1] for one in march[3:20]])
    file = check(film, bare, options=QUICK).record.files[0]
    assert open_faces(file) >= 2
    said = "; ".join(one.what for one in file.doubtful)
    assert "mirror image" in said
    assert "begins 3 frames later" in said
    veil(film, tmp_path / "veiled")
    with av.open(str(tmp_path / "veiled" / "march.mp4")) as source:
        veiled = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    cut = write(tmp_path / "cut.mp4", [np.asarray(one[:, ::-1], np.uint8) for one in veiled[3:]])
    file = check(film, cut, options=QUICK).record.files[0]
    assert (open_faces(file), file.error) == (0, None)


def test_a_bare_film_of_another_scene_is_exposed(
    march: Frames, crowd_photo: Path, tmp_path: Path
) -> None:
    with Image.open(crowd_photo) as image:
        crowd = np.asarray(image.convert("RGB"))
    other = [crowd[500:740, 900 + 2 * k : 1220 + 2 * k] for k in range(12)]
    film = write(tmp_path / "march.mp4", march[:12])
    file = check(film, write(tmp_path / "other.mp4", other), options=QUICK).record.files[0]
    assert open_faces(file) >= 1
