"""One place of the register: its rules on face recognition, their dates and their sources.

TOML that a person wrote comes in, checked and frozen records go out. What a rule's changes
come to on a given day is left to `standing`; which place a name means, to `resolving`.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SCHEMA: Literal["crowdveil/laws/1"] = "crowdveil/laws/1"
FIRST_DAY = date(1990, 1, 1)
"""No law on face recognition is older; an earlier date is a slip."""


class Status(StrEnum):
    """Where a rule stands on a day."""

    IN_FORCE = "in_force"
    NOT_STARTED = "not_started"
    """Adopted, but not in force yet."""
    PARTLY = "partly"
    """Some of it applies, some does not yet."""
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    """Ended on its own terms."""
    REPEALED = "repealed"
    REPLACED = "replaced"
    """Another rule of the same place took its place."""
    PROPOSED = "proposed"
    FAILED = "failed"
    """Proposed, and not made law."""
    UNKNOWN = "unknown"
    """The sources do not say."""


ENDED = frozenset({Status.EXPIRED, Status.REPEALED, Status.REPLACED, Status.FAILED})
BINDING = frozenset({Status.IN_FORCE, Status.PARTLY})


class Effect(StrEnum):
    """What a rule does to the use of face recognition."""

    BANS = "bans"
    LIMITS = "limits"
    DISCLOSES = "discloses"
    """Demands notices, reports or policies, and forbids nothing."""
    PERMITS = "permits"
    """Allows what was not allowed, or not clearly."""
    RULING = "ruling"
    """A court or tribunal judged one use, and others go by it."""


class Kind(StrEnum):
    """What sort of rule it is."""

    BAN = "ban"
    MORATORIUM = "moratorium"
    """A ban for a time, or until something is done."""
    CONDITIONS = "conditions"
    TRANSPARENCY = "transparency"
    PERMISSION = "permission"
    RULING = "ruling"


EFFECT = {
    Kind.BAN: Effect.BANS,
    Kind.MORATORIUM: Effect.BANS,
    Kind.CONDITIONS: Effect.LIMITS,
    Kind.TRANSPARENCY: Effect.DISCLOSES,
    Kind.PERMISSION: Effect.PERMITS,
    Kind.RULING: Effect.RULING,
}


class Bound(StrEnum):
    """Who must comply."""

    POLICE = "police"
    AGENCIES = "agencies"
    """Public bodies other than police and schools."""
    SCHOOLS = "schools"
    BUSINESSES = "businesses"
    """Private bodies, also as makers or sellers of systems."""
    PEOPLE = "people"
    """Private persons."""


class Use(StrEnum):
    """What is restricted."""

    ALL_USE = "all_use"
    """Every use; includes the narrower ones."""
    PURCHASE = "purchase"
    DERIVED_INFORMATION = "derived_information"
    """Results that somebody else's system produced."""
    REAL_TIME = "real_time"
    RETROSPECTIVE = "retrospective"
    TRACKING = "tracking"
    BODY_CAMERAS = "body_cameras"
    MOBILE_DEVICES = "mobile_devices"
    SCHOOLS = "schools"
    PRIVATE_PREMISES = "private_premises"
    PRIVATE_SPACES = "private_spaces"
    """Hotel rooms, changing rooms and the like."""
    PUBLIC_SPACE_VIDEO = "public_space_video"
    SCRAPING = "scraping"
    COLLECTION_CONSENT = "collection_consent"
    SALE_OF_DATA = "sale_of_data"
    ACCESS_TO_STATE_DATABASE = "access_to_state_database"
    SOLE_BASIS_FOR_ARREST = "sole_basis_for_arrest"
    SOLE_VERIFICATION = "sole_verification"
    VERIFICATION = "verification"
    CATEGORISATION = "categorisation"
    OTHER_BIOMETRICS = "other_biometrics"
    USE_CONDITIONS = "use_conditions"
    """General duties before and during use."""


