import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import fields
from html.parser import HTMLParser
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from crowdveil.audit.options import AUDIT, Auditing, ClassifyOptions, IdentifyOptions, VerifyOptions
from crowdveil.cli.audit.classify import classify
from crowdveil.cli.audit.identify import identify
from crowdveil.cli.audit.verify import verify

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET_BROWSER = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


PHONE_PX = 390


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A classifier that is wrong about a third of one group, and once gave no answer."""
    path = tmp_path / "faces.csv"
    rows = ["truth,predicted,skin <type>,gender"]
    for number in range(120):
        skin, gender = ("darker", "lighter")[number % 2], ("female", "male")[number // 2 % 2]
        said = "male" if (skin, gender) == ("darker", "female") and number % 3 == 0 else gender
        rows.append(f"{gender},{'' if number == 50 else said},{skin},{gender}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def searched(tmp_path: Path) -> tuple[Path, Path]:
    """Embeddings of 60 enrolled people, 40 searches for them and 80 for others, in two groups."""
    random = np.random.default_rng(0)
    group = random.integers(0, 2, 100)
    people = random.normal(size=(100, 16)) + 0.8 * group[:, None]
    shown = {"gallery": np.arange(60), "probes": np.r_[:40, np.repeat(np.arange(60, 100), 2)]}
    for name, key in (("gallery", "reference"), ("probes", "probe")):
        rows = shown[name]
        columns: dict[str, Any] = {
            "embedding": people[rows] + 0.4 * random.normal(size=(len(rows), 16)),
            key: [f"{key} {number}" for number in range(len(rows))],
            "subject": rows.astype(str),
            "group": np.array(["one & only", "other"])[group[rows]],
        }
        np.savez(tmp_path / f"{name}.npz", **columns)
    return tmp_path / "gallery.npz", tmp_path / "probes.npz"


def test_a_classifier_is_audited_to_a_page_values_and_tables(
    crowdveil: Callable[..., Any], faces: Path
) -> None:
    said = crowdveil("audit", "classify", faces, "--group", "skin <type>", "--group", "gender")
    assert (said.code, said.err) == (0, "")
    assert "10 of 119 rows with a prediction: the error rate is 8.40 %" in said.out
    assert "33.3 % of the rows of darker, female are wrong" in said.out
    values = json.loads(Path("audit/audit.json").read_text())
    assert (values["schema"], values["kind"]) == ("crowdveil/audit/1", "classify")
    assert values["inputs"][0]["sha256"] == hashlib.sha256(faces.read_bytes()).hexdigest()
    rates = pl.read_csv("audit/rates.csv")
    row = rates.filter((pl.col("group") == "darker, female") & (pl.col("measure") == "error")).row(
        0, named=True
    )
    assert (row["errors"], row["trials"], row["interval"]) == (10, 30, "exact")
    assert (
        pl.read_csv("audit/confusion.csv").filter(pl.col("group") == "everyone")["rows"].sum()
        == 120
    )
    page = Path("audit/report.html").read_text()
    assert "skin &lt;type&gt;" in page
    cells = [re.sub(r"<[^>]*>", "|", row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    called = [re.split(r"[|\s]*[|\n][|\s]*", row.strip("|\n ")) for row in cells]
    assert ["darker, female", "female", "20", "10", "0"] in called
    assert ["darker, male", "male", "0", "29", "1"] in called
    assert (
        "lighter: 0 of 60 rows with a prediction: the error rate may be as high as 4.87 %" in page
    )


def test_searches_are_audited_from_embeddings_and_from_their_own_lists_alike(
    crowdveil: Callable[..., Any], searched: tuple[Path, Path], tmp_path: Path
) -> None:
    gallery, probes = searched
    common = ("--group", "group", "--fpir", "0.05", "--draws", "200")
    said = crowdveil("audit", "identify", gallery, probes, *common, "--list-length", "60")
    assert (said.code, said.err) == (0, "")
    assert "searches for 40 people who are not enrolled named somebody: FPIR is" in said.out
    lists = tmp_path / "lists.csv"
    found = {name: np.load(path) for name, path in zip("gp", searched, strict=True)}
    unit = {
        n: f["embedding"] / np.linalg.norm(f["embedding"], axis=1, keepdims=True)
        for n, f in found.items()
    }
    scores = (unit["p"].astype(np.float32) @ unit["g"].T.astype(np.float32)).astype(np.float64)
    pl.DataFrame(
        {
            "probe": np.repeat(found["p"]["probe"], 60),
            "candidate": np.tile(found["g"]["reference"], 120),
            "score": scores.ravel(),
        }
    ).write_csv(lists)
    assert crowdveil("audit", "identify", gallery, probes, lists, *common, "-o", "lists").code == 0
    one, other = (json.loads(Path(name, "audit.json").read_text()) for name in ("audit", "lists"))
    assert [
        (row["group"], row["measure"], row["errors"], row["trials"]) for row in one["rates"]
    ] == [(row["group"], row["measure"], row["errors"], row["trials"]) for row in other["rates"]]
    assert [row["hits"] for row in one["false_candidates"]] == [
        row["hits"] for row in other["false_candidates"]
    ]


def test_the_command_in_an_audit_makes_it_again(
    crowdveil: Callable[..., Any], searched: tuple[Path, Path]
) -> None:
    options = ["--group", "group", "--fpir", "0.1", "--fpir", "0.02", "--rank", "1", "--seed", "7"]
    options += ["--threshold", "0.5", "--confidence", "0.9", "--draws", "150"]
    assert crowdveil("audit", "identify", *searched, *options).code == 0
    before = {path.name: path.read_bytes() for path in Path("audit").iterdir()}
    command = json.loads(before["audit.json"])["command"]
    shutil.rmtree("audit")
    assert crowdveil(*shlex.split(command)[1:]).code == 0
    assert {path.name: path.read_bytes() for path in Path("audit").iterdir()} == before


def test_comparisons_are_audited_to_a_page_values_and_tables_and_again(
    crowdveil: Callable[..., Any], searched: tuple[Path, Path]
) -> None:
    options = ["--group", "group", "--fmr", "0.01", "--threshold", "0.5", "--draws", "150"]
    said = crowdveil("audit", "verify", searched[1], *options)
    assert (said.code, said.err) == (0, "")
    assert "At the threshold" in said.out
    assert "(FMR of everyone at most 1 %), FMR is" in said.out
    before = {path.name: path.read_bytes() for path in Path("audit").iterdir()}
    assert set(before) == {
        *("report.html", "audit.json", "fmr.csv", "fnmr.csv", "differences.csv", "summaries.csv"),
        *("det.csv", "scores.csv", "acquisition.csv"),
    }
    fmr = pl.read_csv("audit/fmr.csv").filter(pl.col("partition") == "group")
    assert set(fmr["probe_group"]) == {"one & only", "other"}
    assert "one &amp; only" in before["report.html"].decode()
    command = json.loads(before["audit.json"])["command"]
    shutil.rmtree("audit")
    assert crowdveil(*shlex.split(command)[1:]).code == 0
    assert {path.name: path.read_bytes() for path in Path("audit").iterdir()} == before


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--fmr", "2"], 2, "fmr must be above 0 and below 1"),
        (["--alpha", "2"], 2, "alpha must lie between 0 and 1"),
        (["--recogniser", "mine.onnx"], 2, "--recogniser is for a folder of photos"),
        (["--reference-group", "x"], 2, "no group is called 'x'"),
        (["--labels", "none.csv"], 1, "none.csv: there is no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_comparisons_that_cannot_be_audited_leave_nothing_behind(
    crowdveil: Callable[..., Any],
    searched: tuple[Path, Path],
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    said = crowdveil("audit", "verify", searched[1], "--group", "group", *words)
    assert said.code == code
    assert sentence in said.err
    assert not Path("audit").exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--group", "colour"], 1, "has no column 'colour' of groups"),
        (["--group", "gender", "--reference-group", "x"], 2, "no group is called 'x'"),
        (["--column", "truth"], 2, "--column takes OURS=THEIRS"),
        (["--column", "none.toml"], 2, "none.toml: cannot be read as TOML"),
        (["--column", "truht=label"], 2, "no column is called 'truht' here; there are: truth,"),
        (["--confidence", "1"], 2, "confidence must be above 0 and below 1"),
        (["--draws", "5"], 2, "draws must be at least 100"),
        (["--group", "gender", "--group", "gender"], 2, "named twice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_audited_leaves_nothing_behind(
    crowdveil: Callable[..., Any], faces: Path, words: list[str], code: int, sentence: str
) -> None:
    said = crowdveil("audit", "classify", faces, *words)
    assert said.code == code
    assert sentence in said.err
    assert not Path("audit").exists()


def test_names_of_columns_may_come_from_a_file(crowdveil: Callable[..., Any], faces: Path) -> None:
    faces.write_text(faces.read_text().replace("truth,predicted", "label,said", 1))
    Path("names.toml").write_text('truth = "label"\npredicted = "said"\n')
    assert crowdveil("audit", "classify", faces, "--column", "names.toml").code == 0
    command = json.loads(Path("audit/audit.json").read_text())["command"]
    assert "--column truth=label --column predicted=said" in command


def test_an_audit_that_is_there_is_kept_unless_told_otherwise(
    crowdveil: Callable[..., Any], faces: Path
) -> None:
    assert crowdveil("audit", "classify", faces).code == 0
    before = Path("audit/audit.json").read_bytes()
    refused = crowdveil("audit", "classify", faces, "--group", "gender")
    assert refused.code == 1
    assert "exists already; use --overwrite" in refused.err
    assert Path("audit/audit.json").read_bytes() == before
    assert crowdveil("audit", "classify", faces, "--group", "gender", "--overwrite").code == 0
    assert Path("audit/audit.json").read_bytes() != before


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (classify, ClassifyOptions()),
        (identify, IdentifyOptions()),
        (verify, VerifyOptions()),
    ],
)
def test_a_command_takes_all_options_with_their_defaults(
    command: Callable[..., None], options: Auditing
) -> None:
    given = {
        name: tuple(parameter.default) if isinstance(parameter.default, list) else parameter.default
        for name, parameter in signature(command).parameters.items()
        if parameter.default is not Parameter.empty
        and name not in {"candidates", "references", "quiet"}
    }
    meant = {field.name: getattr(options, field.name) for field in fields(options)}
    assert given == {**meant, "column": (), "out": AUDIT}


class Loads(HTMLParser):
    """What a browser would fetch or run for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "iframe", "object", "embed", "base"}:
            self.found.append(tag)
        self.found += [
            str(value)
            for name, value in attrs
            if name.startswith("on")
            or (name in {"src", "href", "xlink:href"} and not str(value).startswith(("data:", "#")))
        ]


