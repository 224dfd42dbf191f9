"""Checks veiled copies against their originals and puts together the evidence.

Paths and options come in; a record of everything that was found and measured goes out, with
pictures for a report. One bad file does not stop the others: what could not be checked is told
as loudly as what is exposed. How each thing is found is left to the parts.
"""

import csv
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock
from typing import Protocol

import numpy as np

from crowdveil import __version__
from crowdveil.detect.effort import Effort
from crowdveil.detect.engine import cores
from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.errors import CrowdveilError, OptionsInvalid, UnreadableMedia
from crowdveil.evidence.figures import FaceFigures, IntegrityFigures, LeakFigures
from crowdveil.evidence.films import Animation, Video, resized
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.identity import (
    LEAST_PX,
    MOST_A_PICTURE,
    VeiledFace,
    attack_all,
    read_gallery,
    veiled_face,
)
from crowdveil.evidence.integrity import Outside, outside_veils
from crowdveil.evidence.leaks.walk import leaks_of
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.moving import SENSITIVE, Compared, compare_films
from crowdveil.evidence.noninterference import Proof, prove_photo
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Matched, Pair, match
from crowdveil.evidence.record import (
    AttackRecord,
    Evidence,
    FileRecord,
    Missing,
    Result,
    Settings,
)
from crowdveil.evidence.residual import Look, look_for_faces
from crowdveil.evidence.stills import Crop, Mark, Still, crop_of, mark_of, still_of
from crowdveil.media.photos import read_photo
from crowdveil.media.picture import RGB, Photo
from crowdveil.media.video.clip import Span
from crowdveil.media.video.probe import open_clip
from crowdveil.pipeline import in_order
from crowdveil.recognise.embedder import Embedder, load_embedder
from crowdveil.redact.look import LOSSY
from crowdveil.redact.look import Look as Veil
from crowdveil.redact.masks import mask_of
from crowdveil.track.timeline import Timeline
from crowdveil.veiling import sha256_of
from crowdveil.watching import Watch
from crowdveil.weigh import BUDGET_PX, weight_px

_ASPECT = 0.02
"""How much width over height may differ between an original and its copy."""

_MOST_STILLS = 12
"""Pages of one photo that are shown in the report."""

_SHIFT_S = 0.05
"""Difference in time between two frames that a viewer could notice."""


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


class Watcher(Protocol):
    """Is told how a check gets on, from the thread that started it."""

    def begin(self, total: int) -> None:
        """`total` pairs will be reported."""

    def done(self, file: FileRecord) -> None:
        """One pair has been checked."""


@dataclass(slots=True)
class _One:
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


def check(
    original: Path | str,
    veiled: Path | str,
    *,
    options: CheckOptions | None = None,
    watcher: Watcher | None = None,
) -> Checked:
    """Look for everything in veiled copies by which someone could still be recognised.

    Args:
        original: a photo or video, or a folder of them.
        veiled: its copy, or the folder of the copies.
        options: None for the defaults.
        watcher: told how it gets on.

    Returns:
        The record, not signed yet, and pictures for a report.

    Raises:
        OptionsInvalid: the options contradict each other or name what is not there.
        UnreadableMedia: a path is not there.
        PlanInvalid, WeightsInvalid: plans or weights cannot be used.
    """
    options = options or CheckOptions()
    matched = match(Path(original), Path(veiled), plans=options.plans)
    return check_pairs(matched, options=options, watcher=watcher)


