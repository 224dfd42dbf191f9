"""Gives jobs to workers, and outlives them.

A job goes in; its result, or the sentence of its failure, comes out, whatever became of the
worker: one that dies, takes too much memory or shows no progress costs the file it worked on, and
the next file gets a new worker. What the work is, is left to a `Service`; in what order things are
done, to the caller.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Condition, Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import BinaryIO, Generic, Self, TypeVar, cast

from crowdveil import errors
from crowdveil.errors import CrowdveilError
from crowdveil.isolation.limits import Limits, memory_in_use
from crowdveil.isolation.service import Failure, Service
from crowdveil.isolation.wire import Codec, MessageInvalid, Sign, receive, send
from crowdveil.isolation.worker import AS_WORKER, MEMORY
from crowdveil.progress import Progress

S = TypeVar("S")
J = TypeVar("J")
R = TypeVar("R")

_ROUND_S = 0.1
"""How often limits are looked at."""

_ASLEEP_S = 5.0
"""A round that took longer than this was spent asleep, as by a laptop that was closed: the time
counts for nobody."""

_START_S = 30.0
"""How long a process may take at least before its first word: however impatient the user is, a busy
machine must be able to begin."""

_REAP_S = 5.0

_WINDOWS_CRASH = 0xC0000000
"""Exit codes from which on Windows says that a process crashed."""

_START = """\
import os, sys
sys.path[:] = {path!r}
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
from crowdveil.isolation.worker import main
main()
"""


class Left(Exception):  # noqa: N818 (no error: the answer to whoever still waits)
    """The crew was left while a job was still under way."""


class _Cause(Enum):
    """Why the crew ended a worker itself."""

    MEMORY = auto()
    TIME = auto()
    NONSENSE = auto()
    """It sent what no worker sends."""


@dataclass(slots=True, eq=False)
class _Worker:
    """One process, and what is known of it.

    Attributes:
        threads: how many it works on.
        process: the process.
        began: whether it has said anything yet.
        ready: whether it has said that it can work.
        waiting_since: when we began to wait for its next word, None while we do not.
        cause: why it was ended, None if it was not.
    """

    threads: int
    process: "subprocess.Popen[bytes]"
    began: bool = False
    ready: bool = False
    waiting_since: float | None = None
    cause: _Cause | None = None
    lock: Lock = field(default_factory=Lock)

    def send(self, sign: Sign, message: bytes = b"") -> None:
        """Write to it; if it is dead, that shows when its answer is read."""
        with suppress(OSError, ValueError):  # broken, or closed
            send(cast(BinaryIO, self.process.stdin), sign, message)

    def read(self) -> tuple[Sign, bytes] | None:
        """Its next word, None if it is dead."""
        self.waiting_since = monotonic()
        try:
            frame = receive(cast(BinaryIO, self.process.stdout))
            self.began = True
            self.ready = self.ready or (frame is not None and frame[0] is Sign.READY)
            return frame
        except MessageInvalid:
            self.end(_Cause.NONSENSE)
            return None
        except (OSError, ValueError):  # closed, as the crew was left
            return None
        finally:
            self.waiting_since = None

    def end(self, cause: _Cause | None = None) -> None:
        """Kill it, and what it started."""
        with self.lock:
            self.cause = self.cause or cause
            if self.process.poll() is None:
                if hasattr(os, "killpg"):
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(self.process.pid, signal.SIGKILL)
                self.process.kill()

    def wait(self) -> int | None:
        """Its exit code once it is gone, negative for a signal; None if it will not go."""
        try:
            code = self.process.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            return None
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError, AttributeError):
                cast(BinaryIO, pipe).close()
        return code


class Crew(Generic[S, J, R]):
    """Workers for one service; use as a context manager, from any number of threads.

    Nothing is started before it is needed. On leaving, all workers are killed at once.
    """

    def __init__(
        self,
        service: Service[S, J, R],
        setup: S,
        limits: Limits,
        *,
        undone: str,
        room: int | None = None,
    ) -> None:
        """Prepare.

        Args:
            service: what the workers do.
            setup: what each of them is told first.
            limits: what one of them may take.
            undone: what did not happen to a file that fails here, as "it was NOT copied".
            room: pixels that all may decode at once, None for any number; a heavier job waits
                until it is alone.
        """
        self._service, self._limits, self._undone = service, limits, undone
        self._setup = Codec(service.setup).encode(setup)
        self._jobs, self._results = Codec(service.job), Codec(service.result)
        self._failures, self._progress, self._weights = Codec(Failure), Codec(Progress), Codec(int)
        self._all: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._lock, self._left = Lock(), Event()
        self._room = _Room(room)
        self._orders = SimpleQueue[tuple[int, SimpleQueue[_Worker | OSError]] | None]()
        self._keeper = Thread(target=self._keep, name="crowdveil-keeper", daemon=True)

    def __enter__(self) -> Self:
        """Begin to keep watch."""
        self._keeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all workers; what they were at is lost."""
        self.leave()

    def leave(self) -> None:
        """End all workers now; afterwards none of them writes anything."""
        self._left.set()
        self._room.leave()
        self._orders.put(None)
        self._keeper.join()
        for worker in self._all:
            worker.end()
        for worker in self._all:
            worker.wait()

    def ready(self, threads: int) -> None:
        """Start a worker and wait until it can work.

        Raises:
            CrowdveilError: what the service refused to begin with, or no worker can be started.
        """
        worker = self._take(threads)
        while not worker.ready:
            match worker.read():
                case (Sign.REFUSED, message):
                    raise self._refusal(message)
                case None:
                    raise self._no_start(worker)
        self._give_back(worker)

    def do(
        self,
        job: J,
        *,
        path: Path,
        threads: int = 1,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> R | str:
        """Have one job done.

        Args:
            job: the job.
            path: the file that it is about, for sentences.
            threads: how many it is worth.
            tell: told how far it is, on this thread.

        Returns:
            The result, or one sentence that says why there is none.

        Raises:
            Left: the crew was left meanwhile.
        """
        try:
            worker = self._take(threads)
        except CrowdveilError as error:
            return f"{path}: {error}"
        worker.send(Sign.JOB, self._jobs.encode(job))
        done: R | str | None = None
        taken = 0
        try:
            while done is None and (frame := worker.read()) is not None:
                match frame:
                    case (Sign.PROGRESS, message):
                        tell(self._progress.decode(message))
                    case (Sign.WEIGHT, message):
                        taken += self._room.take(max(self._weights.decode(message), 0))
                        worker.send(Sign.GO)
                    case (Sign.DONE, message):
                        done = self._results.decode(message)
                    case (Sign.FAILED, message):
                        done = self._sentence(self._failures.decode(message), path)
                    case (Sign.REFUSED, message):
                        raise self._refusal(message)
        except MessageInvalid:
            worker.end(_Cause.NONSENSE)
        except CrowdveilError as error:
            return f"{path}: {error}"
        finally:
            self._room.give_back(taken)
            if done is None:
                worker.end()
        if done is None:
            return self._obituary(worker, path)
        self._give_back(worker)
        return done

    # Who works ------------------------------------------------------------------------------

    def _take(self, threads: int) -> _Worker:
        """A worker that has nothing to do, or a new one."""
        if self._left.is_set():
            raise Left
        with self._lock:
            for worker in self._idle:
                if worker.threads == threads and worker.process.poll() is None:
                    self._idle.remove(worker)
                    return worker
        answer = SimpleQueue[_Worker | OSError]()
        self._orders.put((threads, answer))
        started: _Worker | OSError | None = None
        while started is None:
            with suppress(Empty):
                started = answer.get(timeout=_ROUND_S)
            if self._left.is_set():
                raise Left
        if isinstance(started, OSError):
            raise CrowdveilError(
                f"no process could be started to work on files ({started.strerror}); "
                "close other programs"
            )
        started.send(Sign.SETUP, self._setup)
        return started

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)

    def _keep(self) -> None:
        """Start workers and end those that pass a limit, until the crew is left.

        On Linux a worker dies with the *thread* that started it, so that one thread, which is
        there as long as the crew, starts them all.
        """
        before = monotonic()
        while not self._left.is_set():
            with suppress(Empty):
                order = self._orders.get(timeout=_ROUND_S)
                if order is not None:
                    order[1].put(self._start(order[0]))
            now = monotonic()
            if now - before > _ASLEEP_S:
                self._forgive(now)
            before = now
            self._enforce(now)

    def _start(self, threads: int) -> _Worker | OSError:
        arguments = [self._service.address, threads, self._limits.memory_bytes, os.getpid()]
        try:
            process = subprocess.Popen(
                [*_python(), *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=_APART,
                process_group=None if sys.platform == "win32" else 0,
            )
        except OSError as error:
            return error
        worker = _Worker(threads, process)
        with self._lock:
            self._all = [one for one in self._all if one.process.returncode is None]
            self._all.append(worker)
        return worker

    def _forgive(self, now: float) -> None:
        for worker in self._everyone():
            if worker.waiting_since is not None:
                worker.waiting_since = now

    def _enforce(self, now: float) -> None:
        for worker in self._everyone():
            since, patience = worker.waiting_since, self._limits.patience_s
            if not worker.began:
                patience = max(patience, _START_S)
            if memory_in_use(worker.process.pid) > self._limits.memory_bytes:
                worker.end(_Cause.MEMORY)
            elif since is not None and now - since > patience:
                worker.end(_Cause.TIME)

    def _everyone(self) -> list[_Worker]:
        with self._lock:
            return [one for one in self._all if one.process.returncode is None]

    # What is said ---------------------------------------------------------------------------

    def _sentence(self, failure: Failure, path: Path) -> str:
        if failure.kind == MEMORY:
            return f"{path}: {self._too_large()}"
        if failure.kind:
            return failure.sentence
        return (
            f"{path}: failed because of a bug in crowdveil ({failure.sentence}), so "
            f"{self._undone}; please report it"
        )

    def _obituary(self, worker: _Worker, path: Path) -> str:
        """The sentence for the file that a worker died of."""
        code = worker.wait()
        if self._left.is_set():
            raise Left
        undone = self._undone
        match worker.cause:
            case _Cause.MEMORY:
                return f"{path}: {self._too_large()}"
            case _Cause.TIME:
                return (
                    f"{path}: there was no progress for {self._limits.patience_s:g} s, so "
                    f"{undone}; if your computer is that slow, allow more with --patience"
                )
            case _Cause.NONSENSE:
                return (
                    f"{path}: the process that worked on it answered nonsense, so "
                    f"{undone}; do not open the file elsewhere, it may be made to attack programs"
                )
        return (
            f"{path}: the process that worked on it {_end(code)}, so {undone}; try again, "
            "and if it goes on, save the file anew with another program"
        )

    def _too_large(self) -> str:
        return (
            f"needs more than the {self._limits.memory_bytes / 1e9:.1f} GB of memory that one "
            f"file may take, so {self._undone}; reduce it, or allow more with --memory-gb"
        )

    def _refusal(self, message: bytes) -> CrowdveilError:
        """What the service refused to begin with, as the error that it was."""
        failure = self._failures.decode(message)
        kind = getattr(errors, failure.kind, None)
        if isinstance(kind, type) and issubclass(kind, CrowdveilError):
            return kind(failure.sentence)
        reason = failure.sentence or "there is not enough memory"
        return CrowdveilError(f"work on files cannot begin ({reason}); please report it")

    def _no_start(self, worker: _Worker) -> CrowdveilError:
        code = worker.wait()
        if self._left.is_set():
            raise Left
        if worker.cause is _Cause.TIME:
            return errors.WeightsInvalid(
                f"the networks were not ready after {self._limits.patience_s:g} s; if you gave a "
                "detector of your own, it may never end: try without it"
            )
        if worker.cause is _Cause.MEMORY:
            return errors.WeightsInvalid(
                f"the networks alone need more than {self._limits.memory_bytes / 1e9:.1f} GB of "
                "memory; allow more with --memory-gb"
            )
        return CrowdveilError(
            f"the process that works on files {_end(code)} before it began; if you gave a "
            "detector of your own, try without it, else please report it"
        )


class _Room:
    """Pixels that may be in memory at once."""

    def __init__(self, most: int | None) -> None:
        self._most, self._load, self._left = most, 0, False
        self._changed = Condition()

    def take(self, pixels: int) -> int:
        """Wait until so many fit, or nothing else is there; returns how many."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or not self._load or self._fits(pixels))
            if self._left:
                raise Left
            self._load += pixels
        return pixels

    def give_back(self, pixels: int) -> None:
        """Make room."""
        with self._changed:
            self._load -= pixels
            self._changed.notify_all()

    def leave(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def _fits(self, pixels: int) -> bool:
        return self._most is None or self._load + pixels <= self._most


def _end(code: int | None) -> str:
    """How a process ended, as the end of a sentence."""
    if code is None:
        return "hung"
    if code >= _WINDOWS_CRASH:
        return f"crashed (code {code:#x})"
    if code >= 0:
        return f"ended by itself with code {code}"
    if code == -getattr(signal, "SIGKILL", 9):
        return "was killed from outside, perhaps as memory ran out"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"crashed (signal {-code}, {name})"


def _python() -> list[str]:
    """The command that starts a worker, but for its arguments."""
    if getattr(sys, "frozen", False):  # bundled into a program, which then is no Python
        return [sys.executable, AS_WORKER]
    # The same packages as here. The current folder is left out: it may hold anything.
    home = str(Path(errors.__file__).resolve().parents[1])
    program = _START.format(path=[*(place for place in sys.path if place), home])
    return [sys.executable, "-P", *(["-I"] if sys.flags.isolated else []), "-c", program]


def _apart() -> int:
    """What on Windows keeps Ctrl-C in the terminal from a process; elsewhere its group does."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


_APART = _apart()