class PlaceLevel(StrEnum):
    """How far a place's rules reach."""

    CITY = "city"
    TOWN = "town"
    AGENCY = "agency"
    """A body that serves several places, such as a port or a railway."""
    COUNTY = "county"
    STATE = "state"
    """A state, province, canton or constituent country."""
    COUNTRY = "country"
    UNION = "union"
    """Several countries under one law or one court."""


class Confidence(StrEnum):
    """How well a rule's dates are known."""

    HIGH = "high"
    """An official text or record, or two independent sources."""
    MEDIUM = "medium"
    """One source, or a day worked out from a weekday."""
    LOW = "low"
    """Sources that contradict one another, are undated, or could not be verified."""


_PART_OF_ALL_USE = frozenset(
    {
        Use.REAL_TIME,
        Use.RETROSPECTIVE,
        Use.TRACKING,
        Use.BODY_CAMERAS,
        Use.MOBILE_DEVICES,
        Use.PUBLIC_SPACE_VIDEO,
    }
)

Text = Annotated[str, Field(min_length=1, pattern=r"^\S(?:.*\S)?$")]
Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
PlaceId = Annotated[str, Field(pattern=r"^[a-z]{2,3}(?:-[a-z]+)*$")]
RuleId = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class When(_Table):
    """A day, or the bounds between which it lies."""

    on: date | None = None
    """The day itself, where it is known."""
    not_before: date | None = None
    """The earliest day it can have been."""
    not_after: date | None = None
    """The latest day it can have been; without it, the day may lie anywhere after the earliest."""
    assumed: bool = False
    """Whether `not_after` is the register's assumption (docs/laws.md) and no source's."""
    note: Text
    """What happened that day, and how the day is known."""

    @property
    def earliest(self) -> date:
        """The first day on which it can have happened."""
        return min(day for day in (self.on, self.not_before) if day is not None)

    @property
    def latest(self) -> date | None:
        """The last day on which it can have happened; None if that is open."""
        return self.on or self.not_after

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.on is None) == (self.not_before is None):
            raise ValueError("give either on, or not_before with or without not_after")
        if self.on is not None and self.not_after is not None:
            raise ValueError("not_after goes with not_before, not with on")
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise ValueError("not_before must be earlier than not_after; if equal, say on")
        if self.assumed and self.not_after is None:
            raise ValueError("assumed speaks of not_after, which is missing")
        for day in (self.on, self.not_before, self.not_after):
            if day is not None and day < FIRST_DAY:
                raise ValueError(f"{day} is before {FIRST_DAY}, the earliest that can be right")
        return self


class Change(When):
    """From a day on, a rule has a status."""

    status: Status