def check_pairs(
    matched: Matched, *, options: CheckOptions, watcher: Watcher | None = None
) -> Checked:
    """As `check`, for files whose partners are known."""
    groups = _groups(options.groups, matched.pairs)
    if watcher is not None:
        watcher.begin(len(matched.pairs))
    files: list[FileRecord] = []
    ones: list[_One] = []
    with Witnesses() as witnesses:
        tools = _Tools(options, witnesses)
        attempts = in_order(
            matched.pairs,
            lambda pair, stop: _attempt(pair, tools, options, stop),
            weight=_weight,
            budget=BUDGET_PX,
            workers=min(max(cores(), 2), 4),
        )
        with closing(attempts):
            for pair, one in attempts:
                files.append(_file(pair, one))
                ones.append(one)
                if watcher is not None:
                    watcher.done(files[-1])
    attacked = None
    gallery = 0
    if not options.quick and matched.pairs:
        files, attacked, gallery = _attacked(files, ones, tools, options, groups)
    unmatched = tuple(Missing(name=str(one.path), why=one.why) for one in matched.unmatched)
    record = Evidence(
        crowdveil=__version__,
        made_on=datetime.now(UTC).strftime("%Y-%m-%d"),
        settings=Settings(
            caution=options.caution.value,
            detector=options.detector.name if options.detector else None,
            quick=options.quick,
            plans=options.plans is not None,
            gallery=gallery,
        ),
        weights=tools.weights(),
        tools=witnesses.versions,
        result=_overall(files, bool(unmatched), attacked),
        files=tuple(files),
        unmatched=unmatched,
        reidentification=attacked,
    )
    sheets = [_sheet(one, file) for one, file in zip(ones, files, strict=True)]
    return Checked(record, tuple(sheets))


def _weight(pair: Pair) -> int:
    return weight_px(pair.original, video=pair.is_video) + weight_px(pair.copy, video=pair.is_video)


def _attempt(pair: Pair, tools: "_Tools", options: CheckOptions, stop: Event) -> _One:
    """Check one pair on a thread; whatever goes wrong is told in `errors`."""
    one = _One()

    def breath() -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    steps: tuple[Callable[[], None], ...] = (
        lambda: _search_for_leaks(pair, tools, one),
        lambda: _compare(pair, tools, options, one, breath),
    )
    for step in steps:
        try:
            step()
        except CrowdveilError as error:
            one.errors.append(str(error))
        except MemoryError:
            one.errors.append(f"{pair.copy}: there is not enough memory for this file")
        except Exception as error:
            # One file that trips over a bug must not cost the rest of the batch.
            one.errors.append(
                f"{pair.copy}: could not be checked because of a bug in crowdveil "
                f"({type(error).__name__}: {error}); please report it"
            )
    return one


def _search_for_leaks(pair: Pair, tools: "_Tools", one: _One) -> None:
    seen, looked = tools.witnesses.look(pair.copy, video=pair.is_video)
    walked = False
    try:
        seen = (*leaks_of(pair.copy), *seen)
        walked = True
    finally:
        one.leaks = LeakFigures(
            bytes=pair.copy.stat().st_size if pair.copy.is_file() else 0,
            container=walked,
            witnesses=looked,
            absent=tools.witnesses.absent,
        )
        one.findings += [
            Finding(subject=Subject.LEAK, verdict=leak.verdict, what=leak.what, place=leak.place)
            for leak in seen
        ]


def _compare(
    pair: Pair, tools: "_Tools", options: CheckOptions, one: _One, breath: Callable[[], None]
) -> None:
    if pair.is_video:
        _compare_videos(pair, tools, options, one, breath)
        return
    original, copy = read_photo(pair.original), read_photo(pair.copy)
    one.size_wh = original.frames[0].size_wh
    _require_same_shape(pair, original.frames[0].size_wh, copy.frames[0].size_wh)
    if original.durations_ms and copy.durations_ms:
        _note_film(
            one,
            compare_films(
                Animation(original),
                Animation(copy),
                tools.watch(),
                plan=pair.plan,
                looks=options.looks(),
                effort=Effort.FULL,
                breath=breath,
            ),
            pair,
            (original.frames[0].size_wh, copy.frames[0].size_wh),
        )
        _prove_photo(original, copy, pair, options, one)
    else:
        _compare_pages(original, copy, pair, tools, options, one, breath)


