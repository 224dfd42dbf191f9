"""crowdveil: make everyone in photos and videos unidentifiable before they are published.

The public API; everything else may change between releases. Names are imported when they
are first used, so that `import crowdveil` and `crowdveil --help` stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crowdveil.api import plan_photos, render_plans, veil
    from crowdveil.detect.points import Caution
    from crowdveil.errors import CrowdveilError
    from crowdveil.evidence.check import check
    from crowdveil.evidence.options import CheckOptions
    from crowdveil.media.picture import PhotoFormat
    from crowdveil.options import PlanOptions, RenderOptions, VeilOptions
    from crowdveil.plan import Action, Origin, Plan, Region, Shape
    from crowdveil.redact.look import Style
    from crowdveil.summary import Outcome, Status, Summary, Watcher

__version__ = "0.1.0"

_HOMES = {
    "crowdveil.api": ("plan_photos", "render_plans", "veil"),
    "crowdveil.detect.points": ("Caution",),
    "crowdveil.errors": ("CrowdveilError",),
    "crowdveil.evidence.check": ("check",),
    "crowdveil.evidence.options": ("CheckOptions",),
    "crowdveil.media.picture": ("PhotoFormat",),
    "crowdveil.options": ("PlanOptions", "RenderOptions", "VeilOptions"),
    "crowdveil.plan": ("Action", "Origin", "Plan", "Region", "Shape"),
    "crowdveil.redact.look": ("Style",),
    "crowdveil.summary": ("Outcome", "Status", "Summary", "Watcher"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Action",
    "Caution",
    "CheckOptions",
    "CrowdveilError",
    "Origin",
    "Outcome",
    "PhotoFormat",
    "Plan",
    "PlanOptions",
    "Region",
    "RenderOptions",
    "Shape",
    "Status",
    "Style",
    "Summary",
    "VeilOptions",
    "Watcher",
    "__version__",
    "check",
    "plan_photos",
    "render_plans",
    "veil",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'crowdveil' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
