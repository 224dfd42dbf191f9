"""What a worker is asked to do with one photo or video, and what it answers.

Only the types, which are quick to import; doing it is left to `working`, giving it to workers
to `batch`.
"""

from dataclasses import dataclass

from crowdveil.isolation.service import Service
from crowdveil.notices import Notice
from crowdveil.options import PlanOptions, RenderOptions, VeilOptions
from crowdveil.outputs import Job
from crowdveil.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is to be done with every job: one of the three.

    Attributes:
        veil: veil it as the options say.
        plan: only plan it.
        render: draw the plan that the job brings.
        films: whether the first job is a video.
    """

    veil: VeilOptions | None = None
    plan: PlanOptions | None = None
    render: RenderOptions | None = None
    films: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one job, not yet in its place.

    Attributes:
        plan: what was, or is to be, veiled.
        photo: the bytes of the veiled photo, None for a video or if the job asks only for a
            plan.
        notices: what the user must hear of the file.
    """

    plan: Plan
    photo: bytes | None = None
    notices: tuple[Notice, ...] = ()


VEILING = Service("crowdveil.tasks:VEILING", "crowdveil.working:open_work", Setup, Job, Made)
