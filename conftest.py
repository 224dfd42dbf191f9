"""Runs every Python example: in README.md, in docs/ and in the docstrings of the source.

Markdown examples run in a temporary folder that has what their text takes for granted:
`photos/crowd.jpg`, the demo's crowd.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser


def _enter_folder_with_photos(namespace: dict[str, Any]) -> None:
    from crowdveil.demo import write_demo

    folder = tempfile.TemporaryDirectory()
    namespace["_back"], namespace["_folder"] = Path.cwd(), folder
    write_demo(Path(folder.name, "photos"))
    os.chdir(folder.name)


def _leave_folder(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_back"])
    namespace["_folder"].cleanup()


_pages = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    setup=_enter_folder_with_photos,
    teardown=_leave_folder,
)
_docstrings = Sybil(
    parsers=[DocTestParser()],
    path="src",
    pattern="*.py",
    document_types={".py": PythonDocStringDocument},
)
pytest_collect_file = (_pages + _docstrings).pytest()
