"""Audits a verification system from a table to a folder: reads, measures, writes.

The twin of `crowdveil audit verify` for programs. A table with a column of scores is one of
comparisons; any other is one of pictures, whose embeddings are compared here.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from crowdveil.audit.bundle import provenance, write_bundle
from crowdveil.audit.embedded import COLUMN, read_embeddings
from crowdveil.audit.options import AUDIT, VerifyOptions
from crowdveil.audit.paired import AllPairs
from crowdveil.audit.rows import one_label_each, read_rows, require
from crowdveil.audit.scored import ScoreTable
from crowdveil.audit.verification import Comparisons, Verification, audit_comparisons
from crowdveil.audit.verify_page import answers, verify_page, verify_tables, verify_values

DEFAULT = VerifyOptions()


@dataclass(frozen=True, slots=True)
class Verified:
    """An audit that was written.

    Attributes:
        found: what was measured.
        answers: the same in a few sentences.
        files: what was written, the page first.
    """

    found: Verification
    answers: tuple[str, ...]
    files: tuple[Path, ...]


def audit_verification(
    table: Path, out: Path = AUDIT, *, options: VerifyOptions = DEFAULT
) -> Verified:
    """Measure a verification system group by group, and write its report and tables.

    Args:
        table: comparisons (`score`, and `mated` or `probe_subject` and `reference_subject`;
            perhaps `probe` and `reference`; groups as in `scored`), or pictures (`subject`,
            columns of groups, and embeddings as in `embedded.read_embeddings`).
        out: folder for the results.
        options: what can be chosen.

    Raises:
        TableInvalid: the table cannot be audited as it stands.
        OptionsInvalid: no group is called like the reference group, or nothing sets a rate.
        OutputRefused: the results exist already or cannot be written.
    """
    comparisons = _comparisons(table, options)
    found = audit_comparisons(
        comparisons,
        options.resampling(),
        fmr=options.fmr,
        thresholds=[-value if options.distance else value for value in options.threshold],
        reference=options.reference_group,
    )
    failed = _failed(comparisons)
    made = provenance(
        "verify", {"comparisons": table}, [str(table), *options.words(), "--out", str(out)]
    )
    page = verify_page(found, made, options, failed)
    values = {**made, **verify_values(found, options, failed)}
    files = write_bundle(
        out, page, values, verify_tables(found, options), overwrite=options.overwrite
    )
    return Verified(found, tuple(answers(found, options)), files)


def _comparisons(table: Path, options: VerifyOptions) -> Comparisons:
    if _has_scores(table, options.column.get("score", "score")):
        columns = dict(options.column.items())
        return ScoreTable(table, options.group, columns, distance=options.distance)
    columns = {k: v for k, v in options.column.items() if k in ("subject", COLUMN)}
    frame = read_rows(
        table,
        {k: v for k, v in columns.items() if k == "subject"},
        needed=["subject"],
        groups=options.group,
    )
    require(frame, table, "subject")
    one_label_each(frame, table, "subject")
    return AllPairs(
        read_embeddings(table, frame.height, columns),
        frame.get_column("subject").to_numpy().astype(np.str_),
        [frame.get_column(f"group:{name}").to_list() for name in options.group],
        options.group,
    )


def _has_scores(table: Path, score: str) -> bool:
    try:
        if table.suffix.lower() in {".parquet", ".pq"}:
            return score in pl.scan_parquet(table).collect_schema().names()
        if table.suffix.lower() == ".npz":
            return False
        return score in pl.scan_csv(table, infer_schema=False).collect_schema().names() or (
            not table.with_suffix(".npy").exists()
        )
    except (OSError, pl.exceptions.PolarsError):
        return True  # whoever reads it next says what is wrong


def _failed(comparisons: Comparisons) -> dict[str, tuple[int, int]]:
    """For each atom how many pictures gave no template, of how many; nothing for scores."""
    if not isinstance(comparisons, AllPairs):
        return {}
    return {
        ", ".join(label or "no label" for label in atom) or "everyone": (int(bad), int(bad + good))
        for atom, bad, good in zip(
            comparisons.atoms, comparisons.failed, comparisons.enrolled, strict=True
        )
    }
