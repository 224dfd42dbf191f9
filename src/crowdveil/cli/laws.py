"""`crowdveil laws`: a place and a day in, the law on face recognition there out."""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from crowdveil.cli.parameters import OverwriteOption
from crowdveil.cli.running import FAILED, WRONG_USAGE
from crowdveil.cli.words import count, plain
from crowdveil.errors import CrowdveilError, OptionsInvalid, PlaceAmbiguous, PlaceUnknown
from crowdveil.laws.record import Effect, Kind, Status, Use

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from crowdveil.laws.answer import Answer, Level
    from crowdveil.laws.selection import Selection
    from crowdveil.laws.standing import Standing

_WIDTH = 88
_PLACE_WIDTH, _KIND_WIDTH = 30, 13


def laws(
    place: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLACE",
            help='Such as "Portland, Oregon", Boston, US-MA or EU; without it, everything.',
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="DAY", help="The day, as 2021-06-01, instead of today."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="LAT,LON", help="Coordinates in degrees, instead of a place."),
    ] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only rules of this sort.")] = None,
    effect: Annotated[
        Effect | None, typer.Option("--effect", help="Only rules that do this.")
    ] = None,
    restricts: Annotated[
        Use | None,
        typer.Option(
            "--restricts", help="Only rules on this use; those on all use of cameras count too."
        ),
    ] = None,
    status: Annotated[
        Status | None, typer.Option("--status", help="Only rules that stood so on the day.")
    ] = None,
    changed_since: Annotated[
        str | None,
        typer.Option(
            "--changed-since", metavar="DAY", help="Only rules to which something happened since."
        ),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            metavar="CODE",
            help="Only rules in this country, such as US, and of unions that it is in.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE.html", help="Write a page with timeline, table and map."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print one row a rule, for a spreadsheet.")
    ] = False,
) -> None:
    """Ask which law on face recognition held in a place on a day.

    From a register that comes with crowdveil and names a source for every date: who is bound by
    what, level by level, and what is not known. Not legal advice. Nothing is sent anywhere. A
    name that several places share is asked back (exit code 2). docs/laws.md tells how to read
    the answer.

    \b
    Examples:
      crowdveil laws "Portland, Oregon" --on 2021-06-01   the law there that day
      crowdveil laws --at 42.36,-71.06                    the same from coordinates, today
      crowdveil laws --kind ban --country US              a list
      crowdveil laws --changed-since 2026-01-01           what is new
      crowdveil laws -o laws.html                         timeline, table and map
    """
    from crowdveil.laws.selection import Selection

    try:
        _check_usage(place, at, json=json, csv=csv)
        selection = Selection(
            kind=kind,
            effect=effect,
            restricts=restricts,
            status=status,
            changed_since=_day("--changed-since", changed_since) if changed_since else None,
            country=country,
        )
        answer = _answer(place, at, on, selection)
        found = answer.standings if answer else _listed(on, selection)
        if json or csv:
            typer.echo(_for_programs(answer, found, on, csv=csv))
        elif answer:
            typer.echo(_answered(answer))
        elif out is None:
            typer.echo(_list(found))
        if out is not None:
            from crowdveil.laws.writing import write_page

            write_page(out, found, answer=answer, overwrite=overwrite)
            typer.echo(f"written: {plain(out)}", err=json or csv)
    except CrowdveilError as error:
        typer.echo(plain(error), err=True)
        usage = isinstance(error, OptionsInvalid | PlaceAmbiguous | PlaceUnknown)
        raise typer.Exit(WRONG_USAGE if usage else FAILED) from error


def _check_usage(place: list[str] | None, at: str | None, *, json: bool, csv: bool) -> None:
    if place and at is not None:
        raise OptionsInvalid("give a place or --at, not both")
    if json and csv:
        raise OptionsInvalid("give --json or --csv, not both")


def _day(option: str, text: str | None) -> "date":
    from crowdveil.laws.answer import as_day

    try:
        return as_day(text)
    except OptionsInvalid as error:
        raise OptionsInvalid(f"{option} {error}") from error


def _answer(
    place: list[str] | None, at: str | None, on: str | None, selection: "Selection"
) -> "Answer | None":
    from crowdveil.laws import answer
    from crowdveil.laws.selection import narrowed

    if place is None and at is None:
        return None
    day = _day("--on", on)
    # Unquoted, a name arrives word by word.
    found = answer.on(_point(at) if at is not None else " ".join(place or ()), day)
    return narrowed(found, selection)


