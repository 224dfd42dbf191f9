"""Turns sound into the same sound in another voice, block by block.

Samples come in, as many go out, each at its own time. Nothing of the recording itself is
passed on: what is measured is how loud about twenty broad bands are, and whether the sound is
voiced, 125 times a second; from that alone a new sound is made, over an artificial voice whose
pitch is drawn and whose formants are moved by drawn amounts that wander. Pitch, melody,
overtones, phases and all above 8 kHz are not in it. Words, timing, loudness and much of the
timbre are: docs/voices.md tells how far that goes. Knows nothing of files, streams or codecs.

Sources: the channel vocoder is Dudley (1939), "Remaking speech", J. Acoust. Soc. Am. 11,
169-177; moving formants by a power of their frequency is the McAdams transformation of Patino,
Tomashenko, Todisco, Nautsch and Evans (2021), "Speaker anonymisation using the McAdams
coefficient", Interspeech; the measure of voicing is that of Boersma (1993), "Accurate
short-term analysis of the fundamental frequency", IFA Proceedings 17, 97-110.
"""

import math
import secrets
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Sound: TypeAlias = NDArray[np.float32]
"""(n, channels) samples, full scale is -1 to 1."""
Floats: TypeAlias = NDArray[np.float32]

RATES_HZ = (8_000, 192_000)
"""Least and greatest sampling rate that is taken."""
MOST_CHANNELS = 8

_HOP_S = 0.008
# A window of four hops holds two and a half periods of the lowest voices, so their
# single pulses do not show as a flutter of the bands, and is short enough for plosives.
_HOPS_PER_WINDOW = 4
# Two hops are synthesised at a time; the rest of five is room for the filters to ring.
_HOPS_PER_TRANSFORM = 5
_BLOCK = 64
"""Windows that are worked on at a time: half a second, which bounds the memory."""

_LOWEST_HZ, _HIGHEST_HZ = 60.0, 8_000.0
# At the bottom about as broad as the overtones of a voice lie apart, further up in proportion
# and coarser than hearing. With unmoved formants a recogniser of words made 27 % errors at
# 150 Hz and 1.10, 43 % at 220 Hz and 1.16, 65 % at 300 Hz and 1.25 (17 % before).
_FIRST_BAND_HZ, _BAND_STEP_HZ, _BAND_RATIO = 120.0, 180.0, 1.12

# Voicing: the lags looked at, the band looked at, and where noise ends and a voice begins in
# the height of the peak.
_PITCHES_HZ = (75.0, 450.0)
_VOICED_BAND_HZ = (60.0, 1_500.0)
_UNVOICED, _VOICED = 0.45, 0.75
# Real voices carry breath in their upper overtones; all pulse sounds like a buzzer.
_BREATH_FROM_HZ, _BREATH_TO_HZ, _LEAST_PULSE = 2_500.0, 6_000.0, 0.35

# What is drawn once: the pitch (both ends can be a man's or a woman's), the ratio of the
# formants (up or down by at least a tenth: never about as they were), the power of the
# McAdams transformation about a pivot, and humps of the spectrum.
_PITCH_HZ = (95.0, 190.0)
_RATIO = (1.10, 1.24)
_POWER = (0.90, 1.10)
_PIVOT_HZ = 1_500.0
_HUMPS, _HUMP_DB = 4, 3.0
# What wanders about it, as a standard deviation of the logarithm (power: of itself) and a time.
_WANDER = (
    # A lively voice, a voice that rises and falls over sentences, formants, power.
    (0.035, 0.15),
    (0.070, 2.5),
    (0.030, 1.5),
    (0.020, 1.5),
)
# Over what time long-term colour is evened out, and by how much at most. Speech in general
# is flat up to 500 Hz and then falls by 9 dB an octave: Byrne et al. (1994), "An international
# comparison of long-term average speech spectra", J. Acoust. Soc. Am. 96, 2108-2120.
_COLOUR_S, _MOST_COLOUR_DB = 3.0, 15.0
_SPEECH_FLAT_HZ, _SPEECH_DB = 500.0, -9.0
_MOST_MADE_UP = 8.0
"""Greatest factor on the power of a window that makes up for what moving formants lost."""
_DISPERSION_S = 0.004
"""Delay between the lowest and highest frequencies of a pulse, which lowers its crest."""
_KNEE = 0.8
"""Level from which loud samples are bent so that none passes full scale."""
_LOUDEST = 100.0
"""Samples in floating point can be beyond full scale; what is further out is damage."""


