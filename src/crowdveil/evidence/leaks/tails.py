"""Finds out whether the last bytes of a coded picture belong to it.

Decoders stop when they have all pixels and say nothing of what follows. So the last bytes are
exchanged for others: where the picture does not change, they were no part of it. Bytes and a way
to make a whole file of them come in; the answer goes out.
"""

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

TAIL_BYTES = 24
"""Fewer may be what an encoder rounds up with; a name or a position is about as long."""
_OTHERS = tuple(
    bytes(random.Random(seed).choices(range(1, 255), k=TAIL_BYTES)) for seed in range(2)
)


def tail_is_used(coded: bytes, whole: Callable[[bytes], bytes]) -> bool:
    """Whether a picture changes with the last `TAIL_BYTES` of its coded data.

    Args:
        coded: the coded data; of fewer bytes than twice the tail nothing is asked.
        whole: makes a file that Pillow opens out of coded data.

    Returns:
        True also where the picture cannot be decoded, as that is told elsewhere.
    """
    if len(coded) < 2 * TAIL_BYTES:
        return True
    changed = [whole(coded[:-TAIL_BYTES] + other) for other in _OTHERS]
    # A change that shows in the small is one; only what does not has to be decoded in full.
    return any(
        _differ(whole(coded), other, small=small) for small in (True, False) for other in changed
    )


def _differ(one: bytes, other: bytes, *, small: bool) -> bool:
    own, changed = _pixels(one, small=small), _pixels(other, small=small)
    if own is None or changed is None:
        return True
    return own.shape != changed.shape or not np.array_equal(own, changed)


def _pixels(data: bytes, *, small: bool) -> Any:
    """Pixels of the first picture, None if it cannot be decoded.

    Args:
        data: a file.
        small: whether an eighth of a JPEG is enough, which takes half of the time.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if small:
                image.draft(None, (image.width // 8, image.height // 8))
            image.load()
            return np.asarray(image)
    except Exception:
        return None
