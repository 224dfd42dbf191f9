"""Makes the page, the values and the tables of an audited verification system.

A `Verification` comes in; HTML, values for `audit.json` and rows for CSV tables go out.
Measuring is left to `verification`, writing to `bundle`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crowdveil.audit import words
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.partitions import EVERYONE
from crowdveil.audit.pictures import intervals, lines, matrix
from crowdveil.audit.shares import Share
from crowdveil.audit.verification import DivisionRates, Verification
from crowdveil.report.page import percent, render_page

TEMPLATES = Path(__file__).parent / "templates"

MOST_DRAWN = 8
"""Curves in one chart; all are in the tables."""

MOST_CELLS = 12
"""Groups of the largest matrix that is drawn."""

MOST_GAPS = 12
"""Differences on the page for each rate; all are in the table."""

Failed = Mapping[str, tuple[int, int]]


def verify_page(
    audit: Verification, made: Mapping[str, Any], options: VerifyOptions, failed: Failed
) -> str:
    """The page as HTML.

    Args:
        audit: what was measured.
        made: how, from `bundle.provenance`.
        options: the choices.
        failed: for each group pictures without a template, and pictures.
    """
    points = [
        {
            "label": point.label,
            "threshold": _written(point.threshold, options),
            "fmr": rates[0].fmr[EVERYONE][EVERYONE],
            "fnmr": rates[0].fnmr[EVERYONE],
            "divisions": [_division(one, options) for one in rates[1:]],
        }
        for point, rates in audit.points
    ]
    names = [one.division.name for one in audit.points[0][1]]
    return render_page(
        TEMPLATES,
        "verify.html",
        audit=audit,
        made=made,
        confidence=options.confidence,
        words=words,
        answers=answers(audit, options),
        points=points,
        curves=[(name, _det(audit, name)) for name in names],
        failed=failed,
        most_drawn=MOST_DRAWN,
    )


def answers(audit: Verification, options: VerifyOptions) -> list[str]:
    """What the audit found, in a few sentences for each operating point."""
    told = []
    for point, rates in audit.points:
        everyone = rates[0]
        told.append(
            f"At {point.label} (threshold {_written(point.threshold, options):.6g}): "
            f"{words.supports(everyone.fmr[EVERYONE][EVERYONE], 'FMR', 'non-mated comparisons')}; "
            f"{words.supports(everyone.fnmr[EVERYONE], 'FNMR', 'mated comparisons')}."
        )
        for one in rates[1:]:
            told += [_largest(one, "FMR", options), _largest(one, "FNMR", options)]
    return [sentence for sentence in told if sentence]


def verify_values(audit: Verification, options: VerifyOptions, failed: Failed) -> dict[str, Any]:
    """The audit for `audit.json`.

    `groups` and `operating_points` are of the finest division with groups, which is what a
    scenario of a deployment reads; `divisions` holds every one.
    """
    finest = audit.points[0][1][-1].division
    return {
        "mated": audit.mated,
        "non_mated": audit.non_mated,
        "groups": list(finest.groups),
        "operating_points": [
            {
                "threshold": _written(point.threshold, options),
                "label": point.label,
                "fmr": _nested(rates[-1].fmr),
                "fnmr": {group: _counted(share) for group, share in rates[-1].fnmr.items()},
                "divisions": [_values(one) for one in rates],
            }
            for point, rates in audit.points
        ],
        "without_template": {name: {"pictures": n, "failed": k} for name, (k, n) in failed.items()},
    }


def verify_tables(
    audit: Verification, options: VerifyOptions
) -> dict[str, list[dict[str, object]]]:
    """The audit as tables by name."""
    tables: dict[str, list[dict[str, object]]] = {
        "fmr": [], "fnmr": [], "differences": [], "summaries": [], "det": [],
    }  # fmt: skip
    for point, rates in audit.points:
        at = {"label": point.label, "threshold": _written(point.threshold, options)}
        for one in rates:
            name = {**at, "partition": one.division.name}
            tables["fmr"] += [
                {**name, "probe_group": a, "reference_group": b, **words.share_row(share)}
                for a, row in one.fmr.items()
                for b, share in row.items()
            ]
            tables["fnmr"] += [
                {**name, "group": a, **words.share_row(share)} for a, share in one.fnmr.items()
            ]
            groups = one.division.groups
            for rate, found in (("FMR", one.fmr_gaps), ("FNMR", one.fnmr_gaps)):
                tables["differences"] += [
                    {
                        **name, "rate": rate,
                        **words.gap_row(groups[gap.higher], groups[gap.lower], gap, len(found)),
                    }
                    for gap in found
                ]  # fmt: skip
            tables["summaries"] += [
                {**name, "measure": measure.name, "of": of, "value": value}
                for measure, of, value in one.summaries
            ]
    for curve in audit.curves:
        tables["det"] += [
            {
                "partition": curve.division, "group": curve.group,
                "threshold": -float(t) if options.distance else float(t),
                "fmr": float(x), "fnmr": float(y),
            }
            for t, x, y in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True)
        ]  # fmt: skip
    return tables


def _written(threshold: float, options: VerifyOptions) -> float:
    return -threshold if options.distance else threshold


def _counted(share: Share) -> dict[str, object]:
    row = words.share_row(share)
    return {"comparisons": row.pop("trials"), **row}


def _nested(fmr: Mapping[str, Mapping[str, Share]]) -> dict[str, Any]:
    return {a: {b: _counted(share) for b, share in row.items()} for a, row in fmr.items()}


def _values(one: DivisionRates) -> dict[str, Any]:
    return {
        "partition": one.division.name,
        "unlabelled": one.unlabelled,
        "fmr": _nested(one.fmr),
        "fnmr": {group: _counted(share) for group, share in one.fnmr.items()},
        "against_all": {group: _counted(share) for group, share in one.against_all.items()},
        "summaries": [
            {"measure": measure.name, "of": of, "value": value}
            for measure, of, value in one.summaries
        ],
    }


def _division(one: DivisionRates, options: VerifyOptions) -> dict[str, Any]:
    groups = one.division.groups
    within = {group: one.fmr[group][group] for group in groups}
    gaps = {"FMR": one.fmr_gaps, "FNMR": one.fnmr_gaps}
    return {
        "name": one.division.name,
        "within": within,
        "fnmr": one.fnmr,
        "against": one.against_all,
        "fmr_chart": _intervals(within, "FMR within the group"),
        "fnmr_chart": _intervals(one.fnmr, "FNMR"),
        "matrix": _matrix(one),
        "cells": one.fmr if len(groups) <= MOST_CELLS else None,
        "summaries": one.summaries,
        "unlabelled": one.unlabelled,
        "gaps": [
            {
                "partition": rate,
                "higher": groups[gap.higher],
                "lower": groups[gap.lower],
                "gap": gap,
            }
            for rate, found in gaps.items()
            for gap in found[:MOST_GAPS]
        ],
    }


def _largest(one: DivisionRates, rate: str, options: VerifyOptions) -> str:
    found = one.fmr_gaps if rate == "FMR" else one.fnmr_gaps
    groups = one.division.groups
    certain = [gap for gap in found if words.is_established(gap, options.confidence)]
    if not found:
        return ""
    if not certain:
        return (
            f"By {one.division.name}, no difference of {rate} can be told from chance in these "
            "data, which does not show that there is none."
        )
    worst = max(certain, key=lambda gap: gap.difference)
    high, low = groups[worst.higher], groups[worst.lower]
    shares = {a: one.fmr[a][a] if rate == "FMR" else one.fnmr[a] for a in (high, low)}
    return (
        f"By {one.division.name}, {rate} is {percent(shares[high].rate)} for {high} and "
        f"{percent(shares[low].rate)} for {low}: {words.times(worst.ratio)}, "
        f"{words.points(worst.difference)} apart ({words.between(worst.low, worst.high)})."
    )


def _intervals(shares: Mapping[str, Share], title: str) -> Any:
    rows = [
        {"group": group, "rate": share.rate, "low": share.low, "high": share.high}
        for group, share in shares.items()
        if share.trials
    ]
    return intervals(rows, title) if rows else None


def _matrix(one: DivisionRates) -> Any:
    """FMR of each pair of groups over that of all comparisons of the division."""
    every = [share for row in one.fmr.values() for share in row.values()]
    errors, trials = sum(s.errors for s in every), sum(s.trials for s in every)
    if not errors or len(one.fmr) > MOST_CELLS:
        return None
    rows = [
        {
            "row": a,
            "column": b,
            "times": share.rate / (errors / trials) if share.trials else None,
            "text": percent(share.rate, 2).removesuffix(" %") if share.trials else "",
        }
        for a, row in one.fmr.items()
        for b, share in row.items()
    ]
    return matrix(
        rows, value="times", text="text", row_title="Probe", column_title="Reference, FMR in %"
    )


def _det(audit: Verification, name: str) -> Any:
    rows = [
        {"group": curve.group, "fmr": float(x), "fnmr": float(y)}
        for curve in [found for found in audit.curves if found.division == name][:MOST_DRAWN]
        for x, y in zip(curve.fmr, curve.fnmr, strict=True)
        if x > 0 and y == y
    ]
    if not rows:
        return None
    return lines(rows, x="fmr", y="fnmr", x_title="FMR", y_title="FNMR", share_x=True, log_x=True)
