"""`crowdveil audit verify`: scores or embeddings in, an audit by group out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.audit.options import AUDIT, VerifyOptions
from crowdveil.cli.audit import parameters as given
from crowdveil.cli.audit.running import Told, run

DEFAULT = VerifyOptions()
# Typer wants lists.
GROUPS, COLUMNS = list(DEFAULT.group), list(DEFAULT.column)
FMR, THRESHOLDS = list(DEFAULT.fmr), list(DEFAULT.threshold)


def verify(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="Comparisons with a score each (CSV, Parquet), or pictures with embeddings.",
        ),
    ],
    out: given.OutOption = AUDIT,
    group: given.GroupOption = GROUPS,
    fmr: Annotated[
        list[float],
        typer.Option(
            "--fmr",
            metavar="RATE",
            help="Set a threshold for this rate of false matches, of all or of the reference "
            "group.",
        ),
    ] = FMR,
    threshold: Annotated[
        list[float], typer.Option("--threshold", metavar="SCORE", help="Also measure at this.")
    ] = THRESHOLDS,
    distance: Annotated[
        bool, typer.Option("--distance", help="Smaller scores are more alike.")
    ] = DEFAULT.distance,
    column: given.ColumnOption = COLUMNS,
    reference_group: given.ReferenceOption = DEFAULT.reference_group,
    confidence: given.ConfidenceOption = DEFAULT.confidence,
    draws: given.DrawsOption = DEFAULT.draws,
    seed: given.SeedOption = DEFAULT.seed,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    quiet: given.QuietOption = False,
) -> None:
    """Measure comparisons of two pictures (1:1), group by group.

    FMR for every pair of groups, FNMR, DET curves and summary measures, with intervals from
    resampled people. Of pictures with embeddings all pairs are compared. Groups are never
    inferred. docs/audit.md explains every figure.

    \b
    Examples:
      crowdveil audit verify scores.csv --group race
      crowdveil audit verify scores.parquet --group race --group sex --fmr 0.0001
      crowdveil audit verify scores.csv --group race --reference-group white
      crowdveil audit verify faces.npz --group race --threshold 0.36
    """
    from crowdveil.audit.verifier import audit_verification

    def work() -> Told:
        written = audit_verification(
            table,
            out,
            options=VerifyOptions(
                group=tuple(group),
                fmr=tuple(fmr),
                threshold=tuple(threshold),
                distance=distance,
                column=given.renamed(column),
                reference_group=reference_group,
                confidence=confidence,
                draws=draws,
                seed=seed,
                overwrite=overwrite,
            ),
        )
        return Told(written.answers, written.files)

    run(work, quiet=quiet)
