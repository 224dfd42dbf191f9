"""One photo: from the file to its plan, and from its plan to the veiled bytes.

Reads the source and never writes. The order of the stages, and how a plan is tied to its
source, are decided here; what each stage does is left to `media`, `detect` and `redact`,
and many photos are left to `batch`.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from crowdveil import __version__
from crowdveil.detect.effort import Effort
from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import FaceFinder
from crowdveil.draft import draft_regions
from crowdveil.errors import PlanInvalid, UnreadableMedia, UnsupportedMedia
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.photos import encode_photo, read_credit, read_photo
from crowdveil.media.picture import RGB, Photo, PhotoFormat, Picture
from crowdveil.plan import Made, Plan, Source, Track
from crowdveil.progress import Progress, Stage, Tell
from crowdveil.redact.look import Look
from crowdveil.redact.render import render_picture
from crowdveil.track.timeline import Timeline
from crowdveil.watching import Scene, Watch

Breath = Callable[[], None]
"""Called between the stages of one photo, as a sign that the work goes on."""


def plan_photo(
    path: Path,
    finder: FaceFinder,
    watch: Callable[[], Watch],
    *,
    home: Path | None,
    breath: Breath,
    tell: Tell,
) -> tuple[Plan, Photo]:
    """Find what must be hidden in one photo.

    Args:
        path: the photo.
        finder: finds the faces of one picture.
        watch: makes what follows faces through the frames of an animation.
        home: the folder that the plan will be saved in, None if it will not be saved.
        breath: called between stages.
        tell: told how far an animation is.

    Returns:
        The plan, and the photo decoded, so that rendering need not decode it again.

    Raises:
        CrowdveilError: the photo cannot be read.
    """
    sha256 = sha256_of(path)
    photo = read_photo(path)
    width, height = photo.frames[0].size_wh
    tracks: tuple[Track, ...] = ()
    found: list[Faces] = []
    if photo.durations_ms:
        tracks = _followed(photo, watch(), tell)
    else:
        for frame in photo.frames:
            breath()
            found.append(finder.find(frame.rgb()))
    plan = Plan(
        source=Source(
            name=path.name,
            path=path_from(home, path),
            sha256=sha256,
            format=photo.format,
            width=width,
            height=height,
            frames=len(photo.frames),
            duration_s=sum(photo.durations_ms) / 1000 if photo.durations_ms else None,
        ),
        made=Made(crowdveil=__version__, caution=finder.caution, weights=finder.weights),
        regions=draft_regions(found),
        tracks=tracks,
    )
    return plan, photo


def read_planned(path: Path, plan: Plan) -> Photo:
    """Decode the photo that a plan belongs to.

    Raises:
        PlanInvalid: the file is not the one that the plan was made for.
        CrowdveilError: the photo cannot be read.
    """
    if sha256_of(path) != plan.source.sha256:
        raise PlanInvalid(
            f"{path}: is not the photo that the plan of {plan.source.name} was made for "
            "(its SHA-256 differs), so the faces are elsewhere; find that photo and give its "
            "folder with --source, or make a new plan"
        )
    photo = read_photo(path)
    width, height = photo.frames[0].size_wh
    expected = (plan.source.width, plan.source.height, plan.source.frames)
    if (width, height, len(photo.frames)) != expected:
        raise PlanInvalid(
            f"{path}: the plan gives another size or number of frames than the photo has; "
            "make a new plan"
        )
    return photo


def render_photo(photo: Photo, plan: Plan, look: Look, *, breath: Breath, tell: Tell) -> Photo:
    """Veil every frame of a photo as its plan says; the plan must belong to it."""
    frames = []
    timeline = Timeline(plan)
    for number, frame in enumerate(photo.frames):
        breath()
        frames.append(render_picture(frame, timeline.at(number), look))
        if photo.durations_ms:
            tell(Progress(Stage.VEILING, number + 1, len(photo.frames)))
    return dataclasses.replace(photo, frames=tuple(frames))


def encode_veiled(
    photo: Photo, path: Path, *, format: PhotoFormat | None, keep_credit: bool
) -> bytes:
    """The bytes of a veiled photo, with the credit of its source `path` if that is kept.

    Raises:
        UnsupportedMedia: `format` cannot hold the photo.
    """
    credit = read_credit(path) if keep_credit else None
    try:
        return encode_photo(photo, format=format, credit=credit)
    except UnsupportedMedia as error:
        # Encoders know pixels, not files.
        raise UnsupportedMedia(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Still:
    """A frame of an animation, for watching."""

    number: int
    time_s: float
    picture: Picture

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """As `clip.Frame.rgb`, always whole."""
        picture = self.picture.rgb()
        if size_wh == self.picture.size_wh:
            return picture
        shrinks = size_wh[0] < self.picture.size_wh[0]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, size_wh, interpolation=method), np.uint8)


def _followed(photo: Photo, watch: Watch, tell: Tell) -> tuple[Track, ...]:
    """The faces of an animation through its frames, each looked at with everything there is."""
    ends = np.cumsum((0, *photo.durations_ms)) / 1000
    stills = (
        _Still(number, float(ends[number]), picture) for number, picture in enumerate(photo.frames)
    )
    rate = len(photo.frames) / max(float(ends[-1]), 0.01 * len(photo.frames))
    scene = Scene(photo.frames[0].size_wh, 1.0, rate)

    def seen(count: int) -> None:
        tell(Progress(Stage.LOOKING, count, len(photo.frames)))

    return watch.follow(stills, scene, effort=Effort.FULL, seen=seen)[0]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits; raises `UnreadableMedia`."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableMedia(
            f"{path}: cannot be read ({error.strerror}); check that it exists and may be opened"
        ) from error


def path_from(home: Path | None, path: Path) -> str:
    """How a plan saved in `home` tells where its source is; as given if it is not saved."""
    if home is None:
        return path.as_posix()
    try:
        return Path(os.path.relpath(path.resolve(), home.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return path.resolve().as_posix()
