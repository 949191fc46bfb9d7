"""What the administrator does with departments, people and appointments; what everybody does with his own account."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from accounts.models import (
    ApiToken,
    Appointment,
    Contact,
    Department,
    Duty,
    HandOver,
    Notice,
    NoticeReading,
    RosterEntry,
    Shift,
    User,
)
from accounts.permissions import appointments_of, departments_of, desk_handed_over, may, may_withdraw, notice_reach
from accounts.querysets import valid_on
from accounts.roles import ROLES, SIDE_LABELS, Role, sides_held
from accounts.rosters import turn
from citymgmt.errors import Refusal
from office import settings
from office.actions import note_change, tell
from office.models import Reach


def _refuse_unless(by: User | None, what: str, *, at: datetime) -> None:
    """Nobody (None) is the system itself: the demonstration, an import."""
    if by is not None and not may(by, what, at=at):
        raise PermissionDenied


def _refuse_unless_keeps(user: User, by: User | None, *, at: datetime) -> None:
    """Whoever keeps people keeps no account that may do more than his own: else he could take it over."""
    _refuse_unless(by, "maintain_people", at=at)
    if by is not None and user.is_superuser and not by.is_superuser:
        raise PermissionDenied


# --- Departments ---


class DepartmentCodeTaken(Refusal):
    code = "department_code_taken"


class DepartmentUnderItself(Refusal):
    code = "department_under_itself"


class DepartmentInUse(Refusal):
    code = "department_in_use"


def create_department(
    *, by: User | None, at: datetime, code: str, parent: Department | None = None, **facts
) -> Department:
    """Found a department below another one, or at the top. Raises DepartmentCodeTaken."""
    _refuse_unless(by, "maintain_departments", at=at)
    department = Department(code=code, parent=parent, path=_path(code, parent), **facts)
    try:
        with transaction.atomic():
            department.save(force_insert=True)
    except IntegrityError as error:
        if Department.objects.filter(code=code).exists():
            raise DepartmentCodeTaken(department_code=code) from error
        raise
    note_change(department, by=by, at=at, did="founded")
    return department


def change_department(department: Department, *, by: User | None, at: datetime, **facts) -> None:
    """Change names, group, phone and the like. The code stays; place in the tree and end have actions of their own."""
    _refuse_unless(by, "maintain_departments", at=at)
    changed = _set(department, facts)
    department.save(update_fields=list(facts))
    if changed:
        note_change(department, by=by, at=at, did="changed", fields=changed)


def move_department(department: Department, *, by: User | None, at: datetime, parent: Department | None) -> None:
    """Put a department, with all below it, under another one. Raises DepartmentUnderItself.

    Events and stints keep the path they were written with, so history is not moved.
    """
    _refuse_unless(by, "maintain_departments", at=at)
    with transaction.atomic():
        # Two moves at once could otherwise make a circle.
        list(Department.objects.select_for_update().order_by("pk").values_list("pk"))
        department.refresh_from_db(fields=["path", "code"])
        if parent is not None:
            parent.refresh_from_db(fields=["path"])
            if parent.path.startswith(department.path):
                raise DepartmentUnderItself(department=department.name)
        old, new = department.path, _path(department.code, parent)
        Department.objects.below(old).update(path=Concat(Value(new), Substr("path", len(old) + 1)))
        department.parent, department.path = parent, new
        department.save(update_fields=["parent"])
        note_change(department, by=by, at=at, did="moved", department=parent.name_zh if parent else "")


def end_department(
    department: Department, *, by: User | None, at: datetime, on: date, succeeded_by: Department | None = None
) -> None:
    """Close a department from a day on; its successor answers for what it did. Raises DepartmentInUse."""
    _refuse_unless(by, "maintain_departments", at=at)
    people = department.appointments.filter(valid_on(on)).count()
    if people or department.children.valid(on).exists():
        raise DepartmentInUse(department=department.name, people=people)
    department.valid_to, department.succeeded_by = on, succeeded_by
    department.save(update_fields=["valid_to", "succeeded_by"])
    note_change(department, by=by, at=at, did="ended", on=on.isoformat())


def _path(code: str, parent: Department | None) -> str:
    return f"{parent.path if parent else '/'}{code}/"


# --- People ---


class UsernameTaken(Refusal):
    code = "username_taken"


class StaffNumberTaken(Refusal):
    code = "staff_number_taken"


def first_password() -> str:
    """A password to hand over on paper; it must be changed at the first log-in."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def create_person(*, by: User | None, at: datetime, username: str, staff_number: str, password: str, **facts) -> User:
    """Open an account for a person who has none. Raises UsernameTaken, StaffNumberTaken."""
    _refuse_unless(by, "maintain_people", at=at)
    user = User(username=username.strip().lower(), staff_number=staff_number.strip(), **facts)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if User.objects.filter(staff_number=user.staff_number).exists():
            raise StaffNumberTaken(staff_number=user.staff_number) from error
        if User.objects.filter(username=user.username).exists():
            raise UsernameTaken(username=user.username) from error
        raise
    note_change(user, by=by, at=at, did="entered")
    return user


