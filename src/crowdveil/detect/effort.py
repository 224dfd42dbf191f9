"""How much of a video is looked at with everything there is."""

from enum import StrEnum


class Effort(StrEnum):
    """How often everything is looked at, beside the quick pass over every frame."""

    AUTO = "auto"
    """Where a shot begins, several times a second, and wherever someone new appears."""
    FULL = "full"
    """In every frame: slow, for when nothing may be missed."""
