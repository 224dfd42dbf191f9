from pathlib import Path

import pytest
from PIL import Image

from crowdveil import VeilOptions, veil
from crowdveil.evidence.pairs import match, thumb_of
from crowdveil.media.picture import PhotoFormat


@pytest.mark.parametrize("format", [None, PhotoFormat.JPEG, PhotoFormat.PNG])
def test_copies_whose_names_clashed_or_were_cut_find_their_originals(
    format: PhotoFormat | None, tmp_path: Path
) -> None:
    names = [
        "1.png",
        "1.jpg",
        "1.tif",
        "b.JPG",
        "B.jpg",
        "c" * 252,
        "d" * 251 + ".jpg",
        "e.png.jpg",
    ]
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number, name in enumerate(names):
        # All alike, so that only names can tell.
        suffix = Path(name).suffix[1:].lower() if len(name) < 99 else "jpg"
        kind = {"jpg": "JPEG", "tif": "TIFF", "png": "PNG"}[suffix]
        Image.new("RGB", (64 + number, 64), (90, 90, 90)).save(folder / name, kind)
    summary = veil(folder, out, options=VeilOptions(format=format))
    assert not summary.failures
    made = {one.source: one.output for one in summary.done}
    assert len(set(made.values())) == len(names)
    matched = match(folder, out, plans=None, thumb=thumb_of)
    assert not matched.unmatched
    if format is None:
        assert {pair.original: pair.copy for pair in matched.pairs} == made
        return
    # Nobody told the format, but a copy never goes to another's original by its name.
    wrong = {p.original.name for p in matched.pairs if made[p.original] != p.copy}
    assert not wrong
