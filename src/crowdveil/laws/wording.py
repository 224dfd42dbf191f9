"""The law in plain words: where a rule stood, when that changes, what is not known.

Standings, answers and verdicts come in, sentences go out; screen, page and crowd's report show
the same ones. Days are written as 2021-06-01.
"""

from collections.abc import Iterable
from datetime import timedelta

from crowdveil.laws.answer import Answer, Level
from crowdveil.laws.lawful import Finding, Mode, Operator, Verdict
from crowdveil.laws.record import (
    BINDING,
    Bound,
    Change,
    Effect,
    Kind,
    Place,
    PlaceLevel,
    Rule,
    Status,
    Use,
    When,
)
from crowdveil.laws.standing import Standing

STATUS = {
    Status.IN_FORCE: "in force",
    Status.NOT_STARTED: "adopted, not started",
    Status.PARTLY: "partly in force",
    Status.SUSPENDED: "suspended",
    Status.EXPIRED: "expired",
    Status.REPEALED: "repealed",
    Status.REPLACED: "replaced",
    Status.PROPOSED: "proposed",
    Status.FAILED: "failed",
    Status.UNKNOWN: "not known",
}
EFFECT = {
    Effect.BANS: "bans",
    Effect.LIMITS: "limits",
    Effect.DISCLOSES: "demands notice or reports",
    Effect.PERMITS: "permits",
    Effect.RULING: "ruling",
}
KIND = {
    Kind.BAN: "ban",
    Kind.MORATORIUM: "moratorium",
    Kind.CONDITIONS: "conditions",
    Kind.TRANSPARENCY: "transparency",
    Kind.PERMISSION: "permission",
    Kind.RULING: "ruling",
}
LEVEL = {
    PlaceLevel.CITY: "City",
    PlaceLevel.TOWN: "Town",
    PlaceLevel.AGENCY: "Body that acts there",
    PlaceLevel.COUNTY: "County",
    PlaceLevel.STATE: "State or region",
    PlaceLevel.COUNTRY: "Country",
    PlaceLevel.UNION: "Union of countries",
}
BOUND = {
    Bound.POLICE: "police",
    Bound.AGENCIES: "public bodies",
    Bound.SCHOOLS: "schools",
    Bound.BUSINESSES: "businesses",
    Bound.PEOPLE: "private persons",
}
USE = {use: use.value.replace("_", " ") for use in Use}
OPERATOR = {
    Operator.POLICE: "the police",
    Operator.AGENCIES: "a public body",
    Operator.SCHOOLS: "a school",
    Operator.BUSINESSES: "a business",
}
MODE = {
    Mode.REAL_TIME: "live face recognition in public",
    Mode.RETROSPECTIVE: "face recognition in recordings",
    Mode.BODY_CAMERAS: "face recognition on body cameras",
}
NOT_ADVICE = "This is not legal advice."


def when(change: When) -> str:
    """A day, or its bounds.

    >>> from datetime import date
    >>> when(When(on=date(2021, 1, 1), note="vote"))
    'on 2021-01-01'
    >>> when(When(not_before=date(2021, 1, 1), note="vote"))
    'on a day that is not known (2021-01-01 or later)'
    """
    return f"on {change.on}" if change.on else f"on a day that is not known ({_bounds(change)})"


def _bounds(change: When) -> str:
    if change.latest is None:
        return f"{change.earliest} or later"
    assumed = ", the later one assumed" if change.assumed else ""
    return f"between {change.earliest} and {change.latest}{assumed}"


def where_it_stood(one: Standing) -> str:
    """The status of a rule on its day, in one sentence without a full stop."""
    since = one.since
    if one.open or since is None:
        return _open(one)
    start = f"since {since.on}" if since.on else f"since a day that is not known ({_bounds(since)})"
    match one.status:
        case Status.IN_FORCE if since is not one.started:
            return f"in force {'again' if _came_back(one) else 'as a whole'} {start}"
        case Status.IN_FORCE | Status.PARTLY:
            return f"{STATUS[one.status]} {start}"
        case Status.NOT_STARTED:
            return f"adopted {when(since)}, not started"
        case Status.PROPOSED:
            return f"proposed {when(since)}, not law"
        case Status.EXPIRED if since.on:
            return f"expired: {since.on - timedelta(days=1)} was its last day"
        case Status.FAILED:
            return f"failed {when(since)}, never law"
        case Status.UNKNOWN:
            return f"not known since {since.earliest}"
        case _:
            return f"{STATUS[one.status]} {when(since)}"


def _open(one: Standing) -> str:
    change = one.open[-1]
    after = STATUS[change.status]
    if one.since is None:
        return f"not known: {after} from {_some_day(change)} on"
    before = STATUS[one.since.status]
    if start_is_open(one):
        return f"adopted {when(one.since)}; it started on {_some_day(change)}"
    if change.status is Status.UNKNOWN:
        return f"not known: {before} before {change.earliest}, then the sources fall silent"
    return f"not known: {before}, and {after} from {_some_day(change)} on"


