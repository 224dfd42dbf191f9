"""Knows how long each box of MP4, QuickTime, HEIF and AVIF files is, by its own counts.

A box comes in; leaks go out for what it holds beyond them. Which boxes may lie where is left to
`tracks` and `items`, what they tell to those and to `entries`.
Source: ISO/IEC 14496-12 (2022); ISO/IEC 23008-12; Apple, QuickTime File Format.
"""

import struct
from collections.abc import Callable, Iterator

from crowdveil.evidence.leaks.boxes import Box, boxes, full
from crowdveil.evidence.leaks.leak import Data, Leak, broken, words

_BRANDS = words(
    "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp41 mp42 mp71 avc1 hvc1 hev1 "
    "av01 vp08 vp09 qt dash msdh msdi msix risx lmsg sims cmfc cmff cmfl cmfs cmf2 cfhd cfsd chdf "
    "chhd chh1 hlgc ccea 3gp4 3gp5 3gp6 3gp7 3gp8 3gp9 3ge6 3gg6 3gr6 3gs6 3g2a 3g2b 3g2c kddi "
    "M4A M4B M4P M4V M4VH M4VP MSNV NDSC NDSH NDXC NDXH f4v F4V dby1 mif1 mif2 mif3 msf1 miaf miAB "
    "miAn miBu miCm MiHB MiHE MiHA MiHM MiPr MA1A MA1B heic heix heim heis hevc hevx hevm hevs "
    "avif avis avio jpeg jpgs jxl unif tmap geo1 1pic pred piff iphE isml mj2s mjp2 dvh1 dvhe bblk "
    "XAVC caqv caep CAEP crx ffc0 nvr1 nsdc roku SEAU tsli vvic vvis evbi mmp4 isc2 emsg avc3"
)
_FIXED: dict[str, tuple[int, ...]] = {
    "mvhd": (100, 112),
    "tkhd": (84, 96),
    "mdhd": (24, 36),
    "vmhd": (12,),
    "smhd": (8,),
    "hmhd": (20,),
    "nmhd": (4,),
    "sthd": (4,),
    "gmin": (16,),
    "mehd": (8, 12),
    "trex": (24,),
    "mfhd": (8,),
    "tfdt": (8, 12),
    "mfro": (8,),
    "cslg": (24, 44),
    "clef": (12,),
    "prof": (12,),
    "enof": (12,),
    "pitm": (6, 8),
    "ispe": (12,),
    "irot": (1,),
    "imir": (1,),
    "pasp": (8,),
    "clap": (32,),
    "lsel": (2,),
    "a1op": (1,),
    "clli": (4,),
    "mdcv": (24,),
    "amve": (8,),
    "cclv": tuple(range(1, 30)),
    "ndwt": (8,),
    "rloc": (12,),
    "rrtp": (6,),
    "btrt": (12,),
    "fiel": (2,),
    "gama": (4,),
    "chrm": (2,),
    "SmDm": (28,),
    "CoLL": (8,),
    "frma": (4,),
    "enda": (2,),
    "ccst": (8,),
    "auxi": tuple(range(4, 80)),
    "srat": (8,),
    "stri": (5,),
}
_EACH: dict[str, tuple[int, tuple[int, ...]]] = {
    # Bytes before the entries with their count, and bytes of an entry by version.
    "elst": (8, (12, 20)),
    "stts": (8, (8,)),
    "ctts": (8, (8, 8)),
    "stss": (8, (4,)),
    "stps": (8, (4,)),
    "stsc": (8, (12,)),
    "stco": (8, (4,)),
    "co64": (8, (8,)),
    "sbgp": (8, (8, 8)),
}
_MOST_BRANDS = 24
_MOST_SMALL_BYTES = 64
"""Of a box that this does not measure: what would hold neither picture nor story."""


