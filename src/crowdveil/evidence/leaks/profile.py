"""Looks into a colour profile for what is not colour: names, makers, dates, serial numbers, and
bytes that no tag needs.

Source: ICC.1:2022, clauses 7.2 (header), 9 (tags) and 10 (their types).
"""

import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.leak import Leak, doubt, is_blank, name_of, words
from crowdveil.evidence.leaks.telling import told_by

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
_MOST_USUAL_BYTES = 8_192
_HEADER = 128
_NEUTRAL_DATE = struct.pack(">6H", 1980, 1, 1, 0, 0, 0)
_PARAMETERS = (1, 3, 4, 5, 7)
"""Of each kind of parametric curve."""
_FILL_BYTES = 3


def profile_leaks(profile: bytes, place: str) -> Iterator[Leak]:
    """What a colour profile tells besides colours.

    Args:
        profile: the whole profile.
        place: where it lies in the file.
    """
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        yield Leak("something that is no colour profile in its place", place, len(profile))
        return
    told, telling, texts = [], [], set[str]()
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    used = [(0, min(_HEADER + 4 + 12 * count, len(profile)))]
    more = 0
    for k in range(min(count, 200)):
        at = _HEADER + 4 + 12 * k
        if at + 12 > len(profile):
            break
        kind, start, size = struct.unpack_from(">4sII", profile, at)
        used.append((start, start + size))
        name, tag = name_of(kind), profile[start : start + size]
        if name in _TEXTS:
            if not _is_neutral(tag):
                told.append({"desc": "a name", "cprt": "a copyright"}[name])
        elif name in _USUAL:
            told.append(name)
        elif name not in _COLOUR:
            telling.append(name)
        if name in _TEXTS or name in _USUAL:
            more += max(len(tag) - _MOST_USUAL_BYTES, 0)
            texts |= {what for text in _readings(tag) for what in told_by(text)} & {"a position"}
        else:
            more += max(len(tag) - _needed(tag) - _FILL_BYTES, 0)
    if profile[24:36] not in (_NEUTRAL_DATE, bytes(12)):
        told.append("a date")
    if profile[48:56] != bytes(8):
        told.append("a device's maker or model")
    if telling:
        yield Leak(f"colour profile with private tags ({', '.join(telling)})", place, len(profile))
    if texts:
        yield Leak(f"colour profile with {', '.join(sorted(texts))}", place, len(profile))
    if told:
        names = ", ".join(dict.fromkeys(told))
        yield doubt(f"colour profile with {names}", place, len(profile))
    if more or count > 200:
        yield Leak(f"{more:,} bytes in a colour profile that no colour needs", place, more)
    if any(profile[100:_HEADER]):
        yield Leak("something in bytes of a colour profile that are kept free", place, 28)
    yield from _unused(profile, used, place)


def _unused(profile: bytes, used: list[tuple[int, int]], place: str) -> Iterator[Leak]:
    at = 0
    for start, end in [*sorted(used), (len(profile), len(profile))]:
        gap = min(start, len(profile)) - at
        if gap > 0 and not is_blank(profile, at, at + gap):
            behind = at + gap == len(profile)
            what = (
                "bytes behind the end of a colour profile"
                if behind
                else "bytes between the tags of a colour profile"
            )
            yield Leak(what, place, gap)
        at = max(at, end)


def _needed(tag: bytes) -> int:
    """How long a tag's own type and counts say that it is; all of it where they do not."""
    kind = tag[:4]
    if kind == b"XYZ ":
        return 20
    if kind == b"curv" and len(tag) >= 12:
        return 12 + 2 * int(struct.unpack_from(">I", tag, 8)[0])
    if kind == b"para" and len(tag) >= 12:
        (function,) = struct.unpack_from(">H", tag, 8)
        return 12 + 4 * _PARAMETERS[function] if function < len(_PARAMETERS) else 12
    if kind == b"sf32":
        return 8 + 4 * 9
    if kind == b"chrm" and len(tag) >= 10:
        return 12 + 8 * int(struct.unpack_from(">H", tag, 8)[0])
    if kind == b"cicp":
        return 12
    if kind in (b"mft1", b"mft2") and len(tag) >= 52:
        inputs, outputs, grid = tag[8], tag[9], tag[10]
        if kind == b"mft1":
            return 48 + 256 * inputs + int(grid**inputs) * outputs + 256 * outputs
        first, last = struct.unpack_from(">HH", tag, 48)
        return 52 + 2 * int(inputs * first + grid**inputs * outputs + outputs * last)
    return len(tag) if kind in (b"mAB ", b"mBA ", b"mpet") else 16


def _readings(tag: bytes) -> tuple[str, str]:
    """The text of a tag, in both of the encodings that profiles use."""
    wide = tag.decode("utf-16-be", "ignore") if len(tag) % 2 == 0 else ""
    return wide, tag.decode("latin-1").replace("\0", " ")


def _is_neutral(tag: bytes) -> bool:
    """Whether a text is one of ours, with nothing beside it."""
    text = (tag.decode("utf-16-be", "ignore") + tag.decode("latin-1")).replace("\0", "").lower()
    return any(neutral in text for neutral in _NEUTRAL) and len(tag) <= 120
