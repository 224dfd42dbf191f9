"""Searches a gallery of embeddings for every probe, in blocks of bounded memory.

Embeddings come in, for each probe the most similar references go out with their scores, most
similar first. What a score means and who is whose mate is left to `searches`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crowdveil.audit.embeddings import Embeddings, has_template
from crowdveil.audit.identify.candidates import People
from crowdveil.audit.identify.searches import Searches
from crowdveil.errors import TableInvalid

PROBE_BLOCK = 1024
"""Probes at a time: enough to keep the matrix product busy."""

GALLERY_BLOCK = 16_384
"""References at a time: with `PROBE_BLOCK` 64 MB of scores."""


class Nearest(NamedTuple):
    """The candidates of every probe, most similar first, equals in the gallery's order.

    Attributes:
        score: (n, k) float32 cosine similarity; -inf where there is no candidate.
        reference: (n, k) int32 row of the gallery; -1 where there is no candidate.
    """

    score: npt.NDArray[np.float32]
    reference: npt.NDArray[np.int32]


def search(gallery: Embeddings, probes: Embeddings, *, candidates: int) -> Nearest:
    """Find the `candidates` most similar references of every probe, by cosine similarity.

    Args:
        gallery: embeddings of the references; may be a memory map.
        probes: embeddings of the same dimension; may be a memory map.
        candidates: length of the lists, >= 1; shorter where the gallery has fewer templates.

    Returns:
        Lists of length min(candidates, references). A probe without a template has no
        candidates, and a reference without one is nobody's candidate.

    Raises:
        ValueError: dimensions differ, or `candidates` is below 1.
    """
    if gallery.ndim != 2 or probes.ndim != 2 or gallery.shape[1] != probes.shape[1]:
        raise ValueError(
            f"embeddings must be tables of one width, not {gallery.shape} and {probes.shape}"
        )
    if candidates < 1:
        raise ValueError(f"candidates must be at least 1, not {candidates}")
    length = min(candidates, len(gallery))
    found = Nearest(
        np.full((len(probes), length), -np.inf, np.float32),
        np.full((len(probes), length), -1, np.int32),
    )
    for start in range(0, len(probes), PROBE_BLOCK):
        rows = slice(start, start + PROBE_BLOCK)
        _search_into(found.score[rows], found.reference[rows], probes[rows], gallery)
    return found


def search_people(
    people: People, gallery: Embeddings, probes: Embeddings, *, candidates: int
) -> Searches:
    """The most similar references of every probe, by cosine similarity.

    Args:
        people: who the rows show.
        gallery: (N, d) embeddings of the references.
        probes: (n, d) embeddings of the probes.
        candidates: length of the lists.

    Raises:
        TableInvalid: embeddings of different lengths.
    """
    if gallery.shape[1] != probes.shape[1]:
        raise TableInvalid(
            f"the gallery's embeddings have {gallery.shape[1]} numbers and the probes' "
            f"{probes.shape[1]}; they must come from the same model"
        )
    found = search(gallery, probes, candidates=candidates)
    probe, place = np.nonzero(found.reference >= 0)
    return Searches(
        probe_subject=people.probe_subject,
        gallery_subject=people.gallery_subject,
        probe=probe.astype(np.int32),
        rank=(place + 1).astype(np.int32),
        reference=found.reference[probe, place],
        score=found.score[probe, place].astype(np.float64),
    )


def _unit(block: Embeddings) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Rows of length 1, and which of them are templates; the others are zero."""
    rows = np.array(block, np.float32)
    whole = has_template(rows)
    rows[~whole] = 0
    # Scaled first: the square of a large component may overflow.
    rows /= np.where(whole, np.abs(rows).max(1, initial=0), 1)[:, None]
    rows /= np.where(whole, np.linalg.norm(rows, axis=1), 1)[:, None]
    return rows, whole


def _search_into(
    score: npt.NDArray[np.float32],
    reference: npt.NDArray[np.int32],
    block: Embeddings,
    gallery: Embeddings,
) -> None:
    length = score.shape[1]
    probes, searchable = _unit(block)
    for start in range(0, len(gallery), GALLERY_BLOCK):
        references, findable = _unit(gallery[start : start + GALLERY_BLOCK])
        scores = probes @ references.T
        scores[~searchable] = -np.inf
        scores[:, ~findable] = -np.inf
        # Only what beats the worst candidate so far is looked at: after the first block few do.
        chosen = np.flatnonzero(_worth_a_look(scores, score[:, -1:], length))
        row, column = np.divmod(chosen, scores.shape[1])
        rows = np.concatenate([row, np.repeat(np.arange(len(probes)), length)])
        values = np.concatenate([scores.ravel()[chosen], score.ravel()])
        names = np.concatenate([(column + start).astype(np.int32), reference.ravel()])
        order = np.lexsort((names, -values, rows))
        rows = rows[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        best = order[place < length]
        score[:] = values[best].reshape(score.shape)
        reference[:] = names[best].reshape(reference.shape)


def _worth_a_look(
    scores: npt.NDArray[np.float32], worst: npt.NDArray[np.float32], length: int
) -> npt.NDArray[np.bool_]:
    if length < scores.shape[1] and not np.isfinite(worst).all():
        # Some list is not full yet: what is not among the best of this block cannot stay.
        worst = np.maximum(worst, np.partition(scores, -length, axis=1)[:, -length, None])
        return (scores >= worst) & np.isfinite(scores)
    return scores > worst