def change_person(user: User, *, by: User | None, at: datetime, **facts) -> None:
    """Change name, phone, activity. Whoever stops being active is logged out everywhere by that alone."""
    _refuse_unless_keeps(user, by, at=at)
    changed = _set(user, facts)
    user.save(update_fields=list(facts))
    if changed:
        note_change(user, by=by, at=at, did="changed", fields=changed)
    if not user.is_active:
        sign_off(user, at=at)


def _set(row: User | Department, facts: dict) -> list[str]:
    """Put new values into a row and return the names of those that differ."""
    changed = [name for name, value in facts.items() if getattr(row, name) != value]
    for name, value in facts.items():
        setattr(row, name, value)
    return changed


def choose_language(user: User, *, language: str) -> None:
    """The language of all pages for this person, on every device."""
    user.language = language
    user.save(update_fields=["language"])


def change_own_password(user: User, *, password: str) -> None:
    """Raises Django's ValidationError when the password breaks the rules. Other sessions of this person end."""
    validate_password(password, user)
    user.set_password(password)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])


def reset_password(user: User, *, by: User | None, at: datetime) -> str:
    """Give somebody who forgot his password a first one again and return it; all his sessions end."""
    _refuse_unless_keeps(user, by, at=at)
    password = first_password()
    user.set_password(password)
    user.must_change_password = True
    user.sessions_valid_from = at
    user.save(update_fields=["password", "must_change_password", "sessions_valid_from"])
    _tell_the_owner(user, "password_reset", by=by, at=at)
    note_change(user, by=by, at=at, did="password_reset")
    return password


def log_out_everywhere(user: User, *, by: User, at: datetime) -> None:
    """End every session of this person, on all devices, and his duty. Everybody may do so with his own."""
    if by.pk != user.pk:
        _refuse_unless_keeps(user, by, at=at)
    user.sessions_valid_from = at
    user.save(update_fields=["sessions_valid_from"])
    sign_off(user, at=at)
    if by.pk != user.pk:
        _tell_the_owner(user, "sessions_ended", by=by, at=at)
        note_change(user, by=by, at=at, did="sessions_ended")


def _tell_the_owner(user: User, code: str, *, by: User | None, at: datetime) -> None:
    """Nobody's account is touched behind his back."""
    facts = {"person": by.name if by else "", "done_at": at.isoformat()}
    tell([user], code=code, facts=facts, about=str(user.public_id), url="", dedupe=f"{code}:{at.isoformat()}", at=at)


# --- Appointments 任职 ---


class TwoSides(Refusal):
    code = "two_sides"


class AppointmentOverlaps(Refusal):
    code = "appointment_overlaps"


def appoint(
    user: User,
    *,
    by: User | None,
    at: datetime,
    role: Role,
    department: Department,
    valid_from: date,
    valid_to: date | None = None,
    scope_area_code: str = "",
) -> Appointment:
    """Give somebody a role in a department from a day on. Raises TwoSides, AppointmentOverlaps.

    One account holds roles of one side only, unless the city lets both centres share a hall (office.merged_hall);
    nobody acts on both sides of one case even then.
    """
    _refuse_unless(by, "maintain_people", at=at)
    role = Role(role)
    with transaction.atomic():
        # Two appointments at once could otherwise put one person on two sides.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not settings.get("office.merged_hall", on=valid_from):
            _refuse_two_sides(user, role, valid_from=valid_from, valid_to=valid_to)
        try:
            with transaction.atomic():
                appointment = Appointment.objects.create(
                    user=user,
                    role=role,
                    department=department,
                    scope_area_code=scope_area_code,
                    valid_from=valid_from,
                    valid_to=valid_to,
                )
        except IntegrityError as error:
            raise AppointmentOverlaps(person=user.name, department=department.name) from error
    note_change(
        user, by=by, at=at, did="appointed", role=str(role), department=department.name_zh, on=valid_from.isoformat()
    )
    _forget_appointments(user)
    return appointment


