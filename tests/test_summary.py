from pathlib import Path

from crowdveil.plan import Action, Made, Plan, Region, Source, Track
from crowdveil.summary import Outcome, Status, Summary, outcome_of

SOURCE = Source(
    name="a.jpg", path="a.jpg", sha256="0" * 64, format="jpeg", width=500, height=400, frames=9
)


def planned(*regions: Region, tracks: tuple[Track, ...] = ()) -> Outcome:
    made = Made(crowdveil="0", caution="normal")
    plan = Plan(source=SOURCE, made=made, regions=regions, tracks=tracks)
    return outcome_of(plan, Path("a.jpg"))


def region(id: str, side: float, *, uncertain: bool = True, keep: bool = False) -> Region:
    return Region(
        id=id,
        box=(10, 10, 10 + side / 2, 10 + side),
        uncertain=uncertain,
        action=Action.KEEP if keep else Action.VEIL,
        reason="agreed" if keep else None,
    )


def test_only_veiled_doubts_that_a_recogniser_could_use_count_as_large() -> None:
    outcome = planned(
        region("small", 23.9),
        region("large", 24),
        region("sure", 90, uncertain=False),
        region("kept", 90, keep=True),
    )
    assert (outcome.faces, outcome.uncertain, outcome.large, outcome.kept) == (3, 2, 1, 1)


def test_a_doubt_of_a_video_is_as_large_as_it_ever_gets() -> None:
    grows = Track(id="t1", keyframes=((0, 0, 0, 10, 10), (4, 0, 0, 30, 20)), uncertain=True)
    stays = Track(id="t2", keyframes=((0, 0, 0, 10, 10), (4, 0, 0, 10, 10)), uncertain=True)
    later = Track(id="t3", keyframes=((5, 0, 0, 40, 40), (8, 0, 0, 40, 40)), uncertain=True)
    outcome = planned(tracks=(grows, stays, later))
    assert (outcome.uncertain, outcome.large) == (2, 1)


def test_whoever_has_the_most_large_doubts_is_to_be_looked_at_first() -> None:
    def outcome(name: str, uncertain: int, large: int) -> Outcome:
        return Outcome(Path(name), Status.DONE, faces=9, uncertain=uncertain, large=large)

    summary = Summary(
        (outcome("a", 9, 0), outcome("b", 0, 0), outcome("c", 2, 2), outcome("d", 5, 0))
    )
    assert [str(one.source) for one in summary.uncertain] == ["c", "a", "d"]
