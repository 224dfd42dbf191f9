"""Attacks on real people's veiled faces, by command: galleries, groups and choice of attackers."""

import hashlib
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from crowdveil.api import veil
from crowdveil.cli.app import app
from crowdveil.evidence.record import AttackRecord, Evidence, Result
from crowdveil.models.registry import weights_path
from crowdveil.options import VeilOptions

Run = Callable[..., Any]
PEOPLE, OTHERS = 6, 8


@dataclass(frozen=True)
class Folders:
    """Photos of people, their veiled copies and plans, and photos of others."""

    photos: Path
    veiled: Path
    plans: Path
    others: Path
    groups: Path
    own: Path


@pytest.fixture(scope="module")
def folders(eval_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    root = tmp_path_factory.mktemp("people")
    made = Folders(
        *(root / name for name in ("photos", "veiled", "plans", "others", "groups.csv", "own.onnx"))
    )
    people = sorted((eval_dir / "lfw").iterdir())
    for number, person in enumerate(people[: PEOPLE + OTHERS]):
        folder = made.photos if number < PEOPLE else made.others / "more"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sorted(person.glob("*.jpg"))[0], folder / f"{number:02d}.jpg")
    (made.others / "cut.jpg").write_bytes((made.photos / "00.jpg").read_bytes()[:4000])
    made.groups.write_text(
        "\ufefffile,group\n" + "".join(f"{k:02d}.jpg,{'ab'[k % 2]}\n" for k in range(PEOPLE - 1)),
        encoding="utf-8",
    )
    made.own.write_bytes(weights_path("sface").read_bytes())
    made.own.with_suffix(".toml").write_text('name = "own"\noutput = "fc1"\nthreshold = 0.42\n')
    veil(made.photos, made.veiled, options=VeilOptions(plans=made.plans))
    return made


@pytest.fixture(scope="module")
def attacked(
    folders: Folders, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Evidence, str, str]:
    """Record, page and stderr of one check with everything there is."""
    out = tmp_path_factory.mktemp("attacked")
    words = ["check", folders.photos, folders.veiled, "--plans", folders.plans, "-o", out]
    words += ["--gallery", folders.others, "--groups", folders.groups]
    words += ["--attacker", "sface", "--attacker", folders.own]
    said = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return Evidence.load(out / "evidence.json"), (out / "report.html").read_text(), said.stderr


def test_a_gallery_is_searched_too_and_its_damaged_photo_is_named_and_no_more(
    attacked: tuple[Evidence, str, str],
) -> None:
    record, page, err = attacked
    assert record.result is Result.CLEAN
    assert record.settings.gallery >= OTHERS
    assert [one.name for one in record.settings.gallery_unread] == ["cut.jpg"]
    assert "Left out of the gallery:" in err
    assert "cut.jpg" in err
    for attack in record.reidentification:
        assert attack.distractors == record.settings.gallery
        assert attack.people == attack.faces + attack.distractors
        assert all(one.rank_1.chance == pytest.approx(1 / attack.people) for one in attack.attacks)
    assert "cut.jpg" not in page
    assert "could not be read" in page


def test_groups_have_figures_of_their_own_that_add_up(attacked: tuple[Evidence, str, str]) -> None:
    record, page, _ = attacked
    for attack in record.reidentification:
        by_name: dict[str, dict[str | None, int]] = {}
        for one in attack.attacks:
            by_name.setdefault(one.name, {})[one.group] = one.rank_1.trials
        assert len(by_name) == 4
        for trials in by_name.values():
            assert set(trials) == {None, "a", "b"}
            assert trials["a"] >= 2 <= trials["b"]
            # One photo is in no group.
            assert trials["a"] + trials["b"] < trials[None] == attack.faces
    assert "clean gallery, own alignment: a" in page


