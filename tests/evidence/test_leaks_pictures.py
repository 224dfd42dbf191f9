"""Pictures that a file holds beside the one it shows: each is named, however it is referred to."""

import io
import struct
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from .leaky import heif, jpeg, picture, saved, segment, told_of
from .planting import in_png, png_chunk, png_chunks


@pytest.mark.parametrize("kind", [b"dimg", b"cdsc", b"auxl", b"base", b"prem", b"thmb"])
@pytest.mark.parametrize("turned", [False, True], ids=["to-primary", "from-primary"])
def test_a_picture_that_only_a_reference_reaches_is_named(
    kind: bytes, turned: bool, tmp_path: Path
) -> None:
    data = bytearray(heif(thumbnails=[64]))
    at = data.index(b"thmb")
    data[at : at + 4] = kind
    if turned:
        data[at + 4 : at + 6], data[at + 8 : at + 10] = (
            data[at + 8 : at + 10],
            data[at + 4 : at + 6],
        )
    path = tmp_path / "a.heic"
    path.write_bytes(data)
    assert any("picture" in what or "thumbnail" in what for what in told_of(path))


def test_further_pictures_of_a_burst_are_named(tmp_path: Path) -> None:
    burst = pillow_heif.from_pillow(picture().resize((128, 128)))
    burst.add_from_pillow(picture().resize((128, 128)).rotate(180))
    path = tmp_path / "a.heic"
    burst.save(path)
    assert "another picture" in told_of(path)


def test_an_item_that_no_list_describes_is_named(tmp_path: Path) -> None:
    data = bytearray(heif(thumbnails=[64]))
    # The second item is described under a number that has no place.
    second = data.index(b"infe", data.index(b"infe") + 4)
    struct.pack_into(">H", data, second + 8, 77)
    path = tmp_path / "a.heic"
    path.write_bytes(data)
    assert told_of(path)


def test_a_still_picture_that_an_animation_hides_is_named(tmp_path: Path) -> None:
    out = io.BytesIO()
    more = [picture().rotate(90)]
    picture().save(out, "PNG", save_all=True, append_images=more, duration=100, default_image=True)
    path = tmp_path / "a.png"
    path.write_bytes(out.getvalue())
    assert told_of(path) == ["a picture that is only shown where the animation is not"]


def test_a_frame_behind_those_that_an_animation_promises_is_named(tmp_path: Path) -> None:
    out = io.BytesIO()
    picture().save(out, "PNG", save_all=True, append_images=[picture().rotate(90)], duration=100)
    path = tmp_path / "a.png"
    path.write_bytes(in_png(out.getvalue(), b"acTL", lambda body: struct.pack(">II", 1, 0)))
    assert any("never shown" in what for what in told_of(path))


def test_a_second_palette_of_a_png_is_named(tmp_path: Path) -> None:
    data = saved(picture().quantize(16), "PNG")
    parts = png_chunks(data)
    palette = next(part for part in parts if part[0] == b"PLTE")
    parts.insert(2, palette)
    path = tmp_path / "a.png"
    path.write_bytes(data[:8] + b"".join(png_chunk(*part) for part in parts))
    assert told_of(path) == ["a second PLTE, which no viewer reads"]


def test_the_second_picture_of_a_camera_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    picture().save(path, "MPO", save_all=True, append_images=[picture().rotate(180)])
    assert any("further pictures" in what for what in told_of(path))
    assert any("JPEG picture after the end" in what for what in told_of(path))


def test_a_directory_beneath_a_page_of_a_tiff_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pages = picture(), picture().resize((16, 12))
    pages[0].save(path, save_all=True, append_images=[pages[1]])
    data = bytearray(path.read_bytes())
    assert told_of(path) == []
    # The last tag of the first page becomes a list of directories beneath it.
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<HHII", data, first + 2 + 12 * (count - 1), 330, 4, 1, 8)
    path.write_bytes(data)
    assert "further pictures" in told_of(path)


def test_a_picture_inside_the_pixels_of_another_is_found(tmp_path: Path) -> None:
    hidden = saved(picture(), "JPEG")
    side = 200
    image = Image.frombytes("L", (side, side), hidden[: side * side].ljust(side * side, b"\7"))
    path = tmp_path / "a.bmp"
    image.save(path)
    assert told_of(path) == ["a JPEG picture within other data"]


def test_a_picture_written_out_as_text_is_found(tmp_path: Path) -> None:
    import base64

    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(segment(0xDD, b"\0\0")) + base64.b64encode(saved(picture(), "JPEG")))
    assert told_of(path)
