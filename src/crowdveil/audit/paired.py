"""Compares every picture of a set with every other by their embeddings, in bounded memory.

Embeddings with labels come in; a `Comparisons` of all pairs, each counted once, goes out.
Scores are cosine similarities, sorted into steps of 1/32768, so that thresholds lie on the
edges of steps and every count is exact there. What counts mean is left to `verification`.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from crowdveil.audit.search import Embeddings, has_template
from crowdveil.audit.verification import Counts, Persons, Sweep, Tally
from crowdveil.errors import OptionsInvalid

BLOCK = 2048
"""Pictures a side of a block: 16 MB of scores, which stay near the processor."""

BINS = 1 << 16
"""Steps from -1 to 1."""

CURVE = 512
"""Every so many steps have a point of the DET curve, and all between the extremes of 1 %."""


class AllPairs:
    """All pairs of the pictures of one set as comparisons."""

    def __init__(
        self,
        embeddings: Embeddings,
        subject: npt.NDArray[np.str_],
        labels: Sequence[Sequence[str | None]],
        columns: Sequence[str] = (),
    ) -> None:
        """Prepare to compare.

        Args:
            embeddings: (n, d); a row that is not finite or all zero is a picture without a
                template, which is left out and counted.
            subject: (n,) whom each picture shows.
            labels: for each column n labels, None where there is none.
            columns: names of the columns of groups.
        """
        self.columns = tuple(columns)
        rows = list(zip(*labels, strict=True)) if columns else [()] * len(subject)
        self.atoms = tuple(sorted(set(rows), key=lambda row: tuple(v or "" for v in row)))
        number = {atom: k for k, atom in enumerate(self.atoms)}
        atom = np.array([number[row] for row in rows], np.int64)
        usable = has_template(embeddings)
        self.enrolled = np.bincount(atom[usable], minlength=len(self.atoms))
        self.failed = np.bincount(atom[~usable], minlength=len(self.atoms))
        person = np.unique(subject, return_inverse=True)[1].astype(np.int64)
        # Pictures of one atom stand together, so that a block is of one pair of atoms, and in
        # it those of one person, so that few blocks hold mated comparisons.
        order = np.flatnonzero(usable)
        order = order[np.lexsort((person[order], atom[order]))]
        self._embeddings, self._order = embeddings, order
        self._atom, self._subject = atom[order], person[order]

    def threshold(self, target: float, probes: npt.NDArray[np.bool_]) -> float:
        """As `Comparisons.threshold`, on the edge of a step."""
        non_mated, _ = self._histograms
        chosen = non_mated[np.ix_(probes, probes)]
        # Off the diagonal each comparison is in two cells.
        mine = (chosen.sum(axis=(0, 1)) + np.einsum("aak->k", chosen)) // 2
        if not mine.sum():
            raise OptionsInvalid(
                "FMR cannot be set, there is no non-mated comparison to set it with; give a "
                "threshold instead"
            )
        above = np.cumsum(mine[::-1])[::-1]
        fits = np.flatnonzero(above <= target * mine.sum())
        return _edge(int(fits[0])) if fits.size else float(np.nextafter(np.float32(1), 2))

    def tally(self, threshold: float) -> Tally:
        """As `Comparisons.tally`."""
        atoms, people = len(self.atoms), int(self._subject.max(initial=-1)) + 1
        cells = np.zeros((2, 2, atoms, atoms), np.int64)
        persons: dict[tuple[bool, int], Counts] = defaultdict(
            lambda: np.zeros((people, atoms, 2), np.int64)
        )
        for scores, rows, columns, a, b in self._blocks():
            accepted = scores >= threshold
            for is_mated, which in self._kinds(rows, columns):
                wrong = accepted if which is None else which & (accepted != is_mated)
                for axis, mine, own, other in ((1, rows, a, b), (0, columns, b, a)):
                    table = persons[is_mated, own]
                    who = self._subject[mine]
                    errors = np.count_nonzero(wrong, axis=axis)
                    every = scores.shape[axis] if which is None else which.sum(axis=axis)
                    np.add.at(table[:, other, 0], who, errors)
                    np.add.at(table[:, other, 1], who, every)
                cells[0, int(is_mated), a, b] += errors.sum()
                cells[1, int(is_mated), a, b] += scores.size if which is None else which.sum()
        flat = {kind: _persons(persons, kind) for kind in (False, True)}
        cells = cells + cells.transpose(0, 1, 3, 2)
        for k in range(atoms):
            cells[:, :, k, k] //= 2
        return Tally(cells[0, 0], cells[1, 0], cells[0, 1], cells[1, 1],
                     (flat[False],), (flat[True],), symmetric=True)  # fmt: skip

    def sweep(self) -> Sweep:
        """As `Comparisons.sweep`."""
        non_mated, mated = self._histograms
        false = np.cumsum(non_mated[..., ::-1], axis=-1)[..., ::-1]
        missed = np.cumsum(mated, axis=-1) - mated
        # Where few non-mated scores are left is where operating points lie.
        whole = np.cumsum(non_mated.sum(axis=(0, 1))[::-1])[::-1]
        fine = np.flatnonzero((whole <= 0.01 * whole[0]) & (whole > 0))
        steps = np.union1d(np.arange(0, BINS, CURVE), fine[:: max(len(fine) // CURVE, 1)])
        pick = steps.astype(np.intp)
        return Sweep(
            np.array([_edge(int(k)) for k in pick]),
            np.moveaxis(false[..., pick], -1, 0),
            np.moveaxis(missed[..., pick], -1, 0),
            symmetric=True,
        )

    @cached_property
    def _histograms(self) -> tuple[Counts, Counts]:
        """Non-mated and mated scores by atoms, (a, a, BINS), symmetric."""
        atoms = len(self.atoms)
        non_mated, mates = (np.zeros((atoms, atoms, BINS), np.int64) for _ in range(2))
        for scores, rows, columns, a, b in self._blocks():
            for is_mated, which in self._kinds(rows, columns):
                table = mates if is_mated else non_mated
                table[a, b] += _histogram(scores if which is None else scores[which][:, None])
        for table in (non_mated, mates):
            table += table.transpose(1, 0, 2).copy()
            for k in range(atoms):
                table[k, k] //= 2
        return non_mated, mates

    def _kinds(
        self, rows: slice, columns: slice
    ) -> Iterator[tuple[bool, npt.NDArray[np.bool_] | None]]:
        """Which cells of a block are non-mated, and which mated; None for all of them."""
        mine, theirs = self._subject[rows], self._subject[columns]
        if mine[-1] < theirs[0] or theirs[-1] < mine[0]:
            yield False, None
            return
        mated = mine[:, None] == theirs[None]
        once = np.ones(mated.shape, np.bool_)
        if rows.start == columns.start:
            once = np.triu(once, 1)
        yield False, once & ~mated
        yield True, once & mated

    def _blocks(
        self,
    ) -> Iterator[tuple[npt.NDArray[np.float32], slice, slice, int, int]]:
        """Scores of each block on or above the diagonal, its rows and columns, and their atoms."""
        pieces = [
            slice(start, min(start + BLOCK, stop))
            for first, stop in _runs(self._atom)
            for start in range(first, stop, BLOCK)
        ]
        for i, rows in enumerate(pieces):
            left = self._unit(rows)
            for columns in pieces[i:]:
                right = left if columns is rows else self._unit(columns)
                scores = left @ right.T
                yield (
                    scores,
                    rows,
                    columns,
                    int(self._atom[rows.start]),
                    int(self._atom[columns.start]),
                )

    def _unit(self, piece: slice) -> npt.NDArray[np.float32]:
        rows = np.array(self._embeddings[self._order[piece]], np.float32)
        rows /= np.abs(rows).max(axis=1, keepdims=True)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def _histogram(scores: npt.NDArray[np.float32]) -> Counts:
    """(BINS,) counts; what rounding puts outside -1 to 1 is in the last or the first step."""
    if not scores.size:
        return np.zeros(BINS, np.int64)
    found = cv2.calcHist([np.ascontiguousarray(scores)], [0], None, [BINS], [-1, 1])
    counts = np.asarray(found, np.int64).ravel()
    if outside := scores.size - int(counts.sum()):
        above = int(np.count_nonzero(scores >= 1))
        counts[-1] += above
        counts[0] += outside - above
    return counts


def _edge(step: int) -> float:
    return -1 + step * 2 / BINS


def _runs(atom: Counts) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(atom)) + 1
    bounds = [0, *edges.tolist(), len(atom)]
    return [(a, b) for a, b in itertools.pairwise(bounds) if b > a]


def _persons(tables: dict[tuple[bool, int], Counts], kind: bool) -> Persons:
    """Every person's comparisons, from whichever side."""
    parts = []
    for (is_mated, own), table in tables.items():
        if is_mated == kind:
            person, other = np.nonzero(table[..., 1])
            parts.append((np.full(len(person), own), other, *table[person, other].T, person))
    if not parts:
        return Persons(*(np.zeros(0, np.int64) for _ in range(5)))
    one, other, errors, trials, person = (
        np.concatenate([part[k] for part in parts]).astype(np.int64) for k in range(5)
    )
    return Persons(one, other, errors, trials, person)
