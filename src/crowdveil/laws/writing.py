"""Writes the page of an answer or a list, whole or not at all."""

from pathlib import Path

from crowdveil.errors import OptionsInvalid, OutputRefused
from crowdveil.laws.answer import Answer
from crowdveil.laws.page import page
from crowdveil.laws.standing import Standing
from crowdveil.media.atomic import write_whole


def write_page(
    path: Path,
    found: tuple[Standing, ...],
    *,
    answer: Answer | None = None,
    overwrite: bool = False,
) -> None:
    """Write the page to `path`.

    Args:
        path: ends in `.html`; its folder is made if need be.
        found: the rules to show.
        answer: if a place was asked about: it comes first.
        overwrite: whether an existing file is replaced.

    Raises:
        OptionsInvalid: the name does not end in `.html`.
        OutputRefused: the file exists, or cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise OptionsInvalid(f"{path}: the page is HTML; give a name that ends in .html")
    if path.exists() and not overwrite:
        raise OutputRefused(f"{path}: exists already; use --overwrite to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputRefused(f"{path.parent}: cannot be made ({error.strerror})") from error
    write_whole(path, page(found, answer=answer).encode(), overwrite=overwrite)
