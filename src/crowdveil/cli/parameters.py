"""The arguments and options that several commands share, with their help.

Only names, types and help: every default is in `crowdveil.options`.
"""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from crowdveil.cli.times import seconds
from crowdveil.detect.effort import Effort
from crowdveil.detect.points import Caution
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import AudioChoice, Container, SubtitleChoice
from crowdveil.options import MOST_CRF
from crowdveil.plan import Shape
from crowdveil.redact.look import Style

Photos: TypeAlias = Annotated[
    list[Path],
    typer.Argument(metavar="PATH", help="Photos, videos, and folders to search through."),
]
CautionOption: TypeAlias = Annotated[
    Caution,
    typer.Option(
        "--caution", help="How much to veil when in doubt: high misses least, low veils least."
    ),
]
DetectorOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--detector", metavar="FILE.onnx", help="Your own detector, with FILE.toml beside it."
    ),
]
StyleOption: TypeAlias = Annotated[
    Style,
    typer.Option("--style", help="How to veil. mosaic and blur leak: not for people in danger."),
]
MarginOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--margin",
        metavar="FACTOR",
        min=1,
        help="Width of the veil, in widths of the face; less where a face is in doubt.",
    ),
]
ShapeOption: TypeAlias = Annotated[
    Shape | None,
    typer.Option("--shape", help="Outline of every veil, instead of each region's own."),
]
SeedOption: TypeAlias = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Chooses the grain of the veil.")
]
DrawnStyleOption: TypeAlias = Annotated[
    Style | None, typer.Option("--style", help="How to veil, if not as the plan says.")
]
DrawnMarginOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--margin",
        metavar="FACTOR",
        min=1,
        help="Width of the veil, in widths of the face, if not as the plan says.",
    ),
]
DrawnShapeOption: TypeAlias = Annotated[
    Shape | None, typer.Option("--shape", help="Outline of every veil, if not as the plan says.")
]
DrawnSeedOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", min=0, help="Chooses the grain, if not as the plan says."),
]
FormatOption: TypeAlias = Annotated[
    PhotoFormat | None,
    typer.Option("--format", help="Format of every veiled photo, instead of its own."),
]
KeepCreditOption: TypeAlias = Annotated[
    bool,
    typer.Option("--keep-credit", help="Keep a photo's creator, credit, copyright and caption."),
]
EveryFrameOption: TypeAlias = Annotated[
    Effort,
    typer.Option(
        "--every-frame",
        help="full looks at every frame of a video with everything there is: slow, misses least.",
    ),
]
FromOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--from",
        metavar="TIME",
        parser=seconds,
        help="Begin videos here: seconds, MM:SS or HH:MM:SS.",
    ),
]
ToOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--to", metavar="TIME", parser=seconds, help="End videos here."),
]
AudioOption: TypeAlias = Annotated[
    AudioChoice,
    typer.Option(
        "--audio",
        help="Sound of videos: keep it as it is (voices identify people), drop it, or disguise "
        "voices (for the ear only).",
    ),
]
SubtitlesOption: TypeAlias = Annotated[
    SubtitleChoice,
    typer.Option(
        "--subtitles",
        help="Subtitles of videos: drop them, or keep their words (which may say who, where and "
        "when).",
    ),
]
ContainerOption: TypeAlias = Annotated[
    Container | None,
    typer.Option(
        "--container", help="Container of every veiled video, instead of the source's own."
    ),
]
CrfOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--crf",
        metavar="N",
        min=0,
        max=MOST_CRF,
        help="Rate factor of videos: 0 loses nothing; the default shows no difference.",
    ),
]
OverwriteOption: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs that exist.")
]
ResumeOption: TypeAlias = Annotated[
    bool,
    typer.Option("--resume", help="Skip what is done: every output that exists is whole."),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line for each file, then a summary.")
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", help="Print only what went wrong.")
]
MemoryOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--memory-gb",
        metavar="GB",
        help="Most memory that one file may take; three quarters of the computer's if not given.",
    ),
]
PatienceOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        help="Give a file up when nothing of it gets done for so long.",
    ),
]
