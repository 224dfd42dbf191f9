"""Audits comparisons from files to a folder: reads, measures, writes.

The twin of `crowdveil audit verify` for programs.
"""

from dataclasses import dataclass
from pathlib import Path

from crowdveil.audit.bundle import provenance, write_bundle
from crowdveil.audit.options import AUDIT, VerifyOptions
from crowdveil.audit.verify.doubts import refuse_reversed
from crowdveil.audit.verify.inputs import prepare
from crowdveil.audit.verify.outputs import verify_tables, verify_values
from crowdveil.audit.verify.page import verify_page
from crowdveil.audit.verify.rates import Verification, audit_comparisons
from crowdveil.audit.verify.words import answers

DEFAULT = VerifyOptions()


@dataclass(frozen=True, slots=True)
class Verified:
    """An audit that was written.

    Attributes:
        found: what was measured.
        answers: the same in a few sentences.
        files: what was written, the page first.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    found: Verification
    answers: tuple[str, ...]
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def audit_verification(
    source: Path,
    out: Path = AUDIT,
    *,
    references: Path | None = None,
    options: VerifyOptions = DEFAULT,
) -> Verified:
    """Measure comparisons group by group, and write `report.html`, `audit.json` and tables.

    Args:
        source: a table of comparisons (`score`, and `mated` or `probe_subject` and
            `reference_subject`; perhaps `probe` and `reference`), a table of pictures
            (`subject` and `embedding`), or a folder of photos.
        out: folder for the results.
        references: a table of pictures that those of `source` are compared with.
        options: what can be chosen.

    Raises:
        TableInvalid: a table cannot be audited as it stands.
        OptionsInvalid: options contradict one another or the data.
        OutputRefused: the results exist already or cannot be written.
        WeightsInvalid: the recogniser for photos is missing, altered or not what it should be.
    """
    prepared = prepare(source, references, options)
    refuse_reversed(
        prepared.comparisons.histograms(),
        distance=options.distance,
        scored=prepared.scored,
        source=source,
    )
    found = audit_comparisons(
        prepared.comparisons,
        options.resampling(),
        fmr=options.fmr,
        thresholds=options.threshold,
        reference=options.reference_group,
        min_people=options.min_people,
        alpha=options.alpha,
        distance=options.distance,
    )
    given = [str(source)] if references is None else [str(source), str(references)]
    made = provenance("verify", prepared.inputs, [*given, *options.words(), "--out", str(out)])
    page = verify_page(found, prepared, made, options)
    files = write_bundle(
        out,
        page,
        {**made, **verify_values(found, prepared)},
        verify_tables(found, prepared),
        overwrite=options.overwrite,
    )
    return Verified(found, tuple(answers(found, options)), files, prepared.warnings)
