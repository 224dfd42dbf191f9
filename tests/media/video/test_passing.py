import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.video.clip import AudioChoice, Span, SubtitleChoice, VideoFormat
from crowdveil.media.video.probe import open_clip

from .copying import copied
from .films import SECRET, Film, joined, make, packets_of, times_of

SCRIPT = f"""[Script Info]
; written by {SECRET}
Title: {SECRET}
Original Script: {SECRET}
ScriptType: v4.00+
PlayResX: 384

[Aegisub Project Garbage]
Audio File: /home/{SECRET}/march.wav

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16
Style: {SECRET},{SECRET},16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:00.10,Default,,0,0,0,,{SECRET}
Dialogue: 0,0:00:00.10,0:00:00.40,{SECRET},{SECRET},0,0,0,{SECRET},{{\\r{SECRET}}}Hello{{{SECRET}}}
Dialogue: 0,0:00:00.50,0:00:00.80,Default,,0,0,0,,World
"""

LINES = "1\n00:00:00,100 --> 00:00:00,400\nHello\n\n2\n00:00:00,500 --> 00:00:00,800\nWorld\n"


CUES = f"""WEBVTT

NOTE {SECRET}

STYLE
::cue({SECRET}) {{ color: red }}

{SECRET}
00:00.100 --> 00:00.400 align:left
<v {SECRET}>Hello</v>

00:00.500 --> 00:00.800
<c.{SECRET}>World</c>
"""


def subtitled(folder: Path, kind: str) -> Path:
    """A film in Matroska with sound and two lines of subtitles."""
    text = folder / f"text.{kind}"
    text.write_text({"ass": SCRIPT, "srt": LINES, "vtt": CUES}[kind])
    film = make(folder, Film("film.mkv", audio="aac"))
    return joined(folder / "in.mkv", film, text, told={"language": "fra", "title": SECRET})


@pytest.mark.parametrize("kind", ["ass", "srt"])
def test_subtitles_are_left_out_unless_asked_for(kind: str, tmp_path: Path) -> None:
    path = subtitled(tmp_path, kind)
    data = copied(path).read_bytes()
    assert b"Hello" in path.read_bytes()
    assert b"Hello" not in data
    assert SECRET.encode() not in data
    with av.open(str(tmp_path / "out.mkv")) as file:
        assert not file.streams.subtitles


@pytest.mark.parametrize("kind", ["ass", "srt"])
def test_subtitles_that_are_kept_keep_words_times_and_language_and_lose_names(
    kind: str, tmp_path: Path
) -> None:
    path = subtitled(tmp_path, kind)
    out = copied(path, subtitles=SubtitleChoice.KEEP)
    assert packets_of(out, "subtitle") == [
        (Fraction(1, 10), b"Hello"),
        (Fraction(1, 2), b"World"),
    ]
    assert SECRET.encode() in path.read_bytes()
    assert SECRET.encode() not in out.read_bytes()
    with av.open(str(out)) as file:
        assert file.streams.subtitles[0].language == "fra"


