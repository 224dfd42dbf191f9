"""How well a machine that knows voices still recognises speakers after `--audio disguise`.

Run `python bench/voices.py SPEECH ENCODER`. SPEECH is a folder with one folder of sound files a
speaker (`speakers.py` lays one out). ENCODER is the wheel of Resemblyzer 0.1.4, which carries
the weights of a speaker encoder of the kind of Wan et al. (2018), "Generalized end-to-end loss
for speaker verification", ICASSP; it is read here with NumPy alone (`pip download --no-deps
Resemblyzer==0.1.4` gets it; neither it nor Torch is installed or run). Fetches nothing.

Every speaker is enrolled from up to four stretches of speech and sought with up to four others
from other files; each stretch is a video of its own, with a draw of its own. Printed for each
kind of attacker: equal error rate over all pairs of stretch and speaker, and the share of
stretches whose speaker comes first, with 95 % intervals from resampling speakers. Where
PocketSphinx is installed, also how many words it gets wrong of what synthetic voices of
`speakers.py` read in English, before and after.
"""

import argparse
import importlib
import io
import json
import pickle
import re
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from crowdveil.media.video.disguise import Disguise
from speakers import ENGLISH

Floats: TypeAlias = NDArray[np.float32]
Change: TypeAlias = Callable[[Floats, int], Floats]
"""Stretch of speech and a draw's number -> the stretch changed."""

RATE_HZ = 16_000
"""What the encoder hears."""
STRETCH_S = 5.0
STRETCHES = 4
"""Most stretches a speaker is enrolled from, and as many that are sought."""
LISTENINGS = 4
"""Draws that a patient attacker disguises each stretch of the gallery with."""
RESAMPLES = 500


# Speech


def heard(path: Path) -> Floats:
    """A file's sound, mixed to one channel, at the rate of the encoder; empty if unreadable."""
    resampler = AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    parts = []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                parts += resampler.resample(frame)
            parts += resampler.resample(None)
    except av.error.FFmpegError as error:
        print(f"{path}: {error}", file=sys.stderr)
    sound = [part.to_ndarray().ravel() for part in parts]
    return np.concatenate([np.empty(0), *sound]).astype(np.float32)


def without_pauses(sound: Floats) -> Floats:
    """Only the parts of 30 ms that are less than 35 dB below the loud ones."""
    parts = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    if not len(parts):
        return sound[:0]
    loudness = np.sqrt(np.mean(np.square(parts), axis=1))
    return np.asarray(parts[loudness > 0.018 * np.quantile(loudness, 0.95)].ravel())


def stretches(files: Sequence[Path]) -> list[Floats]:
    """The first stretches of the files' speech, set at one loudness."""
    length = int(STRETCH_S * RATE_HZ)
    whole = np.empty(0, np.float32)
    for path in files:
        whole = np.concatenate([whole, without_pauses(heard(path))])
        if len(whole) >= STRETCHES * length:
            break
    cut = [whole[at : at + length] for at in range(0, len(whole) - length + 1, length)]
    return [part / (np.sqrt(np.mean(part**2)) + 1e-9) * 0.05 for part in cut[:STRETCHES]]


# The encoder


class _Tensors(pickle.Unpickler):
    """Reads Torch's old container without Torch, and builds nothing but arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, shape, stride, *rest: (key, offset, shape)
        if (module, name) == ("torch", "FloatStorage"):
            return None
        if module == "torch.optim.adam" or name == "defaultdict":
            return dict
        raise pickle.UnpicklingError(f"{module}.{name} is not a tensor")

    def persistent_load(self, pid: Any) -> str:
        return str(pid[2])


def weights(wheel: Path) -> dict[str, Floats]:
    """The encoder's arrays by name."""
    with zipfile.ZipFile(wheel) as archive:
        stream = io.BytesIO(archive.read("resemblyzer/pretrained.pt"))
    for _ in range(3):  # a magic number, the version, sizes of types
        _Tensors(stream).load()
    state = _Tensors(stream).load()["model_state"]
    flat = {}
    for key in _Tensors(stream).load():
        count = int(np.frombuffer(stream.read(8), "<i8")[0])
        flat[str(key)] = np.frombuffer(stream.read(4 * count), "<f4")
    return {
        name: flat[key][offset : offset + int(np.prod(shape))].reshape(shape)
        for name, (key, offset, shape) in state.items()
    }


