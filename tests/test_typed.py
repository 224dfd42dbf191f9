import os
from pathlib import Path

import pytest

from crowdveil.crowd.reading import read_scenario
from crowdveil.detect.custom import load_detector
from crowdveil.errors import PlanInvalid, ScenarioInvalid, WeightsInvalid
from crowdveil.plan import Plan
from crowdveil.recognise.described import read_description
from crowdveil.typed import read_toml, toml

DEEP = [f"a = {'[' * 5000}{']' * 5000}", f"{'a.' * 3000}b = 1", f"a = {'{b = ' * 900}1{'}' * 900}"]
HUGE = f"a = {'9' * 6000}"


@pytest.mark.parametrize("text", [*DEEP, HUGE, "a = 2020-13-45", "a = "])
def test_toml_that_means_harm_ends_in_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        toml(text)


def test_a_pipe_and_a_file_of_gigabytes_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(ValueError, match="no ordinary file"):
        read_toml(tmp_path / "pipe.toml")
    with (tmp_path / "large.toml").open("wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(ValueError, match="4 million bytes"):
        read_toml(tmp_path / "large.toml")


@pytest.mark.parametrize(
    "line",
    [
        *(*DEEP, HUGE, "scale = [nan, 1, 1]", "scale = [0, 1, 1]", "scale = [1e300, 1, 1]"),
        *("mean = [inf, 0, 0]", f"score_column = {'9' * 40}", "longest_px = 1e9"),
    ],
)
def test_a_description_that_makes_no_sense_is_one_sentence(line: str, tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"weights")
    (tmp_path / "mine.toml").write_text(
        f'name = "mine"\nfamily = "boxes"\noutputs = ["a", "b"]\n{line}\n'
    )
    with pytest.raises(WeightsInvalid) as raised:
        load_detector(tmp_path / "mine.onnx")
    assert "mine.toml" in str(raised.value)
    assert len(str(raised.value)) < 700
    if line.startswith("s"):
        (tmp_path / "mine.toml").write_text(f'name = "mine"\n{line}\n')
        with pytest.raises(WeightsInvalid):
            read_description(tmp_path / "mine.onnx")


SCENARIO = """name = "a"
[crowd]
people = {people}
[watchlist]
size = {size}
present = 0.1
[recogniser]
fmr = 0.0001
"""


@pytest.mark.parametrize(
    ("people", "size"),
    [("1e20", "10"), ("1e308", "10"), ("inf", "10"), ("nan", "10"), ("1000", "1" + "0" * 30)],
)
def test_a_crowd_larger_than_mankind_is_one_sentence(people: str, size: str) -> None:
    read_scenario(SCENARIO.format(people="1000", size="10"))
    with pytest.raises(ScenarioInvalid, match=r"crowd.people|watchlist.size"):
        read_scenario(SCENARIO.format(people=people, size=size))


def plan_text(**source: object) -> str:
    import json

    told = {"name": "a.jpg", "path": "a.jpg", "sha256": "0" * 64, "format": "jpeg"}
    said = {**told, "width": 9, "height": 9, **source}
    return json.dumps({"source": said, "made": {"crowdveil": "1", "caution": "normal"}})


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        plan_text(path="x/" * 5000),
        plan_text(name="x" * 5000),
        plan_text(width=10**400),
        plan_text(frames=10**30),
    ],
    ids=["deep list", "deep object", "path", "name", "width", "frames"],
)
def test_a_plan_that_means_harm_is_one_sentence(text: str, tmp_path: Path) -> None:
    Plan.from_json(plan_text())
    path = tmp_path / "a.plan.json"
    path.write_text(text)
    with pytest.raises(PlanInvalid) as raised:
        Plan.load(path)
    assert str(path) in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_an_enormous_plan_is_not_read_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.plan.json").open("wb") as file:
        file.truncate(600_000_000)
    with pytest.raises(PlanInvalid, match="500 million bytes"):
        Plan.load(tmp_path / "a.plan.json")
