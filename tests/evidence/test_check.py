"""Whole checks of real files, through the door that users use."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crowdveil.api import veil
from crowdveil.errors import OptionsInvalid, PlanInvalid, UnreadableMedia
from crowdveil.evidence.check import check
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.record import Evidence, Result
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.options import VeilOptions
from crowdveil.plan import Action, Origin, Region
from crowdveil.redact.look import Look, Style
from crowdveil.redact.render import render_picture

from .conftest import Veiled

QUICK = CheckOptions(quick=True)


def faces(found: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in found if one.subject is Subject.FACE]


def meets(finding: Finding, region: Region) -> bool:
    assert finding.box is not None
    x, y = (finding.box[0] + finding.box[2]) / 2, (finding.box[1] + finding.box[3]) / 2
    return region.box[0] <= x <= region.box[2] and region.box[1] <= y <= region.box[3]


def test_what_crowdveil_veiled_is_clean_and_proven(people: Veiled) -> None:
    record = check(people.original, people.copy, options=CheckOptions(plans=people.plans)).record
    (file,) = record.files
    assert (record.result, file.result, file.error) == (Result.CLEAN, Result.CLEAN, None)
    assert file.exposed == ()
    assert file.faces is not None
    assert file.faces.hidden == file.faces.found >= 3
    proof = file.noninterference
    assert proof is not None
    assert (proof.style, proof.independent, proof.reproduced) == (Style.SOFT, True, True)
    assert file.integrity is not None
    assert file.integrity.veils_known
    assert file.integrity.elsewhere == ()
    assert file.integrity.psnr_db is None or file.integrity.psnr_db > 40
    (attack,) = record.reidentification
    assert not attack.exposed
    assert attack.faces >= 3


def test_the_demo_s_crowd_is_clean(crowd_photo: Path, tmp_path: Path) -> None:
    veil(crowd_photo, tmp_path / "out")
    record = check(crowd_photo, tmp_path / "out" / crowd_photo.name, options=QUICK).record
    assert record.files[0].exposed == ()


def test_one_face_that_was_left_open_is_exposed_at_its_place(
    people: Veiled, one_open: tuple[Path, Region]
) -> None:
    copy, bare = one_open
    record = check(people.original, copy, options=QUICK).record
    assert record.result is Result.EXPOSED
    (finding,) = record.files[0].exposed
    assert finding.subject is Subject.FACE
    assert meets(finding, bare)
    assert finding.size_px == pytest.approx(bare.box[3] - bare.box[1], rel=0.5)
    assert finding.unchanged is not None
    assert finding.unchanged > 0.5


def test_a_face_that_the_plan_keeps_is_named_but_is_no_exposure(
    people: Veiled, one_open: tuple[Path, Region], tmp_path: Path
) -> None:
    copy, bare = one_open
    regions = tuple(
        region.model_copy(update={"action": Action.KEEP, "reason": "a minister"})
        if region.id == bare.id
        else region
        for region in people.plan.regions
    )
    plan = people.plan.model_copy(update={"regions": regions})
    (tmp_path / "a.plan.json").write_text(plan.to_json())
    options = CheckOptions(quick=True, plans=tmp_path)
    file = check(people.original, copy, options=options).record.files[0]
    assert file.exposed == ()
    assert any("as the plan says" in one.what and meets(one, bare) for one in file.doubtful)


def test_what_a_person_drew_into_the_plan_must_be_hidden_whatever_it_shows(
    people: Veiled, tmp_path: Path
) -> None:
    width, height = people.plan.source.width, people.plan.source.height
    drawn = Region(
        id="d1", box=(width - 60, height - 90, width - 10, height - 10), origin=Origin.DRAWN
    )
    regions = (*people.plan.regions, drawn)
    plan = people.plan.model_copy(update={"regions": regions})
    (tmp_path / "a.plan.json").write_text(plan.to_json())
    options = CheckOptions(quick=True, plans=tmp_path)
    file = check(people.original, people.copy, options=options).record.files[0]
    assert [one.what for one in file.exposed] == ["region d1 of the plan is open"]


@pytest.mark.parametrize("style", [Style.MOSAIC, Style.BLUR])
def test_a_lossy_veil_is_told_from_one_that_lets_nothing_through(
    people: Veiled, tmp_path: Path, style: Style
) -> None:
    veil(people.original, tmp_path / "out", options=VeilOptions(style=style))
    options = CheckOptions(quick=True, plans=people.plans)
    copy = tmp_path / "out" / people.original.name
    file = check(people.original, copy, options=options).record.files[0]
    assert file.noninterference is not None
    assert file.noninterference.style is style
    assert not file.noninterference.independent
    assert any("made of what they hide" in one.what for one in file.doubtful)


def test_a_plan_that_the_copy_does_not_show_proves_nothing(people: Veiled, tmp_path: Path) -> None:
    veil(people.original, tmp_path / "out", options=VeilOptions(margin=2.5, style=Style.SOLID))
    options = CheckOptions(quick=True, plans=people.plans)
    copy = tmp_path / "out" / people.original.name
    file = check(people.original, copy, options=options).record.files[0]
    assert file.noninterference is None or file.noninterference.style is Style.SOLID
    known = dataclasses.replace(options, margin=2.5)
    proof = check(people.original, copy, options=known).record.files[0].noninterference
    assert proof is not None
    assert (proof.style, proof.independent) == (Style.SOLID, True)


def test_paint_where_no_face_is_counts_as_altered(people: Veiled, tmp_path: Path) -> None:
    wall = np.full((360, 300, 3), 150, np.uint8)
    wall[::3] = 170
    rows = []
    for path in (people.original, people.copy):
        with Image.open(path) as image:
            rows.append(np.concatenate([np.asarray(image.convert("RGB")), wall], axis=1))
    rows[1][200:240, 650:690] = (255, 0, 255)
    for row, name in zip(rows, ("before.png", "after.png"), strict=True):
        Image.fromarray(row).save(tmp_path / name)
    file = check(tmp_path / "before.png", tmp_path / "after.png", options=QUICK).record.files[0]
    assert file.integrity is not None
    ((x0, y0, x1, y1),) = file.integrity.elsewhere
    assert (x0, y0, x1, y1) == pytest.approx((650, 200, 690, 240), abs=4)
    assert any("no face is" in one.what for one in file.doubtful)


def test_a_copy_of_half_the_size_is_compared_and_told(people: Veiled, tmp_path: Path) -> None:
    with Image.open(people.copy) as image:
        image.resize((image.width // 2, image.height // 2)).save(tmp_path / "half.png")
    file = check(people.original, tmp_path / "half.png", options=QUICK).record.files[0]
    assert file.exposed == ()
    assert any("instead of" in one.what for one in file.doubtful)
    with Image.open(people.original) as image:
        image.resize((image.width // 2, image.height // 2)).save(tmp_path / "bare.png")
    bare = check(people.original, tmp_path / "bare.png", options=QUICK).record.files[0]
    assert faces(bare.exposed)


def test_a_copy_of_another_picture_is_refused_and_not_shown(
    people: Veiled, crowd_photo: Path, tmp_path: Path
) -> None:
    with Image.open(crowd_photo) as image:
        image.crop((0, 0, 480, 360)).save(tmp_path / "other.png")
    checked = check(people.original, tmp_path / "other.png", options=QUICK)
    assert checked.record.result is not Result.CLEAN
    assert "cannot be compared" in (checked.record.files[0].error or "")
    assert checked.sheets[0].stills == ()


def test_one_bad_file_does_not_stop_the_others_and_none_is_passed_over(
    people: Veiled, tmp_path: Path
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, source in ((before, people.original), (after, people.copy)):
        folder.mkdir()
        for name in ("a.jpg", "b.jpg"):
            (folder / name).write_bytes(source.read_bytes())
    (after / "b.jpg").write_bytes((after / "b.jpg").read_bytes()[:3000])
    (before / "only.jpg").write_bytes(people.original.read_bytes()[:-2] + b"\xff\xd9")
    (after / "stranger.png").write_bytes(_green())
    record = check(before, after, options=QUICK).record
    assert [(file.name, file.result) for file in record.files] == [
        ("a.jpg", Result.CLEAN),
        ("b.jpg", Result.UNCHECKED),
    ]
    assert record.result is Result.UNCHECKED
    assert {Path(one.name).name for one in record.unmatched} == {"only.jpg", "stranger.png"}


def _green() -> bytes:
    import io

    out = io.BytesIO()
    Image.new("RGB", (480, 360), (20, 200, 30)).save(out, "PNG")
    return out.getvalue()


def test_renamed_and_converted_copies_find_their_originals(
    people: Veiled, one_open: tuple[Path, Region], tmp_path: Path
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "day").mkdir(parents=True)
    after.mkdir()
    (before / "day" / "march.jpg").write_bytes(people.original.read_bytes())
    (before / "field.png").write_bytes(_green())
    (after / "photo-0002.jpg").write_bytes(people.copy.read_bytes())
    with Image.open(before / "field.png") as image:
        image.save(after / "field.jpg")
    record = check(before, after, options=QUICK).record
    pairs = {file.name: (file.original_name, file.matched_by_look) for file in record.files}
    assert pairs == {
        "field.jpg": ("field.png", False),
        "photo-0002.jpg": ("march.jpg", True),
    }
    assert record.unmatched == ()


def test_noise_under_the_veils_changes_neither_proof_nor_pictures_of_the_report(
    people: Veiled, tmp_path: Path
) -> None:
    """No pixel of an original face is in what a report shows."""
    from crowdveil.evidence.report import report

    photo = read_photo(people.original)
    rng = np.random.default_rng(0)
    samples = photo.frames[0].samples.copy()
    for x0, y0, x1, y1 in people.boxes().astype(int).clip(0).tolist():
        part = samples[y0:y1, x0:x1]
        part[...] = rng.integers(0, 256, part.shape, samples.dtype)
    faceless = replace(photo, frames=(replace(photo.frames[0], samples=samples),))
    (tmp_path / "noise.png").write_bytes(_as_png(faceless))
    pages = [
        report(check(original, people.copy, options=QUICK))
        for original in (people.original, tmp_path / "noise.png")
    ]
    assert _pictures(pages[0]) == _pictures(pages[1])
    assert len(_pictures(pages[0])) == 1


def _as_png(photo: object) -> bytes:
    from crowdveil.media.picture import Photo, PhotoFormat

    assert isinstance(photo, Photo)
    return encode_photo(photo, format=PhotoFormat.PNG)


def _pictures(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('src="data:')[1:]]


def test_the_record_reads_back_and_tells_no_folder(people: Veiled) -> None:
    record = check(people.original, people.copy, options=QUICK).record
    text = record.to_json()
    assert Evidence.from_json(text) == record
    assert str(people.original.parent) not in text
    assert json.loads(text)["files"][0]["copy_sha256"] == record.files[0].copy_sha256


def test_animations_are_checked_in_every_frame(people: Veiled, tmp_path: Path) -> None:
    before = read_photo(people.original).frames[0].rgb()
    after = read_photo(people.copy).frames[0].rgb()
    for name, pictures in (
        ("before", [before] * 4),
        ("after", [after] * 4),
        ("open", [after, after, before, after]),
        ("longer", [after, after, after, after, before]),
    ):
        # The camera moves a little, so that no two frames are the same.
        first, *rest = [
            Image.fromarray(rows[:300:2, 4 * k : 440 + 4 * k : 2])
            for k, rows in enumerate(pictures)
        ]
        first.save(
            tmp_path / f"{name}.webp",
            save_all=True,
            append_images=rest,
            duration=100,
            lossless=True,
        )
    clean = check(tmp_path / "before.webp", tmp_path / "after.webp", options=QUICK).record
    assert faces(clean.files[0].exposed) == []
    left = check(tmp_path / "before.webp", tmp_path / "open.webp", options=QUICK).record
    times = {one.time_s for one in faces(left.files[0].exposed)}
    assert times == {0.2}
    longer = check(tmp_path / "before.webp", tmp_path / "longer.webp", options=QUICK).record
    assert longer.result is not Result.CLEAN


def test_an_evaluation_photo_is_clean_after_veiling(eval_dir: Path, tmp_path: Path) -> None:
    photo = min(
        (eval_dir / "wider_protest" / "images").glob("*.jpg"), key=lambda p: p.stat().st_size
    )
    veil(photo, tmp_path / "out")
    (file,) = check(photo, tmp_path / "out" / photo.name, options=QUICK).record.files
    assert (file.exposed, file.error) == ((), None)


def test_wrong_options_and_paths_are_refused(people: Veiled, tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="is not there"):
        check(tmp_path / "none", people.copy)
    with pytest.raises(UnreadableMedia, match="no folder of plans"):
        check(people.original, people.copy, options=CheckOptions(plans=tmp_path / "none"))
    (tmp_path / "x.plan.json").write_text("{}")
    with pytest.raises(PlanInvalid):
        check(people.original, people.copy, options=CheckOptions(plans=tmp_path))
    (tmp_path / "groups.csv").write_text("name,label\n")
    with pytest.raises(OptionsInvalid, match="columns file and group"):
        check(people.original, people.copy, options=CheckOptions(groups=tmp_path / "groups.csv"))
    with pytest.raises(OptionsInvalid):
        CheckOptions(margin=0.5)


def test_a_partly_open_face_is_a_doubt(people: Veiled, tmp_path: Path) -> None:
    photo = read_photo(people.original)
    picture = photo.frames[0]
    drawn = render_picture(picture, people.plan.regions, Look())
    largest = max(people.plan.regions, key=lambda region: region.box[3] - region.box[1])
    x0, y0, x1, y1 = (round(side) for side in largest.box)
    samples = drawn.samples.copy()
    third = slice(max(y0, 0) + (y1 - y0) * 55 // 100, y1), slice(max(x0, 0), x1)
    samples[third] = picture.samples[third]
    (tmp_path / "a.png").write_bytes(
        _as_png(replace(photo, frames=(replace(picture, samples=samples),)))
    )
    file = check(people.original, tmp_path / "a.png", options=QUICK).record.files[0]
    found = [one for one in faces(file.findings) if one.box and meets(one, largest)]
    assert [one.verdict for one in found] == [Verdict.DOUBTFUL]
    assert "part of a face" in found[0].what
