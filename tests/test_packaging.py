"""What a user installs: one wheel with its weights, built from pinned packages or not at all."""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import crowdveil
from crowdveil.models.catalogue import PORTRAIT, WEIGHTS, Portrait, Weights

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LISTED: tuple[Weights | Portrait, ...] = (*WEIGHTS, PORTRAIT)
CARRIED = [entry for entry in LISTED if entry.carrier is not None]
TREE = ("src", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore")

sys.path.insert(0, str(ROOT))
from hatch_build import place  # noqa: E402


def built_wheel(folder: Path) -> Path:
    """A wheel of the current tree, built without isolation: the weights are in place."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("build"))


def test_the_wheel_holds_every_weights_file_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for entry in LISTED:
            data = archive.read(f"crowdveil/{entry.file}")
            assert hashlib.sha256(data).hexdigest() == entry.sha256
        for entry in WEIGHTS:
            assert entry.licence_file in names or f"crowdveil/{entry.licence_file}" in names
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_holds_the_register_of_laws(wheel: Path) -> None:
    home = ROOT / "src" / "crowdveil" / "laws"
    data = [*home.glob("places/*.toml"), *home.glob("data/*"), *home.glob("templates/*")]
    assert len(data) > 80
    with zipfile.ZipFile(wheel) as archive:
        for path in (home / "register.toml", *data):
            name = path.relative_to(ROOT / "src").as_posix()
            assert archive.read(name) == path.read_bytes()


def test_the_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            assert name.startswith(("crowdveil/", "crowdveil-")), name
            assert not re.search(r"\.(pyc|partial|log|swp)$|/tests?/", name), name


def test_the_same_tree_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert built_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_build_requires_every_carrier_that_the_catalogue_names() -> None:
    required = {need for need in PYPROJECT["build-system"]["requires"] if "==" in need}
    (rewriter,) = required - {entry.carrier for entry in CARRIED}
    assert rewriter.startswith("onnx==")
    assert required - {rewriter} == {entry.carrier for entry in CARRIED}


def test_no_carrier_is_needed_at_run_time() -> None:
    needed = {re.split(r"[<>=~!\[ ]", need)[0] for need in PYPROJECT["project"]["dependencies"]}
    assert not needed & {(entry.carrier or "").split("==")[0] for entry in CARRIED}


def test_git_holds_no_carried_file() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    said = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = said.stdout.splitlines()
    assert not [entry.file for entry in CARRIED if f"src/crowdveil/{entry.file}" in tracked]


def test_version_changelog_and_metadata_agree() -> None:
    version = PYPROJECT["project"]["version"]
    assert crowdveil.__version__ == version
    assert importlib.metadata.version("crowdveil") == version
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[?(\d+\.\d+\.\d+)", changelog, re.MULTILINE)[0]
    assert newest == version


def test_every_dependency_is_justified() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    project = PYPROJECT["project"]
    needs = [*project["dependencies"], *PYPROJECT["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        needs += extra
    for need in needs:
        name = re.split(r"[<>=~!\[ ]", need)[0]
        assert name == "crowdveil" or f"| {name} |" in page, f"docs/dependencies.md omits {name}"


def test_the_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    install = "python3 -m venv .venv && .venv/bin/pip install"
    assert f"{install} . && .venv/bin/crowdveil demo\n" in readme
    assert f'{install} -e ".[test]" && .venv/bin/pytest\n' in readme


class TestPlacing:
    """The build hook, with a made-up carrier installed for real in a folder on the path."""

    DATA = b"weights"

    @pytest.fixture
    def entry(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        site = tmp_path / "site"
        (site / "carrier").mkdir(parents=True)
        (site / "carrier" / "net.onnx").write_bytes(self.DATA)
        info = site / "madeupcarrier-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: madeupcarrier\nVersion: 1.2\n")
        monkeypatch.syspath_prepend(str(site))
        return SimpleNamespace(
            carrier="madeupcarrier==1.2",
            member="carrier/net.onnx",
            sha256=hashlib.sha256(self.DATA).hexdigest(),
            carried_sha256=None,
        )

    def test_a_carried_file_is_placed_byte_for_byte(
        self, entry: SimpleNamespace, tmp_path: Path
    ) -> None:
        place(entry, tmp_path / "new" / "net.onnx")
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["net.onnx"]
        assert (tmp_path / "new" / "net.onnx").read_bytes() == self.DATA

    def test_an_exchanged_file_stops_the_build_and_is_not_placed(
        self, entry: SimpleNamespace, tmp_path: Path
    ) -> None:
        entry.sha256 = "0" * 64
        with pytest.raises(SystemExit, match=r"instead of 0{64}: it has been exchanged"):
            place(entry, tmp_path / "net.onnx")
        assert not (tmp_path / "net.onnx").exists()

    def test_a_file_that_is_rewritten_is_compared_before_and_after(
        self, entry: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hatch_build.plain_graph", lambda data: data[::-1])
        entry.carried_sha256 = entry.sha256
        with pytest.raises(SystemExit, match="build with the version of onnx"):
            place(entry, tmp_path / "net.onnx")
        assert not (tmp_path / "net.onnx").exists()
        entry.sha256 = hashlib.sha256(self.DATA[::-1]).hexdigest()
        place(entry, tmp_path / "net.onnx")
        assert (tmp_path / "net.onnx").read_bytes() == self.DATA[::-1]
        entry.carried_sha256 = "0" * 64
        (tmp_path / "net.onnx").unlink()
        with pytest.raises(SystemExit, match=r"instead of 0{64}: it has been exchanged"):
            place(entry, tmp_path / "net.onnx")

    def test_another_version_of_the_carrier_stops_the_build(
        self, entry: SimpleNamespace, tmp_path: Path
    ) -> None:
        entry.carrier = "madeupcarrier==1.3"
        with pytest.raises(SystemExit, match=r"needs madeupcarrier==1\.3, but .* 1\.2 is"):
            place(entry, tmp_path / "net.onnx")

    def test_a_missing_carrier_or_member_stops_the_build(
        self, entry: SimpleNamespace, tmp_path: Path
    ) -> None:
        entry.member = "carrier/gone.onnx"
        with pytest.raises(SystemExit, match=r"holds no carrier/gone\.onnx"):
            place(entry, tmp_path / "net.onnx")
        entry.carrier = "nosuchcarrier==1.2"
        with pytest.raises(SystemExit, match=r"needs nosuchcarrier==1\.2, which carries"):
            place(entry, tmp_path / "net.onnx")

    def test_a_right_file_already_there_needs_no_carrier(
        self, entry: SimpleNamespace, tmp_path: Path
    ) -> None:
        target = tmp_path / "net.onnx"
        target.write_bytes(self.DATA)
        entry.carrier = "nosuchcarrier==1.2"
        place(entry, target)
        assert target.read_bytes() == self.DATA

    def test_a_damaged_file_already_there_is_replaced(
        self, entry: SimpleNamespace, tmp_path: Path
    ) -> None:
        target = tmp_path / "net.onnx"
        target.write_bytes(self.DATA[:-1])
        place(entry, target)
        assert target.read_bytes() == self.DATA
