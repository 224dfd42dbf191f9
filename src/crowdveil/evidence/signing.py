"""Signs a record with an Ed25519 key, and verifies that a record is as it was signed.

What is signed: the line `crowdveil evidence 1`, a newline, and the record as JSON without its
member `signature`, members sorted by name, without blanks, non-ASCII characters as they are, in
UTF-8. Keys are PEM files, as OpenSSL makes them. Who owns a key is not for us to know.
Source: RFC 8032 (Ed25519).
"""

import base64
import binascii
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crowdveil.errors import KeyInvalid, OutputRefused, RecordInvalid
from crowdveil.evidence.record import Evidence, Signature, read_record

CONTEXT = b"crowdveil evidence 1\n"
"""What the signed bytes begin with, so that a signature for anything else is none for this."""

PUBLIC_SUFFIX = ".pub"


def signed_bytes(record: dict[str, Any]) -> bytes:
    """The bytes that a signature of a record is made over.

    Args:
        record: the JSON of the record; its member `signature` does not count.

    >>> signed_bytes({"b": [1.5, "é"], "a": None, "signature": {}}).decode()
    'crowdveil evidence 1\\n{"a":null,"b":[1.5,"é"]}'
    """
    rest = {name: value for name, value in record.items() if name != "signature"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return CONTEXT + text.encode("utf-8")


def sign(record: Evidence, key: Ed25519PrivateKey) -> Evidence:
    """The same record with a signature."""
    plain = json.loads(record.model_dump_json())
    public = key.public_key().public_bytes_raw()
    signature = Signature(
        public_key=base64.b64encode(public).decode(),
        value=base64.b64encode(key.sign(signed_bytes(plain))).decode(),
    )
    return record.model_copy(update={"signature": signature})


def verify(path: Path, public_key: Ed25519PublicKey | None = None) -> tuple[Evidence, str]:
    """Check that a record is as it was signed.

    Args:
        path: the record.
        public_key: the key that it must be signed with; None accepts the key that the record
            itself names, which proves only that nothing changed since *someone* signed it.

    Returns:
        The record and the fingerprint of the key, its 32 bytes in hexadecimal digits.

    Raises:
        RecordInvalid: it is no record, is not signed, was changed, or was signed with another
            key.
    """
    data = read_record(path)
    evidence = Evidence.from_json(data, where=str(path))
    if evidence.signature is None:
        raise RecordInvalid(f"{path}: is not signed, so nothing can be verified")
    try:
        embedded = base64.b64decode(evidence.signature.public_key, validate=True)
        value = base64.b64decode(evidence.signature.value, validate=True)
        named = Ed25519PublicKey.from_public_bytes(embedded)
    except (binascii.Error, ValueError) as error:
        raise RecordInvalid(f"{path}: its signature is damaged") from error
    if public_key is not None and public_key.public_bytes_raw() != embedded:
        raise RecordInvalid(f"{path}: is signed with another key than the one that was given")
    try:
        # What is verified is the file itself, not what we made of it.
        named.verify(value, signed_bytes(_strict(data, path)))
    except InvalidSignature as error:
        raise RecordInvalid(
            f"{path}: was changed after it was signed, or its signature is not its own; "
            "do not rely on it"
        ) from error
    return evidence, embedded.hex()


def _strict(data: bytes, path: Path) -> dict[str, Any]:
    """The JSON of a record; a name that is there twice could show one thing and sign another."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise RecordInvalid(f"{path}: names something twice, so it is not to be relied on")
        return dict(pairs)

    found: dict[str, Any] = json.loads(data, object_pairs_hook=once)
    return found


def new_key(path: Path) -> Path:
    """Make a key: the private one at `path`, only for its owner, the public one beside it.

    Returns:
        Where the public key is.

    Raises:
        OutputRefused: a file is there already or cannot be written.
    """
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for target, data, mode in ((path, private_pem, 0o600), (public, public_pem, 0o644)):
        try:
            # A key that exists is never replaced: what it signed could not be made again.
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
        except OSError as error:
            reason = "it exists already" if isinstance(error, FileExistsError) else error.strerror
            raise OutputRefused(f"{target}: no key was written ({reason})") from error
    return public


def private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key; raises `KeyInvalid`."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyInvalid(
            f"{path}: is no private key that can be read (Ed25519, PEM, without password); make "
            "one with crowdveil check --new-key FILE"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyInvalid(f"{path}: is a key of another kind; make an Ed25519 key with --new-key")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key; raises `KeyInvalid`."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyInvalid(f"{path}: is no public key that can be read (Ed25519, PEM)") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyInvalid(f"{path}: is a key of another kind than Ed25519")
    return key
