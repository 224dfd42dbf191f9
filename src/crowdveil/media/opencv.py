"""Keeps OpenCV from writing to the terminal over files that it cannot read.

What went wrong is told by our own errors, in words that name the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cv2.utils import logging


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """No line from OpenCV meanwhile, whatever thread it works on."""
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
