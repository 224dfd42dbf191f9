"""Removes what runs that were killed left in writing, and never what a living run writes.

Whoever writes holds a lock on its hidden file, which the system lets go when the process ends,
however it ends. Folders come in; what is there under our names and held by nobody is gone
afterwards. Where a file system knows no locks, nothing is removed. Writing is left to `atomic`.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, which lets nobody remove an open file
    fcntl = None  # type: ignore[assignment]

HOLDS = fcntl is not None
"""Whether locks hold an open file; where they do not, an open file cannot be renamed either."""

_NAME = re.compile(r"\.[0-9a-f]{16}\.partial")


def partial_path(path: Path) -> Path:
    """Where to write what will be `path` once it is whole.

    Hidden, in the same folder, and random so that two processes never share it.
    """
    return path.with_name(f".{secrets.token_hex(8)}.partial")


def hold(descriptor: int) -> bool:
    """Lock what is open until it is closed; whether it is still there.

    It is not if another run took it, unlocked as it was, for a leftover.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    return os.fstat(descriptor).st_nlink > 0


def sweep(folders: Iterable[Path]) -> None:
    """Remove from these folders, not from those in them, what killed runs left."""
    for folder in set(folders):
        with suppress(OSError), os.scandir(folder) as listing:
            for entry in listing:
                if _NAME.fullmatch(entry.name) and not entry.is_symlink():
                    _remove_unheld(Path(entry.path), folder=entry.is_dir())


def _remove_unheld(path: Path, *, folder: bool) -> None:
    if fcntl is None:
        if not folder:
            path.unlink(missing_ok=True)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        # Fails where somebody holds it, and where there are no locks.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return
    finally:
        os.close(descriptor)
