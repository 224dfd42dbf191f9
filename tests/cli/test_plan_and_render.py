import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_plan_edit_render_is_the_way_to_keep_a_face(crowdveil: Run, photos: Path) -> None:
    planned = crowdveil("plan", photos)
    assert planned.code == 0
    assert "Planned 2 photos" in planned.out
    assert not Path("veiled").exists()
    path = Path("plans/day 2/b.jpg.plan.json")
    plan = json.loads(path.read_text())
    plan["regions"][0] |= {"action": "keep", "reason": "the speaker agreed"}
    path.write_text(json.dumps(plan))
    rendered = crowdveil("render", "plans")
    assert rendered.code == 0
    assert "Faces left bare, as the plan says:" in rendered.out
    assert Path("veiled/a.jpg").read_bytes() != Path("veiled/day 2/b.jpg").read_bytes()


def test_a_kept_face_without_a_reason_is_refused_with_the_place(
    crowdveil: Run, photos: Path
) -> None:
    crowdveil("plan", photos / "a.jpg")
    path = Path("plans/a.jpg.plan.json")
    plan = json.loads(path.read_text())
    plan["regions"][0]["action"] = "keep"
    path.write_text(json.dumps(plan))
    said = crowdveil("render", path)
    assert said.code == 1
    assert "needs a reason" in said.err
    assert str(path) in said.err
    assert not Path("veiled").exists()


def test_a_plan_whose_photo_is_gone_says_how_to_find_it(crowdveil: Run, photos: Path) -> None:
    crowdveil("plan", photos)
    photos.rename("moved")
    said = crowdveil("render", "plans")
    assert said.code == 1
    assert said.err.count("--source") == 2
    assert crowdveil("render", "plans", "--source", "moved").code == 0


def test_one_plan_may_name_its_output(crowdveil: Run, photos: Path) -> None:
    crowdveil("plan", photos / "a.jpg")
    assert crowdveil("render", "plans/a.jpg.plan.json", "-o", "safe.webp").code == 0
    assert Path("safe.webp").read_bytes()[8:12] == b"WEBP"


def test_a_plan_says_what_its_copy_was_drawn_with_and_render_draws_it_again(
    crowdveil: Run, photos: Path
) -> None:
    look = ("--style", "pattern", "--margin", "2.1", "--shape", "box", "--seed", "7")
    assert crowdveil("veil", photos / "a.jpg", *look, "--plans", "plans").code == 0
    drawn = json.loads(Path("plans/a.jpg.plan.json").read_text())["drawn"]
    assert drawn == {"style": "pattern", "margin": 2.1, "shape": "box", "seed": 7}
    assert crowdveil("render", "plans", "-o", "again").code == 0
    veiled = Path("veiled/a.jpg").read_bytes()
    assert Path("again/a.jpg").read_bytes() == veiled
    assert crowdveil("render", "plans", "-o", "other", "--style", "solid").code == 0
    assert Path("other/a.jpg").read_bytes() != veiled
    # A plan that was never drawn, and one from before plans told, are drawn in the usual way.
    crowdveil("veil", photos / "a.jpg", "-o", "usual")
    for version in (1, 2, 3):
        plan = json.loads(Path("plans/a.jpg.plan.json").read_text())
        del plan["drawn"]
        Path("plans/a.jpg.plan.json").write_text(json.dumps(plan | {"version": version}))
        assert crowdveil("render", "plans", "-o", "old", "--overwrite").code == 0
        assert Path("old/a.jpg").read_bytes() == Path("usual/a.jpg").read_bytes()
        plan["drawn"] = drawn
        Path("plans/a.jpg.plan.json").write_text(json.dumps(plan))


def test_a_plan_drawn_in_a_leaking_style_warns_and_in_an_unknown_one_is_refused(
    crowdveil: Run, photos: Path
) -> None:
    crowdveil("veil", photos / "a.jpg", "--style", "mosaic", "--plans", "plans")
    said = crowdveil("render", "plans", "-o", "again")
    assert said.code == 0
    assert "'mosaic' leaks" in said.out + said.err
    path = Path("plans/a.jpg.plan.json")
    path.write_text(path.read_text().replace('"mosaic"', '"smoke"'))
    said = crowdveil("render", "plans", "-o", "never")
    assert said.code == 1
    assert "drawn in the style 'smoke', which this version does not know" in said.err
    assert not Path("never").exists()
    assert crowdveil("render", "plans", "-o", "never", "--style", "solid").code == 0


def test_photos_given_to_render_are_refused(crowdveil: Run, photos: Path) -> None:
    said = crowdveil("render", photos / "a.jpg")
    assert said.code == 1
    assert "a.jpg" in said.err
