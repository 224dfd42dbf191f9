"""What a user can choose about a check, as one frozen object."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crowdveil.detect.points import Caution
from crowdveil.errors import OptionsInvalid
from crowdveil.plan import Shape
from crowdveil.redact.look import Look, Style

CHECKED = Path("evidence")
"""Where the record and the report go when nothing else is said: a folder in the current one."""

SFACE, DLIB = "sface", "dlib"
"""The built-in recogniser, and the one of the extra `attackers`."""

_ONNX = ".onnx"

_LOOK = Look()


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """The choices of `check`.

    Attributes:
        plans: folder of the plans that the copies were made from, or None.
        attackers: the recognisers that try to know the veiled faces: `sface`, `dlib` (the extra
            `attackers`), or paths of ONNX files with a description beside each.
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
    attackers: tuple[str, ...] = (SFACE,)
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
        """Refuse what is out of range, and contradictions."""
        require_attackers(self.attackers)
        if self.quick:
            attacks = {
                "attackers": self.attackers != (SFACE,),
                "gallery": self.gallery is not None,
                "groups": self.groups is not None,
            }
            for name in [name for name, given in attacks.items() if given]:
                raise OptionsInvalid(
                    f"quick and {name} contradict each other: quick leaves the attacks with "
                    "recognisers out; choose one"
                )
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


def require_attackers(names: Sequence[str]) -> None:
    """Refuse a name that stands for no recogniser; raises `OptionsInvalid`."""
    if not names:
        raise OptionsInvalid("there is no attacker; give one, or leave the attacks out with quick")
    for name in names:
        if name not in (SFACE, DLIB) and Path(name).suffix.lower() != _ONNX:
            raise OptionsInvalid(
                f"{name}: is no attacker; choose {SFACE}, {DLIB}, or your own recogniser as "
                f"FILE{_ONNX} with its description FILE.toml beside it (docs/reidentification.md)"
            )
