import io
import pickle
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from crowdveil.isolation.wire import Codec, MessageInvalid, Sign, receive, send
from crowdveil.plan import Made, Plan, Source


@dataclass(frozen=True)
class Thing:
    picture: NDArray[np.uint8]
    path: Path
    share: float
    plan: Plan | None = None


PLAN = Plan(
    source=Source(name="a.jpg", path="a.jpg", sha256="0" * 64, format="jpeg", width=1, height=1),
    made=Made(crowdveil="1", caution="normal"),
)


@given(
    arrays(np.uint8, st.tuples(st.integers(0, 5), st.integers(0, 5), st.just(3))),
    st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name),
    st.floats(allow_nan=False),
)
def test_what_is_sent_arrives_as_it_was(
    picture: NDArray[np.uint8], name: bytes, share: float
) -> None:
    codec = Codec(Thing)
    # Names of files need not be text.
    path = Path(name.decode("utf-8", "surrogateescape"))
    came = codec.decode(codec.encode(Thing(picture, path, share, PLAN)))
    assert np.array_equal(came.picture, picture)
    assert came.picture.flags.writeable
    assert (came.path, came.share, came.plan) == (path, share, PLAN)


@given(st.binary(max_size=300))
def test_any_bytes_become_the_type_or_are_refused(message: bytes) -> None:
    with suppress(MessageInvalid):
        assert isinstance(Codec(Thing).decode(message), Thing)


def forged(array: Any) -> bytes:
    return Codec(dict[str, Any]).encode({"picture": array, "path": b"a", "share": 1.0})


@pytest.mark.parametrize(
    "array",
    [
        ("|O", (1,), b"\0" * 8),
        ("<f8", (1,), b"\0" * 8),
        ("|u1", (2, 2), b"\0" * 3),
        ("|u1", (-1, -4), b"\0" * 4),
        ("|u1", (2**40, 2**40), b""),
        ("no type", (1,), b"\0"),
        ("|u1", (1,)),
        7,
    ],
    ids=str,
)
def test_an_array_that_is_none_is_refused(array: Any) -> None:
    assert Codec(Thing).decode(forged(("|u1", (1,), b"\7"))).picture.tolist() == [7]
    with pytest.raises(MessageInvalid):
        Codec(Thing).decode(forged(array))


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path.joinpath("run").touch, ())

    with pytest.raises(MessageInvalid):
        Codec(Thing).decode(pickle.dumps(Evil()))
    assert not tmp_path.joinpath("run").exists()


@given(st.sampled_from(Sign), st.binary(max_size=100), st.integers(0, 200))
def test_a_frame_comes_whole_or_not_at_all(sign: Sign, message: bytes, kept: int) -> None:
    pipe = io.BytesIO()
    send(pipe, sign, message)
    data = pipe.getvalue()
    assert receive(io.BytesIO(data)) == (sign, message)
    if kept < len(data):
        assert receive(io.BytesIO(data[:kept])) is None


@pytest.mark.parametrize("head", [b"\xff" + bytes(8), b"\x09" + b"\xff" * 8])
def test_a_frame_of_no_known_kind_or_without_end_is_refused(head: bytes) -> None:
    with pytest.raises(MessageInvalid):
        receive(io.BytesIO(head + b"x" * 100))
