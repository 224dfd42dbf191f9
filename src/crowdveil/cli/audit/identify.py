"""`crowdveil audit identify`: what searches of a gallery returned in, an audit by group out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.audit.options import AUDIT, IdentifyOptions
from crowdveil.cli.audit import parameters as given
from crowdveil.cli.audit.running import Told, run

DEFAULT = IdentifyOptions()
# Typer wants lists.
GROUPS, COLUMNS = list(DEFAULT.group), list(DEFAULT.column)
FPIR, THRESHOLDS, RANKS = list(DEFAULT.fpir), list(DEFAULT.threshold), list(DEFAULT.rank)


def identify(
    gallery: Annotated[
        Path,
        typer.Argument(metavar="GALLERY", help="Who is enrolled: reference, subject, groups."),
    ],
    probes: Annotated[
        Path,
        typer.Argument(metavar="PROBES", help="Who was searched for: probe, subject, groups."),
    ],
    candidates: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CANDIDATES]",
            help="What was returned: probe, candidate, score, rank. Without it, embeddings are "
            "searched here.",
        ),
    ] = None,
    out: given.OutOption = AUDIT,
    group: given.GroupOption = GROUPS,
    fpir: Annotated[
        list[float],
        typer.Option(
            "--fpir", metavar="RATE", help="Set a threshold for this rate of false positives."
        ),
    ] = FPIR,
    threshold: Annotated[
        list[float], typer.Option("--threshold", metavar="SCORE", help="Also measure at this.")
    ] = THRESHOLDS,
    rank: Annotated[
        list[int],
        typer.Option("--rank", metavar="R", help="Count misses within this rank, at any score."),
    ] = RANKS,
    list_length: Annotated[
        int,
        typer.Option("--list-length", metavar="N", min=1, help="Length of lists searched here."),
    ] = DEFAULT.list_length,
    min_people: given.MinPeopleOption = DEFAULT.min_people,
    alpha: given.AlphaOption = DEFAULT.alpha,
    column: given.ColumnOption = COLUMNS,
    reference_group: given.ReferenceOption = DEFAULT.reference_group,
    confidence: given.ConfidenceOption = DEFAULT.confidence,
    draws: given.DrawsOption = DEFAULT.draws,
    seed: given.SeedOption = DEFAULT.seed,
    overwrite: given.OverwriteOption = DEFAULT.overwrite,
    quiet: given.QuietOption = False,
) -> None:
    """Measure searches of a gallery (1:N), group by group.

    FPIR and FNIR at thresholds and ranks, whom false candidates show, and what the gallery's
    composition does to each group. A probe whose subject is not in the gallery is non-mated.
    Groups are never inferred. docs/audit.md explains every figure.

    \b
    Examples:
      crowdveil audit identify gallery.csv probes.csv found.csv --group race
      crowdveil audit identify gallery.npz probes.npz --group race --fpir 0.003
      crowdveil audit identify gallery.csv probes.csv found.csv --threshold 0.6
      crowdveil audit identify gallery.csv probes.csv found.csv --group race --reference-group white
    """
    from crowdveil.audit.identify.searcher import audit_identification

    def work() -> Told:
        written = audit_identification(
            gallery,
            probes,
            candidates,
            out,
            options=IdentifyOptions(
                group=tuple(group),
                fpir=tuple(fpir),
                threshold=tuple(threshold),
                rank=tuple(rank),
                list_length=list_length,
                min_people=min_people,
                alpha=alpha,
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
