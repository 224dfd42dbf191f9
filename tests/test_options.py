import dataclasses
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import crowdveil
from crowdveil.errors import OptionsInvalid
from crowdveil.evidence.options import CHECKED, CheckOptions
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import AudioChoice, Container, SubtitleChoice
from crowdveil.options import PLANS, VEILED, PlanOptions, RenderOptions, VeilOptions
from crowdveil.redact.look import Look, Style

COMMANDS: dict[str, tuple[Callable[..., Any], Any, Path]] = {
    "veil": (crowdveil.veil, VeilOptions(), VEILED),
    "plan": (crowdveil.plan_photos, PlanOptions(), PLANS),
    "render": (crowdveil.render_plans, RenderOptions(), VEILED),
}
ONLY_ON_SCREEN = {"json": False, "quiet": False}
ONE_AFTER_THE_OTHER = {"veil": {"check": False}}
"""What a command does beside its function: it calls another."""


def defaults(command: Callable[..., Any]) -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(command).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_function_take_the_same_options_with_the_same_defaults(
    name: str,
) -> None:
    function, options, out = COMMANDS[name]
    command = getattr(import_module(f"crowdveil.cli.{name}"), name)
    written = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    more = ONLY_ON_SCREEN | ONE_AFTER_THE_OTHER.get(name, {})
    assert defaults(command) == {**written, **more, "out": out}
    assert set(inspect.signature(function).parameters) >= {"paths", "out", "options", "watcher"}


def test_the_command_check_and_its_function_take_the_same_options() -> None:
    command = import_module("crowdveil.cli.check").check
    fields = dataclasses.fields(CheckOptions)
    written = {field.name: getattr(CheckOptions(), field.name) for field in fields}
    # A command line gives lists.
    written["attackers"] = list(CheckOptions().attackers)
    instead = {"verify": None, "public_key": None, "new_key": None}
    assert defaults(command) == {**written, **ONLY_ON_SCREEN, **instead, "out": CHECKED}
    parameters = set(inspect.signature(crowdveil.check).parameters)
    assert parameters == {"original", "veiled", "options", "watcher"}


def test_the_look_of_the_options_is_the_look_of_rendering() -> None:
    assert VeilOptions().look() == RenderOptions().look(None) == Look()


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        (VeilOptions, {"overwrite": True, "resume": True}),
        (PlanOptions, {"overwrite": True, "resume": True}),
        (RenderOptions, {"overwrite": True, "resume": True}),
        (VeilOptions, {"rename": True, "resume": True}),
        (VeilOptions, {"margin": 0.9}),
        (RenderOptions, {"margin": float("nan")}),
        (VeilOptions, {"seed": -1}),
    ],
    ids=str,
)
def test_contradictions_are_refused(kind: Callable[..., Any], choice: dict[str, Any]) -> None:
    with pytest.raises(OptionsInvalid):
        kind(**choice)


def test_options_cannot_change_under_a_running_batch() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        VeilOptions().plans = Path("elsewhere")  # type: ignore[misc]


@pytest.mark.parametrize("kind", [VeilOptions, RenderOptions])
def test_words_become_choices_and_other_words_are_refused(kind: Callable[..., Any]) -> None:
    options = kind(audio="drop", subtitles="keep", container="mp4", style="solid", format="png")
    assert options == kind(
        audio=AudioChoice.DROP,
        subtitles=SubtitleChoice.KEEP,
        container=Container.MP4,
        style=Style.SOLID,
        format=PhotoFormat.PNG,
    )
    assert options.audio is AudioChoice.DROP
    for name in ("audio", "subtitles", "container", "style", "format", "shape"):
        with pytest.raises(OptionsInvalid, match=f"{name} must be one of"):
            kind(**{name: "none of these"})
