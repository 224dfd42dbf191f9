"""Runs programs of others over a stranger's file: they may die, hang, or fill memory and pipes.

A command comes in, what it prints goes out, within limits on time, memory and bytes. What is
printed is judged by `witnesses`.
"""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

LOOK_S = 60.0
"""For one file. Both take under a second for photos, and seconds for long videos."""
MOST_PRINTED_BYTES = 32_000_000
MOST_MEMORY_BYTES = 1 << 30
"""Several times of what either needs for any honest file."""
_GOODBYE_S = 2.0
_READY = b"{ready}"


class Ended(Exception):  # noqa: N818
    """A program gave no answer about a file; the message says why, as a clause."""


class Asked:
    """A program that answers one question after the other, started anew after it ended.

    Not for several threads at once.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """The command; nothing is started before it is asked."""
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, lines: Sequence[bytes]) -> bytes:
        """What it prints until it says that it is ready.

        Args:
            lines: the question, none of which holds a newline.

        Raises:
            Ended: it died, took too long or printed too much; the next question starts it anew.
        """
        process = self._started()
        try:
            if process.stdin is None or process.stdout is None:
                raise Ended("it could not be started")
            process.stdin.write(b"\n".join([*lines, b"-execute", b""]))
            process.stdin.flush()
            return _read(process.stdout, LOOK_S, until=_READY)
        except OSError as error:
            self.stop()
            raise Ended("it died") from error
        except Ended:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(OSError):
            process.communicate(timeout=_GOODBYE_S)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise Ended("it could not be started") from error
            _limit(self._process.pid)
        return self._process


def printed(command: Sequence[str], given: Path | None = None) -> bytes:
    """What a program prints.

    Args:
        command: its name and arguments.
        given: a file for its standard input.

    Raises:
        Ended: it could not be started, took too long, printed too much or was killed.
    """
    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(given.open("rb")) if given else subprocess.DEVNULL
            process = subprocess.Popen(
                list(command), stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise Ended("it could not be started") from error
        _limit(process.pid)
        try:
            out = _read(process.stdout, LOOK_S) if process.stdout else b""
            if process.wait(LOOK_S) < 0:
                raise Ended("it died")
            return out
        except subprocess.TimeoutExpired as error:
            raise Ended(f"it took longer than {LOOK_S:.0f} s") from error
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def _limit(pid: int) -> None:
    """Bound a program's memory, where the system lets us do that from outside."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        limits = MOST_MEMORY_BYTES, MOST_MEMORY_BYTES
        resource.prlimit(pid, resource.RLIMIT_AS, limits)


def _read(pipe: IO[bytes], seconds: float, until: bytes | None = None) -> bytes:
    """All that comes through a pipe, or what comes before a line."""
    out, latest = bytearray(), time.monotonic() + seconds
    for part in _parts(pipe, latest, seconds):
        out += part
        if len(out) > MOST_PRINTED_BYTES:
            raise Ended("it printed too much")
        if until is not None and out.rstrip().endswith(until):
            return bytes(out.rstrip()[: -len(until)])
    if until is not None:
        raise Ended("it died")
    return bytes(out)


def _parts(pipe: IO[bytes], latest: float, seconds: float) -> Iterator[bytes]:
    """Parts as they come, until the pipe is closed."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(latest - time.monotonic(), 0)):
                raise Ended(f"it took longer than {seconds:.0f} s")
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                return
            yield part
