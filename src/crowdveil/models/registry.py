"""Finds the weights inside the installed package and vouches for them.

A name comes in; the path of a file whose SHA-256 has been compared with the catalogue goes
out, so that a truncated or exchanged detector can never pass for one that finds no faces.
Running the weights is left to `detect`.
"""

import hashlib
from functools import cache
from pathlib import Path

from crowdveil.errors import WeightsInvalid
from crowdveil.models.catalogue import PORTRAIT, WEIGHTS, Portrait, Weights

__all__ = [
    "PORTRAIT",
    "WEIGHTS",
    "Portrait",
    "Weights",
    "portrait_path",
    "verify",
    "weights_hash",
    "weights_path",
]

_PACKAGE = Path(__file__).resolve().parents[1]


def weights_path(name: str) -> Path:
    """The weights file called `name`, verified; hashed once per process.

    Raises:
        WeightsInvalid: there is no such entry, or the file is missing or altered.
    """
    return _verified(_entry(name))


def weights_hash(name: str) -> str:
    """The SHA-256 of the weights called `name`, as plans quote it.

    Raises:
        WeightsInvalid: as `weights_path`; the hash is of the file that is really there.
    """
    entry = _entry(name)
    _verified(entry)
    return entry.sha256


def portrait_path() -> Path:
    """The portrait for the demo, verified; raises `WeightsInvalid` as `weights_path`."""
    return _verified(PORTRAIT)


def verify(path: Path, *, sha256: str, size: int) -> None:
    """Compare a file with what it should be.

    Args:
        path: the file.
        sha256: expected hash, 64 lower-case hexadecimal digits.
        size: expected size in bytes, so that the message can tell a truncated file.

    Raises:
        WeightsInvalid: missing, unreadable, or different in a single bit.
    """
    cure = "reinstall crowdveil (pip install --force-reinstall --no-cache-dir)"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsInvalid(f"{path}: cannot be read ({error.strerror}); {cure}") from error
    if len(data) != size:
        raise WeightsInvalid(f"{path}: has {len(data)} bytes instead of {size}; {cure}")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsInvalid(f"{path}: is not the file that was published as it; {cure}")


def _entry(name: str) -> Weights:
    for entry in WEIGHTS:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in WEIGHTS)
    raise WeightsInvalid(f"there are no weights called {name!r}; there are: {known}")


@cache
def _verified(entry: Weights | Portrait) -> Path:
    path = _PACKAGE / entry.file
    verify(path, sha256=entry.sha256, size=entry.size)
    return path
