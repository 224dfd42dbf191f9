"""The page of an answer or a list: the answer first, then timeline, maps, table and sources.

Standings come in, one HTML text goes out that opens from disk; writing it is left to `writing`,
pictures to `drawing`, sentences to `wording`.
"""

from collections.abc import Sequence
from pathlib import Path

from crowdveil.laws import drawing, wording
from crowdveil.laws.answer import Answer, as_day
from crowdveil.laws.record import Place
from crowdveil.laws.register import load_register
from crowdveil.laws.standing import Standing
from crowdveil.report.page import render_page

TEMPLATES = Path(__file__).parent / "templates"


def page(found: Sequence[Standing], *, answer: Answer | None = None) -> str:
    """The page as text, to be written as UTF-8.

    Args:
        found: the rules to show, in order.
        answer: if a place was asked about.
    """
    register = load_register()
    day = answer.day if answer else found[0].day if found else as_day(None)
    binding = [one for one in found if one.binds]
    return render_page(
        TEMPLATES,
        "laws.html",
        answer=answer,
        headline=wording.headline(answer) if answer else (),
        limits=wording.limits_of_knowledge(answer) if answer else (),
        found=found,
        day=day,
        binding=len(binding),
        places=len({one.place.id for one in found}),
        register=register,
        not_found=[(place.name, place.not_found) for place in _places(found, answer)],
        timeline=drawing.timeline(found) if found else None,
        maps=drawing.maps(found),
        key=drawing.key(),
        words=wording,
    )


def _places(found: Sequence[Standing], answer: Answer | None) -> list[Place]:
    if answer:
        return [level.area.place for level in answer.levels if level.area.place]
    return list({one.place.id: one.place for one in found}.values())
