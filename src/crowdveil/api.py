"""The three things crowdveil does with many photos: `veil`, `plan_photos`, `render_plans`.

Each takes paths and options, names every output, says what is to be done with one photo,
and hands that to `batch`. The commands of the same names are twins of these functions.
Showing progress is left to a `Watcher`.
"""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path, PurePath
from typing import TypeAlias

from crowdveil.batch import Made, Work, run
from crowdveil.detect.finder import FaceFinder
from crowdveil.errors import CrowdveilError, OptionsInvalid, PlanInvalid
from crowdveil.kinds import kind_of
from crowdveil.media.picture import PhotoFormat
from crowdveil.options import PLANS, VEILED, PlanOptions, RenderOptions, VeilOptions
from crowdveil.outputs import PLAN_SUFFIX, Job, format_of, neutral_places, only_file, place_under
from crowdveil.plan import Plan
from crowdveil.sources import Input, Refusal, expand, judge_photo, judge_plan
from crowdveil.summary import Summary, Watcher
from crowdveil.veiling import Breath, encode_veiled, plan_photo, read_planned, render_photo

AnyPath: TypeAlias = str | PathLike[str]


def veil(
    paths: AnyPath | Iterable[AnyPath],
    out: AnyPath | None = None,
    *,
    options: VeilOptions | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Write copies of photos in which every face found is veiled and no metadata is left.

    Args:
        paths: photos and folders; folders are searched through and keep their tree.
        out: the folder for the copies (`veiled` if None), or for a single photo a file name,
            whose suffix chooses the format.
        options: None for the defaults.
        watcher: told how it gets on.

    Returns:
        What came of every file; those that failed are in its `failures`.

    Raises:
        OptionsInvalid: the options contradict each other, the paths or `out`.
        OutputRefused: an output would be an original, two photos would share one output, or
            an output exists; nothing has been written.
        WeightsInvalid: the weights, or the user's own detector, cannot be used.
    """
    options = options or VeilOptions()
    given, out = _paths(paths), VEILED if out is None else Path(out)
    single = only_file(given, out)
    format = _chosen_format(options.format, single)
    outputs = [folder for folder in (out, options.plans) if folder is not None]
    found = expand(given, judge_photo, outputs=outputs)
    places = [place_under(item.place, format or item.format) for item in found.inputs]
    if options.rename:
        places = neutral_places(places)
    jobs = [
        Job(
            source=item.path,
            photo=single or out / place,
            plan=_plan_path(options.plans, item) if options.plans else None,
            format=format,
        )
        for item, place in zip(found.inputs, places, strict=True)
    ]

    def prepare() -> Work:
        finder, look = (
            FaceFinder(caution=options.caution, detector=options.detector),
            options.look(),
        )

        def work(job: Job, breath: Breath) -> Made:
            home = job.plan.parent if job.plan else None
            plan, photo = plan_photo(job.source, finder, options.caution, home=home, breath=breath)
            photo = render_photo(photo, plan, look, breath=breath)
            breath()
            data = encode_veiled(
                photo, job.source, format=job.format, keep_credit=options.keep_credit
            )
            return Made(plan, data)

        return work

    return run(found, jobs, prepare, options, watcher)


def plan_photos(
    paths: AnyPath | Iterable[AnyPath],
    out: AnyPath | None = None,
    *,
    options: PlanOptions | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Write for each photo the plan of what would be veiled, for a person to look at and edit.

    Args:
        paths: photos and folders; folders are searched through and keep their tree.
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
    found = expand(_paths(paths), judge_photo, outputs=[out])
    jobs = [Job(source=item.path, plan=_plan_path(out, item)) for item in found.inputs]

    def prepare() -> Work:
        finder = FaceFinder(caution=options.caution, detector=options.detector)

        def work(job: Job, breath: Breath) -> Made:
            home = job.plan.parent if job.plan else None
            plan, _ = plan_photo(job.source, finder, options.caution, home=home, breath=breath)
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
    """Write the photos that plans belong to, veiled as each plan says.

    The photo is looked for where its plan says and beside the plan, or under
    `options.source`; its hash must be the plan's.

    Args:
        paths: plans and folders; folders are searched through and keep their tree.
        out: the folder for the photos (`veiled` if None), or for a single plan a file name,
            whose suffix chooses the format.
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
    found = expand(given, judge_plan, outputs=[out])
    jobs: list[Job] = []
    for item in found.inputs:
        try:
            plan = Plan.load(item.path)
            source = _source_of(item, plan, options.source)
            place = place_under(_photo_place(item), format or kind_of(source).format)
        except CrowdveilError as error:
            found.refusals.append(Refusal(item.path, str(error)))
        else:
            photo = single or out / place
            jobs.append(Job(source, photo, format=format, edited=plan, edited_path=item.path))

    def prepare() -> Work:
        look = options.look()

        def work(job: Job, breath: Breath) -> Made:
            if job.edited is None:
                raise ValueError("rendering needs a plan")
            photo = read_planned(job.source, job.edited)
            photo = render_photo(photo, job.edited, look, breath=breath)
            breath()
            data = encode_veiled(
                photo, job.source, format=job.format, keep_credit=options.keep_credit
            )
            return Made(job.edited, data)

        return work

    return run(found, jobs, prepare, options, watcher)


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


def _plan_path(folder: Path, item: Input) -> Path:
    return folder / item.place.with_name(item.place.name + PLAN_SUFFIX)


def _photo_place(item: Input) -> PurePath:
    """Where a plan's photo goes: by the plan's file name, as its text may hold any path."""
    name = item.place.name
    for suffix in (PLAN_SUFFIX, ".json"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return item.place.with_name(name) if name else item.place


def _source_of(item: Input, plan: Plan, originals: Path | None) -> Path:
    name = PurePath(plan.source.name).name
    if originals is None:
        candidates = [item.path.parent / plan.source.path, item.path.parent / name]
    else:
        candidates = [originals / _photo_place(item), originals / name]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise PlanInvalid(
        f"{item.path}: its photo is not at {candidates[0]}; "
        "say with --source which folder holds the originals"
    )
