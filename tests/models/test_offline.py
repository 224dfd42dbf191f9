"""Nothing leaves the machine: watched from outside the process, children included.

The inference library reports its use from a child process, which no hook inside Python sees;
strace does.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import crowdveil

INFER = """
from crowdveil.models.offline import silence_reporter
from crowdveil.models.registry import weights_path
silence_reporter()
import numpy as np
import openvino as ov
network = ov.Core().compile_model(ov.Core().read_model(weights_path("yunet")), "CPU")
print(len(network(np.zeros((1, 3, 640, 640), np.float32))))
"""
DEMO = "from crowdveil.cli import main; main()"


def home(tmp_path: Path) -> dict[str, str]:
    """An environment that does not look like CI's, where the reporter holds its tongue."""
    silent = {"CI", "TF_BUILD", "JENKINS_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in silent}
    return {**kept, "HOME": str(tmp_path / "home")}


def network_calls(tmp_path: Path, *command: str) -> list[str]:
    """Run a command under strace; the calls that touch a network, of it and its children."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    (tmp_path / "home").mkdir()
    log = tmp_path / "calls.txt"
    traced = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(log), *command]
    done = subprocess.run(
        traced, env=home(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=110
    )
    if "PTRACE" in done.stderr and not log.exists():
        pytest.skip("this machine does not let strace trace")
    assert done.returncode == 0, done.stderr
    return [line for line in log.read_text().splitlines() if re.search(r"AF_INET|AF_NETLINK", line)]


def test_the_watch_would_see_a_child_that_looks_up_a_host(tmp_path: Path) -> None:
    child = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert network_calls(tmp_path, sys.executable, "-c", parent)


def test_inference_touches_no_network_and_leaves_nothing_at_home(tmp_path: Path) -> None:
    assert network_calls(tmp_path, sys.executable, "-c", INFER) == []
    assert list((tmp_path / "home").iterdir()) == []


def test_the_whole_demo_touches_no_network_and_leaves_nothing_at_home(tmp_path: Path) -> None:
    assert network_calls(tmp_path, sys.executable, "-c", DEMO, "demo", "-o", "out") == []
    assert list((tmp_path / "home").iterdir()) == []
    assert list((tmp_path / "out").rglob("*.jpg"))


def test_every_import_of_the_inference_library_silences_it_first() -> None:
    for path in Path(crowdveil.__file__).parent.rglob("*.py"):
        lines_importing: list[int] = []
        lines_silencing: list[int] = []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                if any(name.split(".")[0] == "openvino" for name in names):
                    lines_importing.append(node.lineno)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "silence_reporter":
                lines_silencing.append(node.lineno)
        if lines_importing:
            assert lines_silencing, f"{path.name} imports openvino without silence_reporter()"
            assert min(lines_silencing) < min(lines_importing), path.name
