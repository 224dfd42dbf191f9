"""The scenario: what a deployment is said to be, as TOML that a person can write in ten lines.

Holds and checks what was typed, key by key, and knows which inputs rest on a source, on an
assumption or on a default. Reading files is left to `reading`, arithmetic to `deployment` and
what follows it.
"""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from crowdveil.crowd.rates import CALIBRATE, RATES_SCHEMA, Rates, parse_rates
from crowdveil.laws.lawful import Mode, Operator

SCHEMA: Literal["crowdveil/scenario/1"] = "crowdveil/scenario/1"
EVERYONE = "everyone"
"""The one group of a scenario that names none."""

DEFAULT_FNIR = 0.11
"""Share of sightings of listed people that give no alert, when a scenario does not say: 89 %
were found in NPL's 2023 test of NeoFace V4 at threshold 0.60, in a controlled walk.
Source: https://www.computerweekly.com/news/365535008/"""

MOST_SIGHTINGS = 64
"""Of one person at one event: more would cost minutes and say nothing new."""

MOST = 10_000_000_000
"""Of people, entries or events: more than there are people, and as much as can be drawn from."""

_SUM_TOLERANCE = 1e-6

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Shares = Annotated[dict[str, Share], Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False, strict=True)]
Whole = Annotated[int, Field(ge=0, le=MOST, strict=True)]
MatchRates = Annotated[
    InstanceOf[Rates] | Literal["calibrate"],
    BeforeValidator(parse_rates),
    WithJsonSchema(RATES_SCHEMA),
]
SearchRates = Annotated[
    InstanceOf[Rates] | Literal["calibrate"],
    BeforeValidator(lambda value: parse_rates(value, searches=True)),
    WithJsonSchema(RATES_SCHEMA),
]
GivenFnir = Annotated[
    InstanceOf[Rates],
    BeforeValidator(lambda value: _no_calibration(parse_rates(value))),
    WithJsonSchema({"anyOf": RATES_SCHEMA["anyOf"][1:4]}),
]


def _no_calibration(rates: Rates | str) -> Rates:
    if not isinstance(rates, Rates) or rates.pairs:
        raise ValueError("give one rate, or one for each group")
    return rates


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Crowd(_Table):
    """Who passes the cameras.

    `people` or `faces` is for all `events` together. A face is one sighting of one person: with
    `faces` the number of people is what makes the sightings come out right.
    """

    people: Positive | None = None
    faces: Positive | None = None
    events: Annotated[int, Field(ge=1, le=MOST)] = 1
    groups: Shares = Field(default_factory=lambda: {EVERYONE: 1.0})
    """Shares of the people who pass."""
    residents: Positive | None = None
    """How many people the list is drawn from; a longer list is refused."""
    population: Shares | None = None
    """Shares of the people at home there: against these, presence is uneven."""
    cameras: Annotated[int, Field(ge=1, le=64)] = 1
    seen_by_each: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Probability that a camera gets a usable face of someone who passes."""
    passes: (
        Annotated[float, Field(ge=1, le=32)] | dict[str, Annotated[float, Field(ge=1, le=32)]]
    ) = 1.0
    """How often someone passes all cameras at one event, on average; also by group."""
    correlation: Share = 0.5
    """How alike two sightings of one person turn out: 0 as of two people, 1 always the same."""

    @field_validator("groups", "population")
    @classmethod
    def _whole(cls, shares: dict[str, float] | None) -> dict[str, float] | None:
        return shares if shares is None else sums_to_one(shares)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.people is None) == (self.faces is None):
            raise ValueError("give either people or faces")
        passes = self.passes.values() if isinstance(self.passes, dict) else [self.passes]
        if self.cameras * max(passes) > MOST_SIGHTINGS:
            raise ValueError(
                f"cameras x passes: at most {MOST_SIGHTINGS} sightings of one person at one event"
            )
        for name, named in (("population", self.population), ("passes", self.passes)):
            if isinstance(named, dict) and set(named) != set(self.groups):
                raise ValueError(f"{name} must name the groups of crowd.groups, all of them")
        return self


class Watchlist(_Table):
    """Whom the recogniser looks for."""

    size: Annotated[int, Field(ge=1, le=MOST)]
    groups: Shares | None = None
    """Shares of the entries; without them the list is taken to be made up like the crowd."""
    present: Share | Literal["calibrate"] | None = None
    """Share of the listed people who pass the cameras at one event."""
    wrongly_listed: Share = 0.0
    """Share of the listed people who should not be on the list."""

    @field_validator("groups")
    @classmethod
    def _whole(cls, shares: dict[str, float] | None) -> dict[str, float] | None:
        return shares if shares is None else sums_to_one(shares)


class Recogniser(_Table):
    """How often it errs, typed in or from an audit."""

    system: str | None = None
    """Name of the system, like "NeoFace V4"."""
    fmr: MatchRates | None = None
    """False match rate of one comparison."""
    across: Share | None = None
    """With one FMR for each group: what share of their geometric mean holds between groups."""
    fpir: SearchRates | None = None
    """False positive identification rate of one search, with the `list` it was measured on."""
    fnir: GivenFnir | None = None
    """Share of sightings of a listed person that give no alert."""
    audit: str | None = None
    """An `audit.json` of `crowdveil audit`, beside the scenario."""
    operating_point: str | float | None = None
    """Its label or threshold in the audit."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(given is not None for given in (self.fmr, self.fpir, self.audit)) > 1:
            raise ValueError("give one of fmr, fpir and audit")
        if self.operating_point is not None and self.audit is None:
            raise ValueError("operating_point chooses from an audit, but no audit is given")
        if self.across is not None:
            rates = self.fmr if self.fmr is not None else self.fpir
            if not isinstance(rates, Rates) or not rates.groups:
                raise ValueError("across goes with one FMR or FPIR for each group")
        return self


