"""What a worker can do for crowdveil: the types that travel, and where the code is.

A service is written down in a module that is quick to import, as the process that only asks
needs no decoders. Doing it is left to the function that `opener` names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from crowdveil.progress import Progress

S = TypeVar("S")
J = TypeVar("J")
R = TypeVar("R")


class Line(Protocol):
    """How whoever does a job speaks with whoever gave it."""

    def beat(self) -> None:
        """Say that the work goes on; cheap, and safe to call from any thread.

        While a service opens, the first beat says that all of ours is loaded: what the user
        brought comes after it, and only then does patience count.
        """

    def tell(self, progress: Progress) -> None:
        """Say how far it is; counts as a beat."""

    def weigh(self, pixels: int) -> None:
        """Wait until there is room for so many pixels; to be called before they are decoded."""


Work = Callable[[J, Line], R]
"""Does one job. Raises `CrowdveilError` if it fails."""


@dataclass(frozen=True, slots=True)
class Service(Generic[S, J, R]):
    """One kind of work.

    Attributes:
        address: `module:name` of this object.
        opener: `module:name` of a function `(setup, line, threads) -> Work`; it raises
            `CrowdveilError` if no job could be done.
        setup, job, result: the types that travel.
    """

    address: str
    opener: str
    setup: type[S]
    job: type[J]
    result: type[R]


def named(address: str) -> Any:
    """The object at `module:name`."""
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job, or all of them, could not be done.

    Attributes:
        kind: name of the `CrowdveilError`, or empty if it was none.
        sentence: for the user.
    """

    kind: str
    sentence: str
