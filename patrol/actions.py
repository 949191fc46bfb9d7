"""What a collector does with the phone: report, verify, check. What the phone says of place and time is kept beside.

`at` is the server's time when the answer arrived; what is judged may be the phone's (`judged`).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from cases import actions as case_actions
from cases.actions import NotACollector, OutsideTheGrid
from cases.models import Case, Evidence, FieldTask
from cases.workflow import Source, TaskStage
from citymgmt.errors import Refusal
from grid.geometry import metres_between
from grid.locate import locate
from office import settings
from office.actions import note_look
from patrol import stills
from patrol.models import Camera, CameraHealth, CameraReport, CameraState, CollectorGrid, Fix
from patrol.permissions import collector_of, may_assign, may_keep_cameras, video_seat_of
from patrol.stills import NoStill


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


# — cameras ——————————————————————————————————————————————————————————————————————————————————————————


def keep_camera(camera: Camera, *, by, at: datetime) -> Camera:
    """Put a camera point into the register, or change it; its grid and areas follow from its place.

    Raises OutsideTheGrid.
    """
    if not may_keep_cameras(by, at=at):
        raise PermissionDenied
    place = locate(camera.point)
    if place is None:
        raise OutsideTheGrid()
    camera.unit_grid, camera.area_code, camera.area_names = place.unit_grid, place.community_code, place.chain
    camera.save()
    return camera


def mark_camera(camera: Camera, *, by, at: datetime, is_out_of_order: bool, why: str = "") -> None:
    """Say that a camera is out of order, or that it works again; the check leaves it alone until somebody says so."""
    if video_seat_of(by, at=at) is None and not may_keep_cameras(by, at=at):
        raise PermissionDenied
    note_state(camera, CameraState.OUT_OF_ORDER if is_out_of_order else CameraState.IN_ORDER, at=at, why=why, by=by)


def note_state(camera: Camera, state: str, *, at: datetime, why: str = "", by=None) -> None:
    """Write down how a camera was found; a line in its log only where that is news."""
    with transaction.atomic():
        before = Camera.objects.select_for_update().values_list("state", "why").get(pk=camera.pk)
        if by is None and before[0] == CameraState.OUT_OF_ORDER:
            return
        Camera.objects.filter(pk=camera.pk).update(state=state, why=why, checked_at=at)
        if before != (state, why):
            CameraHealth.objects.create(camera=camera, at=at, state=state, why=why, by=by)


def take_still(camera: Camera, *, by, at: datetime) -> bytes:
    """Return one picture from a camera; who looked is noted. Raises NoStill, and writes down that it gave none."""
    if video_seat_of(by, at=at) is None:
        raise PermissionDenied
    note_look(reader=by, what="camera", about=camera.code, why=gettext_noop("Took a still of a camera"), at=at)
    return look_through(camera, at=at)


def look_through(camera: Camera, *, at: datetime) -> bytes:
    """Fetch one picture from a camera and write down how that went. Raises NoStill."""
    networks = settings.get("patrol.camera_networks", on=timezone.localdate(at), area_code=camera.area_code)
    try:
        still = stills.fetch(camera.stills_url, networks=networks)
        if not still.startswith(PICTURE_BEGINS):
            raise NoStill(why=stills.ANSWER)
    except NoStill as refusal:
        note_state(camera, CameraState.NO_PICTURE, at=at, why=refusal.facts["why"])
        raise
    note_state(camera, CameraState.IN_ORDER, at=at)
    return still


LOOKED_AT_ONCE = 20


def look_at_cameras(*, at: datetime) -> int:
    """Look whether the cameras with an address, those not looked at for longest, give a picture; return how many.

    Each is claimed before it is looked at, so that two runs at once never ask one camera twice. What somebody marked
    as out of order is left alone.
    """
    today = Camera.objects.on(timezone.localdate(at)).exclude(stills_url="").exclude(state=CameraState.OUT_OF_ORDER)
    minutes = settings.get("patrol.camera_check_minutes", on=timezone.localdate(at))
    due = Q(checked_at__isnull=True) | Q(checked_at__lte=at - timedelta(minutes=minutes))
    looked = 0
    for camera in today.filter(due).order_by(F("checked_at").asc(nulls_first=True), "pk")[:LOOKED_AT_ONCE]:
        if not Camera.objects.filter(due, pk=camera.pk).update(checked_at=at):
            continue
        looked += 1
        with suppress(NoStill):
            look_through(camera, at=at)
    return looked


PICTURE_BEGINS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")


def report_from_camera(
    camera: Camera,
    *,
    by,
    at: datetime,
    minor_class,
    point,
    files,
    description: str = "",
    address: str = "",
    public_id: UUID | None = None,
    same_as: Case | None = None,
) -> Case:
    """Report what a camera shows 视频抓拍: a still proves it, and whoever reports it saw it himself.

    `files` are stored pictures. The same `public_id` twice is one report. Raises PictureNeeded, and what
    `cases.actions.report` raises.
    """
    if video_seat_of(by, at=at) is None:
        raise PermissionDenied
    if not files:
        raise PictureNeeded()

    def beside(case: Case) -> list[CameraReport]:
        return [CameraReport(case=case, camera=camera, recorded_at=at)]

    return case_actions.report(
        by=by, at=at, source=Source.VIDEO, minor_class=minor_class, point=point, description=description,
        address=address, public_id=public_id, files=[(file, Evidence.Usage.BEFORE) for file in files],
        beside=beside, suggested_first=same_as,
    )  # fmt: skip
