"""Looks into a colour profile for what is not colour: names, makers, dates, serial numbers.

Source: ICC.1:2022, clauses 7.2 (header) and 9 (tags).
"""

import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.leak import Leak, doubt, name_of, words

_COLOUR = words(
    "rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC wtpt bkpt chad chrm gamt cicp lumi A2B0 A2B1 A2B2 "
    "A2B3 B2A0 B2A1 B2A2 B2A3 D2B0 D2B1 D2B2 D2B3 B2D0 B2D1 B2D2 B2D3"
)
_TEXTS = frozenset({"desc", "cprt"})
"""Every profile must have them; these texts of ours tell nothing."""
_NEUTRAL = ("neutral colour profile", "no copyright")
_USUAL = words(
    "dmnd dmdd vued view meas tech dscm vcgt ndin aarg aagg aabg pseq psid ps2i ps2s pre0 "
    "pre1 pre2 clrt clro resp rig0 rig2 ciis arts"
)
"""What profiles that are sold or shared have; they tell of a program or a model at most."""
_HEADER = 128
_NEUTRAL_DATE = struct.pack(">6H", 1980, 1, 1, 0, 0, 0)


def profile_leaks(profile: bytes, place: str) -> Iterator[Leak]:
    """What a colour profile tells besides colours.

    Args:
        profile: the whole profile.
        place: where it lies in the file.
    """
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        yield Leak("something that is no colour profile in its place", place, len(profile))
        return
    told, telling = [], []
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    end = _HEADER + 4
    for k in range(min(count, 200)):
        at = _HEADER + 4 + 12 * k
        if at + 12 > len(profile):
            break
        kind, start, size = struct.unpack_from(">4sII", profile, at)
        end = max(end, at + 12, start + size)
        name = name_of(kind)
        if name in _TEXTS:
            if not _is_neutral(profile[start : start + size]):
                told.append({"desc": "a name", "cprt": "a copyright"}[name])
        elif name in _USUAL:
            told.append(name)
        elif name not in _COLOUR:
            telling.append(name)
    if profile[24:36] not in (_NEUTRAL_DATE, bytes(12)):
        told.append("a date")
    if profile[48:56] != bytes(8):
        told.append("a device's maker or model")
    if telling:
        yield Leak(f"colour profile with private tags ({', '.join(telling)})", place, len(profile))
    if told:
        names = ", ".join(dict.fromkeys(told))
        yield doubt(f"colour profile with {names}", place, len(profile))
    if profile[end : end + 1] and profile[end:].strip(b"\0"):
        yield Leak("bytes behind the end of a colour profile", place, len(profile) - end)


def _is_neutral(tag: bytes) -> bool:
    text = (tag.decode("utf-16-be", "ignore") + tag.decode("latin-1")).replace("\0", "").lower()
    return any(neutral in text for neutral in _NEUTRAL)
