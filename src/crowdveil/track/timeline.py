"""Which regions a plan asks for in each frame, frame after frame.

A plan comes in; for every frame in turn go out the regions drawn for it alone and the boxes
that its tracks have there. Memory follows what is visible, not the length of the video.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

from crowdveil.geometry import Box
from crowdveil.plan import Plan, Region, Track


class Timeline:
    """The regions of successive frames; frames must be asked for in order."""

    def __init__(self, plan: Plan) -> None:
        """Sort a plan by time."""
        self._alone: defaultdict[int, list[Region]] = defaultdict(list)
        for region in plan.regions:
            self._alone[region.frame].append(region)
        self._coming = deque(sorted(plan.tracks, key=lambda track: track.first))
        self._here: list[tuple[Track, Region, int]] = []

    def at(self, frame: int) -> list[Region]:
        """The regions of a frame, whose number is not below that of the call before."""
        while self._coming and self._coming[0].first <= frame:
            track = self._coming.popleft()
            self._here.append((track, _region(track), 0))
        regions = list(self._alone.get(frame, ()))
        still: list[tuple[Track, Region, int]] = []
        for track, first, key in self._here:
            if track.last < frame:
                continue
            while key + 1 < len(track.keyframes) and track.keyframes[key + 1][0] <= frame:
                key += 1
            still.append((track, first, key))
            box = box_at(track.keyframes[key : key + 2], frame)
            # Copied from a track that was checked: checking each of a million takes minutes.
            regions.append(first.model_copy(update={"frame": frame, "box": box}))
        self._here = still
        return regions


def box_at(keyframes: Sequence[tuple[int, float, float, float, float]], frame: int) -> Box:
    """The box in a frame between two keyframes, or at one."""
    start, *first = keyframes[0]
    if len(keyframes) == 1 or frame <= start:
        return first[0], first[1], first[2], first[3]
    end, *last = keyframes[1]
    share = (frame - start) / (end - start)
    x0, y0, x1, y1 = (a + (b - a) * share for a, b in zip(first, last, strict=True))
    return x0, y0, x1, y1


def _region(track: Track) -> Region:
    """A track's region where it begins."""
    return Region.model_construct(
        id=track.id,
        frame=track.first,
        box=track.keyframes[0][1:],
        shape=track.shape,
        score=track.score,
        detectors=track.detectors,
        origin=track.origin,
        uncertain=track.uncertain,
        action=track.action,
        reason=track.reason,
    )
