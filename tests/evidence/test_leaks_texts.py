"""Streams of text are a doubt, and what they tell of places and times is a leak."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.errors import UnsupportedMedia
from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.leak import Leak
from crowdveil.evidence.leaks.telling import surely_told_by, told_by
from crowdveil.evidence.leaks.walk import leaks_of, walk

FLIGHT = "HOME(13.3777,52.5163) 2026.11.28 12:34:56"
SPEECH = "They say: we shall not be moved, one two three."
CODECS = [
    *(("mp4", codec) for codec in ("mov_text", "ttml")),
    ("mov", "mov_text"),
    *(("mkv", codec) for codec in ("srt", "ass", "webvtt", "text")),
    ("webm", "webvtt"),
]
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the files")


def subtitled(folder: Path, kind: str, codec: str, text: str, *more: str) -> Path:
    words, path = folder / "words.srt", folder / f"a.{kind}"
    words.write_text(f"1\n00:00:00,000 --> 00:00:01,000\n{text}\n\n")
    pictures = "testsrc=size=64x48:rate=5:duration=1"
    encoder = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(kind, "libx264")
    made = ["-c:v", encoder, "-pix_fmt", "yuv420p", "-c:s", codec, *more, str(path)]
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", pictures, "-i", str(words)]
    subprocess.run([*command, "-map", "0:v", "-map", "1:s", *made], check=True, timeout=60)
    return path


@needs_ffmpeg
@pytest.mark.parametrize(("kind", "codec"), CODECS)
def test_a_flight_s_subtitles_are_exposed_and_a_speech_s_are_a_doubt(
    kind: str, codec: str, tmp_path: Path
) -> None:
    leaks = leaks_of(subtitled(tmp_path, kind, codec, FLIGHT))
    told = {leak.what for leak in leaks if leak.verdict is Verdict.EXPOSED}
    assert {
        f"{what} in a stream of text or data" for what in ("a position", "a clock time")
    } <= told
    assert not any("52.5" in leak.what + leak.place for leak in leaks)
    leaks = leaks_of(subtitled(tmp_path, kind, codec, SPEECH))
    assert not [leak for leak in leaks if leak.verdict is Verdict.EXPOSED]
    assert any("subtitles" in leak.what for leak in leaks)


@needs_ffmpeg
def test_a_transport_stream_is_refused_and_its_texts_are_read_all_the_same(tmp_path: Path) -> None:
    path = subtitled(tmp_path, "ts", "ttml", FLIGHT)
    found: list[Leak] = []

    def search() -> None:
        # One by one, so that what came before the refusal is kept.
        for leak in walk(path):
            found.append(leak)

    with pytest.raises(UnsupportedMedia):
        search()
    assert any("a position" in leak.what for leak in found)


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["mp4", "mov", "mkv"])
def test_a_position_in_a_comment_of_the_file_is_exposed(kind: str, tmp_path: Path) -> None:
    codec = "srt" if kind == "mkv" else "mov_text"
    more = ("-metadata", "comment=Tower +48.8584+002.2945/")
    leaks = leaks_of(subtitled(tmp_path, kind, codec, SPEECH, *more))
    assert any("position" in leak.what and leak.verdict is Verdict.EXPOSED for leak in leaks)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("52.5163, 13.3777", "a position"),
        ("52,51630; 13,37770", "a position"),
        ("GPS(13.3778,52.5164,16)", "a position"),
        ("lat: 52.5 lon: 13.3", "a position"),
        ("52°31'12.3\"N 13°24'17\"E", "a position"),
        ("52 deg 31' 12.30\" N", "a position"),
        ("N 52° 31.205 E 013° 22.668", "a position"),
        ("$GPRMC,123519,A,4807.038,N,01131.000,E", "a position"),
        ("+48.8584+002.2945/", "a position"),
        ("geo:52.5163,13.3777", "a position"),
        ("٥٢.٥١٦٣, ١٣.٣٧٧٧", "a position"),
        ("2026-11-28", "a date"),
        ("28/11/2026", "a date"),
        ("20261128T123456", "a date"),
        ("28 November 2026", "a date"),
        ("28 de noviembre de 2026", "a date"),
        ("Nov 28, 2026", "a date"),
        ("2026年11月28日", "a date"),
        ("at 12:34", "a clock time"),
        ("7:15 pm", "a clock time"),
        ("Serial No: 53XA-4711", "a serial number"),
        ("IMEI 356938035643809", "a serial number"),
        ("00:1A:2B:3C:4D:5E", "a serial number"),
        ("ana@example.org", "an e-mail address"),
    ],
)
def test_what_a_text_tells_is_named(text: str, told: str) -> None:
    assert told in told_by(f"and then {text} we went")


@pytest.mark.parametrize(
    "text",
    [
        SPEECH,
        "We were 3,000 people, 2.5 times as many as in 2019.",
        "<00:00:01.000>Rise <00:00:02.000>up",
        '<p begin="00:00:01.000" end="00:00:02.000">Rise up</p>',
        "{\\pos(192,240)}{\\an8}Rise up",
        "version 1.2.3 of 10 chapters, page 12-14",
    ],
)
def test_plain_speech_tells_nothing(text: str) -> None:
    assert told_by(text) == ()


@given(
    latitude=st.floats(-89.9, 89.9),
    longitude=st.floats(-179.9, 179.9),
    digits=st.integers(4, 9),
    between=st.sampled_from([",", ", ", "; ", " ", "/"]),
)
def test_every_pair_of_decimal_degrees_is_a_position(
    latitude: float, longitude: float, digits: int, between: str
) -> None:
    text = f"{latitude:.{digits}f}{between}{longitude:.{digits}f}"
    assert "a position" in told_by(text)
    assert "a position" in surely_told_by(text)
