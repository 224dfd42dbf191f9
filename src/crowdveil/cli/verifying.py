"""Makes keys and verifies signed records for `crowdveil check`, and says what came of it."""

import os
from collections.abc import Iterable
from pathlib import Path

import typer
from rich.text import Text

from crowdveil.cli.evidence_screen import EXPOSED, console, fail
from crowdveil.cli.running import FAILED
from crowdveil.cli.words import plain
from crowdveil.errors import CrowdveilError
from crowdveil.evidence.record import Evidence, Result
from crowdveil.evidence.report import answer
from crowdveil.evidence.signing import new_key, public_key, verify
from crowdveil.veiling import sha256_of


def make_key(path: Path, *, others: bool) -> None:
    """Make a key pair and say what to do with it."""
    if others:
        raise typer.BadParameter("--new-key stands alone")
    try:
        public = new_key(path)
    except CrowdveilError as error:
        fail(error)
    out = console()
    out.print(f"Private key: {plain(path)}. Keep it: whoever has it can sign in your name.")
    out.print(f"Public key:  {plain(public)}. Give it to those who will verify.")


def verify_record(
    path: Path, key: Path | None, veiled: Iterable[Path], *, json: bool, quiet: bool
) -> None:
    """Verify a signed record, and that copies are those it speaks of.

    Raises:
        typer.Exit: with 1 if the record was changed, is not signed by this key, or a copy is
            not the one that was checked; with 3 if it is sound and says that someone is exposed.
    """
    out = console()
    try:
        record, fingerprint = verify(path, public_key(key) if key else None)
        changed = [name for folder in veiled for name in _changed(record, folder)]
    except CrowdveilError as error:
        fail(error)
    if json:
        typer.echo(record.model_dump_json())
    elif not quiet:
        out.print(Text(f"The record is as it was signed, on {record.made_on}.", style="bold"))
        out.print(f"Key: {fingerprint}")
        if key is None:
            out.print("Compare this key with the signer's: give it with --public-key.")
        out.print(answer(record))
    for sentence in changed:
        console(stderr=True).print(Text(plain(sentence), style="red"))
    if changed:
        raise typer.Exit(FAILED)
    if record.result is not Result.CLEAN:
        raise typer.Exit(EXPOSED if record.result is Result.EXPOSED else FAILED)


def _changed(record: Evidence, given: Path) -> list[str]:
    """What differs between the record and the copies at hand."""
    if not os.path.lexists(given):
        return [f"{given}: is not there; check the path"]
    found = []
    known = {file.copy_sha256 for file in record.files}
    if os.path.isfile(given):
        if sha256_of(given) not in known:
            found.append(f"{given}: is not a copy that the record speaks of")
        return found
    for file in record.files:
        path = given / file.name
        if not os.path.isfile(path):
            found.append(f"{path}: is in the record and not in the folder")
        elif sha256_of(path) != file.copy_sha256:
            found.append(f"{path}: is not the copy that was checked: it was changed since")
    return found
