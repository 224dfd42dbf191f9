"""What came of attacking veiled faces: figures of each attack, a verdict, and sentences.

Counts with their chance come in; the one word for all of them, and what can and cannot be
concluded, go out. No template and no pixel is in it. Attacking is left to `reidentify`.
"""

from dataclasses import dataclass
from enum import StrEnum

from crowdveil.evidence.attacks import ENOUGH_PAIRS, Alignment, Enrolment, Matches, Share
from crowdveil.geometry import Box
from crowdveil.recognise.embedder import Recogniser

SIGNIFICANCE = 0.05
"""Probability that a harmless veil is called exposed by chance, over all attacks together."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one attack got, for all faces or for those of one group.

    Attributes:
        rank_1, rank_10: how often the right person was first, or among the first ten.
        matches: at the threshold that 1 in 10,000 strangers exceeds, or None if none can be
            set.
    """

    rank_1: Share
    rank_10: Share
    matches: Matches | None


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack and what it got.

    Attributes:
        enrolment, alignment: which attack.
        overall: for all faces.
        groups: label and figures of each group that the user named, in alphabetical order.
    """

    enrolment: Enrolment
    alignment: Alignment
    overall: Figures
    groups: tuple[tuple[str, Figures], ...] = ()

    @property
    def name(self) -> str:
        """What reports call it."""
        gallery = "clean gallery" if self.enrolment is Enrolment.CLEAN else "gallery veiled alike"
        where = (
            "own alignment" if self.alignment is Alignment.OWN else "alignment from the original"
        )
        return f"{gallery}, {where}"


@dataclass(frozen=True, slots=True)
class AttackedFace:
    """One face and the attacks in which it was recognised beyond the threshold.

    Attributes:
        pair: index of its picture.
        box: in pixels of the picture.
        group: the user's label, if any.
        best_rank: its best rank in any attack, 1 is first.
        matched: names of the attacks in which it resembled its own reference more than the
            threshold asks for.
        recognised: whether it resembles its unveiled self so much that no stranger would; the
            face is as good as unveiled.
    """

    pair: int
    box: Box
    group: str | None
    best_rank: int
    matched: tuple[str, ...]
    recognised: bool


class Verdict(StrEnum):
    """What the attacks together say."""

    NOTHING = "nothing"
    """There was no face to attack."""
    CHANCE = "chance"
    """No attack did better than guessing, and one that recognised everybody would have."""
    INCONCLUSIVE = "inconclusive"
    """No attack did better than guessing, but there are too few faces to tell."""
    EXPOSED = "exposed"
    """An attack recognised faces more often than guessing would, or one beyond doubt."""


@dataclass(frozen=True, slots=True)
class Reidentification:
    """What face recognition still gets out of veiled pictures.

    Attributes:
        recogniser: which one, with the hash of its weights.
        people: references searched: the pictures' own faces and the distractors.
        distractors: how many of them are the user's gallery.
        faces: the attacked faces, by picture, in the order of their boxes.
        unfit: faces in whose original no landmarks are found, too small, turned away or no
            faces at all, so that no recogniser could use them unveiled either; not attacked.
        left_out: faces beyond `MOST_FACES` a picture, the smallest, that were not attacked.
        attacks: clean or parrot gallery, by own alignment and by the oracle's.
        significance: probability that chance alone makes an attack of these look successful.
    """

    recogniser: Recogniser
    people: int
    distractors: int
    faces: tuple[AttackedFace, ...]
    unfit: int
    left_out: int
    attacks: tuple[Attack, ...]
    significance: float = SIGNIFICANCE

    @property
    def exposing(self) -> tuple[Attack, ...]:
        """Attacks that did better than guessing, at `significance` shared among all figures."""
        tests = [(attack, share) for attack in self.attacks for share in _tests(attack.overall)]
        bound = self.significance / max(len(tests), 1)
        found = {id(attack) for attack, share in tests if share.p_value < bound}
        return tuple(attack for attack in self.attacks if id(attack) in found)

    @property
    def verdict(self) -> Verdict:
        """The one word for all of it."""
        if not self.faces:
            return Verdict.NOTHING
        if self.exposing or any(face.recognised for face in self.faces):
            return Verdict.EXPOSED
        return Verdict.CHANCE if self._could_tell else Verdict.INCONCLUSIVE

    @property
    def _could_tell(self) -> bool:
        """Whether recognising every face first would have been called exposed."""
        tests = sum(len(_tests(attack.overall)) for attack in self.attacks)
        perfect = Share(len(self.faces), len(self.faces), 1 / self.people)
        return perfect.p_value < self.significance / max(tests, 1)

    def sentences(self) -> tuple[str, ...]:
        """What can be concluded and what cannot, for a summary: the answer first."""
        if not self.faces:
            return ("No veiled face was there to be attacked.",)
        count = f"{len(self.faces)} veiled face{'s' if len(self.faces) > 1 else ''}"
        said = []
        recognised = sum(face.recognised for face in self.faces)
        if recognised:
            said.append(f"{recognised} of {count} can be recognised as if unveiled.")
        match self.verdict:
            case Verdict.EXPOSED if self.exposing:
                worst = min(
                    self.exposing,
                    key=lambda attack: min(share.p_value for share in _tests(attack.overall)),
                )
                first = worst.overall.rank_1
                said.append(
                    f"Veiled faces can be recognised: {worst.name}, {first.hits} of {count} named "
                    f"first among {self.people} people (guessing: {_of(first)})."
                )
            case Verdict.CHANCE:
                best = max(self.attacks, key=lambda attack: attack.overall.rank_1.hits)
                first = best.overall.rank_1
                _, high = first.interval
                said.append(
                    f"No attack recognised the {count} more often than luck explains: at best "
                    f"{first.hits} named first among {self.people} people (guessing: "
                    f"{_of(first)}); the true share may be as high as {float(high):.1%} "
                    "(95 % confidence)."
                )
            case Verdict.INCONCLUSIVE:
                said.append(
                    f"No attack recognised the {count} more often than luck explains, but with "
                    f"{self.people} people to choose from even naming everyone right could be "
                    "luck: this proves little; a gallery of other people's photos makes the test "
                    "sharper."
                )
        matched = sum(bool(face.matched) and not face.recognised for face in self.faces)
        if matched:
            said.append(
                f"{matched} of {count} resembled the person's own face more than a recogniser "
                "asks for: look at them."
            )
        if any(attack.overall.matches is None for attack in self.attacks):
            said.append(
                f"No threshold for a match among veiled faces could be set: that takes "
                f"{ENOUGH_PAIRS:,} comparisons of different people, here are "
                f"{len(self.faces) * (self.people - 1):,}."
            )
        if all(attack.enrolment is Enrolment.CLEAN for attack in self.attacks):
            said.append(
                "A gallery veiled alike was not tried, as it is not known how these faces were "
                "veiled: give their plans or their style."
            )
        if self.left_out:
            said.append(f"The {self.left_out} smallest faces were not attacked.")
        said.append(
            "Tested is what the veil lets through to a recogniser of faces; hair, clothes, "
            "posture, companions and place are not."
        )
        return tuple(said)


def _tests(figures: Figures) -> list[Share]:
    """The shares that can tell something: those that guessing does not reach anyway."""
    shares = [figures.rank_1, figures.rank_10]
    if figures.matches is not None:
        shares.append(figures.matches.share)
    return [share for share in shares if share.chance < 0.5]


def _of(share: Share) -> str:
    return f"{share.chance * share.trials:.1f}"
