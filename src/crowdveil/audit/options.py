"""What a user can choose for audits, as frozen objects.

Every default of their command lines, of their functions and of the documentation is written
here and nowhere else. What is out of range is refused on creation.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar

from crowdveil.audit.resampling import Resampling
from crowdveil.errors import OptionsInvalid
from crowdveil.validation import Validated

AUDIT = Path("audit")
"""Where an audit goes when nothing else is said: a folder in the current one."""

FEWEST_DRAWS = 100
"""Fewer draws give figures that another seed would move."""


@dataclass(frozen=True, kw_only=True)
class Auditing(Validated):
    """What all audits of labelled rows share.

    Attributes:
        group: names of the columns of groups; combinations of them are groups too.
        column: names that the tables have instead of ours, ours to theirs.
        reference_group: the group all others are compared with, None for all pairs.
        confidence: coverage of every interval, above 0 and below 1.
        draws: how often chance is drawn, for p-values and figures by chance.
        seed: of the draws.
        overwrite: whether files of an audit that is there are replaced.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = ()
    """Our names of the columns that a table may name otherwise."""

    group: tuple[str, ...] = ()
    column: Mapping[str, str] = field(default_factory=dict)
    reference_group: str | None = None
    confidence: float = 0.95
    draws: int = 2000
    seed: int = 0
    overwrite: bool = False

    def _refuse(self) -> None:
        if not 0 < self.confidence < 1:
            raise OptionsInvalid(f"confidence must be above 0 and below 1, not {self.confidence}")
        if self.draws < FEWEST_DRAWS:
            raise OptionsInvalid(f"draws must be at least {FEWEST_DRAWS}, not {self.draws}")
        if self.seed < 0:
            raise OptionsInvalid(f"seed must be at least 0, not {self.seed}")
        for name in self.column:
            if name not in self.COLUMNS:
                raise OptionsInvalid(
                    f"no column is called {name!r} here; there are: {', '.join(self.COLUMNS)}"
                )
        if len(set(self.group)) != len(self.group):
            raise OptionsInvalid(f"a column of groups is named twice: {', '.join(self.group)}")

    def resampling(self) -> Resampling:
        """The same choices as intervals take them."""
        return Resampling(confidence=self.confidence, draws=self.draws, seed=self.seed)

    def words(self) -> Iterator[str]:
        """The choices that are not the defaults, as words of a command line."""
        for choice in fields(self):
            value = getattr(self, choice.name)
            option = f"--{choice.name.replace('_', '-')}"
            if isinstance(value, Mapping):
                for ours, theirs in value.items():
                    yield from (option, f"{ours}={theirs}")
            elif isinstance(value, tuple):
                if value != choice.default:
                    for each in value:
                        yield from (option, f"{each:g}" if isinstance(each, float) else str(each))
            elif isinstance(value, bool):
                if value:
                    yield option
            elif value != choice.default:
                yield from (option, str(value))


@dataclass(frozen=True, kw_only=True)
class ClassifyOptions(Auditing):
    """The choices of `audit classify`."""

    COLUMNS: ClassVar[tuple[str, ...]] = ("truth", "predicted", "subject")


@dataclass(frozen=True, kw_only=True)
class IdentifyOptions(Auditing):
    """The choices of `audit identify`.

    Attributes:
        fpir: rates of false positives to set thresholds for, above 0 and below 1.
        threshold: thresholds to measure at besides.
        rank: ranks at which misses are counted without a threshold.
        list_length: candidates of each list when embeddings are searched here.
        min_people: groups of fewer are measured, but neither compared nor summed up.
        alpha: weight of false positives in measures of both errors, 0 to 1.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("reference", "subject", "probe", "candidate", "score", "rank", "embedding"),
    )

    fpir: tuple[float, ...] = (0.01,)
    threshold: tuple[float, ...] = ()
    rank: tuple[int, ...] = (1, 5, 10, 50)
    list_length: int = 100
    min_people: int = 10
    alpha: float = 0.5

    def _refuse(self) -> None:
        for rate in self.fpir:
            if not 0 < rate < 1:
                raise OptionsInvalid(f"fpir must be above 0 and below 1, not {rate:g}")
        if not all(map(math.isfinite, self.threshold)):
            raise OptionsInvalid("a threshold must be a finite number")
        if not all(rank >= 1 for rank in self.rank) or self.list_length < 1:
            raise OptionsInvalid("ranks and the length of lists must be at least 1")
        if not (self.fpir or self.threshold):
            raise OptionsInvalid("give at least one --fpir or --threshold to measure at")
        if self.min_people < 1:
            raise OptionsInvalid(f"min-people must be at least 1, not {self.min_people}")
        if not 0 <= self.alpha <= 1:
            raise OptionsInvalid(f"alpha must lie between 0 and 1, not at {self.alpha:g}")


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(Auditing):
    """The choices of `audit verify`.

    Attributes:
        fmr: rates of false matches to set thresholds for, above 0 and below 1.
        threshold: thresholds to measure at besides.
        distance: whether low scores mean similar.
        labels: a table of who belongs to which groups, if the other does not say so.
        min_people: groups of fewer are measured, but neither compared nor summed up.
        alpha: weight of false matches in measures of both errors, 0 to 1.
        recogniser: an ONNX file to use for photos instead of the built-in recogniser.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("score", "mated", "probe", "reference", "probe_subject", "reference_subject"),
        *("subject", "embedding", "picture"),
    )

    fmr: tuple[float, ...] = (0.001,)
    threshold: tuple[float, ...] = ()
    distance: bool = False
    labels: Path | None = None
    min_people: int = 10
    alpha: float = 0.5
    recogniser: Path | None = None

    def _refuse(self) -> None:
        for rate in self.fmr:
            if not 0 < rate < 1:
                raise OptionsInvalid(f"fmr must be above 0 and below 1, not {rate:g}")
        if not all(map(math.isfinite, self.threshold)):
            raise OptionsInvalid("a threshold must be a finite number")
        if not (self.fmr or self.threshold):
            raise OptionsInvalid("give at least one --fmr or --threshold to measure at")
        if self.min_people < 1:
            raise OptionsInvalid(f"min-people must be at least 1, not {self.min_people}")
        if not 0 <= self.alpha <= 1:
            raise OptionsInvalid(f"alpha must lie between 0 and 1, not at {self.alpha:g}")
