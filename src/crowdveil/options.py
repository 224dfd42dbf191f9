"""What a user can choose, as one frozen object for each command.

Every default of the command line, of the Python API and of the documentation is written
here and nowhere else. Contradictions are refused on creation. What the choices do is left
to `batch` and to what it calls.
"""

from dataclasses import dataclass
from pathlib import Path

from crowdveil.detect.points import Caution
from crowdveil.errors import OptionsInvalid
from crowdveil.media.picture import PhotoFormat
from crowdveil.plan import Shape
from crowdveil.redact.look import Look, Style

VEILED = Path("veiled")
"""Where veiled photos go when nothing else is said: a folder in the current one."""

PLANS = Path("plans")
"""Where `plan` puts plans when nothing else is said: a folder in the current one."""

_LOOK = Look()


# The parts below are mixed into one another, which slots do not allow.
@dataclass(frozen=True, kw_only=True)
class Finding:
    """How faces are found.

    Attributes:
        caution: how much is veiled when in doubt.
        detector: an ONNX file with a description beside it, used as well as the built-in ones.
    """

    caution: Caution = Caution.NORMAL
    detector: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a veiled photo looks like and what it keeps.

    Attributes:
        style, margin, shape, seed: see `redact.look.Look`.
        format: the format of every output, or None for each source's own.
        keep_credit: whether creator, credit, copyright and caption survive.
    """

    style: Style = _LOOK.style
    margin: float = _LOOK.margin
    shape: Shape | None = _LOOK.shape
    seed: int = _LOOK.seed
    format: PhotoFormat | None = None
    keep_credit: bool = False

    def __post_init__(self) -> None:
        """Refuse a look that is out of range."""
        self.look()

    def look(self) -> Look:
        """The same choices as rendering takes them; raises `OptionsInvalid` if out of range."""
        try:
            return Look(style=self.style, margin=self.margin, shape=self.shape, seed=self.seed)
        except ValueError as error:
            raise OptionsInvalid(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What happens to outputs that exist already; refused when both are unset.

    Attributes:
        overwrite: they are replaced.
        resume: they are taken as done and skipped.
    """

    overwrite: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        """Refuse a contradiction."""
        if self.overwrite and self.resume:
            raise OptionsInvalid(
                "overwrite and resume contradict each other: one replaces what exists, "
                "the other keeps it; choose one"
            )


@dataclass(frozen=True, kw_only=True)
class PlanOptions(Finding, Writing):
    """The choices of `plan`."""


@dataclass(frozen=True, kw_only=True)
class RenderOptions(Drawing, Writing):
    """The choices of `render`.

    Attributes:
        source: the folder of the originals, or None for where each plan says they are.
    """

    source: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what any part refuses."""
        Drawing.__post_init__(self)
        Writing.__post_init__(self)


@dataclass(frozen=True, kw_only=True)
class VeilOptions(Finding, Drawing, Writing):
    """The choices of `veil`.

    Attributes:
        rename: outputs get neutral names in a random order.
        plans: the folder that gets each photo's plan as well, or None for no plans, as a
            plan holds the hash of the original.
    """

    rename: bool = False
    plans: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what any part refuses."""
        Drawing.__post_init__(self)
        Writing.__post_init__(self)
        if self.rename and self.resume:
            raise OptionsInvalid(
                "rename and resume contradict each other: neutral names do not tell which "
                "photos are done; start again into an empty folder"
            )
