"""`crowdveil laws` as it is typed: answers, lists, files, and what it refuses."""

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_answer_goes_level_by_level_with_who_is_bound_and_sources(crowdveil: Run) -> None:
    said = crowdveil("laws", "Portland, Oregon", "--on", "2021-06-01")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "Portland, Oregon, United States on 2021-06-01"
    assert lines[2] == "Portland bans all use by police and public bodies."
    assert lines[3] == "Portland bans use on private premises by businesses."
    levels = [line for line in lines if re.match(r"(City|State or region|Country): ", line)]
    assert levels == ["City: Portland", "State or region: Oregon", "Country: United States"]
    assert "In force since 2021-01-01; adopted on 2020-09-09." in said.out
    assert "https://www.portland.gov/code/34/all" in said.out
    assert said.out.count("not legal advice") == 1
    # Only an address, which is there to be copied, may be longer than the line.
    assert all(len(line) <= 88 or "Source: http" in line for line in lines)


def test_words_without_quotation_marks_are_one_name(crowdveil: Run) -> None:
    quoted = crowdveil("laws", "New Orleans", "--on", "2021-06-01")
    assert crowdveil("laws", "New", "Orleans", "--on", "2021-06-01").out == quoted.out


def test_coordinates_are_answered_like_the_name(crowdveil: Run) -> None:
    said = crowdveil("laws", "--at", "42.36,-71.06", "--on", "2022-01-01")
    assert said.code == 0
    assert said.out.startswith("Boston, Massachusetts, United States on 2022-01-01")
    south = crowdveil("laws", "--at", "-34.61,-58.38", "--on", "2023-01-01")
    assert south.out.startswith("Buenos Aires, Argentina")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("Portland",), 2, 'ask for "Portland, Oregon" or "Portland, Maine"'),
        (("Bostn",), 2, 'Did you mean "Boston"?'),
        (("Xyzzyville",), 2, "add its state or country"),
        (("Boston", "--on", "1 June 2021"), 2, "--on 1 June 2021: is no day"),
        (("Boston", "--on", "2021-02-29"), 2, "is no day"),
        (("--changed-since", "2021"), 2, "--changed-since 2021: is no day"),
        (("--at", "north"), 2, "give two numbers"),
        (("--at", "1,2,3"), 2, "give two numbers"),
        (("--at", "100,0"), 2, "latitude (-90 to 90)"),
        (("Boston", "--at", "1,2"), 2, "not both"),
        (("--json", "--csv"), 2, "not both"),
        (("--country", "Xyzzyland"), 2, "--country: Xyzzyland"),
        (("--country", "Oregon"), 2, "which is no country"),
        (("--kind", "law"), 2, "--kind"),
        (("-o", "laws.pdf"), 2, "ends in .html"),
        (("-o", "there.html"), 1, "--overwrite"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_one_sentence(
    crowdveil: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    Path("there.html").write_text("mine")
    shown = crowdveil("laws", *words)
    assert shown.code == code
    assert said in shown.err
    assert Path("there.html").read_text() == "mine"
    assert [path.name for path in Path().iterdir()] == ["there.html"]


def test_a_name_cannot_write_to_the_terminal(crowdveil: Run) -> None:
    for words in (("\x1b[2Jx, Ohio",), ("\x1b]0;x\x07",)):
        shown = crowdveil("laws", *words, "--on", "2021-01-01")
        assert "\x1b" not in shown.out + shown.err


def test_json_and_csv_hold_what_the_screen_says(crowdveil: Run) -> None:
    words = ("laws", "Baltimore", "--on", "2022-12-31")
    told = json.loads(crowdveil(*words, "--json").out)
    assert told["schema"] == "crowdveil/laws-answer/1"
    assert told["advice"] == "This is not legal advice."
    city = told["levels"][0]
    (rule,) = city["rules"]
    assert (rule["status"], rule["effect"]) == ("in_force", "bans")
    assert rule["next"] == {
        "on": "2023-01-01",
        "assumed": False,
        "status": "expired",
        "note": rule["next"]["note"],
    }
    assert rule["sources"][0]["supports"]
    (row,) = [
        row
        for row in csv.DictReader(io.StringIO(crowdveil(*words, "--csv").out))
        if row["place_id"] == "us-md-baltimore"
    ]
    assert row["status"] == "in_force"
    assert row["next_earliest"] == "2023-01-01"
    assert row["binds"] == "; ".join(rule["binds"])
    assert row["sources"].split("; ") == [source["url"] for source in rule["sources"]]


def test_a_list_names_every_rule_that_fits_and_counts_them(crowdveil: Run) -> None:
    said = crowdveil("laws", "--kind", "ruling", "--on", "2026-11-28")
    assert said.code == 0
    assert "recognition was unlawful as it was run" in said.out
    assert "4 rules of 4 places." in said.out
    listed = json.loads(crowdveil("laws", "--kind", "ruling", "--json").out)["rules"]
    assert {rule["kind"] for rule in listed} == {"ruling"}
    none = crowdveil("laws", "--country", "IS", "--kind", "ban", "--on", "1999-01-01")
    assert none.code == 0
    assert "No rule on the register fits." in none.out


class Page(HTMLParser):
    """What a browser would load or run, and the headings."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in {"script", "link", "iframe", "object", "embed", "img", "image", "use"}:
            self.loads.append(tag)
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.hrefs.append(str(value))
            elif name in {"src", "href", "xlink:href"} or name.startswith("on"):
                self.loads.append(f"{tag} {name}={value}")


def test_the_page_loads_nothing_and_has_timeline_maps_and_every_source(crowdveil: Run) -> None:
    assert crowdveil("laws", "--on", "2026-11-28", "-o", "laws.html").code == 0
    text = Path("laws.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert page.loads == []
    assert page.tags.count("svg") == 5  # key, timeline and three maps
    assert text.count('role="img" aria-label=') == 5
    listed = json.loads(crowdveil("laws", "--on", "2026-11-28", "--json").out)["rules"]
    wanted = {source["url"] for rule in listed for source in rule["sources"]}
    assert wanted == set(page.hrefs)
    assert text.count("not legal advice") == 1
    assert len(text) < 600_000


def test_what_a_user_types_is_no_markup_on_the_page(crowdveil: Run) -> None:
    evil = "<script>alert</script>, Ohio"
    assert crowdveil("laws", evil, "--on", "2021-01-01", "-o", "x.html").code == 0
    text = Path("x.html").read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")
@pytest.mark.parametrize(
    "words", [("--kind", "ruling"), ("Portland, Oregon",)], ids=["list", "place"]
)
def test_the_page_passes_axe_in_a_browser(
    crowdveil: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert crowdveil("laws", *words, "--on", "2021-06-01", "-o", "laws.html").code == 0
    text = Path("laws.html").read_text("utf-8")
    axe = (resources.files("axe_core_python") / "axe.min.js").read_text("utf-8")
    # The page forbids scripts; what is judged is a copy that allows them.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    run = (
        "axe.run().then(found => { const out = document.createElement('pre'); out.id = 'axe';"
        "out.textContent = JSON.stringify(found.violations.map(one => [one.id, "
        "one.nodes[0].html])) + found.passes.length; document.body.appendChild(out) })"
    )
    judged = tmp_path / "judged.html"
    script = axe.replace("</script", "<\\/script")
    judged.write_text(
        text.replace("</body>", f"<script>{script}</script><script>{run}</script></body>"), "utf-8"
    )
    browser = ("chromium", "--headless", "--no-sandbox", "--disable-gpu")
    dump = (*browser, "--virtual-time-budget=60000", "--dump-dom", judged.as_uri())
    shown = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=100).stdout
    found = re.search(r'<pre id="axe">\[(.*?)\](\d+)</pre>', shown, re.S)
    assert found is not None, "axe did not run"
    assert unescape(found[1]) == ""
    assert int(found[2]) > 20


def test_a_scenario_is_judged_at_its_place_and_date(crowdveil: Run) -> None:
    from crowdveil.crowd.cases import case_text

    own = 'place = "Oakland"\ndate = 2020-06-01\n' + case_text("example-square")
    Path("mine.toml").write_text(own, "utf-8")
    said = crowdveil("crowd", "--lawful", "mine.toml")
    assert said.code == 3
    assert "Not lawful, as far as is known" in said.out
    told = json.loads(crowdveil("crowd", "--lawful", "mine.toml", "--json").out)
    assert told["finding"] == "forbidden"
    assert told["bans"][0]["place_id"] == "us-ca-oakland"
    whole = crowdveil("crowd", "mine.toml", "--events", "2000", "-o", "report")
    assert whole.code == 0
    assert "Would it have been lawful?" in whole.out
    assert "Would it have been lawful?" in Path("report/crowd.html").read_text("utf-8")
    law = json.loads(Path("report/crowd.json").read_text("utf-8"))["law"]
    assert law["finding"] == "forbidden"
    before = own.replace("2020-06-01", "2019-07-15")
    Path("mine.toml").write_text(before, "utf-8")
    assert crowdveil("crowd", "--lawful", "mine.toml").code == 0


@pytest.mark.parametrize(
    ("top", "code", "said"),
    [
        ("", 1, "names no place and date"),
        ('place = "Oakland"\n', 1, "place and date go together"),
        ("date = 2020-01-01\n", 1, "place and date go together"),
        ('place = "Portland"\ndate = 2020-01-01\n', 1, 'ask for "Portland, Oregon"'),
        ('place = "Bostn"\ndate = 2020-01-01\n', 1, "Did you mean"),
        ('place = "Oakland"\ndate = "soon"\n', 1, "date: "),
        ('place = "Oakland"\ndate = 2020-01-01\noperator = "army"\n', 1, "operator: "),
    ],
    ids=str,
)
def test_a_scenario_that_cannot_be_judged_says_why(
    crowdveil: Run, top: str, code: int, said: str
) -> None:
    from crowdveil.crowd.cases import case_text

    Path("mine.toml").write_text(top + case_text("example-square"), "utf-8")
    shown = crowdveil("crowd", "--lawful", "mine.toml")
    assert shown.code == code
    assert said in shown.err
    assert shown.out == ""


def test_asking_loads_no_numbers_and_no_pictures() -> None:
    code = (
        "import sys; from crowdveil.laws import on; on('Boston', '2021-01-01')\n"
        "print(sorted({'numpy', 'scipy', 'altair', 'PIL', 'cv2', 'av'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_the_docs_show_what_the_command_prints(crowdveil: Run) -> None:
    page = (DOCS / "laws.md").read_text("utf-8")
    blocks = re.findall(r"```console\n\$ crowdveil (.*?)\n(.*?)```", page, re.S)
    assert len(blocks) >= 3
    for command, output in blocks:
        said = crowdveil(*shlex.split(command))
        assert said.out + said.err == output
