"""The settings of a rendering, and what is said of the styles that leak."""

import pytest

from crowdveil.plan import Shape
from crowdveil.redact.look import LOSSY, LOSSY_WARNING, Look, Style


def test_the_default_leaks_nothing_and_reaches_past_the_face() -> None:
    assert Look().style not in LOSSY
    assert Look().margin > 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"margin": 0.99}, id="mask-smaller-than-face"),
        pytest.param({"margin": float("nan")}, id="margin-not-a-number"),
        pytest.param({"margin": float("inf")}, id="margin-endless"),
        pytest.param({"seed": -1}, id="negative-seed"),
        pytest.param({"style": "sepia"}, id="unknown-style"),
        pytest.param({"shape": "star"}, id="unknown-shape"),
    ],
)
def test_a_contradictory_look_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        Look(**fields)  # type: ignore[arg-type]


def test_a_look_takes_every_style_and_shape() -> None:
    for style in Style:
        for shape in (None, *Shape):
            assert Look(style=style, shape=shape).style is style


def test_every_leaking_style_warns_in_one_sentence_with_figures_and_a_way_out() -> None:
    assert set(LOSSY_WARNING) == set(LOSSY)
    for style, warning in LOSSY_WARNING.items():
        assert f"'{style}' leaks" in warning
        assert "%" in warning
        assert "'soft'" in warning
        assert warning.endswith(".")
        assert warning.replace("et al. ", "").count(". ") == 0
