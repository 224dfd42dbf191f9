"""Makes the page of audited searches, and says in a few sentences what they came to.

An `Identification` and the `GalleryEffects` come in, HTML goes out. Measuring is left to
`rates`, values for programs to `outputs`, writing to `bundle`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crowdveil.audit import words
from crowdveil.audit.identify.gallery_effects import Expected, FalseCandidates, GalleryEffects
from crowdveil.audit.identify.rates import Difference, Identification, Measure
from crowdveil.audit.options import IdentifyOptions
from crowdveil.audit.partitions import EVERYONE
from crowdveil.audit.pictures import intervals, lines, matrix
from crowdveil.audit.points import EVERY_SCORE, Point
from crowdveil.audit.shares import Share
from crowdveil.audit.summaries import by_measure, definitions
from crowdveil.report.page import count, percent, render_page

TEMPLATES = Path(__file__).parents[1] / "templates"

MOST_GAPS = 12
"""Differences on the page, largest first; all are in the table."""

MOST_DRAWN = 8
"""Groups in a chart of lines: more cannot be told apart."""

MOST_CELLS = 12
"""Groups in a matrix that can still be read."""


def identify_page(
    audit: Identification,
    effects: GalleryEffects,
    made: Mapping[str, Any],
    options: IdentifyOptions,
    without_template: int = 0,
    warnings: Sequence[str] = (),
) -> str:
    """The page as HTML.

    Args:
        audit: rates.
        effects: what the gallery's composition does.
        made: how, from `bundle.provenance`.
        options: what was chosen.
        without_template: references that failed to enrol, as far as known.
        warnings: what in the data makes the figures doubtful, in sentences.
    """
    confidence = options.confidence
    gaps = sorted(
        (found for found in audit.differences if found.measure is not Measure.NO_LIST),
        key=lambda found: (found.gap.adjusted, -found.gap.difference),
    )
    return render_page(
        TEMPLATES,
        "identify.html",
        audit=audit,
        made=made,
        confidence=confidence,
        alpha=options.alpha,
        definitions=definitions(audit.summaries),
        words=words,
        answers=answers(audit, options),
        points=[_point(audit, effects, point) for point in audit.points],
        investigation=[_investigation(audit, name) for name in audit.unlabelled],
        gaps=gaps[:MOST_GAPS],
        all_gaps=len(gaps),
        established=sum(words.is_established(found.gap, confidence) for found in gaps),
        told=told,
        most_drawn=MOST_DRAWN,
        without_template=without_template,
        warnings=warnings,
    )


def answers(audit: Identification, options: IdentifyOptions) -> list[str]:
    """What the audit found, in a few sentences."""
    said = [sentence for point in audit.points for sentence in _at(audit, point)]
    said += [
        _largest(audit, measure, options.confidence) for measure in (Measure.FPIR, Measure.FNIR)
    ]
    said.append(words.small(audit.small, options.min_people))
    return [sentence for sentence in said if sentence]


def _at(audit: Identification, point: Point) -> list[str]:
    """What everyone's rates are at one operating point."""
    false = _rate(audit, Measure.FPIR, point, None, EVERYONE, EVERYONE)
    missed = _rate(audit, Measure.FNIR, point, audit.longest, EVERYONE, EVERYONE)
    at = f"At the threshold {point.threshold:.4g}"
    at += "" if point.label.startswith("threshold") else f" ({point.label})"
    said = []
    if false.trials:
        said.append(
            f"{at}, {_of(false)} who are not enrolled named somebody: "
            f"{words.extent(false, 'FPIR')}."
        )
    else:
        said.append(
            f"{at}: no probe shows somebody who is not enrolled, so nothing is known of false "
            "positives."
        )
    if missed.trials:
        said.append(f"{_of(missed)} who are enrolled missed them: {words.extent(missed, 'FNIR')}.")
    return said


