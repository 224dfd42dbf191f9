from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from crowdveil.audit.embeddings import read_embeddings
from crowdveil.audit.identify.candidates import People, read_candidates, read_people
from crowdveil.audit.identify.search import search_people
from crowdveil.audit.identify.searches import Searches
from crowdveil.errors import TableInvalid

GALLERY = "reference,subject,race\nr1,ann,A\nr2,bob,B\nr3,cyd,B\n"
PROBES = "probe,subject,race\n001,bob,B\n002,dan,A\n"
LISTS = "probe,rank,candidate,score\n001,1,r2,0.9\n001,2,r1,0.4\n002,1,r1,0.7\n"


def written(folder: Path, gallery: str = GALLERY, probes: str = PROBES, lists: str = LISTS) -> None:
    (folder / "gallery.csv").write_text(gallery)
    (folder / "probes.csv").write_text(probes)
    (folder / "lists.csv").write_text(lists)


def read_all(folder: Path) -> tuple[People, Searches]:
    people = read_people(folder / "gallery.csv", folder / "probes.csv", ["race"])
    return people, read_candidates(folder / "lists.csv", people)


def test_lists_are_read_with_the_people_and_groups_they_name(tmp_path: Path) -> None:
    written(tmp_path)
    people, searches = read_all(tmp_path)
    assert searches.mated.tolist() == [True, False]
    assert searches.reference.tolist() == [1, 0, 0]
    assert searches.is_mate.tolist() == [True, False, False]
    assert people.probes.to_list() == ["001", "002"]
    assert people.gallery_partitions[1].groups == people.probe_partitions[1].groups == ("A", "B")
    assert people.probe_partitions[1].group.tolist() == [1, 0]


def test_rows_may_come_in_any_order_and_ranks_may_be_left_out(tmp_path: Path) -> None:
    written(tmp_path, lists="probe,candidate,score\n002,r1,0.7\n001,r1,0.4\n001,r2,0.9\n")
    _, searches = read_all(tmp_path)
    assert searches.probe.tolist() == [0, 0, 1]
    assert searches.rank.tolist() == [1, 2, 1]
    assert searches.score.tolist() == [0.9, 0.4, 0.7]


@pytest.mark.parametrize(
    ("table", "text", "sentence"),
    [
        ("lists", LISTS + "003,1,r1,0.7\n", "lists.csv: row 4: probe '003' is not among"),
        ("lists", LISTS + "002,2,r9,0.1\n", "row 4: candidate 'r9' is not among the gallery"),
        ("lists", LISTS + "002,2,r2,nan\n", "row 4: score is 'nan', not a finite number"),
        ("lists", LISTS + "002,2,r2,high\n", "row 4: score is 'high', not a finite number"),
        ("lists", LISTS + "002,2,r2,\n", "row 4 has no score"),
        ("lists", LISTS + "002,2,r1,0.2\n", "of probe '002' twice, in row 3 and 4"),
        ("lists", LISTS + "002,3,r2,0.2\n", "row 4: rank 3 is out of order"),
        ("lists", LISTS + "002,2,r2,0.8\n", "row 4: score 0.8 is higher than that of the rank"),
        ("lists", "probe,rank\n001,1\n", "has no column 'candidate' for the candidate"),
        ("gallery", GALLERY + "r2,eve,A\n", "reference 'r2' is in row 2 and 4"),
        ("gallery", GALLERY + "r4,,A\n", "gallery.csv: row 4 has no subject"),
        ("gallery", GALLERY + "r4,ann,B\n", "'ann' is 'A' in row 1 and 'B' in row 4 by race"),
        ("probes", PROBES + "003,cyd,A\n", "subject 'cyd' is 'A' by race, but 'B' in"),
        ("probes", "probe,subject\n001,bob\n", "has no column 'race' of groups"),
    ],
)  # fmt: skip
def test_a_bad_table_gets_one_sentence_with_the_row(
    table: str, text: str, sentence: str, tmp_path: Path
) -> None:
    written(tmp_path, **{table: text})
    with pytest.raises(TableInvalid) as raised:
        read_all(tmp_path)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture(params=["npz", "parquet", "csv"])
def embedded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """The same gallery of three and three probes in each format; the last probe has no template."""
    columns = {
        "gallery": {"reference": ["r1", "r2", "r3"], "subject": ["ann", "bob", "cyd"]},
        "probes": {"probe": ["p1", "p2", "p3"], "subject": ["bob", "dan", "ann"]},
    }
    nan = float("nan")
    arrays = {
        "gallery": np.array([[1, 0], [0, 1], [-1, 0]], np.float32),
        "probes": np.array([[0.1, 1], [-1, 0.1], [nan, nan]], np.float32),
    }
    paths = []
    for name, table in columns.items():
        path = tmp_path / f"{name}.{request.param}"
        if request.param == "npz":
            named: dict[str, Any] = {key: np.array(values) for key, values in table.items()}
            np.savez(path, embedding=arrays[name], **named)
        elif request.param == "parquet":
            rows = [None if np.isnan(row).any() else row.tolist() for row in arrays[name]]
            pl.DataFrame({**table, "embedding": rows}).write_parquet(path)
        else:
            pl.DataFrame(table).write_csv(path)
            np.save(path.with_suffix(".npy"), arrays[name])
        paths.append(path)
    return paths[0], paths[1]


def test_embeddings_are_searched_the_same_in_every_format(embedded: tuple[Path, Path]) -> None:
    people = read_people(*embedded, [])
    gallery, probes = (read_embeddings(path, 3) for path in embedded)
    searches = search_people(people, gallery, probes, candidates=2)
    assert searches.probe.tolist() == [0, 0, 1, 1]
    assert searches.reference.tolist() == [1, 0, 2, 1]
    assert searches.mated.tolist() == [True, False, True]
    assert searches.lengths.tolist() == [2, 2, 0]


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.ones((2, 2)), "has 3 rows but 2 embeddings"),
        (np.ones(3), "rows of numbers of one length"),
        (np.ones((3, 2), int), "rows of numbers of one length"),
        (None, "no gallery.npy beside it; give embeddings, or candidate lists"),
    ],
    ids=["too few", "flat", "whole numbers", "none"],
)
def test_bad_embeddings_get_one_sentence(
    array: np.ndarray | None, sentence: str, tmp_path: Path
) -> None:
    written(tmp_path)
    if array is not None:
        np.save(tmp_path / "gallery.npy", array)
    with pytest.raises(TableInvalid, match=sentence):
        read_embeddings(tmp_path / "gallery.csv", 3)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    for name in ("broken.npz", "broken.parquet", "empty.csv"):
        (tmp_path / name).write_bytes(b"" if name == "empty.csv" else b"not a table")
        with pytest.raises(TableInvalid, match="cannot be read as a table"):
            read_people(tmp_path / name, tmp_path / name, [])
    with pytest.raises(TableInvalid, match="there is no such file"):
        read_people(tmp_path / "missing.csv", tmp_path / "missing.csv", [])