def size_leaks(data: Data, box: Box, path: str) -> Iterator[Leak]:
    """What a box holds beyond what its counts say.

    Args:
        data: the whole file.
        box: one that may be where it is.
        path: where it is.

    Raises:
        UnreadableMedia: it is too short to say.
    """
    if box.kind in ("ftyp", "styp"):
        yield from _brands(data, box, path)
        return
    try:
        wanted = _sizes_of(data, box)
    except (struct.error, IndexError) as error:
        raise broken(f"box {box.kind} is cut off") from error
    if wanted is not None and box.size not in wanted:
        # Shorter ones hold less than they should, which players find out.
        if box.size > max(wanted, default=0):
            more = f"{box.size - max(wanted, default=0):,} bytes that box {box.kind} does not need"
            yield Leak(more, path, box.size)
    elif wanted is None and box.size > _MOST_SMALL_BYTES:
        yield Leak(f"{box.size:,} bytes in box {box.kind}, more than it needs", path, box.size)


def _sizes_of(data: Data, box: Box) -> tuple[int, ...] | None:
    """How long a box may be, None if this does not know."""
    if box.kind in _FIXED:
        return _FIXED[box.kind]
    if box.kind in _EACH:
        before, sizes = _EACH[box.kind]
        version, _ = full(data, box)
        if box.kind == "sbgp":
            before += 8 if version else 4
        (count,) = struct.unpack_from(">I", data, box.start + before - 4)
        return (before + count * sizes[min(version, len(sizes) - 1)],)
    measure = _MEASURES.get(box.kind)
    return None if measure is None else (measure(data, box),)


def _brands(data: Data, box: Box, path: str) -> Iterator[Leak]:
    body = bytes(data[box.start : box.end])
    names = [body[:4], *(body[k : k + 4] for k in range(8, len(body), 4))]
    odd = [one for one in names if one.decode("latin-1").strip() not in _BRANDS and any(one)]
    if len(names) > _MOST_BRANDS or odd:
        yield Leak("kinds of files that nobody knows", path, box.size)
    if len(body) % 4:
        yield Leak("stray bytes", path, len(body) % 4)


def _sample_sizes(data: Data, box: Box) -> int:
    size, count = struct.unpack_from(">II", data, box.start + 4)
    return 12 if size else 12 + 4 * int(count)


def _small_sizes(data: Data, box: Box) -> int:
    width, (count,) = data[box.start + 7], struct.unpack_from(">I", data, box.start + 8)
    return 12 + -(-width * int(count) // 8)


def _index(data: Data, box: Box) -> int:
    version, _ = full(data, box)
    head = 4 + 8 + (16 if version else 8) + 4
    (count,) = struct.unpack_from(">H", data, box.start + head - 2)
    return head + 12 * int(count)


def _subindex(data: Data, box: Box) -> int:
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    at = 8
    for _ in range(count):
        (ranges,) = struct.unpack_from(">I", data, box.start + at)
        at += 4 + 4 * ranges
    return at


def _access(data: Data, box: Box) -> int:
    version, _ = full(data, box)
    _, widths, count = struct.unpack_from(">III", data, box.start + 4)
    numbers = int(widths >> 4 & 3) + int(widths >> 2 & 3) + int(widths & 3)
    return 16 + ((16 if version else 8) + 3 + numbers) * int(count)


def _fragment_head(data: Data, box: Box) -> int:
    _, flags = full(data, box)
    return 8 + 8 * bool(flags & 1) + 4 * sum(bool(flags & flag) for flag in (2, 8, 0x10, 0x20))


def _run(data: Data, box: Box) -> int:
    _, flags = full(data, box)
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    each = sum(bool(flags & flag) for flag in (0x100, 0x200, 0x400, 0x800))
    return 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4) + 4 * each * int(count)


def _group_kinds(data: Data, box: Box) -> int:
    version, _ = full(data, box)
    if version != 1:
        return _MOST_SMALL_BYTES
    length, count = struct.unpack_from(">II", data, box.start + 8)
    at = 16
    for _ in range(count):
        own = length
        if not length:
            (own,) = struct.unpack_from(">I", data, box.start + at)
            at += 4
        # Rolls and random access points take two bytes; none takes more than sixteen.
        at += own if own <= 16 else 0
    return at


def _parts_of_samples(data: Data, box: Box) -> int:
    version, _ = full(data, box)
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    at = 8
    for _ in range(count):
        (parts,) = struct.unpack_from(">H", data, box.start + at + 4)
        at += 6 + parts * (10 if version else 8)
    return at


