"""Makes the page, the values and the tables of an audited classifier.

A `Classification` comes in; HTML, values for `audit.json` and rows for CSV tables go out.
Measuring is left to `rates`, writing to `bundle`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crowdveil.audit import words
from crowdveil.audit.classify.rates import Classification, Difference, Measure, Rate
from crowdveil.audit.partitions import EVERYONE
from crowdveil.audit.pictures import intervals
from crowdveil.audit.shares import Share
from crowdveil.report.page import percent, render_page

TEMPLATES = Path(__file__).parents[1] / "templates"

MOST_GAPS = 12
"""Differences on the page, largest first; all are in the table."""


def classify_page(audit: Classification, made: Mapping[str, Any], confidence: float) -> str:
    """The page as HTML.

    Args:
        audit: what was measured.
        made: how, from `bundle.provenance`.
        confidence: coverage of the intervals.
    """
    divisions = [name for name in audit.unlabelled if name != EVERYONE]
    gaps = _by_division(audit.differences, Measure.ERROR)
    return render_page(
        TEMPLATES,
        "classify.html",
        audit=audit,
        made=made,
        confidence=confidence,
        words=words,
        overall=_rates(audit, EVERYONE),
        answers=answers(audit, confidence),
        divisions=[_division(audit, name) for name in divisions],
        gaps=gaps[:MOST_GAPS],
        all_gaps=len(gaps),
        established=sum(words.is_established(found.gap, confidence) for found in gaps),
    )


def answers(audit: Classification, confidence: float) -> list[str]:
    """What the audit found, in two or three sentences."""
    overall = _rates(audit, EVERYONE)[EVERYONE]
    told = [words.supports(overall[Measure.ERROR], "the error rate", "rows with a prediction")]
    none = overall[Measure.NO_PREDICTION]
    if none.errors:
        told.append(words.supports(none, "the share without a prediction", "rows"))
    said = [_capital(sentence) + "." for sentence in told]
    gaps = _by_division(audit.differences, Measure.ERROR)
    certain = [found for found in gaps if words.is_established(found.gap, confidence)]
    if certain:
        largest = certain[0]
        rates = _rates(audit, largest.partition)
        high, low = (rates[name][Measure.ERROR] for name in (largest.higher, largest.lower))
        said.append(
            f"The largest difference that chance does not explain, by {largest.partition}: "
            f"{percent(high.rate)} of the rows of {largest.higher} are wrong, "
            f"{percent(low.rate)} of those of {largest.lower} "
            f"({words.points(largest.gap.difference)} apart, "
            f"{words.between(largest.gap.low, largest.gap.high)})."
        )
    elif gaps:
        said.append(
            "No difference between groups can be told from chance in these data, which does not "
            "show that there is none."
        )
    return said


def classify_values(audit: Classification) -> dict[str, Any]:
    """The audit for `audit.json`."""
    return {
        "classes": list(audit.classes),
        "rows": audit.rows,
        "people": audit.people if audit.people_known else None,
        "unlabelled": audit.unlabelled,
        "warnings": list(audit.warnings),
        "rates": rate_rows(audit),
        "differences": difference_rows(audit),
        "confusion": [
            {
                "partition": found.partition,
                "group": found.group,
                "predicted": [*audit.classes, None],
                "table": found.table.tolist(),
            }
            for found in audit.confusions
        ],
    }


def classify_tables(audit: Classification) -> dict[str, list[dict[str, object]]]:
    """The audit as tables by name."""
    return {
        "rates": rate_rows(audit),
        "differences": difference_rows(audit),
        "confusion": [
            {
                "partition": found.partition,
                "group": found.group,
                "truth": truth,
                "predicted": predicted,
                "rows": int(found.table[row, column]),
            }
            for found in audit.confusions
            for row, truth in enumerate(audit.classes)
            for column, predicted in enumerate([*audit.classes, ""])
        ],
    }


def rate_rows(audit: Classification) -> list[dict[str, object]]:
    """Every rate as a row of a table."""
    return [
        {
            "partition": rate.partition,
            "group": rate.group,
            "measure": rate.measure.value,
            "class": rate.of_class,
            **words.share_row(rate.share),
        }
        for rate in audit.rates
    ]


def difference_rows(audit: Classification) -> list[dict[str, object]]:
    """Every difference as a row of a table."""
    return [
        {
            "partition": found.partition,
            "measure": found.measure.value,
            "class": found.of_class,
            **words.gap_row(found.higher, found.lower, found.gap, found.compared),
        }
        for found in audit.differences
    ]


def _rates(audit: Classification, partition: str) -> dict[str, dict[Measure, Share]]:
    """Shares over all classes, by group and measure."""
    found: dict[str, dict[Measure, Share]] = {}
    for rate in audit.rates:
        if rate.partition == partition and rate.of_class is None:
            found.setdefault(rate.group, {})[rate.measure] = rate.share
    return found


def _division(audit: Classification, name: str) -> dict[str, Any]:
    rates = _rates(audit, name)
    drawn = [
        {"group": group, "rate": found.rate, "low": found.low, "high": found.high}
        for group, found in ((group, measures[Measure.ERROR]) for group, measures in rates.items())
        if found.trials
    ]
    return {
        "name": name,
        "rates": rates,
        "chart": intervals(drawn, "Error rate") if drawn else None,
        "unlabelled": audit.unlabelled[name],
        "classes": _by_class(audit.rates, name),
        "called": [
            (found.group, of_class, cells)
            for found in audit.confusions
            if found.partition == name
            for of_class, cells in zip(audit.classes, found.table.tolist(), strict=True)
            if any(cells)
        ],
    }


def _by_class(rates: Sequence[Rate], partition: str) -> list[tuple[str, str, dict[str, Share]]]:
    rows: dict[tuple[str, str], dict[str, Share]] = {}
    for rate in rates:
        if rate.partition == partition and rate.of_class is not None:
            key = (rate.group, rate.of_class)
            rows.setdefault(key, {})[rate.measure.name.lower()] = rate.share
    # Where everybody in a group is of one class, the two kinds of errors are one and the same.
    mixed = {group for (group, _), shares in rows.items() if _has_both(shares)}
    groups = list(dict.fromkeys(group for group, _ in rows))
    return [
        (group, of_class, shares)
        for (group, of_class), shares in sorted(
            rows.items(), key=lambda row: groups.index(row[0][0])
        )
        if group in mixed
    ]


def _has_both(shares: Mapping[str, Share]) -> bool:
    return bool(shares["false_negative"].trials and shares["false_positive"].trials)


def _by_division(differences: Sequence[Difference], measure: Measure) -> list[Difference]:
    mine = [found for found in differences if found.measure is measure]
    return sorted(mine, key=lambda found: -found.gap.difference)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
