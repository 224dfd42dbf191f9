import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.detect.faces import Faces
from crowdveil.draft import draft_regions, reading_order
from crowdveil.plan import Region

side = st.floats(0.5, 300, width=32)
boxes = st.lists(
    st.tuples(st.floats(-50, 2000, width=32), st.floats(-50, 2000, width=32), side, side)
)


def faces_at(corners: list[tuple[float, float, float, float]]) -> Faces:
    n = len(corners)
    xywh = np.array(corners, np.float32).reshape(n, 4)
    xyxy = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    probability = np.linspace(0.3, 1, n, dtype=np.float32)
    return Faces(xyxy, probability, probability < 0.5, (("yunet",),) * n)


@given(boxes)
def test_every_face_becomes_one_region_that_holds_all_of_it(
    corners: list[tuple[float, float, float, float]],
) -> None:
    faces = faces_at(corners)
    regions = draft_regions([faces])
    assert [region.id for region in regions] == [f"r{i}" for i in range(1, len(faces) + 1)]
    assert sum(region.uncertain for region in regions) == int(faces.uncertain.sum())
    scores = sorted(round(float(p), 4) for p in faces.probability)
    assert sorted(region.score for region in regions) == scores
    for x0, y0, x1, y1 in faces.boxes.tolist():
        assert any(
            region.box[0] <= x0 <= region.box[0] + 0.02
            and region.box[1] <= y0 <= region.box[1] + 0.02
            and region.box[2] - 0.02 <= x1 <= region.box[2]
            and region.box[3] - 0.02 <= y1 <= region.box[3]
            for region in regions
        )


def region(name: str, x: float, y: float, size: float = 20) -> Region:
    return Region(id=name, box=(x, y, x + size, y + size))


def test_regions_are_read_like_a_page() -> None:
    shuffled = [
        region("c", 5, 104),
        region("b", 90, 0),
        region("d", 60, 96),
        region("a", 10, 8),
        region("e", 0, 300),
    ]
    assert [found.id for found in reading_order(shuffled)] == ["a", "b", "c", "d", "e"]


@given(st.permutations(range(12)))
def test_the_order_does_not_depend_on_the_order_of_the_finds(order: list[int]) -> None:
    grid = [region(str(i), 37 * (i % 4), 31 * (i // 4) + i % 3) for i in range(12)]
    assert reading_order([grid[i] for i in order]) == reading_order(grid)


def test_pages_do_not_cover_for_each_other() -> None:
    found = [faces_at([(10, 10, 20, 20)]), Faces.none(), faces_at([(12, 10, 20, 20)])]
    assert [region.frame for region in draft_regions(found)] == [0, 2]


def test_a_picture_without_faces_has_no_regions() -> None:
    assert draft_regions([Faces.none()]) == ()
