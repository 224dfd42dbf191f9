"""A file is what its bytes say, whatever its name."""

import pytest

from crowdveil.media.formats import HEAD_BYTES, PHOTO_SUFFIXES, SUFFIXES, identify
from crowdveil.media.picture import PhotoFormat

from .conftest import one_of


@pytest.mark.parametrize("format", PhotoFormat)
def test_every_format_is_known_by_its_first_bytes(format: PhotoFormat) -> None:
    assert identify(one_of(format)[:HEAD_BYTES]) is format


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"BMW drove past the march, and nobody wrote it down.",
        b"RIFF\x10\0\0\0AVI LIST",
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        b"\0\0\0\x18ftypisom\0\0\2\0isommp41",
        b"GIF88a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["empty", "one byte", "text", "avi", "mov", "mp4", "no gif", "svg"],
)
def test_what_is_no_photo_is_not_taken_for_one(head: bytes) -> None:
    assert identify(head) is None


def test_an_avif_that_calls_itself_heif_first_is_an_avif() -> None:
    assert identify(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") is PhotoFormat.AVIF


def test_no_file_name_ending_belongs_to_two_formats() -> None:
    assert len(PHOTO_SUFFIXES) == sum(len(names) for names in SUFFIXES.values())
    assert set(SUFFIXES) == set(PhotoFormat)
