import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.cli.words import count, first, plain


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_a_name_holds_the_screen_gets_one_line_of_harmless_text(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert all(char.isprintable() or char.isspace() for char in shown)
    shown.encode()


@pytest.mark.parametrize("text", ["märz 行进.jpg", "Screenshot 10.00\u202fAM.png", "a b.jpg"])
def test_names_in_any_script_are_shown_as_they_are(text: str) -> None:
    assert plain(text) == text


def test_counts_and_lists_read_like_language() -> None:
    assert [count(n, "face") for n in (0, 1, 2, 1200)] == [
        "0 faces",
        "1 face",
        "2 faces",
        "1,200 faces",
    ]
    assert first(["a"], 3) == "a"
    assert first(["a", "b", "c", "d", "e"], 3) == "a, b, c and 2 more"
