"""Audits searches of a gallery from files to a folder: reads, measures, writes.

The twin of `crowdveil audit identify` for programs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crowdveil.audit.bundle import provenance, write_bundle
from crowdveil.audit.copies import Templates, copies
from crowdveil.audit.embeddings import has_template, read_embeddings
from crowdveil.audit.identify.candidates import (
    read_candidates,
    read_people,
    refuse_distances,
)
from crowdveil.audit.identify.gallery_effects import GalleryEffects, gallery_effects
from crowdveil.audit.identify.outputs import identify_tables, identify_values
from crowdveil.audit.identify.page import answers, identify_page
from crowdveil.audit.identify.rates import Identification, audit_searches
from crowdveil.audit.identify.search import search_people
from crowdveil.audit.identify.searches import Searches, outcomes
from crowdveil.audit.identify.thresholds import points_for
from crowdveil.audit.options import AUDIT, IdentifyOptions
from crowdveil.audit.partitions import Partition

DEFAULT = IdentifyOptions()


@dataclass(frozen=True, slots=True)
class Identified:
    """An audit that was written.

    Attributes:
        found: rates.
        effects: what the gallery's composition does.
        answers: the same in a few sentences.
        files: what was written, the page first.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    found: Identification
    effects: GalleryEffects
    answers: tuple[str, ...]
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def audit_identification(
    gallery: Path,
    probes: Path,
    candidates: Path | None = None,
    out: Path = AUDIT,
    *,
    options: IdentifyOptions = DEFAULT,
) -> Identified:
    """Measure searches group by group, and write `report.html`, `audit.json` and tables.

    Args:
        gallery: CSV, Parquet or NPZ of who is enrolled: `reference`, `subject`, columns of
            groups; with embeddings if they are to be searched here.
        probes: the same of who was searched for: `probe`, `subject`, columns of groups.
        candidates: CSV or Parquet of what was returned: `probe`, `candidate`, `score`, perhaps
            `rank`; None to search the embeddings here.
        out: folder for the results.
        options: what can be chosen.

    Raises:
        TableInvalid: a table cannot be audited as it stands.
        OptionsInvalid: no such reference group, or no non-mated probes to set FPIR with.
        OutputRefused: the results exist already or cannot be written.
    """
    people = read_people(gallery, probes, options.group, options.column)
    inputs, words = {"gallery": gallery, "probes": probes}, [str(gallery), str(probes)]
    without_template, warnings = 0, people.warnings
    if candidates is not None:
        searches = read_candidates(candidates, people, options.column)
        refuse_distances(searches, candidates)
        inputs, words = {**inputs, "candidates": candidates}, [*words, str(candidates)]
    else:
        enrolled = read_embeddings(gallery, len(people.references), options.column)
        searched = read_embeddings(probes, len(people.probes), options.column)
        warnings += copies(
            [
                Templates(gallery, enrolled, people.gallery_subject),
                Templates(probes, searched, people.probe_subject),
            ]
        )
        searches = search_people(people, enrolled, searched, candidates=options.list_length)
        without_template = int(np.count_nonzero(~has_template(enrolled)))
        inputs |= {
            f"embeddings of the {role}": path.with_suffix(".npy")
            for role, path in (("gallery", gallery), ("probes", probes))
            if path.suffix.lower() == ".csv"
        }
    partitions = (people.probe_partitions, people.gallery_partitions)
    found, effects = _measured(searches, *partitions, options)
    made = provenance("identify", inputs, [*words, *options.words(), "--out", str(out)])
    page = identify_page(found, effects, made, options, without_template, warnings)
    values = {
        "warnings": list(warnings),
        **identify_values(found, effects),
        "references_without_template": without_template,
    }
    files = write_bundle(
        out,
        page,
        {**made, **values},
        identify_tables(found, effects),
        overwrite=options.overwrite,
    )
    return Identified(found, effects, tuple(answers(found, options)), files, warnings)


def _measured(
    searches: Searches,
    partitions: tuple[Partition, ...],
    gallery_partitions: tuple[Partition, ...],
    options: IdentifyOptions,
) -> tuple[Identification, GalleryEffects]:
    reference, resampling = options.reference_group, options.resampling()
    points = points_for(
        outcomes(searches),
        partitions,
        fpir=options.fpir,
        thresholds=options.threshold,
        reference=reference,
    )
    found = audit_searches(
        searches,
        partitions,
        points,
        resampling,
        ranks=options.rank,
        reference=reference,
        min_people=options.min_people,
        alpha=options.alpha,
    )
    return found, gallery_effects(searches, partitions, gallery_partitions, points, resampling)
