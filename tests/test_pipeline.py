import threading
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.pipeline import AHEAD, ahead, in_order


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 4), st.integers(1, 8))
@settings(deadline=None, max_examples=50)
def test_results_come_in_the_order_given_whatever_finishes_first(
    waits: list[int], workers: int, budget: int
) -> None:
    def work(item: tuple[int, int], stop: Event) -> int:
        time.sleep(item[1] / 2000)
        return -item[0]

    items = list(enumerate(waits))
    results = in_order(items, work, weight=lambda item: item[1], budget=budget, workers=workers)
    assert list(results) == [(item, -item[0]) for item in items]


@given(st.lists(st.integers(1, 10), min_size=1, max_size=20), st.integers(1, 12))
@settings(deadline=None, max_examples=50)
def test_what_is_in_work_never_weighs_more_than_the_budget(weights: list[int], budget: int) -> None:
    lock, now, seen = threading.Lock(), [0], []

    def work(weight: int, stop: Event) -> None:
        with lock:
            now[0] += weight
            seen.append((now[0], weight))
        time.sleep(0.0005)
        with lock:
            now[0] -= weight

    list(in_order(weights, work, weight=int, budget=budget, workers=3))
    assert len(seen) == len(weights)
    assert all(total <= budget or total == weight for total, weight in seen)


def test_two_threads_work_at_once() -> None:
    meet = threading.Barrier(2, timeout=20)
    list(in_order(range(4), lambda *_: meet.wait(), weight=lambda _: 1, budget=9, workers=2))


def test_threads_have_their_next_work_while_a_result_is_used() -> None:
    begun = [Event() for _ in range(4)]
    items = range(len(begun))
    with closing(
        in_order(items, lambda i, _: begun[i].set(), weight=lambda _: 0, budget=1, workers=1)
    ) as results:
        next(results)
        # One is done and two more were begun before it was; the fourth waits for nobody.
        assert begun[1 + AHEAD].wait(10)


def test_a_slow_first_one_does_not_let_results_pile_up() -> None:
    release, started = Event(), []

    def work(item: int, stop: Event) -> None:
        started.append(item)
        if item == 0:
            release.wait(20)

    results = in_order(range(100), work, weight=lambda _: 1, budget=999, workers=2)
    with closing(results):
        threading.Timer(0.5, release.set).start()
        next(results)
        assert len(started) <= 2 * (2 + AHEAD)


def test_an_error_is_raised_at_its_place_and_stops_the_rest() -> None:
    stopped = Event()

    def work(item: int, stop: Event) -> int:
        if item == 1:
            raise KeyError("one")
        if item == 2 and stop.wait(20):
            stopped.set()
        return item

    results = in_order(range(9), work, weight=lambda _: 1, budget=9, workers=2)
    assert next(results) == (0, 0)
    with pytest.raises(KeyError, match="one"):
        next(results)
    assert stopped.wait(20)


def test_leaving_the_loop_asks_the_threads_to_stop() -> None:
    stopped = Event()

    def work(item: int, stop: Event) -> None:
        if item == 1 and stop.wait(20):
            stopped.set()

    with closing(in_order(range(5), work, weight=lambda _: 1, budget=9, workers=2)) as results:
        next(results)
    assert stopped.wait(20)


def test_nothing_to_do_ends_at_once() -> None:
    assert list(in_order([], lambda *_: 0, weight=lambda _: 1, budget=1, workers=2)) == []


def test_what_is_made_ahead_comes_in_the_order_given() -> None:
    assert list(ahead(iter(range(50)), 3)) == list(range(50))
    assert list(ahead(iter(()), 3)) == []


def test_no_more_is_made_ahead_than_may_wait() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for k in range(100):
            made.append(k)
            yield k

    with closing(ahead(items(), 3)) as taken:
        assert next(taken) == 0
        time.sleep(0.05)
        assert len(made) <= 4


def test_an_error_ahead_is_raised_after_what_came_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    taken = ahead(items(), 4)
    assert (next(taken), next(taken)) == (1, 2)
    with pytest.raises(ValueError, match="third"):
        next(taken)


def test_leaving_early_closes_what_was_made_ahead_and_its_thread() -> None:
    left: list[str] = []

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            left.append("closed")

    with closing(ahead(items(), 2)) as taken:
        next(taken)
    assert left == ["closed"]
    assert not [t for t in threading.enumerate() if t.name.startswith("crowdveil-ahead")]
