"""Loads the recognisers that a check attacks with, by the names that a user gives.

Names come in, embedders go out, each once and no two of one name, so that every figure of a record
says which weights it is of. Which names there are is said in `options`; running recognisers is left
to `recognise`.
"""

from collections.abc import Sequence
from pathlib import Path

from crowdveil.errors import OptionsInvalid
from crowdveil.evidence.options import DLIB, SFACE, require_attackers
from crowdveil.recognise.dlib_resnet import load_dlib
from crowdveil.recognise.embedder import Embedder, load_embedder


def load_attackers(names: Sequence[str]) -> tuple[Embedder, ...]:
    """The recognisers of these names, in their order, each once.

    Args:
        names: `sface`, `dlib`, or paths of ONNX files with a description beside each, as
            `load_embedder` takes them.

    Raises:
        OptionsInvalid: a name that is none, or two files whose descriptions give one name.
        WeightsInvalid: an extra is not installed, or weights are missing or altered.
    """
    require_attackers(names)
    loaded = [_load(name) for name in dict.fromkeys(names)]
    called: dict[str, str] = {}
    for name, embedder in zip(dict.fromkeys(names), loaded, strict=True):
        known = embedder.recogniser.name
        if known in called:
            raise OptionsInvalid(
                f"{name}: is called {known!r}, as {called[known]} is, so a report could not tell "
                "them apart; change the name in one description"
            )
        called[known] = name
    return tuple(loaded)


def _load(name: str) -> Embedder:
    if name == SFACE:
        return load_embedder()
    return load_dlib() if name == DLIB else load_embedder(Path(name))
