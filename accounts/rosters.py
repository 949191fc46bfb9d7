"""Who is on duty now: signed on, on the roster, on call; else the department's contact, else the whole desk.

`Staff` reads appointments, seats taken, roster and contacts once and answers for one instant from memory: an alarm asks
for thousands of clocks at a time.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from django.utils import timezone

from accounts.models import Appointment, Contact, Department, Duty, RosterEntry, Shift, User
from accounts.permissions import appointments_of, superiors_of
from accounts.roles import Role
from office import settings


@dataclass(frozen=True)
class OnDuty:
    """Who is to be told: people with an account, and contacts without. `how`: on_duty, contact, desk or nobody."""

    people: tuple[User, ...] = ()
    contacts: tuple[Contact, ...] = ()
    how: str = "nobody"


def runs(shift: Shift, at: datetime) -> date | None:
    """Return the day on which the turn of this shift that runs now began, None when none does."""
    local = timezone.localtime(at)
    today, now = local.date(), local.time()
    if not shift.passes_midnight:
        return today if shift.begins_at <= now < shift.ends_at else None
    if now >= shift.begins_at:
        return today
    return today - timedelta(days=1) if now < shift.ends_at else None


def turn(entries: Iterable[RosterEntry], day: date) -> list[RosterEntry]:
    """Return who has a day's turns: of one desk and shift the day's own entries, else those of the weekday."""
    slots: dict[tuple, list[RosterEntry]] = defaultdict(list)
    for entry in entries:
        slots[(entry.department_id, entry.kind, entry.role, entry.class_code, entry.shift_id)].append(entry)
    found = []
    for slot in slots.values():
        own = [one for one in slot if one.on_date == day and _holds(one, day)]
        weekly = [one for one in slot if one.on_date is None and one.weekday == day.weekday() and _holds(one, day)]
        found += [one for one in own or weekly if one.user_id is not None]
    return found


def _holds(entry: RosterEntry, day: date) -> bool:
    return entry.valid_from <= day and (entry.valid_to is None or day < entry.valid_to)


class Staff:
    """Everybody at one instant. Each table is read when it is first asked for."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.known: dict[tuple, OnDuty] = {}
        self.above: dict[tuple, list[User]] = {}
        self.departments: dict[int, Department] = {}

    def on_duty(self, role: Role, department: Department, *, area_code: str = "", class_code: str = "") -> OnDuty:
        """Return who is on duty now at this desk for this area and class of problems.

        Signed on, on the roster and on call count alike: a log-off that was forgotten must not silence the roster.
        Nobody there: the first contact who can be reached at this hour (and all of the desk where he has no account);
        none: all of the desk.
        """
        key = (role, department.pk, area_code, class_code)
        if key not in self.known:
            self.known[key] = self._look_for(role, department, area_code, class_code)
        return self.known[key]

    def _look_for(self, role: Role, department: Department, area_code: str, class_code: str) -> OnDuty:
        desk = [one for one in self.nearest(role, department) if self._answers_for(one, role, area_code)]
        there = [one for one in desk if one.pk in self._signed_on]
        there += self._rostered(role, department, area_code, class_code)
        if there:
            return OnDuty(_each_once(there), how="on_duty")
        contact = self.contact(department)
        if contact is not None:
            people, without_account = contact
            # A telephone number alone is not enough: the whole desk finds it in its boxes too.
            return OnDuty(people or _each_once(desk), without_account, how="contact")
        return OnDuty(_each_once(desk), how="desk") if desk else OnDuty()

    def contact(self, department: Department) -> tuple[tuple[User, ...], tuple[Contact, ...]] | None:
        """Return the first contact who can be reached now: as a person with an account, or as a contact without."""
        now = timezone.localtime(self.at).time()
        for one in self._contacts.get(department.pk, ()):
            if one.is_reachable(now):
                if one.user is None:
                    return (), (one,)
                if one.user.is_active:
                    return (one.user,), ()
        return None

    def nearest(self, role: Role, department: Department, at: datetime | None = None, *, itself: bool = True):
        """As accounts.permissions.nearest_holders, from memory."""
        codes = department.path.strip("/").split("/")
        for length in range(len(codes) if itself else len(codes) - 1, 0, -1):
            holders = self._holders.get((role, f"/{'/'.join(codes[:length])}/"))
            if holders:
                return holders
        return []

    @cached_property
    def commanders(self) -> list[User]:
        """The commanders of all command centres."""
        centre = Department.Kind.COMMAND_CENTRE
        found = [one.user for one in self._appointments if one.role == Role.COMMANDER and one.department.kind == centre]
        return list(_each_once(found))

    def superiors_of(self, who: User | Department) -> list[User]:
        """As accounts.permissions.superiors_of, from memory."""
        key = (type(who).__name__, who.pk)
        if key not in self.above:
            known = self._people.get(who.pk, who) if isinstance(who, User) else who
            self.above[key] = superiors_of(known, at=self.at, staff=self)
        return self.above[key]

    def leaders_of(self, department: Department, area_code: str) -> list[User]:
        """The leaders above a department who answer for an area: those of the smallest area, in the nearest body."""
        holders = [
            (appointment.scope_area_code, user)
            for user in self.nearest(Role.LEADER, department)
            for appointment in appointments_of(user, self.at)
            if appointment.role == Role.LEADER and area_code.startswith(appointment.scope_area_code)
        ]
        narrowest = max((len(scope) for scope, _user in holders), default=0)
        return list(_each_once(user for scope, user in holders if len(scope) == narrowest))

    def department(self, pk: int) -> Department:
        """A department by its key; centres come again and again."""
        if pk not in self.departments:
            self.departments[pk] = Department.objects.get(pk=pk)
        return self.departments[pk]

    # what is read once

    @cached_property
    def _appointments(self) -> list[Appointment]:
        """All appointments of active people that hold today; every person knows his own from here on."""
        found = list(
            Appointment.objects.filter(user__is_active=True)
            .valid(timezone.localdate(self.at))
            .select_related("user", "department")
            .order_by("valid_from", "id")
        )
        people: dict[int, User] = {}
        of: dict[int, list[Appointment]] = defaultdict(list)
        for appointment in found:
            appointment.user = people.setdefault(appointment.user_id, appointment.user)
            of[appointment.user_id].append(appointment)
        for pk, user in people.items():
            user.__dict__["_all_appointments"] = tuple(of[pk])
        return found

    @cached_property
    def _people(self) -> dict[int, User]:
        return {one.user_id: one.user for one in self._appointments}

    @cached_property
    def _holders(self) -> dict[tuple[str, str], list[User]]:
        found: dict[tuple[str, str], list[User]] = defaultdict(list)
        for one in sorted(self._appointments, key=lambda one: one.pk):
            if one.user not in found[(one.role, one.department.path)]:
                found[(one.role, one.department.path)].append(one.user)
        return dict(found)

    @cached_property
    def _signed_on(self) -> frozenset[int]:
        longest = timedelta(hours=settings.get("accounts.longest_shift_hours", on=timezone.localdate(self.at)))
        return frozenset(Duty.objects.on_duty(self.at, longest=longest).values_list("user", flat=True))

    @cached_property
    def _roster(self) -> dict[int, list[RosterEntry]]:
        """The turns that run now, by department."""
        today = timezone.localdate(self.at)
        days = (today, today - timedelta(days=1))
        entries = list(RosterEntry.objects.about(days).select_related("shift", "user").order_by("class_code", "id"))
        running: dict[int, list[RosterEntry]] = defaultdict(list)
        for day in days:
            for entry in turn([one for one in entries if runs(one.shift, self.at) == day], day):
                if entry.user.is_active:
                    running[entry.department_id].append(entry)
        return dict(running)

    @cached_property
    def _contacts(self) -> dict[int, list[Contact]]:
        found: dict[int, list[Contact]] = defaultdict(list)
        for one in Contact.objects.filter(ended_at__isnull=True).select_related("user").order_by("sort", "id"):
            found[one.department_id].append(one)
        return dict(found)

    def _rostered(self, role: Role, department: Department, area_code: str, class_code: str) -> list[User]:
        found = []
        for entry in self._roster.get(department.pk, ()):
            user = self._people.get(entry.user_id, entry.user)
            if entry.kind == RosterEntry.Kind.SEAT:
                if entry.role == role and self._answers_for(user, role, area_code):
                    found.append(user)
            elif class_code.startswith(entry.class_code):
                found.append(user)
        return found

    def _answers_for(self, user: User, role: Role, area_code: str) -> bool:
        mine = appointments_of(user, self.at)
        return any(one.role == role and area_code.startswith(one.scope_area_code) for one in mine)


def on_duty_now(
    role: Role, department: Department, *, at: datetime, area_code: str = "", class_code: str = ""
) -> OnDuty:
    """Return who is on duty now at a desk; for a single question. Many: keep one `Staff`."""
    return Staff(at).on_duty(role, department, area_code=area_code, class_code=class_code)


def _each_once(people: Iterable[User]) -> tuple[User, ...]:
    return tuple({one.pk: one for one in people}.values())
