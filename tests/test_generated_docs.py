import inspect
import json
import re
import runpy
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

from crowdveil.errors import PlanInvalid
from crowdveil.plan import Plan

DOCS = Path(__file__).resolve().parents[1] / "docs"

SPOKEN = {"start_s": "from", "end_s": "to", "attackers": "attacker", "patience_s": "patience"}
"""Parameters whose options are named otherwise."""


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "generate.py"))


def test_the_command_reference_is_current(generator: dict[str, Any]) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert page == generator["cli_page"](page), "run python docs/generate.py"


def test_the_table_of_files_is_current(generator: dict[str, Any]) -> None:
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    assert page == generator["formats_page"](page), "run python docs/generate.py"


def test_the_schema_of_the_plan_is_current(generator: dict[str, Any]) -> None:
    written = (DOCS / "plan.schema.json").read_text(encoding="utf-8")
    assert written == generator["schema"](), "run python docs/generate.py"


def test_the_schema_of_the_scenario_is_current(generator: dict[str, Any]) -> None:
    written = (DOCS / "crowd.schema.json").read_text(encoding="utf-8")
    assert written == generator["crowd_schema"](), "run python docs/generate.py"


def test_the_schema_of_the_record_is_current(generator: dict[str, Any]) -> None:
    written = (DOCS / "evidence.schema.json").read_text(encoding="utf-8")
    assert written == generator["evidence_schema"](), "run python docs/generate.py"


def test_the_schema_of_the_register_is_current(generator: dict[str, Any]) -> None:
    written = (DOCS / "laws.schema.json").read_text(encoding="utf-8")
    assert written == generator["laws_schema"](), "run python docs/generate.py"


def test_every_option_of_every_command_is_in_the_reference(generator: dict[str, Any]) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    listed = generator["commands"]()
    assert {"veil", "check", "crowd", "laws", "audit verify", "audit classify"} <= {
        w for w, _ in listed
    }
    for words, command in listed:
        section = re.split(r"\n## ", page.split(f"\n## {words}\n")[1])[0]
        hints = get_type_hints(command, include_extras=True)
        for name, parameter in inspect.signature(command).parameters.items():
            argument = isinstance(get_args(hints[name])[-1], typer.models.ArgumentInfo)
            if parameter.default is not inspect.Parameter.empty and not argument:
                option = SPOKEN.get(name, name).replace("_", "-")
                assert f"--{option}`" in section


def test_the_plan_shown_in_the_docs_is_a_plan_and_so_is_its_smallest_region() -> None:
    page = (DOCS / "plan.md").read_text(encoding="utf-8")
    whole, region, track = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    plan = Plan.from_json(whole)
    assert json.loads(plan.to_json()) == json.loads(whole)
    edited = json.loads(whole)
    edited["regions"].append(json.loads(region))
    assert len(Plan.from_json(json.dumps(edited)).regions) == 2
    edited["source"]["frames"] = 300
    edited["tracks"].append(json.loads(track))
    assert len(Plan.from_json(json.dumps(edited)).tracks) == 1
    edited["regions"][0]["action"] = "keep"
    with pytest.raises(PlanInvalid, match="needs a reason"):
        Plan.from_json(json.dumps(edited))
