"""How large a picture may say it is before anyone believes it.

A few bytes can declare a picture that fills all memory; declared sizes are checked here
before a decoder allocates anything.
"""

from crowdveil.errors import UnreadableMedia

MAX_FRAME_PX = 200_000_000
"""Largest frame in pixels: twice the largest sensors in cameras that people carry."""
MAX_TOTAL_PX = 400_000_000
"""Largest sum over the frames of an animation or the pages of a file, in pixels."""
MAX_FRAMES = 10_000
"""Frames of one animation: longer ones take hours and are videos."""


def check_frames(frames: int, where: str) -> None:
    """Refuse an animation of more frames than `MAX_FRAMES`; raises `UnreadableMedia`."""
    if frames > MAX_FRAMES:
        raise UnreadableMedia(
            f"{where}: has more than {MAX_FRAMES:,} frames, the limit for a moving picture; "
            "make a video of it (MP4) or split it first"
        )


def check_size(width: int, height: int, frames: int, where: str) -> None:
    """Refuse a picture that is empty or too large to be safe.

    Args:
        width, height: of one frame, in pixels, as the file declares them.
        frames: how many there are.
        where: what to call the file in the message.

    Raises:
        UnreadableMedia: a side is below 1, or the picture or their number is beyond the limits.
    """
    if width < 1 or height < 1 or frames < 1:
        raise UnreadableMedia(f"{where}: holds no picture ({width} x {height} pixels)")
    check_frames(frames, where)
    area = width * height
    if area > MAX_FRAME_PX or area * frames > MAX_TOTAL_PX:
        raise UnreadableMedia(
            f"{where}: says it has {frames} x {width} x {height} pixels, more than the limit of "
            f"{MAX_FRAME_PX // 1_000_000} million a frame and {MAX_TOTAL_PX // 1_000_000} million "
            "in all; if that is true, split or reduce it first"
        )
