"""`crowdveil plan`: photos, videos and folders in, editable plans out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.cli import parameters as given
from crowdveil.cli.running import report_for, run
from crowdveil.cli.words import Wording
from crowdveil.options import PLANS, PlanOptions

DEFAULT = PlanOptions()


def plan(
    paths: given.Photos,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the plans.")] = PLANS,
    caution: given.CautionOption = DEFAULT.caution,
    start_s: given.FromOption = DEFAULT.start_s,
    end_s: given.ToOption = DEFAULT.end_s,
    every_frame: given.EveryFrameOption = DEFAULT.every_frame,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    resume: given.ResumeOption = DEFAULT.resume,
    detector: given.DetectorOption = DEFAULT.detector,
    memory_gb: given.MemoryOption = DEFAULT.memory_gb,
    patience_s: given.PatienceOption = DEFAULT.patience_s,
    json: given.JsonOption = False,
    quiet: given.QuietOption = False,
) -> None:
    """Write plans of what would be veiled, to look at and edit.

    One JSON file for each photo or video. It names its source by hash and place, so it is not
    for publication. docs/plan.md tells what can be edited.

    \b
    Examples:
      crowdveil plan photos/                    into plans/, as NAME.EXT.plan.json
      crowdveil render plans/                   the copies, as the edited plans say
    """
    from crowdveil.api import plan_photos

    run(
        lambda watcher: plan_photos(
            paths,
            out,
            options=PlanOptions(
                caution=caution,
                start_s=start_s,
                end_s=end_s,
                every_frame=every_frame,
                overwrite=overwrite,
                resume=resume,
                detector=detector,
                memory_gb=memory_gb,
                patience_s=patience_s,
            ),
            watcher=watcher,
        ),
        report_for(Wording("Planning", "Planned", out, publishes=False), json=json, quiet=quiet),
    )