class Source(_Table):
    """A page, and what it shows."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+\.[^\s]+$")]
    supports: Text


class Rule(_Table):
    """One law, order, policy or ruling, or one part of it with dates of its own."""

    id: RuleId
    """Unique within its place."""
    title: Text
    """What it does, in a few words."""
    instrument: Text
    """Ordinance, act, order, judgment ..."""
    number: Text | None = None
    """Official number or title; left out where no source gives it."""
    kind: Kind
    binds: Annotated[tuple[Bound, ...], Field(min_length=1)]
    who: Text
    """Who must comply, in words."""
    restricts: Annotated[tuple[Use, ...], Field(min_length=1)]
    says: Text
    """What it says, with its exceptions."""
    narrow: Text | None = None
    """Why it does not decide on a deployment in general: it binds one named body, or one system."""
    not_in: tuple[Code, ...] = ()
    """Member countries of a union that this rule does not bind."""
    changes: Annotated[tuple[Change, ...], Field(min_length=1)]
    """From first to last."""
    events: tuple[When, ...] = ()
    """What happened without changing the status."""
    last_seen: date | None = None
    """The date of the newest source that shows it, where that is long ago."""
    doubt: Text | None = None
    """What the sources leave open or contradict."""
    confidence: Confidence
    why: Text
    """The reason for the confidence."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def effect(self) -> Effect:
        """What it does, which follows from its kind."""
        return EFFECT[self.kind]

    def covers(self, use: Use) -> bool:
        """Whether it restricts this use, by name or because it restricts all use.

        All use of schools or of businesses alone is not the use of cameras in public places.
        """
        if use in self.restricts:
            return True
        public = not set(self.binds) <= {Bound.SCHOOLS, Bound.BUSINESSES}
        return Use.ALL_USE in self.restricts and use in _PART_OF_ALL_USE and public

    @field_validator("binds", "restricts", "not_in")
    @classmethod
    def _once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) < len(values):
            raise ValueError("names something twice")
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        for before, after in zip(self.changes, self.changes[1:], strict=False):
            if before.status is after.status:
                raise ValueError(f"changes: two in a row say {after.status}")
            if before.earliest > after.earliest or (
                before.latest is not None
                and after.latest is not None
                and before.latest > after.latest
            ):
                raise ValueError(
                    f"changes: {after.status} ({after.earliest}) stands after {before.status} "
                    f"({before.earliest}) but is earlier"
                )
        if self.changes[0].status in {*ENDED, Status.SUSPENDED} - {Status.FAILED}:
            raise ValueError(f"changes: cannot begin with {self.changes[0].status}")
        urls = [source.url for source in self.sources]
        if len(set(urls)) < len(urls):
            raise ValueError("sources: the same page twice")
        return self


class Place(_Table):
    """A city, state, country, union or body, with everything the register knows of it."""

    schema_: Literal["crowdveil/laws/1"] = Field(default=SCHEMA, alias="schema")
    id: PlaceId
    """As its file is called."""
    name: Text
    level: PlaceLevel
    parent: PlaceId | None = None
    """The next larger place; a country or a union has none."""
    iso: Annotated[str, Field(pattern=r"^[A-Z]{2}(?:-[A-Z0-9]{1,3})?$")] | None = None
    """ISO 3166-2 code of the state or country it lies in, or of itself."""
    also: tuple[Text, ...] = ()
    """Other names that people use."""
    at: tuple[float, float] | None = None
    """Latitude and longitude of its middle, in degrees."""
    towns: tuple[Text, ...] = ()
    """Of a county: the cities and towns in it."""
    reaches: tuple[PlaceId, ...] = ()
    """Of an agency: the places where it acts."""
    members: tuple[Code, ...] = ()
    """Of a union: its countries."""
    last_checked: date
    not_found: tuple[Text, ...] = ()
    """What was searched for and not found."""
    rules: tuple[Rule, ...] = ()

    @field_validator("at")
    @classmethod
    def _on_earth(cls, at: tuple[float, float] | None) -> tuple[float, float] | None:
        if at is not None and not (-90 <= at[0] <= 90 and -180 <= at[1] <= 180):
            raise ValueError("at is [latitude, longitude] in degrees")
        return at

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError("rules: two have the same id")
        if not self.rules and not self.not_found:
            raise ValueError("has neither rules nor anything that was searched and not found")
        whole = self.level in (PlaceLevel.COUNTRY, PlaceLevel.UNION)
        if whole != (self.parent is None):
            raise ValueError("a country or a union has no parent, and everything else has one")
        if (self.level is PlaceLevel.UNION) != bool(self.members):
            raise ValueError("members are those of a union")
        if self.towns and self.level is not PlaceLevel.COUNTY:
            raise ValueError("towns are those of a county")
        if bool(self.reaches) != (self.level is PlaceLevel.AGENCY):
            raise ValueError("an agency, and nothing else, names the places it reaches")
        for rule in self.rules:
            if set(rule.not_in) - set(self.members):
                raise ValueError(f"rules.{rule.id}: not_in names no member")
            # The last check bounds what can have been seen, not what is planned.
            if rule.last_seen is not None and rule.last_seen > self.last_checked:
                raise ValueError(f"rules.{rule.id}: last_seen is after last_checked")
        return self
