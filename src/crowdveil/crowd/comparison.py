"""Two scenarios side by side: what each comes to, and by what factor they differ."""

from dataclasses import dataclass

from crowdveil.crowd.decomposition import Measure
from crowdveil.crowd.outcomes import Estimate
from crowdveil.crowd.quantities import LABEL, Quantity
from crowdveil.crowd.results import Results
from crowdveil.crowd.wording import reviewed


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison.

    Attributes:
        label: what is compared, in words.
        first, second: of the two scenarios; None where one has no such number.
        share: whether these are probabilities.
    """

    label: str
    first: Estimate | None
    second: Estimate | None
    share: bool = False

    @property
    def ratio(self) -> float | None:
        """Second over first, or None if that is undefined."""
        if self.first is None or self.second is None or not self.first.mean:
            return None
        return self.second.mean / self.first.mean


def compare(first: Results, second: Results) -> tuple[Row, ...]:
    """The numbers that matter of two scenarios, side by side."""
    one, other = first.outcome, second.outcome
    rows = [
        Row("People scanned", Estimate(one.scanned), Estimate(other.scanned)),
        Row(
            "People scanned who are not on the list",
            Estimate(one.innocent),
            Estimate(other.innocent),
        ),
    ]
    rows += [Row(LABEL[key], _count(first, key), _count(second, key)) for key in Quantity]
    rows += [
        Row("Probability that an alert is right", one.precision, other.precision, share=True),
        Row(
            "Scanned without suspicion per person found",
            _maybe(one.scanned_per_found),
            _maybe(other.scanned_per_found),
        ),
        Row(
            "Highest risk of a false alert at one event",
            Estimate(max(group.risk for group in one.groups)),
            Estimate(max(group.risk for group in other.groups)),
            share=True,
        ),
        Row(
            "Times the false alerts per head, most to least burdened group",
            _ratio(first),
            _ratio(second),
        ),
    ]
    return tuple(row for row in rows if row.first is not None or row.second is not None)


def _count(results: Results, quantity: Quantity) -> Estimate | None:
    """The count, unless it needs a procedure that the scenario does not give."""
    stops = quantity in (Quantity.WRONGLY_STOPPED, Quantity.STOPPED)
    if stops and not reviewed(results.scenario):
        return None
    return results.outcome.counts[quantity]


def _maybe(value: float | None) -> Estimate | None:
    return None if value is None else Estimate(value)


def _ratio(results: Results) -> Estimate | None:
    split = results.decompositions.get(Measure.PER_HEAD)
    return None if split is None else _maybe(split.ratio)