def _refuse_two_sides(user: User, role: Role, *, valid_from: date, valid_to: date | None) -> None:
    held = Appointment.objects.filter(user=user).exclude(valid_to__lte=valid_from)
    if valid_to is not None:
        held = held.filter(valid_from__lt=valid_to)
    other = sides_held({Role(one.role) for one in held}) - sides_held({role})
    if other and sides_held({role}):
        raise TwoSides(
            person=user.name,
            held=[SIDE_LABELS[side] for side in sorted(other)],
            wanted=SIDE_LABELS[ROLES[role].side],
        )


def end_appointment(appointment: Appointment, *, by: User | None, at: datetime, on: date) -> None:
    """From this day on the role is no longer held. One that had not begun stays on record but never holds."""
    _refuse_unless(by, "maintain_people", at=at)
    appointment.valid_to = max(on, appointment.valid_from)
    appointment.save(update_fields=["valid_to"])
    facts = {"department": appointment.department.name_zh, "on": appointment.valid_to.isoformat()}
    note_change(appointment.user, by=by, at=at, did="appointment_ended", role=appointment.role, **facts)
    _forget_appointments(appointment.user)


def note_guides(user: User, *, roles: Collection[str]) -> None:
    """Note that the guides of these roles have opened by themselves; they do so once."""
    seen = sorted({*user.guides_seen, *(str(role) for role in roles)})
    User.objects.filter(pk=user.pk).update(guides_seen=seen)


def _forget_appointments(user: User) -> None:
    user.__dict__.pop("_all_appointments", None)


# --- Tokens for programs 令牌 ---

TOKEN_BEGINS = "city_"
TOKEN_BYTES = 32
USED_AGAIN_AFTER = timedelta(hours=1)


class TokenTooLong(Refusal):
    """A token is valid for some time, no longer; facts: days, limit."""

    code = "token_too_long"


def make_token(user: User, *, by: User, at: datetime, purpose: str, days: int) -> tuple[ApiToken, str]:
    """Return a new token of this person and its secret, which is shown once. Raises TokenTooLong.

    Everybody makes his own; who keeps the accounts makes one for somebody else, and that person is told.
    """
    if by.pk != user.pk:
        _refuse_unless_keeps(user, by, at=at)
    limit = settings.get("accounts.token_days", on=timezone.localdate(at))
    if not 0 < days <= limit:
        raise TokenTooLong(days=days, limit=limit)
    secret = TOKEN_BEGINS + secrets.token_urlsafe(TOKEN_BYTES)
    token = ApiToken.objects.create(
        user=user, purpose=purpose, token_hash=_hashed(secret), created_by=by, created_at=at,
        expires_at=at + timedelta(days=days),
    )  # fmt: skip
    _tell_the_owner(user, "token_made", by=by, at=at)
    return token, secret


def revoke_token(token: ApiToken, *, by: User, at: datetime) -> None:
    """From now on the token opens nothing. The first time counts."""
    if by.pk != token.user_id:
        _refuse_unless_keeps(token.user, by, at=at)
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=at)


def use_token(secret: str, *, at: datetime) -> ApiToken | None:
    """Return the token of this secret with its person, None where it opens nothing. One query, once an hour two."""
    found = ApiToken.objects.in_force(at).filter(token_hash=_hashed(secret)).select_related("user").first()
    if found is not None and (found.last_used_at is None or found.last_used_at < at - USED_AGAIN_AFTER):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=at)
    return found


def _hashed(secret: str) -> str:
    # 256 random bits: nobody goes through them, so one round of a plain hash is enough.
    return hashlib.sha256(secret.encode()).hexdigest()


# --- Duty 值班 ---


def longest_shift(at: datetime) -> timedelta:
    """After so long a seat that nobody gave up counts as empty."""
    return timedelta(hours=settings.get("accounts.longest_shift_hours", on=timezone.localdate(at)))


