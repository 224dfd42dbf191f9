"""`crowdveil demo`: a composed crowd, veiled before the newcomer's eyes, offline."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crowdveil.cli.running import FAILED
from crowdveil.cli.words import count, plain
from crowdveil.errors import CrowdveilError

DEMO = Path("crowdveil-demo")
"""Where the demo goes when nothing else is said: a folder in the current one."""

_THUMBNAIL_BYTES = 514
"""The EXIF tag that gives the size of an embedded JPEG thumbnail."""


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for the picture before and after.")
    ] = DEMO,
) -> None:
    """Veil a composed crowd and say where to look.

    The crowd is made of one public-domain portrait. Writes crowd.jpg as a careless camera
    would, with position, serial number and thumbnail, and crowd-veiled.jpg beside it; a
    second run writes over both.
    """
    from crowdveil.api import veil
    from crowdveil.demo import write_demo
    from crowdveil.options import VeilOptions

    try:
        before = write_demo(out)
        after = before.with_name("crowd-veiled.jpg")
        summary = veil(before, after, options=VeilOptions(overwrite=True))
    except CrowdveilError as error:
        typer.echo(plain(error), err=True)
        raise typer.Exit(FAILED) from error
    for failure in summary.failures:
        typer.echo(plain(failure.error), err=True)
        raise typer.Exit(FAILED)
    typer.echo(f"Veiled {count(summary.faces, 'face')} in a crowd composed from one portrait.")
    typer.echo(f"\n  before  {plain(before)}\n  after   {plain(after)}\n")
    typer.echo("What a reader of metadata finds in them:")
    told, remaining = told_by(before), told_by(after)
    width = max(len(value) for value in told.values())
    for what, value in told.items():
        typer.echo(f"  {what:<10}{plain(value):<{width}}  {remaining.get(what, 'gone')}")
    typer.echo("\nNow yours:  crowdveil veil photos/")


def told_by(path: Path) -> dict[str, str]:
    """What a photo's metadata tells of people, places and cameras; empty when nothing."""
    from PIL import Image
    from PIL.ExifTags import GPS, IFD, Base

    with Image.open(path) as image:
        exif = image.getexif()
        detail, position = exif.get_ifd(IFD.Exif), exif.get_ifd(IFD.GPSInfo)
        thumbnail = exif.get_ifd(IFD.IFD1)
        told = {
            "taken": detail.get(Base.DateTimeOriginal) or exif.get(Base.DateTime),
            "at": _place(position) if GPS.GPSLatitude in position else None,
            "by": detail.get(Base.CameraOwnerName) or exif.get(Base.Artist),
            "camera": exif.get(Base.Model),
            "serial": detail.get(Base.BodySerialNumber),
            "thumbnail": f"{thumbnail[_THUMBNAIL_BYTES]:,} bytes, faces bare"
            if _THUMBNAIL_BYTES in thumbnail
            else None,
            "XMP": f"{len(image.info['xmp']):,} bytes" if "xmp" in image.info else None,
            "comment": f"{len(image.info['comment']):,} bytes" if "comment" in image.info else None,
        }
    return {what: str(value) for what, value in told.items() if value}


def _place(position: dict[int, Any]) -> str:
    from PIL.ExifTags import GPS

    def angle(value: tuple[float, float, float]) -> str:
        degrees, minutes, seconds = (float(part) for part in value)
        return f"{degrees + minutes / 60 + seconds / 3600:.4f}"

    latitude, longitude = angle(position[GPS.GPSLatitude]), angle(position[GPS.GPSLongitude])
    return f"{latitude} {position[GPS.GPSLatitudeRef]}, {longitude} {position[GPS.GPSLongitudeRef]}"
