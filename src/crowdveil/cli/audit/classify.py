"""`crowdveil audit classify`: a table of true and predicted classes in, an audit by group out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.audit.options import AUDIT, ClassifyOptions
from crowdveil.cli.audit import parameters as given
from crowdveil.cli.audit.running import Told, run

DEFAULT = ClassifyOptions()
# Typer wants lists.
GROUPS, COLUMNS = list(DEFAULT.group), list(DEFAULT.column)


def classify(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE", help="CSV or Parquet with a column each for truth and predicted."
        ),
    ],
    out: given.OutOption = AUDIT,
    group: given.GroupOption = GROUPS,
    column: given.ColumnOption = COLUMNS,
    reference_group: given.ReferenceOption = DEFAULT.reference_group,
    confidence: given.ConfidenceOption = DEFAULT.confidence,
    draws: given.DrawsOption = DEFAULT.draws,
    seed: given.SeedOption = DEFAULT.seed,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    quiet: given.QuietOption = False,
) -> None:
    """Measure a classifier of gender, age or race, group by group.

    Each row is one picture: the true class, the predicted class (empty where there was no
    answer), the labels of groups, and perhaps who it shows (a column called subject). Groups
    are never inferred. docs/audit.md explains every figure.

    \b
    Examples:
      crowdveil audit classify faces.csv --group skin --group gender
      crowdveil audit classify faces.csv --group skin --column predicted=answer
      crowdveil audit classify faces.csv --group skin --reference-group lighter
    """
    from crowdveil.audit.classify.classifier import audit_classifier

    def work() -> Told:
        written = audit_classifier(
            table,
            out,
            options=ClassifyOptions(
                group=tuple(group),
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
