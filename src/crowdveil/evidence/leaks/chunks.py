"""Takes RIFF files, WebP and AVI, apart into chunks. What they mean is left to `webp` and `avi`.

Source: Microsoft, Multimedia Programming Interface and Data Specifications 1.0.
"""

import re
from collections.abc import Iterator

from crowdveil.evidence.leaks.leak import Data, broken, name_of

STRAYS = "strays"
"""What the rest is called where no chunk begins."""


def riff_end(data: Data, form: bytes) -> int:
    """Where a RIFF file of one chunk of chunks ends.

    Raises:
        UnreadableMedia: it is of another form, or cut off.
    """
    if data[:4] != b"RIFF" or data[8:12] != form:
        raise broken(f"it does not begin like {form.decode().strip()}")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise broken("it ends too early")
    return end + end % 2 if end + end % 2 <= len(data) else end


def chunks(data: Data, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Name, first byte and end of the body of each chunk; the rest under the name `STRAYS`.

    Raises:
        UnreadableMedia: a chunk reaches past the end.
    """
    at = start
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        first, last = at + 8, at + 8 + size
        if last > end:
            if not re.fullmatch(rb"[A-Za-z0-9 ]{4}", data[at : at + 4]):
                break
            raise broken("a chunk reaches past the end")
        yield name_of(data[at : at + 4]), first, last
        at = last + size % 2
        if size % 2 and data[last : last + 1] not in (b"\0", b"") and at <= end:
            yield STRAYS, last, at
    if at < end:
        yield STRAYS, at, end
