"""What crowdveil does with many photos and videos: `veil`, `plan_photos`, `render_plans`.

Each takes paths and options, names every output, says what is to be done with one file,
and hands that to `batch`. The commands of the same names are twins of these functions.
Showing progress is left to a `Watcher`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path, PurePath
from threading import Lock
from typing import TypeAlias

from crowdveil.batch import Made, Work, run
from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.errors import CrowdveilError, OptionsInvalid, PlanInvalid
from crowdveil.filming import plan_video, read_planned_video, render_video
from crowdveil.kinds import kind_of
from crowdveil.media.atomic import partial_path
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import Clip, VideoFormat
from crowdveil.media.video.containers import SUFFIXES, VIDEO_SUFFIXES
from crowdveil.media.video.probe import open_clip
from crowdveil.notices import Notice
from crowdveil.options import (
    PLANS,
    VEILED,
    Filming,
    PlanOptions,
    RenderOptions,
    VeilOptions,
    drawn_with,
)
from crowdveil.outputs import (
    PLAN_SUFFIX,
    Job,
    container_of,
    format_of,
    neutral_places,
    only_file,
    place_under,
    video_place,
)
from crowdveil.plan import Plan
from crowdveil.progress import Tell
from crowdveil.redact.look import LOSSY_WARNING, Look
from crowdveil.sources import Input, Refusal, expand, judge_media, judge_plan
from crowdveil.summary import Summary, Watcher
from crowdveil.veiling import Breath, encode_veiled, plan_photo, read_planned, render_photo
from crowdveil.watching import Watch

AnyPath: TypeAlias = str | PathLike[str]


def veil(
    paths: AnyPath | Iterable[AnyPath],
    out: AnyPath | None = None,
    *,
    options: VeilOptions | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Write copies in which every face found is veiled and no metadata is left.

    Args:
        paths: photos, videos and folders; folders are searched through and keep their tree.
        out: the folder for the copies (`veiled` if None), or for a single file a file name,
            whose suffix chooses a photo's format or a video's container.
        options: None for the defaults.
        watcher: told how it gets on.

    Returns:
        What came of every file; those that failed are in its `failures`.

    Raises:
        OptionsInvalid: the options contradict each other, the paths or `out`.
        OutputRefused: an output would be an original, two files would share one output, or
            an output exists; nothing has been written.
        WeightsInvalid: the weights, or the user's own detector, cannot be used.
    """
    options = options or VeilOptions()
    given, out = _paths(paths), VEILED if out is None else Path(out)
    single = only_file(given, out)
    format = _chosen_format(options.format, single)
    outputs = [folder for folder in (out, options.plans) if folder is not None]
    found = expand(given, judge_media, outputs=outputs)
    container = _chosen_container(options, single)
    inputs = [_as_asked(item, container) for item in found.inputs]
    places = [_place(item, format) for item in inputs]
    if options.rename:
        places = neutral_places(places)
    jobs = [
        _job(
            item,
            single or out / place,
            plan=_plan_path(options.plans, item) if options.plans else None,
            format=format,
        )
        for item, place in zip(inputs, places, strict=True)
    ]

    def prepare() -> Work:
        eyes, look, span = _Eyes(options, jobs), options.look(), options.span()

        def work(job: Job, breath: Breath, tell: Tell) -> Made:
            home = job.plan.parent if job.plan else None
            if job.partial is not None:
                clip = open_clip(job.source, job.video)
                plan, _ = plan_video(
                    clip, eyes.watch(), home=home, span=span, breath=breath, tell=tell
                )
                notices = _render(job, clip, plan, look, options, breath, tell)
                return Made(_as_drawn(plan, look), notices=notices)
            plan, photo = plan_photo(
                job.source, eyes.finder(), eyes.watch, home=home, breath=breath
            )
            photo = render_photo(photo, plan, look, breath=breath)
            breath()
            data = encode_veiled(
                photo, job.source, format=job.format, keep_credit=options.keep_credit
            )
            return Made(_as_drawn(plan, look), data)

        return work

    return run(found, jobs, prepare, options, watcher)


