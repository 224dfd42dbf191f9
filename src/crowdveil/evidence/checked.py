"""What is known of a file while it is checked, and what becomes of it in the end.

The parts of the evidence fill in a `One`; a `FileRecord` for the record and a `Sheet` of pictures
for the report go out. How anything is found is left to the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.figures import FaceFigures, IntegrityFigures, LeakFigures
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.identity import VeiledFace
from crowdveil.evidence.noninterference import Proof
from crowdveil.evidence.pairs import Pair
from crowdveil.evidence.record import Evidence, FileRecord, Result
from crowdveil.evidence.stills import Crop, Mark, Still, mark_of
from crowdveil.veiling import sha256_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """Pictures of one file for the report.

    Attributes:
        stills: pictures of the copy, open areas painted over.
        marks: for each still the findings on it.
        crops: findings up close, originals too; only if asked for.
    """

    stills: tuple[Still, ...] = ()
    marks: tuple[tuple[Mark, ...], ...] = ()
    crops: tuple[Crop, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check.

    Attributes:
        record: everything that was found and measured.
        sheets: pictures of each file of the record, in its order.
    """

    record: Evidence
    sheets: tuple[Sheet, ...]


@dataclass(slots=True)
class One:
    """What is known of one pair while it is checked."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faces: FaceFigures | None = None
    leaks: LeakFigures | None = None
    integrity: IntegrityFigures | None = None
    proof: Proof | None = None
    stills: list[Still] = field(default_factory=list)
    crops: list[Crop] = field(default_factory=list)
    size_wh: tuple[int, int] = (1, 1)
    veiled: list[VeiledFace] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def file_record(pair: Pair, one: One) -> FileRecord:
    """What the record says of a pair, exposures first."""
    findings = tuple(sorted(one.findings, key=_rank))
    error = "; ".join(dict.fromkeys(one.errors)) or None
    return FileRecord(
        name=pair.place.as_posix(),
        original_name=pair.original.name,
        original_sha256=_hash(pair.original),
        copy_sha256=_hash(pair.copy),
        plan_sha256=_hash(pair.plan_path) if pair.plan_path else None,
        matched_by_look=pair.by_look,
        result=result_of(findings, error),
        error=error,
        findings=findings,
        faces=one.faces,
        leaks=one.leaks,
        integrity=one.integrity,
        noninterference=one.proof,
        notes=tuple(one.notes),
    )


def _rank(finding: Finding) -> tuple[bool, list[str]]:
    return finding.verdict is not Verdict.EXPOSED, []


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except UnreadableMedia:
        return "0" * 64


def result_of(findings: Sequence[Finding], error: str | None) -> Result:
    """The one word for a file: exposed before unchecked, as either forbids publishing."""
    if any(finding.verdict is Verdict.EXPOSED for finding in findings):
        return Result.EXPOSED
    return Result.CLEAN if error is None else Result.UNCHECKED


def sheet_of(one: One, file: FileRecord) -> Sheet:
    """The pictures of a file, with its findings marked where they lie."""
    marks = []
    for still in one.stills:
        here = [
            mark_of(finding, number, one.size_wh, exposed=finding.verdict is Verdict.EXPOSED)
            for number, finding in enumerate(file.findings, 1)
            if finding.box is not None
            and (finding.frame or 0) == still.frame
            and finding.subject in (Subject.FACE, Subject.IDENTITY)
        ]
        marks.append(tuple(here))
    return Sheet(tuple(one.stills), tuple(marks), tuple(one.crops))
