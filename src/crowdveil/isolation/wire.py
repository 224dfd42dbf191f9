"""What travels between crowdveil and its workers: frames with a sign, a length and a message.

Typed values go in and come out. A message can only become what its type says: nothing in it is
run, unlike a pickle, as a worker whose decoder was taken over may send anything. When to send
what is left to `worker` and `crew`.
"""

import math
import os
import struct
from enum import IntEnum
from pathlib import PurePath
from typing import Any, BinaryIO, Generic, TypeVar, get_args, get_origin

import msgspec
import numpy as np
from pydantic import BaseModel

T = TypeVar("T")

MOST_BYTES = 4_000_000_000
"""Longest message: more than the largest photo that is read (`media.photos`) or written."""

_HEAD = struct.Struct("<BQ")


class Sign(IntEnum):
    """What a frame holds; the first four go to a worker, the others come from one."""

    SETUP = 1
    JOB = 2
    GO = 3
    """There is room for what the worker has announced."""
    READY = 4
    """The worker can take a job."""
    REFUSED = 5
    """It cannot do any, and why."""
    BEAT = 6
    """The work goes on."""
    PROGRESS = 7
    WEIGHT = 8
    """How many pixels it is about to decode; it waits for `GO`."""
    DONE = 9
    FAILED = 10


class MessageInvalid(Exception):  # noqa: N818 (as in `errors`)
    """A frame or message is not what was agreed."""


def send(pipe: BinaryIO, sign: Sign, message: bytes = b"") -> None:
    """Write one frame; raises `OSError` if nobody reads any more."""
    pipe.write(_HEAD.pack(sign, len(message)))
    pipe.write(message)
    pipe.flush()


def receive(pipe: BinaryIO) -> tuple[Sign, bytes] | None:
    """Read one frame, blocking; None if the other side is gone.

    Raises:
        MessageInvalid: the frame has no known sign, or is too long.
    """
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    sign, length = _HEAD.unpack(head)
    try:
        known = Sign(sign)
    except ValueError as error:
        raise MessageInvalid(str(error)) from error
    if length > MOST_BYTES:
        raise MessageInvalid(f"a frame of {length} bytes")
    message = pipe.read(length)
    return None if len(message) < length else (known, message)


class Codec(Generic[T]):
    """Turns values of one type into bytes and back: dataclasses of plain values, enums, paths,
    arrays and pydantic models."""

    def __init__(self, type: type[T]) -> None:
        """Prepare; a type that cannot travel raises `TypeError`."""
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(type, dec_hook=_typed)

    def encode(self, value: T) -> bytes:
        """The value as bytes."""
        return self._encoder.encode(value)

    def decode(self, message: bytes) -> T:
        """The value in a message; raises `MessageInvalid` if it is not of the type."""
        try:
            return self._decoder.decode(message)
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
            raise MessageInvalid(str(error)) from error


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, PurePath):
        return os.fsencode(value)  # names need not be UTF-8
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    raise NotImplementedError(f"{type(value)} cannot be sent")


def _typed(wanted: type, value: Any) -> Any:
    if get_origin(wanted) is np.ndarray:
        return _array(wanted, value)
    if issubclass(wanted, PurePath):
        return wanted(os.fsdecode(value))
    if issubclass(wanted, BaseModel):
        return wanted.model_validate_json(value)
    raise NotImplementedError(f"{wanted} cannot be received")


def _array(wanted: Any, value: Any) -> Any:
    kind, shape, samples = value
    (expected,) = get_args(get_args(wanted)[1])
    dtype = np.dtype(kind)
    if dtype.hasobject or dtype.type is not expected:
        raise ValueError(f"an array of {dtype} where {expected} belongs")
    if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != len(samples):
        raise ValueError("an array whose shape is not its size")
    return np.frombuffer(samples, dtype).reshape(shape).copy()
