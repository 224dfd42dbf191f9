import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crowdveil.crowd.cases import case_names, case_text

Run = Callable[..., Any]
FEW = ("--events", "2000")


def test_the_built_in_scenarios_are_listed(crowdveil: Run) -> None:
    said = crowdveil("crowd", "--list")
    assert said.code == 0
    for name in case_names():
        assert f"\n{name} " in f"\n{said.out}"


def test_the_answer_comes_first_and_fits_one_screen(crowdveil: Run) -> None:
    said = crowdveil("crowd", "champions-league-2017", *FEW)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[2].startswith("Of 170,000 people scanned, expect 2,470")
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 88


def test_what_show_prints_is_a_scenario_to_start_from(crowdveil: Run, tmp_path: Path) -> None:
    shown = crowdveil("crowd", "--show", "example-square").out
    assert shown == case_text("example-square")
    Path("mine.toml").write_text(shown, encoding="utf-8")
    own = crowdveil("crowd", "mine.toml", *FEW)
    assert own.out == crowdveil("crowd", "example-square", *FEW).out


def test_the_report_json_and_csv_go_where_they_are_asked(crowdveil: Run) -> None:
    said = crowdveil("crowd", "example-square", "-o", "report", *FEW)
    assert said.code == 0
    assert sorted(path.name for path in Path("report").iterdir()) == [
        "crowd.csv",
        "crowd.html",
        "crowd.json",
    ]
    again = crowdveil("crowd", "example-square", "-o", "report", *FEW)
    assert again.code == 1
    assert "--overwrite" in again.err
    assert crowdveil("crowd", "example-square", "-o", "report", "--overwrite", *FEW).code == 0


def test_json_is_one_object_on_stdout(crowdveil: Run) -> None:
    said = crowdveil("crowd", "met-2024-2025", "--json", "-o", "report", *FEW)
    assert json.loads(said.out)["schema"] == "crowdveil/crowd/1"
    assert "written:" in said.err


def test_two_scenarios_stand_side_by_side(crowdveil: Run) -> None:
    said = crowdveil("crowd", "--compare", "example-square", "met-oxford-circus-2022", *FEW)
    assert said.code == 0
    assert "A: Illustration" in said.out
    assert "B: Metropolitan Police: Oxford Circus" in said.out
    assert "People wrongly stopped" in said.out
    assert (
        crowdveil(
            "crowd", "--compare", "example-square", "met-oxford-circus-2022", "-o", "two", *FEW
        ).code
        == 0
    )
    assert "Two deployments side by side" in Path("two/compare.html").read_text("utf-8")
    assert {"crowd.html", "crowd-b.html"} < {path.name for path in Path("two").iterdir()}
    pair = crowdveil("crowd", "--compare", "example-square", "example-square", "--json", *FEW)
    assert len(json.loads(pair.out)) == 2


def test_a_disparity_is_explained_between_the_groups_that_are_named(crowdveil: Run) -> None:
    between = ("--between", "Black people,White people")
    assert (
        "false alerts of White people" in crowdveil("crowd", "example-square", *between, *FEW).out
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "give one scenario"),
        (("example-square", "example-square"), 2, "give one scenario"),
        (("--compare", "example-square"), 2, "--compare takes two"),
        (("world-cup",), 2, "no built-in scenario of that name"),
        (("gone.toml",), 1, "gone.toml: cannot be read"),
        (("example-square", "--between", "Black people"), 2, "--between takes two groups"),
        (("example-square", "--between", "a,b"), 2, "choose two of the groups"),
        (("example-square", "--events", "0"), 2, "--events"),
        (("--show", "--compare", "a", "b"), 2, "leave out --compare"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_sentence(
    crowdveil: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    shown = crowdveil("crowd", *words)
    assert shown.code == code
    assert said in shown.err
    assert shown.out == ""


def test_an_impossible_scenario_leaves_no_output(crowdveil: Run) -> None:
    text = case_text("example-square").replace('"Black people" = 0.20', '"Black people" = 0.30')
    Path("bad.toml").write_text(text, encoding="utf-8")
    said = crowdveil("crowd", "bad.toml", "-o", "report")
    assert said.code == 1
    assert said.err.startswith("bad.toml: crowd.groups: shares must sum to 1")
    assert said.out == ""
    assert not Path("report").exists()


def test_help_loads_no_numbers_and_no_charts() -> None:
    code = (
        "import sys; from crowdveil.cli.app import app\n"
        "try: app(['crowd', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'scipy', 'altair', 'vl_convert', 'jinja2'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_the_docs_show_what_the_command_prints(crowdveil: Run) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "crowd.md"
    blocks = re.findall(r"```console\n\$ crowdveil (.*?)\n(.*?)```", page.read_text("utf-8"), re.S)
    assert blocks
    for command, output in blocks:
        assert crowdveil(*command.split()).out == output
