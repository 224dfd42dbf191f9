"""Curves of both errors over all thresholds, and distributions of scores, group by group.

`Histograms` come in; what a chart or a table shows goes out, thinned to what can be seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crowdveil.audit.partitions import Partition
from crowdveil.audit.verify.comparisons import Histograms

STEPS = 200
"""Points of a DET curve: more cannot be seen."""

BARS = 50
"""Steps of a distribution of scores."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Both errors of a group at many thresholds (DET).

    Attributes:
        partition, group: whose.
        threshold: (k,) rising.
        fmr, fnmr: (k,) at these.
        nonmated, mated: how many comparisons.
    """

    partition: str
    group: str
    threshold: Floats
    fmr: Floats
    fnmr: Floats
    nonmated: int
    mated: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How the scores of a group are distributed.

    Attributes:
        partition, group: whose.
        edges: (k + 1,) bounds of the bars, equally wide.
        nonmated, mated: (k,) comparisons in each bar.
    """

    partition: str
    group: str
    edges: Floats
    nonmated: npt.NDArray[np.int64]
    mated: npt.NDArray[np.int64]


def curves(partitions: Sequence[Partition], histograms: Histograms, sign: int) -> Iterator[Curve]:
    """The curve of every group that has comparisons of both kinds.

    Args:
        partitions: as the histograms have them.
        histograms: of scores.
        sign: -1 if scores are distances with a minus, else 1.
    """
    for number, partition in enumerate(partitions):
        for code, group in enumerate(partition.groups):
            nonmated = histograms.nonmated[number][code]
            mated = histograms.mated[number][code]
            if not (nonmated.any() and mated.any()):
                continue
            false = np.cumsum(nonmated[::-1])[::-1]
            missed = np.cumsum(mated) - mated
            chosen = _steps(false, missed)
            yield Curve(
                partition.name,
                group,
                sign * histograms.edges[chosen] + 0.0,
                false[chosen] / false[0],
                missed[chosen] / mated.sum(),
                int(false[0]),
                int(mated.sum()),
            )


def _steps(false: npt.NDArray[np.int64], missed: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Where a curve is drawn: evenly along both axes, as they are drawn (logarithmic)."""
    along = [
        np.log10(np.maximum(counts, 0.5)) / max(1e-9, np.log10(max(2, counts.max())))
        for counts in (false, missed)
    ]
    path = np.abs(np.diff(along[0], prepend=along[0][0])) + np.abs(
        np.diff(along[1], prepend=along[1][0])
    )
    way = np.cumsum(path)
    places = np.searchsorted(way, np.linspace(0, way[-1], STEPS))
    return np.unique(np.minimum(places, len(way) - 1))


def spreads(partitions: Sequence[Partition], histograms: Histograms, sign: int) -> Iterator[Spread]:
    """The distribution of every group's scores; arguments as for `curves`."""
    everything = histograms.nonmated[0][0] + histograms.mated[0][0]
    seen = np.flatnonzero(everything)
    if not seen.size:
        return
    first, last = (
        histograms.edges[seen[0]],
        histograms.edges[min(seen[-1] + 1, len(everything) - 1)],
    )
    edges = np.linspace(first, max(last, np.nextafter(first, np.inf)), BARS + 1)
    bar = np.clip(np.searchsorted(edges, histograms.edges, side="right") - 1, 0, BARS - 1)
    for number, partition in enumerate(partitions):
        for code, group in enumerate(partition.groups):
            counts = [
                np.bincount(bar, kind[number][code], BARS).astype(np.int64)
                for kind in (histograms.nonmated, histograms.mated)
            ]
            if sign < 0:
                yield Spread(
                    partition.name, group, -edges[::-1], counts[0][::-1], counts[1][::-1]
                )  # fmt: skip
            else:
                yield Spread(partition.name, group, edges, counts[0], counts[1])
