"""Turns what was measured of a pair into its figures and findings.

Integrity, proofs and compared films come in; what is odd about them goes into the `One` of the
pair, with the sentence that says so. Measuring is left to `integrity`, `noninterference` and
`moving`.
"""

from collections.abc import Sequence

from crowdveil.evidence.alignment import Aligned
from crowdveil.evidence.checked import One
from crowdveil.evidence.figures import FaceFigures, IntegrityFigures
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.integrity import Outside
from crowdveil.evidence.moving import Compared
from crowdveil.evidence.pairs import Pair
from crowdveil.redact.look import LOSSY

_SHIFT_S = 0.05
"""Difference in time between two frames that a viewer could notice."""


def not_comparable(pair: Pair, page: int | None = None) -> str:
    """The sentence for a copy that could not be brought to its original."""
    of = "" if page is None else f" (page {page + 1})"
    return (
        f"{pair.copy}{of}: could not be brought to lie as its original, so the two cannot be "
        "compared, and nothing says that its faces are hidden: it was cropped to too little, "
        "altered too much or is of another picture; give the original that it was made of"
    )


def note_alignment(one: One, aligned: Aligned, page: int | None) -> None:
    """Say how the copy lies and looks against its original, if that is not the same."""
    one.findings += [_altered(what, page) for what in aligned.differences()]


def judge_proof(one: One) -> None:
    """Say of a proof what a person must know; one of other veils is dropped."""
    proof = one.proof
    if proof is None:
        return
    if not proof.reproduced:
        one.proof = None
        one.findings.append(
            Finding(
                subject=Subject.VEIL,
                verdict=Verdict.DOUBTFUL,
                what="the veils are not what this plan would draw, so nothing is proven of them; "
                "give --style, --margin, --shape and --seed as they were given to veil",
            )
        )
    elif not proof.independent:
        what = f"the veils ({proof.style.value}) are made of what they hide"
        if proof.style not in LOSSY:
            what += ", which they must not be; please report this"
        one.findings.append(Finding(subject=Subject.VEIL, verdict=Verdict.DOUBTFUL, what=what))


def note_film(
    one: One,
    compared: Compared,
    pair: Pair,
    sizes: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    """Take over what came of comparing two films; `sizes` are of original and copy."""
    one.findings += compared.findings
    one.stills += compared.stills
    one.crops += compared.crops
    one.veiled += compared.veiled
    one.faces = FaceFigures(
        pictures=min(compared.frames), found=compared.followed, hidden=compared.hidden
    )
    if not compared.comparable:
        one.errors.append(not_comparable(pair))
    elif compared.unmatched:
        frames = "1 frame" if compared.unmatched == 1 else f"{compared.unmatched:,} frames"
        one.errors.append(
            f"{pair.copy}: {frames} could not be compared with any of the original: they show "
            "something else, or what comes earlier there; only what they show by themselves was "
            "looked at"
        )
    one.findings += [_altered(what) for what in compared.differences]
    note_integrity(
        one,
        pair,
        compared.outside,
        known=pair.plan is not None,
        sizes=sizes,
        frames=compared.frames,
        seconds=compared.seconds,
        shift_s=compared.time_shift_s,
    )


def note_integrity(
    one: One,
    pair: Pair,
    outside: Sequence[Outside],
    *,
    known: bool,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    frames: tuple[int, int],
    seconds: tuple[float, float] | None = None,
    shift_s: float | None = None,
) -> None:
    """Sum up what was measured outside the veils, and say what is odd about it.

    Args:
        one: of the pair; is written to.
        pair: what was compared.
        outside: measured, one for each picture.
        known: whether the plan told where the veils are.
        sizes: width and height of the original and of the copy.
        frames: how many pictures each has.
        seconds: how long each plays, None for photos.
        shift_s: largest difference between the times of two frames, None for photos.
    """
    measured = [part.psnr_db for part in outside if part.psnr_db is not None]
    one.integrity = IntegrityFigures(
        veils_known=known,
        outside=round(min((part.share for part in outside), default=1.0), 5),
        identical=round(min((part.identical for part in outside), default=1.0), 5),
        visible=round(max((part.visible for part in outside), default=0.0), 6),
        psnr_db=min(measured, default=None),
        ssim=min((part.ssim for part in outside), default=1.0),
        elsewhere=tuple(box for part in outside for box in part.elsewhere)[:50],
        pictures=len(outside),
        size_wh=sizes,
        frames=frames,
        duration_s=None if seconds is None else (round(seconds[0], 3), round(seconds[1], 3)),
        time_shift_s=shift_s,
    )
    told = []
    if sizes[0] != sizes[1]:
        told.append("is {} x {} pixels instead of {} x {}".format(*sizes[1], *sizes[0]))
    if frames[1] > frames[0] and seconds is None:
        more = frames[1] - frames[0]
        one.errors.append(
            f"{pair.copy}: has {more:,} more {'picture' if more == 1 else 'pictures'} than its "
            "original, which could not be compared with anything"
        )
    if frames[0] != frames[1] and seconds is None:  # of films it is told which
        told.append(f"has {frames[1]:,} pictures instead of {frames[0]:,}")
    if shift_s is not None and shift_s > _SHIFT_S:
        told.append(f"shows frames up to {shift_s:.2f} s earlier or later")
    if elsewhere := sum(len(part.elsewhere) for part in outside):
        places = "1 place" if elsewhere == 1 else f"{elsewhere:,} places"
        told.append(f"was altered in {places} where no face is")
    one.findings += [_altered(what) for what in told]


def _altered(what: str, page: int | None = None) -> Finding:
    return Finding(
        subject=Subject.ALTERED, verdict=Verdict.DOUBTFUL, what=f"the copy {what}", frame=page
    )
