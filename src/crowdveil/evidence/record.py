"""The record of a check, `evidence.json`: every figure and finding, and what they were made with.

Findings and figures come in; JSON that a program can read, a lawyer can keep and a key can sign
comes out. Versioned like a plan; the schema is in docs/evidence.schema.json. Signing is left to
`signing`, showing to `report`.
"""

from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from crowdveil.errors import RecordInvalid
from crowdveil.evidence.figures import FaceFigures, IntegrityFigures, LeakFigures
from crowdveil.evidence.findings import Finding, Verdict
from crowdveil.evidence.noninterference import Proof

RECORD_VERSION: Literal[1] = 1


class Result(StrEnum):
    """What came of checking one file, or all of them."""

    CLEAN = "clean"
    """Nothing was found that forbids publishing."""
    EXPOSED = "exposed"
    """Someone or something is exposed."""
    UNCHECKED = "unchecked"
    """It, or some of it, could not be checked."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _readable(value: object) -> object:
    # Names of files may be no text, which JSON cannot hold.
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


Readable = Annotated[str, BeforeValidator(_readable)]
"""Text in which what is no Unicode is shown as escapes."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Rate(_Model):
    """How often an attack succeeded, with its 95 % interval, beside chance."""

    hits: int
    trials: int
    low: float
    high: float
    chance: float


class AttackFigures(_Model):
    """One attack on the veiled faces: overall, or of one group."""

    name: str
    group: str | None = None
    rank_1: Rate
    rank_10: Rate
    matches: Rate | None = None
    threshold: float | None = None
    threshold_from: str = ""


class AttackRecord(_Model):
    """What one recogniser still gets out of all veiled faces together."""

    recogniser: str
    sha256: str
    verdict: str
    people: int
    distractors: int
    faces: int
    unfit: int
    left_out: int
    attacks: tuple[AttackFigures, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def exposed(self) -> bool:
        """Whether veiled faces were recognised."""
        return self.verdict == "exposed"


class FileRecord(_Model):
    """One original, its copy, and everything that was found and measured."""

    name: str
    """Place of the copy under its folder."""
    original_name: str
    original_sha256: Sha256
    copy_sha256: Sha256
    plan_sha256: Sha256 | None = None
    matched_by_look: bool = False
    result: Result
    error: str | None = None
    findings: tuple[Finding, ...] = ()
    faces: FaceFigures | None = None
    leaks: LeakFigures | None = None
    integrity: IntegrityFigures | None = None
    noninterference: Proof | None = None
    notes: tuple[str, ...] = ()

    @property
    def exposed(self) -> tuple[Finding, ...]:
        """The findings that forbid publishing."""
        return tuple(one for one in self.findings if one.verdict is Verdict.EXPOSED)

    @property
    def doubtful(self) -> tuple[Finding, ...]:
        """The findings that ask for a look."""
        return tuple(one for one in self.findings if one.verdict is Verdict.DOUBTFUL)


class Missing(_Model):
    """A file that was not checked, and why."""

    name: Readable
    why: Readable


class Settings(_Model):
    """How the check was made."""

    caution: str
    detector: str | None = None
    quick: bool
    plans: bool
    gallery: int = 0
    """How many further faces the attackers searched among."""
    gallery_unread: tuple[Missing, ...] = ()
    """Photos of the gallery that could not be read, so that nobody searched among them."""


class Signature(_Model):
    """An Ed25519 signature of the record without its signature; see docs/evidence.md."""

    algorithm: Literal["ed25519"] = "ed25519"
    public_key: str
    """The raw public key, 32 bytes in base64."""
    value: str
    """The signature, 64 bytes in base64."""


class Evidence(_Model):
    """Everything that one check found."""

    kind: Literal["crowdveil evidence"] = "crowdveil evidence"
    version: Literal[1] = RECORD_VERSION
    crowdveil: str
    made_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The day, in UTC."""
    settings: Settings
    weights: dict[str, str] = {}
    """Name of each detector or model to the SHA-256 of its file."""
    tools: dict[str, str] = {}
    """Programs of others that looked for leaks, and their versions."""
    result: Result
    files: tuple[FileRecord, ...] = ()
    unmatched: tuple[Missing, ...] = ()
    reidentification: tuple[AttackRecord, ...] = ()
    """One for each attacker; none if the attacks were left out."""
    signature: Signature | None = None

    def to_json(self) -> str:
        """The record as indented JSON with a final newline."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "record") -> Self:
        """Read a record; raises `RecordInvalid` if it is none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "top level"
            raise RecordInvalid(
                f"{where}: is no record of a check that this version can read ({first['msg']} at "
                f"{place})"
            ) from error

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read the record in a file; raises `RecordInvalid`, also when it cannot be read."""
        return cls.from_json(read_record(path), where=str(path))


def read_record(path: str | PathLike[str]) -> bytes:
    """The bytes of a record; raises `RecordInvalid` if there are none."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RecordInvalid(f"{path}: cannot be read ({error.strerror})") from error
