"""Departments over time, one account for one person, one side for one account, seats on duty."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from accounts import actions
from accounts.models import Appointment, Department, Duty, User
from accounts.permissions import appointments_of
from accounts.roles import Role
from office import settings
from office.models import Message
from tests.factories import (
    PASSWORD,
    AppointmentFactory,
    DepartmentFactory,
    UserFactory,
    command_centre,
    person,
    supervision_centre,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
TODAY = date(2026, 3, 2)
SYSTEM = {"by": None, "at": AT}


def found(code, parent=None, **facts) -> Department:
    return actions.create_department(
        **SYSTEM, code=code, parent=parent, name_zh=code, kind=Department.Kind.DEPARTMENT, valid_from=TODAY, **facts
    )


# --- Only the administrator maintains ---


@pytest.mark.parametrize("role", [None, *(role for role in Role if role != Role.ADMINISTRATOR)])
def test_nobody_but_the_administrator_changes_departments_or_people(role):
    somebody, body, user = person(role), DepartmentFactory(), UserFactory()
    appointment = AppointmentFactory()
    act = {"by": somebody, "at": AT}
    attempts = [
        lambda: actions.create_department(**act, code="x", name_zh="x", kind="department", valid_from=TODAY),
        lambda: actions.change_department(body, **act, name_zh="x"),
        lambda: actions.move_department(body, **act, parent=None),
        lambda: actions.end_department(body, **act, on=TODAY),
        lambda: actions.create_person(**act, username="x", staff_number="x", password=PASSWORD, name_zh="x"),
        lambda: actions.change_person(user, **act, name_zh="x"),
        lambda: actions.reset_password(user, **act),
        lambda: actions.log_out_everywhere(user, **act),
        lambda: actions.appoint(user, **act, role=Role.ADMINISTRATOR, department=body, valid_from=TODAY),
        lambda: actions.end_appointment(appointment, **act, on=TODAY),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            attempt()


def test_the_administrator_appoints():
    administrator, user, centre = person(Role.ADMINISTRATOR), UserFactory(), command_centre()
    actions.appoint(user, by=administrator, at=AT, role=Role.DISPATCHER, department=centre, valid_from=TODAY)
    assert [one.role for one in appointments_of(user, AT)] == [Role.DISPATCHER]


# --- Departments ---


def test_a_department_knows_the_way_down_to_it():
    city = found("city")
    assert found("san", parent=city).path == "/city/san/"


def test_a_code_belongs_to_one_department():
    found("san")
    with pytest.raises(actions.DepartmentCodeTaken):
        found("san")


def test_what_hangs_below_moves_along():
    old, new = found("old"), found("new")
    bureau = found("bureau", parent=old)
    crew = found("crew", parent=bureau)
    actions.move_department(bureau, **SYSTEM, parent=new)
    crew.refresh_from_db()
    assert (bureau.path, crew.path) == ("/new/bureau/", "/new/bureau/crew/")
    actions.move_department(bureau, **SYSTEM, parent=None)
    crew.refresh_from_db()
    assert (bureau.parent, crew.path) == (None, "/bureau/crew/")


@pytest.mark.parametrize("onto", ["itself", "child"])
def test_nothing_hangs_below_itself(onto):
    bureau = found("bureau")
    child = found("child", parent=bureau)
    with pytest.raises(actions.DepartmentUnderItself):
        actions.move_department(bureau, **SYSTEM, parent={"itself": bureau, "child": child}[onto])


def test_a_merged_department_ends_and_names_its_successor():
    old, new = found("old"), found("new")
    actions.end_department(old, **SYSTEM, on=date(2026, 4, 1), succeeded_by=new)
    assert set(Department.objects.valid(date(2026, 3, 31))) == {old, new}
    assert set(Department.objects.valid(date(2026, 4, 1))) == {new}


def test_a_department_with_people_or_children_does_not_end():
    bureau = found("bureau")
    child = found("child", parent=bureau)
    with pytest.raises(actions.DepartmentInUse):
        actions.end_department(bureau, **SYSTEM, on=date(2026, 4, 1))
    person(Role.HANDLER, department=child)
    with pytest.raises(actions.DepartmentInUse):
        actions.end_department(child, **SYSTEM, on=date(2026, 4, 1))


def test_the_database_refuses_a_successor_of_a_living_department():
    old, new = found("old"), found("new")
    with pytest.raises(IntegrityError), transaction.atomic():
        Department.objects.filter(pk=old.pk).update(succeeded_by=new)


# --- People ---


def test_one_person_has_one_account():
    actions.create_person(**SYSTEM, username="Xu.Zhi", staff_number="A1", password=PASSWORD, name_zh="许知")
    with pytest.raises(actions.StaffNumberTaken):
        actions.create_person(**SYSTEM, username="xu2", staff_number="A1", password=PASSWORD, name_zh="许知")
    with pytest.raises(actions.UsernameTaken):
        actions.create_person(**SYSTEM, username="XU.ZHI", staff_number="A2", password=PASSWORD, name_zh="许志")


def test_capital_letters_in_a_user_name_lock_nobody_out():
    made = actions.create_person(**SYSTEM, username="Xu.Zhi", staff_number="A1", password=PASSWORD, name_zh="许知")
    assert User.objects.get_by_natural_key(" XU.zhi ") == made


def test_a_new_person_must_choose_a_password():
    made = actions.create_person(**SYSTEM, username="xu", staff_number="A1", password=PASSWORD, name_zh="许知")
    assert made.must_change_password
    actions.change_own_password(made, password="san-shan-wu-yue")
    made.refresh_from_db()
    assert not made.must_change_password
    assert made.check_password("san-shan-wu-yue")


@pytest.mark.parametrize("poor", ["short-1", "1234567890", "password123", "zhixuyuan1"])
def test_a_poor_password_is_refused(poor):
    user = UserFactory(username="zhixuyuan")
    with pytest.raises(ValidationError):
        actions.change_own_password(user, password=poor)


def test_a_reset_password_ends_all_sessions_and_is_told():
    user = UserFactory()
    before = user.get_session_auth_hash()
    first = actions.reset_password(user, **SYSTEM)
    user.refresh_from_db()
    assert user.check_password(first)
    assert user.must_change_password
    assert user.get_session_auth_hash() != before
    assert Message.objects.get(recipient=user).code == "password_reset"


def test_first_passwords_keep_the_rules_and_differ():
    made = {actions.first_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        actions.change_own_password(UserFactory(), password=password)


# --- Appointments ---

SIDES = [Role.DUTY_LEADER, Role.DISPATCHER, Role.DEPARTMENT_OPERATOR]


@pytest.mark.parametrize("held", SIDES)
@pytest.mark.parametrize("wanted", SIDES)
def test_an_account_holds_roles_of_one_side_only(held, wanted):
    user = person(held)
    give = lambda: actions.appoint(user, **SYSTEM, role=wanted, department=DepartmentFactory(), valid_from=TODAY)  # noqa: E731
    if held == wanted:
        assert give().role == wanted
    else:
        with pytest.raises(actions.TwoSides) as refused:
            give()
        assert refused.value.facts["person"] == user.name


@pytest.mark.parametrize("held", SIDES)
@pytest.mark.parametrize("neutral", [Role.LEADER, Role.ADMINISTRATOR])
def test_leading_and_administering_bind_no_side(held, neutral):
    user = person(held)
    actions.appoint(user, **SYSTEM, role=neutral, department=DepartmentFactory(), valid_from=TODAY)
    assert {one.role for one in appointments_of(user, AT)} == {held, neutral}


def test_in_a_merged_hall_one_account_may_hold_both_centres():
    settings.set_value("office.merged_hall", True, by=None, at=AT, valid_from=TODAY)
    user = person(Role.DUTY_LEADER, department=supervision_centre())
    actions.appoint(user, **SYSTEM, role=Role.DISPATCHER, department=command_centre(), valid_from=TODAY)
    assert {one.role for one in appointments_of(user, AT)} == {Role.DUTY_LEADER, Role.DISPATCHER}


def test_changing_sides_is_possible_one_after_the_other():
    user, centre = UserFactory(), command_centre()
    old = AppointmentFactory(user=user, role=Role.DUTY_LEADER)
    actions.end_appointment(old, **SYSTEM, on=TODAY)
    actions.appoint(user, **SYSTEM, role=Role.DISPATCHER, department=centre, valid_from=TODAY)
    assert [one.role for one in appointments_of(user, AT)] == [Role.DISPATCHER]


def test_a_role_to_come_counts_too():
    user = UserFactory()
    AppointmentFactory(user=user, role=Role.DUTY_LEADER, valid_from=date(2026, 6, 1))
    appoint = {"role": Role.DISPATCHER, "department": command_centre(), "valid_from": TODAY}
    with pytest.raises(actions.TwoSides):
        actions.appoint(user, **SYSTEM, **appoint)
    actions.appoint(user, **SYSTEM, **appoint, valid_to=date(2026, 6, 1))


def test_the_same_appointment_twice_at_a_time_is_refused():
    user, centre = UserFactory(), command_centre()
    appoint = {"role": Role.DISPATCHER, "department": centre}
    actions.appoint(user, **SYSTEM, **appoint, valid_from=TODAY, valid_to=date(2026, 4, 1))
    with pytest.raises(actions.AppointmentOverlaps):
        actions.appoint(user, **SYSTEM, **appoint, valid_from=date(2026, 3, 31))
    actions.appoint(user, **SYSTEM, **appoint, valid_from=date(2026, 4, 1))


def test_an_appointment_ended_before_it_began_never_holds_but_stays_on_record():
    appointment = AppointmentFactory(valid_from=date(2026, 6, 1))
    actions.end_appointment(appointment, **SYSTEM, on=TODAY)
    assert Appointment.objects.get() == appointment
    assert not Appointment.objects.valid(date(2026, 6, 1)).exists()


# --- Duty ---


def on_duty(at) -> set[User]:
    return {duty.user for duty in Duty.objects.on_duty(at, longest=actions.longest_shift(at))}


def test_a_seat_is_taken_and_given_up():
    user = UserFactory()
    actions.sign_on(user, at=AT)
    assert on_duty(AT) == {user}
    assert on_duty(AT - timedelta(seconds=1)) == set()
    actions.sign_off(user, at=AT + timedelta(hours=8))
    assert on_duty(AT + timedelta(hours=7)) == {user}
    assert on_duty(AT + timedelta(hours=8)) == set()


def test_taking_the_seat_twice_keeps_it():
    user = UserFactory()
    assert actions.sign_on(user, at=AT) == actions.sign_on(user, at=AT + timedelta(hours=1))


def test_a_forgotten_seat_is_empty_after_the_longest_shift():
    user = UserFactory()
    actions.sign_on(user, at=AT)
    assert on_duty(AT + timedelta(hours=14)) == set()
    actions.sign_on(user, at=AT + timedelta(hours=24))
    first, second = Duty.objects.order_by("started_at")
    assert first.ended_at == AT + timedelta(hours=14)
    assert (second.started_at, second.ended_at) == (AT + timedelta(hours=24), None)


def test_signing_off_without_a_seat_is_nothing():
    actions.sign_off(UserFactory(), at=AT)
    assert not Duty.objects.exists()
