"""Runs a network on batches of pictures: uint8 RGB in, named outputs out.

The one place that knows the inference library (OpenVINO). A network is compiled once, for any
picture size or for one, with as many independent streams as there are cores, so that callers
in several threads never wait for each other's answer. Knows nothing of faces, boxes or files.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from crowdveil.errors import WeightsInvalid
from crowdveil.models.offline import silence_reporter

Outputs = list[NDArray[np.float32]]

_FIRST = Lock()

_SHARE: list[int] = []
"""How many cores `use_cores` left to this process, if it did."""


def use_cores(most: int) -> None:
    """Leave the other cores to other processes; to be called before anything is compiled."""
    _SHARE[:] = [most]


def cores() -> int:
    """How many cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    else:
        found = os.cpu_count() or 1
    return max(min([found, *_SHARE]), 1)


@dataclass(frozen=True, slots=True)
class Training:
    """What kind of pictures a network was trained on.

    Attributes:
        bgr: whether blue came first.
        mean, scale: it saw `(value - mean) / scale`, per channel in its own order.
    """

    bgr: bool = False
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Network:
    """One network, compiled for pictures of any size, or of one."""

    def __init__(
        self,
        path: Path,
        outputs: Sequence[str],
        *,
        training: Training | None = None,
        side_px: int | None = None,
    ) -> None:
        """Read and compile a network, one stream of inference a core.

        Args:
            path: ONNX file with one (n, 3, h, w) float input.
            outputs: names of the outputs to return, in this order; all if empty.
            training: what it was trained on; plain RGB, 0-255, if None.
            side_px: side of the square pictures that it takes, or None if any size goes. What
                such a network says is compared with numbers measured elsewhere, so it computes
                in float32, which is slower but the same on every processor.

        Raises:
            WeightsInvalid: the file is no such network.
        """
        silence_reporter()
        import openvino as ov  # slow to import; `--help` must not wait for it
        from openvino.passes import ConstantFolding, Manager
        from openvino.preprocess import ColorFormat, PrePostProcessor

        training = training or Training()
        streams = cores()
        try:
            core = ov.Core()
            model = core.read_model(path)
            # CenterFace's file fixes 10x3x32x32 and YuNet's 1x3x640x640; both are
            # convolutional and take any multiple of 32.
            side = -1 if side_px is None else side_px
            model.reshape({0: ov.PartialShape([-1, 3, side, side])})
            # 8-bit weights that are left to be unpacked at compilation come out wrong in about
            # half of all compilations with more than one stream (seen with 2026.4).
            folding = Manager()
            folding.register_pass(ConstantFolding())
            folding.run_passes(model)
            steps = PrePostProcessor(model)
            tensor = steps.input().tensor()
            tensor.set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
            tensor.set_color_format(ColorFormat.RGB)
            steps.input().model().set_layout(ov.Layout("NCHW"))
            process = steps.input().preprocess().convert_element_type(ov.Type.f32)
            if training.bgr:
                process.convert_color(ColorFormat.BGR)
            if any(training.mean):
                process.mean(list(training.mean))
            if training.scale != (1.0, 1.0, 1.0):
                process.scale(list(training.scale))
            settings: dict[str, object] = {
                "INFERENCE_NUM_THREADS": streams,
                "NUM_STREAMS": streams,
            }
            if side_px is not None:
                settings["INFERENCE_PRECISION_HINT"] = "f32"
            self._compiled = core.compile_model(steps.build(), "CPU", settings)
            self._outputs = [self._compiled.output(name) for name in outputs] or list(
                self._compiled.outputs
            )
            self._idle: list[ov.InferRequest] = []
            self._turn, self._running = Lock(), 0
            # The library fills a table at its first inference, in a way that hangs for good
            # when two threads come first together (seen with 2026.4): let one go alone.
            with _FIRST:
                first = side_px or 64
                self.run(np.zeros((1, first, first, 3), np.uint8))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise WeightsInvalid(
                f"{path}: cannot be run ({reason}); "
                "check the file and the description of its input and outputs"
            ) from error

    def run(self, batch: NDArray[np.uint8]) -> Outputs:
        """Infer a batch, blocking; safe to call from several threads at once.

        Args:
            batch: (n, h, w, 3) uint8 RGB, n >= 1, h and w what the network can take.

        Returns:
            One float32 array per output chosen at construction, first axis as the network has it.
        """
        # As many are made as threads ever came at once: making one for each batch costs 1.5 ms.
        with self._turn:
            request = self._idle.pop() if self._idle else self._compiled.create_infer_request()
            self._running += 1
        try:
            request.infer({0: np.ascontiguousarray(batch)}, share_inputs=True)
            return [
                np.array(request.get_tensor(output).data, np.float32, copy=True)
                for output in self._outputs
            ]
        finally:
            with self._turn:
                self._idle.append(request)
                self._running -= 1

    def rest(self) -> None:
        """Give back the memory that inferences left behind; nothing while one is running."""
        # The library refuses to while anyone infers.
        with self._turn:
            if not self._running:
                self._compiled.release_memory()
