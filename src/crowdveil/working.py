"""Does one job of `veil`, `plan` or `render`, in a worker: the one place where it is decoded.

A job comes in; the plan and the veiled photo's bytes go out. A video, too large for memory, is
written to the job's hidden file, which whoever gave the job puts in its place. How each step
works is left to `veiling` and `filming`.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import cv2

from crowdveil.detect.detector import Detector
from crowdveil.detect.engine import use_cores
from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.detect.pulse import with_pulse
from crowdveil.isolation.service import Line
from crowdveil.media.video.clip import Clip
from crowdveil.notices import Notice
from crowdveil.options import Filming, PlanOptions, RenderOptions, VeilOptions, drawn_with
from crowdveil.outputs import Job
from crowdveil.plan import Plan
from crowdveil.redact.look import LOSSY_WARNING, Look
from crowdveil.tasks import Made, Setup
from crowdveil.veiling import encode_veiled, lacks, plan_photo, read_planned, render_photo
from crowdveil.watching import Watch
from crowdveil.weigh import weight_px

Work: TypeAlias = Callable[[Job, Line], Made]


def open_work(setup: Setup, line: Line, threads: int) -> Work:
    """Get ready for all jobs.

    Args:
        setup: what is to be done.
        line: to whoever gives the jobs.
        threads: how many cores to keep busy.

    Raises:
        WeightsInvalid: the weights, or the user's own detector, cannot be used.
    """
    use_cores(threads)
    cv2.setNumThreads(threads)
    work = _chosen(setup, line)

    def weighed(job: Job, line: Line) -> Made:
        line.weigh(weight_px(job.source, video=job.video is not None))
        return work(job, line)

    return weighed


def _chosen(setup: Setup, line: Line) -> Work:
    if setup.veil is not None:
        return _veiling(setup.veil, _Eyes(setup.veil, line, films=setup.films))
    if setup.plan is not None:
        return _planning(setup.plan, _Eyes(setup.plan, line, films=setup.films))
    if setup.render is not None:
        return _rendering(setup.render)
    raise ValueError("nothing to do was said")


def _veiling(options: VeilOptions, eyes: "_Eyes") -> Work:
    look, span = options.look(), options.span()

    def work(job: Job, line: Line) -> Made:
        home = job.plan.parent if job.plan else None
        if job.partial is not None:
            from crowdveil.filming import plan_video  # brings FFmpeg along
            from crowdveil.media.video.probe import open_clip

            clip = open_clip(job.source, job.video)
            plan, _ = plan_video(
                clip, eyes.watch(), home=home, span=span, breath=line.beat, tell=line.tell
            )
            notices = _film(job, clip, plan, look, options, line)
            return Made(_as_drawn(plan, look), notices=notices)
        plan, photo = plan_photo(
            job.source, eyes.finder(), eyes.watch, home=home, breath=line.beat, tell=line.tell
        )
        photo = render_photo(photo, plan, look, breath=line.beat, tell=line.tell)
        line.beat()
        data = encode_veiled(photo, job.source, format=job.format, keep_credit=options.keep_credit)
        return Made(_as_drawn(plan, look), data, lacks(photo))

    return work


def _planning(options: PlanOptions, eyes: "_Eyes") -> Work:
    span = options.span()

    def work(job: Job, line: Line) -> Made:
        home = job.plan.parent if job.plan else None
        if job.video is not None:
            from crowdveil.filming import plan_video
            from crowdveil.media.video.probe import open_clip

            clip, watch = open_clip(job.source), eyes.watch()
            plan, damage = plan_video(
                clip, watch, home=home, span=span, breath=line.beat, tell=line.tell
            )
            return Made(plan, notices=damage)
        plan, _ = plan_photo(
            job.source, eyes.finder(), eyes.watch, home=home, breath=line.beat, tell=line.tell
        )
        return Made(plan)

    return work


def _rendering(options: RenderOptions) -> Work:
    def work(job: Job, line: Line) -> Made:
        if job.edited is None:
            raise ValueError("rendering needs a plan")
        look = options.look(job.edited)
        warned = () if options.style is not None else _warning(look)
        if job.partial is not None:
            from crowdveil.filming import read_planned_video

            clip = read_planned_video(job.source, job.edited, job.video)
            notices = _film(job, clip, job.edited, look, options, line)
            return Made(job.edited, notices=warned + notices)
        photo = read_planned(job.source, job.edited)
        photo = render_photo(photo, job.edited, look, breath=line.beat, tell=line.tell)
        line.beat()
        data = encode_veiled(photo, job.source, format=job.format, keep_credit=options.keep_credit)
        return Made(job.edited, data, warned + lacks(photo))

    return work


def _as_drawn(plan: Plan, look: Look) -> Plan:
    return plan.model_copy(update={"drawn": drawn_with(look)})


def _warning(look: Look) -> tuple[Notice, ...]:
    """What a user must hear of a style that a plan chose."""
    return (Notice(LOSSY_WARNING[look.style]),) if look.style in LOSSY_WARNING else ()


def _film(
    job: Job, clip: Clip, plan: Plan, look: Look, options: Filming, line: Line
) -> tuple[Notice, ...]:
    """Write a video to its job's partial file; nothing stays of it if that fails."""
    if job.partial is None:
        raise ValueError("a video needs a place to be written")
    from crowdveil.filming import render_video

    try:
        return render_video(
            clip,
            plan,
            look,
            job.partial,
            audio=options.audio,
            subtitles=options.subtitles,
            crf=options.crf,
            breath=line.beat,
            tell=line.tell,
        )
    except BaseException:
        job.partial.unlink(missing_ok=True)
        raise


class _Eyes:
    """What finds faces in photos and what follows them in videos, made when first needed."""

    def __init__(self, options: VeilOptions | PlanOptions, line: Line, *, films: bool) -> None:
        self._options = options
        self._finder: FaceFinder | None = None
        self._watch: Watch | None = None
        self._detectors: Mapping[str, Detector] = with_pulse(load_detectors(), line.beat)
        # What is wrong with the user's detector is said before any work begins.
        if films:
            self.watch()
        else:
            self.finder()

    def finder(self) -> FaceFinder:
        if self._finder is None:
            self._finder = FaceFinder(
                caution=self._options.caution,
                detector=self._options.detector,
                detectors=self._detectors,
            )
        return self._finder

    def watch(self) -> Watch:
        if self._watch is None:
            self._watch = Watch(
                caution=self._options.caution,
                detector=self._options.detector,
                every_frame=self._options.every_frame,
                detectors=self._detectors,
            )
        return self._watch
