import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crowdveil.media.video.disguise import Disguise

Sound = NDArray[np.float32]

VOWEL_HZ = (700.0, 1_220.0, 2_600.0)
"""Formants of the synthetic vowel: an "a"."""
SEEDS = range(6)


def disguised(
    sound: Sound, rate: int, seed: int | None = 0, cuts: list[int] | None = None
) -> Sound:
    """The whole disguise of (n, channels) samples, given in portions that end at `cuts`."""
    disguise = Disguise(rate, sound.shape[1], seed=seed)
    portions = np.split(sound, sorted(cuts or []))
    return np.concatenate([*(disguise.process(part) for part in portions), disguise.flush()])


def noise(rate: int, seconds: float, channels: int = 1, level: float = 0.1) -> Sound:
    rng = np.random.default_rng(0)
    shape = (int(rate * seconds), channels)
    return (level * rng.standard_normal(shape)).astype(np.float32)


def vowel(rate: int, pitch_hz: float, seconds: float = 1.5) -> Sound:
    """Overtones of a pitch under three resonances, each 90 Hz wide."""
    time = np.arange(int(rate * seconds)) / rate
    sound = np.zeros(len(time))
    for hz in np.arange(pitch_hz, min(rate / 2, 5_000), pitch_hz):
        # A resonance at f with bandwidth b passes h with |1 / (1 - (h/f)^2 + i h b / f^2)|.
        gains = [1 / abs(complex(1 - (hz / f) ** 2, hz * 90 / f**2)) for f in VOWEL_HZ]
        sound += np.prod(gains) / hz * np.cos(2 * np.pi * hz * time + hz)
    return np.asarray(0.2 * sound / np.abs(sound).max(), np.float32)[:, None]


