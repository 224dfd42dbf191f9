"""Plants bytes into one block of a file and corrects all lengths around it, so that it plays."""

import struct
import zlib
from collections.abc import Callable

Change = Callable[[bytes], bytes]
"""What a block's body becomes."""


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def in_png(data: bytes, kind: bytes, change: Change) -> bytes:
    """The body of a chunk changed; put behind the header if there is none."""
    parts = png_chunks(data)
    if kind not in {name for name, _ in parts}:
        parts.insert(1, (kind, b""))
    return data[:8] + b"".join(
        png_chunk(name, change(body) if name == kind else body) for name, body in parts
    )


def in_jpeg(data: bytes, marker: int, change: Change) -> bytes:
    """The body of the first segment of a kind changed."""
    at = 2
    while data[at + 1] != marker:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    (size,) = struct.unpack_from(">H", data, at + 2)
    body = change(data[at + 4 : at + 2 + size])
    return data[: at + 2] + struct.pack(">H", len(body) + 2) + body + data[at + 2 + size :]


def in_riff(data: bytes, path: tuple[bytes, ...], change: Change) -> bytes:
    """The body of the first chunk at a path of names changed; lists are named by their kind."""
    return (
        data[:4]
        + struct.pack("<I", 4 + len(_riff(data[12:], path, change)))
        + (data[8:12] + _riff(data[12:], path, change))
    )


def _riff(body: bytes, path: tuple[bytes, ...], change: Change) -> bytes:
    out, at, done = b"", 0, False
    while at + 8 <= len(body):
        kind, (size,) = body[at : at + 4], struct.unpack_from("<I", body, at + 4)
        inner = body[at + 8 : at + 8 + size]
        name = inner[:4] if kind == b"LIST" else kind
        if name == path[0] and not done:
            done = True
            if len(path) == 1:
                inner = change(inner)
            else:
                inner = inner[:4] + _riff(inner[4:], path[1:], change)
        out += kind + struct.pack("<I", len(inner)) + inner + bytes(len(inner) % 2)
        at += 8 + size + size % 2
    assert done, path
    return out


_HEADS = {b"meta": 4, b"stsd": 8, b"avc1": 78, b"hvc1": 78, b"iref": 4}


def in_boxes(data: bytes, path: tuple[bytes, ...], change: Change) -> bytes:
    """The body of the first box at a path changed; offsets must count from before it."""
    out, at, done = b"", 0, False
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        inner = data[at + 8 : at + size]
        if kind == path[0] and not done:
            done = True
            head = _HEADS.get(kind, 0)
            inner = (
                change(inner)
                if len(path) == 1
                else inner[:head] + in_boxes(inner[head:], path[1:], change)
            )
        out += struct.pack(">I4s", 8 + len(inner), kind) + inner
        at += size
    assert done, path
    return out + data[at:]


def number(data: bytes, at: int, *, keep: bool) -> tuple[int, int]:
    """A number of Matroska, and where it ends."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep else value & ((1 << 7 * length) - 1)), at + length


def in_elements(data: bytes, path: tuple[int, ...], change: Change) -> bytes:
    """The body of the first element at a path changed."""
    out, at, done = b"", 0, False
    while at < len(data):
        kind, after = number(data, at, keep=True)
        size, start = number(data, after, keep=False)
        inner = data[start : start + size]
        if kind == path[0] and not done:
            done = True
            inner = change(inner) if len(path) == 1 else in_elements(inner, path[1:], change)
        out += data[at:after] + (len(inner) | 1 << 56).to_bytes(8, "big") + inner
        at = start + size
    assert done, [hex(one) for one in path]
    return out
