"""Freed memory goes back to the system."""

import platform
from pathlib import Path

import pytest

from crowdveil.heap import give_back

MB = 1 << 20


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep nothing back")
def test_what_lies_below_something_still_used_goes_back_too() -> None:
    blocks = [bytearray(64 * 1024) for _ in range(200 * 16)]  # too small to be mapped alone
    del blocks[:-1]  # the last one keeps the heap from shrinking by itself
    kept = resident()
    give_back()
    assert resident() < kept - 100 * MB
    assert len(blocks) == 1
