from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.container import OutputContainer
from av.stream import Disposition
from PIL import Image

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media.video.probe import open_clip

from .copying import copied
from .films import SECRET, Film, joined, make, picture


def test_a_play_list_that_calls_itself_a_video_opens_no_other_file(tmp_path: Path) -> None:
    make(tmp_path, Film("other.mp4", frames=3))
    for content in (
        "ffconcat version 1.0\nfile 'other.mp4'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n",
    ):
        path = tmp_path / "list.mp4"
        path.write_text(content)
        with pytest.raises(UnreadableMedia):
            open_clip(path)


def test_a_name_that_looks_like_an_address_is_the_name_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("concat:a.mp4").write_bytes(make(tmp_path, Film(frames=3)).read_bytes())
    assert open_clip(Path("concat:a.mp4")).stored_wh == (160, 96)


def test_an_encrypted_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    key = "00112233445566778899aabbccddeeff"
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key}
    with av.open(str(path), "w", container_options=options) as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(picture(number, (160, 96)), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(UnsupportedMedia, match="encrypted"):
        open_clip(path)


def with_two_pictures(folder: Path) -> Path:
    small = make(folder, Film("small.mkv", size_wh=(80, 48), frames=5))
    return joined(folder / "in.mkv", small, make(folder, Film("big.mkv", frames=5)))


def with_an_attachment(folder: Path) -> Path:
    film = make(folder, Film("a.mkv", frames=5))

    def attach(out: OutputContainer) -> None:
        out.add_attachment("font.ttf", "font/ttf", SECRET.encode())

    return joined(folder / "in.mkv", film, extra=attach)


def with_chapters(folder: Path) -> Path:
    chapter: Any = {"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000)}
    chapter["metadata"] = {"title": SECRET}
    film = make(folder, Film("a.mp4"))
    return joined(folder / "in.mp4", film, extra=lambda out: out.set_chapters([chapter]))


def with_a_cover(folder: Path) -> Path:
    return joined(folder / "in.mp4", make(folder, Film("a.mp4")), cover(folder), extra=as_cover)


def cover(folder: Path) -> Path:
    path = folder / "cover.jpg"
    Image.fromarray(picture(0, (64, 64))).save(path)
    return path


def as_cover(out: OutputContainer) -> None:
    out.streams[-1].disposition = Disposition.attached_pic


def with_alpha(folder: Path) -> Path:
    return make(folder, Film("in.mov", "prores_ks", "yuva444p10le", frames=3))


def with_more_bits(folder: Path) -> Path:
    return make(folder, Film("in.mkv", "ffv1", "gray16le", frames=3))


def of_another_container(folder: Path) -> Path:
    return make(folder, Film("in.ts", audio="aac"))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (with_two_pictures, "1 other video stream"),
        (with_an_attachment, "attached file"),
        (with_chapters, "1 chapter with its title"),
        (with_a_cover, "cover picture"),
        (with_alpha, "transparency"),
        (with_more_bits, "rounded to 12"),
        (of_another_container, "Matroska"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_left_out_is_said_and_gone(
    made: Callable[[Path], Path], said: str, tmp_path: Path
) -> None:
    path = made(tmp_path)
    clip = open_clip(path)
    assert [said in notice for notice in clip.notices].count(True) == 1
    out = copied(path)
    assert SECRET.encode() not in out.read_bytes()
    assert not [n for n in open_clip(out).notices if said in n]


def test_the_larger_of_two_pictures_is_the_main_one(tmp_path: Path) -> None:
    assert open_clip(with_two_pictures(tmp_path)).stored_wh == (160, 96)


def test_a_cover_alone_is_no_video(tmp_path: Path) -> None:
    whole = make(tmp_path, Film("a.mp4", audio="aac"))
    sound = joined(tmp_path / "sound.mp4", whole, only="audio")
    path = joined(tmp_path / "in.mp4", sound, cover(tmp_path), extra=as_cover)
    with pytest.raises(UnsupportedMedia, match="no moving picture"):
        open_clip(path)
