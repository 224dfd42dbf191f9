"""What a user of `crowdveil crowd` can choose: every default, as one frozen object."""

from dataclasses import dataclass

from crowdveil.validation import Validated


@dataclass(frozen=True, kw_only=True)
class CrowdOptions(Validated):
    """How scenarios are worked out.

    Attributes:
        events: how often each is simulated.
        seed: of the random numbers.
        overwrite: whether existing outputs are replaced.
    """

    events: int = 50_000
    seed: int = 0
    overwrite: bool = False
