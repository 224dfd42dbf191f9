"""What a worker gives up before it opens a file: memory without end, core dumps, new rights.

Called in the worker. Nothing here is a sandbox against code that was smuggled in: a worker still
has the user's files (docs/isolation.md).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38

_SLACK, _SLACK_BYTES = 1.5, 2_000_000_000
"""How far the hard limit lies above the one that `crew` watches: what a process asks for and does
not touch counts here and not there, as most of the stacks of its threads."""


def confine(memory_bytes: int, parent: int) -> None:
    """Give up what decoding does not need.

    Args:
        memory_bytes: as `Limits.memory_bytes`.
        parent: process id of whoever started this one; if it is gone, this process ends.
    """
    # Ctrl-C is for whoever started it, which then ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        return
    import resource

    # A dump would leave an unveiled picture on the disk. The kernel hands dumps to a program
    # (systemd-coredump) whatever the limit, but for 1, which it takes for such a program's own.
    _limit(resource.RLIMIT_CORE, 1)
    if sys.platform == "linux":
        _limit(resource.RLIMIT_DATA, int(memory_bytes * _SLACK) + _SLACK_BYTES)
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _limit(which: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))
