"""`crowdveil models`: which weights are inside, under which licence and from where."""

import dataclasses
from typing import Annotated

import typer

from crowdveil.cli.words import plain
from crowdveil.errors import WeightsInvalid
from crowdveil.models.registry import WEIGHTS, Weights, weights_path


def models(
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each file.")
    ] = False,
) -> None:
    """List the weights inside, with licence, hash and origin.

    Every file is hashed and compared; a missing or altered one ends with exit code 1.
    """
    import json as notation

    altered = False
    for number, weights in enumerate(WEIGHTS):
        try:
            weights_path(weights.name)
            state = "unaltered"
        except WeightsInvalid as error:
            altered = True
            state = "ALTERED OR MISSING"
            typer.echo(plain(error), err=True)
        if json:
            entry = {**dataclasses.asdict(weights), "state": state.lower()}
            typer.echo(notation.dumps(entry))
        else:
            typer.echo(("\n" if number else "") + _described(weights, state))
    if altered:
        raise typer.Exit(1)


def _described(weights: Weights, state: str) -> str:
    rows = {
        "licence": f"{weights.licence} ({weights.licence_file})",
        "sha256": weights.sha256,
        "size": f"{weights.size:,} bytes, {state}",
        "origin": weights.origin,
        "taken from": weights.carrier or "made by crowdveil",
    }
    lines = [f"{weights.name}: {weights.task}"]
    lines += [f"  {label:<11} {value}" for label, value in rows.items()]
    return "\n".join(lines)
