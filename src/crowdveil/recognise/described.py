"""The description of a recogniser of the user's own: a TOML file beside its ONNX file.

Says how the network wants its faces. Running it is left to `embedder`;
docs/reidentification.md explains each entry.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crowdveil.errors import WeightsInvalid, shortened
from crowdveil.recognise.align import ARCFACE, DLIB, Frame
from crowdveil.typed import read_toml

Finite = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Scale = Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]
Place = tuple[Finite, Finite]

_TEMPLATES = {"arcface": ARCFACE, "dlib": DLIB}


class Description(BaseModel):
    """What the TOML file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    output: str | None = None
    side_px: Annotated[int, Field(ge=16, le=1024)] = 112
    template: Literal["arcface", "dlib"] | tuple[Place, Place, Place, Place, Place] = "arcface"
    colour: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[Finite, Finite, Finite] = (0.0, 0.0, 0.0)
    scale: tuple[Scale, Scale, Scale] = (1.0, 1.0, 1.0)
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None


class Described(Description):
    """The same, with the hash of the weights that it belongs to."""

    sha256: str

    def frame(self) -> Frame:
        """The chip that the network wants; a named template is scaled to its size."""
        if isinstance(self.template, tuple):
            return Frame(self.side_px, self.template)
        known = _TEMPLATES[self.template]
        ratio = self.side_px / known.side_px
        return Frame(self.side_px, tuple((x * ratio, y * ratio) for x, y in known.places))


def read_description(path: Path) -> Described:
    """Read the description beside an ONNX file.

    Args:
        path: the ONNX file, `mine.onnx`; `mine.toml` describes it.

    Raises:
        WeightsInvalid: either file is missing or unreadable, or the description is wrong.
    """
    beside = path.with_suffix(".toml")
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsInvalid(f"{path}: cannot be read ({error.strerror})") from error
    try:
        said = Description.model_validate(read_toml(beside))
        described = Described(**said.model_dump(), sha256=sha256)
        described.frame()
    except OSError as error:
        raise WeightsInvalid(
            f"{beside}: cannot be read ({error.strerror}); a recogniser needs a description "
            "beside it, see docs/reidentification.md"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        raise WeightsInvalid(
            f"{beside}: {shortened(first['msg'])} (at {shortened(place)}); see "
            "docs/reidentification.md"
        ) from error
    except ValueError as error:
        raise WeightsInvalid(
            f"{beside}: is not TOML that can be read, or not a description ({shortened(error)}); "
            "see docs/reidentification.md"
        ) from error
    return described
