"""The options that the commands of `audit` share, with their help.

Only names, types and help: every default is in `crowdveil.audit.options`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from crowdveil.errors import OptionsInvalid, shortened
from crowdveil.typed import read_toml

OutOption: TypeAlias = Annotated[
    Path, typer.Option("-o", "--out", help="Folder for report.html, audit.json and CSV tables.")
]
GroupOption: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--group",
        metavar="COLUMN",
        help="A column of groups; may be given again. Combinations are groups too.",
    ),
]
ColumnOption: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="A column that the table names otherwise, or a TOML file of such lines.",
    ),
]
ReferenceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--reference-group",
        metavar="GROUP",
        help="Compare groups with this one, instead of all pairs.",
    ),
]
MinPeopleOption: TypeAlias = Annotated[
    int,
    typer.Option("--min-people", metavar="N", min=1, help="Do not compare groups of fewer people."),
]
AlphaOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--alpha",
        metavar="SHARE",
        help="Weight of false matches or positives in measures of both errors, 0 to 1.",
    ),
]
ConfidenceOption: TypeAlias = Annotated[
    float, typer.Option("--confidence", metavar="SHARE", help="Coverage of the intervals.")
]
DrawsOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--draws", metavar="N", help="How often chance is drawn for p-values and figures by chance."
    ),
]
SeedOption: TypeAlias = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Chooses the draws.")
]
OverwriteOption: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace an audit that is there.")
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", help="Print only what went wrong.")
]


def renamed(given: Sequence[str]) -> dict[str, str]:
    """Names of columns, ours to theirs, from pairs and from TOML files of `ours = "theirs"`.

    Raises:
        OptionsInvalid: what is neither.
    """
    found: dict[str, str] = {}
    for text in given:
        ours, sign, theirs = text.partition("=")
        if ours and sign and theirs:
            found[ours] = theirs
        elif text.endswith(".toml"):
            found |= _from_file(Path(text))
        else:
            raise OptionsInvalid(
                f"--column takes OURS=THEIRS, like truth=label, or a TOML file, not {text!r}"
            )
    return found


def _from_file(path: Path) -> dict[str, str]:
    try:
        names = read_toml(path)
    except (OSError, ValueError) as error:
        raise OptionsInvalid(f"{path}: cannot be read as TOML ({shortened(error)})") from error
    for ours, theirs in names.items():
        if not isinstance(theirs, str):
            raise OptionsInvalid(f'{path}: {ours} must be a name, as in {ours} = "label"')
    return names
