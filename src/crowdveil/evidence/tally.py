"""What adds up while two films are read side by side: integrity, proofs, length and time.

Pairs of frames come in, sums go out. Which frames are measured is left to `moving`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.films import Film, Shown, Video
from crowdveil.evidence.integrity import Outside, outside_veils
from crowdveil.evidence.noninterference import SAME_DB, Proof, paint_twice, plane_agreement
from crowdveil.evidence.stills import Still
from crowdveil.media.picture import RGB
from crowdveil.media.video.reader import StoredFrame
from crowdveil.plan import Region
from crowdveil.redact.look import Look
from crowdveil.redact.masks import Mask, mask_of


@dataclass(slots=True)
class Tally:
    """What adds up while two films are read side by side."""

    outside: list[Outside] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list)
    independent: bool = True
    proven: int = 0
    agreement: dict[Look, list[float]] = field(default_factory=dict)
    independents: dict[Look, bool] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.0, 0.0)
    shift_s: float = 0.0
    offset_s: float | None = None
    unmatched: int = 0
    differences: list[str] = field(default_factory=list)

    def note_time(self, original_s: float, copy_s: float) -> None:
        """Add when a frame is shown in both; what was cut at the start moves all alike."""
        if self.offset_s is None:
            self.offset_s = copy_s - original_s
        self.shift_s = max(self.shift_s, abs(copy_s - original_s - self.offset_s))


def measured(
    before: RGB,
    after: RGB,
    boxes: NDArray[np.float64],
    veils: Sequence[Region] | None,
    scale: NDArray[np.float64],
    look: Look,
    covered: Mask,
) -> Outside:
    """The integrity of one frame; `boxes` are (n, 4), in pixels of the reduced pictures, as
    `scale` (4,) makes them of stored ones, `covered` what the copy shows."""
    mask = None
    if veils is not None:
        fitted = [
            region.model_copy(update={"box": tuple((np.array(region.box) * scale).tolist())})
            for region in veils
        ]
        mask = mask_of(fitted, (before.shape[1], before.shape[0]), look)
    return outside_veils(before, after, boxes.astype(np.float32), mask, covered=covered)


def prove(
    a: Shown, b: Shown, film: Film, veils: Sequence[Region], looks: Sequence[Look], tally: Tally
) -> None:
    """Draw the veils of one frame twice, in every look, and add how well each agrees."""
    if not (isinstance(a, StoredFrame) and isinstance(b, StoredFrame) and isinstance(film, Video)):
        return
    planes, shown = a.planes(), b.planes()
    for look in looks:
        painted = paint_twice(film.clip, planes, veils, look)
        if painted is None:
            return
        same, drawn, hidden = painted
        agreement = plane_agreement(drawn, shown, hidden)
        tally.agreement.setdefault(look, []).append(agreement)
        tally.independents[look] = tally.independents.get(look, True) and same
        if agreement >= SAME_DB:
            break


def proof_of(tally: Tally) -> Proof | None:
    """The proof of the look that agrees best with the copy, None if nothing was drawn."""
    if not tally.agreement:
        return None
    look = max(tally.agreement, key=lambda one: min(tally.agreement[one]))
    worst = min(tally.agreement[look])
    return Proof(
        style=look.style,
        margin=look.margin,
        seed=look.seed,
        independent=tally.independents[look],
        pictures=len(tally.agreement[look]),
        agreement_db=None if not np.isfinite(worst) else round(worst, 2),
        reproduced=worst >= SAME_DB,
        shape=look.shape,
    )
