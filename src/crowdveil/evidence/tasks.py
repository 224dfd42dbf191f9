"""What a worker of a check is asked, and what it answers: the types, and who asks.

Everything that decodes a file of a check is done by workers: pairs, photos of the gallery, and
reduced pictures by which renamed copies are found. So are the attacks, as recognisers may be the
user's own. Doing it is left to `working`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from crowdveil.detect.engine import cores
from crowdveil.evidence.checked import One
from crowdveil.evidence.identity import Attacked, VeiledFace
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Pair, Thumb
from crowdveil.evidence.portraits import Portrait
from crowdveil.isolation.crew import Crew
from crowdveil.isolation.service import Service
from crowdveil.redact.look import Look
from crowdveil.sources import Input
from crowdveil.weigh import BUDGET_PX

MOST_WORKERS = 4
WORTH = 3
"""Pairs that make a further worker worth its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do; with nothing set, only to say what is used.

    Attributes:
        pair: to be checked.
        faces_of: a photo of the gallery, whose faces are wanted.
        thumb_of: a photo or video, which is wanted much reduced.
    """

    pair: Pair | None = None
    faces_of: Path | None = None
    thumb_of: Input | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a task: what it asked for, else nothing.

    Attributes:
        weights: name and hash of the detectors' weights; only if that was the task.
    """

    one: One | None = None
    faces: tuple[Portrait, ...] = field(default=(), repr=False)
    thumb: Thumb | None = None
    weights: dict[str, str] = field(default_factory=dict)


CHECKING = Service(
    "crowdveil.evidence.tasks:CHECKING",
    "crowdveil.evidence.working:open_work",
    CheckOptions,
    Task,
    Answer,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """Attack these faces, as `identity.attack_all`; with no files, only say who would.

    Attributes:
        faces: for each file its veiled faces.
        look: how they were veiled, None if unknown.
        gallery: further faces to search among.
        groups: for each file the group that its people belong to, or None.
    """

    faces: tuple[tuple[VeiledFace, ...], ...] = field(default=(), repr=False)
    look: Look | None = None
    gallery: tuple[Portrait, ...] = field(default=(), repr=False)
    groups: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What came of an attack.

    Attributes:
        weights: name and hash of the recognisers.
    """

    weights: dict[str, str]
    attacked: Attacked


ATTACKING = Service(
    "crowdveil.evidence.tasks:ATTACKING",
    "crowdveil.evidence.working:open_attack",
    CheckOptions,
    Attack,
    Attempted,
)

Attackers: TypeAlias = Crew[CheckOptions, Attack, Attempted]
Checkers: TypeAlias = Crew[CheckOptions, Task, Answer]


def checkers(options: CheckOptions) -> Checkers:
    """The workers of one check; to be used as a context manager."""
    undone = "it was NOT checked"
    return Crew(CHECKING, options, options.limits(), undone=undone, room=BUDGET_PX)


def attackers(options: CheckOptions) -> Attackers:
    """The worker that attacks; to be used as a context manager."""
    undone = "nobody tried to recognise the faces"
    return Crew(ATTACKING, options, options.limits(), undone=undone)


def workers_for(things: Sequence[object]) -> int:
    """How many workers so many things are worth."""
    return max(min(cores(), MOST_WORKERS, len(things) // WORTH), 1)


def checked_by(crew: Checkers, pair: Pair, threads: int) -> One:
    """Have a pair checked; a pair that its worker dies of is a `One` that says so."""
    answer = crew.do(Task(pair=pair), path=pair.copy, threads=cores() if pair.is_video else threads)
    if isinstance(answer, str):
        return One(errors=[answer])
    return One(errors=["there was no answer"]) if answer.one is None else answer.one


def faces_by(crew: Checkers, path: Path, threads: int) -> tuple[Portrait, ...] | str:
    """The faces of a photo that a recogniser can use, or why there are none to be had."""
    answer = crew.do(Task(faces_of=path), path=path, threads=threads)
    return answer if isinstance(answer, str) else answer.faces


def thumb_by(crew: Checkers, one: Input) -> Thumb | None:
    """A picture much reduced; None if it cannot be read."""
    answer = crew.do(Task(thumb_of=one), path=one.path, threads=cores())
    return None if isinstance(answer, str) else answer.thumb


def weights_by(crew: Checkers, threads: int) -> dict[str, str]:
    """Name and hash of what the workers look with.

    Raises:
        WeightsInvalid: it cannot be used.
    """
    crew.ready(threads)
    answer = crew.do(Task(), path=Path("weights"), threads=threads)
    return {} if isinstance(answer, str) else answer.weights


def recognisers_by(crew: Attackers) -> dict[str, str]:
    """Name and hash of the recognisers.

    Raises:
        WeightsInvalid, OptionsInvalid: they cannot be used.
    """
    crew.ready(cores())
    answer = attacked_by(crew, Attack())
    return {} if isinstance(answer, str) else answer.weights


def attacked_by(crew: Attackers, attack: Attack) -> Attempted | str:
    """Have faces attacked; the sentence why that failed if it does."""
    return crew.do(attack, path=Path("attacks with recognisers"), threads=cores())
