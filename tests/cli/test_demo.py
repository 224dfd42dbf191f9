from collections.abc import Callable
from pathlib import Path
from typing import Any

from crowdveil.cli.demo import told_by
from crowdveil.demo.camera import AUTHOR, SERIAL

Run = Callable[..., Any]


def test_the_demo_shows_before_and_after_and_what_is_gone_also_the_second_time(
    crowdveil: Run,
) -> None:
    before, after = Path("here/crowd.jpg"), Path("here/crowd-veiled.jpg")
    before.parent.mkdir()
    before.write_bytes(b"of an earlier run")
    after.write_bytes(b"of an earlier run")
    said = crowdveil("demo", "-o", "here")
    assert (said.code, said.err) == (0, "")
    assert str(before) in said.out
    assert str(after) in said.out
    for secret in (AUTHOR, SERIAL, "thumbnail", "48.8767 S"):
        assert secret in said.out
    assert len(told_by(before)) > 5
    assert said.out.count("  gone") == len(told_by(before))
    assert told_by(after) == {}
    assert SERIAL.encode() not in after.read_bytes()
