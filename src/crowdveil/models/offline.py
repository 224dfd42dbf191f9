"""Keeps the inference library (OpenVINO) from reporting its use over the network.

Its wheel depends on a usage reporter, `openvino_telemetry`, and `import openvino` alone makes
that resolve an analytics host in a child process and leave an identifier in the home folder
(seen with 2026.4). No environment variable of its own turns it off. Importing and running the
library is left to `detect`, which calls `silence_reporter` first.
"""

import sys
from types import ModuleType

_REPORTER = "openvino_telemetry"


def silence_reporter() -> None:
    """Make it impossible to import the usage reporter in this process; call before OpenVINO.

    OpenVINO falls back on its own stub, which does nothing, when the reporter cannot be
    imported. An empty module in the reporter's place is what makes that import fail. Where a
    caller imported OpenVINO before crowdveil, it has already reported and this changes
    nothing; crowdveil itself never imports it any other way.
    """
    sys.modules.setdefault(_REPORTER, ModuleType(_REPORTER, "Shut out by crowdveil."))
