"""Makes the page of audited comparisons.

A `Verification` comes in, HTML goes out. Measuring is left to `rates`, sentences to
`words`, charts to `pictures`, values for programs to `outputs`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crowdveil.audit import words
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.partitions import EVERYONE
from crowdveil.audit.summaries import by_measure, definitions
from crowdveil.audit.verify import pictures as pictures
from crowdveil.audit.verify import words as said
from crowdveil.audit.verify.cells import Cells, Error
from crowdveil.audit.verify.inputs import Prepared
from crowdveil.audit.verify.rates import Verification
from crowdveil.report.page import render_page

TEMPLATES = Path(__file__).parents[1] / "templates"

MOST_GAPS = 8
"""Differences on the page for each part, surest first; all are in the table."""

MOST_DRAWN = 8
"""Groups in a chart of lines: more cannot be told apart."""


def verify_page(
    audit: Verification, prepared: Prepared, made: Mapping[str, Any], options: VerifyOptions
) -> str:
    """The page as HTML.

    Args:
        audit: what was measured.
        prepared: from what.
        made: how, from `bundle.provenance`.
        options: what was chosen.
    """
    return render_page(
        TEMPLATES,
        "verify.html",
        audit=audit,
        described=prepared.described,
        warnings=prepared.warnings,
        acquired=[one for one in prepared.acquired if one.share.trials],
        failures=sum(one.share.errors for one in prepared.acquired[:1]),
        made=made,
        confidence=options.confidence,
        alpha=options.alpha,
        words=words,
        said=said,
        error=Error,
        answers=said.answers(audit, options),
        overall=[audit.at(point) for point in audit.points],
        sections=[_part(audit, cells, options) for cells in _in_order(audit)],
        everywhere=[_everywhere(audit, name) for name, _ in audit.partitions],
        definitions=definitions(audit.summaries),
        most_drawn=MOST_DRAWN,
        everyone=EVERYONE,
    )


def _in_order(audit: Verification) -> list[Cells]:
    """Parts of the page: for each operating point all partitions but that of everyone."""
    return [
        audit.at(point, name)
        for point in audit.points
        for name, _ in audit.partitions
        if name != EVERYONE
    ]


def _part(audit: Verification, cells: Cells, options: VerifyOptions) -> dict[str, Any]:
    key = (cells.point, cells.partition)
    gaps = [found for found in audit.differences if (found.point, found.partition) == key]
    shown = sorted(gaps, key=lambda found: (found.gap.adjusted, -found.gap.difference))
    return {
        "cells": cells,
        "rows": list(zip(cells.groups, cells.within(Error.FMR), cells.against, cells.fnmr,
                         strict=True)),
        "fmr_chart": pictures.rates(cells, Error.FMR),
        "fnmr_chart": pictures.rates(cells, Error.FNMR),
        "matrix": pictures.who_for_whom(cells),
        "gaps": shown[:MOST_GAPS],
        "all_gaps": len(gaps),
        "established": len(said.established(gaps, options.confidence)),
        "summaries": by_measure(
            [found for found in audit.summaries if (found.point, found.partition) == key]
        ),
        "unlabelled": audit.unlabelled[cells.partition],
        "too_small": any(one.partition == cells.partition for one in audit.small),
    }  # fmt: skip


def _everywhere(audit: Verification, name: str) -> dict[str, Any]:
    curves = [curve for curve in audit.curves if curve.partition == name]
    spreads = [
        spread
        for spread in audit.spreads
        if spread.partition == name and (spread.nonmated.any() or spread.mated.any())
    ]
    return {
        "name": name,
        "det": pictures.det(curves[:MOST_DRAWN], audit.points),
        "scores": pictures.distributions(spreads[:MOST_DRAWN], audit.points),
        "more": max(len(curves), len(spreads)) > MOST_DRAWN,
    }
