"""How far one video or animation is: what those who work on it tell those who watch."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Stage(StrEnum):
    """What is being done with a video or animation."""

    LOOKING = "looking"
    VEILING = "veiling"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one video or animation is.

    Attributes:
        stage: the pass that is under way.
        frames_done: frames done in this pass.
        frames: how many there are, None if unknown; a guess in the first pass.
    """

    stage: Stage
    frames_done: int
    frames: int | None


Tell: TypeAlias = Callable[[Progress], None]
"""Is told how far a video or animation is, after every frame."""
