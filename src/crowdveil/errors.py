"""The errors that crowdveil raises, each with one sentence a user can act on.

A message says what is wrong, where, and what to do. The command line prints it in one
place; nothing in the library prints or exits.
"""

# ruff: noqa: N818 (each name says what is wrong; "Error" at its end would add nothing)

_MOST_SHOWN = 300


def shortened(text: object) -> str:
    """What a message quotes, cut in its middle if it is longer than anybody would read."""
    whole = str(text)
    half = _MOST_SHOWN // 2
    return whole if len(whole) <= _MOST_SHOWN else f"{whole[:half]} ... {whole[-half:]}"


class CrowdveilError(Exception):
    """Base of every error that crowdveil raises on purpose."""


class OptionsInvalid(CrowdveilError):
    """Options contradict one another or are out of range."""


class UnreadableMedia(CrowdveilError):
    """A source is damaged, empty, too large to be safe, or not what its name says."""


class UnsupportedMedia(CrowdveilError):
    """A source is of a kind that crowdveil does not read or write."""


class OutputRefused(CrowdveilError):
    """An output would overwrite something, collide with another, or cannot be written."""


class PlanInvalid(CrowdveilError):
    """A plan does not follow the schema, or does not belong to the source it names."""


class RecordInvalid(CrowdveilError):
    """A record of a check does not follow its schema, or was changed after it was signed."""


class KeyInvalid(CrowdveilError):
    """A key file is missing or holds no key of the kind that signs records."""


class WeightsInvalid(CrowdveilError):
    """A weights file is missing, altered, or not what its description says."""


class ScenarioInvalid(CrowdveilError):
    """A scenario of a deployment does not follow the schema, or asks for the impossible."""


class TableInvalid(CrowdveilError):
    """A table of labels, scores, candidates or embeddings cannot be audited as it stands."""


class PlaceUnknown(CrowdveilError):
    """A place is named that neither the register of laws nor its list of cities knows.

    Attributes:
        suggestions: names like it that would be understood; may be empty.
    """

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        """The sentence, and what it suggests."""
        super().__init__(message)
        self.suggestions = suggestions


class PlaceAmbiguous(CrowdveilError):
    """A name is shared by several places.

    Attributes:
        choices: what to ask instead, to be understood.
    """

    def __init__(self, message: str, choices: tuple[str, ...] = ()) -> None:
        """The sentence, and the choices it names."""
        super().__init__(message)
        self.choices = choices


class RegisterInvalid(CrowdveilError):
    """A file of the register of laws does not follow its schema or contradicts another."""
