"""`crowdveil veil`: photos, videos and folders in, veiled copies out."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crowdveil.cli import parameters as given
from crowdveil.cli.running import WRONG_USAGE, Report, report_for, run
from crowdveil.cli.words import Wording
from crowdveil.errors import OptionsInvalid
from crowdveil.options import VEILED, VeilOptions
from crowdveil.summary import Summary, Watcher

DEFAULT = VeilOptions()


def veil(
    paths: given.Photos,
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder for the copies, or for a single file a file name."
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
    names: Annotated[
        Path | None,
        typer.Option(
            "--names",
            metavar="FILE",
            help="With --rename: also write which is which to this file (JSON), readable by you "
            "alone. Not for publication.",
        ),
    ] = DEFAULT.names,
    plans: Annotated[
        Path | None,
        typer.Option(
            "--plans",
            metavar="DIR",
            help="Also write each file's plan. Not for publication: it holds the hash and "
            "place of the original.",
        ),
    ] = DEFAULT.plans,
    audio: given.AudioOption = DEFAULT.audio,
    subtitles: given.SubtitlesOption = DEFAULT.subtitles,
    container: given.ContainerOption = DEFAULT.container,
    start_s: given.FromOption = DEFAULT.start_s,
    end_s: given.ToOption = DEFAULT.end_s,
    every_frame: given.EveryFrameOption = DEFAULT.every_frame,
    crf: given.CrfOption = DEFAULT.crf,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    resume: given.ResumeOption = DEFAULT.resume,
    detector: given.DetectorOption = DEFAULT.detector,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Check the copies afterwards, as the command check does; record and report go to "
            "evidence/.",
        ),
    ] = False,
    memory_gb: given.MemoryOption = DEFAULT.memory_gb,
    patience_s: given.PatienceOption = DEFAULT.patience_s,
    json: given.JsonOption = False,
    quiet: given.QuietOption = False,
) -> None:
    """Write copies of photos and videos with faces veiled and metadata gone.

    Originals are never changed. Look at the copies before you publish them: the summary
    names those that need it most.

    \b
    Examples:
      crowdveil veil photos/                    into veiled/, keeping the folders
      crowdveil veil march.jpg -o safe.jpg      one photo
      crowdveil veil march.mp4 --audio drop     one video, without its sound
      crowdveil veil march.ts -o safe.mp4       one video, as MP4
      crowdveil veil photos/ --caution high     rather a lamp too many than a face missed
      crowdveil veil photos/ --rename           file names that tell nothing
      crowdveil veil photos/ --resume           go on after an interruption
      crowdveil veil photos/ --check            and look whether anyone still shows
    """
    from crowdveil.api import veil as veil_media

    # Made where a contradiction becomes a sentence.
    options = partial(
        VeilOptions,
        caution=caution,
        style=style,
        margin=margin,
        shape=shape,
        seed=seed,
        format=format,
        keep_credit=keep_credit,
        rename=rename,
        names=names,
        plans=plans,
        audio=audio,
        subtitles=subtitles,
        container=container,
        start_s=start_s,
        end_s=end_s,
        every_frame=every_frame,
        crf=crf,
        overwrite=overwrite,
        resume=resume,
        detector=detector,
        memory_gb=memory_gb,
        patience_s=patience_s,
    )
    report = report_for(
        Wording("Veiling", "Veiled", out, renames=rename, names=names), json=json, quiet=quiet
    )
    if not check:
        run(
            lambda watcher: veil_media(paths, out, options=options(), watcher=watcher),
            report,
            style=style,
        )
        return
    try:
        chosen = options()
    except OptionsInvalid as error:
        report.refused(error)
        raise typer.Exit(WRONG_USAGE) from error
    _veil_and_check(paths, out, chosen, report, json=json, quiet=quiet)


def _veil_and_check(
    paths: list[Path], out: Path, options: VeilOptions, report: Report, *, json: bool, quiet: bool
) -> None:
    from crowdveil.api import veil as veil_media
    from crowdveil.cli.checking import check_veiled, require_place
    from crowdveil.evidence.options import CHECKED, CheckOptions

    checking = CheckOptions(
        caution=options.caution,
        detector=options.detector,
        style=options.style,
        margin=options.margin,
        shape=options.shape,
        seed=options.seed,
        # A run that goes on checks everything anew: its record holds all that an earlier one did.
        overwrite=options.overwrite or options.resume,
        memory_gb=options.memory_gb,
        patience_s=options.patience_s,
    )
    require_place(CHECKED, checking)
    made: list[Summary] = []

    def work(watcher: Watcher) -> Summary:
        made.append(veil_media(paths, out, options=options, watcher=watcher))
        return made[0]

    code = 0
    try:
        run(work, report, style=options.style)
    except typer.Exit as leaving:
        code = leaving.exit_code
    # What failed is no reason to leave unchecked what was done.
    if made and any(outcome.output for outcome in (*made[0].done, *made[0].already)):
        check_veiled(made[0], CHECKED, folder=out, options=checking, json=json, quiet=quiet)
    if code:
        raise typer.Exit(code)
