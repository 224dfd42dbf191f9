"""The plan: what must be hidden in one source file, as JSON that a person can read and edit.

A plan names its source by hash, lists every region (one frame) and track (many frames) with
its boxes, score and origin, and says for each whether it is veiled or kept and why. It holds
no pixels and no face templates. Finding faces and painting over them are left to `detect`
and `redact`.
"""

from enum import StrEnum
from os import PathLike
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crowdveil.errors import PlanInvalid, shortened
from crowdveil.typed import MOST_PLAN_BYTES, read_bytes

MOST_PATH = 4096
"""Characters of a path: no system opens a longer one."""

MOST_FRAME = 1_000_000_000
"""Frames of a video: a year of them; larger numbers overflow where frames are counted."""

SCHEMA_VERSION: Literal[3] = 3
"""Version 2 added tracks, 3 what the copy was drawn with; older plans open as they are."""


class Origin(StrEnum):
    """How a region came to be."""

    DETECTED = "detected"
    FILLED = "filled"
    DRAWN = "drawn"


class Action(StrEnum):
    """What rendering does with a region."""

    VEIL = "veil"
    KEEP = "keep"


class Shape(StrEnum):
    """The outline of the mask drawn for a region."""

    ELLIPSE = "ellipse"
    BOX = "box"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Finite = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class Region(_Model):
    """One face (or drawn area) in one frame of the source.

    `box` is the face itself in pixels of the upright picture, half-open; the margin that
    hides ears and hairline is added when rendering. `score` is the probability that the
    region shows a face, 0-1; `uncertain` asks a person to look at it.
    """

    id: str
    frame: int = Field(default=0, ge=0, le=MOST_FRAME)
    box: tuple[Finite, Finite, Finite, Finite]
    shape: Shape = Shape.ELLIPSE
    score: Annotated[float, Field(ge=0, le=1)] = 1.0
    detectors: tuple[str, ...] = ()
    origin: Origin = Origin.DETECTED
    uncertain: bool = False
    action: Action = Action.VEIL
    reason: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        x0, y0, x1, y1 = self.box
        if x1 <= x0 or y1 <= y0:
            raise ValueError(f"region {self.id}: box must have x0 < x1 and y0 < y1")
        if self.action is Action.KEEP and not (self.reason and self.reason.strip()):
            raise ValueError(f"region {self.id}: action 'keep' needs a reason")
        return self


Keyframe = tuple[Annotated[int, Field(ge=0, le=MOST_FRAME)], Finite, Finite, Finite, Finite]
"""A frame's number and the box there: `frame, x0, y0, x1, y1`."""


class Track(_Model):
    """One face (or drawn area) through the frames of a video or animation.

    It is there from its first keyframe to its last, both included; between two keyframes
    the box runs evenly from one to the other. Boxes and scores as in `Region`; the score is
    that of the best sighting.
    """

    id: str
    keyframes: Annotated[tuple[Keyframe, ...], Field(min_length=1)]
    shape: Shape = Shape.ELLIPSE
    score: Annotated[float, Field(ge=0, le=1)] = 1.0
    detectors: tuple[str, ...] = ()
    origin: Origin = Origin.DETECTED
    uncertain: bool = False
    action: Action = Action.VEIL
    reason: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        before = -1
        for frame, x0, y0, x1, y1 in self.keyframes:
            if frame <= before:
                raise ValueError(f"track {self.id}: keyframes must follow each other in time")
            if x1 <= x0 or y1 <= y0:
                raise ValueError(f"track {self.id}: box must have x0 < x1 and y0 < y1")
            before = frame
        if self.action is Action.KEEP and not (self.reason and self.reason.strip()):
            raise ValueError(f"track {self.id}: action 'keep' needs a reason")
        return self

    @property
    def first(self) -> int:
        """The first frame in which it is there."""
        return self.keyframes[0][0]

    @property
    def last(self) -> int:
        """The last frame in which it is there."""
        return self.keyframes[-1][0]


class Source(_Model):
    """The file that a plan belongs to."""

    name: Annotated[str, Field(max_length=MOST_PATH)]
    """File name without folders."""
    path: Annotated[str, Field(max_length=MOST_PATH)]
    """Where the source was when the plan was made, relative to the plan's folder if saved."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    format: str
    width: int = Field(ge=1, le=MOST_FRAME)
    height: int = Field(ge=1, le=MOST_FRAME)
    """Size of the upright picture in pixels."""
    frames: int = Field(default=1, ge=1, le=MOST_FRAME)
    duration_s: Annotated[float, Field(ge=0)] | None = None
    """How long a video or animation plays, in seconds."""
    span_s: tuple[Annotated[float, Field(ge=0)], Finite | None] | None = None
    """The part of a video that was planned, in seconds; its frames count from its start."""


class Made(_Model):
    """What made a plan: version, operating point and the weights' hashes."""

    crowdveil: str
    caution: str
    weights: dict[str, str] = {}
    """Name of each detector or model to the SHA-256 of its file."""


class Drawn(_Model):
    """What a copy of the source was drawn with, so that it can be drawn again and checked.

    Nothing here helps to see through a veil: what a veil shows depends on the pixels around it
    and on these four, never on what it hides, and `mosaic` and `blur` use no seed at all.
    """

    style: Annotated[str, Field(pattern="^[a-z][a-z0-9-]*$")]
    """Name of the style, as `redact.look.Style`."""
    margin: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    shape: Shape | None = None
    """Outline of every veil, None for each region's own."""
    seed: int = Field(ge=0, lt=1 << 63)


class Plan(_Model):
    """Everything that is to be hidden in one source."""

    version: Literal[1, 2, 3] = SCHEMA_VERSION
    source: Source
    made: Made
    drawn: Drawn | None = None
    """None for a plan of which no copy has been made."""
    regions: tuple[Region, ...] = ()
    tracks: tuple[Track, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = [thing.id for thing in self._things]
        if len(set(ids)) != len(ids):
            raise ValueError("ids of regions and tracks must be unique")
        for region in self.regions:
            if region.frame >= self.source.frames:
                raise ValueError(f"region {region.id}: frame {region.frame} is past the last frame")
        for track in self.tracks:
            if track.last >= self.source.frames:
                raise ValueError(f"track {track.id}: frame {track.last} is past the last frame")
        return self

    @property
    def _things(self) -> tuple[Region | Track, ...]:
        return self.regions + self.tracks

    @property
    def uncertain(self) -> tuple[Region | Track, ...]:
        """The regions and tracks a person should look at."""
        return tuple(thing for thing in self._things if thing.uncertain)

    def to_json(self) -> str:
        """The plan as indented JSON with a final newline."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "plan") -> Self:
        """Read a plan.

        Args:
            text: JSON as written by `to_json`, perhaps edited.
            where: what to call the plan in an error message, usually its path.

        Raises:
            PlanInvalid: not JSON, not this schema, or contradicting itself.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = shortened(".".join(str(part) for part in first["loc"]) or "top level")
            raise PlanInvalid(
                f"{where}: {shortened(first['msg'])} (at {place}); compare with docs/plan.md"
            ) from error

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read the plan in the file `path`; raises `PlanInvalid`, also when it cannot be read."""
        try:
            text = read_bytes(path, most=MOST_PLAN_BYTES)
        except OSError as error:
            raise PlanInvalid(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise PlanInvalid(f"{path}: cannot be read ({error})") from error
        return cls.from_json(text, where=str(path))
