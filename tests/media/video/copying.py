"""A file written again with nothing veiled, as all tests of writing need it."""

from pathlib import Path

from crowdveil.media.video.clip import AudioChoice, Span, SubtitleChoice, VideoFormat
from crowdveil.media.video.containers import SUFFIXES
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader
from crowdveil.media.video.writer import ClipWriter


def copied(
    path: Path,
    *,
    audio: AudioChoice = AudioChoice.KEEP,
    subtitles: SubtitleChoice = SubtitleChoice.DROP,
    crf: int | None = None,
    span: Span | None = None,
    target: VideoFormat | None = None,
) -> Path:
    """The copy, beside the file."""
    clip = open_clip(path, target)
    out = path.with_name("out" + SUFFIXES[clip.target][0])
    with ClipWriter(out, clip, audio=audio, subtitles=subtitles, crf=crf, span=span) as writer:
        for frame in FrameReader(clip, span):
            writer.write(frame)
        writer.finish()
    return out
