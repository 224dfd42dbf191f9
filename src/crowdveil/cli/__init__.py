"""The command line: one file per command, each parses, calls the API and prints.

`main` is the entry point. Exit codes: 0 all done, 1 something failed, 2 wrong usage,
130 interrupted.
"""

import os
import signal
import sys
import warnings
from types import FrameType

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it: 128 + SIGINT."""


def main() -> None:
    """Run the command in `sys.argv` and exit."""
    if getattr(sys, "frozen", False) and sys.argv[1:2] == ["--as-worker"]:
        # Bundled into one program, which is its own worker.
        from crowdveil.isolation import worker

        del sys.argv[1]
        worker.main()
        return
    _die_by_interrupt()
    if not sys.warnoptions:
        # What libraries warn of is for developers; what users must know is said in sentences.
        warnings.simplefilter("ignore")
    try:
        from crowdveil.cli.app import app

        app()
    except KeyboardInterrupt:
        _leave_at_once()
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            _leave_at_once()
        raise


def _die_by_interrupt() -> None:
    """Let a closed terminal or a system going down end the work as cleanly as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Ignored means that someone (nohup) wants it ignored.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)


def _leave_at_once() -> None:
    # A thread deep in a large photo would hold up a normal exit for seconds. It only
    # computes; whatever was being written has been cleaned up by now.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
