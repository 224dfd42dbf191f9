"""How often a classifier of attributes (gender, age, race) is wrong about each group.

True and predicted classes come in with the labels of people, error rates by group go out with
intervals, confusion matrices and gaps. Nothing is guessed about anybody: a true class is what
the data say it is. Reading tables is left to `predictions`, pages to `page`.

A row without a prediction (failure to acquire: no face found, no answer) is no error of the
classifier and no success either. It is counted by itself, and once more together with errors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from crowdveil.audit.gaps import Gap, gaps, together
from crowdveil.audit.partitions import Partition
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Codes, Flags, Share, shares_by_group

MISSING = -1
"""In the place of a predicted class: there was no prediction."""


class Measure(StrEnum):
    """What is counted, of what; see docs/audit.md."""

    ERROR = "error"
    """Wrong, of the rows with a prediction."""

    NO_PREDICTION = "no prediction"
    """Without a prediction, of all rows."""

    ERROR_OR_NONE = "error or no prediction"
    """Wrong or without a prediction, of all rows."""

    FALSE_NEGATIVE = "false negative"
    """Called something else, of the rows of a class with a prediction: 1 - recall."""

    FALSE_POSITIVE = "false positive"
    """Called this class, of the rows of other classes with a prediction."""

    FALSE_DISCOVERY = "false discovery"
    """Of another class, of the rows called this class: 1 - precision."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a classifier said about n rows, and what is true.

    Attributes:
        classes: their names, in the order of the codes.
        truth: (n,) int code of the true class.
        predicted: (n,) int code of the predicted class, or `MISSING`.
        person: (n,) int who the row is about.
        people_known: whether that was said, or every row is taken to be about another person.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    classes: tuple[str, ...]
    truth: Codes
    predicted: Codes
    person: Codes
    people_known: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """One measure of one group.

    Attributes:
        measure: what is counted.
        of_class: the class it is about, None for all classes together.
        partition: name of the division into groups.
        group: name of the group.
        share: errors, trials, interval.
    """

    measure: Measure
    of_class: str | None
    partition: str
    group: str
    share: Share


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of two groups of a partition.

    Attributes:
        measure, of_class, partition: as for `Rate`.
        higher, lower: names of the groups.
        gap: how large the difference is.
        compared: how many comparisons the p-value is adjusted for.
    """

    measure: Measure
    of_class: str | None
    partition: str
    higher: str
    lower: str
    gap: Gap
    compared: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each class was called what in one group.

    Attributes:
        partition, group: which group.
        table: (c, c + 1) int, true class by predicted class; the last column counts rows
            without a prediction.
    """

    partition: str
    group: str
    table: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Classification:
    """The audit of a classifier.

    Attributes:
        classes: names of the classes.
        rows: how many there were.
        people: how many people they are about.
        people_known: whether the data say so, or every row is taken to be another person's.
        rates: every measure of every group, partition by partition.
        differences: every pair of groups of every measure, largest difference first.
        confusions: one for each group.
        unlabelled: for each partition, how many rows carry no label and so are in no group.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    classes: tuple[str, ...]
    rows: int
    people: int
    people_known: bool
    rates: tuple[Rate, ...]
    differences: tuple[Difference, ...]
    confusions: tuple[Confusion, ...]
    unlabelled: dict[str, int]
    warnings: tuple[str, ...] = ()


def audit_predictions(
    predictions: Predictions,
    partitions: Sequence[Partition],
    resampling: Resampling,
    *,
    reference: str | None = None,
) -> Classification:
    """Measure a classifier group by group.

    Args:
        predictions: what it said and what is true.
        partitions: the divisions of the rows into groups, everyone among them if wanted.
        resampling: how sure is sure.
        reference: the group all others are compared with, in the partitions that have it; by
            default, and in other partitions, all pairs are compared.
    """
    rates: list[Rate] = []
    differences: list[Difference] = []
    for partition in partitions:
        for measure, of_class, errors, trials in _counted(predictions):
            found = shares_by_group(
                errors, trials, predictions.person, partition.group, len(partition.groups),
                resampling,
            )  # fmt: skip
            rates += [
                Rate(measure, of_class, partition.name, group, share)
                for group, (_, share) in zip(partition.groups, found, strict=True)
            ]
            compared = gaps(found, resampling, reference=partition.index(reference))
            differences += [
                Difference(
                    measure,
                    of_class,
                    partition.name,
                    partition.groups[gap.higher],
                    partition.groups[gap.lower],
                    gap,
                    len(compared),
                )
                for gap in compared
            ]
    return Classification(
        classes=predictions.classes,
        rows=len(predictions.truth),
        people=len(np.unique(predictions.person)),
        people_known=predictions.people_known,
        rates=tuple(rates),
        differences=_all_together(differences),
        confusions=tuple(_confusions(predictions, partitions)),
        unlabelled={partition.name: partition.unlabelled for partition in partitions},
        warnings=predictions.warnings,
    )


def _all_together(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same, with p-values adjusted for all of them: one report, one error rate."""
    adjusted = together([one.gap for one in found])
    return tuple(
        replace(one, gap=gap, compared=len(found)) for one, gap in zip(found, adjusted, strict=True)
    )


def _counted(
    predictions: Predictions,
) -> Iterator[tuple[Measure, str | None, Flags, Flags]]:
    truth, predicted = predictions.truth, predictions.predicted
    everywhere = np.ones(len(truth), np.bool_)
    answered = predicted != MISSING
    wrong = answered & (predicted != truth)
    yield Measure.ERROR, None, wrong, answered
    yield Measure.NO_PREDICTION, None, ~answered, everywhere
    yield Measure.ERROR_OR_NONE, None, wrong | ~answered, everywhere
    for code, name in enumerate(predictions.classes):
        is_class, called = truth == code, predicted == code
        yield Measure.FALSE_NEGATIVE, name, wrong & is_class, answered & is_class
        yield Measure.FALSE_POSITIVE, name, wrong & called, answered & ~is_class
        yield Measure.FALSE_DISCOVERY, name, wrong & called, called


def _confusions(predictions: Predictions, partitions: Sequence[Partition]) -> Iterator[Confusion]:
    wide = len(predictions.classes) + 1
    column = np.where(predictions.predicted == MISSING, wide - 1, predictions.predicted)
    for partition in partitions:
        for code, group in enumerate(partition.groups):
            mine = partition.group == code
            cells = predictions.truth[mine] * wide + column[mine]
            table = np.bincount(cells, minlength=(wide - 1) * wide).reshape(wide - 1, wide)
            yield Confusion(partition.name, group, table)
