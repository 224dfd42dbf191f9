"""Turns aligned faces into vectors that are close for one person and apart for two.

A picture and five landmarks come in, a unit vector goes out. These vectors are biometric
templates: they stay in memory, nothing here writes or prints them, and nothing that crowdveil
reports contains them. Comparing them, and saying what a comparison means, is left to `evidence`
and `audit`.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.engine import Network, Training, cores
from crowdveil.detect.landmarks import Points
from crowdveil.errors import WeightsInvalid
from crowdveil.media.picture import RGB
from crowdveil.models.registry import weights_hash, weights_path
from crowdveil.recognise.align import ARCFACE, Frame, chip
from crowdveil.recognise.described import read_description

Template: TypeAlias = NDArray[np.float32]
"""(d,) float32 of length 1; the dot product of two is their cosine similarity, -1 to 1."""

Run: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From (n, side, side, 3) uint8 RGB chips to (n, d) float32, of any length."""

BATCH = 8
"""Chips inferred at once; more gains nothing."""

SFACE_THRESHOLD = 0.42
"""Cosine similarity that 1 in 10,000 pairs of different people exceeds: LFW, 1,500 people,
1.1 million pairs, `bench/reidentify.py --threshold`."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Which recogniser made a figure: what reports quote.

    Attributes:
        name: as reports call it.
        sha256: of its weights.
        threshold: similarity that 1 in 10,000 non-mated pairs exceeds, or None if unknown.
        threshold_from: on what that was measured, or how it was given; empty if unknown.
    """

    name: str
    sha256: str
    threshold: float | None = None
    threshold_from: str = ""


class Embedder:
    """A face recogniser: how it wants faces aligned, and the network behind it."""

    def __init__(self, recogniser: Recogniser, frame: Frame, run: Run) -> None:
        """Put one together.

        Args:
            recogniser: what reports quote.
            frame: the chip that the network was trained on.
            run: the network; must be safe to call from several threads.
        """
        self.recogniser = recogniser
        self.frame = frame
        self._run = run

    def with_pulse(self, beat: Callable[[], None]) -> "Embedder":
        """The same, but it calls `beat`, on any thread, after each batch of faces."""

        def run(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
            vectors = self._run(batch)
            beat()
            return vectors

        return Embedder(self.recogniser, self.frame, run)

    def __repr__(self) -> str:
        """Its name and the weights' hash; never a vector."""
        return f"Embedder({self.recogniser.name!r}, sha256={self.recogniser.sha256[:12]!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be written anywhere; a process makes its own."""
        raise TypeError("an embedder is not to be pickled; load it where it is needed")

    def embed(self, picture: RGB, points: Points) -> Template:
        """The template of one face.

        Args:
            picture: (h, w, 3) uint8 RGB, upright.
            points: (5, 2) float32, its landmarks in pixels of the picture.

        Returns:
            (d,) float32 of length 1.

        Raises:
            ValueError: the picture or the landmarks have the wrong shape, or the landmarks are
                not finite or all in one place.
        """
        vectors: NDArray[np.float32] = self.embed_all([(picture, points)])
        return np.asarray(vectors[0], np.float32)

    def embed_all(self, faces: Sequence[tuple[RGB, Points]]) -> NDArray[np.float32]:
        """The templates of n faces, in their order, as if each were alone: (n, d) float32.

        Args:
            faces: pictures with landmarks, as for `embed`; n may be 0, which gives (0, 0).

        Raises:
            ValueError: as for `embed`.
        """
        return self.embed_chips([chip(picture, points, self.frame) for picture, points in faces])

    def embed_chips(self, chips: Sequence[RGB]) -> NDArray[np.float32]:
        """The templates of n faces that are aligned already: (n, d) float32.

        Args:
            chips: (side, side, 3) uint8 RGB each, as `align.chip` cuts them for `frame`.

        Raises:
            ValueError: a chip of another shape.
        """
        side = self.frame.side_px
        if any(one.shape != (side, side, 3) for one in chips):
            raise ValueError(f"every chip must be ({side}, {side}, 3)")
        if not chips:
            return np.empty((0, 0), np.float32)
        # Zero-bit veils make thousands of faces equal: what is equal is embedded once.
        contents = [one.tobytes() for one in chips]
        distinct = dict(zip(contents, chips, strict=True))
        number = {content: k for k, content in enumerate(distinct)}
        vectors = self._embed_distinct(list(distinct.values()))
        return vectors[[number[content] for content in contents]]

    def _embed_distinct(self, chips: Sequence[RGB]) -> NDArray[np.float32]:
        """The templates of n > 0 different chips."""
        whole = len(chips) // BATCH * BATCH
        # A network is prepared anew for every new batch size, so there are only these two.
        batches = [np.stack(chips[start : start + BATCH]) for start in range(0, whole, BATCH)]
        batches += [np.stack([one]) for one in chips[whole:]]
        with ThreadPoolExecutor(cores(), thread_name_prefix="crowdveil-embed") as pool:
            vectors = np.concatenate(list(pool.map(self._run, batches))).astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths <= 0).any():
            raise WeightsInvalid(
                f"the recogniser {self.recogniser.name} gave a vector without direction; check "
                "its weights and the description of its input"
            )
        return np.asarray(vectors / lengths, np.float32)


def load_embedder(path: Path | None = None) -> Embedder:
    """The built-in recogniser (SFace), or one of the user's own.

    Args:
        path: an ONNX file with its description beside it (`mine.onnx`, `mine.toml`; see
            docs/reidentification.md), or None for the built-in one.

    Raises:
        WeightsInvalid: a file is missing or altered, or the two do not fit together.
    """
    if path is None:
        recogniser = Recogniser(
            "sface",
            weights_hash("sface"),
            SFACE_THRESHOLD,
            "1.1 million pairs of different people of LFW",
        )
        # The network scales by itself: (value - 127.5) / 128.
        network = Network(weights_path("sface"), ["fc1"], training=Training(), side_px=112)
        return Embedder(recogniser, ARCFACE, lambda batch: network.run(batch)[0])
    said = read_description(path)
    if said.name in ("sface", "dlib"):
        raise WeightsInvalid(
            f"{path.with_suffix('.toml')}: the name {said.name!r} is taken; choose another, so "
            "that reports can tell which weights they mean"
        )
    training = Training(said.colour == "bgr", said.mean, said.scale)
    network = Network(
        path, [said.output] if said.output else [], training=training, side_px=said.side_px
    )
    recogniser = Recogniser(
        said.name, said.sha256, said.threshold, "its description" if said.threshold else ""
    )
    embedder = Embedder(recogniser, said.frame(), lambda batch: network.run(batch)[0])
    _try(embedder, path)
    return embedder


def _try(embedder: Embedder, path: Path) -> None:
    """Embed noise alone and in a batch, so that a wrong description fails now, with a sentence."""
    side = embedder.frame.side_px
    noise = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
    vectors = embedder.embed_chips(list(noise))
    alone = embedder.embed_chips([noise[0]])
    if vectors.ndim != 2 or vectors.shape[0] != BATCH or alone.shape != (1, vectors.shape[1]):
        raise WeightsInvalid(
            f"{path}: gives {vectors.shape} numbers for {BATCH} faces instead of one vector each; "
            "name the right output in its description, see docs/reidentification.md"
        )
