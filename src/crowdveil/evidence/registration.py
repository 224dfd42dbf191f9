"""Finds where each pixel of an original lies in its copy, and brings the copy there.

Two pictures come in; a `Registration` goes out, or None where nothing certain can be said.
Small patches of the original are sought in the copy: veils hide some of them, what agrees on
one place is the picture. All eight orientations are tried on the whole frame first; then
features (SIFT) find what was scaled, shifted, cropped, padded or turned by any angle. Levels are
left to `levels`, faces to `residual`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.orientation import ORIENTATIONS, UPRIGHT, Orientation
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.picture import RGB
from crowdveil.redact.masks import Mask

Matrix = NDArray[np.float64]
"""(3, 3), maps homogeneous pixel coordinates; pixel edges are whole numbers."""

WORK_PX = 768
"""Longer side at which pictures are registered."""

_LEAST_PX = 320
"""Smaller pictures are enlarged to this: features need some room."""

_PATCH, _REACH = 24, 5
"""Side of a patch, and how far from its place it is sought, in pixels at work."""

_GRID = 16
"""Patches along the longer side."""

_TEXTURE = 4.0
"""Standard deviation of levels from which a patch can be told from its neighbours."""

_AGREES = 0.8
"""Correlation from which a patch counts as found."""

_NEAR_PX = 1.0
"""How far from its place, at work, a patch may be found for the picture to be in place."""

_CLOSE_PX = 2.0
"""How far off, at work, patches tell whether it lies exactly: one row that was cut off moves them
so far, and little that repeats itself does so as closely."""

_FEWEST, _LEAST_SHARE = 8, 0.12
"""Patches that must agree, and the share of those that have texture."""

_EXACT_PX = 0.6
"""Mean offset, at work, up to which the copy counts as lying exactly as assumed."""

_SURE_SHARE = 0.4
"""Share of the patches from which no other registration is looked for."""

_FEATURES, _RATIO, _INLIERS = 2000, 0.8, 10

_MOST_STRETCH = 3.0
"""Largest ratio between the scales along two directions that a copy may have."""

_WHOLE = 0.995
"""Share from which a picture counts as shown in full."""

_INSIDE = 127

_FLAT_SAME, _FLAT_SHARE = 10, 0.3
"""A picture without texture is in place where this share of it differs by no more levels."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What the patches of an original found in a copy.

    Attributes:
        places: (n, 2) float64, centres of the textured patches, pixels at work.
        offsets: (n, 2) float64, how far from there each was found.
        scores: (n,) float64, correlation where it was found, negative in an inverted copy.
    """

    places: NDArray[np.float64]
    offsets: NDArray[np.float64]
    scores: NDArray[np.float64]

    @property
    def agreeing(self) -> NDArray[np.bool_]:
        """(n,) which were found, at one sign of the correlation."""
        sign = 1.0 if (self.scores >= _AGREES).sum() >= (self.scores <= -_AGREES).sum() else -1.0
        return np.asarray(sign * self.scores >= _AGREES)

    @property
    def near(self) -> NDArray[np.bool_]:
        """(n,) which were found where they should be."""
        return np.asarray(self.agreeing & (np.abs(self.offsets).max(axis=1, initial=0) <= _NEAR_PX))

    @property
    def inverted(self) -> bool:
        """Whether what was found has light and shade swapped."""
        return bool((self.scores <= -_AGREES).sum() > (self.scores >= _AGREES).sum())

    def certain(self, which: NDArray[np.bool_]) -> bool:
        """Whether so many agree that it is no chance."""
        return int(which.sum()) >= max(_FEWEST, _LEAST_SHARE * len(self.places))


@dataclass(frozen=True, slots=True)
class Registration:
    """Where an original lies in its copy.

    Attributes:
        size_wh: of the original.
        copy_wh: of the copy.
        orientation: how the original was turned to become the copy, to the nearest quarter.
        matrix: original to copy.
        exact: whether the copy is the whole frame, turned by quarters and scaled at most.
        inverted: whether light and shade are swapped.
        votes: what this rests on, as patches that agree and that have texture.
        places: (k, 2) float64, centres of patches of the original that were found, its pixels.
        reach_px: half a side of such a patch, in pixels of the original.
    """

    size_wh: SizeWH
    copy_wh: SizeWH
    orientation: Orientation
    matrix: Matrix
    exact: bool
    inverted: bool
    votes: tuple[int, int]
    places: NDArray[np.float64]
    reach_px: float

    @property
    def in_place(self) -> bool:
        """Whether the copy lies on the original but for its size."""
        return self.exact and self.orientation == UPRIGHT

    @property
    def sure(self) -> bool:
        """Whether so much agrees that nothing else needs to be tried."""
        return self.votes[0] >= _SURE_SHARE * self.votes[1]

    def aligned(self, copy: RGB) -> RGB:
        """The copy as the original lies, (h, w, 3) uint8; black where the copy shows nothing."""
        if self.exact:
            return _resized(self.orientation.undo(copy), self.size_wh)
        return _warped(copy, self.matrix, self.size_wh)

    @property
    def covered(self) -> Mask:
        """(h, w) bool in the original, what the copy shows of it."""
        width, height = self.size_wh
        if self.exact:
            return np.ones((height, width), np.bool_)
        whole = np.full((self.copy_wh[1], self.copy_wh[0]), 255, np.uint8)
        return np.asarray(_warp(whole, self.matrix, self.size_wh) > _INSIDE)

    def oriented(self, copy: RGB) -> RGB:
        """The copy turned by quarters, and mirrored, until it lies nearly as the original."""
        return self.orientation.undo(copy)

    def from_oriented(self, boxes: Boxes) -> Boxes:
        """(n, 4) boxes of the oriented copy as boxes of the original; may lie outside of it."""
        width, height = self.copy_wh
        oriented_wh = (height, width) if self.orientation.lies else (width, height)
        turned = self.orientation.matrix(oriented_wh, self.copy_wh)
        return _moved(boxes, np.linalg.inv(self.matrix) @ turned)

    def scaled(self, size_wh: SizeWH, copy_wh: SizeWH) -> "Registration":
        """The same for the two pictures at other sizes."""
        smaller = _scaling(size_wh, self.size_wh)
        across = size_wh[0] / self.size_wh[0]
        return replace(
            self,
            size_wh=size_wh,
            copy_wh=copy_wh,
            matrix=_scaling(self.copy_wh, copy_wh) @ self.matrix @ smaller,
            places=self.places * (np.array(size_wh) / self.size_wh),
            reach_px=self.reach_px * across,
        )

    @property
    def whole(self) -> "Registration":
        """The whole frame, turned by quarters as this, and nothing else."""
        matrix = self.orientation.matrix(self.size_wh, self.copy_wh)
        return replace(self, matrix=matrix, exact=True)

    def differences(self) -> list[str]:
        """What a person should know, as clauses after "the copy"."""
        if self.exact:
            return [] if self.orientation == UPRIGHT else [self.orientation.sentence]
        told = [] if self.orientation == UPRIGHT else [self.orientation.sentence]
        shown = float(self.covered.mean())
        if shown < _WHOLE:
            told.append(f"shows {shown:.0%} of the original")
        width, height = self.copy_wh
        own = _outline(self.size_wh, self.matrix)
        inside, _ = cv2.intersectConvexConvex(own, _outline((width, height), np.eye(3)))
        if inside < _WHOLE * width * height:
            told.append("shows more than the original around it")
        if not told:
            told.append("does not lie exactly as the original")
        return told


def register(original: RGB, copy: RGB) -> Registration | None:
    """Find an original in its copy.

    Args:
        original: (h, w, 3) uint8, upright.
        copy: (h', w', 3) uint8, any size.

    Returns:
        None where too little agrees to be certain.
    """
    before = _Reduced.of(original)
    best: Registration | None = None
    for orientation in ORIENTATIONS:
        found = _whole_frame(before, copy, orientation)
        if found is not None and (found.exact or found.sure):
            return found
        best = _better(best, found)
    if best is not None and (best.exact or best.sure):
        return best
    for matrix in _by_features(before, copy):
        best = _better(best, _settled(before, copy, matrix))
        if best is not None and best.sure:
            break
    if best is not None:
        return best
    return _flat(before, original, copy)


def _moved(boxes: Boxes, matrix: Matrix) -> Boxes:
    """(n, 4) boxes where a matrix takes their centres, with their sides as it scales there."""
    x0, y0, x1, y1 = boxes.astype(np.float64).T
    centre = np.asarray(np.stack([(x0 + x1) / 2, (y0 + y1) / 2], axis=1), np.float64)
    there = _mapped(np.asarray(centre, np.float64), matrix)
    half = [
        np.linalg.norm(_mapped(np.asarray(centre + step, np.float64), matrix) - there, axis=1)
        for step in (
            np.stack([(x1 - x0) / 2, np.zeros_like(x0)], axis=1),
            np.stack([np.zeros_like(y0), (y1 - y0) / 2], axis=1),
        )
    ]
    away = np.stack(half, axis=1)
    return np.concatenate([there - away, there + away], axis=1).astype(np.float32)


def _outline(size_wh: SizeWH, matrix: Matrix) -> NDArray[np.float32]:
    width, height = size_wh
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    there = _mapped(corners, matrix).astype(np.float32)
    return np.ascontiguousarray(there[::-1] if cv2.contourArea(there, oriented=True) < 0 else there)


@dataclass(frozen=True)
class _Reduced:
    """A picture in grey at the size at which it is worked with."""

    grey: NDArray[np.uint8]
    size_wh: SizeWH

    @classmethod
    def of(cls, picture: RGB) -> "_Reduced":
        height, width = picture.shape[:2]
        longest = max(height, width)
        scale = min(WORK_PX / longest, 1.0) if longest > _LEAST_PX else _LEAST_PX / longest
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        return cls(_grey(picture, size), (width, height))

    @property
    def work_wh(self) -> SizeWH:
        return self.grey.shape[1], self.grey.shape[0]

    @property
    def scale(self) -> Matrix:
        """From the whole picture to this."""
        return _scaling(self.size_wh, self.work_wh)

    @cached_property
    def features(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return _features(self.grey)


def _whole_frame(before: _Reduced, copy: RGB, orientation: Orientation) -> Registration | None:
    """The copy taken as the whole frame, turned by quarters."""
    height, width = copy.shape[:2]
    turned = (height, width) if orientation.lies else (width, height)
    stretch = turned[0] / turned[1] * before.size_wh[1] / before.size_wh[0]
    if not 1 / _MOST_STRETCH < stretch < _MOST_STRETCH:
        return None
    after = _grey(orientation.undo(copy), before.work_wh)
    votes = _votes(before.grey, after)
    matrix = orientation.matrix(before.size_wh, (width, height))
    # What repeats itself, as the rows of a wall, is found a row off as well as in its place.
    close = votes.agreeing & (np.abs(votes.offsets).max(axis=1, initial=0) <= _CLOSE_PX)
    if votes.certain(votes.near) and _moved_by(votes, close) <= _EXACT_PX:
        return _registration(before, copy, matrix, orientation, votes, exact=True)
    if votes.certain(votes.agreeing):
        return _settled(before, copy, matrix)
    return None


def _moved_by(votes: Votes, which: NDArray[np.bool_]) -> float:
    """How far the copy lies from where it is assumed to, at the patch that is furthest off.

    By the map that most of the patches agree on, not by those that lie well: where a row was cut
    off, patches lie well at one end and not at the other.
    """
    places, offsets = votes.places[which], votes.offsets[which]
    source: Any = places.astype(np.float32)
    target: Any = (places + offsets).astype(np.float32)
    found, inliers = cv2.estimateAffine2D(
        source, target, method=cv2.USAC_MAGSAC, ransacReprojThreshold=1.0
    )
    if found is None or inliers.sum() < _FEWEST:
        return float(np.abs(offsets).max(axis=1).mean())
    there = places @ found[:, :2].T + found[:, 2]
    return float(np.abs(there - places).max())


def _registration(
    before: _Reduced,
    copy: RGB,
    matrix: Matrix,
    orientation: Orientation,
    votes: Votes,
    *,
    exact: bool,
) -> Registration:
    back: Matrix = np.asarray(np.linalg.inv(before.scale), np.float64)
    near = votes.near
    return Registration(
        before.size_wh,
        (copy.shape[1], copy.shape[0]),
        orientation,
        matrix,
        exact,
        votes.inverted,
        (int(near.sum()), len(near)),
        _mapped(votes.places[near], back),
        _PATCH / 2 * float(back[0, 0]),
    )


def _settled(before: _Reduced, copy: RGB, matrix: Matrix) -> Registration | None:
    """Fit a first guess to the patches until they lie where they should; None if they do not."""
    votes: Votes | None = None
    best: tuple[tuple[int, float], Matrix, Votes] | None = None
    for _ in range(4):
        if not _plausible(matrix, before.size_wh, (copy.shape[1], copy.shape[0])):
            break
        after = cv2.cvtColor(
            _warped(copy, matrix @ np.linalg.inv(before.scale), before.work_wh), cv2.COLOR_RGB2GRAY
        )
        votes = _votes(before.grey, np.asarray(after, np.uint8))
        near = votes.near
        # Where as many lie near, a fraction of a pixel decides whether small faces can be compared.
        off = float(np.abs(votes.offsets[near]).mean()) if near.any() else np.inf
        rank = (int(near.sum()), -off)
        if best is None or rank > best[0]:
            best = rank, matrix, votes
        which = votes.agreeing
        if which.sum() < _FEWEST:
            break
        fitted = _fitted(votes.places[which], (votes.places + votes.offsets)[which])
        if fitted is None:
            break
        matrix = matrix @ np.linalg.inv(before.scale) @ fitted @ before.scale
    if best is None or not best[2].certain(best[2].near):
        return None
    orientation = _nearest(best[1], before.size_wh)
    return _registration(before, copy, best[1], orientation, best[2], exact=False)


def _fitted(a: NDArray[np.float64], b: NDArray[np.float64]) -> Matrix | None:
    """The affine map, or with many points the homography, that takes most of `a` to `b`."""
    source: Any = a.astype(np.float32)
    target: Any = b.astype(np.float32)
    if len(a) >= 4 * _FEWEST:
        found, inliers = cv2.findHomography(source, target, cv2.USAC_MAGSAC, 1.0)
        if found is not None and inliers.sum() >= _FEWEST:
            return np.asarray(found, np.float64)
    found, inliers = cv2.estimateAffine2D(
        source, target, method=cv2.USAC_MAGSAC, ransacReprojThreshold=1.0
    )
    if found is None or inliers.sum() < _FEWEST:
        return None
    return np.concatenate([found, [[0.0, 0.0, 1.0]]])


def _by_features(before: _Reduced, copy: RGB) -> Iterator[Matrix]:
    """First guesses from features, for the copy as it is, mirrored and inverted."""
    after = _Reduced.of(copy)
    points, descriptors = before.features
    for mirrored in (False, True):
        for inverted in (False, True):
            grey = 255 - after.grey if inverted else after.grey
            grey = np.ascontiguousarray(grey[:, ::-1]) if mirrored else grey
            there, described = _features(grey)
            matrix = _matched(points, descriptors, there, described)
            if matrix is None:
                continue
            if mirrored:
                flip = np.array([[-1.0, 0, after.work_wh[0]], [0, 1, 0], [0, 0, 1]])
                matrix = flip @ matrix
            yield np.linalg.inv(after.scale) @ matrix @ before.scale


def _features(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    even = cv2.createCLAHE(3.0, (8, 8)).apply(grey)
    sift: Any = cv2.SIFT.create  # missing from the stubs
    keys, found = sift(_FEATURES, contrastThreshold=0.02).detectAndCompute(even, None)
    if found is None or not len(keys):
        return np.empty((0, 2), np.float32), np.empty((0, 128), np.float32)
    root = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))
    # Key points count from the middle of the first pixel.
    return np.array([key.pt for key in keys], np.float32) + 0.5, root.astype(np.float32)


def _matched(
    a: NDArray[np.float32],
    described_a: NDArray[np.float32],
    b: NDArray[np.float32],
    described_b: NDArray[np.float32],
) -> Matrix | None:
    if len(a) < _INLIERS or len(b) < _INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(described_a, described_b, k=2)
    good = [two[0] for two in pairs if len(two) == 2 and two[0].distance < _RATIO * two[1].distance]
    if len(good) < _INLIERS:
        return None
    source: Any = a[[one.queryIdx for one in good]]
    target: Any = b[[one.trainIdx for one in good]]
    found, inliers = cv2.estimateAffine2D(
        source, target, method=cv2.USAC_MAGSAC, ransacReprojThreshold=3.0, maxIters=5000
    )
    if found is None or inliers.sum() < _INLIERS:
        return None
    return np.concatenate([found, [[0.0, 0.0, 1.0]]])


def _votes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Votes:
    """Seek patches of one grey picture in another of the same size."""
    height, width = before.shape
    step = max(max(height, width) // _GRID, _PATCH // 2)
    a, b = before.astype(np.float32), after.astype(np.float32)
    places, offsets, scores = [], [], []
    margin = _PATCH // 2
    for y in range(margin + _REACH, height - margin - _REACH + 1, step):
        for x in range(margin + _REACH, width - margin - _REACH + 1, step):
            patch = a[y - margin : y + margin, x - margin : x + margin]
            if patch.std() < _TEXTURE:
                continue
            window = b[
                y - margin - _REACH : y + margin + _REACH, x - margin - _REACH : x + margin + _REACH
            ]
            if window.std() < 1.0:
                offsets.append((0.0, 0.0))
                scores.append(0.0)
                places.append((x, y))
                continue
            found = cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)
            low, high, low_at, high_at = cv2.minMaxLoc(found)
            score, at = (low, low_at) if -low > high else (high, high_at)
            places.append((x, y))
            offsets.append(_summit(found * np.sign(score), at))
            scores.append(min(max(score, -1.0), 1.0))
    return Votes(
        np.array(places, np.float64).reshape(-1, 2),
        np.array(offsets, np.float64).reshape(-1, 2),
        np.array(scores, np.float64),
    )


def _summit(found: NDArray[np.float32], at: Any) -> tuple[float, float]:
    """Where the highest value lies, to fractions, from the middle."""
    x, y = int(at[0]), int(at[1])
    return (
        x - _REACH + _parabola(found[y], x),
        y - _REACH + _parabola(found[:, x], y),
    )


def _parabola(values: NDArray[np.float32], k: int) -> float:
    if not 0 < k < len(values) - 1:
        return 0.0
    left, here, right = (float(value) for value in values[k - 1 : k + 2])
    bend = left - 2 * here + right
    return 0.0 if bend >= 0 else float(np.clip((left - right) / (2 * bend), -0.5, 0.5))


def _flat(before: _Reduced, original: RGB, copy: RGB) -> Registration | None:
    """A picture with hardly any texture, taken as in place where much of it is the same."""
    if not _same_shape(before.size_wh, (copy.shape[1], copy.shape[0])):
        return None
    votes = _votes(before.grey, _grey(copy, before.work_wh))
    if len(votes.places) >= 2 * _FEWEST:
        return None
    after = _grey(copy, before.work_wh)
    same = cv2.absdiff(before.grey, after) <= _FLAT_SAME
    if same.mean() < _FLAT_SHARE:
        return None
    matrix = UPRIGHT.matrix(before.size_wh, (copy.shape[1], copy.shape[0]))
    return _registration(before, copy, matrix, UPRIGHT, votes, exact=True)


def _same_shape(a: SizeWH, b: SizeWH) -> bool:
    return abs(a[0] / a[1] / (b[0] / b[1]) - 1) <= 0.02


def _better(a: Registration | None, b: Registration | None) -> Registration | None:
    """The one that more patches agree on, an exact one if they are much the same."""
    if a is None or b is None:
        return a or b
    ratio = 0.8 if a.exact and not b.exact else 1.25 if b.exact and not a.exact else 1.0
    return b if b.votes[0] * ratio > a.votes[0] else a


def _nearest(matrix: Matrix, size_wh: SizeWH) -> Orientation:
    """The orientation that comes nearest to a map, about the middle of the picture."""
    middle = np.array(size_wh, np.float64) / 2
    around = middle + np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    there = _mapped(np.asarray(around, np.float64), matrix)
    axes = np.stack([there[1] - there[0], there[2] - there[0]], axis=1)
    axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-9)
    return max(ORIENTATIONS, key=lambda one: float((one.axes * axes).sum()))


def _plausible(matrix: Matrix, a: SizeWH, b: SizeWH) -> bool:
    """Whether a map is no degenerate one: it keeps areas and angles within reason."""
    corners = np.array([(0, 0), (a[0], 0), (a[0], a[1]), (0, a[1])], np.float64)
    with np.errstate(all="ignore"):
        there = _mapped(corners, matrix)
    if not np.isfinite(there).all() or np.linalg.cond(matrix[:2, :2]) > _MOST_STRETCH:
        return False
    area = abs(float(cv2.contourArea(there.astype(np.float32))))
    return 0.02 * b[0] * b[1] < area < 400 * b[0] * b[1] and bool(
        cv2.isContourConvex(there.astype(np.float32))
    )


def _mapped(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    full = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return np.asarray(full[:, :2] / full[:, 2:], np.float64)


def _scaling(a: SizeWH, b: SizeWH) -> Matrix:
    return np.diag([b[0] / a[0], b[1] / a[1], 1.0])


def _warped(copy: RGB, matrix: Matrix, size_wh: SizeWH) -> RGB:
    """The copy as a picture of a size lies whose pixels a matrix takes to the copy's."""
    around = np.array(size_wh, np.float64) / 2 + np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    with np.errstate(all="ignore"):
        there = _mapped(around, matrix)
    scale = float(
        np.sqrt(np.linalg.norm(there[1] - there[0]) * np.linalg.norm(there[2] - there[0]))
    )
    if scale > 1.2:  # reduce first, as sampling alone would skip pixels
        size = max(round(copy.shape[1] / scale), 1), max(round(copy.shape[0] / scale), 1)
        whole = copy.shape[1], copy.shape[0]
        copy = np.asarray(cv2.resize(copy, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = _scaling(whole, size) @ matrix
    return np.asarray(_warp(copy, matrix, size_wh), np.uint8)


def _warp(picture: Any, matrix: Matrix, size_wh: SizeWH) -> Any:
    # OpenCV counts from the middle of the first pixel.
    half = np.array([[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    inner = np.linalg.inv(half) @ matrix @ half
    return cv2.warpPerspective(
        picture,
        inner,
        size_wh,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )


def _grey(picture: RGB, size_wh: SizeWH) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(_resized(picture, size_wh), cv2.COLOR_RGB2GRAY), np.uint8)


def _resized(picture: RGB, size_wh: SizeWH) -> RGB:
    if picture.shape[1::-1] == size_wh:
        return picture
    shrinks = size_wh[0] * size_wh[1] < picture.shape[0] * picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size_wh, interpolation=method), np.uint8)