def start_is_open(one: Standing) -> bool:
    """Whether the rule was surely adopted and may or may not have started."""
    adopted = one.since is not None and one.since.status is Status.NOT_STARTED
    return adopted and bool(one.open) and one.open[-1].status in BINDING


def label(one: Standing) -> str:
    """Its status in few words."""
    return "adopted, start not known" if start_is_open(one) else STATUS[one.status]


def _some_day(change: Change) -> str:
    return f"some day ({_bounds(change)})"


def _came_back(one: Standing) -> bool:
    changes = one.rule.changes
    return any(change.status in (Status.REPLACED, Status.SUSPENDED) for change in changes)


def what_came_before(one: Standing) -> str | None:
    """When a rule was adopted, if that is not what its status says already."""
    adopted = one.adopted
    if adopted is None or adopted is one.since or adopted.status is not Status.NOT_STARTED:
        return None
    if adopted in one.open or adopted.earliest > one.day:
        return None
    return f"adopted {when(adopted)}"


_PAST = {
    Status.IN_FORCE: "it started",
    Status.PARTLY: "it applied in part",
    Status.NOT_STARTED: "it was adopted",
    Status.SUSPENDED: "it was suspended",
    Status.EXPIRED: "it expired",
    Status.REPEALED: "it was repealed",
    Status.REPLACED: "it was replaced",
    Status.PROPOSED: "it was proposed",
    Status.FAILED: "it failed",
    Status.UNKNOWN: "it is not known",
}
_PLANNED = {
    Status.IN_FORCE: "it is to start",
    Status.PARTLY: "it is to start in part",
    Status.EXPIRED: "it is to expire",
}


def what_comes_next(one: Standing) -> str | None:
    """The next change that is known."""
    if one.next is None:
        return None
    planned = one.next.earliest > one.place.last_checked
    day = when(one.next)
    if one.next.status is Status.IN_FORCE and one.started is not one.next:
        if _came_back(one):
            return f"it came back {day}"
        return f"it {'is to apply' if planned else 'applied'} in full {day}"
    verbs = _PAST | _PLANNED if planned else _PAST
    return f"{verbs[one.next.status]} {day}"


def why(one: Standing) -> tuple[str, ...]:
    """What the changes rest on that decide about the day."""
    shown: list[Change] = [change for change in (one.adopted, one.since, *one.open) if change]
    return tuple(dict.fromkeys(change.note for change in shown))


def events(one: Standing) -> tuple[str, ...]:
    """What happened, or was planned, without changing the status: "2024-03-05: ..."."""
    return tuple(
        f"{event.on or f'between {event.earliest} and {event.latest}'}: {event.note}"
        for event in one.rule.events
    )


def caveats(one: Standing) -> tuple[str, ...]:
    """What weakens the answer: a bound that is assumed, an old source, a doubt."""
    said = []
    decisive = [change for change in (one.since, *one.open) if change and change.assumed]
    if decisive:
        said.append(
            f"That it started by {decisive[0].not_after} is assumed, not known (docs/laws.md)."
        )
    if one.rule.last_seen and one.day > one.rule.last_seen:
        said.append(f"The newest source is of {one.rule.last_seen}; nothing later was found.")
    if one.rule.doubt:
        said.append(one.rule.doubt)
    return tuple(said)


def what_it_is(rule: Rule) -> str:
    """Its kind, instrument and number: "ban, ordinance, Ordinance No. 107-19"."""
    return f"{KIND[rule.kind]}, {rule.instrument}, {rule.number or 'number not found'}"


def silence(level: Level) -> str:
    """What to say of a level without rules that day."""
    name = level.area.name
    if level.later:
        noun = "rule" if level.later == 1 else "rules"
        return f"Nothing known for that day: the {noun} on the register came later."
    if not level.area.listed:
        return (
            f"{name} is not on the register or its list of cities: nothing is known of it itself."
        )
    return f"Nothing known of {name} itself, which does not mean that there is no rule."


def headline(answer: Answer) -> tuple[str, ...]:
    """The answer in a few sentences: who bans what, who limits it, and what is not known."""
    binding = [one for one in answer.in_force if not one.rule.narrow]
    said = [in_short(one) for effect in Effect for one in binding if one.effect is effect]
    started = [one for one in answer.unknown if start_is_open(one) and not one.rule.narrow]
    if not said and not started:
        said = ["No general rule is known to have been in force."]
    if any(one.effect in (Effect.BANS, Effect.LIMITS) for one in binding):
        said.append("Exceptions are named with each rule.")
    unsure = "Adopted, but whether it had started is not known"
    said += [f"{unsure}: {in_short(one)}" for one in started]
    for one in answer.unknown:
        if not start_is_open(one):
            said.append(f'Not known whether it applied: {one.place.name}, "{one.rule.title}".')
    return tuple(dict.fromkeys(said))


