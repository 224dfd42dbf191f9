"""Sentences about shares and gaps: what the figures support, and what they do not.

Shares and gaps come in, plain text goes out, for the pages and for the screen.
"""

import math
from collections.abc import Mapping

from crowdveil.audit.gaps import Gap
from crowdveil.audit.shares import Method, Share
from crowdveil.report.page import count, percent

MOST_NAMED = 8
"""Groups named in a sentence."""


def among(share: Share, trials: str) -> str:
    """How many of how many, and whose if people repeat: "3 of 412 probes of 38 people"."""
    told = f"{count(share.errors)} of {count(share.trials)} {trials}"
    return told if share.people == share.trials else f"{told} of {count(share.people)} people"


def interval(share: Share) -> str:
    """The bounds of a share: "10.4 to 14.0 %"."""
    return between(share.low, share.high) if share.trials else "unknown"


def between(low: float, high: float) -> str:
    """Two shares with one unit: "10.4 to 14.0 %"."""
    return f"{_bound(low).removesuffix(' %')} to {_bound(high)}"


def supports(share: Share, name: str, trials: str) -> str:
    """What the count allows to say about the rate behind it, which has this name.

    >>> none = Share(0, 38, 38, 0.0, 0.0, 0.0925, 0.0758, Method.EXACT)
    >>> supports(none, "FPIR", "probes")
    '0 of 38 probes: FPIR may be as high as 7.58 %'
    """
    if not share.trials:
        return f"no {trials}: nothing is known about {name}"
    return f"{among(share, trials)}: {extent(share, name)}"


def extent(share: Share, name: str) -> str:
    """How large the rate of this name is, or may be where no error was seen."""
    if not share.errors:
        by = ", counted in people" if share.method is Method.EXACT_BY_PERSON else ""
        return f"{name} may be as high as {percent(share.at_most)}{by}"
    return f"{name} is {percent(share.rate)} ({interval(share)})"


def points(difference: float) -> str:
    """A difference of shares: "34.4 points"."""
    return f"{percent(difference).removesuffix(' %')} points"


def times(ratio: float) -> str:
    """A ratio of shares: "12.3 times", or why there is none."""
    if math.isnan(ratio):
        return "none in either"
    return "none in the lower" if math.isinf(ratio) else f"{ratio:.3g} times"


def is_established(gap: Gap, confidence: float) -> bool:
    """Whether chance is an unlikely explanation by both accounts.

    The p-value takes all compared pairs into account; the interval is the more cautious where
    people are few.
    """
    return gap.adjusted <= 1 - confidence and gap.low > 0


def p_value(value: float) -> str:
    """A p-value: "0.032", "< 0.001"."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _bound(share: float) -> str:
    # A bound below 1 % is not known to three digits.
    return percent(share, 3 if abs(share) >= 0.01 else 2)


def small(groups: Mapping[tuple[str, str], int], fewest: int) -> str:
    """Which groups (by partition and name, with their people) are too small to be compared."""
    if not groups:
        return ""
    shown = list(groups.items())[:MOST_NAMED]
    named = ", ".join(f"{group} ({count(people)})" for (_, group), people in shown)
    rest = len(groups) - len(shown)
    more = f" and {rest} more" if rest else ""
    verb = "is" if len(groups) == 1 else "are"
    return (
        f"{named}{more} {verb} measured, but with fewer than {fewest} people neither compared "
        "with others nor summed up."
    )


def share_row(share: Share) -> dict[str, object]:
    """A share as part of a row of a table."""
    return {
        "errors": share.errors,
        "trials": share.trials,
        "people": share.people,
        "rate": share.rate,
        "low": share.low,
        "high": share.high,
        "at_most": share.at_most,
        "interval": share.method.value,
    }


def gap_row(higher: str, lower: str, gap: Gap, compared: int) -> dict[str, object]:
    """A gap as part of a row of a table."""
    return {
        "higher": higher,
        "lower": lower,
        "difference": gap.difference,
        "low": gap.low,
        "high": gap.high,
        "ratio": gap.ratio,
        "p_value": gap.p_value,
        "adjusted_p_value": gap.adjusted,
        "pairs_compared": compared,
    }