@pytest.mark.parametrize(
    ("kind", "target"),
    [("ass", "mp4"), ("ass", "webm"), ("srt", "mov"), ("vtt", "mkv"), ("vtt", "mp4")],
)
def test_words_can_be_read_in_every_container(kind: str, target: str, tmp_path: Path) -> None:
    path = subtitled(tmp_path, kind)
    out = copied(path, subtitles=SubtitleChoice.KEEP, target=VideoFormat(target))
    command = ["ffmpeg", "-v", "error", "-i", str(out), "-map", "0:s", "-f", "srt", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    texts = [block.split("\n", 2)[2].strip() for block in said.strip().split("\n\n")]
    assert texts == ["Hello", "World"]
    times = [float(time) for time, data in packets_of(out, "subtitle") if len(data) > 4]
    assert times == pytest.approx([0.1, 0.5], abs=1e-3)
    assert SECRET.encode() not in out.read_bytes()


def test_a_line_that_is_shown_when_a_span_begins_is_in_it(tmp_path: Path) -> None:
    path = subtitled(tmp_path, "srt")
    out = copied(path, subtitles=SubtitleChoice.KEEP, span=Span(0.6, 0.9))
    assert packets_of(out, "subtitle") == [(Fraction(0), b"World")]


@pytest.mark.parametrize(
    ("name", "codec", "audio"),
    [
        ("a.mp4", "libx264", "aac"),
        ("b.mp4", "libx264", "libmp3lame"),
        ("c.mp4", "libx264", "pcm_s16be"),
        ("d.mp4", "libx264", "pcm_u8"),
        ("a.mov", "libx264", "pcm_s16le"),
        ("a.mkv", "libx264", "libopus"),
        ("b.mkv", "libx264", "ac3"),
        ("a.webm", "libvpx-vp9", "libopus"),
        ("a.avi", "mpeg4", "pcm_s16le"),
    ],
)
def test_sound_comes_at_the_same_time_byte_for_byte(
    name: str, codec: str, audio: str, tmp_path: Path
) -> None:
    try:
        path = make(tmp_path, Film(name, codec, audio=audio))
    except (ValueError, av.error.FFmpegError):
        # MP4 made by cameras holds it; to make one, its twin QuickTime must help.
        path = make(tmp_path, Film("twin.mov", codec, audio=audio)).rename(tmp_path / name)
        data = path.read_bytes()
        path.write_bytes(data[:8] + b"isom" + data[12:])
    before, after = packets_of(path, "audio"), packets_of(copied(path), "audio")
    assert [data for _, data in after] == [data for _, data in before]
    # AVI tells times by counting, and Matroska in whole milliseconds.
    for (late, _), (early, _) in zip(after, before, strict=True):
        assert float(late) == pytest.approx(float(early), abs=0.05 if ".avi" in name else 0.0011)


def test_sound_of_old_phones_is_kept(tmp_path: Path) -> None:
    # Frames of AMR at 12.2 kbit/s, which nothing at hand can encode.
    voice = tmp_path / "voice.amr"
    voice.write_bytes(b"#!AMR\n" + (b"\x3c" + bytes(31)) * 40)
    path = joined(tmp_path / "in.3gp", make(tmp_path, Film(codec="mpeg4")), voice)
    out = copied(path)
    assert packets_of(out, "audio") == packets_of(path, "audio")


def test_sound_that_the_container_cannot_hold_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = make(tmp_path, Film("a.mkv", audio="wavpack"))
    # A file that calls itself WebM and is not quite one.
    path.write_bytes(path.read_bytes().replace(b"matroska", b"webm\0\0\0\0", 1))
    with pytest.raises(UnsupportedMedia, match="--audio drop") as caught:
        copied(path)
    assert str(path) in str(caught.value)
    with av.open(str(copied(path, audio=AudioChoice.DROP))) as file:
        assert not file.streams.audio


def boxes(data: bytearray, kind: bytes) -> list[int]:
    """Where boxes of a kind begin, from after their names."""
    found, at = [], data.find(kind)
    while at >= 0:
        found.append(at + 4)
        at = data.find(kind, at + 1)
    return found


def test_sound_that_someone_cut_off_stays_away(tmp_path: Path) -> None:
    path = make(tmp_path, Film(frames=75, audio="aac", options={"g": "10"}))
    data = bytearray(path.read_bytes())
    # As phones trim: the first two seconds stay in the file, and an edit list hides them.
    for at, scale in zip(boxes(data, b"elst"), (12_800, 48_000), strict=True):
        _, start = struct.unpack(">Ii", data[at + 8 : at + 16])
        data[at + 8 : at + 16] = struct.pack(">Ii", 1000, start + 2 * scale)
    path.write_bytes(data)
    out = copied(path)
    assert times_of(out) == times_of(path)
    assert len(times_of(out)) == 25
    heard = [time for time, _ in packets_of(out, "audio")]
    assert min(heard) > -0.15
    assert max(heard) < 1.1
    assert "damaged" not in " ".join(open_clip(path).notices)


def test_the_second_sound_of_a_file_is_kept_too(tmp_path: Path) -> None:
    first = make(tmp_path, Film("a.mkv", audio="aac"))
    second = make(tmp_path, Film("b.mkv", audio="libopus"))
    path = joined(tmp_path / "in.mkv", first, second, told={"language": "deu"}, only="audio")
    with av.open(str(copied(path))) as file:
        assert [stream.language for stream in file.streams.audio] == [None, "deu"]


def heard(path: Path) -> NDArray[np.float32]:
    """The sound of a file, one channel at 48 kHz."""
    resampler = AudioResampler("fltp", "mono", 48_000)
    with av.open(str(path)) as file:
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


@pytest.mark.parametrize(
    "film",
    [
        Film("a.mp4", frames=60, audio="aac"),
        Film("a.mkv", frames=60, audio="flac"),
        Film("a.webm", "libvpx-vp9", frames=60, audio="libopus"),
        Film("a.avi", "mpeg4", frames=60, audio="libmp3lame"),
    ],
    ids=lambda film: film.name,
)
def test_sound_in_disguise_is_as_long_and_is_another(film: Film, tmp_path: Path) -> None:
    path = make(tmp_path, film)
    before, after = heard(path), heard(copied(path, audio=AudioChoice.DISGUISE))
    assert len(after) == pytest.approx(len(before), abs=4000)
    both = min(len(before), len(after))
    assert abs(np.corrcoef(before[:both], after[:both])[0, 1]) < 0.3


def test_an_interruption_of_the_sound_stays_where_it_was(tmp_path: Path) -> None:
    whole = make(tmp_path, Film("whole.mkv", frames=75, audio="pcm_s16le"))
    path = tmp_path / "in.mkv"
    with av.open(str(whole)) as file, av.open(str(path), "w") as out:
        targets: dict[int, Any] = {
            s.index: out.add_stream_from_template(s, opaque=True) for s in file.streams
        }
        for packet in file.demux():
            quiet = packet.stream.type == "audio" and 1 <= float(packet.pts or 0) / 1000 < 2
            if packet.size and not quiet:
                packet.stream = targets[packet.stream.index]
                out.mux_one(packet)
    sound = np.abs(heard(copied(path, audio=AudioChoice.DISGUISE)))
    loud = [sound[k * 48_000 + 9600 : (k + 1) * 48_000 - 9600].mean() for k in range(3)]
    assert loud[1] < 0.05 * min(loud[0], loud[2])


@pytest.mark.parametrize("audio", AudioChoice)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_span_in_which_nothing_sounds_can_be_copied(
    suffix: str, audio: AudioChoice, tmp_path: Path
) -> None:
    brief = make(tmp_path, Film(f"brief.{suffix}", frames=10, audio="aac"))
    film = make(tmp_path, Film(f"long.{suffix}", frames=60))
    path = joined(tmp_path / f"in.{suffix}", film, brief, only="audio")
    assert len(times_of(copied(path, audio=audio, span=Span(1.0, 2.0)))) == 25


def test_a_clock_that_jumps_by_hours_makes_no_hours_of_silence(tmp_path: Path) -> None:
    whole = make(tmp_path, Film("whole.mkv", frames=50, audio="pcm_s16le"))
    path = tmp_path / "in.mkv"
    with av.open(str(whole)) as file, av.open(str(path), "w") as out:
        targets: dict[int, Any] = {
            s.index: out.add_stream_from_template(s, opaque=True) for s in file.streams
        }
        for packet in file.demux():
            if not packet.size or packet.pts is None:
                continue
            if packet.stream.type == "audio" and packet.pts > 1000:
                packet.pts = packet.dts = packet.pts + 36_000_000
            packet.stream = targets[packet.stream.index]
            out.mux_one(packet)
    assert len(heard(copied(path, audio=AudioChoice.DISGUISE))) < 3 * 48_000


def test_what_hides_inside_the_picture_stream_is_gone(tmp_path: Path) -> None:
    film = make(tmp_path, Film("a.mp4"))
    path = tmp_path / "told.mp4"
    told = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{SECRET}"
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-c", "copy", "-bsf:v", told, str(path)]
    subprocess.run(command, check=True)
    assert SECRET.encode() in path.read_bytes()
    assert SECRET.encode() not in copied(path).read_bytes()
