"""Audits a classifier from a table to a folder: reads, measures, writes.

The twin of `crowdveil audit classify` for programs.
"""

from dataclasses import dataclass
from pathlib import Path

from crowdveil.audit.bundle import provenance, write_bundle
from crowdveil.audit.classify.page import answers, classify_page, classify_tables, classify_values
from crowdveil.audit.classify.predictions import read_predictions
from crowdveil.audit.classify.rates import Classification, audit_predictions
from crowdveil.audit.options import AUDIT, ClassifyOptions
from crowdveil.audit.partitions import with_group

DEFAULT = ClassifyOptions()


@dataclass(frozen=True, slots=True)
class Classified:
    """An audit that was written.

    Attributes:
        found: what was measured.
        answers: the same in a few sentences.
        files: what was written, the page first.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    found: Classification
    answers: tuple[str, ...]
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def audit_classifier(
    table: Path, out: Path = AUDIT, *, options: ClassifyOptions = DEFAULT
) -> Classified:
    """Measure a classifier group by group, and write `report.html`, `audit.json` and tables.

    Args:
        table: CSV or Parquet with the columns `truth`, `predicted` (empty where there was no
            prediction), columns of groups, and perhaps `subject` (who is who).
        out: folder for the results.
        options: what can be chosen.

    Raises:
        TableInvalid: the table cannot be audited as it stands.
        OptionsInvalid: no group is called like the reference group.
        OutputRefused: the results exist already or cannot be written.
    """
    predictions, partitions = read_predictions(table, options.group, options.column)
    if options.reference_group is not None:
        with_group(partitions, options.reference_group)
    found = audit_predictions(
        predictions, partitions, options.resampling(), reference=options.reference_group
    )
    made = provenance(
        "classify", {"predictions": table}, [str(table), *options.words(), "--out", str(out)]
    )
    page = classify_page(found, made, options.confidence)
    files = write_bundle(
        out, page, {**made, **classify_values(found)}, classify_tables(found),
        overwrite=options.overwrite,
    )  # fmt: skip
    return Classified(found, tuple(answers(found, options.confidence)), files, found.warnings)
