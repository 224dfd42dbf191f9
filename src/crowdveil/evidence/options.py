"""What a user can choose about a check, as one frozen object."""

import math
from dataclasses import dataclass
from pathlib import Path

from crowdveil.detect.points import Caution
from crowdveil.errors import OptionsInvalid
from crowdveil.plan import Shape
from crowdveil.redact.look import Look, Style

CHECKED = Path("evidence")
"""Where the record and the report go when nothing else is said: a folder in the current one."""

_LOOK = Look()


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """The choices of `check`.

    Attributes:
        plans: folder of the plans that the copies were made from, or None.
        gallery: folder of further faces among which an attacker would search, or None.
        groups: CSV file that says which group the people in each file belong to, or None.
        quick: whether the attacks with recognisers are left out.
        private: whether the report also shows the originals' faces.
        sign: file of the private key that signs the record, or None.
        caution: how hard the detectors look.
        detector: an ONNX detector of the user's, used as well.
        style: what the veils look like, None to find out; only for the proof with plans.
        margin, shape, seed: as given to `veil`; see `redact.look.Look`.
        overwrite: whether a record and report that exist are replaced.
    """

    plans: Path | None = None
    gallery: Path | None = None
    groups: Path | None = None
    quick: bool = False
    private: bool = False
    sign: Path | None = None
    caution: Caution = Caution.NORMAL
    detector: Path | None = None
    style: Style | None = None
    margin: float = _LOOK.margin
    shape: Shape | None = _LOOK.shape
    seed: int = _LOOK.seed
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse a look that is out of range."""
        if not math.isfinite(self.margin):
            raise OptionsInvalid(f"margin must be a finite number, not {self.margin}")
        self.looks()

    def looks(self) -> tuple[Look, ...]:
        """What the veils may look like, the likeliest first; raises `OptionsInvalid`."""
        styles = tuple(Style) if self.style is None else (self.style,)
        try:
            return tuple(
                Look(style=style, margin=self.margin, shape=self.shape, seed=self.seed)
                for style in styles
            )
        except ValueError as error:
            raise OptionsInvalid(str(error)) from error