def told(found: Difference) -> str:
    """Which rate a difference is about: "FNIR, rank 1, any score"."""
    rank = "" if found.rank is None else f", rank {found.rank}"
    return f"{found.measure}{rank}, {found.point.label}"


def _rate(
    audit: Identification,
    measure: Measure,
    point: Point,
    rank: int | None,
    partition: str,
    group: str,
) -> Share:
    return _shares(audit, measure, point, rank, partition)[group]


def _shares(
    audit: Identification, measure: Measure, point: Point, rank: int | None, partition: str
) -> dict[str, Share]:
    key = (measure, point, rank, partition)
    return {
        rate.group: rate.share
        for rate in audit.rates
        if (rate.measure, rate.point, rate.rank, rate.partition) == key
    }


def _largest(audit: Identification, measure: Measure, confidence: float) -> str:
    """The largest difference that is more than chance, at any operating point."""
    rank = audit.longest if measure is Measure.FNIR else None
    gaps = [
        found
        for found in audit.differences
        if found.measure is measure and found.point in audit.points and found.rank == rank
    ]
    certain = [found for found in gaps if words.is_established(found.gap, confidence)]
    if not gaps:
        return ""
    if not certain:
        anywhere = f" at any of the {len(audit.points)} thresholds" if len(audit.points) > 1 else ""
        return f"No difference of {measure} between groups can be told from chance{anywhere}."
    worst = max(certain, key=lambda found: found.gap.difference)
    shares = _shares(audit, measure, worst.point, rank, worst.partition)
    at = f"At {worst.point.threshold:.4g}, " if len(audit.points) > 1 else ""
    return (
        f"{at}{measure} is {percent(shares[worst.higher].rate)} for {worst.higher} and "
        f"{percent(shares[worst.lower].rate)} for {worst.lower}, "
        f"{words.points(worst.gap.difference)} apart "
        f"({words.between(worst.gap.low, worst.gap.high)})."
    )


def _point(audit: Identification, effects: GalleryEffects, point: Point) -> dict[str, Any]:
    return {
        "point": point,
        "fpir": _rate(audit, Measure.FPIR, point, None, EVERYONE, EVERYONE),
        "fnir": _rate(audit, Measure.FNIR, point, audit.longest, EVERYONE, EVERYONE),
        "divisions": [
            _division(audit, effects, point, name)
            for name in audit.unlabelled
            if name != EVERYONE or len(audit.unlabelled) == 1
        ],
    }


def _division(
    audit: Identification, effects: GalleryEffects, point: Point, name: str
) -> dict[str, Any]:
    false = _shares(audit, Measure.FPIR, point, None, name)
    missed = _shares(audit, Measure.FNIR, point, audit.longest, name)
    candidates = [
        found
        for found in effects.false_candidates
        if found.point == point and found.partition == name
    ]
    return {
        "name": name,
        "false": false,
        "missed": missed,
        "false_chart": _intervals(false, "FPIR"),
        "missed_chart": _intervals(missed, "FNIR"),
        "unlabelled": audit.unlabelled[name],
        "summaries": by_measure(
            [one for one in audit.summaries if (one.point, one.partition) == (point, name)]
        ),
        "too_small": any(partition == name for partition, _ in audit.small),
        "candidates": candidates[0] if candidates and candidates[0].hits.sum() else None,
        "matrix": _matrix(candidates[0]) if candidates else None,
        "by_share": _share_chart([e for e in effects.by_share if _is_of(e, point, name)]),
        "drawn": next((int(e.drawn[0]) for e in effects.by_share if _is_of(e, point, name)), None),
        "by_size": _size_chart([e for e in effects.by_size if _is_of(e, point, name)]),
        "sizes": [e for e in effects.by_size if _is_of(e, point, name)],
    }


def _is_of(found: Expected, point: Point, partition: str) -> bool:
    return found.point == point and found.partition == partition


