"""`crowdveil check`: originals and their veiled copies in, evidence out."""

from pathlib import Path
from typing import Annotated

import typer

from crowdveil.cli import parameters as given
from crowdveil.detect.points import Caution
from crowdveil.errors import OptionsInvalid
from crowdveil.evidence.options import CHECKED, CheckOptions
from crowdveil.plan import Shape
from crowdveil.redact.look import Style

DEFAULT = CheckOptions()
ATTACKERS = list(DEFAULT.attackers)


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(
            default_factory=list,
            metavar="ORIGINAL VEILED",
            help="A photo or video and its veiled copy, or a folder of originals and that of the "
            "copies.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="DIR", help="Folder for record and report.")
    ] = CHECKED,
    plans: Annotated[
        Path | None,
        typer.Option(
            "--plans", metavar="DIR", help="The plans, as veil --plans wrote them: proves more."
        ),
    ] = DEFAULT.plans,
    attackers: Annotated[
        list[str],
        typer.Option(
            "--attacker",
            metavar="NAME|FILE.onnx",
            help="Who tries to recognise the veiled faces: sface (built in), dlib (pip install "
            "'crowdveil[attackers]'), or your own recogniser with FILE.toml beside it; give "
            "several to try them all.",
        ),
    ] = ATTACKERS,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            help="Photos of other people, among whom recognisers search as well.",
        ),
    ] = DEFAULT.gallery,
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups",
            metavar="FILE.csv",
            help="Columns file and group: figures for each group of people as well.",
        ),
    ] = DEFAULT.groups,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave the attacks with recognisers out.")
    ] = DEFAULT.quick,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Show the originals' faces in the report too: for your eyes only.",
        ),
    ] = DEFAULT.private,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", metavar="KEY", help="Sign the record with this private key (PEM)."),
    ] = DEFAULT.sign,
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify",
            metavar="RECORD",
            help="Verify a signed record instead; with VEILED, also that the copies are the same.",
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", metavar="KEY", help="With --verify: the key it must have."),
    ] = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            "--new-key", metavar="FILE", help="Make a key to sign with instead, and FILE.pub."
        ),
    ] = None,
    caution: Annotated[
        Caution,
        typer.Option("--caution", help="How hard to look for faces: high is slower."),
    ] = DEFAULT.caution,
    detector: given.DetectorOption = DEFAULT.detector,
    style: Annotated[
        Style | None,
        typer.Option("--style", help="What veil was given, if the plans do not say."),
    ] = DEFAULT.style,
    margin: Annotated[
        float | None,
        typer.Option("--margin", metavar="FACTOR", min=1, help="The same."),
    ] = DEFAULT.margin,
    shape: Annotated[Shape | None, typer.Option("--shape", help="The same.")] = DEFAULT.shape,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="The same.")
    ] = DEFAULT.seed,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a record and report that exist.")
    ] = DEFAULT.overwrite,
    memory_gb: given.MemoryOption = DEFAULT.memory_gb,
    patience_s: given.PatienceOption = DEFAULT.patience_s,
    json: Annotated[bool, typer.Option("--json", help="Print the record.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what is wrong.")] = False,
) -> None:
    """Look for everything in veiled copies by which someone could still be recognised.

    Faces left open, metadata and hidden pictures in the file, veils that a recogniser sees
    through, and changes where no face is. Writes evidence.json and report.html, which shows no
    original face. Exit code: 0 nothing found, 3 someone is exposed, 1 something could not be
    checked.

    \b
    Examples:
      crowdveil check photos/ veiled/           every photo and video of a folder
      crowdveil check march.jpg safe.jpg        one photo
      crowdveil check photos/ veiled/ --plans plans/   proves what the veils are made of
      crowdveil check photos/ veiled/ --quick   without the attacks
      crowdveil check photos/ veiled/ --gallery others/ --attacker sface --attacker dlib
      crowdveil check --new-key desk.key        make a key, then:
      crowdveil check photos/ veiled/ --sign desk.key   sign the record
      crowdveil check --verify evidence/evidence.json --public-key desk.key.pub
    """
    from crowdveil.cli.checking import check_and_report
    from crowdveil.cli.evidence_screen import fail
    from crowdveil.cli.verifying import make_key, verify_record

    if new_key is not None:
        make_key(new_key, others=bool(paths or verify))
        return
    if verify is not None:
        verify_record(verify, public_key, paths, json=json, quiet=quiet)
        return
    if len(paths) != 2:
        raise typer.BadParameter("give ORIGINAL and VEILED: two files, or two folders")
    try:
        options = CheckOptions(
            plans=plans,
            attackers=tuple(attackers),
            gallery=gallery,
            groups=groups,
            quick=quick,
            private=private,
            sign=sign,
            caution=caution,
            detector=detector,
            style=style,
            margin=margin,
            shape=shape,
            seed=seed,
            overwrite=overwrite,
            memory_gb=memory_gb,
            patience_s=patience_s,
        )
    except OptionsInvalid as error:
        fail(error)
    check_and_report(paths[0], paths[1], out, options=options, json=json, quiet=quiet)
