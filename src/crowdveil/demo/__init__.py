"""The demo: a crowd composed from one public-domain portrait, with a camera's metadata.

A folder comes in, `crowd.jpg` goes out. Veiling it and saying where to look is left to the
command.
"""

from pathlib import Path

__all__ = ["write_demo"]


def write_demo(folder: Path) -> Path:
    """Compose the crowd and write it as a careless camera would.

    Args:
        folder: made if it does not exist; a `crowd.jpg` in it is written over.

    Returns:
        The path of `crowd.jpg`: 1600 x 1000, with position, serial number and thumbnail.

    Raises:
        WeightsInvalid: the installed portrait is missing or altered.
        OutputRefused: the folder cannot be made or written to.
    """
    import numpy as np  # slow to import; `--help` must not wait for it
    from PIL import Image

    from crowdveil.demo.camera import careless_jpeg
    from crowdveil.demo.crowd import compose_crowd
    from crowdveil.errors import OutputRefused
    from crowdveil.models.registry import portrait_path

    with Image.open(portrait_path()) as portrait:
        crowd = compose_crowd(np.asarray(portrait.convert("RGB")))
    path = folder / "crowd.jpg"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(careless_jpeg(crowd.picture))
    except OSError as error:
        raise OutputRefused(
            f"{path}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    return path
