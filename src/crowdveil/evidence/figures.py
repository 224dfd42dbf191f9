"""The figures of one checked file, as the parts of the evidence measure them and the record
keeps them."""

from dataclasses import dataclass

from crowdveil.geometry import Box


@dataclass(frozen=True, slots=True)
class FaceFigures:
    """How many faces were looked at.

    Attributes:
        pictures: how many pictures, or frames of a video, were compared.
        found: faces found in the original (in a video: people followed).
        hidden: how many of them are hidden in the copy.
    """

    pictures: int
    found: int
    hidden: int


@dataclass(frozen=True, slots=True)
class LeakFigures:
    """What was searched for leaks.

    Attributes:
        bytes: size of the copy.
        container: whether its container was walked to its end.
        witnesses: programs of others that looked as well, with their versions.
        absent: programs that would have looked but are not installed.
    """

    bytes: int
    container: bool
    witnesses: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrityFigures:
    """What was changed outside the veils; of several pictures the worst.

    Attributes:
        veils_known: whether the plan told where the veils are, or they were judged by pixels.
        outside: share of the picture that lies outside the veils and their edges.
        identical: share of those pixels that are the same to the bit.
        visible: share of those pixels that differ by more than 8 of 255.
        psnr_db: peak signal-to-noise ratio outside, None if nothing differs.
        ssim: structural similarity outside.
        elsewhere: boxes that were altered though no face is near.
        pictures: how many pictures these figures are of.
        size_wh: width and height of the original and of the copy.
        frames: how many pictures the original and the copy have.
        duration_s: how long both play, None for photos.
        time_shift_s: largest difference between the times of two frames, None for photos.
    """

    veils_known: bool
    outside: float
    identical: float
    visible: float
    psnr_db: float | None
    ssim: float
    elsewhere: tuple[Box, ...]
    pictures: int
    size_wh: tuple[tuple[int, int], tuple[int, int]]
    frames: tuple[int, int]
    duration_s: tuple[float, float] | None = None
    time_shift_s: float | None = None
