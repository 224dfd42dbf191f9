"""What the composition of a gallery does to false positives: galleries drawn from the enrolled.

How many enrolled people of one's own and of other groups a non-mated probe is taken for comes
in, with the sizes of both parts; the chance of a false positive in a smaller gallery of any
composition comes out. No gallery is drawn at random: the mean over *all* galleries of that
composition is a ratio of binomial coefficients.
"""

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer]
Shares = npt.NDArray[np.float64]


def chance_in_drawn(hits: Counts, enrolled: int, drawn: int) -> Shares:
    """The chance that a gallery drawn without replacement holds anybody a probe is taken for.

    Args:
        hits: (n,) enrolled people at or above the threshold for each probe, 0 to `enrolled`.
        enrolled: people to draw from.
        drawn: people in the drawn gallery, 0 to `enrolled`.

    Returns:
        (n,) float64: 1 - C(enrolled - hits, drawn) / C(enrolled, drawn), the mean over all
        galleries of that size.

    Raises:
        ValueError: more drawn, or more hits, than there are people.

    >>> chance_in_drawn(np.array([0, 1, 10]), 10, 5).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.abs(np.expm1(_log_none(hits, enrolled, drawn)))


def chance_in_mixed(
    own_hits: Counts,
    other_hits: Counts,
    *,
    own_enrolled: int,
    other_enrolled: int,
    own_drawn: int,
    other_drawn: int,
) -> Shares:
    """The same for a gallery of `own_drawn` people of one group and `other_drawn` others.

    Args:
        own_hits: (n,) people of the probe's group at or above the threshold.
        other_hits: (n,) people of other groups at or above the threshold.
        own_enrolled: people of the probe's group in the whole gallery.
        other_enrolled: people of other groups in the whole gallery.
        own_drawn: how many of the former are drawn.
        other_drawn: how many of the latter are drawn.

    Returns:
        (n,) float64, the mean over all galleries of that composition.

    Raises:
        ValueError: as for `chance_in_drawn`.

    >>> one = np.array([1])
    >>> sizes = {"own_enrolled": 4, "other_enrolled": 4, "own_drawn": 2, "other_drawn": 2}
    >>> chance_in_mixed(one, one, **sizes).tolist()
    [0.75]
    """
    none = _log_none(own_hits, own_enrolled, own_drawn)
    none = none + _log_none(other_hits, other_enrolled, other_drawn)
    return np.abs(np.expm1(none))


def if_independent(comparisons_matched: float, comparisons: float, enrolled: float) -> float:
    """FPIR if all comparisons of a search were independent: 1 - (1 - FMR)^N.

    Source: for small rates N x FMR; see docs/audit.md.

    >>> round(if_independent(10, 100_000, 1_000), 4)
    0.0952
    """
    if not enrolled:
        return 0.0
    if not comparisons:
        return float("nan")
    if comparisons_matched >= comparisons:
        return 1.0
    return float(abs(np.expm1(enrolled * np.log1p(-comparisons_matched / comparisons))))


def largest_for_all(enrolled: Counts, total: int) -> int:
    """The largest gallery that can be drawn with any share, 0 to 1, of each of the groups.

    Args:
        enrolled: (g,) people of each group in the whole gallery.
        total: people in the whole gallery.

    >>> largest_for_all(np.array([60, 30]), 100)
    30
    """
    if not enrolled.size:
        return 0
    return int(np.minimum(enrolled, total - enrolled).min())


def _log_none(hits: Counts, enrolled: int, drawn: int) -> Shares:
    """log of C(enrolled - hits, drawn) / C(enrolled, drawn); -inf where that is 0.

    The ratio is a product of `hits` factors, each the chance that one more person is not drawn.
    Factorials would lose the digits of a small chance in a large gallery.
    """
    if not 0 <= drawn <= enrolled or (hits.size and not 0 <= hits.min() <= hits.max() <= enrolled):
        raise ValueError(f"cannot draw {drawn} of {enrolled} people, or hit more than there are")
    before = np.arange(int(hits.max(initial=0)))
    with np.errstate(divide="ignore"):
        factors = np.log1p(-np.minimum(drawn / (enrolled - before), 1.0))
    return np.asarray(np.concatenate([[0.0], np.cumsum(factors)])[hits], np.float64)