def pitch_hz(sound: Sound, rate: int) -> float:
    """Where the autocorrelation of a quarter of a second peaks between 70 and 400 Hz."""
    middle = sound[:, 0][len(sound) // 2 - rate // 8 : len(sound) // 2 + rate // 8]
    likeness = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    likeness /= np.arange(len(middle), 0, -1)
    first, last = rate // 400, rate // 70
    likely = likeness[first:last]
    # Twice the period is as good a match: the shortest that is nearly the best is meant.
    near = int(np.argmax(likely > 0.9 * likely.max()))
    return rate / (first + near + int(likely[near : near + rate // 1_000].argmax()))


def bursts(rate: int, centres_hz: NDArray[np.float64]) -> Sound:
    """A fifth of a second of noise about each frequency in turn, a sixth of it wide."""
    rng = np.random.default_rng(0)
    count = rate // 5
    hz = np.fft.rfftfreq(count, 1 / rate)
    parts = []
    for centre_hz in centres_hz:
        near = np.abs(hz - centre_hz) < centre_hz / 12
        spectrum = np.where(near, np.exp(2j * np.pi * rng.random(len(hz))), 0)
        part = np.fft.irfft(spectrum, count)
        parts.append(0.1 * part / part.std())
    return np.concatenate(parts).astype(np.float32)[:, None]


def middles_hz(sound: Sound, rate: int) -> NDArray[np.float64]:
    """Of each fifth of a second, the frequency that halves its power."""
    parts = sound.reshape(-1, rate // 5)[:, rate // 20 : -rate // 20]
    power = np.abs(np.fft.rfft(parts * np.hanning(parts.shape[1]))) ** 2
    shares = np.cumsum(power, axis=1) / power.sum(axis=1, keepdims=True)
    middles = (shares > 0.5).argmax(axis=1) * rate / parts.shape[1]
    return np.asarray(middles, np.float64)


def envelope(sound: Sound, rate: int) -> NDArray[np.float64]:
    """Loudness in steps of a millisecond."""
    step = rate // 1_000
    power = np.square(sound[: len(sound) // step * step].astype(np.float64))
    means = power.reshape(-1, step * sound.shape[1]).mean(axis=1)
    return np.asarray(np.sqrt(means), np.float64)


@settings(deadline=None, max_examples=25)
@given(
    rate=st.sampled_from([8_000, 11_025, 44_100, 48_000]),
    channels=st.integers(1, 3),
    length=st.integers(0, 30_000),
    data=st.data(),
)
def test_where_the_sound_is_cut_changes_nothing(
    rate: int, channels: int, length: int, data: st.DataObject
) -> None:
    sound = (vowel(rate, 120, 30_001 / rate) + noise(rate, 30_001 / rate, channels, 0.02))[:length]
    cuts = data.draw(st.lists(st.integers(0, length), max_size=12))
    whole, cut = disguised(sound, rate), disguised(sound, rate, cuts=cuts)
    assert whole.shape == cut.shape == sound.shape
    np.testing.assert_allclose(cut, whole, atol=1e-5)


def test_a_voice_in_the_smallest_portions_loses_no_pulse() -> None:
    sound = vowel(8_000, 120, 6.0)
    cuts = list(range(64, len(sound), 64))
    whole, cut = disguised(sound, 8_000), disguised(sound, 8_000, cuts=cuts)
    np.testing.assert_allclose(cut, whole, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_every_rate_and_number_of_channels_gives_as_many_samples(rate: int, channels: int) -> None:
    sound = noise(rate, 0.35, channels)
    out = disguised(sound, rate)
    assert out.shape == sound.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_sound_stays_in_time_from_the_first_second_to_the_last(rate: int) -> None:
    sound = noise(rate, 12)
    beat = (np.arange(len(sound)) / rate * 3.1) % 1 < 0.3
    sound *= beat[:, None]
    before, after = envelope(sound, rate), envelope(disguised(sound, rate), rate)
    for part in (slice(0, 2_000), slice(-2_000, None)):
        a, b = before[part] - before[part].mean(), after[part] - after[part].mean()
        late_ms = int(np.correlate(b, a, "full").argmax()) - (len(a) - 1)
        assert abs(late_ms) <= 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_the_pitch_that_comes_out_does_not_follow_from_the_one_that_went_in(
    rate: int, seed: int
) -> None:
    low, high = vowel(rate, 105), vowel(rate, 260)
    assert pitch_hz(low, rate) == pytest.approx(105, rel=0.02)
    assert pitch_hz(high, rate) == pytest.approx(260, rel=0.02)
    told = pitch_hz(disguised(low, rate, seed), rate), pitch_hz(disguised(high, rate, seed), rate)
    assert told[0] == pytest.approx(told[1], rel=0.03)
    assert told[1] < 0.9 * 260


@pytest.mark.parametrize("seed", SEEDS)
def test_resonances_move_all_one_way_and_by_a_tenth_or_more(seed: int) -> None:
    order = np.random.default_rng(1).permutation(20)
    centres_hz = np.geomspace(900, 2_500, 20)[order]
    sound = bursts(16_000, centres_hz)
    np.testing.assert_allclose(middles_hz(sound, 16_000), centres_hz, rtol=0.06)
    moved = np.log(middles_hz(disguised(sound, 16_000, seed), 16_000) / centres_hz)
    assert np.abs(np.median(moved)) > 0.08
    assert np.mean(np.sign(moved) == np.sign(np.median(moved))) > 0.8


def test_different_draws_differ_and_the_same_seed_says_the_same_again() -> None:
    sound = vowel(16_000, 140, 1.0)
    once = disguised(sound, 16_000, seed=3)
    np.testing.assert_array_equal(disguised(sound, 16_000, seed=3), once)
    others = [disguised(sound, 16_000, seed) for seed in (4, None, None)]
    for index, other in enumerate(others):
        for known in (once, *others[:index]):
            assert np.abs(other - known).max() > 0.01
    pitches = [pitch_hz(disguised(sound, 16_000, seed), 16_000) for seed in range(12)]
    assert max(pitches) / min(pitches) > 1.3


def test_silence_stays_silence_and_so_does_what_lies_before_a_sound() -> None:
    sound = np.zeros((48_000, 2), np.float32)
    assert not disguised(sound, 48_000).any()
    sound[24_000:] = noise(48_000, 0.5, 2)
    out = disguised(sound, 48_000)
    # Sound reaches out by half a window and the ringing of a filter, less than 40 ms.
    assert not out[: 24_000 - 1_920].any()
    assert out[24_000:].any()


def test_the_left_side_stays_on_the_left() -> None:
    sound = noise(48_000, 0.5, 2)
    sound[:, 1] = 0
    out = disguised(sound, 48_000)
    assert not out[:, 1].any()
    assert out[:, 0].any()


def test_sounds_are_as_loud_as_they_were() -> None:
    sound = vowel(16_000, 130, 2.0)
    for level in (0.01, 0.1, 0.3):
        for seed in SEEDS:
            out = disguised(sound * level, 16_000, seed)
            assert 0.6 < out.std() / (sound * level).std() < 1.6


def test_the_shape_of_the_wave_leaves_no_trace() -> None:
    """Turned upside down, every sample differs and every loudness is the same."""
    sound = vowel(16_000, 130)
    np.testing.assert_array_equal(disguised(-sound, 16_000), disguised(sound, 16_000))


def test_nothing_above_eight_kilohertz_is_left() -> None:
    out = disguised(noise(48_000, 1), 48_000)[:, 0]
    power = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    hz = np.fft.rfftfreq(len(out), 1 / 48_000)
    assert power[hz > 8_300].sum() < 1e-4 * power.sum()


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.ones((9_000, 1)), id="direct current"),
        pytest.param(np.tile([[1.0], [1.0], [-1.0], [-1.0]], (3_000, 1)), id="full scale"),
        pytest.param(np.eye(1, 9_000, 4_000).T, id="a click"),
        pytest.param(50 * np.random.default_rng(0).standard_normal((9_000, 1)), id="too loud"),
        pytest.param(np.full((9_000, 1), 1e-30), id="next to nothing"),
        pytest.param(np.full((9_000, 1), 3e38), id="as large as numbers go"),
        pytest.param(np.where(np.arange(9_000) % 7, 0.2, np.nan)[:, None], id="not a number"),
        pytest.param(np.where(np.arange(9_000) % 7, 0.2, -np.inf)[:, None], id="without end"),
    ],
)
def test_whatever_goes_in_no_sample_leaves_full_scale(sound: NDArray[np.float64]) -> None:
    for rate in (8_000, 48_000):
        for seed in range(3):
            out = disguised(sound.astype(np.float32), rate, seed)
            assert out.shape == sound.shape
            assert np.isfinite(out).all()
            assert np.abs(out).max() <= 1


def test_direct_current_is_not_heard() -> None:
    out = disguised(np.full((24_000, 1), 0.5, np.float32), 48_000)
    assert np.abs(out[4_800:-4_800]).max() < 1e-3


def test_memory_does_not_grow_with_the_length() -> None:
    def peak(portions: int) -> int:
        disguise, portion = Disguise(8_000, 1, seed=0), noise(8_000, 0.5)
        tracemalloc.start()
        for _ in range(portions):
            disguise.process(portion)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(80) < 1.2 * peak(10)


def test_input_is_left_as_it_was() -> None:
    sound = noise(16_000, 0.5, 2, level=1.0)
    kept = sound.copy()
    disguised(sound, 16_000)
    np.testing.assert_array_equal(sound, kept)


@pytest.mark.parametrize(
    ("rate", "channels", "seed"),
    [(4_000, 1, 0), (200_000, 1, 0), (48_000, 0, 0), (48_000, 9, 0), (48_000, 2, -1)],
)
def test_what_cannot_be_disguised_is_refused(rate: int, channels: int, seed: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        Disguise(rate, channels, seed=seed)


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        Disguise(48_000, 2).process(np.zeros((10, 1), np.float32))
