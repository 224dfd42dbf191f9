"""How much one file may take: memory, and time without progress."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.75
"""How much of the machine's memory one file may take when nothing else is said."""

PATIENCE_S = 600.0
"""How long a file may show no progress when nothing else is said. The slowest single step known,
a photo at the limit of pixels encoded as AVIF, shows none for a few minutes on a slow machine."""

_UNKNOWN_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may take.

    Attributes:
        memory_bytes: most memory in use, its libraries and networks (some 300 MB) included.
        patience_s: longest time without a sign of life.
    """

    memory_bytes: int
    patience_s: float

    @classmethod
    def of(cls, memory_gb: float | None, patience_s: float) -> "Limits":
        """The limits that a user chose (1 GB is 10^9 bytes); None for the usual memory."""
        memory = machine_bytes() * SHARE if memory_gb is None else memory_gb * 1e9
        return cls(int(memory), patience_s)


def machine_bytes() -> int:
    """Memory of the machine, or of the container around it; 8 GiB if it cannot be told."""
    found = []
    with suppress(ValueError, OSError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        # "max" if there is no limit.
        with suppress(ValueError, OSError):
            found.append(int(Path("/sys/fs/cgroup", name).read_text()))
    return min((size for size in found if size > 0), default=_UNKNOWN_BYTES)


def memory_in_use(pid: int) -> int:
    """Bytes of memory that a process keeps in use; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
