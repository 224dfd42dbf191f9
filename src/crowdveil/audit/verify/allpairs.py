"""Compares all pairs of embeddings in blocks of bounded memory, at near the speed of the matrix
product that it is.

Embeddings and who they show come in; histograms of cosine similarity, and what each person's
comparisons come to at thresholds, go out. Reading files is left to `embeddings`, thresholds and
rates to `rates`.

Embeddings are sorted by atom and person, so that a tile of the product is counted for the same
groups throughout, and mated pairs lie near the diagonal. Similarities become bins of `STEP` by
one fused cast to uint16, which OpenCV counts at about three times the speed of the product.
Every thread works on tiles of its own, with a matrix product of one thread.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import cv2
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from crowdveil.audit.embeddings import Embeddings, has_template
from crowdveil.audit.partitions import Partition
from crowdveil.audit.verify.comparisons import Counts, Histograms, Tally
from crowdveil.detect.engine import cores

BINS = 65_536
"""Of uint16."""

SCALE = 32_767
"""Bins for a similarity of 1: bin k begins at (k - 32,768) / 32,767."""

STEP = 1 / SCALE
"""Width of a bin: 0.00003. Thresholds are multiples of it."""

TILE_ROWS, TILE_COLUMNS = 512, 2048
"""4 MB of float32 for each thread: small enough for the processor's cache, large enough that
what is done once for each tile costs nothing."""

_MOST_COUNTED = 1 << 24
"""OpenCV counts in float32, which is exact up to here."""

Bins = npt.NDArray[np.uint16]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Faces:
    """Embeddings and who they show.

    Attributes:
        embeddings: (n, d) floats, of any length; may be a memory map.
        person: (n,) int32 who each shows.
    """

    embeddings: Embeddings
    person: Codes


@dataclass(frozen=True, slots=True)
class _Side:
    """Embeddings of length 1 in rising order of persons.

    Attributes:
        vectors: (n, d).
        person: (n,) by the numbers of `AllPairs`, which rise with the atoms.
        starts: (atoms + 1,) where each atom begins.
    """

    vectors: npt.NDArray[np.float32]
    person: Codes
    starts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Tile:
    """One block of the product.

    Attributes:
        rows, columns: where it is.
        bins: of its pairs.
        mated: which pairs are mated; None if none is.
        nonmated: which pairs are not; None if none is mated and all count.
    """

    rows: slice
    columns: slice
    bins: Bins
    mated: Flags | None
    nonmated: Flags | None


class AllPairs:
    """All comparisons of probes with references, or of all embeddings of one set."""

    people_known = True

    def __init__(
        self,
        probes: Faces,
        references: Faces | None,
        atom: Codes,
        partitions: tuple[Partition, ...],
    ) -> None:
        """Normalise and sort.

        Args:
            probes: with their people.
            references: None to compare the probes with one another, each pair once.
            atom: (p,) the atom of every person.
            partitions: divisions of the atoms into groups.

        Raises:
            ValueError: embeddings of different lengths, or one without a direction.
        """
        sides = [probes] if references is None else [probes, references]
        if len({faces.embeddings.shape[1] for faces in sides}) > 1:
            raise ValueError("probes and references must have embeddings of one length")
        self.partitions = partitions
        order = np.argsort(atom, kind="stable")
        number = np.empty(len(atom), np.int32)
        number[order] = np.arange(len(atom))
        self._atom = atom[order]
        sorted_sides = [
            _sorted(faces.embeddings, number[faces.person], self._atom, len(partitions[0].group))
            for faces in sides
        ]
        self._left, self._right = sorted_sides[0], sorted_sides[-1]
        self._one_set = references is None
        shown = np.concatenate([side.person for side in sorted_sides])
        self.persons = len(np.unique(shown))

    @property
    def comparisons(self) -> int:
        """How many pairs there are, mated and not."""
        n, m = len(self._left.person), len(self._right.person)
        return n * (n - 1) // 2 if self._one_set else n * m

    def snapped(self, threshold: float) -> float:
        """The nearest beginning of a bin."""
        return _begins(int(np.clip(round(threshold * SCALE) + 32_768, 0, BINS)))

    def histograms(self) -> Histograms:
        """The distribution of scores within every group."""
        return self._histograms

    def lowest(self, partition: int, group: int, target: float) -> float:
        """See `Comparisons`."""
        counts = self._histograms.nonmated[partition][group]
        at_or_above = np.cumsum(counts[::-1])[::-1]
        if not at_or_above[0]:
            raise ValueError("no threshold can be found without non-mated comparisons")
        fits = np.flatnonzero(at_or_above <= target * at_or_above[0])
        return _begins(int(fits[0]) if fits.size else BINS)

    def tally(self, thresholds: Sequence[float]) -> Tally:
        """See `Comparisons`; thresholds must be `snapped`."""
        atoms, people = len(self.partitions[0].group), len(self._atom)
        lowest_bins = [round(value * SCALE) + 32_768 for value in thresholds]
        probe = np.zeros((1 + len(thresholds), people, atoms), np.int64)
        reference = probe if self._one_set else np.zeros_like(probe)
        mated = np.zeros(probe.shape[:2], np.int64)
        self._count_pairs(probe, reference, mated)
        column_atom = self._atom[self._right.person]
        lock = Lock()

        def strip(rows: slice, atom: int) -> None:
            for tile in self._tiles(rows, slice(0, len(column_atom))):
                left, right = self._left.person[tile.rows], self._right.person[tile.columns]
                found = _reaching(tile, min(lowest_bins))
                row, column = np.divmod(found, len(right))
                for number, lowest in enumerate(lowest_bins, 1):
                    matched = tile.bins.ravel()[found] >= lowest
                    i, j = row[matched], column[matched]
                    missed = _missed(tile, lowest)
                    if not (i.size or missed.any()):
                        continue
                    with lock:
                        np.add.at(probe[number], (left[i], column_atom[tile.columns][j]), 1)
                        np.add.at(reference[number, :, atom], right[j], 1)
                        np.add.at(mated[number], left, missed)

        self._each_strip(strip)
        members = np.ones(people, np.int64)
        return Tally(self._atom, members, probe, None if self._one_set else reference, mated)

    @cached_property
    def _histograms(self) -> Histograms:
        shape = [(len(partition.groups), BINS) for partition in self.partitions]
        nonmated = [np.zeros(size, np.int64) for size in shape]
        mated = [np.zeros(size, np.int64) for size in shape]
        lock = Lock()

        def strip(rows: slice, atom: int) -> None:
            same = _Counter()
            different = {shared: _Counter() for shared, _ in self._runs(atom)}
            for shared, columns in self._runs(atom):
                for tile in self._tiles(rows, columns):
                    if tile.mated is None:
                        different[shared].add(tile.bins)
                    else:
                        different[shared].add(tile.bins[tile.nonmated])
                        same.add(tile.bins[tile.mated])
            with lock:
                for number, partition in enumerate(self.partitions):
                    group = partition.group[atom]
                    if group >= 0:
                        mated[number][group] += same.total()
                for shared, counter in different.items():
                    for number in shared:
                        group = self.partitions[number].group[atom]
                        nonmated[number][group] += counter.total()

        self._each_strip(strip)
        edges = (np.arange(BINS) - 32_768) / SCALE
        return Histograms(edges, nonmated, mated)

    def _runs(self, atom: int) -> Iterator[tuple[tuple[int, ...], slice]]:
        """Columns beside one another that share the same partitions' groups with an atom."""
        starts = self._right.starts
        groups = np.stack([partition.group for partition in self.partitions])
        together = (groups == groups[:, [atom]]) & (groups >= 0)
        atoms = len(starts) - 1
        begin = 0
        for other in range(1, atoms + 1):
            if other == atoms or not np.array_equal(together[:, other], together[:, begin]):
                shared = tuple(np.flatnonzero(together[:, begin]).tolist())
                yield shared, slice(int(starts[begin]), int(starts[other]))
                begin = other

    def _each_strip(self, work: Callable[[slice, int], None]) -> None:
        """Do `work` for every few rows of an atom, on all cores."""
        starts = self._left.starts
        strips = [
            (slice(row, min(row + TILE_ROWS, int(starts[atom + 1]))), atom)
            for atom in range(len(starts) - 1)
            for row in range(int(starts[atom]), int(starts[atom + 1]), TILE_ROWS)
        ]
        # Each thread multiplies for itself: products that share threads would wait for one
        # another, and for the counting in between.
        with (
            threadpool_limits(1, user_api="blas"),
            ThreadPoolExecutor(cores(), thread_name_prefix="crowdveil-compare") as pool,
        ):
            running = [pool.submit(work, *strip) for strip in strips]
            try:
                for one in running:
                    one.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _tiles(self, rows: slice, columns: slice) -> Iterator[_Tile]:
        """The blocks of some rows; of one set only those with pairs above the diagonal."""
        block = self._left.vectors[rows] * np.float32(SCALE)
        height = rows.stop - rows.start
        first = max(columns.start, rows.start) if self._one_set else columns.start
        scores = np.empty(height * TILE_COLUMNS, np.float32)
        bins = np.empty(height * TILE_COLUMNS, np.uint16)
        for start in range(first, columns.stop, TILE_COLUMNS):
            part = slice(start, min(start + TILE_COLUMNS, columns.stop))
            shape = (height, part.stop - part.start)
            product = scores[: shape[0] * shape[1]].reshape(shape)
            binned = bins[: shape[0] * shape[1]].reshape(shape)
            np.matmul(block, self._right.vectors[part].T, out=product)
            # Rounding may take a similarity of 1 a little further, never past the ends.
            np.add(product, np.float32(32_768), out=binned, casting="unsafe")
            yield _Tile(rows, part, binned, *self._exceptions(rows, part))

    def _exceptions(self, rows: slice, columns: slice) -> tuple[Flags | None, Flags | None]:
        """Which pairs of a tile are mated, and which not; None for the plain case."""
        left, right = self._left.person[rows], self._right.person[columns]
        crossing = self._one_set and columns.start < rows.stop
        if not crossing and (left[-1] < right[0] or right[-1] < left[0]):
            return None, None
        mated = left[:, None] == right[None, :]
        nonmated = ~mated
        if crossing:
            above = (
                np.arange(columns.start, columns.stop) > np.arange(rows.start, rows.stop)[:, None]
            )
            mated &= above
            nonmated &= above
        return mated, nonmated

    def _count_pairs(self, probe: Counts, reference: Counts, mated: Counts) -> None:
        """How many comparisons everybody has: known without making them."""
        people = np.arange(len(self._atom))
        as_probe = np.bincount(self._left.person, minlength=len(people))
        as_reference = np.bincount(self._right.person, minlength=len(people))
        probe[0] = as_probe[:, None] * np.diff(self._right.starts)[None, :]
        probe[0, people, self._atom] -= as_probe * as_reference
        if self._one_set:
            mated[0] = as_probe * (as_probe - 1) // 2
        else:
            reference[0] = as_reference[:, None] * np.diff(self._left.starts)[None, :]
            reference[0, people, self._atom] -= as_probe * as_reference
            mated[0] = as_probe * as_reference


