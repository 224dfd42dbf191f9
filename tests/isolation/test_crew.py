"""Workers that really crash, hang, grow and lie, doing small work of their own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from crowdveil.errors import WeightsInvalid
from crowdveil.isolation.crew import Crew, Left
from crowdveil.isolation.limits import Limits, machine_bytes, memory_in_use

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

TROUBLE = """
import os, signal, sys, time
from crowdveil.errors import UnreadableMedia, WeightsInvalid
from crowdveil.isolation.service import Service

SERVICE = Service("trouble:SERVICE", "trouble:open_work", str, str, str)

def open_work(setup, line, threads):
    line.beat()
    if setup == "refuse":
        raise WeightsInvalid("no such network")
    if setup == "hang":
        while True: time.sleep(1)
    if setup == "die":
        os._exit(7)
    print("noise on the line")
    def work(job, line):
        word, _, rest = job.partition(" ")
        if word == "echo":
            return f"{rest} {os.getpid()} {threads}"
        if word == "crash":
            os.kill(os.getpid(), int(rest))
            time.sleep(9)
        if word == "abort":
            os.abort()
        if word == "hang":
            while True: pass
        if word == "slow":
            for _ in range(8):
                time.sleep(0.25)
                line.beat()
            return "slow but sure"
        if word == "grow":
            kept = []
            while True: kept.append(bytearray(b"x" * 10_000_000))
        if word == "reserve":
            return str(len(bytearray(1 << 40)))
        if word == "damaged":
            raise UnreadableMedia("a.jpg: is damaged")
        if word == "bug":
            return str(1 / 0)
        if word == "lie":
            for fd in range(3, 64):
                try: os.write(fd, b"\\xff" * 99)
                except OSError: pass
            time.sleep(9)
        if word == "weigh":
            line.weigh(int(rest))
            begun = time.monotonic()
            time.sleep(0.3)
            return f"{begun} {time.monotonic()}"
    return work
"""


@pytest.fixture
def trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "trouble.py").write_text(TROUBLE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield import_module("trouble").SERVICE
    del sys.modules["trouble"]


def crew(
    service: Any,
    setup: str = "",
    *,
    memory: float = 1.0,
    patience: float = 60,
    room: int | None = None,
) -> Crew[str, str, str]:
    limits = Limits.of(memory, patience)
    return Crew(service, setup, limits, undone="it was NOT copied", room=room)


def children() -> set[int]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


FILE = Path("march.jpg")


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (f"crash {signal.SIGSEGV.value}", "crashed (signal 11, SIGSEGV)"),
        ("abort", "crashed (signal 6, SIGABRT)"),
        (f"crash {signal.SIGKILL.value}", "was killed from outside"),
        ("hang", "no progress for 1 s"),
        ("grow", "needs more than the 0.2 GB of memory"),
        ("reserve", "needs more than the 0.2 GB of memory"),
        ("lie", "answered nonsense"),
        ("bug", "ZeroDivisionError"),
    ],
    ids=lambda value: value.split()[0],
)
def test_trouble_costs_one_job_which_is_named_and_the_next_is_done(
    job: str, said: str, trouble: Any
) -> None:
    with crew(trouble, memory=0.2, patience=1 if job == "hang" else 60) as workers:
        sentence = workers.do(job, path=FILE)
        assert sentence.startswith("march.jpg: ")
        assert said in sentence
        assert "NOT copied" in sentence
        assert workers.do("echo on", path=FILE).startswith("on ")
    assert not children()


def test_a_worker_that_is_fine_does_the_next_job_too(trouble: Any) -> None:
    with crew(trouble) as workers:
        first, damaged, second, wider = (
            workers.do(job, path=FILE, threads=threads)
            for job, threads in (("echo a", 1), ("damaged", 1), ("echo a", 1), ("echo a", 2))
        )
        workers.ready(1)  # as one that has worked already is
    assert first == second
    assert damaged == "a.jpg: is damaged"
    assert wider.split()[1] != first.split()[1]
    assert wider.split()[2] == "2"


def test_a_long_job_that_goes_on_is_not_given_up(trouble: Any) -> None:
    with crew(trouble, patience=1) as workers:
        assert workers.do("slow", path=FILE) == "slow but sure"


def test_what_would_not_fit_together_is_done_one_after_the_other(trouble: Any) -> None:
    spans: list[tuple[float, float]] = []

    def weigh(pixels: int) -> None:
        begun, ended = workers.do(f"weigh {pixels}", path=FILE).split()
        spans.append((float(begun), float(ended)))

    with crew(trouble, room=100) as workers:
        threads = [threading.Thread(target=weigh, args=(pixels,)) for pixels in (60, 60, 999)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(spans) == 3
    spans.sort()
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize(
    ("setup", "said"),
    [("refuse", "no such network"), ("hang", "were not ready after 1 s")],
)
def test_what_no_worker_could_do_is_said_before_any_work(
    setup: str, said: str, trouble: Any
) -> None:
    with crew(trouble, setup, patience=1) as workers, pytest.raises(WeightsInvalid, match=said):
        workers.ready(1)
    assert not children()


def test_leaving_ends_jobs_that_never_would(trouble: Any) -> None:
    ended: list[BaseException] = []

    def hang() -> None:
        try:
            workers.do("hang", path=FILE)
        except Left as left:
            ended.append(left)

    with crew(trouble) as workers:
        workers.ready(1)
        threads = [threading.Thread(target=hang) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(children()) < 3:
            time.sleep(0.02)
    for thread in threads:
        thread.join(20)
    assert len(ended) == 3
    assert not children()


def test_nothing_of_a_worker_can_be_dumped_to_the_disk(trouble: Any) -> None:
    with crew(trouble, memory=0.5) as workers:
        workers.ready(1)
        (pid,) = children()
        limits = Path(f"/proc/{pid}/limits").read_text()
        (core,) = [line.split() for line in limits.splitlines() if "core file" in line]
        assert core[4:6] == ["1", "1"]
        (data,) = [line.split() for line in limits.splitlines() if "data size" in line]
        assert int(data[3]) == int(data[4]) == 2_750_000_000


def test_memory_is_what_the_system_says() -> None:
    status = Path("/proc/self/status").read_text().splitlines()
    (resident,) = [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
    assert memory_in_use(os.getpid()) == pytest.approx(resident * 1024, rel=0.2)
    assert memory_in_use(2**30) == 0
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert 0 < machine_bytes() <= total


def test_no_worker_outlives_whoever_started_it_however_that_ended(
    tmp_path: Path, trouble: Any
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import threading, time, trouble\n"
        "from pathlib import Path\n"
        "from crowdveil.isolation.crew import Crew\n"
        "from crowdveil.isolation.limits import Limits\n"
        "with Crew(trouble.SERVICE, '', Limits.of(1, 99), undone='') as crew:\n"
        "    print(crew.do('echo', path=Path('a')).split()[0], flush=True)\n"
        "    crew.do('hang', path=Path('a'))\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = Path("/proc", parent.stdout.readline().strip())
    assert worker.exists()
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while worker.exists() and "Z" not in (worker / "stat").read_text().rpartition(")")[2][:3]:
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.05)
