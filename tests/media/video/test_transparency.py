"""Pictures with transparency: what they hide must not show in a copy."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from crowdveil.media.video.clip import VideoFormat
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader

from .copying import copied
from .films import picture, pictures_of

WIDTH, HEIGHT = 160, 96

FILMS = [
    ("a.webm", "libvpx-vp9", "yuva420p"),
    ("b.webm", "libvpx", "yuva420p"),
    ("c.mkv", "libvpx-vp9", "yuva420p"),
    ("a.mov", "prores_ks", "yuva444p10le"),
    ("b.mov", "qtrle", "argb"),
    ("c.mov", "png", "rgba"),
    ("a.mkv", "ffv1", "bgra"),
    ("b.mkv", "ffv1", "yuva422p10le"),
    ("d.mkv", "ffv1", "yuva420p16le"),
]


def half_hidden(folder: Path, name: str, codec: str, pixels: str) -> Path:
    """A film whose left half is there and fully transparent."""
    path = folder / name
    options = {"auto-alt-ref": "0"} if codec.startswith("libvpx") else {}
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if codec.startswith("libvpx"):
            stream.metadata["alpha_mode"] = "1"
        for number in range(6):
            alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
            alpha[:, : WIDTH // 2] = 0
            shown = np.maximum(picture(number, (WIDTH, HEIGHT)), 60)
            frame = av.VideoFrame.from_ndarray(np.dstack([shown, alpha]), format="rgba")
            frame = frame.reformat(format=pixels)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec", "pixels"), FILMS)
def test_what_a_picture_hides_is_black_in_the_copy_and_that_is_said(
    name: str, codec: str, pixels: str, tmp_path: Path
) -> None:
    path = half_hidden(tmp_path, name, codec, pixels)
    clip = open_clip(path)
    assert any("see-through is black" in notice for notice in clip.notices)
    seen = [frame.rgb(clip.size_wh) for frame in FrameReader(clip)]
    for frames in (seen, pictures_of(copied(path))):
        assert len(frames) == 6
        for number, frame in enumerate(frames):
            assert frame[:, : WIDTH // 2 - 4].max() < 24
            shown = np.maximum(picture(number, (WIDTH, HEIGHT)), 60)[:, WIDTH // 2 + 4 :]
            light = frame[:, WIDTH // 2 + 4 :].mean()
            assert light == pytest.approx(float(shown.mean()), abs=8)


def test_transparency_is_black_in_other_containers_too(tmp_path: Path) -> None:
    path = half_hidden(tmp_path, *FILMS[0])
    (first, *_) = pictures_of(copied(path, target=VideoFormat.MP4))
    assert first[:, : WIDTH // 2 - 4].max() < 24


def test_a_picture_without_transparency_is_said_nothing_of(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(3):
            shown = picture(number, (WIDTH, HEIGHT))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        out.mux(stream.encode(None))
    assert open_clip(path).notices == ()
