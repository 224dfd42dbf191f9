"""The process that works on files that nobody trusts.

Started by `crew`, with the address of a service, threads, limit of memory and its parent's
process id as arguments. Takes jobs from standard input, one at a time, and answers on standard
output until that side is gone. What a job is, is left to the service.
"""

import os
import sys
import warnings
from queue import SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, BinaryIO

from crowdveil.errors import CrowdveilError
from crowdveil.isolation.confine import confine
from crowdveil.isolation.service import Failure, Service, Work, named
from crowdveil.isolation.wire import Codec, Sign, receive, send
from crowdveil.progress import Progress

_BEAT_S = 0.2
"""Beats that follow sooner are not sent."""

AS_WORKER = "--as-worker"
"""First word of the command line of a program that crowdveil is bundled into, to start a worker."""

MEMORY = "MemoryError"
"""Kind of a failure for want of memory."""


def main() -> None:
    """Work until nobody gives work any more."""
    address, threads, memory_bytes, parent = sys.argv[1:]
    confine(int(memory_bytes), int(parent))
    warnings.simplefilter("ignore")
    line = _Line(*_own_pipes())
    service: Service[Any, Any, Any] = named(address)
    try:
        setup = Codec(service.setup).decode(line.take())
        work: Work[Any, Any] = named(service.opener)(setup, line, int(threads))
    except Exception as error:
        line.send(Sign.REFUSED, _failure(error))
        return
    line.send(Sign.READY)
    jobs, results = Codec(service.job), Codec(service.result)
    while True:
        job = jobs.decode(line.take())
        line.send(*_done(work, job, line, results))


def _done(work: Work[Any, Any], job: Any, line: "_Line", results: Codec[Any]) -> tuple[Sign, bytes]:
    """What came of one job."""
    try:
        return Sign.DONE, results.encode(work(job, line))
    except Exception as error:
        # Whatever one file trips over must not cost the others.
        return Sign.FAILED, _failure(error)


def _failure(error: Exception) -> bytes:
    if isinstance(error, CrowdveilError):
        said = Failure(type(error).__name__, str(error))
    elif isinstance(error, MemoryError):
        said = Failure(MEMORY, "")
    else:
        said = Failure("", f"{type(error).__name__}: {error}")
    return Codec(Failure).encode(said)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, out of reach of libraries that read or print."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return source, sink


class _Line:
    """The line to the parent; see `service.Line`."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._lock, self._go = Lock(), Event()
        self._inbox = SimpleQueue[bytes]()
        self._progress, self._weights = Codec(Progress), Codec(int)
        self._next = 0.0
        Thread(target=self._listen, name="crowdveil-line", daemon=True).start()

    def _listen(self) -> None:
        while (frame := receive(self._source)) is not None:
            if frame[0] is Sign.GO:
                self._go.set()
            else:
                self._inbox.put(frame[1])
        os._exit(0)  # nobody waits for an answer any more, whatever is under way

    def take(self) -> bytes:
        """The next message, blocking."""
        return self._inbox.get()

    def send(self, sign: Sign, message: bytes = b"") -> None:
        with self._lock:
            try:
                send(self._sink, sign, message)
            except OSError:
                os._exit(0)

    def beat(self) -> None:
        now = monotonic()
        if now >= self._next:
            self._next = now + _BEAT_S
            self.send(Sign.BEAT)

    def tell(self, progress: Progress) -> None:
        self.send(Sign.PROGRESS, self._progress.encode(progress))

    def weigh(self, pixels: int) -> None:
        self._go.clear()
        self.send(Sign.WEIGHT, self._weights.encode(pixels))
        self._go.wait()


if __name__ == "__main__":
    main()
