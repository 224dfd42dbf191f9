"""Gives memory that was freed back to the system where the C library would keep it.

glibc keeps what threads freed for the next ones, each in a heap of its own: after a look at a
video at 1080p some 200 MB, which encoding would come on top of.
"""

import ctypes
import sys


def give_back() -> None:
    """Give back what is free; takes a hundredth of a second, and does nothing but on glibc."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
