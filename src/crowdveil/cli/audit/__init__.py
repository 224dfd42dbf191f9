"""`crowdveil audit`: what a face-recognition system does to each group of people."""

import typer

from crowdveil.cli.audit.classify import classify
from crowdveil.cli.audit.identify import identify
from crowdveil.cli.audit.verify import verify

audit = typer.Typer(
    name="audit", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


@audit.callback()
def _audit() -> None:
    """Measure a face-recognition system or a classifier, group by group.

    Groups are the labels that come with the data: crowdveil never infers anybody's.
    """


for command in (verify, identify, classify):
    audit.command()(command)
