"""Who is on duty now: signed on, on the roster, on call, reached by telephone; at last the whole desk, or nobody."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import actions
from accounts.models import Appointment, Contact, RosterEntry, Shift, User
from accounts.permissions import nearest_holders, superiors_of
from accounts.roles import Role
from accounts.rosters import Staff, on_duty_now, runs, turn
from tests.county import LONG_AGO, MONDAY, County, beijing
from tests.factories import person

pytestmark = pytest.mark.django_db

NATIONAL_DAY_AT_THREE = beijing(2026, 10, 1, 3)  # a Thursday; its night began on Wednesday


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def night(db) -> Shift:
    return Shift.objects.create(name="夜班", begins_at=time(20), ends_at=time(8))


@pytest.fixture
def dispatchers(county) -> list[User]:
    return [county.dispatcher, person(Role.DISPATCHER, department=county.departments["command"], name_zh="夜猫")]


def seat(county, shift, user, **days) -> list[RosterEntry]:
    return actions.enter_turns(
        by=county.administrator, at=MONDAY, kind="seat", role=Role.DISPATCHER, shift=shift, user=user,
        department=county.departments["command"], valid_from=LONG_AGO, **days,
    )  # fmt: skip


def dispatchers_at(county, at) -> set[str]:
    return {one.name_zh for one in on_duty_now(Role.DISPATCHER, county.departments["command"], at=at).people}


# — the roster —


def test_a_night_shift_belongs_to_the_day_on_which_it_began():
    night = Shift(begins_at=time(20), ends_at=time(8))
    assert runs(night, beijing(2026, 3, 2, 23)) == date(2026, 3, 2)
    assert runs(night, beijing(2026, 3, 3, 7, 59)) == date(2026, 3, 2)
    assert runs(night, beijing(2026, 3, 3, 8)) is None
    assert runs(Shift(begins_at=time(8), ends_at=time(8)), beijing(2026, 3, 3, 7)) == date(2026, 3, 2)


def test_at_three_in_the_night_of_a_holiday_whoever_has_that_night_is_found(county, night, dispatchers):
    seat(county, night, dispatchers[1], weekdays=[2])  # Wednesday
    assert dispatchers_at(county, NATIONAL_DAY_AT_THREE) == {"夜猫"}
    assert dispatchers_at(county, beijing(2026, 10, 2, 3)) == {"夜猫", county.dispatcher.name_zh}  # the whole desk


def test_a_day_of_its_own_takes_the_weekdays_place_and_may_stay_empty(county, night, dispatchers):
    seat(county, night, dispatchers[1], weekdays=range(7))
    seat(county, night, dispatchers[0], on_date=date(2026, 9, 30))
    assert dispatchers_at(county, NATIONAL_DAY_AT_THREE) == {county.dispatcher.name_zh}
    seat(county, night, None, on_date=date(2026, 10, 1))
    assert dispatchers_at(county, beijing(2026, 10, 2, 3)) == {"夜猫", county.dispatcher.name_zh}
    assert dispatchers_at(county, beijing(2026, 10, 3, 3)) == {"夜猫"}


def test_two_hand_overs_are_a_swap_and_the_week_stays(county, night, dispatchers):
    one, other = dispatchers
    [wednesday], [thursday] = seat(county, night, one, weekdays=[2]), seat(county, night, other, weekdays=[3])
    by = county.duty_leader
    actions.hand_turn(wednesday, by=by, at=MONDAY, on=date(2026, 9, 30), to=other)
    actions.hand_turn(thursday, by=by, at=MONDAY, on=date(2026, 10, 1), to=one)
    assert dispatchers_at(county, NATIONAL_DAY_AT_THREE) == {"夜猫"}
    assert dispatchers_at(county, beijing(2026, 10, 2, 3)) == {one.name_zh}
    assert dispatchers_at(county, beijing(2026, 10, 8, 3)) == {one.name_zh}


def test_nobody_hands_over_a_turn_that_he_does_not_have(county, night, dispatchers):
    [entry] = seat(county, night, dispatchers[0], weekdays=[2])
    with pytest.raises(actions.NotInThisTurn):
        actions.hand_turn(entry, by=county.duty_leader, at=MONDAY, on=date(2026, 10, 1), to=dispatchers[1])


def test_an_entry_that_ended_no_longer_counts(county, night, dispatchers):
    [weekly] = seat(county, night, dispatchers[1], weekdays=[2])
    actions.end_turns(weekly, by=county.duty_leader, at=MONDAY, on=date(2026, 9, 1))
    assert len(dispatchers_at(county, NATIONAL_DAY_AT_THREE)) == 2


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6) | st.none(), st.integers(0, 3)), max_size=8))
def test_of_one_desk_and_shift_a_day_has_its_own_people_or_those_of_the_week_never_both(rows):
    day = date(2026, 9, 30)
    entries = [
        RosterEntry(
            pk=number, department_id=1, kind="seat", role="dispatcher", shift_id=shift, user_id=user or None,
            weekday=weekday, on_date=None if weekday is not None else day, valid_from=LONG_AGO,
        )
        for number, (shift, weekday, user) in enumerate(rows)
    ]  # fmt: skip
    for shift in range(3):
        found = [one for one in turn(entries, day) if one.shift_id == shift]
        own = [one for one in entries if one.shift_id == shift and one.on_date]
        assert all(one.on_date for one in found) if own else all(one.weekday == day.weekday() for one in found)


# — signed on, on call, by telephone —


def test_signed_on_and_rostered_count_alike_so_that_a_forgotten_log_off_silences_nobody(county, night, dispatchers):
    seat(county, night, dispatchers[1], weekdays=[2])
    actions.sign_on(dispatchers[0], at=beijing(2026, 9, 30, 18))
    assert len(dispatchers_at(county, NATIONAL_DAY_AT_THREE)) == 2


def of_sanitation(county, at, class_code: str = "06003"):
    return on_duty_now(Role.DEPARTMENT_OPERATOR, county.sanitation_bureau, at=at, class_code=class_code)


def test_on_call_is_by_department_and_class(county, night):
    actions.enter_turns(
        by=county.duty_leader, at=MONDAY, kind="on_call", department=county.sanitation_bureau, shift=night,
        user=county.handler, class_code="06", weekdays=range(7), valid_from=LONG_AGO,
    )  # fmt: skip
    assert of_sanitation(county, NATIONAL_DAY_AT_THREE).people == (county.handler,)
    assert of_sanitation(county, NATIONAL_DAY_AT_THREE, "01001").how == "desk"
    assert of_sanitation(county, beijing(2026, 10, 1, 9)).how == "desk"


def test_with_nobody_on_duty_the_first_contact_of_this_hour_is_found(county):
    keep = {"by": county.sanitation, "at": MONDAY, "department": county.sanitation_bureau}
    actions.keep_contact(None, **keep, name="白天", mobile="1", sort=1, from_time=time(8), to_time=time(18))
    actions.keep_contact(None, **keep, name="夜里", mobile="2", sort=2, from_time=time(18), to_time=time(8))
    found = of_sanitation(county, NATIONAL_DAY_AT_THREE)
    assert (found.how, [one.name for one in found.contacts]) == ("contact", ["夜里"])
    assert found.people == (county.sanitation,)  # a number alone is not enough
    Contact.objects.filter(name="夜里").update(user=county.handler)
    found = of_sanitation(county, NATIONAL_DAY_AT_THREE)
    assert (found.people, found.contacts) == ((county.handler,), ())


def test_a_departments_operator_keeps_the_contacts_of_his_own_department_only(county):
    with pytest.raises(actions.NotYourDepartment):
        actions.keep_contact(
            None, by=county.water, at=MONDAY, department=county.sanitation_bureau, name="某人", mobile="1"
        )
    assert actions.keep_contact(
        None, by=county.duty_leader, at=MONDAY, department=county.sanitation_bureau, name="某人", mobile="1"
    )


def test_where_nobody_is_appointed_nobody_is_found(county):
    Appointment.objects.filter(user=county.sanitation).delete()
    assert of_sanitation(county, NATIONAL_DAY_AT_THREE).how == "nobody"


# — from memory as from the database —


def test_the_staff_in_memory_answers_as_the_database_does(county, django_assert_max_num_queries):
    users, bodies = list(User.objects.all()), list(county.departments.values())
    above = {user.pk: {one.pk for one in superiors_of(user, at=MONDAY)} for user in users}
    over = {body.pk: {one.pk for one in superiors_of(body, at=MONDAY)} for body in bodies}
    near = {(role, body.pk): nearest_holders(role, body, MONDAY) for role in Role for body in bodies}
    with django_assert_max_num_queries(1):
        staff = Staff(MONDAY)
        assert {user.pk: {one.pk for one in staff.superiors_of(user)} for user in users} == above
        assert {body.pk: {one.pk for one in staff.superiors_of(body)} for body in bodies} == over
        assert {(role, body.pk): staff.nearest(role, body) for role in Role for body in bodies} == near