def plan_photos(
    paths: AnyPath | Iterable[AnyPath],
    out: AnyPath | None = None,
    *,
    options: PlanOptions | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Write for each file the plan of what would be veiled, for a person to look at and edit.

    Args:
        paths: photos, videos and folders; folders are searched through and keep their tree.
        out: the folder for the plans (`plans` if None), each named `NAME.EXT.plan.json`.
        options: None for the defaults.
        watcher: told how it gets on.

    Returns:
        What came of every file; those that failed are in its `failures`.

    Raises:
        OptionsInvalid, OutputRefused, WeightsInvalid: as for `veil`.
    """
    options = options or PlanOptions()
    out = PLANS if out is None else Path(out)
    found = expand(_paths(paths), judge_media, outputs=[out])
    jobs = [
        Job(source=item.path, plan=_plan_path(out, item), video=item.video) for item in found.inputs
    ]

    def prepare() -> Work:
        eyes, span = _Eyes(options, jobs), options.span()

        def work(job: Job, breath: Breath, tell: Tell) -> Made:
            home = job.plan.parent if job.plan else None
            if job.video is not None:
                clip = open_clip(job.source)
                watch = eyes.watch()
                plan, damage = plan_video(
                    clip, watch, home=home, span=span, breath=breath, tell=tell
                )
                return Made(plan, notices=damage)
            plan, _ = plan_photo(job.source, eyes.finder(), eyes.watch, home=home, breath=breath)
            return Made(plan)

        return work

    return run(found, jobs, prepare, options, watcher)


def render_plans(
    paths: AnyPath | Iterable[AnyPath],
    out: AnyPath | None = None,
    *,
    options: RenderOptions | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Write the photos and videos that plans belong to, veiled as each plan says.

    The source is looked for where its plan says and beside the plan, or under
    `options.source`; its hash must be the plan's.

    Args:
        paths: plans and folders; folders are searched through and keep their tree.
        out: the folder for the copies (`veiled` if None), or for a single plan a file name,
            whose suffix chooses a photo's format or a video's container.
        options: None for the defaults.
        watcher: told how it gets on.

    Returns:
        What came of every plan; those that failed are in its `failures`.

    Raises:
        OptionsInvalid, OutputRefused: as for `veil`.
    """
    options = options or RenderOptions()
    given, out = _paths(paths), VEILED if out is None else Path(out)
    single = only_file(given, out)
    format = _chosen_format(options.format, single)
    container = _chosen_container(options, single)
    found = expand(given, judge_plan, outputs=[out])
    jobs: list[Job] = []
    for item in found.inputs:
        try:
            plan = Plan.load(item.path)
            source = _source_of(item, plan, options.source)
            kind = kind_of(source)
            original = _as_asked(
                Input(source, _source_place(item), kind.format, kind.video), container
            )
            place = _place(original, format)
            jobs.append(
                replace(
                    _job(original, single or out / place, format=format),
                    edited=plan,
                    edited_path=item.path,
                )
            )
        except CrowdveilError as error:
            found.refusals.append(Refusal(item.path, str(error)))

    def prepare() -> Work:
        def work(job: Job, breath: Breath, tell: Tell) -> Made:
            if job.edited is None:
                raise ValueError("rendering needs a plan")
            look = options.look(job.edited)
            warned = () if options.style is not None else _warning(look)
            if job.partial is not None:
                clip = read_planned_video(job.source, job.edited, job.video)
                notices = _render(job, clip, job.edited, look, options, breath, tell)
                return Made(job.edited, notices=warned + notices)
            photo = read_planned(job.source, job.edited)
            photo = render_photo(photo, job.edited, look, breath=breath)
            breath()
            data = encode_veiled(
                photo, job.source, format=job.format, keep_credit=options.keep_credit
            )
            return Made(job.edited, data, warned)

        return work

    return run(found, jobs, prepare, options, watcher)


def _as_drawn(plan: Plan, look: Look) -> Plan:
    return plan.model_copy(update={"drawn": drawn_with(look)})


def _warning(look: Look) -> tuple[Notice, ...]:
    """What a user must hear of a style that a plan chose."""
    return (Notice(LOSSY_WARNING[look.style]),) if look.style in LOSSY_WARNING else ()


class _Eyes:
    """What finds faces in photos and what follows them in videos, made when first needed."""

    def __init__(self, options: VeilOptions | PlanOptions, jobs: Sequence[Job]) -> None:
        self._options, self._lock = options, Lock()
        self._detectors = load_detectors()
        self._finder: FaceFinder | None = None
        self._watch: Watch | None = None
        # What is wrong with the weights or the user's detector is said before any work begins.
        if any(job.video is None for job in jobs):
            self.finder()
        elif jobs:
            self.watch()

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
        with self._lock:
            if self._watch is None:
                self._watch = Watch(
                    caution=self._options.caution,
                    detector=self._options.detector,
                    every_frame=self._options.every_frame,
                    detectors=self._detectors,
                )
            return self._watch


def _render(
    job: Job,
    clip: Clip,
    plan: Plan,
    look: Look,
    options: Filming,
    breath: Breath,
    tell: Tell,
) -> tuple[Notice, ...]:
    """Write a video to its job's partial file; nothing stays of it if that fails."""
    if job.partial is None:
        raise ValueError("a video needs a place to be written")
    try:
        return render_video(
            clip,
            plan,
            look,
            job.partial,
            audio=options.audio,
            subtitles=options.subtitles,
            crf=options.crf,
            breath=breath,
            tell=tell,
        )
    except BaseException:
        job.partial.unlink(missing_ok=True)
        raise


def _job(
    item: Input, output: Path, *, plan: Path | None = None, format: PhotoFormat | None = None
) -> Job:
    if item.video is None:
        if output.suffix.lower() in VIDEO_SUFFIXES:
            raise OptionsInvalid(
                f"{output} is named like a video, but {item.path} is a photo; change the name"
            )
        return Job(source=item.path, output=output, plan=plan, format=format)
    if output.suffix.lower() not in SUFFIXES[item.video]:
        raise OptionsInvalid(
            f"{output} would be named otherwise than what it holds: the copy of {item.path} is "
            f"a {SUFFIXES[item.video][0]} file; change the name"
        )
    return Job(
        source=item.path,
        output=output,
        plan=plan,
        video=item.video,
        partial=partial_path(output),
    )


def _place(item: Input, format: PhotoFormat | None) -> PurePath:
    if item.video is not None:
        return video_place(item.place, item.video)
    return place_under(item.place, format or item.format)


def _paths(paths: AnyPath | Iterable[AnyPath]) -> Sequence[Path]:
    if isinstance(paths, str | PathLike):
        return [Path(paths)]
    return [Path(path) for path in paths]


def _chosen_format(format: PhotoFormat | None, single: Path | None) -> PhotoFormat | None:
    by_name = format_of(single) if single else None
    if format and by_name and format is not by_name:
        raise OptionsInvalid(
            f"{single} would be named like {by_name.upper()} but hold {format.upper()}; "
            "change one of the two"
        )
    return format or by_name


def _chosen_container(options: Filming, single: Path | None) -> VideoFormat | None:
    by_name = container_of(single) if single else None
    asked = None if options.container is None else VideoFormat(options.container)
    if asked and by_name and asked is not by_name:
        raise OptionsInvalid(
            f"{single} would be named like {by_name.upper()} but hold {asked.upper()}; "
            "change one of the two"
        )
    # AVI knows no times, so that only what is AVI already is written as such.
    return asked or (None if by_name is VideoFormat.AVI else by_name)


def _as_asked(item: Input, container: VideoFormat | None) -> Input:
    return replace(item, video=container or item.video) if item.video else item


def _plan_path(folder: Path, item: Input) -> Path:
    return folder / item.place.with_name(item.place.name + PLAN_SUFFIX)


def _source_place(item: Input) -> PurePath:
    """Where a plan's source goes: by the plan's file name, as its text may hold any path."""
    name = item.place.name
    for suffix in (PLAN_SUFFIX, ".json"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return item.place.with_name(name) if name else item.place


def _source_of(item: Input, plan: Plan, originals: Path | None) -> Path:
    name = PurePath(plan.source.name).name
    if originals is None:
        candidates = [item.path.parent / plan.source.path, item.path.parent / name]
    else:
        candidates = [originals / _source_place(item), originals / name]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise PlanInvalid(
        f"{item.path}: its source is not at {candidates[0]}; "
        "say with --source which folder holds the originals"
    )
