"""What of a video could not be read, and how to say so in a sentence."""

from dataclasses import dataclass


@dataclass(slots=True)
class Damage:
    """What could not be read.

    Attributes:
        packets: pieces of the file that could not be decoded.
        frames: decoded frames of which the decoder had to make parts up.
        first_s: when the first of these was due, in seconds, None if there was none.
        missing: frames that the file's index tells of and that never came.
        early_s: how much earlier than announced the video ended, 0 if it did not.
    """

    packets: int = 0
    frames: int = 0
    first_s: float | None = None
    missing: int = 0
    early_s: float = 0.0

    def at(self, time_s: float | None) -> None:
        """Remember when something was first amiss; None is before the first frame."""
        if self.first_s is None:
            self.first_s = 0.0 if time_s is None else time_s

    def sentence(self) -> str | None:
        """What to tell the user, None if the whole video could be read."""
        parts = []
        if self.packets or self.frames:
            count = self.packets + self.frames
            parts.append(f"{count} damaged {'piece' if count == 1 else 'pieces'}{self._since()}")
        if self.missing:
            parts.append(f"{self.missing} {'frame' if self.missing == 1 else 'frames'} missing")
        if self.early_s:
            parts.append(f"it ends {self.early_s:.1f} s early")
        if not parts:
            return None
        return (
            f"the file is damaged ({', '.join(parts)}); what could be decoded is veiled, "
            "the rest is not in the copy"
        )

    def _since(self) -> str:
        return "" if self.first_s is None else f" from {self.first_s:.1f} s on"
