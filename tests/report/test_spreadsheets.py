import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.audit.bundle import write_bundle
from crowdveil.report.spreadsheets import inert

FORMULAS = ['=HYPERLINK("http://x")', "@SUM(A1)", "+1", "-1+cmd|'/C calc'!A0", "\t=1", "\r=1"]
FORMULAS += ["  =1", "\N{FULLWIDTH EQUALS SIGN}1", "\ufeff=1", "|x", "%x"]


@given(st.one_of(st.text(), st.sampled_from(FORMULAS)))
def test_no_text_stays_a_formula_and_nothing_of_it_is_lost(text: str) -> None:
    cell = inert(text)
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert cell.strip()[:1] not in set("=+-@|%\t\r\n")


@pytest.mark.parametrize("number", [-1, -0.5, 0, None])
def test_numbers_are_left_alone(number: object) -> None:
    assert inert(number) is number


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_table_of_an_audit_is_defused_also_in_its_head(formula: str, tmp_path: Path) -> None:
    rows = [{"group": formula, formula: "a", "rate": -0.5}]
    written = write_bundle(tmp_path / "out", "<p>", {}, {"rates": rows})
    text = next(path for path in written if path.suffix == ".csv").read_bytes().decode()
    head, cells = csv.reader(io.StringIO(text, newline=""))
    assert cells[0] == head[1] == f"'{formula}"
    assert cells[2] == "-0.5"
    assert pl.read_csv(text.encode())["group"].to_list() == [f"'{formula}"]
