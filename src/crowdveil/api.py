"""What crowdveil does with many photos and videos: `veil`, `plan_photos`, `render_plans`.

Each takes paths and options, names every output, and hands both to `batch`; what is done with one
file is in `working`. The commands of the same names are twins of these functions.
Showing progress is left to a `Watcher`.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path, PurePath
from typing import TypeAlias

from crowdveil.batch import run
from crowdveil.errors import (
    CrowdveilError,
    OptionsInvalid,
    OutputRefused,
    PlanInvalid,
    shortened,
)
from crowdveil.kinds import kind_of
from crowdveil.media.atomic import make_folder, write_whole
from crowdveil.media.leftovers import partial_path
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import VideoFormat
from crowdveil.media.video.containers import SUFFIXES, VIDEO_SUFFIXES
from crowdveil.options import (
    PLANS,
    VEILED,
    Filming,
    PlanOptions,
    RenderOptions,
    VeilOptions,
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
from crowdveil.sources import Input, Refusal, expand, judge_media, judge_plan
from crowdveil.summary import Summary, Watcher
from crowdveil.tasks import Setup

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
        OutputRefused: an output would be an original, or exists; nothing has been written.
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
    if options.names is not None:
        _check_names_file(options.names, out, found.inputs, overwrite=options.overwrite)
    jobs = [
        _job(
            item,
            single or out / place,
            plan=_plan_path(options.plans, item) if options.plans else None,
            format=format,
        )
        for item, place in zip(inputs, places, strict=True)
    ]

    def begin() -> None:
        if options.names is not None:
            _write_names(options.names, jobs, overwrite=options.overwrite)

    setup = Setup(veil=options)
    return run(found, jobs, setup, options, options.limits(), watcher, begin=begin)


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

    return run(found, jobs, Setup(plan=options), options, options.limits(), watcher)


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

    return run(found, jobs, Setup(render=options), options, options.limits(), watcher)


def _check_names_file(names: Path, out: Path, inputs: Sequence[Input], *, overwrite: bool) -> None:
    """Refuse a place for the key of new names where it would be published or replace something."""
    real = os.path.realpath(names)
    if Path(real).is_relative_to(os.path.realpath(out)):
        raise OutputRefused(
            f"{names}: lies in the folder to publish, and would undo the new names; "
            "choose another place with --names"
        )
    if any(real == os.path.realpath(item.path) for item in inputs):
        raise OutputRefused(f"{names}: is an original; choose another place with --names")
    if os.path.lexists(names) and not overwrite:
        raise OutputRefused(f"{names}: exists already; choose another place with --names")


def _write_names(names: Path, jobs: Sequence[Job], *, overwrite: bool) -> None:
    """Write which is which before any copy, so that no crash can lose it."""
    key = {str(job.output): str(job.source) for job in jobs}
    text = json.dumps(dict(sorted(key.items())), indent=1, ensure_ascii=False) + "\n"
    make_folder(names.parent)
    write_whole(names, text.encode(), overwrite=overwrite, private=True)


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
        if os.path.isfile(candidate):
            return candidate
    raise PlanInvalid(
        f"{item.path}: its source is not at {shortened(candidates[0])}, or may not be opened; "
        "say with --source which folder holds the originals"
    )
