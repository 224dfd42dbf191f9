"""Standard output and error that cannot fail: what is printed never costs what was worked out.

Replaces both streams of the process by ones that show what a terminal's encoding lacks as
escapes, and that go on without a word where a disk is full, a pipe was closed or nothing is
connected. `lost` says whether something did not arrive. What is printed is left to the commands.
"""

import io
import os
import select
import sys
from contextlib import suppress
from typing import TextIO

_OUT, _ERR = 1, 2


class _Sink(io.RawIOBase):
    """Writes to a file descriptor as long as it takes something."""

    def __init__(self, descriptor: int, reason: str | None) -> None:
        self._descriptor = descriptor
        self._reason = reason
        self.lost: str | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return self._reason is None and os.isatty(self._descriptor)

    def write(self, data: object, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        size = view.nbytes
        if self._reason is not None:
            self.lost = self._reason
            return size
        try:
            while view:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except BlockingIOError:
                    select.select([], [self._descriptor], [])
        except OSError as error:
            self.lost = self._reason = error.strerror or str(error)
        return size


def guard() -> None:
    """Replace the standard streams; nothing that is printed raises from now on."""
    _fill_gaps()
    sys.stdout = _guarded(sys.stdout, _OUT)
    sys.stderr = _guarded(sys.stderr, _ERR)


def lost(stream: TextIO) -> str | None:
    """Why something that was printed to a stream did not arrive, None if all did.

    A stream that is not ours is taken to have failed if it cannot be flushed.
    """
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        return str(error)
    sink = getattr(getattr(stream, "buffer", None), "raw", None)
    return sink.lost if isinstance(sink, _Sink) else None


def _fill_gaps() -> None:
    """Connect what is closed to nothing, as else the next file that is opened would take its
    number, and libraries that print would print into it."""
    for descriptor in (0, _OUT, _ERR):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _guarded(stream: TextIO | None, descriptor: int) -> TextIO:
    encoding, buffered = "utf-8", True
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.flush()
        encoding, buffered = stream.encoding or encoding, not stream.line_buffering
        with suppress(OSError, ValueError, AttributeError):
            descriptor = stream.fileno()
    sink = _Sink(descriptor, None if stream is not None else "it is closed")
    return io.TextIOWrapper(
        io.BufferedWriter(sink),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=not buffered,
    )
