"""Who may open the command centre's and the departments' desks, and who may be given work there."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Department, Duty, User
from accounts.permissions import acting, appointments_of
from accounts.querysets import valid_on
from accounts.roles import Role
from cases import workflow
from cases.models import Case, CasePart
from office import settings
from office.rows import Rows

DISPATCH_DESK = frozenset({Role.DISPATCHER, Role.COMMANDER})
DEPARTMENT_DESK = frozenset({Role.DEPARTMENT_OPERATOR, Role.HANDLER})
MAINTAINERS = frozenset({Role.ADMINISTRATOR})
# Centres decide and departments do: a case is never dispatched to a centre.
DISPATCHABLE = frozenset({
    Department.Kind.DEPARTMENT, Department.Kind.STREET, Department.Kind.UTILITY, Department.Kind.CONTRACTOR,
})  # fmt: skip


def may_open_dispatch_desk(user, *, at: datetime) -> bool:
    """True for the command centre's people."""
    return acting(user, roles=DISPATCH_DESK, at=at) is not None


def may_open_department_desk(user, *, at: datetime) -> bool:
    """True for a department's people."""
    return acting(user, roles=DEPARTMENT_DESK, at=at) is not None


def may_keep_responsibilities(user, *, at: datetime) -> bool:
    """True for those who keep the responsibility table."""
    return acting(user, roles=MAINTAINERS, at=at) is not None


LISTS = frozenset({
    Role.DISPATCHER, Role.COMMANDER, Role.DEPARTMENT_OPERATOR, Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER, Role.LEADER,
})  # fmt: skip


def may_open_lists(user, *, at: datetime) -> bool:
    """True for those who ask, who decide, and who look on: each sees the cases he may see."""
    return acting(user, roles=LISTS, at=at) is not None


def may_declare_safe(user, *, at: datetime) -> bool:
    """True for those who say which classes go straight through."""
    return acting(user, roles=MAINTAINERS, at=at) is not None


def may_be_dispatched_to(department: Department, *, at: datetime) -> bool:
    """True for a department that exists on that day and handles cases."""
    day = timezone.localdate(at)
    exists = department.valid_from <= day and (department.valid_to is None or day < department.valid_to)
    return exists and department.kind in DISPATCHABLE


def departments_to_dispatch_to(at: datetime):
    """Return the departments that a case may be dispatched to on that day."""
    return Department.objects.valid(timezone.localdate(at)).filter(kind__in=DISPATCHABLE)


_DISPATCHABLE = Rows(
    "FROM accounts_department d WHERE d.kind = ANY(%s) AND d.valid_from <= %s "
    "AND (d.valid_to IS NULL OR d.valid_to > %s) ORDER BY d.sort, d.code",
    d=Department,
)


def all_to_dispatch_to(at: datetime) -> list[Department]:
    """Return the same departments, all of them, as every dispatch asks for them."""
    day = timezone.localdate(at)
    return [one for (one,) in _DISPATCHABLE([str(kind) for kind in DISPATCHABLE], day, day)]


def may_be_given_on_to(department: Department, own: Department, *, at: datetime) -> bool:
    """True for a department below one's own that exists on that day and handles cases."""
    is_below = department.path.startswith(own.path) and department.pk != own.pk
    return is_below and may_be_dispatched_to(department, at=at)


def departments_below(own: Department, at: datetime):
    """Return the departments that a department may give its cases on to."""
    return departments_to_dispatch_to(at).filter(path__startswith=own.path).exclude(pk=own.pk)


def handlers_of(department: Department, at: datetime):
    """Return the people who may be sent to handle a department's case: handlers there or in a team below it."""
    return User.objects.filter(
        valid_on(timezone.localdate(at), prefix="appointments__"),
        appointments__role=Role.HANDLER,
        appointments__department__path__startswith=department.path,
        is_active=True,
    ).distinct()


def is_handler_of(user: User, department: Department, at: datetime) -> bool:
    """True when this person handles for the department or a team below it."""
    return any(
        one.role == Role.HANDLER and one.department.path.startswith(department.path)
        for one in appointments_of(user, at)
    )


def dispatchers_on_duty(cases: Collection[Case], at: datetime) -> dict[int, set[int]]:
    """Return for each case the ids of its command centre's dispatchers on duty; three queries."""
    longest = timedelta(hours=settings.get("accounts.longest_shift_hours", on=timezone.localdate(at)))
    on_duty = User.objects.filter(
        pk__in=Duty.objects.on_duty(at, longest=longest).values("user"), is_active=True
    ).prefetch_related("appointments__department")
    found: dict[int, set[int]] = {case.pk: set() for case in cases}
    for user in on_duty:
        for one in appointments_of(user, at):
            if one.role != Role.DISPATCHER:
                continue
            for case in cases:
                if one.department_id == case.command_centre_id and case.area_code.startswith(one.scope_area_code):
                    found[case.pk].add(user.pk)
    return found


def left_to_the_system(cases: Collection[Case], at: datetime) -> list[Case]:
    """Return the cases that a dispatcher on duty should dispatch and none of them may: all act on another side of it.

    With nobody on duty a case waits for the next seat.
    """
    on_duty = dispatchers_on_duty(cases, at)
    elsewhere: dict[int, set[int]] = {}
    parts = CasePart.objects.filter(case__in=[case.pk for case in cases]).exclude(side=workflow.COMMAND)
    for case_id, actor_id in parts.values_list("case", "actor"):
        elsewhere.setdefault(case_id, set()).add(actor_id)
    return [case for case in cases if on_duty[case.pk] and on_duty[case.pk] <= elsewhere.get(case.pk, set())]