def sign_on(user: User, *, at: datetime) -> Duty:
    """Take the seat. Whoever has it already keeps it; one forgotten since an earlier shift ends first."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        open_duty = Duty.objects.filter(user=user, ended_at__isnull=True).first()
        if open_duty is not None:
            ends_at = open_duty.started_at + longest_shift(at)
            if at < ends_at:
                return open_duty
            open_duty.ended_at = ends_at
            open_duty.save(update_fields=["ended_at"])
        return Duty.objects.create(user=user, started_at=at)


def sign_off(user: User, *, at: datetime) -> None:
    """Give the seat up, if one is held."""
    Duty.objects.filter(user=user, ended_at__isnull=True, started_at__lte=at).update(ended_at=at)


# --- Rosters 排班 and contacts 联系人 ---


class NotYourDepartment(Refusal):
    code = "not_your_department"


class NotInThisTurn(Refusal):
    code = "not_in_this_turn"


def add_shift(*, by: User | None, at: datetime, name: str, begins_at: time, ends_at: time) -> Shift:
    """Name a stretch of the day; one that ends when it begins lasts a day and a night."""
    _refuse_unless(by, "keep_rosters", at=at)
    return Shift.objects.create(name=name, begins_at=begins_at, ends_at=ends_at)


def enter_turns(
    *,
    by: User | None,
    at: datetime,
    kind: str,
    department: Department,
    shift: Shift,
    user: User | None,
    role: str = "",
    weekdays: Collection[int] = (),
    on_date: date | None = None,
    class_code: str = "",
    valid_from: date,
    valid_to: date | None = None,
) -> list[RosterEntry]:
    """Put somebody on the roster: for these weekdays, or for one day, which then takes the weekday's place.

    Nobody (None) on one day: that turn is left empty. What stands there already stays and is not entered twice.
    """
    _refuse_unless(by, "keep_rosters", at=at)
    slot = {"kind": kind, "department": department, "role": role, "shift": shift, "class_code": class_code}
    days = [{"weekday": None, "on_date": on_date}] if on_date else [{"weekday": day} for day in weekdays]
    period = {"valid_from": on_date or valid_from, "valid_to": None if on_date else valid_to}
    with transaction.atomic():
        return [RosterEntry.objects.get_or_create(**slot, **day, user=user, **period)[0] for day in days]


def end_turns(entry: RosterEntry, *, by: User | None, at: datetime, on: date) -> None:
    """From this day on the entry no longer holds; one for a single day no longer counts at all."""
    _refuse_unless(by, "keep_rosters", at=at)
    entry.valid_to = entry.valid_from if entry.on_date else max(on, entry.valid_from)
    entry.save(update_fields=["valid_to"])


def hand_turn(entry: RosterEntry, *, by: User | None, at: datetime, on: date, to: User | None) -> None:
    """On one day somebody else, or nobody, has this turn; whoever shares it stays. Raises NotInThisTurn.

    Two of these are a swap 换班.
    """
    _refuse_unless(by, "keep_rosters", at=at)
    with transaction.atomic():
        # Two changes of one turn at once would each take the other's people for those of the week.
        Shift.objects.select_for_update().get(pk=entry.shift_id)
        slot = RosterEntry.objects.filter(
            department=entry.department_id,
            kind=entry.kind,
            role=entry.role,
            shift=entry.shift_id,
            class_code=entry.class_code,
        )
        there = turn(slot.about([on]).order_by("id"), on)
        if entry.user_id not in [one.user_id for one in there]:
            raise NotInThisTurn(person=entry.user.name if entry.user else "", on=on)
        users = {to.pk if one.user_id == entry.user_id and to else one.user_id for one in there}
        if to is None:
            users = {one.user_id for one in there} - {entry.user_id} or {None}
        slot.filter(on_date=on).update(valid_to=F("valid_from"))
        RosterEntry.objects.bulk_create(
            RosterEntry(
                kind=entry.kind,
                department_id=entry.department_id,
                role=entry.role,
                shift_id=entry.shift_id,
                class_code=entry.class_code,
                user_id=user,
                on_date=on,
                valid_from=on,
            )
            for user in users
        )


def keep_contact(contact: Contact | None, *, by: User | None, at: datetime, department: Department, **facts) -> Contact:
    """Write down whom to ring at a department, or change it. A department's operator keeps his own department's.

    Raises NotYourDepartment.
    """
    _refuse_unless_contacts_of(department, by, at=at)
    if contact is None:
        return Contact.objects.create(department=department, **facts)
    _refuse_unless_contacts_of(contact.department, by, at=at)
    for name, value in {"department": department, **facts}.items():
        setattr(contact, name, value)
    contact.save(update_fields=["department", *facts])
    return contact


def end_contact(contact: Contact, *, by: User | None, at: datetime) -> None:
    """Nobody rings here any more. Raises NotYourDepartment."""
    _refuse_unless_contacts_of(contact.department, by, at=at)
    contact.ended_at = at
    contact.save(update_fields=["ended_at"])


def _refuse_unless_contacts_of(department: Department, by: User | None, *, at: datetime) -> None:
    _refuse_unless(by, "keep_contacts", at=at)
    if by is not None and not may(by, "keep_rosters", at=at) and department.pk not in departments_of(by, at):
        raise NotYourDepartment(department=department.name)


# --- How somebody wants to be reached outside the program ---


def keep_reach(user: User, *, channel: str, **facts) -> None:
    """Somebody's own wish for one channel."""
    Reach.objects.update_or_create(user=user, channel=channel, defaults=facts)


