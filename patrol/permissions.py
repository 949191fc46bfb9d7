"""Who is a collector, and which collectors may be sent to a case."""

from dataclasses import dataclass
from datetime import datetime
from math import atan2, cos, degrees, radians

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.actions import longest_shift
from accounts.models import Appointment, Duty, User
from accounts.permissions import acting, may
from accounts.roles import Role
from cases import workflow
from cases.models import Case, CasePart, FieldTask
from cases.permissions import appointment_for, conflict
from cases.workflow import Subject, TaskStage
from grid.geometry import metres_between
from grid.locate import Located, nearest
from patrol.models import Camera, CollectorGrid, Fix


def collector_of(user, *, at: datetime):
    """Return the appointment under which this person is a collector, or None."""
    return acting(user, roles={Role.COLLECTOR}, at=at)


def may_send(user, case: Case, kind: str, *, at: datetime) -> bool:
    """May this person send a collector to verify or check this case?"""
    rule = workflow.BY_VERB[(Subject.CASE, f"send_{kind}")]
    return appointment_for(user, rule, case=case, subject=case, at=at) is not None


def may_assign(user, *, at: datetime) -> bool:
    """May this person say who patrols which duty grid?"""
    return acting(user, roles={Role.DUTY_LEADER, Role.ADMINISTRATOR}, at=at) is not None


@dataclass(frozen=True)
class Candidate:
    """A collector who may be sent. `metres`: from his last known position today to the case, None when not known."""

    collector: User
    is_on_duty: bool
    patrols_here: bool
    open_tasks: int
    metres: float | None


def who_may_go(case: Case, kind: str, *, at: datetime) -> list[Candidate]:
    """Return the collectors who may be sent to verify or check a case, the most suitable first. Two queries.

    On duty before off duty, the collectors of its duty grid before others, then the nearest, then who has least to do.
    Whoever reported it, and whoever has a part in it that forbids this, is never among them.
    """
    rule = workflow.BY_VERB[(Subject.TASK, kind)]
    parts = {part.actor_id: part for part in CasePart.objects.filter(case=case)}
    found: dict[int, Candidate] = {}
    for appointment in _collectors(case.duty_grid_id, at):
        collector = appointment.user
        if collector.pk == case.reported_by_id or conflict(parts.get(collector.pk), rule):
            continue
        if _works_in(case.area_code, appointment):
            found[collector.pk] = _candidate(appointment, case.point)
    return sorted(found.values(), key=_suitable)


def who_is_near(place: Located, point, *, at: datetime) -> list[Candidate]:
    """Return the collectors who could go to a place, the most suitable first; before there is a case. One query."""
    grid = place.duty_grid.pk if place.duty_grid else None
    near = [one for one in _collectors(grid, at) if _works_in(place.community_code, one)]
    return sorted((_candidate(one, point) for one in near), key=_suitable)


def on_duty_near(case: Case, *, at: datetime) -> list[Candidate]:
    """Return the collectors on duty around a case, the most suitable first, whoever may be sent or not. One query."""
    near = [one for one in _collectors(case.duty_grid_id, at) if _works_in(case.area_code, one)]
    return [one for one in sorted((_candidate(one, case.point) for one in near), key=_suitable) if one.is_on_duty]


def _candidate(appointment: Appointment, point) -> Candidate:
    last = appointment.last_point
    return Candidate(
        collector=appointment.user, is_on_duty=appointment.is_on_duty, patrols_here=appointment.patrols_here,
        open_tasks=appointment.open_tasks, metres=metres_between(*last.coords, *point.coords) if last else None,
    )  # fmt: skip


def _works_in(area_code: str, appointment: Appointment) -> bool:
    return area_code.startswith(appointment.scope_area_code) and area_code.startswith(appointment.department.area_code)


def _suitable(one: Candidate) -> tuple:
    far = one.metres is None, round(one.metres or 0, -2)
    return not one.is_on_duty, not one.patrols_here, *far, one.open_tasks, one.collector.staff_number


def _collectors(duty_grid: int | None, at: datetime):
    day = timezone.localdate(at)
    his = OuterRef("user")
    waiting = FieldTask.objects.filter(collector=his, stage=TaskStage.SENT)
    tasks = waiting.order_by().values("collector").annotate(n=Count("pk"))
    since = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    fixes = Fix.objects.filter(collector=his, recorded_at__range=(since, at), point__isnull=False)
    duties = Duty.objects.on_duty(at, longest=longest_shift(at)).filter(user=his)
    grids = CollectorGrid.objects.on(day).filter(collector=his, duty_grid=duty_grid)
    return (
        Appointment.objects.valid(day)
        .filter(Q(role=Role.COLLECTOR), user__is_active=True)
        .select_related("user", "department")
        .annotate(
            is_on_duty=Exists(duties),
            patrols_here=Exists(grids),
            open_tasks=Coalesce(Subquery(tasks.values("n"), output_field=IntegerField()), 0),
            last_point=Subquery(fixes.order_by("-recorded_at").values("point")[:1]),
        )
        .order_by("pk")
    )


def video_seat_of(user, *, at: datetime):
    """Return the appointment under which this person watches the cameras, or None."""
    return acting(user, roles={Role.VIDEO_OPERATOR}, at=at)


def may_keep_cameras(user, *, at: datetime) -> bool:
    """May this person change the register of camera points?"""
    return may(user, "maintain_settings", at=at)


HALF_VIEW = 60  # degrees to either side of where a camera looks
MOST_AROUND = 50
FARTHEST_M = 5000


def cameras_seeing(case: Case, *, at: datetime) -> list[Camera]:
    """Return the cameras within whose reach and view a case lies, the nearest first, each with `.metres`. One query."""
    today = Camera.objects.on(timezone.localdate(at))
    near = nearest(today, "point", case.point, within_metres=FARTHEST_M).filter(metres__lte=F("reach_m"))[:MOST_AROUND]
    return [one for one in near if _looks_at(one, case.point)]


def _looks_at(camera: Camera, point) -> bool:
    """A camera that turns looks everywhere; what stands at its foot is seen too."""
    if camera.direction is None or camera.metres < 10:
        return True
    east = (point.x - camera.point.x) * cos(radians(point.y))
    towards = degrees(atan2(east, point.y - camera.point.y))
    return abs((towards - camera.direction + 180) % 360 - 180) <= HALF_VIEW
