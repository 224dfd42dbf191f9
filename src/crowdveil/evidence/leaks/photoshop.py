"""Walks the blocks that Photoshop puts into JPEG and TIFF files.

Source: Adobe, Photoshop File Formats Specification, image resource blocks.
"""

from collections.abc import Iterator

from crowdveil.evidence.leaks.exif import iptc_leaks
from crowdveil.evidence.leaks.leak import Leak, doubt, leftover

_IPTC, _DENSITY, _DENSITY_BYTES = 0x0404, 0x03ED, 16


def photoshop_leaks(resources: bytes, place: str) -> Iterator[Leak]:
    """What Photoshop's image resources hold besides density and a credit.

    Args:
        resources: the blocks, each beginning with "8BIM".
        place: where they lie in the file.
    """
    at = 0
    while at + 12 <= len(resources):
        if resources[at : at + 4] != b"8BIM":
            break
        kind = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = 1 + resources[at + 6]
        start = at + 6 + name + name % 2
        size = int.from_bytes(resources[start : start + 4], "big")
        body = resources[start + 4 : start + 4 + size]
        if kind == _IPTC:
            yield from iptc_leaks(body, place)
        elif kind != _DENSITY or size != _DENSITY_BYTES:
            title = {0x040C: "a thumbnail", 0x0409: "a thumbnail", 0x0422: "EXIF metadata"}
            what = title.get(kind, f"a Photoshop resource ({kind:#06x})")
            yield Leak(what, place, size)
        if name > 1:
            yield doubt("a name in a Photoshop resource", place, name - 1)
        at = start + 4 + size + size % 2
    yield from leftover(resources, at, len(resources), "behind Photoshop's resources", place)
