"""Who somebody is, whom he answers to, what he may do."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Department
from accounts.permissions import (
    PERMISSIONS,
    acting,
    appointments_of,
    departments_of,
    may,
    may_read_vault,
    superiors_of,
    topics_of,
)
from accounts.roles import Role, Side
from tests.factories import AppointmentFactory, DepartmentFactory, UserFactory, command_centre, person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))

# Every role, and what it may do in the maintenance pages and with reporters' data. Nothing else.
MAY = {
    Role.COLLECTOR: set(),
    Role.ACCEPTANCE_OPERATOR: {"see_departments", "read_vault"},
    Role.DUTY_LEADER: {
        "see_departments",
        "see_people",
        "read_vault",
        "hand_over",
        "keep_rosters",
        "keep_contacts",
        "keep_phrases",
        "keep_notices",
        "see_deliveries",
    },
    Role.VIDEO_OPERATOR: {"see_departments"},
    Role.INSPECTOR: {"see_departments", "see_history", "see_readings"},
    Role.EVALUATOR: {"see_departments"},
    Role.DISPATCHER: {"see_departments", "hand_over"},
    Role.COMMANDER: {
        "see_departments",
        "see_people",
        "hand_over",
        "keep_rosters",
        "keep_contacts",
        "keep_phrases",
        "keep_notices",
        "see_deliveries",
    },
    Role.DEPARTMENT_OPERATOR: {"see_departments", "keep_contacts"},
    Role.HANDLER: set(),
    Role.LEADER: {"see_departments", "see_people"},
    Role.ADMINISTRATOR: {
        "see_departments",
        "see_people",
        "maintain_departments",
        "maintain_people",
        "maintain_settings",
        "see_health",
        "keep_rosters",
        "keep_contacts",
        "keep_phrases",
        "keep_notices",
        "see_deliveries",
        "see_history",
        "see_changes",
        "see_readings",
        "maintain_retention",
    },
}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_exactly_what_is_written_down(role):
    user = person(role)
    assert {what for what in PERMISSIONS if may(user, what, at=AT)} == MAY[role]


def test_whoever_holds_no_role_may_do_nothing():
    user = person()
    assert not any(may(user, what, at=AT) for what in PERMISSIONS)


def test_whoever_left_may_do_nothing_even_with_an_appointment():
    user = person(Role.ADMINISTRATOR, is_active=False, is_superuser=True)
    assert not any(may(user, what, at=AT) for what in PERMISSIONS)


def test_the_founder_of_an_installation_maintains_it_and_reads_no_vault():
    founder = UserFactory(is_superuser=True)
    assert may(founder, "maintain_people", at=AT)
    assert not may_read_vault(founder, at=AT)


def test_an_operator_who_also_works_for_a_department_reads_no_vault():
    operator = person(Role.ACCEPTANCE_OPERATOR)
    assert may_read_vault(operator, at=AT)
    torn = person(Role.ACCEPTANCE_OPERATOR)
    AppointmentFactory(user=torn, role=Role.HANDLER)
    assert not may_read_vault(torn, at=AT)


def test_an_appointment_holds_from_its_first_day_until_the_day_before_its_end():
    user = UserFactory()
    AppointmentFactory(user=user, valid_from=date(2026, 3, 2), valid_to=date(2026, 3, 4))
    hours = {day: bool(appointments_of(user, AT.replace(day=day))) for day in (1, 2, 3, 4)}
    assert hours == {1: False, 2: True, 3: True, 4: False}


def test_the_day_of_an_appointment_is_the_citys_day():
    user = UserFactory()
    AppointmentFactory(user=user, valid_from=date(2026, 3, 2))
    # 2026-03-01 16:30 in Greenwich is half past midnight of 2 March here.
    assert appointments_of(user, datetime(2026, 3, 1, 16, 30, tzinfo=ZoneInfo("UTC")))
    assert not appointments_of(user, datetime(2026, 3, 1, 15, 30, tzinfo=ZoneInfo("UTC")))


def test_asking_again_costs_no_query(django_assert_num_queries):
    user = person(Role.DISPATCHER)
    with django_assert_num_queries(1):
        assert acting(user, side=Side.COMMAND, at=AT).department.name_zh
        assert acting(user, side=Side.SUPERVISION, at=AT) is None
        assert acting(user, roles={Role.DISPATCHER, Role.COMMANDER}, at=AT)


def test_a_department_includes_all_below_it_but_not_its_neighbour_with_a_longer_code():
    bureau = DepartmentFactory(code="san")
    team = DepartmentFactory(code="team", parent=bureau)
    crew = DepartmentFactory(code="crew", parent=team)
    neighbour = DepartmentFactory(code="sanitary")
    operator = person(Role.DEPARTMENT_OPERATOR, department=bureau)
    assert departments_of(operator, AT) == {bureau.pk, team.pk, crew.pk}
    assert departments_of(person(Role.DEPARTMENT_OPERATOR, department=neighbour), AT) == {neighbour.pk}
    assert departments_of(person(), AT) == frozenset()


def test_a_page_listens_to_its_person_his_centre_his_departments():
    bureau = DepartmentFactory()
    team = DepartmentFactory(parent=bureau)
    operator = person(Role.DEPARTMENT_OPERATOR, department=bureau)
    assert set(topics_of(operator, AT)) == {
        f"user:{operator.pk}",
        f"department:{bureau.pk}",
        f"department:{team.pk}",
    }
    centre = command_centre()
    dispatcher = person(Role.DISPATCHER, department=centre)
    assert set(topics_of(dispatcher, AT)) == {
        f"user:{dispatcher.pk}",
        f"centre:{centre.pk}",
    }


# --- Superiors ---


def test_a_collector_answers_to_the_duty_leader_of_his_centre():
    centre, elsewhere = DepartmentFactory(), DepartmentFactory()
    collector = person(Role.COLLECTOR, department=centre)
    duty_leader = person(Role.DUTY_LEADER, department=centre)
    person(Role.DUTY_LEADER, department=elsewhere)
    assert superiors_of(collector, at=AT) == [duty_leader]


def test_a_collector_of_a_contractor_answers_to_the_duty_leader_of_the_centre_above():
    centre = DepartmentFactory()
    contractor = DepartmentFactory(parent=centre, kind=Department.Kind.CONTRACTOR)
    duty_leader = person(Role.DUTY_LEADER, department=centre)
    assert superiors_of(person(Role.COLLECTOR, department=contractor), at=AT) == [duty_leader]


def test_a_dispatcher_answers_to_the_commander_and_only_without_one_to_the_leader():
    centre = command_centre()
    dispatcher = person(Role.DISPATCHER, department=centre)
    leader = person(Role.LEADER, department=centre)
    assert superiors_of(dispatcher, at=AT) == [leader]
    commander = person(Role.COMMANDER, department=centre)
    assert superiors_of(dispatcher, at=AT) == [commander]


def test_nobody_is_his_own_superior():
    centre = command_centre()
    everything = person(Role.DISPATCHER, department=centre)
    AppointmentFactory(user=everything, role=Role.COMMANDER, department=centre)
    leader = person(Role.LEADER, department=centre)
    assert superiors_of(everything, at=AT) == [leader]


def test_above_a_department_stands_its_leader_then_the_desk_above_then_the_commander():
    commander = person(Role.COMMANDER, department=command_centre())
    bureau = DepartmentFactory()
    team = DepartmentFactory(parent=bureau)
    team_desk = person(Role.DEPARTMENT_OPERATOR, department=team)
    assert superiors_of(team, at=AT) == [commander]
    assert superiors_of(team_desk, at=AT) == [commander]
    bureau_desk = person(Role.DEPARTMENT_OPERATOR, department=bureau)
    assert superiors_of(team, at=AT) == [bureau_desk]
    team_leader = person(Role.LEADER, department=team)
    assert superiors_of(team, at=AT) == [team_leader]


def test_whoever_left_or_whose_time_is_over_is_nobodys_superior():
    centre = DepartmentFactory()
    collector = person(Role.COLLECTOR, department=centre)
    person(Role.DUTY_LEADER, department=centre, is_active=False)
    AppointmentFactory(role=Role.DUTY_LEADER, department=centre, valid_to=date(2026, 3, 2))
    assert superiors_of(collector, at=AT) == []
