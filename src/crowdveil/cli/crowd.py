"""`crowdveil crowd`: a scenario of a deployment in, what it would do and to whom out."""

import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Annotated

import typer

from crowdveil.cli.parameters import OverwriteOption
from crowdveil.cli.running import FAILED, WRONG_USAGE
from crowdveil.cli.words import plain
from crowdveil.crowd.choices import CrowdOptions
from crowdveil.errors import CrowdveilError, OptionsInvalid, ScenarioInvalid

if TYPE_CHECKING:
    from crowdveil.crowd.comparison import Row
    from crowdveil.crowd.results import Results
    from crowdveil.crowd.scenario import Scenario

DEFAULT = CrowdOptions()
_WIDTH = 88
FORBIDDEN = 3
"""The exit code for a deployment that a rule forbids, as far as is known."""


def crowd(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SCENARIO.toml", help="A scenario's file, or the name of a built-in one."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="DIR", help="Folder for the report (HTML), JSON and CSV."
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Two scenarios side by side.")] = False,
    between: Annotated[
        str | None,
        typer.Option(
            "--between",
            metavar="GROUP,GROUP",
            help="Explain the disparity between these groups, not the most and least burdened.",
        ),
    ] = None,
    list: Annotated[bool, typer.Option("--list", help="Name the built-in scenarios.")] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the TOML of a built-in scenario, to start from.")
    ] = False,
    lawful: Annotated[
        bool,
        typer.Option(
            "--lawful",
            help="Say only whether it would have been lawful at the scenario's place and date.",
        ),
    ] = False,
    events: Annotated[
        int, typer.Option("--events", metavar="N", min=1, help="Events to simulate.")
    ] = DEFAULT.events,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Of the simulation's chance.")
    ] = DEFAULT.seed,
    overwrite: OverwriteOption = DEFAULT.overwrite,
    json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON instead of the answer.")
    ] = False,
) -> None:
    """Work out what a deployment of face recognition does, and to whom.

    From error rates, a list and a crowd: how many people are scanned, how many alerts, how many
    of them wrong, who is wrongly stopped, and why. docs/crowd.md tells how to write a scenario,
    what the model is and where it ends.

    \b
    Examples:
      crowdveil crowd --list                                  deployments that are built in
      crowdveil crowd champions-league-2017                   one of them
      crowdveil crowd --show example-square > mine.toml       start a scenario of your own
      crowdveil crowd mine.toml -o report/                    with report, JSON and CSV
      crowdveil crowd --compare mine.toml fairer.toml         two side by side
      crowdveil crowd --lawful mine.toml                      was it lawful there that day?
    """
    try:
        if list:
            _listed()
            return
        names = scenarios or []
        _check_usage(names, compare=compare, show=show, lawful=lawful)
        if show:
            from crowdveil.crowd.cases import case_text

            typer.echo(case_text(names[0]), nl=False)
            return
        if lawful:
            _judge(names[0], json=json)
            return
        _work(
            names,
            options=CrowdOptions(events=events, seed=seed, overwrite=overwrite),
            out=out,
            between=_pair(between),
            json=json,
        )
    except CrowdveilError as error:
        typer.echo(plain(error), err=True)
        code = WRONG_USAGE if isinstance(error, OptionsInvalid) else FAILED
        raise typer.Exit(code) from error


def _check_usage(names: Sequence[str], *, compare: bool, show: bool, lawful: bool) -> None:
    wanted = 2 if compare else 1
    if len(names) != wanted:
        raise OptionsInvalid(
            "--compare takes two scenarios"
            if compare
            else "give one scenario, a file or a name from --list; two go with --compare"
        )
    if compare and show:
        raise OptionsInvalid("--show prints one scenario; leave out --compare")
    if lawful and (compare or show):
        raise OptionsInvalid("--lawful judges one scenario; leave out --compare and --show")


