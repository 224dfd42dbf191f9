"""`crowdveil audit verify`: scores, embeddings or photos in, an audit by group out."""

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
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A table of comparisons with scores, a table of pictures with embeddings, or a "
            "folder of photos.",
        ),
    ],
    references: Annotated[
        Path | None,
        typer.Argument(
            metavar="[REFERENCES]",
            help="Pictures with embeddings that those of SOURCE are compared with, instead of one "
            "another.",
        ),
    ] = None,
    out: given.OutOption = AUDIT,
    group: given.GroupOption = GROUPS,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Table of subject and groups, if SOURCE does not hold them; for photos, of "
            "picture, subject and groups.",
        ),
    ] = DEFAULT.labels,
    fmr: Annotated[
        list[float],
        typer.Option(
            "--fmr",
            metavar="RATE",
            help="Set a threshold for this rate of false matches, of everyone or within the "
            "reference group.",
        ),
    ] = FMR,
    threshold: Annotated[
        list[float], typer.Option("--threshold", metavar="SCORE", help="Also measure at this.")
    ] = THRESHOLDS,
    distance: Annotated[
        bool, typer.Option("--distance", help="Scores are distances: low means similar.")
    ] = DEFAULT.distance,
    min_people: given.MinPeopleOption = DEFAULT.min_people,
    alpha: given.AlphaOption = DEFAULT.alpha,
    recogniser: Annotated[
        Path | None,
        typer.Option(
            "--recogniser",
            metavar="FILE.onnx",
            help="Your own recogniser for photos, with FILE.toml beside it.",
        ),
    ] = DEFAULT.recogniser,
    column: given.ColumnOption = COLUMNS,
    reference_group: given.ReferenceOption = DEFAULT.reference_group,
    confidence: given.ConfidenceOption = DEFAULT.confidence,
    draws: given.DrawsOption = DEFAULT.draws,
    seed: given.SeedOption = DEFAULT.seed,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    quiet: given.QuietOption = False,
) -> None:
    """Measure comparisons of two faces (1:1), group by group.

    FMR within and between groups, FNMR, error curves, distributions of scores, differences and
    measures that sum them up, each with intervals that know that errors cluster. A table of
    comparisons has a column score, and probe_subject and reference_subject or mated; groups are in
    probe_race and reference_race (or race, if both sides share it) for --group race. Groups are
    never inferred. docs/audit.md explains every figure.

    \b
    Examples:
      crowdveil audit verify scores.csv --group race
      crowdveil audit verify scores.parquet --group race --group sex --fmr 0.0001
      crowdveil audit verify scores.csv --group race --reference-group white
      crowdveil audit verify faces.npz --group race --threshold 0.36
      crowdveil audit verify photos/ --labels people.csv --group race
    """
    from crowdveil.audit.verify.verifier import audit_verification

    def work() -> Told:
        written = audit_verification(
            source,
            out,
            references=references,
            options=VerifyOptions(
                group=tuple(group),
                labels=labels,
                fmr=tuple(fmr),
                threshold=tuple(threshold),
                distance=distance,
                min_people=min_people,
                alpha=alpha,
                recogniser=recogniser,
                column=given.renamed(column),
                reference_group=reference_group,
                confidence=confidence,
                draws=draws,
                seed=seed,
                overwrite=overwrite,
            ),
        )
        return Told(written.answers, written.files, written.warnings)

    run(work, quiet=quiet)