def test_the_pages_load_and_run_nothing(
    crowdveil: Callable[..., Any], faces: Path, searched: tuple[Path, Path]
) -> None:
    crowdveil("audit", "classify", faces, "--group", "gender", "-o", "c")
    crowdveil("audit", "identify", *searched, "--group", "group", "-o", "i", "--draws", "100")
    crowdveil("audit", "verify", searched[1], "--group", "group", "-o", "v", "--draws", "100")
    for folder in ("c", "i", "v"):
        loads = Loads()
        loads.feed(Path(folder, "report.html").read_text())
        assert loads.found == []


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_pages_open_from_disk_without_an_error_and_fit_a_phone(
    crowdveil: Callable[..., Any], faces: Path, searched: tuple[Path, Path], tmp_path: Path
) -> None:
    crowdveil("audit", "classify", faces, "--group", "skin <type>", "--group", "gender", "-o", "c")
    crowdveil("audit", "identify", *searched, "--group", "group", "-o", "i", "--draws", "100")
    crowdveil("audit", "verify", searched[1], "--group", "group", "-o", "v", "--draws", "100")
    for folder in ("c", "i", "v"):
        page = tmp_path / folder / "report.html"
        console, _ = browsed(page, tmp_path)
        assert console == []
        assert PHONE_PX - 20 <= shown_width(page, tmp_path) <= PHONE_PX


def shown_width(page: Path, tmp_path: Path) -> int:
    """How wide a page is that is shown on a phone.

    The page forbids scripts, so a page of ours measures a copy without that line in a frame.
    """
    bare = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text())
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe width={PHONE_PX} height=800 style="border:0" srcdoc="{escaped(bare)}"></iframe>'
        "<script>onload=()=>{const shown=document.querySelector('iframe').contentDocument;"
        "document.body.append('width '+shown.documentElement.scrollWidth)}</script>"
    )
    _, shown = browsed(frame, tmp_path)
    found = re.search(r"width (\d+)", shown.rpartition("</script>")[2])
    assert found is not None
    return int(found[1])


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def browsed(page: Path, tmp_path: Path) -> tuple[list[str], str]:
    """What the browser says on its console about a page, and the page as it stands then."""
    assert CHROMIUM is not None
    result = subprocess.run(
        [CHROMIUM, *QUIET_BROWSER, f"--user-data-dir={tmp_path / 'browser'}",
         "--enable-logging=stderr", "--v=0", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return [line for line in result.stderr.splitlines() if "CONSOLE" in line], result.stdout
