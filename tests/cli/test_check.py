import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from crowdveil.evidence.record import Evidence, Result

Run = Callable[..., Any]


@pytest.fixture
def veiled(crowdveil: Run, photos: Path) -> Path:
    """The copies of two photos."""
    assert crowdveil("veil", photos, "-o", "veiled", "--plans", "plans", "--quiet").code == 0
    return Path("veiled")


def test_clean_copies_exit_0_on_one_screen_with_record_and_report(
    crowdveil: Run, photos: Path, veiled: Path
) -> None:
    said = crowdveil("check", photos, veiled, "--plans", "plans")
    assert (said.code, said.err) == (0, "")
    assert "Nothing that exposes anyone was found in 2 files" in said.out
    assert "Veils independent of what they hide: 2 of 2 files" in said.out
    assert len(said.out.splitlines()) < 24
    record = Evidence.load("evidence/evidence.json")
    assert record.result is Result.CLEAN
    assert [file.name for file in record.files] == ["a.jpg", "day 2/b.jpg"]
    page = Path("evidence/report.html").read_text()
    assert "Nothing that exposes anyone" in page
    assert record.files[0].original_sha256 not in page


def test_an_open_face_and_metadata_exit_3_and_are_named(
    crowdveil: Run, photos: Path, veiled: Path
) -> None:
    (veiled / "a.jpg").write_bytes((photos / "a.jpg").read_bytes())
    said = crowdveil("check", photos, veiled, "--quick")
    assert said.code == 3
    assert re.search(r"a\.jpg: a face is open, \d+ px at", said.out)
    assert "Do not publish: 1 of 2 files exposes someone" in said.out
    quiet = crowdveil("check", photos, veiled, "--quick", "--quiet", "--overwrite")
    assert quiet.code == 3
    assert "a face is open" in quiet.out


def test_what_could_not_be_checked_exits_1_and_is_named_on_stderr(
    crowdveil: Run, photos: Path, veiled: Path
) -> None:
    (veiled / "a.jpg").write_bytes((veiled / "a.jpg").read_bytes()[:4000])
    (photos / "more.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.new("RGB", (50, 50)).save(veiled / "stranger.png")
    said = crowdveil("check", photos, veiled, "--quick")
    assert said.code == 1
    for name in ("a.jpg", "more.png", "stranger.png"):
        assert name in said.err
    assert "b.jpg" not in said.err


def test_veil_check_looks_at_what_it_wrote(crowdveil: Run, photos: Path) -> None:
    said = crowdveil("veil", photos, "--rename", "--check", "--plans", "plans")
    assert said.code == 0
    assert "Nothing that exposes anyone was found in 2 files" in said.out
    record = Evidence.load("evidence/evidence.json")
    assert all(re.fullmatch(r"(folder-01/)?photo-000\d\.jpg", f.name) for f in record.files)
    assert all(file.noninterference is not None for file in record.files)


def test_veil_check_refuses_before_veiling_to_replace_a_record(
    crowdveil: Run, photos: Path
) -> None:
    Path("evidence").mkdir()
    Path("evidence/evidence.json").write_text("{}")
    said = crowdveil("veil", photos, "--check")
    assert said.code == 1
    assert "exists already" in said.err
    assert not Path("veiled").exists()


def test_a_lossy_style_is_told_of(crowdveil: Run, photos: Path) -> None:
    said = crowdveil("veil", photos / "a.jpg", "--style", "blur", "--check", "--plans", "plans")
    assert "made of what they hide" in said.out


def test_signing_and_verifying(crowdveil: Run, photos: Path, veiled: Path) -> None:
    assert crowdveil("check", "--new-key", "desk.key").code == 0
    assert crowdveil("check", photos, veiled, "--quick", "--sign", "desk.key").code == 0
    words = ("check", "--verify", "evidence/evidence.json", "--public-key", "desk.key.pub")
    good = crowdveil(*words, veiled)
    assert good.code == 0
    assert "as it was signed" in good.out
    data = (veiled / "a.jpg").read_bytes()
    (veiled / "a.jpg").write_bytes(data + b"\0")
    changed = crowdveil(*words, veiled)
    assert changed.code == 1
    assert "a.jpg: is not the copy that was checked" in changed.err
    record = Path("evidence/evidence.json")
    record.write_text(record.read_text().replace('"quick": true', '"quick": false'))
    tampered = crowdveil(*words)
    assert tampered.code == 1
    assert "changed after it was signed" in tampered.err


def test_json_prints_the_record(crowdveil: Run, photos: Path, veiled: Path) -> None:
    said = crowdveil("check", photos / "a.jpg", veiled / "a.jpg", "--quick", "--json")
    assert json.loads(said.out) == json.loads(Path("evidence/evidence.json").read_text())


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "a.jpg"],
        ["check", "a.jpg", "b.jpg", "c.jpg"],
        ["check", "a.jpg", "b.jpg", "--margin", "0.5"],
        ["check", "a.jpg", "--new-key", "k"],
    ],
    ids=lambda words: " ".join(words),
)
def test_wrong_usage_exits_2_and_writes_nothing(crowdveil: Run, words: list[str]) -> None:
    assert crowdveil(*words).code == 2
    assert not list(Path().iterdir())