def _listed(on: str | None, selection: "Selection") -> "tuple[Standing, ...]":
    from crowdveil.laws.selection import select

    return select(selection, _day("--on", on))


def _point(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError as error:
        raise OptionsInvalid(f"--at {text}: give two numbers, as in 42.36,-71.06") from error
    return lat, lon


def _for_programs(
    answer: "Answer | None", found: "Sequence[Standing]", on: str | None, *, csv: bool
) -> str:
    from crowdveil.laws import export

    if csv:
        return export.to_csv(found).rstrip("\n")
    if answer:
        return export.to_json(export.answer_dict(answer))
    return export.to_json(export.list_dict(found, _day("--on", on)))


def _answered(answer: "Answer") -> str:
    from crowdveil.laws import wording

    lines = [plain(f"{answer.spot.area.full_name} on {answer.day}"), ""]
    lines += [_paragraph(note) for note in answer.spot.notes]
    lines += [_paragraph(sentence) for sentence in wording.headline(answer)]
    for level in answer.levels:
        lines += ["", *_level(level)]
    lines += ["", *(_paragraph(sentence) for sentence in wording.limits_of_knowledge(answer))]
    return "\n".join(lines)


def _level(level: "Level") -> list[str]:
    from crowdveil.laws import wording

    lines = [f"{wording.LEVEL[level.area.level]}: {plain(level.area.name)}"]
    if not level.standings:
        lines.append(_item(wording.silence(level)))
    for one in level.standings:
        lines += _over(one) if one.over else _rule(one)
    lines += [_item(f"Does not bind here: {title}.") for title in level.not_bound]
    lines += [_item(f"Searched, not found: {what}") for what in level.not_found]
    return lines


def _rule(one: "Standing") -> list[str]:
    from crowdveil.laws import wording

    rule = one.rule
    stood = wording.where_it_stood(one)
    moments = [stood, wording.what_came_before(one), wording.what_comes_next(one)]
    return [
        _item(f"{wording.label(one).upper()}: {rule.title}"),
        _detail(f"{wording.capital('; '.join(filter(None, moments)))}."),
        _detail(f"Binds: {rule.who}"),
        _detail(f"Restricts: {', '.join(wording.USE[use] for use in rule.restricts)}"),
        _detail(f"Says: {rule.says}"),
        *([_detail(f"Scope: {rule.narrow}")] if rule.narrow else []),
        _detail(f"Is: {wording.what_it_is(rule)}"),
        *(_detail(f"Day: {note}") for note in wording.why(one)),
        *(_detail(f"Besides: {event}") for event in wording.events(one)),
        *(_detail(f"Doubt: {caveat}") for caveat in wording.caveats(one)),
        _detail(f"Confidence: {rule.confidence.value}. {rule.why}"),
        *(_source(source.url, source.supports) for source in rule.sources),
    ]


def _over(one: "Standing") -> list[str]:
    from crowdveil.laws import wording

    source = one.rule.sources[0]
    stood = wording.capital(wording.where_it_stood(one))
    return [
        _item(f"{wording.STATUS[one.status].upper()}: {one.rule.title}"),
        _detail(f"{stood}. {one.rule.number or ''}".rstrip()),
        _source(source.url, source.supports),
    ]


def _list(found: "Sequence[Standing]") -> str:
    from crowdveil.laws import wording
    from crowdveil.laws.register import load_register

    register = load_register()
    lines = []
    for one in found:
        lines.append(
            f"{wording.place_name(one.place):<{_PLACE_WIDTH}} "
            f"{wording.KIND[one.rule.kind]:<{_KIND_WIDTH}} {plain(one.rule.title)}"
        )
        lines.append(f"{'':<{_PLACE_WIDTH}} {wording.where_it_stood(one)}")
    places = len({one.place.id for one in found})
    lines += [
        "" if found else "No rule on the register fits.",
        f"{count(len(found), 'rule')} of {count(places, 'place')}. Register of {register.date}, "
        f"version {register.version}. {wording.NOT_ADVICE}",
        'One place, with sources:  crowdveil laws "Portland, Oregon" --on 2021-06-01',
    ]
    return "\n".join(lines)


def _paragraph(sentence: str) -> str:
    return fill(plain(sentence), _WIDTH)


def _item(sentence: str) -> str:
    return fill(plain(sentence), _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _detail(sentence: str) -> str:
    return fill(plain(sentence), _WIDTH, initial_indent="    ", subsequent_indent="      ")


def _source(url: str, supports: str) -> str:
    # An address is never broken: it is there to be copied.
    shows = fill(plain(supports), _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"    Source: {plain(url)}\n{shows}"
