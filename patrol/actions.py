"""What a collector does with the phone: report, verify, check. What the phone says of place and time is kept beside.

`at` is the server's time when the answer arrived; what is judged may be the phone's (`judged`).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases import actions as case_actions
from cases.actions import NotACollector
from cases.models import Case, Evidence, FieldTask
from cases.workflow import Source, TaskStage
from citymgmt.errors import Refusal
from grid.geometry import metres_between
from office import settings
from patrol.models import CollectorGrid, Fix
from patrol.permissions import collector_of, may_assign


class PictureNeeded(Refusal):
    """An answer on the spot is proved by a picture."""

    code = "picture_needed_on_the_spot"


class GridTaken(Refusal):
    """The collector already patrols this duty grid then; facts: person, duty_grid."""

    code = "grid_taken"


@dataclass(frozen=True)
class Judged:
    """The instant that counts. `is_late`: the phone named a time that was not believed."""

    at: datetime
    is_late: bool


def judged(
    claimed_at: datetime | None, *, at: datetime, not_before: datetime | None = None, area_code: str = ""
) -> Judged:
    """Return the phone's time if it lies within the tolerance before `at`, else `at`; never before `not_before`.

    三个时间: what is judged is the device's time within a set tolerance, never before its task was issued.
    """
    if claimed_at is None:
        return Judged(at, is_late=False)
    minutes = settings.get("patrol.claimed_minutes", on=timezone.localdate(at), area_code=area_code)
    tolerance = timedelta(minutes=minutes)
    if abs(at - claimed_at) > tolerance:
        return Judged(at, is_late=True)
    # A phone that runs a little fast does not answer from the future.
    believed = min(claimed_at, at)
    return Judged(max(believed, not_before) if not_before else believed, is_late=False)


def report(
    *,
    by,
    at: datetime,
    minor_class,
    point,
    description: str,
    position=None,
    accuracy_m=None,
    claimed_at: datetime | None = None,
    files=(),
    component=None,
    address: str = "",
    public_id: UUID | None = None,
    same_as: Case | None = None,
    is_self_handled: bool = False,
) -> Case:
    """Report what a collector sees himself. `point` is where it is, `position` where the phone is (None: not known).

    `files` are pairs of stored file and usage (near, far …). `same_as` is the open case that it belongs to in his eyes:
    the desk attaches it. `is_self_handled`: he put it right himself 自行处置, and a picture shows it (usage "after").
    The same `public_id` twice is one report. Raises NotACollector, PictureNeeded, and what `cases.actions.report`
    raises.
    """
    if collector_of(by, at=at) is None:
        raise NotACollector(name=str(by))
    if is_self_handled and not any(usage == Evidence.Usage.AFTER for _file, usage in files):
        raise PictureNeeded()
    what_counts = judged(claimed_at, at=at)

    def beside(case: Case) -> list[Fix]:
        return [_fix(case, by=by, at=at, position=position, accuracy_m=accuracy_m, claimed_at=claimed_at,
                     is_late=what_counts.is_late)]  # fmt: skip

    return case_actions.report(
        by=by, at=what_counts.at, source=Source.COLLECTOR, minor_class=minor_class, point=point,
        description=description, address=address, public_id=public_id, component=component, files=files,
        claimed_at=claimed_at, accuracy_m=accuracy_m, beside=beside, suggested_first=same_as,
        is_self_handled=is_self_handled,
    )  # fmt: skip


def verify(
    task: FieldTask, *, by, at: datetime, result: str, opinion: str = "", files=(), position=None, accuracy_m=None,
    claimed_at: datetime | None = None,
) -> Case:  # fmt: skip
    """Answer a verification on the spot 核实: "true", "untrue" or "cannot". Raises PictureNeeded, MoveNotAllowed …"""
    return _answer(
        task, case_actions.verify, "patrol.verify_needs_picture", by=by, at=at, result=result, opinion=opinion,
        files=files, position=position, accuracy_m=accuracy_m, claimed_at=claimed_at,
    )  # fmt: skip


def check(
    task: FieldTask, *, by, at: datetime, result: str, opinion: str = "", files=(), position=None, accuracy_m=None,
    claimed_at: datetime | None = None,
) -> Case:  # fmt: skip
    """Answer a check on the spot 核查: "pass", "fail" or "cannot". Raises PictureNeeded, MoveNotAllowed …"""
    return _answer(
        task, case_actions.check, "patrol.check_needs_picture", by=by, at=at, result=result, opinion=opinion,
        files=files, position=position, accuracy_m=accuracy_m, claimed_at=claimed_at,
    )  # fmt: skip


def note_opened(task: FieldTask, *, at: datetime) -> None:
    """Note that the collector looked at his task: the desk sees that he is on it. Once."""
    if task.opened_at is None and task.stage == TaskStage.SENT:
        FieldTask.objects.filter(pk=task.pk, opened_at=None).update(opened_at=at)


CANNOT = "cannot"


def _answer(task, action, setting, *, by, at, result, opinion, files, position, accuracy_m, claimed_at) -> Case:
    area_code = task.case.area_code
    needed = result != CANNOT and settings.get(setting, on=timezone.localdate(at), area_code=area_code)
    if needed and not files:
        raise PictureNeeded()
    what_counts = judged(claimed_at, at=at, not_before=task.sent_at, area_code=area_code)
    with transaction.atomic():
        case = action(
            task, by=by, at=what_counts.at, result=result, opinion=opinion, files=files, point=position,
            claimed_at=claimed_at,
        )  # fmt: skip
        fix = _fix(
            case, task=task, by=by, at=at, position=position, accuracy_m=accuracy_m, claimed_at=claimed_at,
            is_late=what_counts.is_late,
        )  # fmt: skip
        Fix.objects.bulk_create([fix], ignore_conflicts=True)  # the first account counts
    return case


def _fix(
    case: Case, *, by, at: datetime, position, accuracy_m, claimed_at, is_late: bool, task: FieldTask | None = None
) -> Fix:
    """Return where the phone says it was, and how far that is from the case."""
    return Fix(
        case=case,
        task=task,
        collector=by,
        point=position,
        accuracy_m=accuracy_m if position else None,
        distance_m=round(metres_between(*position.coords, *case.point.coords), 1) if position else None,
        claimed_at=claimed_at,
        recorded_at=at,
        is_late=is_late,
    )


# — who patrols which duty grid ———————————————————————————————————————————————————————————————————————


def assign_grid(collector, *, duty_grid, valid_from: date, by, at: datetime) -> CollectorGrid:
    """Let a collector patrol a duty grid from a day on. `by` None is the system. Raises NotACollector, GridTaken."""
    _refuse_unless_assigns(by, at=at)
    if collector_of(collector, at=at) is None:
        raise NotACollector(name=str(collector))
    try:
        with transaction.atomic():
            return CollectorGrid.objects.create(collector=collector, duty_grid=duty_grid, valid_from=valid_from)
    except IntegrityError as error:
        raise GridTaken(person=str(collector), duty_grid=duty_grid.name) from error


def end_grid(assignment: CollectorGrid, *, on: date, by, at: datetime) -> None:
    """From this day on the collector no longer patrols the duty grid; at the earliest from the day after he began."""
    _refuse_unless_assigns(by, at=at)
    assignment.valid_to = max(on, assignment.valid_from + timedelta(days=1))
    assignment.save(update_fields=["valid_to"])


def _refuse_unless_assigns(by, *, at: datetime) -> None:
    if by is not None and not may_assign(by, at=at):
        raise PermissionDenied
