from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.media.video.clip import Clip, Turn, VideoFormat
from crowdveil.media.video.colour import matrix_of, rgb_of
from crowdveil.media.video.encoders import encoding
from crowdveil.media.video.layouts import copied_to, planes_of, written_layout

from .films import picture

LAYOUTS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuv440p", "yuv411p", "yuv410p"),
    *("nv12", "p010le", "yuyv422", "rgb24", "bgr0", "rgba", "gbrp", "gbrp10le", "pal8", "gray"),
    *("gray10le", "gray16le", "ya8", "yuva420p", "yuva444p10le", "yuv420p12le", "yuv422p16le"),
]


def frame_of(pixels: str, size_wh: tuple[int, int] = (64, 48)) -> av.VideoFrame:
    rgb = av.VideoFrame.from_ndarray(picture(3, size_wh), format="rgb24")
    if pixels == "pal8":
        samples = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
        palette = np.tile(np.arange(256, dtype=np.uint8)[:, None], (1, 4))
        palette[:, 0] = 255  # opaque
        frame = av.VideoFrame.from_ndarray((samples, palette), format="pal8")  # type: ignore[arg-type]
    else:
        frame = rgb.reformat(format=pixels)
    frame.pts, frame.time_base = 7, Fraction(1, 25)
    return frame


@pytest.mark.parametrize("container", VideoFormat)
@pytest.mark.parametrize("pixels", LAYOUTS)
def test_a_frame_looks_the_same_in_the_layout_in_which_it_is_written(
    pixels: str, container: VideoFormat
) -> None:
    frame = frame_of(pixels)
    layout = written_layout(pixels, (64, 48), container)
    copy = copied_to(frame, layout)
    seen = rgb_of(planes_of(copy), (64, 48), matrix_of(int(copy.colorspace), 48))
    expected = frame.to_ndarray(format="rgb24")
    # Chroma that is shared by pixels is spread in two ways, by us and by the reference.
    assert np.abs(seen.astype(int) - expected).mean() < 4
    assert not pixels.startswith(("rgb", "gbr", "bgr", "pal")) or copy.colorspace == 1


@pytest.mark.parametrize("container", VideoFormat)
@pytest.mark.parametrize("pixels", LAYOUTS)
def test_the_encoder_of_each_container_takes_what_is_written_there(
    pixels: str, container: VideoFormat
) -> None:
    frame = frame_of(pixels)
    copy = copied_to(frame, written_layout(pixels, (64, 48), container))
    clip = Clip(
        Path(),
        container,
        container,
        "",
        (64, 48),
        Turn(),
        Fraction(1),
        pixels,
        Fraction(1, 25),
        None,
        None,
        None,
    )
    how = encoding(clip, copy, frame, None)
    formats = av.codec.Codec(how.codec, "w").video_formats or []
    assert copy.format.name in [known.name for known in formats]


@given(
    pixels=st.sampled_from(LAYOUTS),
    container=st.sampled_from(VideoFormat),
    width=st.integers(1, 9999),
    height=st.integers(1, 9999),
)
def test_colour_and_depth_never_become_less_than_the_container_takes(
    pixels: str, container: VideoFormat, width: int, height: int
) -> None:
    format = av.VideoFormat(pixels, 64, 64)
    written = av.VideoFormat(written_layout(pixels, (width, height), container), 64, 64)
    assert not any(part.is_alpha for part in written.components)
    most = 10 if container in (VideoFormat.AVI, VideoFormat.WEBM) else 12
    assert written.components[0].bits >= min(format.components[0].bits, most)
    deep_web = container is VideoFormat.WEBM and written.components[0].bits > 8
    if len(format.components) >= 3 and pixels != "yuv410p" and not deep_web:
        assert written.chroma_width(64) >= format.chroma_width(64)
        assert written.chroma_height(64) >= format.chroma_height(64)


def test_a_copy_shares_no_memory_with_what_the_decoder_keeps() -> None:
    frame = frame_of("yuv420p")
    before = frame.to_ndarray().copy()
    for plane in planes_of(copied_to(frame, "yuv420p")):
        plane.samples[...] = 0
    assert np.array_equal(frame.to_ndarray(), before)


def test_grey_that_does_not_say_is_of_full_range_and_says_so_then() -> None:
    frame = frame_of("gray")
    frame.color_range = 0
    copy = copied_to(frame, "gray")
    assert copy.color_range == 2
    assert not planes_of(copy)[0].limited
