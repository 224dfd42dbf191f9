"""Files that break off at their very end."""

from pathlib import Path

import pytest

from crowdveil.media.video.ending import missing_bytes
from crowdveil.media.video.probe import open_clip

from .films import Film, joined, make

FILMS = [
    Film("a.mp4", audio="aac", options={"movflags": "faststart"}),
    Film("a.mov", audio="aac"),
    Film("a.mkv", audio="aac"),
    Film("a.webm", "libvpx-vp9", audio="libopus"),
    Film("a.avi", "mpeg4", audio="libmp3lame"),
    Film("a.ts", audio="aac"),
    Film("a.m2ts", audio="ac3"),
    Film("a.flv", "flv", audio="libmp3lame"),
    Film("a.wmv", "wmv2", audio="libmp3lame"),
    Film("a.mpg", "mpeg2video", audio="mp2"),
    Film("a.3gp", "mpeg4", audio="aac"),
]


@pytest.mark.parametrize("cut", [1, 100])
@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.name)
def test_a_file_that_lacks_its_last_bytes_is_said_to_break_off(
    film: Film, cut: int, tmp_path: Path
) -> None:
    path = make(tmp_path, film)
    assert missing_bytes(path) == 0
    assert open_clip(path).lacking == ()
    path.write_bytes(path.read_bytes()[:-cut])
    assert missing_bytes(path) >= min(cut, 1)


def faststart(folder: Path, name: str) -> Path:
    import av

    path = folder / name
    film = make(folder, Film("film.mkv", frames=100, audio="aac"))
    with (
        av.open(str(film)) as source,
        av.open(str(path), "w", container_options={"movflags": "+faststart"}) as out,
    ):
        targets = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = targets[packet.stream_index]
                out.mux_one(packet)
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
@pytest.mark.parametrize("cut", [1, 200, 2000])
def test_media_data_that_were_cut_are_missed_where_the_index_comes_first(
    name: str, cut: int, tmp_path: Path
) -> None:
    path = faststart(tmp_path, name)
    assert open_clip(path).lacking == ()
    path.write_bytes(path.read_bytes()[:-cut])
    (said,) = open_clip(path).lacking
    assert f"{cut:,} byte" in said
    assert "may lack the end" in said


def test_a_broadcast_cut_between_its_packets_misses_the_rest_of_the_sound(tmp_path: Path) -> None:
    path = make(tmp_path, Film("a.ts", audio="aac"))
    data = path.read_bytes()
    path.write_bytes(data[:-188])
    assert missing_bytes(path) > 0


def test_a_recording_that_was_never_given_a_length_is_whole(tmp_path: Path) -> None:
    film = make(tmp_path, Film("film.mkv", audio="aac"))
    assert joined(tmp_path / "in.mkv", film).exists()
    data = bytearray((tmp_path / "in.mkv").read_bytes())
    at = data.index(b"\x18\x53\x80\x67") + 4
    data[at : at + 8] = b"\x01" + b"\xff" * 7  # of unknown length, as in a broadcast
    path = tmp_path / "live.mkv"
    path.write_bytes(data)
    assert missing_bytes(path) == 0
    path.write_bytes(data[:-3])
    assert missing_bytes(path) > 0


def test_an_empty_file_and_junk_miss_nothing(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 5000, b"RIFF", b"FLV\x01", b"OggS", b"\x1f\x07\x00\x3f"):
        path = tmp_path / "a"
        path.write_bytes(content)
        assert missing_bytes(path) >= 0
