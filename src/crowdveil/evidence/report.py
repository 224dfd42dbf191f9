"""Shows a check as one HTML page: the answer first, then every finding, then every figure.

A `Checked` comes in, a page goes out that opens from disk and can be passed on: pictures of the
veiled copies only, with everything open painted over, and neither names nor hashes of the
originals. Asked for a private page, it also shows the originals' faces, under a banner that
says so. Charts and style are left to `crowdveil.report`.
"""

from dataclasses import dataclass
from pathlib import Path

import altair as alt
from markupsafe import Markup

from crowdveil.evidence.checked import Checked, Sheet
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.record import AttackFigures, AttackRecord, Evidence, FileRecord, Result
from crowdveil.evidence.stills import Mark, Still
from crowdveil.report.charts import COLOURS, svg
from crowdveil.report.page import picture, render_page

_TEMPLATES = Path(__file__).parent / "templates"
_SHOWN_FILES = 60
"""Files that are shown with pictures, the worst first; all are in the table."""
_LISTED = 40
"""Findings of one file that are listed; the record has all."""

RESULT_WORDS = {
    Result.CLEAN: "nothing found",
    Result.EXPOSED: "exposed",
    Result.UNCHECKED: "not fully checked",
}
LOOK = "look at it"
_CLASSES = {Result.CLEAN: "good", Result.EXPOSED: "bad", Result.UNCHECKED: "doubt"}
_SUBJECTS = {
    Subject.FACE: "face",
    Subject.LEAK: "in the file",
    Subject.IDENTITY: "recognition",
    Subject.ALTERED: "picture",
    Subject.VEIL: "veil",
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A still as the template needs it."""

    source: str
    caption: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A finding as the template needs it."""

    number: int
    kind: str
    css: str
    verdict: str
    what: str
    where: str
    size: str
    sure: str
    original: str
    copy: str


@dataclass(frozen=True, slots=True)
class _File:
    """A file as the template needs it."""

    name: str
    result: str
    css: str
    record: FileRecord
    rows: tuple[_Row, ...]
    more: int
    stills: tuple[_Shown, ...]


def report(checked: Checked, *, private: bool = False) -> str:
    """The page as text, to be written as UTF-8.

    Args:
        checked: what was found.
        private: whether the originals' faces and names are shown too; `checked` must have been
            made with that option.
    """
    record = checked.record
    order = sorted(
        range(len(record.files)), key=lambda k: (_badness(record.files[k]), record.files[k].name)
    )
    files = [_file(record.files[k], checked.sheets[k], private=private) for k in order]
    return render_page(
        _TEMPLATES,
        "check.html",
        record=record,
        private=private,
        answer=answer(record),
        css=_CLASSES[record.result],
        files=files,
        shown=files[:_SHOWN_FILES],
        hidden_files=max(len(files) - _SHOWN_FILES, 0),
        attacks=[
            (attack, _chart(attack) if attack.attacks else None)
            for attack in record.reidentification
        ],
        unmatched=[_plainly(one.why, private=private) for one in record.unmatched],
    )


def answer(record: Evidence) -> str:
    """The answer in one sentence."""
    exposed = sum(bool(file.exposed) for file in record.files)
    unchecked = sum(file.error is not None for file in record.files) + len(record.unmatched)
    total = len(record.files)
    files = "1 file" if total == 1 else f"{total:,} files"
    parts = []
    if record.result is Result.EXPOSED:
        parts.append(
            f"Do not publish: {_some(exposed)} of {files} "
            f"{'exposes' if exposed == 1 else 'expose'} someone"
            if exposed
            else "Do not publish: a recogniser knows veiled faces more often than guessing would"
        )
    elif total:
        parts.append(f"Nothing that exposes anyone was found in {files}")
    else:
        parts.append("Nothing was checked")
    if unchecked:
        parts.append(f"{_some(unchecked)} could not be checked" + (" completely" if total else ""))
    look = sum(bool(file.doubtful) for file in record.files)
    if look:
        verb = "has" if look == 1 else "have"
        parts.append(f"{_some(look)} {verb} something that a person should look at")
    return "; ".join(parts) + "."


def _some(count: int) -> str:
    return f"{count:,}"


def _badness(file: FileRecord) -> int:
    if file.exposed:
        return 0
    if file.error:
        return 1
    return 2 if file.doubtful else 3


def _file(file: FileRecord, sheet: Sheet, *, private: bool) -> _File:
    crops = {crop.finding: crop for crop in sheet.crops} if private else {}
    rows = []
    for number, finding in enumerate(file.findings[:_LISTED], 1):
        crop = crops.get(finding)
        rows.append(
            _Row(
                number=number,
                kind=_SUBJECTS[finding.subject],
                css="bad" if finding.verdict is Verdict.EXPOSED else "doubt",
                verdict=finding.verdict.value,
                what=finding.what,
                where=_where(finding),
                size="" if finding.size_px is None else f"{finding.size_px:.0f} px",
                sure="" if finding.probability is None else f"{finding.probability:.0%}",
                original=picture(crop.original, "image/jpeg") if crop else "",
                copy=picture(crop.copy, "image/jpeg") if crop else "",
            )
        )
    stills = [
        _Shown(
            picture(still.jpeg, "image/jpeg"),
            _caption(still),
            tuple(mark for mark in marks if mark.number <= _LISTED),
        )
        for still, marks in zip(sheet.stills, sheet.marks, strict=True)
    ]
    looked_at = file.result is Result.CLEAN and bool(file.doubtful)
    return _File(
        name=file.name,
        result=LOOK if looked_at else RESULT_WORDS[file.result],
        css="doubt" if looked_at else _CLASSES[file.result],
        record=file,
        rows=tuple(rows),
        more=max(len(file.findings) - _LISTED, 0),
        stills=tuple(stills),
    )


def _where(finding: Finding) -> str:
    parts = []
    if finding.time_s is not None:
        until = finding.until_s
        span = f"{finding.time_s:.2f} s"
        parts.append(span if until in (None, finding.time_s) else f"{span} to {until:.2f} s")
    elif finding.frame is not None:
        parts.append(f"page {finding.frame + 1}")
    if finding.box is not None:
        parts.append("at {:.0f}, {:.0f}".format(*finding.box[:2]))
    if finding.place is not None:
        parts.append(finding.place)
    return ", ".join(parts)


def _caption(still: Still) -> str:
    if still.time_s is not None:
        return f"The veiled copy at {still.time_s:.2f} s"
    return "The veiled copy" if still.frame == 0 else f"The veiled copy, page {still.frame + 1}"


def _plainly(why: str, *, private: bool) -> str:
    """Without the folders, which tell of the computer; in a shareable page without the name."""
    path, _, rest = why.partition(": ")
    return f"{Path(path).name}: {rest}" if private else f"A file {rest}"


def _chart(attack: AttackRecord) -> Markup:
    """First guesses of every attack beside what guessing would give."""
    shown = [one for one in attack.attacks if one.group is None and one.rank_1.trials]
    values = [_bar(one) for one in shown]
    data = alt.InlineData(values)
    base = alt.Chart(data).encode(y=alt.Y("attack:N", sort=None, title=None, axis=_LABELS))
    scale = alt.Scale(domain=[0, max(1e-6, *(float(str(one["high"])) for one in values))])
    bars = base.mark_bar(height=12).encode(
        x=alt.X("rate:Q", title="named first, with 95 % interval", axis=_PERCENT, scale=scale)
    )
    spans = base.mark_rule(color=COLOURS[7], strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    chance = base.mark_tick(color=COLOURS[1], thickness=3, height=20).encode(x="chance:Q")
    return svg(
        (bars + spans + chance).properties(width=440, height=44 * len(shown), padding=_PADDING)
    )


_LABELS = alt.Axis(labelLimit=260, labelExpr="split(datum.label, ', ')")
_PERCENT = alt.Axis(format="%", tickCount=5)
_PADDING = {"left": 30, "right": 8, "top": 5, "bottom": 5}
"""Browsers may set labels wider than they were measured."""


def _bar(one: AttackFigures) -> dict[str, object]:
    share = one.rank_1
    return {
        "attack": one.name,
        "rate": share.hits / share.trials,
        "low": share.low,
        "high": share.high,
        "chance": share.chance,
    }