def test_a_record_that_exists_is_not_replaced_unless_asked(
    crowdveil: Run, photos: Path, veiled: Path
) -> None:
    words = ("check", photos / "a.jpg", veiled / "a.jpg", "--quick")
    assert crowdveil(*words).code == 0
    before = Path("evidence/evidence.json").read_bytes()
    said = crowdveil(*words)
    assert said.code == 1
    assert "--overwrite" in said.err
    assert Path("evidence/evidence.json").read_bytes() == before


def test_a_video_with_faces_open_for_some_frames_is_exposed_then(
    crowdveil: Run, people_photo: Path, tmp_path: Path
) -> None:
    frames, rate, size = 24, 12, (320, 240)
    with Image.open(people_photo) as image:
        people = np.asarray(image.convert("RGB"))

    def write(name: str, pictures: list[np.ndarray[Any, Any]]) -> None:
        with av.open(name, "w", container_options={"fflags": "+bitexact"}) as out:
            stream: Any = out.add_stream("libx264", rate=rate, options={"crf": "12"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))

    def read(name: str) -> list[np.ndarray[Any, Any]]:
        with av.open(name) as film:
            return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]

    panned = [people[100:340, 2 * k + 60 : 2 * k + 380] for k in range(frames)]
    write("march.mp4", panned)
    assert crowdveil("veil", "march.mp4", "--plans", "plans", "--quiet").code == 0
    clean = crowdveil("check", "march.mp4", "veiled/march.mp4", "--plans", "plans", "--quick")
    assert clean.code == 0, clean.out
    file = Evidence.load("evidence/evidence.json").files[0]
    assert file.noninterference is not None
    assert file.noninterference.independent
    assert file.integrity is not None
    assert file.integrity.frames == (frames, frames)
    blink = read("veiled/march.mp4")
    blink[12:14] = read("march.mp4")[12:14]
    write("blink.mp4", blink)
    said = crowdveil("check", "march.mp4", "blink.mp4", "--quick", "--overwrite")
    assert said.code == 3
    found = Evidence.load("evidence/evidence.json").files[0].exposed
    times = {(one.time_s, one.until_s) for one in found if one.box}
    assert (1.0, 1.083) in times


@pytest.fixture(scope="module")
def browser() -> str:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    return program


MEASURE = """<script>
addEventListener("load", () => {
  const page = document.querySelector("iframe");
  const inside = page.contentDocument.documentElement;
  document.title = inside.scrollWidth + " of " + page.clientWidth;
  document.body.append("measured " + document.title);
});
</script>"""


def test_the_report_opens_from_disk_without_errors_and_fits_a_phone(
    browser: str, crowdveil: Run, photos: Path, veiled: Path, tmp_path: Path
) -> None:
    name = "a-long-name-of-a-file-as-cameras-and-people-give-them-" + 3 * "march-" + ".jpg"
    (photos / "a.jpg").rename(photos / name)
    (veiled / "a.jpg").unlink()
    (veiled / name).write_bytes((photos / name).read_bytes())
    crowdveil("check", photos, veiled, "--private")
    page = Path("evidence/report.html").resolve()
    (tmp_path / "frame.html").write_text(
        f'<body style="margin:0"><iframe style="border:0;width:390px;height:3000px" '
        f'src="{page.as_uri()}"></iframe>{MEASURE}'
    )
    told = {}
    for target in (page, tmp_path / "frame.html"):
        words = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        words += "--disable-background-networking --disable-component-update --disable-sync "
        words += "--allow-file-access-from-files --enable-logging=stderr --dump-dom"
        done = subprocess.run(
            [browser, *words.split(), f"--user-data-dir={tmp_path / 'profile'}", target.as_uri()],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        told[target.name] = done.stdout
        assert "CONSOLE" not in done.stderr, done.stderr
    assert "Is it safe to publish?" in told["report.html"]
    measured = re.search(r"measured (\d+) of (\d+)", told["frame.html"])
    assert measured is not None
    assert int(measured[1]) <= int(measured[2]) == 390


def test_a_private_report_says_so_and_a_shared_one_shows_no_crop(
    crowdveil: Run, photos: Path, veiled: Path
) -> None:
    (veiled / "a.jpg").write_bytes((photos / "a.jpg").read_bytes())
    words = ("check", photos / "a.jpg", veiled / "a.jpg", "--quick", "-o")
    crowdveil(*words, "shared")
    crowdveil(*words, "own", "--private")
    shared, own = (Path(folder, "report.html").read_text() for folder in ("shared", "own"))
    assert "do not pass this page on" in own
    assert "do not pass this page on" not in shared
    assert shared.count("data:image") == 1
    assert own.count("data:image") > 2
