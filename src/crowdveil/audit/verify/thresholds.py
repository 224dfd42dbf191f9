"""What it does to FNMR that the threshold was set on the same comparisons.

A threshold that gives an FMR in these data gives another in the population, so FNMR at that FMR
is less sure than FNMR at the threshold. Rates at a point come in with the distribution of scores;
the same rates go out, with FNMR's bounds widened by where the threshold may lie.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from crowdveil.audit.verify.cells import Cells
from crowdveil.audit.verify.comparisons import Histograms
from crowdveil.audit.verify.dyads import Rate

Counts = npt.NDArray[np.int64]


def with_threshold(
    cells: Cells, histograms: Histograms, partition: int, fmr: Rate, nonmated: Counts
) -> Cells:
    """The rates of a partition, with bounds of FNMR at the FMR that was aimed at.

    Bounds are put together as for a difference of two: Zou and Donner (2008), Stat. Med. 27(10),
    1693-1702. Differences between groups are left as they are, since all have one threshold.

    Args:
        cells: at a point that was set by FMR; scores rise with similarity.
        histograms: of all scores.
        partition: which of its divisions the cells are of.
        fmr: the rate that was set, of everyone or of a reference group.
        nonmated: (b,) the scores it was set on.
    """
    if not fmr.share.trials:
        return cells
    lowest = _reached(nonmated, fmr.share.high)
    highest = _reached(nonmated, fmr.share.low)
    reached = _reached(nonmated, fmr.share.rate)
    return replace(
        cells,
        fnmr=tuple(
            _widened(rate, *(_below(counts, place) for place in (lowest, reached, highest)))
            for rate, counts in zip(cells.fnmr, histograms.mated[partition], strict=True)
        ),
    )


def _reached(nonmated: Counts, share: float) -> int:
    """The first bin from which on at most this share of the scores lies."""
    from_here = np.append(np.cumsum(nonmated[::-1])[::-1], 0)
    return int(np.flatnonzero(from_here <= share * from_here[0])[0])


def _below(mated: Counts, place: int) -> float:
    total = int(mated.sum())
    return float(mated[:place].sum() / total) if total else float("nan")


def _widened(rate: Rate, at_lowest: float, at: float, at_highest: float) -> Rate:
    share = rate.share
    if not share.trials:
        return rate
    down, up = max(0.0, at - at_lowest), max(0.0, at_highest - at)
    low = share.rate - float(np.hypot(share.rate - share.low, down))
    high = share.rate + float(np.hypot(share.high - share.rate, up))
    bound = share.rate + float(np.hypot(share.at_most - share.rate, up))
    wider = replace(
        share,
        low=min(share.low, max(0.0, low)),
        high=max(share.high, min(1.0, high)),
        at_most=max(share.at_most, min(1.0, bound)),
    )
    return replace(rate, share=wider)
