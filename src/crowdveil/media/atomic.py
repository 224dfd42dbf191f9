"""Writes a file whole or not at all.

Bytes and a path come in; afterwards the path holds exactly these bytes, or nothing was
there and nothing is. What the bytes are is left to others.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from crowdveil.errors import OutputRefused
from crowdveil.media.leftovers import HOLDS, hold, partial_path

NEUTRAL_TIME_S = 315_532_800
"""1980-01-01T00:00:00Z, the earliest time a zip archive can hold: an output's modification
time must not tell when it was made, let alone when the photo was."""

_TRIES = 3

_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EINVAL}
    | {errno.EMLINK}
)
"""How file systems without hard links (FAT, some network folders) say so."""


def write_whole(path: Path, data: bytes, *, overwrite: bool = False, private: bool = False) -> None:
    """Write `data` to `path` so that nobody ever sees a part of it.

    Args:
        path: the output; its folder must exist.
        data: everything.
        overwrite: whether an existing file is replaced.
        private: whether nobody but its owner may read it.

    Raises:
        OutputRefused: the path exists and may not be replaced, or cannot be written.
    """
    partial = partial_path(path)
    try:
        with claim(partial, private=private) as file:
            file.write(data)
            file.flush()
            if not HOLDS:
                file.close()
            place_whole(partial, path, overwrite=overwrite)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        # Also on Ctrl-C: no partial file may stay.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, with its parents; raises `OutputRefused` if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputRefused(
            f"{folder}: this folder cannot be made ({reason}); choose another with -o"
        ) from error


def claim(partial: Path, *, private: bool = False) -> BinaryIO:
    """Make the file that will be written, and hold it so that no other run takes it away.

    Args:
        partial: as `leftovers.partial_path` names it.
        private: whether nobody but its owner may read it.

    Returns:
        The file, open for writing; it is held until closed.

    Raises:
        OSError: it cannot be made.
    """
    for _ in range(_TRIES):
        file = open(partial, "xb", opener=_private if private else None)  # noqa: SIM115
        if hold(file.fileno()):
            return file
        file.close()
    raise FileNotFoundError(errno.ENOENT, "another program removes what is written", str(partial))


def place_whole(partial: Path, path: Path, *, overwrite: bool = False) -> None:
    """Give a file that is written to its end its name.

    Args:
        partial: the file, in the folder of `path`; it is gone afterwards, unless refused.
        path: the output.
        overwrite: whether an existing file is replaced.

    Raises:
        OutputRefused: the path exists and may not be replaced, or cannot be written.
    """
    try:
        # Windows can flush only what is open for writing.
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.utime(partial, (NEUTRAL_TIME_S, NEUTRAL_TIME_S))
        if overwrite:
            partial.replace(path)
        else:
            _place_new(partial, path)
            with suppress(OSError):
                partial.unlink(missing_ok=True)
    except FileExistsError as error:
        raise OutputRefused(f"{path}: exists already; use --overwrite to replace it") from error
    except OSError as error:
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> OutputRefused:
    """What to say of an output that cannot be written."""
    reason = error.strerror or str(error)
    return OutputRefused(
        f"{path}: cannot be written ({reason}); check the folder or choose another"
    )


def _place_new(partial: Path, path: Path) -> None:
    """Give a finished file its name; raises `FileExistsError` if that is taken."""
    try:
        # A link fails when the name is taken, a rename would replace it.
        path.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim_and_replace(partial, path)


def _claim_and_replace(partial: Path, path: Path) -> None:
    """Without links: take the name with an empty file, which fails if it is taken."""
    path.touch(exist_ok=False)
    try:
        partial.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