class _Counter:
    """Counts bins exactly, however many."""

    def __init__(self) -> None:
        self._counts = np.zeros((BINS, 1), np.float32)
        self._total = np.zeros(BINS, np.int64)
        self._pending = 0

    def add(self, bins: Bins) -> None:
        """Count these; any shape."""
        if not bins.size:
            return
        if self._pending + bins.size > _MOST_COUNTED:
            self._flush()
        table = bins if bins.ndim == 2 else bins[None, :]
        cv2.calcHist([table], [0], None, [BINS], [0, BINS], self._counts, True)
        self._pending += bins.size

    def total(self) -> Counts:
        """(BINS,) counts so far."""
        self._flush()
        return self._total

    def _flush(self) -> None:
        if self._pending:
            self._total += self._counts[:, 0].astype(np.int64)
            self._counts[:] = 0
            self._pending = 0


def _reaching(tile: _Tile, lowest: int) -> npt.NDArray[np.intp]:
    """Places of the non-mated pairs of a tile in this bin or above."""
    if lowest >= BINS:
        return np.zeros(0, np.intp)
    reaching = tile.bins >= np.uint16(lowest)
    if tile.nonmated is not None:
        reaching &= tile.nonmated
    return np.flatnonzero(reaching)


def _missed(tile: _Tile, lowest: int) -> npt.NDArray[np.intp]:
    """How many mated pairs of each row of a tile are below this bin."""
    if tile.mated is None:
        return np.zeros(len(tile.bins), np.intp)
    below = tile.mated if lowest >= BINS else tile.mated & (tile.bins < np.uint16(lowest))
    return np.asarray(np.count_nonzero(below, axis=1), np.intp)


def _begins(k: int) -> float:
    """The similarity at which bin k begins; that of bin 65,536 is above every similarity."""
    return (k - 32_768) / SCALE


def _sorted(embeddings: Embeddings, person: Codes, atom: Codes, atoms: int) -> _Side:
    order = np.argsort(person, kind="stable")
    vectors = np.asarray(embeddings, np.float32)[order]
    if not has_template(vectors).all():
        raise ValueError("every embedding must be finite and not all zero")
    # Scaled first: the square of a large component may overflow.
    vectors /= np.abs(vectors).max(1, keepdims=True, initial=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    starts = np.searchsorted(atom[person[order]], np.arange(atoms + 1))
    return _Side(vectors, person[order], starts)
