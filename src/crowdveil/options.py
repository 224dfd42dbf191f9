"""What a user can choose, as one frozen object for each command.

Every default of the command line, of the Python API and of the documentation is written
here and nowhere else. Words and paths are converted and contradictions refused on creation.
What the choices do is left to `batch` and to what it calls.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from crowdveil.detect.effort import Effort
from crowdveil.detect.points import Caution
from crowdveil.errors import OptionsInvalid, PlanInvalid
from crowdveil.isolation.limits import PATIENCE_S, Limits
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import AudioChoice, Container, Span, SubtitleChoice
from crowdveil.plan import Drawn, Plan, Shape
from crowdveil.redact.look import Look, Style
from crowdveil.validation import Validated

VEILED = Path("veiled")
"""Where veiled copies go when nothing else is said: a folder in the current one."""

PLANS = Path("plans")
"""Where `plan` puts plans when nothing else is said: a folder in the current one."""

MOST_CRF = 51
"""The largest rate factor, at which next to nothing is left of a picture."""

_LOOK = Look()


# The parts below are mixed into one another, which slots do not allow.
@dataclass(frozen=True, kw_only=True)
class Finding(Validated):
    """How faces are found.

    Attributes:
        caution: how much is veiled when in doubt.
        detector: an ONNX file with a description beside it, used as well as the built-in ones.
    """

    caution: Caution = Caution.NORMAL
    detector: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Keeping(Validated):
    """What a veiled photo keeps of its source.

    Attributes:
        format: the format of every veiled photo, or None for each source's own.
        keep_credit: whether a photo's creator, credit, copyright and caption survive.
    """

    format: PhotoFormat | None = None
    keep_credit: bool = False


@dataclass(frozen=True, kw_only=True)
class Drawing(Validated):
    """What a veil looks like.

    Attributes:
        style, margin, shape, seed: see `redact.look.Look`.
    """

    style: Style = _LOOK.style
    margin: float = _LOOK.margin
    shape: Shape | None = _LOOK.shape
    seed: int = _LOOK.seed

    def _refuse(self) -> None:
        self.look()

    def look(self) -> Look:
        """The same choices as rendering takes them; raises `OptionsInvalid` if out of range."""
        try:
            return Look(style=self.style, margin=self.margin, shape=self.shape, seed=self.seed)
        except ValueError as error:
            raise OptionsInvalid(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class Redrawing(Validated):
    """What a veil looks like that may have been drawn before.

    Attributes:
        style, margin, shape, seed: see `redact.look.Look`; None for what the plan says, or where
            it says nothing, the usual.
    """

    style: Style | None = None
    margin: float | None = None
    shape: Shape | None = None
    seed: int | None = None

    def _refuse(self) -> None:
        self.look(None)

    def look(self, plan: Plan | None) -> Look:
        """What the veils of a plan look like.

        Raises:
            OptionsInvalid: a choice is out of range.
            PlanInvalid: the plan was drawn in a style that this version does not know.
        """
        drawn = _LOOK if plan is None or plan.drawn is None else self._drawn(plan, plan.drawn)
        try:
            return Look(
                style=drawn.style if self.style is None else self.style,
                margin=drawn.margin if self.margin is None else self.margin,
                shape=drawn.shape if self.shape is None else self.shape,
                seed=drawn.seed if self.seed is None else self.seed,
            )
        except ValueError as error:
            raise OptionsInvalid(str(error)) from error

    def _drawn(self, plan: Plan, drawn: Drawn) -> Look:
        try:
            style = Style(drawn.style) if self.style is None else self.style
        except ValueError as error:
            raise PlanInvalid(
                f"{plan.source.name}: its plan was drawn in the style {drawn.style!r}, which this "
                "version does not know; choose one with --style"
            ) from error
        return Look(style=style, margin=drawn.margin, shape=drawn.shape, seed=drawn.seed)


def drawn_with(look: Look) -> Drawn:
    """What a plan says of a look."""
    return Drawn(style=look.style.value, margin=look.margin, shape=look.shape, seed=look.seed)


@dataclass(frozen=True, kw_only=True)
class Watching(Validated):
    """How videos are watched; photos are unaffected.

    Attributes:
        every_frame: how often everything is looked at.
        start_s, end_s: the part that is copied, in seconds from the first frame; None for
            the end.
    """

    every_frame: Effort = Effort.AUTO
    start_s: float = 0.0
    end_s: float | None = None

    def _refuse(self) -> None:
        self.span()

    def span(self) -> Span | None:
        """The part to copy, None for all; raises `OptionsInvalid` if there is no such part."""
        end = math.inf if self.end_s is None else self.end_s
        if not (0 <= self.start_s < end and math.isfinite(self.start_s)):
            raise OptionsInvalid(
                f"the part from {self.start_s:g} s to {end:g} s is empty; "
                "choose --from at least 0 and --to after it"
            )
        return None if self.start_s == 0 and self.end_s is None else Span(self.start_s, self.end_s)


@dataclass(frozen=True, kw_only=True)
class Filming(Validated):
    """What a veiled video sounds like and how it is kept; photos are unaffected.

    Attributes:
        audio: what becomes of the sound.
        subtitles: what becomes of subtitles.
        container: the container of every veiled video, or None for each source's own (Matroska
            where that is not written).
        crf: rate factor of the encoder, 0 (nothing lost) to 51, or None for the usual one.
    """

    audio: AudioChoice = AudioChoice.KEEP
    subtitles: SubtitleChoice = SubtitleChoice.DROP
    container: Container | None = None
    crf: int | None = None

    def _refuse(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= MOST_CRF:
            raise OptionsInvalid(f"crf must be from 0 to {MOST_CRF}, not {self.crf}")


@dataclass(frozen=True, kw_only=True)
class Writing(Validated):
    """What happens to outputs that exist already; refused when both are unset.

    Attributes:
        overwrite: they are replaced.
        resume: they are taken as done and skipped.
    """

    overwrite: bool = False
    resume: bool = False

    def _refuse(self) -> None:
        if self.overwrite and self.resume:
            raise OptionsInvalid(
                "overwrite and resume contradict each other: one replaces what exists, "
                "the other keeps it; choose one"
            )


@dataclass(frozen=True, kw_only=True)
class Limiting(Validated):
    """What one file may take before it is given up.

    Attributes:
        memory_gb: most memory of the process that works on it, in 10^9 bytes; None for three
            quarters of what the computer has.
        patience_s: longest time in which nothing of it gets done, in seconds.
    """

    memory_gb: float | None = None
    patience_s: float = PATIENCE_S

    def _refuse(self) -> None:
        if self.memory_gb is not None and not 0 < self.memory_gb < math.inf:
            raise OptionsInvalid(f"memory_gb must be more than 0, not {self.memory_gb}")
        if not self.patience_s > 0:
            raise OptionsInvalid(f"patience_s must be more than 0, not {self.patience_s}")

    def limits(self) -> Limits:
        """The same, for a crew."""
        return Limits.of(self.memory_gb, self.patience_s)


@dataclass(frozen=True, kw_only=True)
class PlanOptions(Finding, Watching, Writing, Limiting):
    """The choices of `plan`."""


@dataclass(frozen=True, kw_only=True)
class RenderOptions(Redrawing, Keeping, Filming, Writing, Limiting):
    """The choices of `render`.

    Attributes:
        source: the folder of the originals, or None for where each plan says they are.
    """

    source: Path | None = None


@dataclass(frozen=True, kw_only=True)
class VeilOptions(Finding, Watching, Drawing, Keeping, Filming, Writing, Limiting):
    """The choices of `veil`.

    Attributes:
        rename: outputs get neutral names in a random order.
        names: the file that gets the key of `rename`, or None for no file, as it undoes it.
        plans: the folder that gets each photo's plan as well, or None for no plans, as a
            plan holds the hash of the original.
    """

    rename: bool = False
    names: Path | None = None
    plans: Path | None = None

    def _refuse(self) -> None:
        if self.names is not None and not self.rename:
            raise OptionsInvalid("names holds the key of rename; add --rename, or leave it out")
        if self.rename and self.resume:
            raise OptionsInvalid(
                "rename and resume contradict each other: neutral names do not tell which "
                "photos are done; start again into an empty folder"
            )