def in_short(one: Standing) -> str:
    """Who does what to whose use: "Portland bans all use by police and public bodies."."""
    rule = one.rule
    name = f"The {one.place.name}" if one.place.id in _WITH_ARTICLE else one.place.name
    who = _joined(BOUND[bound] for bound in rule.binds)
    who += ", in part" if one.status is Status.PARTLY else ""
    what = _joined(_what(rule))
    match rule.effect:
        case Effect.BANS:
            return f"{name} bans {what} by {who}."
        case Effect.LIMITS:
            return f"{name} sets conditions for {what} by {who}."
        case Effect.DISCLOSES:
            return f"{name} demands notice or reports of {what} by {who}."
        case Effect.PERMITS:
            return f"{name} permits {what} by {who}, within limits."
        case _:
            return f"{name}: a ruling on {what} by {who}."


_WITH_ARTICLE = ("coe", "eu", "gb", "us")

_WHAT = {
    Use.ALL_USE: "all use",
    Use.REAL_TIME: "live use",
    Use.RETROSPECTIVE: "searches in recordings",
    Use.BODY_CAMERAS: "use on body cameras",
    Use.MOBILE_DEVICES: "use on mobile devices",
    Use.SCHOOLS: "use in schools",
    Use.PRIVATE_PREMISES: "use on private premises",
    Use.PRIVATE_SPACES: "use in private spaces",
    Use.PUBLIC_SPACE_VIDEO: "video of public places",
    Use.SCRAPING: "scraping",
    Use.COLLECTION_CONSENT: "collection without consent",
    Use.SALE_OF_DATA: "sale of the data",
    Use.ACCESS_TO_STATE_DATABASE: "searches in the state's database",
    Use.SOLE_BASIS_FOR_ARREST: "arrests on a match alone",
    Use.SOLE_VERIFICATION: "verification by face alone",
    Use.USE_CONDITIONS: "use",
}


def _what(rule: Rule) -> list[str]:
    """What a rule restricts, in few words; side matters are left to its details."""
    if Use.ALL_USE in rule.restricts:
        shops = Use.PRIVATE_PREMISES in rule.restricts and rule.binds == (Bound.BUSINESSES,)
        return [_WHAT[Use.PRIVATE_PREMISES if shops else Use.ALL_USE]]
    named = [_WHAT[use] for use in rule.restricts if use in _WHAT]
    return named or [USE[use] for use in rule.restricts]


def limits_of_knowledge(answer: Answer) -> tuple[str, ...]:
    """How far the answer can be trusted."""
    said = []
    if answer.day > answer.register_date:
        said.append(
            f"The register ends on {answer.register_date}: what it says of {answer.day} is what "
            "was in force or planned then."
        )
    said.append(
        f"As far as the register of {answer.register_date} (version {answer.version}) knows. "
        f"{NOT_ADVICE}"
    )
    return tuple(said)


def verdict(found: Verdict) -> tuple[str, ...]:
    """What the register says of a deployment, the answer first."""
    answer = found.answer
    deployed = (
        f"{MODE[found.mode]} by {OPERATOR[found.operator]} in {answer.spot.area.full_name} "
        f"on {answer.day}"
    )
    first = {
        Finding.FORBIDDEN: f"Not lawful, as far as is known: a rule bans {deployed}, unless one "
        "of its exceptions fits.",
        Finding.LIMITED: "No ban is known of, but there are rules or rulings that set conditions "
        f"for {deployed}.",
        Finding.UNCERTAIN: f"Not known: whether {deployed} was lawful depends on a rule whose "
        "dates the sources leave open.",
        Finding.NO_RULE: f"The register knows of no rule that forbids or limits {deployed}. That "
        "does not make it lawful.",
    }[found.finding]
    said = [first]
    for label, group in (
        ("Ban", found.bans),
        ("Condition", found.limits),
        ("Permission", found.permits),
        ("Open", found.uncertain),
        ("To come", found.coming),
    ):
        said += [f"{label}: {rule_line(one)}" for one in group]
    if any(one.place.level in _LOCAL for one in (*found.bans, *found.uncertain)):
        said.append(
            "A city's rule binds its own police and offices, not those of a county, the state or "
            "the country."
        )
    return (*said, *limits_of_knowledge(answer))


_LOCAL = (PlaceLevel.CITY, PlaceLevel.TOWN)
_SMALL = (*_LOCAL, PlaceLevel.COUNTY, PlaceLevel.AGENCY)


def rule_line(one: Standing) -> str:
    """A rule in one line: whose, what, and where it stood."""
    number = f" ({one.rule.number})" if one.rule.number else ""
    return f"{one.place.name}: {one.rule.title}{number}; {where_it_stood(one)}."


def place_name(place: Place) -> str:
    """A place's name, with its state where it is smaller than one: "Portland (OR)"."""
    if place.iso is None or place.level not in _SMALL:
        return place.name
    return f"{place.name} ({place.iso.removeprefix('US-')})"


def capital(text: str) -> str:
    """A sentence with a capital letter; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def host(url: str) -> str:
    """Whose page it is: "https://www.opb.org/article/1" is of opb.org."""
    return url.split("/")[2].removeprefix("www.")


def _joined(names: Iterable[str]) -> str:
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else found[0]