def _pair(between: str | None) -> tuple[str, str] | None:
    if between is None:
        return None
    names = [name.strip() for name in between.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise OptionsInvalid("--between takes two groups, with a comma between them")
    return names[0], names[1]


def _work(
    names: Sequence[str],
    *,
    options: CrowdOptions,
    out: Path | None,
    between: tuple[str, str] | None,
    json: bool,
) -> None:
    import json as notation

    from crowdveil.crowd.comparison import compare
    from crowdveil.crowd.export import as_dict
    from crowdveil.crowd.results import assess
    from crowdveil.crowd.simulation import Simulation

    played = Simulation(events=options.events, seed=options.seed)
    found = [assess(_load(name), simulation=played, between=between) for name in names]
    if json:
        told = [as_dict(results) for results in found]
        typer.echo(notation.dumps(told[0] if len(told) == 1 else told, indent=2))
    elif len(found) == 1:
        typer.echo(_answer(found[0]))
    else:
        typer.echo(_side_by_side(found, compare(found[0], found[1])))
    if out is not None:
        from crowdveil.crowd.writing import write_results

        for path in write_results(found, out, overwrite=options.overwrite):
            typer.echo(f"written: {plain(path)}", err=json)


def _judge(name: str, *, json: bool) -> None:
    """Print what the register of laws says; exit code 3 if a rule forbids it."""
    import json as notation

    from crowdveil.crowd.export import law_dict
    from crowdveil.crowd.results import law_of
    from crowdveil.laws import wording
    from crowdveil.laws.lawful import Finding

    scenario = _load(name)
    found = law_of(scenario)
    if found is None:
        raise ScenarioInvalid(
            f'{name}: names no place and date; add place = "Portland, Oregon" and '
            "date = 2021-06-01 at its top"
        )
    if json:
        typer.echo(notation.dumps(law_dict(found), indent=2))
    else:
        lines = [_paragraph(sentence) for sentence in wording.verdict(found)]
        typer.echo("\n".join([plain(scenario.name), "", *lines]))
    if found.finding is Finding.FORBIDDEN:
        raise typer.Exit(FORBIDDEN)


def _load(name: str) -> "Scenario":
    from crowdveil.crowd.cases import case_names, load_case
    from crowdveil.crowd.reading import load_scenario

    # A file comes first: a user's own file may have the name of a built-in scenario.
    if os.path.lexists(name) or (name not in case_names() and Path(name).suffix):
        return load_scenario(name)
    return load_case(name)


def _listed() -> None:
    from crowdveil.crowd.cases import case_names, load_case

    for name in case_names():
        case = load_case(name)
        typer.echo(f"{name:<24}{case.name}")
    typer.echo("\nSee one:  crowdveil crowd champions-league-2017")


def _answer(results: "Results") -> str:
    from crowdveil.crowd import wording

    scenario = results.scenario
    lines = [plain(scenario.name), ""]
    lines += [_paragraph(sentence) for sentence in wording.answer(results)]
    parts = (
        ("Who bears it, and why", wording.disparity(results)),
        ("Beside what was published", wording.comparisons(results)),
        ("Would it have been lawful?", wording.law(results)),
        ("Note", wording.notes(results)),
    )
    for heading, sentences in parts:
        if sentences:
            lines += ["", heading, *(_item(sentence) for sentence in sentences)]
    assumed = wording.assumptions(scenario)
    if assumed:
        keys = ", ".join(key for key, _ in assumed)
        lines += ["", "Assumed, not published", _item(f"{keys}. The report (-o) says why.")]
    lines += ["", _paragraph("In brackets: 95 % intervals of chance, with the inputs as they are.")]
    return "\n".join(lines)


def _paragraph(sentence: str) -> str:
    return fill(plain(sentence), _WIDTH)


def _item(sentence: str) -> str:
    return "\n".join(f"  {line}" for line in wrap(plain(sentence), _WIDTH - 2))


def _side_by_side(found: "Sequence[Results]", rows: "Sequence[Row]") -> str:
    from crowdveil.crowd.wording import one_in, ratio, spread

    table = [("", "A", "B", "B / A")]
    for row in rows:
        shown = [
            "-" if one is None else one_in(one.mean) if row.share else spread(one)
            for one in (row.first, row.second)
        ]
        by = row.ratio
        table.append((row.label, shown[0], shown[1], "" if by is None else ratio(by)))
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    lines = [
        f"{letter}: {plain(one.scenario.name)}" for letter, one in zip("AB", found, strict=True)
    ]
    lines.append("")
    for line in table:
        cells = [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
        lines.append(f"{line[0]:<{widths[0]}}  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)
