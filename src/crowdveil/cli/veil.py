"""`crowdveil veil`: photos and folders in, veiled copies out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.cli import parameters as given
from crowdveil.cli.running import report_for, run
from crowdveil.cli.words import Wording
from crowdveil.options import VEILED, VeilOptions

DEFAULT = VeilOptions()


def veil(
    paths: given.Photos,
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder for the copies, or for a single photo a file name."
        ),
    ] = VEILED,
    caution: given.CautionOption = DEFAULT.caution,
    style: given.StyleOption = DEFAULT.style,
    margin: given.MarginOption = DEFAULT.margin,
    shape: given.ShapeOption = DEFAULT.shape,
    seed: given.SeedOption = DEFAULT.seed,
    format: given.FormatOption = DEFAULT.format,
    keep_credit: given.KeepCreditOption = DEFAULT.keep_credit,
    rename: Annotated[
        bool,
        typer.Option("--rename", help="Give neutral names in a random order, and print which."),
    ] = DEFAULT.rename,
    plans: Annotated[
        Path | None,
        typer.Option(
            "--plans",
            metavar="DIR",
            help="Also write each photo's plan. Not for publication: it holds the hash and "
            "place of the original.",
        ),
    ] = DEFAULT.plans,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    resume: given.ResumeOption = DEFAULT.resume,
    detector: given.DetectorOption = DEFAULT.detector,
    json: given.JsonOption = False,
    quiet: given.QuietOption = False,
) -> None:
    """Write copies of photos with faces veiled and metadata gone.

    Originals are never changed. Look at the copies before you publish them: the summary
    names the photos that need it most.

    \b
    Examples:
      crowdveil veil photos/                    into veiled/, keeping the folders
      crowdveil veil march.jpg -o safe.jpg      one photo
      crowdveil veil photos/ --caution high     rather a lamp too many than a face missed
      crowdveil veil photos/ --rename           file names that tell nothing
      crowdveil veil photos/ --resume           go on after an interruption
    """
    from crowdveil.api import veil as veil_photos

    wording = Wording("Veiling", "Veiled", out, renames=rename)
    run(
        lambda watcher: veil_photos(
            paths,
            out,
            options=VeilOptions(
                caution=caution,
                style=style,
                margin=margin,
                shape=shape,
                seed=seed,
                format=format,
                keep_credit=keep_credit,
                rename=rename,
                plans=plans,
                overwrite=overwrite,
                resume=resume,
                detector=detector,
            ),
            watcher=watcher,
        ),
        report_for(wording, json=json, quiet=quiet),
        style=style,
    )