def _extra_sizes(data: Data, box: Box) -> int:
    at = 4 + 8 * (full(data, box)[1] & 1)
    usual, count = struct.unpack_from(">BI", data, box.start + at)
    return at + 5 + (0 if usual else int(count))


def _extra_places(data: Data, box: Box) -> int:
    version, flags = full(data, box)
    at = 4 + 8 * (flags & 1)
    (count,) = struct.unpack_from(">I", data, box.start + at)
    return at + 4 + int(count) * (8 if version else 4)


def _coded_colours(data: Data, box: Box) -> int:
    kind = bytes(data[box.start : box.start + 4])
    return {b"nclx": 11, b"nclc": 10}.get(kind, box.size if kind in (b"prof", b"rICC") else 4)


def _bits(data: Data, box: Box) -> int:
    return 5 + data[box.start + 4]


def _avc(data: Data, box: Box) -> int:
    at, profile = box.start + 5, data[box.start + 1]
    for mask in (31, 255):
        count, at = data[at] & mask, at + 1
        for _ in range(count):
            (size,) = struct.unpack_from(">H", data, at)
            at += 2 + size
    if profile in (100, 110, 122, 144, 244, 44, 118, 128) and at + 4 <= box.end:
        count, at = data[at + 3], at + 4
        for _ in range(count):
            (size,) = struct.unpack_from(">H", data, at)
            at += 2 + size
    return at - box.start


def _hevc(data: Data, box: Box) -> int:
    at = box.start + (6 if box.kind == "lhvC" else 23)
    for _ in range(data[at - 1]):
        (count,) = struct.unpack_from(">H", data, at + 1)
        at += 3
        for _ in range(count):
            (size,) = struct.unpack_from(">H", data, at)
            at += 2 + size
    return at - box.start


def _av1(data: Data, box: Box) -> int:
    """Four bytes and one header of a sequence."""
    at = box.start + 4
    if at == box.end:
        return 4
    size = shift = 0
    at += 1 + (data[at] >> 2 & 1)
    while True:
        byte, at = data[at], at + 1
        size |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            break
    return at + size - box.start if size <= _MOST_SMALL_BYTES else 4


def _vpx(data: Data, box: Box) -> int:
    (size,) = struct.unpack_from(">H", data, box.start + 10)
    return 12 + (int(size) if size <= 16 else 0)


def _flac(data: Data, box: Box) -> int:
    """The block of stream facts; those of comments and pictures are looked at elsewhere."""
    return 4 + 38


def _opus(data: Data, box: Box) -> int:
    return 11 + (2 + data[box.start + 9] if data[box.start + 10] else 0)


_MEASURES: dict[str, Callable[[Data, Box], int]] = {
    "stsz": _sample_sizes,
    "stz2": _small_sizes,
    "sidx": _index,
    "ssix": _subindex,
    "tfra": _access,
    "tfhd": _fragment_head,
    "trun": _run,
    "subs": _parts_of_samples,
    "saiz": _extra_sizes,
    "saio": _extra_places,
    "sgpd": _group_kinds,
    "colr": _coded_colours,
    "pixi": _bits,
    "avcC": _avc,
    "hvcC": _hevc,
    "lhvC": _hevc,
    "av1C": _av1,
    "vpcC": _vpx,
    "dfLa": _flac,
    "dOps": _opus,
    "dvcC": lambda data, box: 24,
    "dvvC": lambda data, box: 24,
    "alac": lambda data, box: box.size if box.size <= 64 else 36,
    "dac3": lambda data, box: 3,
    "dec3": lambda data, box: 2 + 4 * (1 + (data[box.start + 1] & 7)) + 4,
}


def reference_leaks(data: Data, box: Box, path: str) -> Iterator[Leak]:
    """What references from a track hold that is no number of a track.

    Args:
        data: the whole file.
        box: the holder of references.
        path: where it is.
    """
    for one in boxes(data, box.start, box.end):
        if one.size % 4 or one.size > _MOST_SMALL_BYTES:
            yield Leak("more than numbers of tracks", f"{path}/{one.kind}", one.size)
