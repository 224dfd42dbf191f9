"""Says in sentences what an audit of comparisons came to, and what it cannot tell.

Rates, differences and groups come in, plain text goes out, for the page and for the screen.
"""

from collections.abc import Sequence

from crowdveil.audit import words
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.partitions import EVERYONE
from crowdveil.audit.points import Point
from crowdveil.audit.shares import Method
from crowdveil.audit.verify.cells import Cells, Error
from crowdveil.audit.verify.dyads import Rate
from crowdveil.audit.verify.rate_gaps import Difference
from crowdveil.audit.verify.rates import Verification
from crowdveil.report.page import percent

KINDS = {Error.FMR: "non-mated comparisons", Error.FNMR: "mated comparisons"}

MOST_NAMED = 8
"""Groups about which there are sentences."""


def answers(audit: Verification, options: VerifyOptions) -> list[str]:
    """What the audit found, in a few sentences."""
    told = []
    for point in audit.points:
        cells = audit.at(point)
        told.append(
            f"At the threshold {shown(point.threshold)}{_why(point)}, "
            f"{measured(cells.fmr[0][0], Error.FMR)}; {measured(cells.fnmr[0], Error.FNMR)}."
        )
    told += [_largest(audit, error, options) for error in Error]
    few = {(one.partition, one.group): one.people for one in audit.small}
    return [sentence for sentence in [*told, words.small(few, options.min_people)] if sentence]


def measured(rate: Rate, error: Error) -> str:
    """How large a rate is, or may be: "FMR is 0.31 % (0.15 to 0.52 %): 31 of 10,000 ..."."""
    share = rate.share
    if not share.trials:
        return f"there are no {KINDS[error]}, so nothing is known about {error}"
    among = words.among(share, KINDS[error])
    if share.errors:
        return f"{error} is {percent(share.rate)} ({words.interval(share)}): {among}"
    return f"{among} went wrong: {may_be(rate, error)}"


def may_be(rate: Rate, error: Error) -> str:
    """How large a rate may be where no error was seen."""
    alone = f"{error} may be as high as {percent(rate.exact_at_most, 2)}"
    other = percent(rate.share.at_most, 2)
    if rate.share.method is Method.EXACT_CLUSTERED and rate.share.at_most > rate.exact_at_most:
        return f"{alone} if comparisons are independent, and {other} if errors cluster as elsewhere"
    if rate.share.method is Method.EXACT_BY_PERSON:
        return (
            f"{alone} if comparisons are independent, and {other} if those of a person stand or "
            "fall together"
        )
    return alone


def shown(threshold: float) -> str:
    """A threshold with the digits that matter."""
    return f"{threshold:.6g}"


def headline(cells: Cells) -> str:
    """What a part of the page is about: "By race, at 0.4213"."""
    name = "Everyone" if cells.partition == EVERYONE else f"By {cells.partition}"
    return f"{name}, at {shown(cells.point.threshold)}"


def without_errors(cells: Cells, error: Error) -> list[tuple[str, str]]:
    """Groups in which no error was seen, and what that allows to say; at most `MOST_NAMED`."""
    return [
        (group, f"{words.among(rate.share, KINDS[error])} went wrong: {may_be(rate, error)}")
        for group, rate in zip(cells.groups, cells.within(error), strict=True)
        if rate.share.trials and not rate.share.errors
    ][:MOST_NAMED]


def established(differences: Sequence[Difference], confidence: float) -> list[Difference]:
    """Those that chance does not explain."""
    return [found for found in differences if words.is_established(found.gap, confidence)]


def _largest(audit: Verification, error: Error, options: VerifyOptions) -> str:
    """The largest difference that is more than chance, at any operating point."""
    found = [one for one in audit.differences if one.error is error]
    if not found:
        return ""
    certain = established(found, options.confidence)
    if not certain:
        return (
            f"No difference of {error} between groups can be told from chance in these data"
            f"{_anywhere(audit)}, which does not show that there is none."
        )
    worst = max(certain, key=lambda one: one.gap.difference)
    cells = audit.at(worst.point, worst.partition)
    rates = dict(zip(cells.groups, cells.within(error), strict=True))
    high, low = rates[worst.higher].share.rate, rates[worst.lower].share.rate
    ratio = f"{words.times(worst.gap.ratio)}, " if low else ""
    at = f"At {shown(worst.point.threshold)}, " if len(audit.points) > 1 else ""
    return (
        f"{at}{error} is {percent(high)} {_whose(error)} {worst.higher} and {percent(low)} "
        f"{_whose(error)} {worst.lower}: {ratio}{words.points(worst.gap.difference)} apart "
        f"({words.between(worst.gap.low, worst.gap.high)})."
    )


def _anywhere(audit: Verification) -> str:
    return f", at any of the {len(audit.points)} thresholds" if len(audit.points) > 1 else ""


def _whose(error: Error) -> str:
    return "between people of" if error is Error.FMR else "for"


def _why(point: Point) -> str:
    return "" if point.label.startswith("threshold") else f" ({point.label})"