def _compare_pages(
    original: Photo,
    copy: Photo,
    pair: Pair,
    tools: "_Tools",
    options: CheckOptions,
    one: _One,
    breath: Callable[[], None],
) -> None:
    finder = tools.finder()
    timeline = None if pair.plan is None else Timeline(pair.plan)
    pages = min(len(original.frames), len(copy.frames))
    looks: list[Look] = []
    outside: list[Outside] = []
    _prove_photo(original, copy, pair, options, one)
    drawn = options.looks()[0] if one.proof is None else _veil_of(one.proof, options)
    for number in range(pages):
        breath()
        before = original.frames[number].rgb()
        after = resized(copy.frames[number].rgb(), original.frames[number].size_wh)
        regions = [] if timeline is None else timeline.at(number)
        look = look_for_faces(before, after, finder, planned=regions)
        looks.append(look)
        page = number if pages > 1 else None
        found = [replace(finding, frame=page) for finding in look.findings]
        veils = mask_of(regions, original.frames[number].size_wh, drawn) if timeline else None
        outside.append(outside_veils(before, after, look.boxes, veils))
        if number < _MOST_STILLS:
            marked = [finding.box for finding in found if finding.box is not None]
            covered = np.concatenate([look.to_cover, np.array(marked, np.float32).reshape(-1, 4)])
            one.stills.append(still_of(after, covered, frame=number, time_s=None))
        if options.private:
            first = len(one.findings) + 1
            one.crops += [
                crop_of(before, after, finding, first + k)
                for k, finding in enumerate(found)
                if finding.box is not None
            ]
        one.findings += found
        if not options.quick:
            one.veiled += _to_attack(before, after, look, page)
    one.faces = FaceFigures(
        pictures=pages,
        found=int(sum(look.faces.sum() for look in looks)),
        hidden=int(sum((look.faces & look.hidden).sum() for look in looks)),
    )
    _note_integrity(
        one,
        pair,
        outside,
        known=timeline is not None,
        sizes=(original.frames[0].size_wh, copy.frames[0].size_wh),
        frames=(len(original.frames), len(copy.frames)),
    )


def _veil_of(proof: Proof, options: CheckOptions) -> Veil:
    return next(look for look in options.looks() if look.style is proof.style)


def _to_attack(before: RGB, after: RGB, look: Look, page: int | None) -> list[VeiledFace]:
    """The largest veiled faces of a picture."""
    size = (look.boxes[:, 2:] - look.boxes[:, :2]).max(axis=1, initial=0)
    wanted = np.flatnonzero(look.faces & look.hidden & (size >= LEAST_PX))
    wanted = wanted[np.argsort(-size[wanted], kind="stable")][:MOST_A_PICTURE]
    faces = []
    for k in wanted:
        x0, y0, x1, y1 = look.boxes[k].tolist()
        box = (x0, y0, x1, y1)
        faces.append(veiled_face(before, after, box, where=box, frame=page))
    return faces


def _prove_photo(
    original: Photo, copy: Photo, pair: Pair, options: CheckOptions, one: _One
) -> None:
    if pair.plan is None:
        return
    same = original.frames[0].size_wh == (pair.plan.source.width, pair.plan.source.height)
    if not same or len(original.frames) != pair.plan.source.frames:
        one.notes.append("the plan gives another size or number of frames than the original has")
        return
    one.proof = prove_photo(original, copy, pair.plan, options.looks())
    _judge_proof(one)


def _judge_proof(one: _One) -> None:
    proof = one.proof
    if proof is None:
        return
    if not proof.reproduced:
        one.proof = None
        one.findings.append(
            Finding(
                subject=Subject.VEIL,
                verdict=Verdict.DOUBTFUL,
                what="the veils are not what this plan would draw, so nothing is proven of them; "
                "give --style, --margin, --shape and --seed as they were given to veil",
            )
        )
    elif not proof.independent:
        what = f"the veils ({proof.style.value}) are made of what they hide"
        if proof.style not in LOSSY:
            what += ", which they must not be; please report this"
        one.findings.append(Finding(subject=Subject.VEIL, verdict=Verdict.DOUBTFUL, what=what))


def _compare_videos(
    pair: Pair, tools: "_Tools", options: CheckOptions, one: _One, breath: Callable[[], None]
) -> None:
    original, copy = open_clip(pair.original), open_clip(pair.copy)
    one.size_wh = original.size_wh
    _require_same_shape(pair, original.size_wh, copy.size_wh)
    span = None
    if pair.plan is not None and pair.plan.source.span_s is not None:
        span = Span(*pair.plan.source.span_s)
    compared = compare_films(
        Video(original, span),
        Video(copy),
        tools.watch(),
        plan=pair.plan,
        looks=options.looks(),
        effort=Effort.AUTO,
        breath=breath,
    )
    _note_film(one, compared, pair, (original.size_wh, copy.size_wh))
    one.proof = compared.proof
    _judge_proof(one)
    if copy.has_audio:
        one.findings.append(
            Finding(
                subject=Subject.LEAK,
                verdict=Verdict.DOUBTFUL,
                what="sound, which was not listened to: voices identify people",
                place="sound",
            )
        )


