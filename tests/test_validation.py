"""Every option of every options object is obeyed or refused, never accepted and ignored."""

import dataclasses
import types
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.detect.effort import Effort
from crowdveil.detect.finder import FaceFinder
from crowdveil.errors import OptionsInvalid
from crowdveil.options import PlanOptions, VeilOptions
from crowdveil.validation import Validated, converted
from crowdveil.watching import Watch

HOMES = ("options", "evidence.options", "audit.options", "crowd.choices")


def options_objects() -> list[type[Validated]]:
    for home in HOMES:
        import_module(f"crowdveil.{home}")
    found, waiting = [], [Validated]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return sorted(set(found) - {Validated}, key=lambda kind: kind.__qualname__)


def enum_of(hint: Any) -> type[Enum] | None:
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Enum)), None)


WORDS = [
    pytest.param(kind, field.name, enum, id=f"{kind.__name__}.{field.name}")
    for kind in options_objects()
    for field in dataclasses.fields(kind)
    if (enum := enum_of(get_type_hints(kind)[field.name]))
]


def test_the_objects_of_every_command_are_among_those_tested() -> None:
    names = {kind.__name__ for kind in options_objects()}
    assert names >= {"VeilOptions", "PlanOptions", "RenderOptions", "CheckOptions"}
    assert names >= {"VerifyOptions", "IdentifyOptions", "ClassifyOptions", "CrowdOptions"}
    assert {param.values[1] for param in WORDS} >= {"caution", "every_frame", "audio", "format"}


@pytest.mark.parametrize(("kind", "name", "enum"), WORDS)
def test_a_word_gives_the_same_object_as_the_member_it_stands_for(
    kind: type[Validated], name: str, enum: type[Enum]
) -> None:
    for member in enum:
        by_word = kind(**{name: str(member.value)})
        assert by_word == kind(**{name: member})
        assert getattr(by_word, name) is member


@pytest.mark.parametrize(("kind", "name", "enum"), WORDS)
def test_a_word_that_is_none_is_refused_with_those_that_are(
    kind: type[Validated], name: str, enum: type[Enum]
) -> None:
    with pytest.raises(OptionsInvalid) as error:
        kind(**{name: "hihg"})
    assert name in str(error.value)
    for member in enum:
        assert str(member.value) in str(error.value)


def test_the_words_that_were_once_accepted_and_ignored_are_obeyed() -> None:
    options = PlanOptions(caution="high", every_frame="full")  # type: ignore[arg-type]
    watch = Watch(caution=options.caution, every_frame=options.every_frame)
    loose = Watch(caution="high", every_frame="full")  # type: ignore[arg-type]
    assert loose.caution is watch.caution is options.caution
    assert loose._effort is Effort.FULL
    assert loose._policy == watch._policy != Watch()._policy
    assert FaceFinder(caution="high").caution is options.caution  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [FaceFinder, Watch], ids=["FaceFinder", "Watch"])
def test_what_finds_faces_refuses_a_caution_that_is_none(make: Any) -> None:
    with pytest.raises(OptionsInvalid, match="high, normal, low"):
        make(caution="hihg")


@pytest.mark.parametrize(
    "wrong",
    [
        {"overwrite": "no"},
        {"rename": "false"},
        {"seed": 1.5},
        {"seed": True},
        {"seed": "7"},
        {"margin": "wide"},
        {"margin": float("nan")},
        {"plans": 3},
        {"plans": ""},
        {"detector": b"x.onnx"},
        {"crf": "18"},
        {"start_s": None},
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionsInvalid, match=next(iter(wrong))):
        VeilOptions(**wrong)


def test_paths_numbers_and_lists_are_taken_as_python_hands_them_around() -> None:
    options = VeilOptions(
        plans="plans",  # type: ignore[arg-type]
        seed=np.int64(7),  # type: ignore[arg-type]
        margin=2,
        keep_credit=np.True_,  # type: ignore[arg-type]
    )
    assert options.plans == Path("plans")
    assert (type(options.seed), type(options.margin)) == (int, float)
    assert options.keep_credit is True
    assert converted("group", ["race"], tuple[str, ...]) == ("race",)
    with pytest.raises(OptionsInvalid, match="group must be a list"):
        converted("group", "race", tuple[str, ...])


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.binary(), st.booleans()))
def test_whatever_is_given_becomes_its_type_or_a_sentence(value: object) -> None:
    kinds: tuple[type, ...] = (bool, int, float, str, Path)
    for kind in kinds:
        try:
            fitted = converted("it", value, kind)
        except OptionsInvalid as error:
            fitted, sentence = None, str(error)
        assert isinstance(fitted, kind) or sentence.startswith("it must be")