class Disguise:
    """The sound of one stream in another voice.

    Samples are given in any portions; the result does not depend on where they are cut. All
    channels speak with one voice.
    """

    def __init__(self, rate: int, channels: int, *, seed: int | None = None) -> None:
        """Draw a voice.

        Args:
            rate: samples a second, 8,000 to 192,000.
            channels: 1 to 8.
            seed: for tests and measurements only: the same seed draws the same voice, and so
                whoever knows it knows the draw. None draws from the system's secure source;
                the draw is kept nowhere but in this object.

        Raises:
            ValueError: a rate or a number of channels outside these bounds, a negative seed.
        """
        if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
            raise ValueError(f"a rate of {rate} Hz is outside {RATES_HZ[0]} to {RATES_HZ[1]}")
        if not 1 <= channels <= MOST_CHANNELS:
            raise ValueError(f"{channels} channels are outside 1 to {MOST_CHANNELS}")
        self._channels = channels
        self._grid = _Grid.at(rate)
        # Two sources, so that nothing about the voice follows from the noise that is heard.
        entropy = secrets.randbits(256) if seed is None else seed
        of_voice, of_noise = np.random.SeedSequence(entropy).spawn(2)
        self._voice = _Voice(self._grid, np.random.default_rng(of_voice))
        self._breath = np.random.default_rng(of_noise)
        self._colour = _Colour(self._grid)
        hop, half = self._grid.hop, self._grid.window.size // 2
        self._heard = np.zeros((half, channels), np.float32)  # from the next window's start on
        self._driven = np.zeros((2, hop), np.float32)  # pulses and noise of the hop before
        self._tail = np.zeros((self._grid.hops_out * hop, channels), np.float32)
        self._early = hop + self._grid.lead  # samples that come out before time zero
        self._taken = self._given = 0

    def process(self, samples: Sound) -> Sound:
        """Take the next samples and give those that are ready.

        Args:
            samples: (n, channels) float32, n may be 0; full scale is -1 to 1, more is taken.
                Samples that are not finite count as silence.

        Returns:
            (m, channels) float32 within -1 to 1, the continuation of what was given before;
            about 50 ms behind `samples`, so m is 0 at first.

        Raises:
            ValueError: another shape.
        """
        if samples.ndim != 2 or samples.shape[1] != self._channels:
            raise ValueError(f"samples of shape {samples.shape} are not (n, {self._channels})")
        self._taken += len(samples)
        finite = np.nan_to_num(samples.astype(np.float32), posinf=0.0, neginf=0.0)
        return self._speak(np.clip(finite, -_LOUDEST, _LOUDEST))

    def flush(self) -> Sound:
        """Give what is left: (k, channels) float32.

        Afterwards as many samples have been given as were taken, and the object has done its
        work.
        """
        wanted = self._taken - self._given
        hops = -(-self._taken // self._grid.hop) + self._grid.hops_out
        rest = self._speak(np.zeros((hops * self._grid.hop, self._channels), np.float32))
        self._heard = self._heard[:0]
        return rest[:wanted]

    def _speak(self, samples: Sound) -> Sound:
        grid = self._grid
        heard = np.concatenate([self._heard, samples])
        windows = max((len(heard) - grid.window.size) // grid.hop + 1, 0)
        parts = []
        for first in range(0, windows, _BLOCK):
            count = min(_BLOCK, windows - first)
            start = first * grid.hop
            stop = start + (count - 1) * grid.hop + grid.window.size
            parts.append(self._block(heard[start:stop], count))
        self._heard = heard[windows * grid.hop :].copy()
        ready = np.concatenate(parts) if parts else heard[:0]
        skipped = min(self._early, len(ready))
        self._early -= skipped
        ready = _limited(ready[skipped:])
        self._given += len(ready)
        return ready

    def _block(self, heard: Sound, count: int) -> Sound:
        """Synthesise what `count` windows tell: (count * hop, channels), before limiting."""
        grid = self._grid
        framed = np.lib.stride_tricks.sliding_window_view(heard, grid.window.size, axis=0)
        seen = framed[:: grid.hop].swapaxes(0, 1)
        # Direct current is no sound, but under a short window it would be taken for rumble.
        seen = (seen - (seen @ grid.window)[..., None] / grid.window.sum()) * grid.window
        # (channels, count, bins): power of white noise of variance one is one.
        spectra = np.fft.rfft(seen, grid.size)
        power = np.square(np.abs(spectra[..., : grid.bins])).astype(np.float32)
        banded = power @ grid.bands
        loudness = np.sqrt(banded) * self._colour.next(banded.sum(axis=0))
        draw = self._voice.next(count)
        gain = _as_loud(_spread(loudness, draw.sources) * draw.humps, power @ grid.heard)
        pulse = _voicing(power.sum(axis=0), grid)[:, None] * grid.pulse_share
        driven = self._drive(draw.pulses, count)
        carrier = np.sqrt(pulse) * driven[0] + np.sqrt(1 - pulse) * driven[1]
        spoken = np.fft.irfft(gain * (carrier * grid.dispersion), grid.size)
        return self._overlap(spoken.astype(np.float32, copy=False), count)

    def _drive(self, pulses: Floats, count: int) -> NDArray[np.complex64]:
        """Spectra of pulses and of noise under the windows of synthesis: (2, count, bins)."""
        grid = self._grid
        noise = self._breath.standard_normal((count, grid.hop), np.float32)
        hops = np.concatenate([self._driven[:, None], np.stack([pulses, noise])], axis=1)
        self._driven = hops[:, -1]
        pairs = np.concatenate([hops[:, :-1], hops[:, 1:]], axis=2) * grid.fade
        spectra = np.fft.rfft(pairs, grid.size)[..., : grid.bins]
        return spectra.astype(np.complex64, copy=False)

    def _overlap(self, spoken: NDArray[np.float32], count: int) -> Sound:
        """Add (channels, count, size) windows up; keep what later ones still add to."""
        grid = self._grid
        # Filters ring to both sides of their centre: the end of a transform is its beginning.
        spoken = np.roll(spoken, grid.lead, axis=-1)
        room = grid.hops_out * grid.hop
        spoken = np.pad(spoken, ((0, 0), (0, 0), (0, room - grid.size)))
        pieces = spoken.reshape(self._channels, count, grid.hops_out, grid.hop)
        total = np.zeros((self._channels, count + grid.hops_out, grid.hop), np.float32)
        for late in range(grid.hops_out):
            total[:, late : late + count] += pieces[:, :, late]
        out = total.reshape(self._channels, -1).T
        out[: len(self._tail)] += self._tail
        self._tail = out[count * grid.hop :].copy()
        return out[: count * grid.hop]


@dataclass(frozen=True, slots=True)
class _Grid:
    """What follows from the rate alone.

    Attributes:
        rate: samples a second.
        hop: samples from one window to the next.
        size: samples of a transform.
        bins: frequencies that are used, all below `_HIGHEST_HZ`.
        lead: samples that a filter may ring before its centre.
        hops_out: hops that a synthesised window reaches over.
        window: window of analysis, of unit energy.
        fade: (2 * hop,) window of synthesis; neighbours add up to one.
        frequencies: (bins,) Hz.
        centres: (bands,) Hz.
        bands: (bins, bands) weights; each column adds up to one.
        pulse_share: (bins,) most that pulses contribute to the power.
        dispersion: (bins,) complex, all of modulus one.
        heard: (bins,) one where the power counts as loudness, else zero.
        voiced: the first and one past the last bin that voicing is looked for in.
        coarse: samples of the transform that voicing is looked for with.
        lags: the shortest and longest period looked for, in samples of that.
        self_likeness: autocorrelation of the window at these lags, one at lag zero.
    """

    rate: int
    hop: int
    size: int
    bins: int
    lead: int
    hops_out: int
    window: Floats
    fade: Floats
    frequencies: NDArray[np.float64]
    centres: NDArray[np.float64]
    bands: Floats
    pulse_share: Floats
    dispersion: NDArray[np.complex64]
    heard: Floats
    voiced: tuple[int, int]
    coarse: int
    lags: tuple[int, int]
    self_likeness: Floats

    @classmethod
    def at(cls, rate: int) -> "_Grid":
        hop = round(rate * _HOP_S)
        size = 1 << math.ceil(math.log2(_HOPS_PER_TRANSFORM * hop))
        window = np.hanning(_HOPS_PER_WINDOW * hop + 1)[:-1]
        window /= np.sqrt(np.sum(window**2))
        highest = min(_HIGHEST_HZ, rate / 2)
        bins = int(highest * size / rate)
        frequencies = np.arange(bins) * rate / size
        centres = _centres(highest)
        bands = np.stack([np.interp(frequencies, centres, one) for one in np.eye(len(centres))], 1)
        bands[frequencies < _LOWEST_HZ] = 0
        voiced = tuple(math.ceil(hz * size / rate) for hz in _VOICED_BAND_HZ)
        # The band is narrow, so its autocorrelation needs no more than this many samples.
        coarse = 8 << math.ceil(math.log2(voiced[1]))
        coarse_rate = coarse * rate / size
        lags = (int(coarse_rate / _PITCHES_HZ[1]), math.ceil(coarse_rate / _PITCHES_HZ[0]))
        likeness = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)
        at = np.arange(lags[0], lags[1] + 1) * (size / coarse)
        self_likeness = np.interp(at, np.arange(size), likeness[:size]) / likeness[0]
        breath = (frequencies - _BREATH_FROM_HZ) / (_BREATH_TO_HZ - _BREATH_FROM_HZ)
        return cls(
            rate=rate,
            hop=hop,
            size=size,
            bins=bins,
            lead=(size - 2 * hop) // 2,
            hops_out=-(-size // hop),
            window=window.astype(np.float32),
            fade=np.hanning(2 * hop + 1)[:-1].astype(np.float32),
            frequencies=frequencies,
            centres=centres,
            bands=(bands / bands.sum(axis=0)).astype(np.float32),
            pulse_share=(1 - (1 - _LEAST_PULSE) * np.clip(breath, 0, 1)).astype(np.float32),
            dispersion=_chirp(frequencies, highest),
            heard=(frequencies >= _LOWEST_HZ).astype(np.float32),
            voiced=(voiced[0], voiced[1]),
            coarse=coarse,
            lags=lags,
            self_likeness=self_likeness.astype(np.float32),
        )


def _centres(highest_hz: float) -> NDArray[np.float64]:
    """Centres of the bands up to the last that ends below `highest_hz`, in Hz."""
    centres = [_FIRST_BAND_HZ]
    while True:
        wider = max(centres[-1] + _BAND_STEP_HZ, centres[-1] * _BAND_RATIO)
        if wider > highest_hz * 0.97:
            return np.array(centres)
        centres.append(wider)


def _chirp(frequencies: NDArray[np.float64], highest_hz: float) -> NDArray[np.complex64]:
    """Delay that grows with the frequency, as late at the top as early at the bottom."""
    turns = _DISPERSION_S * (frequencies**2 / (2 * highest_hz) - frequencies / 2)
    return np.asarray(np.exp(-2j * np.pi * turns), np.complex64)


@dataclass(frozen=True, slots=True)
class _Draw:
    """The voice over some windows.

    Attributes:
        pulses: (count, hop) a train of pulses of power one.
        sources: (count, bins) from which place among the bands a frequency takes its
            loudness: 1.5 is midway between the second and the third, NaN is from nowhere.
        humps: (bins,) gain.
    """

    pulses: Floats
    sources: Floats
    humps: Floats


class _Voice:
    """Who speaks: a pitch and a tract that wander."""

    def __init__(self, grid: _Grid, rng: np.random.Generator) -> None:
        self._grid, self._rng = grid, rng
        self._pitch = math.log(_PITCH_HZ[0]) + rng.random() * math.log(_PITCH_HZ[1] / _PITCH_HZ[0])
        ratio = math.log(_RATIO[0]) + rng.random() * math.log(_RATIO[1] / _RATIO[0])
        self._ratio = ratio if rng.random() < 0.5 else -ratio
        self._power = rng.uniform(*_POWER)
        self._humps = _humps(grid.frequencies, rng)
        deviation, time_s = np.array(_WANDER).T
        self._keep = np.exp(-grid.hop / grid.rate / time_s)
        # Smoothed twice; this many times the steps gives the deviation asked for.
        kept = self._keep**2
        steps = deviation * np.sqrt((1 - kept) ** 3 / (1 + kept)) / (1 - self._keep)
        self._step = np.asarray(steps, np.float64)
        self._strays = np.zeros((2, len(_WANDER)))
        self._phase = 0.0
        self._spilt = np.float32(0)

    def next(self, count: int) -> _Draw:
        """What the voice is like over the next windows, one hop apart."""
        strays = self._stray(count)
        pitch = np.exp(self._pitch + strays[:, 0] + strays[:, 1])
        ratio = np.exp(self._ratio + strays[:, 2])[:, None]
        power = (self._power + strays[:, 3])[:, None]
        hz = self._grid.frequencies[None, 1:]
        source_hz = _PIVOT_HZ * (hz / (ratio * _PIVOT_HZ)) ** (1 / power)
        places = np.arange(len(self._grid.centres))
        sources = np.full((count, self._grid.bins), np.nan, np.float32)
        sources[:, 1:] = np.interp(source_hz, self._grid.centres, places, right=np.nan)
        sources[:, self._grid.frequencies < _LOWEST_HZ] = np.nan
        return _Draw(self._pulses(pitch), sources, self._humps)

    def _stray(self, count: int) -> NDArray[np.float64]:
        steps = self._rng.standard_normal((count, len(_WANDER))) * self._step
        strays = np.empty_like(steps)
        rough, smooth = self._strays
        for index, step in enumerate(steps):
            rough = self._keep * rough + step
            smooth = self._keep * smooth + (1 - self._keep) * rough
            strays[index] = smooth
        self._strays = np.stack([rough, smooth])
        return strays

    def _pulses(self, pitch_hz: NDArray[np.float64]) -> Floats:
        """One pulse wherever the phase passes a whole number, shared by two samples."""
        hop, steps = self._grid.hop, pitch_hz / self._grid.rate
        phase = np.cumsum(np.concatenate([[self._phase], steps * hop]))
        # Not wrapped: rounded otherwise, a pulse between two calls could be lost or doubled.
        self._phase = float(phase[-1])
        turns = phase[:-1, None] + steps[:, None] * np.arange(hop + 1)
        frame, sample = np.nonzero(np.diff(np.floor(turns), axis=1))
        share = (turns[frame, sample + 1] % 1.0) / steps[frame]
        height = 1 / np.sqrt(steps[frame])
        pulses = np.zeros(len(steps) * hop + 1, np.float32)
        place = frame * hop + sample
        pulses[place] += share * height
        pulses[place + 1] += (1 - share) * height
        pulses[0] += self._spilt
        self._spilt = pulses[-1]
        return pulses[:-1].reshape(-1, hop)


class _Colour:
    """Makes every voice, room and microphone sound alike in the long run.

    The loudness of each band over the last seconds is led towards that of speech in general.
    """

    def __init__(self, grid: _Grid) -> None:
        self._keep = math.exp(-grid.hop / grid.rate / _COLOUR_S)
        octaves = np.log2(np.maximum(grid.centres, _SPEECH_FLAT_HZ) / _SPEECH_FLAT_HZ)
        self._usual = 10 ** (_SPEECH_DB / 10 * octaves)
        self._usual /= self._usual.sum()
        self._recent = np.zeros(len(grid.centres))

    def next(self, power: Floats) -> Floats:
        """Gains (count, bands) of the loudness of windows whose bands have this power."""
        shapes = np.empty(power.shape)
        for index, now in enumerate(power):
            if not self._recent.any():
                # As if speech of usual colour had gone before, or a first sound would be bleached.
                self._recent = self._usual * now.sum() / (1 - self._keep) / 4
            self._recent = self._keep * self._recent + now
            shapes[index] = self._recent
        shapes /= np.maximum(shapes.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        most = 10 ** (_MOST_COLOUR_DB / 10)
        gains = np.clip(self._usual / np.maximum(shapes, 1e-12), 1 / most, most)
        return np.asarray(np.sqrt(gains), np.float32)


def _humps(frequencies: NDArray[np.float64], rng: np.random.Generator) -> Floats:
    """A smooth random gain over the logarithm of the frequency, on average none."""
    octaves = np.log2(np.maximum(frequencies, _LOWEST_HZ) / _LOWEST_HZ) / 7
    gain_db = np.zeros(len(frequencies))
    for number in range(1, _HUMPS + 1):
        height, turn = rng.standard_normal() * _HUMP_DB / math.sqrt(number), rng.random()
        gain_db += height * np.cos(np.pi * (number * octaves + 2 * turn))
    return np.asarray(10 ** (gain_db / 20), np.float32)


def _spread(loudness: Floats, sources: Floats) -> Floats:
    """Loudness of bands (channels, count, bands) at places between them (count, bins)."""
    nowhere = np.isnan(sources)
    places = np.where(nowhere, 0, sources)
    below = np.minimum(places.astype(np.intp), loudness.shape[-1] - 2)
    share = (places - below).astype(np.float32)
    lower, upper = (np.take_along_axis(loudness, (below + step)[None], axis=-1) for step in (0, 1))
    return np.asarray(np.where(nowhere, 0, lower + share * (upper - lower)), np.float32)


def _as_loud(gain: Floats, wanted: Floats) -> Floats:
    """Scale each window's gain (..., bins) so that noise through it has the power wanted."""
    power = np.sum(np.square(gain), axis=-1)
    ratio = wanted / np.maximum(power, np.finfo(np.float32).tiny)
    # What lies at the rim of what is heard can be moved out of it: no gain makes up for that.
    return np.asarray(gain * np.sqrt(np.minimum(ratio, _MOST_MADE_UP))[..., None], np.float32)


def _voicing(power: Floats, grid: _Grid) -> Floats:
    """How voiced windows are, 0 to 1, from their power (count, bins)."""
    first, last = grid.voiced
    banded = np.zeros((len(power), last), np.float32)
    banded[:, first:] = power[:, first:last]
    likeness = np.fft.irfft(banded, grid.coarse)
    at_once = np.maximum(likeness[:, :1], np.finfo(np.float32).tiny)
    shifted = likeness[:, grid.lags[0] : grid.lags[1] + 1]
    peak = np.max(shifted / at_once / grid.self_likeness, axis=1)
    rise = np.clip((peak - _UNVOICED) / (_VOICED - _UNVOICED), 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)


def _limited(samples: Sound) -> Sound:
    """Bend what is louder than the knee towards full scale, which it never passes."""
    loud = np.abs(samples) > _KNEE
    if loud.any():
        over = (np.abs(samples[loud]) - _KNEE) / (1 - _KNEE)
        bent = np.sign(samples[loud]) * (_KNEE + (1 - _KNEE) * np.tanh(over))
        samples[loud] = bent
    return samples
