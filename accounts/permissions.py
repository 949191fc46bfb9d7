"""Who somebody is at this moment, whom he answers to, and what he may do in the maintenance pages."""

from collections.abc import Collection
from datetime import date, datetime

from django.conf import settings as installation
from django.utils import timezone

from accounts.maintenance import PAGES, Page
from accounts.models import Appointment, Department, Notice, User
from accounts.roles import ROLES, Role, Side
from office.rows import Rows

# --- Who somebody is ---


_APPOINTMENTS = Rows(
    "FROM accounts_appointment a JOIN accounts_department d ON d.id = a.department_id WHERE a.user_id = %s "
    "ORDER BY a.valid_from, a.id",
    a=Appointment, d=Department,
)  # fmt: skip


def _in_department(appointment: Appointment, department: Department) -> Appointment:
    appointment.department = department
    return appointment


def appointments_of(user, at: datetime) -> tuple[Appointment, ...]:
    """What this person is appointed to on this day, with departments, in the order of the loop; () for nobody.

    One query for each user object, so one a request; the departments come with it.
    """
    if not getattr(user, "pk", None) or not user.is_active:
        return ()
    known = user.__dict__.get("_all_appointments")
    if known is None:
        known = tuple(_in_department(*row) for row in _APPOINTMENTS(user.pk))
        user.__dict__["_all_appointments"] = known
    day = timezone.localdate(at)
    order = list(ROLES)
    return tuple(sorted((one for one in known if _valid(one, day)), key=lambda one: order.index(one.role)))


def _valid(row: Appointment | Department, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)


def acting(
    user, *, at: datetime, side: Side | None = None, roles: Collection[Role] | None = None
) -> Appointment | None:
    """The first appointment of this person on this side and among these roles (None: any), None when there is none."""
    for appointment in appointments_of(user, at):
        if side is not None and ROLES[appointment.role].side != side:
            continue
        if roles is not None and appointment.role not in roles:
            continue
        return appointment
    return None


def departments_of(user, at: datetime, *, roles: Collection[Role] = (Role.DEPARTMENT_OPERATOR,)) -> frozenset[int]:
    """The ids of the departments whose operator this person is (or in which he holds these roles), with all below.

    Another role further up, a leader's or an administrator's, is no seat at the desks of all departments.
    """
    paths = tuple(sorted({one.department.path for one in appointments_of(user, at) if one.role in roles}))
    known = user.__dict__.setdefault("_departments_below", {})
    if paths not in known:
        known[paths] = (
            frozenset(Department.objects.below(*paths).values_list("pk", flat=True)) if paths else frozenset()
        )
    return known[paths]


AT_DEPARTMENTS = frozenset(role for role in Role if ROLES[role].side == Side.DEPARTMENT)


def topics_of(user, at: datetime) -> list[str]:
    """What this person's pages listen to: himself, the centres he works for, his departments and all below them."""
    centres = {
        one.department_id
        for one in appointments_of(user, at)
        if ROLES[one.role].side in {Side.SUPERVISION, Side.COMMAND}
    }
    return [
        f"user:{user.pk}",
        *sorted(f"centre:{department}" for department in centres),
        *sorted(f"department:{department}" for department in departments_of(user, at, roles=AT_DEPARTMENTS)),
    ]


# --- Whom somebody answers to ---

# Who is told about a department as a whole, nearest first: its leader, else the desk of the body above it.
ABOVE_A_DEPARTMENT = (Role.LEADER, Role.DEPARTMENT_OPERATOR)


def superiors_of(who: User | Department, *, at: datetime, staff=None) -> list[User]:
    """The people told beside this person or department; [] when nobody stands above.

    `staff` (accounts.rosters.Staff) answers from memory where many are asked about at once.

    For a person: the nearest holders of the roles above his (accounts/roles.py) in his department or above it.
    For a department: its own leader, else the leader or the desk of the nearest department above, else the commander.
    """
    nearest = staff.nearest if staff else nearest_holders
    if isinstance(who, Department):
        return _above_department(who, at, staff)
    found: dict[int, User] = {}
    for appointment in appointments_of(who, at):
        for role in ROLES[appointment.role].superiors:
            holders = [one for one in nearest(role, appointment.department, at) if one.pk != who.pk]
            if holders:
                found.update((one.pk, one) for one in holders)
                break
        else:
            if appointment.role == Role.DEPARTMENT_OPERATOR:
                found.update((one.pk, one) for one in _above_department(appointment.department, at, staff))
    return list(found.values())


def _above_department(department: Department, at: datetime, staff=None) -> list[User]:
    nearest = staff.nearest if staff else nearest_holders
    for role in ABOVE_A_DEPARTMENT:
        # The desk itself is the holder; only a desk further up is above it.
        holders = nearest(role, department, at, itself=role == Role.LEADER)
        if holders:
            return holders
    if staff:
        return staff.commanders
    centres = Department.objects.filter(kind=Department.Kind.COMMAND_CENTRE).valid(timezone.localdate(at))
    return _holders(Role.COMMANDER, [centre.pk for centre in centres], at)


