"""How sure is sure: the settings that all intervals of an audit share. What they do is left to
`shares`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resampling:
    """How sure is sure.

    Attributes:
        confidence: coverage of every interval, above 0 and below 1.
        draws: how often chance is drawn, for p-values and figures by chance, >= 100.
        seed: of the draws; the same seed gives the same figures.
    """

    confidence: float = 0.95
    draws: int = 2000
    seed: int = 0