# --- Notices 公告 ---


def publish_notice(notice: Notice, *, by: User, at: datetime) -> Notice:
    """Keep a new notice. Whoever speaks for one side only reaches nobody beyond it and his centre."""
    reach = notice_reach(by, at=at)
    if reach is None:
        raise PermissionDenied
    roles, centre = reach
    if not set(notice.roles) <= set(roles):
        raise PermissionDenied
    if centre is not None:
        notice.department = centre
        notice.roles = notice.roles or [str(role) for role in roles]
    notice.made_by, notice.made_at = by, at
    notice.save(force_insert=True)
    return notice


def withdraw_notice(notice: Notice, *, by: User, at: datetime) -> None:
    """Take a notice back; a second time changes nothing."""
    if not may_withdraw(by, notice, at=at):
        raise PermissionDenied
    Notice.objects.filter(pk=notice.pk, withdrawn_at__isnull=True).update(withdrawn_by=by, withdrawn_at=at)


def read_notice(notice: Notice, *, by: User, at: datetime) -> None:
    """Note that somebody has read a notice that concerns him; the first time counts."""
    if not Notice.objects.for_appointments(appointments_of(by, at)).filter(pk=notice.pk).exists():
        raise PermissionDenied
    NoticeReading.objects.get_or_create(notice=notice, user=by, defaults={"read_at": at})


# --- Handing a shift over 交接班 ---


class HandOverWaiting(Refusal):
    """Another hand-over of this desk has not been taken over yet; facts: person."""

    code = "hand_over_waiting"


class OwnHandOver(Refusal):
    """Nobody takes over from himself."""

    code = "own_hand_over"


def hand_over(*, by: User, shift: Shift | None, notes: str, figures: dict, at: datetime) -> HandOver:
    """Sign the desk of one's centre over to the next shift. Raises HandOverWaiting."""
    appointment = desk_handed_over(by, at=at)
    if appointment is None:
        raise PermissionDenied
    desk = {"centre": appointment.department, "side": ROLES[appointment.role].side}
    try:
        with transaction.atomic():
            return HandOver.objects.create(**desk, shift=shift, given_by=by, given_at=at, notes=notes, figures=figures)
    except IntegrityError:
        waiting = HandOver.objects.filter(**desk, taken_at__isnull=True).select_related("given_by").first()
        raise HandOverWaiting(person=str(waiting.given_by) if waiting else "") from None


def take_over(sheet: HandOver, *, by: User, at: datetime) -> None:
    """Take over what somebody else of the same desk handed over. Raises OwnHandOver; the first to take it has it."""
    appointment = desk_handed_over(by, at=at)
    if appointment is None or (appointment.department_id, ROLES[appointment.role].side) != (
        sheet.centre_id,
        sheet.side,
    ):
        raise PermissionDenied
    if sheet.given_by_id == by.pk:
        raise OwnHandOver
    HandOver.objects.filter(pk=sheet.pk, taken_at__isnull=True).update(taken_by=by, taken_at=at)
