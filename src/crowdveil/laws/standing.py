"""Where a rule stands on a day.

A rule with its changes and a day come in; the status goes out, with the change that began it,
the next one, and, where the sources leave the day open, between what it lies. Knows nothing of
places' names.
"""

from dataclasses import dataclass
from datetime import date

from crowdveil.laws.record import (
    BINDING,
    ENDED,
    Change,
    Confidence,
    Effect,
    Place,
    Rule,
    Status,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule on one day.

    Attributes:
        place: whose rule it is.
        rule: the rule.
        day: the day asked about.
        status: where it stands. `UNKNOWN` also where a change may or may not have happened yet.
        since: the last change that surely has happened; None if not even the first has.
        open: changes that may have happened by then, and may not.
        next: the first change that surely comes later; None if none is known.
        foreseen: whether the day is later than the last check, so that this is what was planned
            then and nobody looked since.
    """

    place: Place
    rule: Rule
    day: date
    status: Status
    since: Change | None
    open: tuple[Change, ...]
    next: Change | None
    foreseen: bool

    @property
    def effect(self) -> Effect:
        """What the rule does."""
        return self.rule.effect

    @property
    def confidence(self) -> Confidence:
        """How well its dates are known."""
        return self.rule.confidence

    @property
    def possible(self) -> tuple[Status, ...]:
        """The statuses it can have that day; more than one where the day of a change is open."""
        if not self.open:
            return (self.status,)
        before = (self.since.status,) if self.since else ()
        return (*before, *(change.status for change in self.open))

    @property
    def binds(self) -> bool:
        """Whether it surely applied that day, at least in part."""
        return self.status in BINDING

    @property
    def may_bind(self) -> bool:
        """Whether it applied that day or may have."""
        return self.binds or (
            self.status is Status.UNKNOWN
            and bool({*self.possible, self._before_unknown()} & {*BINDING, Status.UNKNOWN})
        )

    @property
    def over(self) -> bool:
        """Whether it had surely ended, or failed, by then."""
        return self.status in ENDED

    @property
    def adopted(self) -> Change | None:
        """The change with which it became law, or a decision; None for what never did."""
        made = (Status.NOT_STARTED, *BINDING)
        return next((change for change in self.rule.changes if change.status in made), None)

    @property
    def started(self) -> Change | None:
        """The first change with which it applied; None for what never did."""
        return next((change for change in self.rule.changes if change.status in BINDING), None)

    def _before_unknown(self) -> Status | None:
        """What it was before the sources fall silent."""
        changes = self.rule.changes
        if self.since is None or self.since.status is not Status.UNKNOWN:
            return None
        place = changes.index(self.since)
        return changes[place - 1].status if place else None


def standing(place: Place, rule: Rule, day: date) -> Standing | None:
    """Where `rule` stands on `day`; None if it surely was not even proposed by then.

    A change counts from its day on: on the day itself the new status holds. Between the bounds
    of a change whose day is not known the status is `UNKNOWN`.
    """
    past = [change for change in rule.changes if change.latest and change.latest <= day]
    maybe = tuple(
        change
        for change in rule.changes
        if change.earliest <= day and (change.latest is None or change.latest > day)
    )
    coming = [change for change in rule.changes if change.earliest > day]
    if not past and not maybe:
        return None
    status = Status.UNKNOWN if maybe else past[-1].status
    return Standing(
        place=place,
        rule=rule,
        day=day,
        status=status,
        since=past[-1] if past else None,
        open=maybe,
        next=coming[0] if coming else None,
        foreseen=day > place.last_checked,
    )