def mel_filters() -> Floats:
    """(40, 201) triangles of unit area on Slaney's mel scale, 0 to 8 kHz."""

    def hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    top = 15 + 27 * np.log(RATE_HZ / 2 / 1000) / np.log(6.4)
    edges = hz(np.linspace(0, top, 42))
    bins = np.linspace(0, RATE_HZ / 2, 201)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    areas = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * areas[:, None]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Encoder:
    """Sound -> a point on a sphere, near other points of the same voice."""

    arrays: dict[str, Floats]
    mels: Floats

    def points(self, sounds: Sequence[Floats]) -> Floats:
        """One point (256,) of length one for each sound: (n, 256)."""
        parts, owners = [], []
        for number, sound in enumerate(sounds):
            pieces = self._pieces(without_pauses(self._levelled(sound)))
            parts += pieces
            owners += [number] * len(pieces)
        batches = range(0, len(parts), 256)
        pieces_out = np.concatenate([self._embed(np.stack(parts[at : at + 256])) for at in batches])
        sums = np.zeros((len(sounds), pieces_out.shape[1]), np.float32)
        np.add.at(sums, owners, pieces_out)
        return unit(sums)

    @staticmethod
    def _levelled(sound: Floats) -> Floats:
        rms = np.sqrt(np.mean(sound**2)) + 1e-9
        return np.asarray(sound * max(1.0, 10 ** (-30 / 20) / rms), np.float32)

    def _pieces(self, sound: Floats) -> list[Floats]:
        """Spectrograms of 1.6 s each, a new one every 0.77 s."""
        sound = np.pad(sound, (200, 200 + max(0, 160 * 160 - len(sound))))
        window = np.hanning(401)[:-1].astype(np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(sound, 400)[::160] * window
        mel = (np.abs(np.fft.rfft(frames)) ** 2).astype(np.float32) @ self.mels.T
        return [mel[at : at + 160] for at in range(0, len(mel) - 159, 77)]

    def _embed(self, batch: Floats) -> Floats:
        """(n, 160, 40) spectrograms -> (n, 256)."""
        for layer in range(3):
            to_gates, to_self, bias_a, bias_b = (
                self.arrays[f"lstm.{kind}_l{layer}"]
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            given = batch @ to_gates.T + (bias_a + bias_b)
            state = cell = np.zeros((len(batch), 256), np.float32)
            out = []
            for step in range(batch.shape[1]):
                inlet, forget, new, outlet = np.split(given[:, step] + state @ to_self.T, 4, axis=1)
                cell = _sigmoid(forget) * cell + _sigmoid(inlet) * np.tanh(new)
                state = _sigmoid(outlet) * np.tanh(cell)
                out.append(state)
            batch = np.stack(out, axis=1)
        last = batch[:, -1] @ self.arrays["linear.weight"].T + self.arrays["linear.bias"]
        return unit(np.maximum(last, 0))


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def unit(points: Floats) -> Floats:
    """Rows scaled to length one."""
    lengths = np.linalg.norm(points, axis=-1, keepdims=True)
    return np.asarray(points / np.maximum(lengths, 1e-9), np.float32)


# What is done to speech


def raw(sound: Floats, draw: int) -> Floats:
    """Nothing."""
    return sound


def disguised(sound: Floats, draw: int) -> Floats:
    """`--audio disguise`."""
    disguise = Disguise(RATE_HZ, 1, seed=draw)
    return np.concatenate([disguise.process(sound[:, None]), disguise.flush()])[:, 0]


def slid(sound: Floats, draw: int) -> Floats:
    """Played faster or slower by 10 to 25 %, as the pitch slider of an editor does."""
    rng = np.random.default_rng(draw)
    speed = rng.uniform(1.10, 1.25) ** rng.choice([-1, 1])
    at = np.arange(0, len(sound) - 1, speed)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


# Who attacks


@dataclass(frozen=True, slots=True)
class Side:
    """Points of one side of a comparison: (n, 256), and the number of each one's speaker."""

    points: Floats
    speakers: NDArray[np.intp]

    def models(self) -> Floats:
        """One point for each speaker."""
        count = self.speakers.max() + 1
        sums = np.zeros((count, self.points.shape[1]), np.float32)
        np.add.at(sums, self.speakers, self.points)
        return unit(sums)


def scores(gallery: Side, probes: Side) -> Floats:
    """Likeness of probes and speakers, each side seen from its own middle: (probes, speakers)."""
    models = gallery.models()
    middle = probes.points.mean(axis=0)
    return unit(probes.points - middle) @ unit(models - models.mean(axis=0)).T


def learnt_scores(gallery: Side, probes: Side, folds: int = 5) -> Floats:
    """The same by an attacker who learnt from others' disguised voices what to overlook.

    For each fold of speakers, directions in which the disguised gallery of the *other* speakers
    varies within a speaker are played down (within-class covariance normalisation).
    """
    result = np.zeros((len(probes.points), gallery.speakers.max() + 1), np.float32)
    models = gallery.models()
    within = gallery.points - models[gallery.speakers]
    middle, centre = probes.points.mean(axis=0), models.mean(axis=0)
    for fold in range(folds):
        others = within[gallery.speakers % folds != fold]
        spread = others.T @ others / len(others)
        spread += 0.1 * np.trace(spread) / len(spread) * np.eye(len(spread))
        whiten = np.linalg.cholesky(np.linalg.inv(spread)).astype(np.float32)
        mine = probes.speakers % folds == fold
        known = unit((models - centre) @ whiten)
        result[mine] = unit((probes.points[mine] - middle) @ whiten) @ known.T
    return result


@dataclass(frozen=True, slots=True)
class Outcome:
    """Share of errors when as many strangers pass as speakers are refused; share found first."""

    eer: float
    first: float


def outcome(likeness: Floats, speakers: NDArray[np.intp], chosen: NDArray[np.intp]) -> Outcome:
    """For the probes of the chosen speakers, any of them several times."""
    rows = np.concatenate([np.flatnonzero(speakers == one) for one in chosen])
    scored, owners = likeness[rows], speakers[rows]
    own = scored[np.arange(len(rows)), owners]
    strangers = np.delete(scored.ravel(), np.arange(len(rows)) * scored.shape[1] + owners)
    levels = np.sort(own)
    refused = np.arange(len(levels)) / len(levels)
    passed = 1 - np.searchsorted(np.sort(strangers), levels) / len(strangers)
    at = int(np.argmin(np.abs(refused - passed)))
    first = np.mean(scored.argmax(axis=1) == owners)
    return Outcome(float((refused[at] + passed[at]) / 2), float(first))


def report(name: str, likeness: Floats, speakers: NDArray[np.intp]) -> dict[str, Any]:
    """One line for people and for machines, with intervals."""
    everyone = np.unique(speakers)
    rng = np.random.default_rng(0)
    known = outcome(likeness, speakers, everyone)
    again = [
        outcome(likeness, speakers, rng.choice(everyone, len(everyone))) for _ in range(RESAMPLES)
    ]
    eer = np.quantile([one.eer for one in again], (0.025, 0.975))
    first = np.quantile([one.first for one in again], (0.025, 0.975))
    print(
        f"{name:<58} {known.eer:6.1%} ({eer[0]:5.1%} to {eer[1]:5.1%})"
        f"  {known.first:6.1%} ({first[0]:5.1%} to {first[1]:5.1%})",
        file=sys.stderr,
    )
    return {
        "attacker": name,
        "eer": known.eer,
        "eer_interval": eer.tolist(),
        "first": known.first,
        "first_interval": first.tolist(),
    }


# Whether words survive


def word_errors(speech: Path, change: Change) -> tuple[int, int] | None:
    """Words wrong, missing or added, and words in all; None without PocketSphinx."""
    try:
        decoder = importlib.import_module("pocketsphinx").Decoder(
            samprate=RATE_HZ, loglevel="FATAL"
        )
    except ImportError:
        return None
    wrong = total = 0
    for voice in ("flite-rms", "flite-slt"):
        for number, line in enumerate(ENGLISH.splitlines()):
            sound = heard(speech / voice / f"{number:04d}.wav")
            told = change(0.5 * sound / np.abs(sound).max(), number)
            decoder.start_utt()
            decoder.process_raw((told * 32_767).astype("<i2").tobytes(), full_utt=True)
            decoder.end_utt()
            guess = decoder.hyp()
            spoken = re.findall(r"[a-z']+", line.lower())
            wrong += edits(spoken, guess.hypstr.split() if guess else [])
            total += len(spoken)
    return wrong, total


def edits(spoken: list[str], guessed: list[str]) -> int:
    """Least number of words to change, add or leave out (Levenshtein)."""
    row = list(range(len(guessed) + 1))
    for index, word in enumerate(spoken, 1):
        before, row = row, [index]
        for at, guess in enumerate(guessed):
            row.append(min(row[at] + 1, before[at + 1] + 1, before[at] + (word != guess)))
    return row[-1]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speech", type=Path, help="a folder with one folder a speaker")
    parser.add_argument("encoder", type=Path, help="the wheel of Resemblyzer 0.1.4")
    parser.add_argument("--json", action="store_true", help="print for machines")
    chosen = parser.parse_args()
    encoder = Encoder(weights(chosen.encoder), mel_filters())

    known: list[list[Floats]] = []
    sought: list[list[Floats]] = []
    for folder in sorted(chosen.speech.iterdir()):
        files = sorted(folder.iterdir())
        both = stretches(files[::2]), stretches(files[1::2])
        if all(both):
            known.append(both[0])
            sought.append(both[1])

    def side(speech: list[list[Floats]], change: Change, first_draw: int, draws: int = 1) -> Side:
        told = [(one, speaker) for speaker, many in enumerate(speech) for one in many]
        sounds = [
            change(one, first_draw + number * draws + again)
            for number, (one, _) in enumerate(told)
            for again in range(draws)
        ]
        speakers = np.repeat([speaker for _, speaker in told], draws)
        return Side(encoder.points(sounds), np.asarray(speakers, np.intp))

    def alike(sound: Floats, draw: int) -> Floats:
        return disguised(sound, 7)

    gallery, probes = side(known, raw, 0), side(sought, raw, 0)
    hidden, parrot = side(sought, disguised, 1_000), side(known, disguised, 2_000)
    patient = side(known, disguised, 10_000, LISTENINGS)
    told = side(known, alike, 0), side(sought, alike, 0)
    slider, slider_parrot = side(sought, slid, 1_000), side(known, slid, 2_000)
    who = probes.speakers
    counts = f"{len(known)} speakers, {len(gallery.points)} enrolled, {len(who)} sought"
    print(f"{counts}; equal error rate, found first", file=sys.stderr)
    lines = [
        report("nothing is done", scores(gallery, probes), who),
        report("pitch slider, gallery raw", scores(gallery, slider), who),
        report("pitch slider, gallery too", scores(slider_parrot, slider), who),
        report("disguised, gallery raw", scores(gallery, hidden), who),
        report("disguised, gallery too, other draws", scores(parrot, hidden), who),
        report(f"the same, {LISTENINGS} draws each", scores(patient, hidden), who),
        report("the same, and learnt from others", learnt_scores(patient, hidden), who),
        report("disguised, gallery too, the very same draw", scores(*told), who),
    ]
    words = {change.__name__: word_errors(chosen.speech, change) for change in (raw, disguised)}
    print(f"words wrong, of all: {words}", file=sys.stderr)
    if chosen.json:
        print(json.dumps({"counts": counts, "attackers": lines, "words": words}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
