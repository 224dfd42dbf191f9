from hypothesis import given
from hypothesis import strategies as st

from crowdveil.plan import Made, Plan, Region, Source, Track
from crowdveil.track.timeline import Timeline

SOURCE = Source(
    name="a.mp4", path="a.mp4", sha256="0" * 64, format="mp4", width=640, height=360, frames=100
)
MADE = Made(crowdveil="0", caution="normal")


@st.composite
def tracks(draw: st.DrawFn) -> list[Track]:
    made = []
    for name in range(draw(st.integers(0, 6))):
        frames = sorted(draw(st.sets(st.integers(0, 99), min_size=1, max_size=5)))
        keys = [(frame, float(frame), 5.0, frame + 20.0, 30.0 + frame) for frame in frames]
        made.append(Track(id=f"t{name}", keyframes=tuple(keys)))
    return made


@given(tracks())
def test_a_track_is_there_from_its_first_keyframe_to_its_last(made: list[Track]) -> None:
    timeline = Timeline(Plan(source=SOURCE, made=MADE, tracks=tuple(made)))
    for frame in range(100):
        regions = {region.id: region for region in timeline.at(frame)}
        assert set(regions) == {t.id for t in made if t.first <= frame <= t.last}
        for region in regions.values():
            # All keyframes lie on one line, so the boxes between lie on it too.
            for side, expected in zip(region.box, (frame, 5, frame + 20, 30 + frame), strict=True):
                assert abs(side - expected) < 1e-6


def test_what_is_drawn_for_one_frame_is_in_that_frame_alone() -> None:
    plan = Plan(source=SOURCE, made=MADE, regions=(Region(id="r1", frame=3, box=(1, 1, 9, 9)),))
    timeline = Timeline(plan)
    assert [len(timeline.at(frame)) for frame in range(6)] == [0, 0, 0, 1, 0, 0]
