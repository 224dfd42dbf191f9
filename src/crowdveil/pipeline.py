"""Does work on other threads and gives the results back in the order given.

Bounds what is in flight twice over: by number, so that results do not pile up behind a slow
one, and by weight, so that two huge photos are never in memory at once. Threads only
compute; whoever takes the results does the writing, so that leaving the loop at any point
leaves nothing half done. Knows nothing of photos.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Results that may wait for an earlier one beyond what the threads are working on."""

_POLL_S = 0.25
"""How long to wait at a time; on Windows a wait without end cannot be interrupted."""


def in_order(
    items: Iterable[T],
    work: Callable[[T, Event], R],
    *,
    weight: Callable[[T], int],
    budget: int,
    workers: int,
) -> Generator[tuple[T, R], None, None]:
    """Yield every item with what `work` made of it, in the order of `items`.

    Args:
        items: what to work on; taken as there is room for it.
        work: called as `work(item, stop)` on one of the threads; should give up soon once
            `stop` is set, as its result will be thrown away.
        weight: how much of `budget` an item takes while it is worked on, >= 0.
        budget: what items in work may weigh together; a heavier item is worked on alone.
        workers: how many threads, >= 1.

    Raises:
        Exception: whatever `work` raised first, in the order of `items`; the others stop.
    """
    stop = Event()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="crowdveil")
    waiting = deque[tuple[T, int]]()
    flying = deque[tuple[T, int, Future[R]]]()
    source = iter(items)

    def fill() -> None:
        while len(flying) < workers + AHEAD:
            if not waiting:
                waiting.extend((item, weight(item)) for item in islice(source, 1))
            load = sum(heavy for _, heavy, future in flying if not future.done())
            if not waiting or (load and load + waiting[0][1] > budget):
                return
            item, heavy = waiting.popleft()
            flying.append((item, heavy, pool.submit(work, item, stop)))

    try:
        while True:
            fill()
            if not flying:
                return
            if not flying[0][2].done():
                running = [future for *_, future in flying if not future.done()]
                wait(running, _POLL_S, FIRST_COMPLETED)
                continue
            item, _, future = flying.popleft()
            # Whoever takes a result may be long about it: the threads must have their next work.
            fill()
            yield item, future.result()
    finally:
        stop.set()
        # Not waited for: a thread that is deep in one item writes nothing.
        pool.shutdown(wait=False, cancel_futures=True)


def ahead(items: Iterator[T], most: int) -> Generator[T, None, None]:
    """Yield the same items, while a thread of its own already makes the next ones.

    Args:
        items: taken one after the other, always on the same thread; closed on leaving.
        most: how many may wait to be taken, >= 1.

    Raises:
        Exception: what `items` raised, after all that came before.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="crowdveil-ahead")
    coming = deque[Future[tuple[T, ...]]]()

    def take() -> tuple[T, ...]:
        return tuple(islice(items, 1))

    try:
        while True:
            while len(coming) < most:
                coming.append(pool.submit(take))
            while not coming[0].done():
                wait([coming[0]], _POLL_S)
            taken = coming.popleft().result()
            if not taken:
                return
            yield taken[0]
    finally:
        for future in coming:
            future.cancel()
        if isinstance(items, Generator):
            pool.submit(items.close).result()
        pool.shutdown()
