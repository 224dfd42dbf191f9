"""Does one task of a check, in a worker: the one place where its files are decoded.

A task comes in, an answer goes out. How a pair is checked is left to `attempt`.
"""

from collections.abc import Callable
from threading import Event
from typing import TypeAlias

import cv2

from crowdveil.detect.engine import use_cores
from crowdveil.evidence.attempt import attempt
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Pair, thumb_of
from crowdveil.evidence.portraits import portraits
from crowdveil.evidence.tasks import Answer, Task
from crowdveil.evidence.tools import Tools
from crowdveil.isolation.service import Line
from crowdveil.media.photos import read_photo
from crowdveil.weigh import weight_px

Work: TypeAlias = Callable[[Task, Line], Answer]


def open_work(options: CheckOptions, line: Line, threads: int) -> Work:
    """Get ready for all tasks, as `crowdveil.working.open_work`."""
    use_cores(threads)
    cv2.setNumThreads(threads)
    tools = Tools(options, Witnesses(), attack=False, beat=line.beat)
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
