"""Times as people write them: 90, 1:30, 00:01:30.5."""

import re

import typer

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def seconds(text: str | float) -> float:
    """Seconds of a time written as seconds, MM:SS or HH:MM:SS, with a fraction if need be.

    Raises:
        typer.BadParameter: it is written otherwise.

    >>> seconds("1:30.5")
    90.5
    """
    found = _TIME.fullmatch(str(text).strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time; write seconds (90), 1:30 or 00:01:30")
    hours, minutes, rest = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)


def clock(time_s: float) -> str:
    """A time as people read it.

    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
