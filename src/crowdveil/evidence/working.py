"""Does the work of a check, in a worker: the one place where its files are decoded.

A task comes in, an answer goes out. How a pair is checked is left to `attempt`, how faces are
attacked to `identity`.
"""

from collections.abc import Callable
from threading import Event
from typing import TypeAlias

import cv2

from crowdveil.detect.engine import use_cores
from crowdveil.detect.finder import load_detectors
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.detect.pulse import with_pulse
from crowdveil.evidence.attackers import load_attackers
from crowdveil.evidence.attempt import attempt
from crowdveil.evidence.identity import Attacked, attack_all
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Pair, thumb_of
from crowdveil.evidence.portraits import portraits
from crowdveil.evidence.tasks import Answer, Attack, Attempted, Task
from crowdveil.evidence.tools import Tools
from crowdveil.isolation.service import Line
from crowdveil.media.photos import read_photo
from crowdveil.weigh import weight_px

Work: TypeAlias = Callable[[Task, Line], Answer]
Attacking: TypeAlias = Callable[[Attack, Line], Attempted]


def open_work(options: CheckOptions, line: Line, threads: int) -> Work:
    """Get ready for all tasks, as `crowdveil.working.open_work`."""
    use_cores(threads)
    cv2.setNumThreads(threads)
    tools = Tools(options, Witnesses(), line.beat)
    tools.finder()
    going = _Going(line)

    def work(task: Task, line: Line) -> Answer:
        if task.pair is not None:
            line.weigh(_weight(task.pair))
            return Answer(one=attempt(task.pair, tools, options, going))
        if task.faces_of is not None:
            line.weigh(weight_px(task.faces_of))
            picture = read_photo(task.faces_of).frames[0].rgb()
            return Answer(faces=tuple(portraits(picture, tools.finder(), tools.landmarks())))
        if task.thumb_of is not None:
            line.weigh(weight_px(task.thumb_of.path, video=task.thumb_of.video is not None))
            return Answer(thumb=thumb_of(task.thumb_of))
        return Answer(weights=tools.weights())

    return work


def open_attack(options: CheckOptions, line: Line, threads: int) -> Attacking:
    """Get ready to attack, as `crowdveil.working.open_work`."""
    use_cores(threads)
    line.beat()
    recognisers = [one.with_pulse(line.beat) for one in load_attackers(options.attackers)]
    weights = {one.recogniser.name: one.recogniser.sha256 for one in recognisers}

    def work(attack: Attack, line: Line) -> Attempted:
        if not attack.faces:
            return Attempted(weights=weights, attacked=Attacked((), ()))
        found = attack_all(
            attack.faces,
            look=attack.look,
            gallery=attack.gallery,
            landmarks=LandmarkFinder(with_pulse(load_detectors(), line.beat)),
            attackers=recognisers,
            groups=attack.groups,
        )
        return Attempted(weights=weights, attacked=found)

    return work


class _Going(Event):
    """Never set, as a worker that is no longer wanted is killed; asking is a sign of life."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def is_set(self) -> bool:
        self._line.beat()
        return False


def _weight(pair: Pair) -> int:
    return weight_px(pair.original, video=pair.is_video) + weight_px(pair.copy, video=pair.is_video)
