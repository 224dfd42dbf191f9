"""What a user can choose about a check, as one frozen object."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crowdveil.detect.points import Caution
from crowdveil.errors import OptionsInvalid
from crowdveil.options import Limiting, Redrawing
from crowdveil.plan import Plan
from crowdveil.redact.look import Look, Style

CHECKED = Path("evidence")
"""Where the record and the report go when nothing else is said: a folder in the current one."""

SFACE, DLIB = "sface", "dlib"
"""The built-in recogniser, and the one of the extra `attackers`."""

_ONNX = ".onnx"


@dataclass(frozen=True, kw_only=True)
class CheckOptions(Redrawing, Limiting):
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
        style, margin, shape, seed: what `veil` was given; None for what the plan says, else the
            usual, except that a style is found out.
        overwrite: whether a record and report that exist are replaced.
        memory_gb, patience_s: see `options.Limiting`.
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
    overwrite: bool = False

    def _refuse(self) -> None:
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

    def looks(self, plan: Plan | None) -> tuple[Look, ...]:
        """What the veils of a plan may look like, the likeliest first.

        Raises:
            OptionsInvalid: a choice is out of range.
            PlanInvalid: the plan was drawn in a style that this version does not know.
        """
        first = self.look(plan)
        if self.style is not None:
            return (first,)
        return (first, *(replace(first, style=one) for one in Style if one is not first.style))


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
