"""Lays audited comparisons out for programs: values for `audit.json`, and rows for CSV tables.

A `Verification` comes in, plain rows go out; docs/audit.md says what each column holds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crowdveil.audit import words
from crowdveil.audit.partitions import EVERYONE
from crowdveil.audit.summaries import summary_row
from crowdveil.audit.verify.cells import Cells
from crowdveil.audit.verify.dyads import Rate
from crowdveil.audit.verify.inputs import Prepared
from crowdveil.audit.verify.rates import Verification

Row = dict[str, object]


def verify_values(audit: Verification, prepared: Prepared) -> dict[str, Any]:
    """The audit for `audit.json`.

    `operating_points` hold the rates of all groups of all partitions by name; `crowdveil crowd`
    reads them. A name that two partitions share stands with its partition in the second.
    """
    names = _unique_names(audit)
    tables = verify_tables(audit, prepared)
    groups = [
        name for (partition, _), name in names.items() if partition != EVERYONE
    ]  # fmt: skip
    return {
        "compared": prepared.described,
        "warnings": list(prepared.warnings),
        "mated": audit.mated,
        "non_mated": audit.nonmated,
        "people": audit.persons if audit.people_known else None,
        "groups": groups or [EVERYONE],
        "operating_points": [
            {
                "threshold": point.threshold,
                "label": point.label,
                **_point(audit, names, [c for c in audit.cells if c.point == point]),
            }
            for point in audit.points
        ],
        "unlabelled_people": audit.unlabelled,
        "too_small_to_compare": [
            {"partition": s.partition, "group": s.group, "people": s.people} for s in audit.small
        ],
        **{name: tables[name] for name in ("differences", "summaries", "det", "acquisition")},
    }


def verify_tables(audit: Verification, prepared: Prepared) -> dict[str, list[Row]]:
    """The audit as tables by name."""
    return {
        "fmr": [row for cells in audit.cells for row in _fmr_rows(cells)],
        "fnmr": [
            {**_where(cells), "group": group, **rate_row(rate)}
            for cells in audit.cells
            for group, rate in zip(cells.groups, cells.fnmr, strict=True)
        ],
        "differences": [
            {
                "partition": found.partition,
                "point": found.point.label,
                "threshold": found.point.threshold,
                "rate": found.error.value,
                **words.gap_row(found.higher, found.lower, found.gap, found.compared),
                "false_discovery": found.false_discovery,
            }
            for found in audit.differences
        ],
        "summaries": [summary_row(found, "FMR and FNMR") for found in audit.summaries],
        "det": [
            {
                "partition": curve.partition,
                "group": curve.group,
                "threshold": float(curve.threshold[step]),
                "fmr": float(curve.fmr[step]),
                "fnmr": float(curve.fnmr[step]),
            }
            for curve in audit.curves
            for step in range(len(curve.threshold))
        ],
        "scores": [
            {
                "partition": spread.partition,
                "group": spread.group,
                "from": float(spread.edges[bar]),
                "to": float(spread.edges[bar + 1]),
                "non_mated": int(spread.nonmated[bar]),
                "mated": int(spread.mated[bar]),
            }
            for spread in audit.spreads
            for bar in range(len(spread.nonmated))
        ],
        "acquisition": [
            {"partition": one.partition, "group": one.group, **words.share_row(one.share)}
            for one in prepared.acquired
        ],
    }


def rate_row(rate: Rate) -> Row:
    """A rate as part of a row of a table, with both its intervals."""
    row = words.share_row(rate.share)
    return {
        "errors": row.pop("errors"),
        "comparisons": row.pop("trials"),
        **row,
        "exact_low": rate.exact_low,
        "exact_high": rate.exact_high,
        "exact_at_most": rate.exact_at_most,
        "clustering": rate.clustering,
        "effective": rate.effective,
    }


def _fmr_rows(cells: Cells) -> Iterator[Row]:
    for group, row, against in zip(cells.groups, cells.fmr, cells.against, strict=True):
        for other, rate in zip(cells.groups, row, strict=True):
            yield _fmr_row(cells, group, other, rate)
        if cells.partition != EVERYONE:
            yield _fmr_row(cells, group, EVERYONE, against)


def _fmr_row(cells: Cells, group: str, other: str, rate: Rate) -> Row:
    sides: Row = {"probe_group": group, "reference_group": other}
    return {**_where(cells), **sides, **rate_row(rate)}


def _where(cells: Cells) -> Row:
    return {
        "partition": cells.partition,
        "point": cells.point.label,
        "threshold": cells.point.threshold,
    }


def _unique_names(audit: Verification) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for partition, groups in audit.partitions:
        for group in groups:
            taken = group in found.values()
            found[partition, group] = f"{group} ({partition})" if taken else group
    return found


def _point(
    audit: Verification, names: Mapping[tuple[str, str], str], parts: list[Cells]
) -> dict[str, Any]:
    fmr: dict[str, dict[str, Row]] = {}
    fnmr: dict[str, Row] = {}
    for cells in parts:
        for group, row, against, missed in zip(
            cells.groups, cells.fmr, cells.against, cells.fnmr, strict=True
        ):
            name = names[cells.partition, group]
            fmr[name] = {
                names[cells.partition, other]: rate_row(rate)
                for other, rate in zip(cells.groups, row, strict=True)
            }
            fmr[name].setdefault(EVERYONE, rate_row(against))
            fnmr[name] = rate_row(missed)
    return {"fmr": fmr, "fnmr": fnmr}
