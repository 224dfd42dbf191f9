"""Writes a file whole or not at all.

Bytes and a path come in; afterwards the path holds exactly these bytes, or nothing was
there and nothing is. What the bytes are is left to others.
"""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from crowdveil.errors import OutputRefused

NEUTRAL_TIME_S = 315_532_800
"""1980-01-01T00:00:00Z, the earliest time a zip archive can hold: an output's modification
time must not tell when it was made, let alone when the photo was."""

_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EINVAL}
    | {errno.EMLINK}
)
"""How file systems without hard links (FAT, some network folders) say so."""


def write_whole(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write `data` to `path` so that nobody ever sees a part of it.

    Args:
        path: the output; its folder must exist.
        data: everything.
        overwrite: whether an existing file is replaced.

    Raises:
        OutputRefused: the path exists and may not be replaced, or cannot be written.
    """
    partial = partial_path(path)
    try:
        with partial.open("xb") as file:
            file.write(data)
        place_whole(partial, path, overwrite=overwrite)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        # Also on Ctrl-C: no partial file may stay.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def partial_path(path: Path) -> Path:
    """Where to write what will be `path` once it is whole.

    Hidden, in the same folder, and random so that two processes never share it.
    """
    return path.with_name(f".{secrets.token_hex(8)}.partial")


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
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> OutputRefused:
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