def _intervals(shares: Mapping[str, Share], title: str) -> Any:
    rows = [
        {"group": group, "rate": share.rate, "low": share.low, "high": share.high}
        for group, share in shares.items()
        if share.trials
    ]
    return intervals(rows, title) if rows else None


def _matrix(found: FalseCandidates) -> Any:
    if not found.hits.sum() or len(found.groups) > MOST_CELLS:
        return None
    times = found.representation
    rows = [
        {
            "row": row,
            "column": column,
            "times": float(times[i, j]) if found.hits[i].sum() and found.enrolled[j] else None,
            "text": f"{times[i, j]:.2g}" if found.hits[i].sum() and found.enrolled[j] else "",
        }
        for i, row in enumerate(found.groups)
        for j, column in enumerate(found.groups)
    ]
    return matrix(
        rows, value="times", text="text", row_title="Searched for", column_title="Named instead"
    )


def _share_chart(found: Sequence[Expected]) -> Any:
    rows = [
        {
            "group": curve.group,
            "share": float(curve.own_share[step]),
            "fpir": float(curve.fpir[step]),
        }
        for curve in found[:MOST_DRAWN]
        for step in range(len(curve.drawn))
    ]
    if not rows:
        return None
    return lines(
        rows, x="share", y="fpir", x_title="Share of one's own group in the gallery",
        y_title="FPIR", share_x=True,
    )  # fmt: skip


def _size_chart(found: Sequence[Expected]) -> Any:
    rows = [
        {
            "group": curve.group,
            "people": int(curve.drawn[step]),
            "fpir": float(value[step]),
            "kind": kind,
        }
        for curve in found[:MOST_DRAWN]
        for kind, value in (("measured", curve.fpir), ("if independent", curve.independent))
        for step in range(len(curve.drawn))
    ]  # fmt: skip
    if not rows:
        return None
    return lines(rows, x="people", y="fpir", x_title="People in the gallery", y_title="FPIR")


def _investigation(audit: Identification, name: str) -> dict[str, Any]:
    ranks = sorted(
        {
            rate.rank
            for rate in audit.rates
            if rate.measure is Measure.FNIR and rate.point == EVERY_SCORE and rate.rank
        }
    )
    shares = {rank: _shares(audit, Measure.FNIR, EVERY_SCORE, rank, name) for rank in ranks}
    hit_rates = [found for found in audit.hit_rates if found.partition == name]
    curves = [found for found in audit.curves if found.partition == name]
    none = _shares(audit, Measure.NO_LIST, EVERY_SCORE, None, name)
    return {
        "name": name,
        "ranks": ranks,
        "rows": [(group, [shares[rank][group] for rank in ranks], none[group]) for group in none],
        "hits": _hit_chart(hit_rates),
        "curve": _curve_chart(curves),
    }


def _hit_chart(found: Sequence[Any]) -> Any:
    rows = [
        {"group": curve.group, "rank": rank, "hit": float(rate)}
        for curve in found[:MOST_DRAWN]
        for rank, rate in enumerate(curve.rate, 1)
    ]
    if not rows or max(int(str(row["rank"])) for row in rows) < 2:
        return None
    return lines(rows, x="rank", y="hit", x_title="Rank", y_title="Found within", fit_y=True)


def _curve_chart(found: Sequence[Any]) -> Any:
    rows = [
        {"group": curve.group, "fpir": float(curve.fpir[k]), "fnir": float(curve.fnir[k])}
        for curve in found[:MOST_DRAWN]
        for k in range(len(curve.threshold))
    ]
    drawable = [row for row in rows if float(str(row["fpir"])) > 0]
    if not drawable:
        return None
    return lines(
        drawable, x="fpir", y="fnir", x_title="FPIR", y_title="FNIR", share_x=True, log_x=True
    )


def _of(share: Share) -> str:
    people = "person" if share.people == 1 else "people"
    searches = f"{count(share.errors)} of {count(share.trials)} searches"
    return f"{searches} for {count(share.people)} {people}"
