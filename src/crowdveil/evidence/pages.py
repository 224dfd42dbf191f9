"""Compares a photo with its veiled copy, page by page.

Two decoded photos come in; findings, figures, pictures for the report and faces to attack go into
the `One` of the pair. Animations and videos are left to `moving`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from crowdveil.evidence.alignment import Aligned, align
from crowdveil.evidence.checked import One
from crowdveil.evidence.figures import FaceFigures
from crowdveil.evidence.identity import LEAST_PX, MOST_A_PICTURE, VeiledFace, veiled_face
from crowdveil.evidence.integrity import Outside, outside_veils
from crowdveil.evidence.judging import (
    judge_proof,
    not_comparable,
    note_alignment,
    note_integrity,
)
from crowdveil.evidence.likeness import Drawing
from crowdveil.evidence.noninterference import prove_photo
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Pair
from crowdveil.evidence.residual import Look, look_at_copy, look_for_faces
from crowdveil.evidence.stills import close_up, still_of
from crowdveil.evidence.tools import Tools
from crowdveil.media.picture import RGB, Photo, Picture
from crowdveil.plan import Region
from crowdveil.redact.look import Look as VeilLook
from crowdveil.redact.masks import mask_of
from crowdveil.redact.render import render_picture
from crowdveil.track.timeline import Timeline

_MOST_STILLS = 12
"""Pages of one photo that are shown in the report."""


def compare_pages(
    original: Photo,
    copy: Photo,
    pair: Pair,
    tools: Tools,
    options: CheckOptions,
    one: One,
    breath: Callable[[], None],
) -> None:
    """Compare every page that both have.

    Args:
        original, copy: decoded.
        pair: what is compared.
        tools: finds the faces.
        options: of the check.
        one: of the pair; is written to.
        breath: called for every page; raises to stop.
    """
    finder = tools.finder()
    timeline = None if pair.plan is None else Timeline(pair.plan)
    pages = min(len(original.frames), len(copy.frames))
    looks: list[Look] = []
    outside: list[Outside] = []
    prove_pages(original, copy, pair, options, one)
    drawn = options.look(pair.plan) if one.proof is None else one.proof.look
    for number in range(pages):
        breath()
        page = number if pages > 1 else None
        picture = original.frames[number]
        before, after = picture.rgb(), copy.frames[number].rgb()
        aligned = align(before, after)
        if aligned is None:
            one.errors.append(not_comparable(pair, page))
            one.findings += [
                replace(finding, frame=page)
                for finding in look_at_copy(after, finder, quick=options.quick)
            ]
            continue
        regions = [] if timeline is None else timeline.at(number)
        drawing = _drawing(picture, regions, drawn) if timeline is not None else None
        look = look_for_faces(
            before,
            after,
            aligned,
            finder,
            planned=regions,
            drawing=drawing,
            quick=options.quick,
        )
        looks.append(look)
        found = [replace(finding, frame=page) for finding in look.findings]
        note_alignment(one, aligned, page)
        outside.append(_outside(aligned, look, drawing))
        if number < _MOST_STILLS:
            marked = [finding.box for finding in found if finding.box is not None]
            covered = np.concatenate([look.to_cover, np.array(marked, np.float32).reshape(-1, 4)])
            one.stills.append(still_of(aligned.shown, covered, frame=number, time_s=None))
        if options.private:
            one.crops += [
                close_up(before, aligned.shown, finding.box).of(finding)
                for finding in found
                if finding.box is not None
            ]
        one.findings += found
        if not options.quick:
            one.veiled += _to_attack(aligned.before, aligned.after, look, page)
    one.faces = FaceFigures(
        pictures=pages,
        found=int(sum(look.faces.sum() for look in looks)),
        hidden=int(sum((look.faces & look.hidden).sum() for look in looks)),
    )
    note_integrity(
        one,
        pair,
        outside,
        known=timeline is not None,
        sizes=(original.frames[0].size_wh, copy.frames[0].size_wh),
        frames=(len(original.frames), len(copy.frames)),
    )


def _outside(aligned: Aligned, look: Look, drawing: Drawing | None) -> Outside:
    """What the copy changed where no veil is."""
    found = outside_veils(
        aligned.before,
        aligned.after,
        look.boxes,
        None if drawing is None else drawing.veils,
        covered=aligned.covered,
    )
    if aligned.registration.exact and aligned.levels.factors is None:
        return found
    # What was resampled or levelled differs at every sharp edge; places cannot be told from it.
    return replace(found, elsewhere=())


def _drawing(picture: Picture, regions: Sequence[Region], drawn: VeilLook) -> Drawing:
    """What a plan would make of a page."""
    veils = mask_of(regions, picture.size_wh, drawn)
    return Drawing(render_picture(picture, regions, drawn).rgb(), veils)


def _to_attack(before: RGB, after: RGB, look: Look, page: int | None) -> list[VeiledFace]:
    """The largest veiled faces of a picture."""
    size = (look.boxes[:, 2:] - look.boxes[:, :2]).max(axis=1, initial=0)
    wanted = np.flatnonzero(look.faces & look.hidden & (size >= LEAST_PX))
    wanted = wanted[np.argsort(-size[wanted], kind="stable")][:MOST_A_PICTURE]
    faces = []
    for k in wanted:
        x0, y0, x1, y1 = look.boxes[k].tolist()
        box = (x0, y0, x1, y1)
        faces.append(veiled_face(before, after, box, where=box, frame=page))
    return faces


def prove_pages(original: Photo, copy: Photo, pair: Pair, options: CheckOptions, one: One) -> None:
    """Prove for a photo or animation what its veils are made of, if its plan is known."""
    if pair.plan is None:
        return
    same = original.frames[0].size_wh == (pair.plan.source.width, pair.plan.source.height)
    if not same or len(original.frames) != pair.plan.source.frames:
        one.notes.append("the plan gives another size or number of frames than the original has")
        return
    if copy.frames[0].size_wh != original.frames[0].size_wh:
        one.notes.append("the copy has another size, so its veils could not be drawn again")
        return
    one.proof = prove_photo(original, copy, pair.plan, options.looks(pair.plan))
    judge_proof(one)