def nearest_holders(role: Role, department: Department, at: datetime, *, itself: bool = True) -> list[User]:
    """Holders of the role in the department or, failing that, in the nearest one above it."""
    codes = department.path.strip("/").split("/")
    above = [f"/{'/'.join(codes[:length])}/" for length in range(len(codes), 0, -1)]
    wanted = above if itself else above[1:]
    by_path: dict[str, list[User]] = {}
    appointments = (
        Appointment.objects.filter(role=role, department__path__in=wanted, user__is_active=True)
        .valid(timezone.localdate(at))
        .select_related("user", "department")
        .order_by("id")
    )
    for appointment in appointments:
        by_path.setdefault(appointment.department.path, []).append(appointment.user)
    return next((by_path[path] for path in wanted if path in by_path), [])


def _holders(role: Role, departments: Collection[int], at: datetime) -> list[User]:
    appointments = (
        Appointment.objects.filter(role=role, department__in=departments, user__is_active=True)
        .valid(timezone.localdate(at))
        .select_related("user")
        .order_by("id")
    )
    return list({one.user_id: one.user for one in appointments}.values())


# --- What somebody may do in this room ---

EVERYBODY_AT_WORK = frozenset(Role)
PERMISSIONS: dict[str, frozenset[Role]] = {
    "see_departments": EVERYBODY_AT_WORK - {Role.HANDLER, Role.COLLECTOR},
    "see_people": frozenset({Role.ADMINISTRATOR, Role.LEADER, Role.DUTY_LEADER, Role.COMMANDER}),
    "maintain_departments": frozenset({Role.ADMINISTRATOR}),
    "maintain_people": frozenset({Role.ADMINISTRATOR}),
    "keep_rosters": frozenset({Role.ADMINISTRATOR, Role.DUTY_LEADER, Role.COMMANDER}),
    "keep_contacts": frozenset({Role.ADMINISTRATOR, Role.DUTY_LEADER, Role.COMMANDER, Role.DEPARTMENT_OPERATOR}),
    "keep_phrases": frozenset({Role.ADMINISTRATOR, Role.DUTY_LEADER, Role.COMMANDER}),
    "keep_notices": frozenset({Role.ADMINISTRATOR, Role.DUTY_LEADER, Role.COMMANDER}),
    "hand_over": frozenset({Role.DUTY_LEADER, Role.DISPATCHER, Role.COMMANDER}),
    "see_deliveries": frozenset({Role.ADMINISTRATOR, Role.DUTY_LEADER, Role.COMMANDER}),
    "maintain_settings": frozenset({Role.ADMINISTRATOR}),
    "see_health": frozenset({Role.ADMINISTRATOR}),
    "see_history": frozenset({Role.ADMINISTRATOR, Role.INSPECTOR}),
    "see_changes": frozenset({Role.ADMINISTRATOR}),
    "see_readings": frozenset({Role.ADMINISTRATOR, Role.INSPECTOR}),
    "maintain_retention": frozenset({Role.ADMINISTRATOR}),
    "read_vault": frozenset({Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER}),
}
# Whoever set the installation up may appoint the first administrator; nothing beyond maintenance follows from that.
SUPERUSER_MAY = frozenset(
    {"see_departments", "see_people", "maintain_departments", "maintain_people", "maintain_settings", "see_health"}
)


def may(user, what: str, *, at: datetime) -> bool:
    """May this person do this here, now? `what` is a key of PERMISSIONS."""
    if what in SUPERUSER_MAY and getattr(user, "is_superuser", False) and user.is_active:
        return True
    return acting(user, roles=PERMISSIONS[what], at=at) is not None


def pages_shown(user, *, at: datetime) -> list[tuple[str, list[Page]]]:
    """Return the pages of maintenance that somebody is shown the way to, under their headings."""
    groups = [(heading, [page for page in pages if may(user, page.asks, at=at)]) for heading, pages in PAGES.items()]
    return [(heading, pages) for heading, pages in groups if pages]


def may_use_password(user, *, at: datetime) -> bool:
    """Whether this person may log in by password beside the single sign-on (OIDC_PASSWORD in citymgmt/settings.py)."""
    provider = installation.OIDC
    if provider is None or provider["password"] == "everybody" or user.is_superuser:
        return True
    # Where the provider fails, somebody must still get in.
    return acting(user, at=at, roles=(Role.ADMINISTRATOR,)) is not None


def may_read_vault(user, *, at: datetime) -> bool:
    """Only the desk that takes reports; never somebody who also works for a department."""
    return may(user, "read_vault", at=at) and acting(user, side=Side.DEPARTMENT, at=at) is None


def notice_reach(user, *, at: datetime) -> tuple[tuple[Role, ...], Department | None] | None:
    """Return the roles that this person may address, and the department; None: nobody.

    An administrator addresses all roles in any department (None); a duty leader or commander his side in his centre.
    """
    appointment = acting(user, at=at, roles=(Role.ADMINISTRATOR,)) or acting(
        user, at=at, roles=PERMISSIONS["keep_notices"]
    )
    if appointment is None:
        return None
    if appointment.role == Role.ADMINISTRATOR:
        return tuple(Role), None
    side = ROLES[appointment.role].side
    return tuple(role for role in Role if ROLES[role].side == side), appointment.department


def may_withdraw(user, notice: Notice, *, at: datetime) -> bool:
    """True for an administrator, and for those who could have made it."""
    reach = notice_reach(user, at=at)
    if reach is None:
        return False
    roles, centre = reach
    return centre is None or (
        notice.department_id == centre.pk and bool(notice.roles) and set(notice.roles) <= set(roles)
    )


def desk_handed_over(user, *, at: datetime) -> Appointment | None:
    """Return the appointment whose desk this person may hand over and take over, None when there is none."""
    return acting(user, at=at, roles=PERMISSIONS["hand_over"])
