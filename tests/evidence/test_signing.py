import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.errors import KeyInvalid, OutputRefused, RecordInvalid
from crowdveil.evidence.record import Evidence, Result, Settings
from crowdveil.evidence.signing import (
    new_key,
    private_key,
    public_key,
    sign,
    signed_bytes,
    verify,
)


def a_record(name: str = "é") -> Evidence:
    return Evidence(
        crowdveil="0",
        made_on="2024-06-01",
        settings=Settings(caution="normal", quick=False, plans=False),
        weights={name: "0" * 64},
        result=Result.CLEAN,
    )


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    new_key(tmp_path / "desk.key")
    path = tmp_path / "evidence.json"
    record = sign(a_record(), private_key(tmp_path / "desk.key"))
    path.write_text(record.to_json(), encoding="utf-8")
    return path


def test_a_signed_record_verifies_with_its_key_and_no_other(signed: Path, tmp_path: Path) -> None:
    own = public_key(tmp_path / "desk.key.pub")
    record, fingerprint = verify(signed, own)
    assert record.weights == {"é": "0" * 64}
    assert fingerprint == own.public_bytes_raw().hex()
    new_key(tmp_path / "other.key")
    with pytest.raises(RecordInvalid, match="another key"):
        verify(signed, public_key(tmp_path / "other.key.pub"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"result": "clean"', '"result": "exposed"'),
        ('"quick": false', '"quick": true'),
        ("2024-06-01", "2024-06-02"),
        ('"crowdveil": "0"', '"crowdveil": "1", "crowdveil": "0"'),
    ],
    ids=["result", "setting", "day", "twice"],
)
def test_a_record_that_was_changed_is_refused(signed: Path, before: str, after: str) -> None:
    text = signed.read_text(encoding="utf-8")
    assert before in text
    signed.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(RecordInvalid):
        verify(signed)


def test_a_changed_signature_and_none_at_all_are_refused(signed: Path) -> None:
    whole = json.loads(signed.read_bytes())
    value = whole["signature"]["value"]
    whole["signature"]["value"] = ("B" if value[0] == "A" else "A") + value[1:]
    signed.write_text(json.dumps(whole))
    with pytest.raises(RecordInvalid, match="changed after it was signed"):
        verify(signed)
    whole["signature"]["value"] = "not base64"
    signed.write_text(json.dumps(whole))
    with pytest.raises(RecordInvalid, match="damaged"):
        verify(signed)
    whole["signature"] = None
    signed.write_text(json.dumps(whole))
    with pytest.raises(RecordInvalid, match="not signed"):
        verify(signed)


def test_spaces_and_order_do_not_matter_as_they_say_nothing(signed: Path) -> None:
    whole = json.loads(signed.read_bytes())
    signed.write_text(json.dumps(dict(reversed(whole.items())), indent=7))
    assert verify(signed)[0].result is Result.CLEAN


def test_openssl_verifies_the_bytes_that_the_docs_name(signed: Path, tmp_path: Path) -> None:
    import base64

    whole = json.loads(signed.read_bytes())
    (tmp_path / "signed").write_bytes(signed_bytes(whole))
    (tmp_path / "value").write_bytes(base64.b64decode(whole["signature"]["value"]))
    try:
        done = subprocess.run(
            [
                "openssl",
                "pkeyutl",
                "-verify",
                "-pubin",
                "-rawin",
                "-inkey",
                "desk.key.pub",
                "-sigfile",
                "value",
                "-in",
                "signed",
            ],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert done.returncode == 0, done.stderr


def test_a_private_key_is_its_owner_s_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "desk.key"
    new_key(path)
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
    before = path.read_bytes()
    with pytest.raises(OutputRefused, match="exists already"):
        new_key(path)
    assert path.read_bytes() == before


def test_what_is_no_key_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    with pytest.raises(KeyInvalid, match="--new-key"):
        private_key(tmp_path / "x")
    with pytest.raises(KeyInvalid):
        public_key(tmp_path / "none")


@given(
    name=st.text(st.characters(exclude_categories=["Cs"])),
    value=st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_is_signed_survives_being_read_and_written(name: str, value: float) -> None:
    record = {name: value, "b": [value, None, True, {"z": name, "a": 1}]}
    again = json.loads(json.dumps(record))
    assert signed_bytes(again) == signed_bytes(record)