def _note_film(
    one: _One,
    compared: Compared,
    pair: Pair,
    sizes: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    one.findings += compared.findings
    one.stills += compared.stills
    one.veiled += compared.veiled
    one.faces = FaceFigures(
        pictures=min(compared.frames), found=compared.followed, hidden=compared.hidden
    )
    _note_integrity(
        one,
        pair,
        compared.outside,
        known=pair.plan is not None,
        sizes=sizes,
        frames=compared.frames,
        seconds=compared.seconds,
        shift_s=compared.time_shift_s,
    )


def _note_integrity(
    one: _One,
    pair: Pair,
    outside: Sequence[Outside],
    *,
    known: bool,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    frames: tuple[int, int],
    seconds: tuple[float, float] | None = None,
    shift_s: float | None = None,
) -> None:
    measured = [part.psnr_db for part in outside if part.psnr_db is not None]
    one.integrity = IntegrityFigures(
        veils_known=known,
        outside=round(min((part.share for part in outside), default=1.0), 5),
        identical=round(min((part.identical for part in outside), default=1.0), 5),
        visible=round(max((part.visible for part in outside), default=0.0), 6),
        psnr_db=min(measured, default=None),
        ssim=min((part.ssim for part in outside), default=1.0),
        elsewhere=tuple(box for part in outside for box in part.elsewhere)[:50],
        pictures=len(outside),
        size_wh=sizes,
        frames=frames,
        duration_s=None if seconds is None else (round(seconds[0], 3), round(seconds[1], 3)),
        time_shift_s=shift_s,
    )
    told = []
    if sizes[0] != sizes[1]:
        told.append("is {} x {} pixels instead of {} x {}".format(*sizes[1], *sizes[0]))
    if frames[1] > frames[0]:
        more = frames[1] - frames[0]
        one.errors.append(
            f"{pair.copy}: has {more:,} more {'picture' if more == 1 else 'pictures'} than its "
            "original, which could not be compared with anything"
        )
    if frames[0] != frames[1]:
        told.append(f"has {frames[1]:,} pictures instead of {frames[0]:,}")
    if shift_s is not None and shift_s > _SHIFT_S:
        told.append(f"shows frames up to {shift_s:.2f} s earlier or later")
    if elsewhere := sum(len(part.elsewhere) for part in outside):
        places = "1 place" if elsewhere == 1 else f"{elsewhere:,} places"
        told.append(f"was altered in {places} where no face is")
    one.findings += [
        Finding(subject=Subject.ALTERED, verdict=Verdict.DOUBTFUL, what=f"the copy {what}")
        for what in told
    ]


def _require_same_shape(pair: Pair, a: tuple[int, int], b: tuple[int, int]) -> None:
    if abs(a[0] / a[1] / (b[0] / b[1]) - 1) > _ASPECT:
        raise UnreadableMedia(
            f"{pair.copy}: is {b[0]} x {b[1]} pixels, its original {a[0]} x {a[1]}: it was cropped "
            "or is of another picture, so the two cannot be compared; veil the cropped picture, "
            "or give the original it was made of"
        )


def _file(pair: Pair, one: _One) -> FileRecord:
    findings = tuple(sorted(one.findings, key=_rank))
    order = {id(finding): k for k, finding in enumerate(findings, 1)}
    old = dict(enumerate(one.findings, 1))
    one.crops = sorted(
        (replace(crop, number=order[id(old[crop.number])]) for crop in one.crops),
        key=lambda crop: crop.number,
    )
    one.findings = list(findings)
    error = "; ".join(dict.fromkeys(one.errors)) or None
    return FileRecord(
        name=pair.place.as_posix(),
        original_name=pair.original.name,
        original_sha256=_hash(pair.original),
        copy_sha256=_hash(pair.copy),
        plan_sha256=_hash(pair.plan_path) if pair.plan_path else None,
        matched_by_look=pair.by_look,
        result=_result(findings, error),
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


def _result(findings: Sequence[Finding], error: str | None) -> Result:
    if any(finding.verdict is Verdict.EXPOSED for finding in findings):
        return Result.EXPOSED
    return Result.CLEAN if error is None else Result.UNCHECKED


def _overall(files: Sequence[FileRecord], unmatched: bool, attacked: AttackRecord | None) -> Result:
    results = {file.result for file in files}
    if Result.EXPOSED in results or (attacked is not None and attacked.verdict == "exposed"):
        return Result.EXPOSED
    if unmatched or not files or Result.UNCHECKED in results or any(file.error for file in files):
        return Result.UNCHECKED
    return Result.CLEAN


def _attacked(
    files: list[FileRecord],
    ones: Sequence[_One],
    tools: "_Tools",
    options: CheckOptions,
    groups: Sequence[str | None],
) -> tuple[list[FileRecord], AttackRecord, int]:
    """Attack the veiled faces of all files, and add what that found to each."""
    gallery = (
        read_gallery(options.gallery, tools.finder(), tools.landmarks()) if options.gallery else ()
    )
    found = attack_all(
        [one.veiled for one in ones],
        look=_look_of(files, options),
        gallery=gallery,
        landmarks=tools.landmarks(),
        embedder=tools.embedder(),
        groups=groups,
    )
    added = []
    for file, one, new in zip(files, ones, found.findings, strict=True):
        one.findings += new
        findings = (*file.findings, *new)
        added.append(
            file.model_copy(update={"findings": findings, "result": _result(findings, file.error)})
        )
    return added, found.record, len(gallery)


def _look_of(files: Sequence[FileRecord], options: CheckOptions) -> Veil | None:
    """How the faces were veiled: as the user or a proof says, else unknown."""
    if options.style is not None:
        return options.looks()[0]
    for file in files:
        if file.noninterference is not None:
            return _veil_of(file.noninterference, options)
    return None


def _sheet(one: _One, file: FileRecord) -> Sheet:
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


def _groups(path: Path | None, pairs: Sequence[Pair]) -> list[str | None]:
    """The group of the people in each file, from a CSV file with columns `file` and `group`."""
    if path is None:
        return [None] * len(pairs)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"file", "group"} <= set(reader.fieldnames or ()):
                raise KeyError("columns")
            rows = list(reader)
        named = {row["file"]: row["group"].strip() or None for row in rows}
    except (OSError, KeyError, UnicodeDecodeError, AttributeError) as error:
        raise OptionsInvalid(
            f"{path}: is no CSV file with the columns file and group; check --groups"
        ) from error
    return [named.get(pair.place.as_posix(), named.get(pair.original.name)) for pair in pairs]


class _Tools:
    """Detectors and recognisers, made when they are first needed; used by several threads."""

    def __init__(self, options: CheckOptions, witnesses: Witnesses) -> None:
        self._options, self.witnesses, self._lock = options, witnesses, Lock()
        self._detectors = load_detectors()
        self._finder: FaceFinder | None = None
        self._landmarks: LandmarkFinder | None = None
        self._embedder: Embedder | None = None
        # What is wrong with the weights is said before any work begins.
        self.finder()

    def finder(self) -> FaceFinder:
        with self._lock:
            if self._finder is None:
                self._finder = FaceFinder(
                    caution=self._options.caution,
                    detector=self._options.detector,
                    detectors=self._detectors,
                )
            return self._finder

    def watch(self) -> Watch:
        return Watch(
            caution=self._options.caution,
            detector=self._options.detector,
            detectors=self._detectors,
            policy=SENSITIVE,
        )

    def landmarks(self) -> LandmarkFinder:
        if self._landmarks is None:
            self._landmarks = LandmarkFinder(self._detectors)
        return self._landmarks

    def embedder(self) -> Embedder:
        if self._embedder is None:
            self._embedder = load_embedder()
        return self._embedder

    def weights(self) -> dict[str, str]:
        """Name and hash of everything that was used."""
        used = dict(self.finder().weights)
        if self._embedder is not None:
            used[self._embedder.recogniser.name] = self._embedder.recogniser.sha256
        return used
