from hypothesis import given
from hypothesis import strategies as st

from crowdveil.media.video.headers import bare_header

SECRET = b"SECRET-4711"


def vorbis(comment: bytes, identification: bytes, setup: bytes) -> bytes:
    """Three headers laced as in Matroska."""
    parts = (identification, comment)
    sizes = b"".join(b"\xff" * (len(part) // 255) + bytes([len(part) % 255]) for part in parts)
    return b"\x02" + sizes + identification + comment + setup


def parts_of(header: bytes) -> list[bytes]:
    """What is laced together, read anew from the specification."""
    sizes, at = [], 1
    for _ in range(header[0]):
        size = 0
        while True:
            size, at, byte = size + header[at], at + 1, header[at]
            if byte < 255:
                break
        sizes.append(size)
    parts = []
    for size in sizes:
        parts.append(header[at : at + size])
        at += size
    return [*parts, header[at:]]


@given(
    comment=st.binary(max_size=700),
    identification=st.binary(min_size=1, max_size=300),
    setup=st.binary(max_size=300),
)
def test_vorbis_keeps_all_but_its_comments(
    comment: bytes, identification: bytes, setup: bytes
) -> None:
    given_header = vorbis(comment + SECRET, identification, setup)
    bare = bare_header("vorbis", given_header)
    assert bare is not None
    first, second, third = parts_of(bare)
    assert (first, third) == (identification, setup)
    assert second == b"\x03vorbis" + bytes(8) + b"\x01"


def test_flac_keeps_only_what_describes_the_samples() -> None:
    info = bytes(range(34))
    tail = b"\x84\x00\x00\x0b" + SECRET
    assert bare_header("flac", b"fLaC\x00\x00\x00\x22" + info + tail) == info
    assert bare_header("flac", info) == info


def test_headers_without_room_for_comments_stay() -> None:
    assert bare_header("aac", b"\x12\x10") is None
    assert bare_header("vorbis", None) is None
