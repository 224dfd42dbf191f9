"""Checks one pair: its file for leaks, its pictures for everything else.

A pair comes in, a `One` goes out, also when something went wrong: then it says what. Photos are
left to `pages`, films to `moving`, many pairs to `check`.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from threading import Event

from crowdveil.detect.effort import Effort
from crowdveil.errors import CrowdveilError
from crowdveil.evidence.checked import One
from crowdveil.evidence.figures import LeakFigures
from crowdveil.evidence.films import Animation, Film, Video
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.judging import judge_proof, note_film
from crowdveil.evidence.leaks.leak import Leak
from crowdveil.evidence.leaks.walk import walk
from crowdveil.evidence.moving import Films, compare_films
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pages import compare_pages, prove_pages
from crowdveil.evidence.pairs import Pair
from crowdveil.evidence.streams import differences
from crowdveil.evidence.tools import Tools
from crowdveil.media.photos import read_photo
from crowdveil.media.video.clip import Span
from crowdveil.media.video.probe import open_clip


def attempt(pair: Pair, tools: Tools, options: CheckOptions, stop: Event) -> One:
    """Check one pair on a thread; whatever goes wrong is told in `errors`."""
    one = One()

    def breath() -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    steps: tuple[Callable[[], None], ...] = (
        lambda: _search_for_leaks(pair, tools, one),
        lambda: _compare(pair, tools, options, one, breath),
    )
    for step in steps:
        try:
            step()
        except CrowdveilError as error:
            one.errors.append(str(error))
        except MemoryError:
            one.errors.append(f"{pair.copy}: there is not enough memory for this file")
        except Exception as error:
            # One file that trips over a bug must not cost the rest of the batch.
            one.errors.append(
                f"{pair.copy}: could not be checked because of a bug in crowdveil "
                f"({type(error).__name__}: {error}); please report it"
            )
    return one


def _search_for_leaks(pair: Pair, tools: Tools, one: One) -> None:
    found: list[Leak] = []
    walked = False
    try:
        # One by one, as what is found before a walk fails has been found all the same.
        for leak in walk(pair.copy):
            found.append(leak)
        walked = True
    finally:
        # Others look at what cannot be walked through, too.
        seen, looked = tools.witnesses.look(pair.copy, video=pair.is_video)
        one.leaks = LeakFigures(
            bytes=pair.copy.stat().st_size if os.path.isfile(pair.copy) else 0,
            container=walked,
            witnesses=looked,
            absent=tools.witnesses.absent,
        )
        one.findings += [
            Finding(subject=Subject.LEAK, verdict=leak.verdict, what=leak.what, place=leak.place)
            for leak in _gathered([*found, *seen])
        ]


def _gathered(leaks: list[Leak]) -> list[Leak]:
    """Leaks of one kind as one, at the first of their places."""
    found: dict[tuple[str, Verdict], list[Leak]] = {}
    for leak in leaks:
        found.setdefault((leak.what, leak.verdict), []).append(leak)
    return [
        same[0] if len(same) == 1 else replace(same[0], what=f"{same[0].what}, {len(same):,} times")
        for same in found.values()
    ]


def _compare(
    pair: Pair, tools: Tools, options: CheckOptions, one: One, breath: Callable[[], None]
) -> None:
    if pair.is_video:
        _compare_videos(pair, tools, options, one, breath)
        return
    original, copy = read_photo(pair.original), read_photo(pair.copy)
    one.size_wh = original.frames[0].size_wh
    if original.durations_ms and copy.durations_ms:
        note_film(
            one,
            compare_films(
                _films(Animation(original), Animation(copy), pair, options, Effort.FULL),
                tools.watch(),
                tools.finder(),
                breath,
            ),
            pair,
            (original.frames[0].size_wh, copy.frames[0].size_wh),
        )
        prove_pages(original, copy, pair, options, one)
    else:
        compare_pages(original, copy, pair, tools, options, one, breath)


def _compare_videos(
    pair: Pair, tools: Tools, options: CheckOptions, one: One, breath: Callable[[], None]
) -> None:
    copy = open_clip(pair.copy)
    # In the layout of the copy, which may be of another container.
    original = open_clip(pair.original, copy.format)
    one.size_wh = original.size_wh
    span = None
    if pair.plan is not None and pair.plan.source.span_s is not None:
        span = Span(*pair.plan.source.span_s)
    compared = compare_films(
        _films(Video(original, span), Video(copy), pair, options, Effort.AUTO),
        tools.watch(),
        tools.finder(),
        breath,
    )
    note_film(one, compared, pair, (original.size_wh, copy.size_wh))
    counted = compared.frames[0] != compared.frames[1]  # which is said already
    one.findings += [
        Finding(subject=Subject.ALTERED, verdict=Verdict.DOUBTFUL, what=f"the copy {what}")
        for what in differences(pair.original, pair.copy, span)
        if not (counted and "frames instead" in what)
    ]
    one.proof = compared.proof
    judge_proof(one)
    if copy.has_audio:
        one.findings.append(
            Finding(
                subject=Subject.LEAK,
                verdict=Verdict.DOUBTFUL,
                what="sound, which was not listened to: voices identify people",
                place="sound",
            )
        )


def _films(original: Film, copy: Film, pair: Pair, options: CheckOptions, effort: Effort) -> Films:
    return Films(original, copy, pair.plan, options.looks(pair.plan), effort, options.private)