class Procedure(_Table):
    """What happens on an alert."""

    rejects_false: Share = 0.0
    """Share of the people falsely alerted to whom a human reviewer lets go."""
    rejects_true: Share = 0.0
    """Share of the people rightly alerted to whom the same happens."""
    dwell_minutes: Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)] | None = None
    """Length of a stop."""


class Year(_Table):
    """From one event to a year."""

    events: Positive | None = None
    """Events in a year."""
    attended: Annotated[float, Field(ge=1, le=MOST, allow_inf_nan=False)] = 12.0
    """Events that one person passes in a year."""


class PublishedByGroup(_Table):
    """Published counts by group."""

    false_alerts: dict[str, Whole]


class Published(_Table):
    """What was published about the deployment afterwards, to compare with."""

    alerts: Whole | None = None
    true_alerts: Whole | None = None
    false_alerts: Whole | None = None
    arrests: Whole | None = None
    source: str | None = None
    note: str | None = None
    by_group: PublishedByGroup | None = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Of alerts = true + false, any two give the third."""
        if not isinstance(given, dict):
            return given
        parts = [given.get(key) for key in ("alerts", "true_alerts", "false_alerts")]
        known = [part for part in parts if isinstance(part, int)]
        if len(known) != 2:
            return given
        alerts, right, wrong = parts
        if alerts is None:
            alerts = sum(known)
        elif right is None:
            right = known[0] - known[1]
        else:
            wrong = known[0] - known[1]
        if any(part is not None and part < 0 for part in (right, wrong)):
            raise ValueError("true and false alerts cannot outnumber the alerts")
        return {**given, "alerts": alerts, "true_alerts": right, "false_alerts": wrong}

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = (self.alerts, self.true_alerts, self.false_alerts)
        if None not in parts and parts[0] != sum(part or 0 for part in parts[1:]):
            raise ValueError("alerts must be true_alerts + false_alerts")
        return self


class Assumed(_Table):
    """Why an input was assumed, and what else it might be."""

    why: str
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.range is not None and not 0 <= self.range[0] <= self.range[1]:
            raise ValueError("range must be [low, high]")
        return self


class OtherRate(_Table):
    """An error rate from elsewhere: what it would have predicted for this deployment."""

    name: str
    fpir: SearchRates
    source: str


class Scenario(_Table):
    """One deployment, or several like it, as it is said to be."""

    schema_: Literal["crowdveil/scenario/1"] = Field(default=SCHEMA, alias="schema")
    name: str
    summary: str = ""
    kind: Literal["deployment", "illustration"] = "deployment"
    place: str | None = None
    """Where it was, or would be, as `crowdveil laws` takes it: "Portland, Oregon"."""
    day: Annotated[date | None, Field(alias="date")] = None
    """On which day; goes with `place`."""
    operator: Operator = Operator.POLICE
    """Who runs it."""
    mode: Mode = Mode.REAL_TIME
    """How faces are searched for."""
    crowd: Crowd
    watchlist: Watchlist
    recogniser: Recogniser = Recogniser()
    procedure: Procedure = Procedure()
    year: Year = Year()
    published: Published | None = None
    sources: dict[str, str] = {}
    """Key of an input, like `crowd.people`, to where it was published."""
    assumed: dict[str, Assumed] = {}
    """Key of an input to why it was assumed."""
    other_rates: tuple[OtherRate, ...] = ()

    @field_validator("sources", "assumed")
    @classmethod
    def _known(cls, notes: dict[str, Any]) -> dict[str, Any]:
        for key in notes:
            if key not in INPUTS:
                raise ValueError(f"{key!r} is no input; inputs are {', '.join(INPUTS)}")
        return notes

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.place is None) != (self.day is None):
            raise ValueError("place and date go together: what was lawful depends on both")
        groups = self.crowd.groups
        residents = self.crowd.residents
        if residents is not None and self.watchlist.size > residents:
            raise ValueError(
                f"watchlist.size ({self.watchlist.size:,}) is larger than the population it is "
                f"drawn from, crowd.residents ({residents:,.0f})"
            )
        listed = self.watchlist.groups
        if listed is not None and set(listed) != set(groups):
            raise ValueError("watchlist.groups must name the groups of crowd.groups, all of them")
        for key in ("fmr", "fpir", "fnir"):
            rates = getattr(self.recogniser, key)
            if isinstance(rates, Rates) and rates.common is None:
                _same_groups(f"recogniser.{key}", rates, set(groups))
        by_group = self.published.by_group if self.published else None
        if by_group is not None and set(by_group.false_alerts) != set(groups):
            raise ValueError("published.by_group.false_alerts must name the groups of crowd.groups")
        return self

    def given(self, key: str) -> bool:
        """Whether the input of this key was typed rather than left at its default."""
        table, _, name = key.partition(".")
        return name in getattr(self, table).model_fields_set

    @property
    def calibrated(self) -> tuple[str, ...]:
        """Keys of the inputs that are solved from the published counts of this deployment."""
        keys = []
        recogniser = self.recogniser
        rates = next((r for r in (recogniser.fmr, recogniser.fpir) if r is not None), None)
        if rates == CALIBRATE or (rates is None and recogniser.audit is None):
            keys.append("recogniser.fmr")
        if self.watchlist.present in (CALIBRATE, None):
            keys.append("watchlist.present")
        return tuple(keys)


INPUTS = tuple(
    f"{table}.{field}"
    for table, model in (
        ("crowd", Crowd),
        ("watchlist", Watchlist),
        ("recogniser", Recogniser),
        ("procedure", Procedure),
        ("year", Year),
    )
    for field in model.model_fields
)
"""The keys of all inputs."""


def sums_to_one(shares: dict[str, float]) -> dict[str, float]:
    """The shares as they are; raises `ValueError` if they are not those of a whole."""
    total = sum(shares.values())
    if not abs(total - 1) <= _SUM_TOLERANCE:
        raise ValueError(f"shares must sum to 1, these sum to {total:.6g}")
    return shares


def _same_groups(key: str, rates: Rates, groups: set[str]) -> None:
    rows = rates.pairs if rates.pairs is not None else (rates.groups or {})
    complete = set(rows) == groups
    if rates.pairs is not None:
        complete &= all(set(cells) == groups for cells in rates.pairs.values())
    if not complete:
        wrong = sorted(set(rates.named()) ^ groups) or sorted(groups)
        raise ValueError(
            f"{key} must have a rate for every group of crowd.groups (look at {', '.join(wrong)})"
        )
