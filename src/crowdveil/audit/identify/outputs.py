"""Lays audited searches out for programs: values for `audit.json`, and rows for CSV tables.

An `Identification` and the `GalleryEffects` come in, plain rows go out; docs/audit.md says what
each column holds. The page is left to `page`.
"""

from typing import Any

from crowdveil.audit import words
from crowdveil.audit.identify.gallery_effects import Expected, FalseCandidates, GalleryEffects
from crowdveil.audit.identify.rates import Identification
from crowdveil.audit.summaries import summary_row


def identify_values(audit: Identification, effects: GalleryEffects) -> dict[str, Any]:
    """The audit for `audit.json`."""
    return {
        "probes": audit.probes,
        "mated": audit.mated,
        "references": audit.references,
        "enrolled": audit.enrolled,
        "longest_list": audit.longest,
        "unlabelled": audit.unlabelled,
        "too_small_to_compare": [
            {"partition": partition, "group": group, "people": people}
            for (partition, group), people in audit.small.items()
        ],
        "operating_points": [
            {"threshold": point.threshold, "label": point.label} for point in audit.points
        ],
        **identify_tables(audit, effects),
    }


def identify_tables(
    audit: Identification, effects: GalleryEffects
) -> dict[str, list[dict[str, object]]]:
    """The audit as tables by name."""
    return {
        "rates": [
            {
                "partition": rate.partition,
                "group": rate.group,
                "measure": rate.measure.value,
                "point": rate.point.label,
                "threshold": rate.point.threshold,
                "rank": rate.rank,
                **words.share_row(rate.share),
            }
            for rate in audit.rates
        ],
        "differences": [
            {
                "partition": found.partition,
                "measure": found.measure.value,
                "point": found.point.label,
                "threshold": found.point.threshold,
                "rank": found.rank,
                **words.gap_row(found.higher, found.lower, found.gap, found.compared),
            }
            for found in audit.differences
        ],
        "summaries": [summary_row(found, "FPIR and FNIR") for found in audit.summaries],
        "hit_rates": [
            {
                "partition": found.partition,
                "group": found.group,
                "mated": found.mated,
                "rank": rank,
                "hit_rate": float(rate),
            }
            for found in audit.hit_rates
            for rank, rate in enumerate(found.rate, 1)
        ],
        "trade_off": [
            {
                "partition": found.partition,
                "group": found.group,
                "threshold": float(found.threshold[step]),
                "fpir": float(found.fpir[step]),
                "fnir": float(found.fnir[step]),
            }
            for found in audit.curves
            for step in range(len(found.threshold))
        ],
        "false_candidates": [
            row for found in effects.false_candidates for row in _candidate_rows(found)
        ],
        "gallery_share": [row for found in effects.by_share for row in _expected_rows(found)],
        "gallery_size": [row for found in effects.by_size for row in _expected_rows(found)],
    }


def _candidate_rows(found: FalseCandidates) -> list[dict[str, object]]:
    times = found.representation
    return [
        {
            "partition": found.partition,
            "point": found.point.label,
            "threshold": found.point.threshold,
            "probe_group": row,
            "candidate_group": column,
            "nonmated_probes": int(found.probes[i]),
            "hits": int(found.hits[i, j]),
            "enrolled": int(found.enrolled[j]),
            "times_expected": float(times[i, j]),
            "wrong_at_rank_1": int(found.first_wrong[i, j]),
        }
        for i, row in enumerate(found.groups)
        for j, column in enumerate(found.groups)
    ]


def _expected_rows(found: Expected) -> list[dict[str, object]]:
    return [
        {
            "partition": found.partition,
            "group": found.group,
            "point": found.point.label,
            "threshold": found.point.threshold,
            "nonmated_probes": found.probes,
            "gallery": int(found.drawn[step]),
            "own_share": float(found.own_share[step]),
            "fpir": float(found.fpir[step]),
            "low": float(found.low[step]),
            "high": float(found.high[step]),
            "if_independent": float(found.independent[step]),
            "lists_cut": found.cut,
        }
        for step in range(len(found.drawn))
    ]
