"""The command `crowdveil` and its subcommands, put together."""

from typing import Annotated

import typer

from crowdveil import __version__
from crowdveil.cli.audit import audit
from crowdveil.cli.check import check
from crowdveil.cli.crowd import crowd
from crowdveil.cli.demo import demo
from crowdveil.cli.laws import laws
from crowdveil.cli.models import models
from crowdveil.cli.plan import plan
from crowdveil.cli.render import render
from crowdveil.cli.veil import veil

app = typer.Typer(
    name="crowdveil",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crowdveil {__version__}")
        raise typer.Exit


@app.callback()
def crowdveil(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Make everyone in photos and videos unidentifiable before they are published.

    Works on this computer only: nothing is sent anywhere. Originals are never changed.

    \b
    Start here:
      crowdveil demo                 see it work on a picture that comes with it
      crowdveil veil photos/         write veiled copies of a folder to veiled/
      crowdveil veil --help          what can be chosen
      crowdveil check photos/ veiled/   look for what still shows
    """


for command in (veil, check, plan, render, crowd, laws, models, demo):
    app.command()(command)
app.add_typer(audit)
