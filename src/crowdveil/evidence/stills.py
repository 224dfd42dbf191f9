"""Pictures for a report: the veiled copy, with everything painted over that is open or doubtful.

What goes into the shareable report is decided here and nowhere else: pixels of the copy only,
and none of an area that may be a face that is not hidden. Crops for the editor's eyes are made
apart, and only when asked for.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from crowdveil.evidence.findings import Finding
from crowdveil.geometry import Box, Boxes
from crowdveil.media.picture import RGB

LONGEST_PX = 960
"""Longer side of a picture in the report."""

CROP_PX = 160
"""Longer side of a crop."""

_COVER = 1.6
_PAINT = (29, 39, 51)
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Crop:
    """One finding up close, for the editor only.

    Attributes:
        finding: what it shows.
        original: JPEG bytes.
        copy: JPEG bytes.
    """

    finding: Finding
    original: bytes
    copy: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding on a still: where it is, in shares of width and height, and its number."""

    number: int
    left: float
    top: float
    width: float
    height: float
    exposed: bool


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of a copy, safe to show.

    Attributes:
        jpeg: the copy, reduced, with open areas painted over.
        size_wh: its size in pixels.
        frame: its number in the file.
        time_s: when it is shown, None for photos.
    """

    jpeg: bytes
    size_wh: tuple[int, int]
    frame: int
    time_s: float | None


def still_of(copy: RGB, open_boxes: Boxes, *, frame: int, time_s: float | None) -> Still:
    """A picture of the copy for the report.

    Args:
        copy: (h, w, 3) uint8, upright.
        open_boxes: (n, 4) float32, everything that may be a face and is not hidden.
        frame: its number in the file.
        time_s: when it is shown, None for photos.
    """
    height, width = copy.shape[:2]
    painted = copy.copy()
    for x0, y0, x1, y1 in open_boxes.tolist():
        centre = (x0 + x1) / 2, (y0 + y1) / 2
        half = (x1 - x0) / 2 * _COVER + 1, (y1 - y0) / 2 * _COVER + 1
        left, top = max(int(centre[0] - half[0]), 0), max(int(centre[1] - half[1]), 0)
        right, bottom = int(np.ceil(centre[0] + half[0])), int(np.ceil(centre[1] + half[1]))
        painted[top : max(bottom, 0), left : max(right, 0)] = _PAINT
    scale = min(1.0, LONGEST_PX / max(width, height))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    if scale < 1:
        painted = np.asarray(cv2.resize(painted, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Still(_jpeg(painted), size, frame, time_s)


def mark_of(finding: Finding, number: int, size_wh: tuple[int, int], *, exposed: bool) -> Mark:
    """Where a finding lies on a still of its frame; its box must not be None."""
    if finding.box is None:
        raise ValueError("a finding without a box has no place on a picture")
    width, height = size_wh
    x0, y0, x1, y1 = finding.box
    left, right = (min(max(x, 0), width) / width for x in (x0, x1))
    top, bottom = (min(max(y, 0), height) / height for y in (y0, y1))
    return Mark(number, left, top, right - left, bottom - top, exposed=exposed)


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A place up close, before and after. Holds a face: only for a page for the editor."""

    before: RGB = field(repr=False)
    after: RGB = field(repr=False)

    def of(self, finding: Finding) -> Crop:
        """The crop for a finding at this place."""
        return Crop(finding, _jpeg(self.before), _jpeg(self.after))


def close_up(before: RGB, after: RGB, box: Box) -> CloseUp:
    """Cut a box with half as much around it out of a picture and its copy, in one size.

    Args:
        before, after: (h, w, 3) uint8, of one size.
        box: in pixels of them; what lies outside is left out.
    """
    x0, y0, x1, y1 = box
    more = max(x1 - x0, y1 - y0) / 2
    height, width = before.shape[:2]
    left, top = (
        int(min(max(at, 0), most - 1)) for at, most in ((x0 - more, width), (y0 - more, height))
    )
    here = slice(top, max(int(y1 + more), top + 1)), slice(left, max(int(x1 + more), left + 1))
    return CloseUp(_fitted(before[here]), _fitted(after[here]))


def _fitted(part: RGB) -> RGB:
    scale = CROP_PX / max(part.shape[:2])
    size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size, interpolation=method), np.uint8)


def _jpeg(picture: RGB) -> bytes:
    swapped = np.ascontiguousarray(picture[..., ::-1])
    done, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError("a picture of the report could not be encoded")
    return data.tobytes()
