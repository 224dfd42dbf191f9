"""What a user must hear about one file that was done all the same."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence about a file.

    Attributes:
        text: the sentence, without the file's name, without a full stop.
        loud: whether the copy lacks part of what the source shows, so that the run must not
            count as a full success.
    """

    text: str
    loud: bool = False
