"""Walks RIFF files: WebP pictures and AVI videos.

Source: Google, WebP Container Specification; Microsoft, AVI RIFF File Reference; OpenDML 1.02.
"""

import re
from collections.abc import Iterator

from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, is_blank, leftover, name_of
from crowdveil.evidence.leaks.profile import profile_leaks

_WEBP = frozenset({"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM"})
_AVI_LISTS = frozenset({"hdrl", "strl", "movi", "rec ", "odml"})
_AVI = frozenset({"avih", "strh", "strf", "vprp", "idx1", "indx", "dmlh"})
_EMPTY_INDEX = re.compile(rb"\x04\0[\0\x01][\0\x01]\0{4}\d\d(dc|db|wb|tx|pc|sb)", re.DOTALL)
_STRAYS = "strays"
_STREAM_CHUNK_ENDS = frozenset({"db", "dc", "wb", "tx", "pc", "sb"})


def webp_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a WebP file but its pictures and their colour profile."""
    end = _riff_end(data, b"WEBP")
    for name, start, stop in _chunks(data, 12, end, strays=_STRAYS):
        place = f"{name.strip()} at {start - 8:,}"
        if name == _STRAYS:
            yield from leftover(data, start, stop, "where no chunk begins", f"byte {start:,}")
            continue
        if name == "ICCP":
            yield from profile_leaks(bytes(data[start:stop]), place)
        elif name == "ANMF":
            for inner, first, last in _chunks(data, start + 16, stop):
                if inner not in _WEBP:
                    yield Leak(f"an unknown chunk ({inner}) in a frame", place, last - first)
        elif name == "EXIF":
            yield from exif_leaks(bytes(data[start:stop]).removeprefix(b"Exif\0\0"), place)
        elif name == "XMP ":
            yield from xmp_leaks(bytes(data[start:stop]), place)
        elif name not in _WEBP:
            yield Leak(f"an unknown chunk ({name})", place, stop - start)
    yield from leftover(data, end, len(data), "after the end of the picture", f"byte {end:,}")


def avi_leaks(data: Data) -> Iterator[Leak]:
    """Everything in an AVI file but its picture, sound and subtitles."""
    at, first = 0, True
    pictures: list[str] = []
    while at + 12 <= len(data) and data[at : at + 4] == b"RIFF":
        form = data[at + 8 : at + 12]
        if form not in (b"AVI ", b"AVIX") or (first and form != b"AVI "):
            break
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        stop = min(at + 8 + size, len(data))
        yield from _avi_list(data, at + 12, stop, "RIFF", pictures)
        at, first = stop + size % 2, False
    if first:
        raise broken("it does not begin like an AVI")
    yield from leftover(data, at, len(data), "after the end of the video", f"byte {at:,}")


def _avi_list(data: Data, start: int, end: int, path: str, pictures: list[str]) -> Iterator[Leak]:
    for name, first, last in _chunks(data, start, end):
        place = f"{path}/{name.strip()} at {first - 8:,}"
        if name == "LIST":
            kind = name_of(data[first : first + 4])
            if kind in _AVI_LISTS:
                yield from _avi_list(data, first + 4, last, f"{path}/{kind.strip()}", pictures)
            elif kind == "INFO":
                for field, begin, stop in _chunks(data, first + 4, last):
                    yield Leak(f"a text ({field})", f"{path}/INFO/{field}", stop - begin)
            else:
                yield Leak(f"an unknown list ({kind})", place, last - first)
        elif name in ("JUNK", "PAD "):
            if not _is_reserved(data, first, last):
                yield from leftover(data, first, last, "in padding", place)
        elif name == "strn":
            yield Leak("the name of a stream", place, last - first)
        elif name == "IDIT":
            yield Leak("the date of the recording", place, last - first)
        elif name == "strh" and data[first : first + 4] == b"vids":
            pictures.append(place)
            if len(pictures) > 1:
                yield Leak("another stream of pictures", place, last - first)
        elif name == "strh" and data[first : first + 4] not in (b"auds", b"txts"):
            yield Leak("a stream of timed data", place, last - first)
        elif name not in _AVI and name[2:] not in _STREAM_CHUNK_ENDS and name[:2] != "ix":
            yield Leak(f"an unknown chunk ({name})", place, last - first)


def _is_reserved(data: Data, start: int, end: int) -> bool:
    """Whether padding is room for an index that was never needed, as muxers leave it."""
    head = bytes(data[start : start + 24])
    if head[:8] == b"odmldmlh":
        return is_blank(data, start + 12, end)
    # Four numbers an entry, the kind of index, no entry, and the stream that it would be for.
    return bool(_EMPTY_INDEX.match(head)) and is_blank(data, start + 12, end)


def _riff_end(data: Data, form: bytes) -> int:
    if data[:4] != b"RIFF" or data[8:12] != form:
        raise broken(f"it does not begin like {form.decode().strip()}")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise broken("it ends too early")
    return end + end % 2 if end + end % 2 <= len(data) else end


def _chunks(
    data: Data, start: int, end: int, *, strays: str = ""
) -> Iterator[tuple[str, int, int]]:
    """Name, first byte and end of the body of each chunk.

    Args:
        data: the whole file.
        start, end: where chunks lie.
        strays: what to call the rest if no chunk begins there; refused if empty.
    """
    at = start
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        first, last = at + 8, at + 8 + size
        if last > end:
            if strays and not re.fullmatch(rb"[A-Za-z0-9 ]{4}", data[at : at + 4]):
                yield strays, at, end
                return
            raise broken("a chunk reaches past the end")
        yield name_of(data[at : at + 4]), first, last
        at = last + size % 2