def test_every_attacker_has_its_own_figures_and_hash(
    attacked: tuple[Evidence, str, str], folders: Folders
) -> None:
    record, page, _ = attacked
    sface, own = record.reidentification
    assert (sface.recogniser, own.recogniser) == ("sface", "own")
    for attack, path in ((sface, weights_path("sface")), (own, folders.own)):
        assert attack.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert record.weights[attack.recogniser] == attack.sha256
        assert attack.sha256 in page

    # The same network under another name must get the same.
    def got(attack: AttackRecord) -> list[tuple[str, str | None, int, int]]:
        return [(o.name, o.group, o.rank_1.hits, o.rank_10.hits) for o in attack.attacks]

    assert got(sface) == got(own)


def test_dlib_attacks_if_it_is_installed(crowdveil: Run, folders: Folders) -> None:
    if importlib.util.find_spec("dlib") is None:
        pytest.skip("the extra attackers is not installed")
    said = crowdveil("check", folders.photos, folders.veiled, "--attacker", "dlib", "--json")
    assert said.code == 0, said.err
    (attack,) = Evidence.from_json(said.out).reidentification
    assert attack.recogniser == "dlib"
    assert attack.faces >= PEOPLE
    # Without plans nobody knows how the faces were veiled.
    assert any("veiled alike was not tried" in sentence for sentence in attack.sentences)


def test_an_attacker_that_is_not_installed_is_refused_with_the_cure(
    crowdveil: Run, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever looks for it first in the workers' path finds it missing, installed or not.
    (tmp_path / "dlib.py").write_text("raise ModuleNotFoundError(name='dlib')\n")
    monkeypatch.syspath_prepend(tmp_path)
    said = crowdveil("check", folders.photos, folders.veiled, "--attacker", "dlib")
    assert said.code == 1
    assert "pip install 'crowdveil[attackers]'" in said.err
    assert not Path("evidence").exists()


def _empty(folder: Path) -> None:
    folder.mkdir()


def _faceless(folder: Path) -> None:
    folder.mkdir()
    Image.new("RGB", (300, 200), (40, 90, 160)).save(folder / "sky.jpg")


@pytest.mark.parametrize(
    ("make", "code", "told"),
    [
        (lambda folder: None, 1, "is no folder of photos"),
        (_empty, 2, "in 0 photos"),
        (_faceless, 2, "in 1 photo that"),
    ],
    ids=["missing", "empty", "faceless"],
)
def test_a_gallery_without_faces_is_refused_before_any_work(
    crowdveil: Run, folders: Folders, make: Callable[[Path], None], code: int, told: str
) -> None:
    make(Path("gallery"))
    said = crowdveil("check", folders.photos, folders.veiled, "--gallery", "gallery")
    assert (said.code, said.out) == (code, "")
    assert told in said.err
    assert "--gallery" in said.err
    assert not Path("evidence").exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "cannot be read"),
        (b"file,group\n00.jpg,a\nmarch9.jpg,b\nx.jpg,b\n", r"names march9.jpg and 1 more, which"),
        (b"name,label\n00.jpg,a\n", "no columns file and group"),
        (b"", "no columns file and group"),
        (b"file,group\n00.jpg,a\n00.jpg,b\n", "puts 00.jpg into two groups"),
        (b"file,group\n\xff\xfe.jpg,a\n", "no CSV file in UTF-8"),
    ],
    ids=["missing", "stranger", "columns", "empty", "twice", "bytes"],
)
def test_a_table_of_groups_that_makes_no_sense_is_refused(
    crowdveil: Run, folders: Folders, data: bytes | None, told: str
) -> None:
    if data is not None:
        Path("groups.csv").write_bytes(data)
    said = crowdveil("check", folders.photos, folders.veiled, "--groups", "groups.csv")
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert "groups.csv" in said.err
    assert not Path("evidence").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--attacker", "facenet"], "facenet: is no attacker; choose sface, dlib"),
        (["--quick", "--gallery", "others"], "quick and gallery contradict"),
        (["--quick", "--attacker", "dlib"], "quick and attackers contradict"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_contradictions_about_attacks_are_wrong_usage(
    crowdveil: Run, words: list[str], told: str
) -> None:
    said = crowdveil("check", "a.jpg", "b.jpg", *words)
    assert said.code == 2
    assert told in said.err
