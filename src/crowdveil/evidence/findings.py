"""What a check can find, in one shape for faces, metadata, pictures and veils.

Every part of the evidence hands out findings; the record, the report and the screen show
them. How anything is found is left to the parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from crowdveil.geometry import Box


class Verdict(StrEnum):
    """How bad a finding is."""

    EXPOSED = "exposed"
    """Someone can be recognised or found by it: do not publish."""
    DOUBTFUL = "doubtful"
    """A person should look before it is published."""


class Subject(StrEnum):
    """What a finding is about."""

    FACE = "face"
    """A face that is not hidden, or shows through its veil."""
    LEAK = "leak"
    """Something in the file that is not the picture."""
    IDENTITY = "identity"
    """A veiled face that a recogniser still tells apart."""
    ALTERED = "altered"
    """The picture was changed where no face is, or is not the same length or size."""
    VEIL = "veil"
    """A veil that is not what the plan would draw, or is made of what it hides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a person must know of before publishing.

    Attributes:
        subject: what it is about.
        verdict: how bad it is.
        what: a plain clause, as "a face is open".
        place: where in the file, as "moov/udta/(c)xyz", None where a box or a time says it.
        box: `x0, y0, x1, y1` in pixels of the upright original, half-open.
        size_px: the longer side of the box.
        frame: number of the (first) frame or page, 0 for the only one; None for the whole file.
        time_s: when that frame is shown, None for photos.
        until_s: when the last frame with it is shown, None for photos.
        probability: that the box shows a face, 0-1, as the detectors judge.
        unchanged: share of the face that is as it was, 0-1.
    """

    subject: Subject
    verdict: Verdict
    what: str
    place: str | None = None
    box: Box | None = None
    size_px: float | None = None
    frame: int | None = None
    time_s: float | None = None
    until_s: float | None = None
    probability: float | None = None
    unchanged: float | None = None


def exposed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that forbid publishing, in their order."""
    return tuple(finding for finding in findings if finding.verdict is Verdict.EXPOSED)


def doubtful(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that ask for a look, in their order."""
    return tuple(finding for finding in findings if finding.verdict is Verdict.DOUBTFUL)
