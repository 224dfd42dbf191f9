"""Ways to damage a file, for tests that require a photo or one of our errors."""

from hypothesis import strategies as st

FLIPS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4)
"""Where to put which byte."""
CUTS = st.integers(0, 10**6)
"""Where the file breaks off; two in three leave it whole."""


def damaged(data: bytes, flips: list[tuple[int, int]], cut: int) -> bytes:
    """A copy with some bytes replaced, and every third one cut short."""
    copy = bytearray(data)
    for at, value in flips:
        copy[at % len(copy)] = value
    if cut % 3 == 0:
        del copy[cut % len(copy) :]
    return bytes(copy)
