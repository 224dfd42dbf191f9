"""`crowdveil render`: edited plans in, veiled photos and videos out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.cli import parameters as given
from crowdveil.cli.running import report_for, run
from crowdveil.cli.words import Wording
from crowdveil.options import VEILED, RenderOptions

DEFAULT = RenderOptions()


def render(
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN", help="Plans, and folders to search through.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder for the copies, or for a single plan a file name."
        ),
    ] = VEILED,
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            metavar="DIR",
            help="Folder of the originals, instead of where each plan says they are.",
        ),
    ] = DEFAULT.source,
    style: given.DrawnStyleOption = DEFAULT.style,
    margin: given.DrawnMarginOption = DEFAULT.margin,
    shape: given.DrawnShapeOption = DEFAULT.shape,
    seed: given.DrawnSeedOption = DEFAULT.seed,
    format: given.FormatOption = DEFAULT.format,
    keep_credit: given.KeepCreditOption = DEFAULT.keep_credit,
    audio: given.AudioOption = DEFAULT.audio,
    subtitles: given.SubtitlesOption = DEFAULT.subtitles,
    container: given.ContainerOption = DEFAULT.container,
    crf: given.CrfOption = DEFAULT.crf,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    resume: given.ResumeOption = DEFAULT.resume,
    memory_gb: given.MemoryOption = DEFAULT.memory_gb,
    patience_s: given.PatienceOption = DEFAULT.patience_s,
    json: given.JsonOption = False,
    quiet: given.QuietOption = False,
) -> None:
    """Write the photos and videos that plans belong to, veiled as each plan says.

    A source that changed since its plan was made is refused: the faces would be elsewhere. Veils
    look as the plan says, if a copy was made of it before.

    \b
    Examples:
      crowdveil render plans/                   into veiled/, keeping the folders
      crowdveil render march.jpg.plan.json -o safe.jpg
      crowdveil render plans/ --source /media/card
    """
    from crowdveil.api import render_plans

    run(
        lambda watcher: render_plans(
            plans,
            out,
            options=RenderOptions(
                source=source,
                style=style,
                margin=margin,
                shape=shape,
                seed=seed,
                format=format,
                keep_credit=keep_credit,
                audio=audio,
                subtitles=subtitles,
                container=container,
                crf=crf,
                overwrite=overwrite,
                resume=resume,
                memory_gb=memory_gb,
                patience_s=patience_s,
            ),
            watcher=watcher,
        ),
        report_for(Wording("Rendering", "Rendered", out), json=json, quiet=quiet),
        style=style,
    )
