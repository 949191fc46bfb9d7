"""Logging in, one's own account, the maintenance pages: who gets in, and what they do."""

import re
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Appointment, Department, Duty, User
from accounts.roles import Role
from office import settings
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

LOGIN = "/accounts/login/"
MOST_QUERIES = 12


def log_in(user, password=PASSWORD, browser=None, **more):
    return (browser or Client()).post(LOGIN, {"username": user.username, "password": password, **more})


def text_of(response) -> str:
    return response.content.decode()


@pytest.fixture
def administrator():
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def desk(seat, administrator):
    return seat(administrator)


# --- Logging in ---


def test_the_right_password_opens_the_house():
    response = log_in(person(Role.DISPATCHER))
    assert (response.status_code, response["Location"]) == (302, "/")


def test_capital_letters_in_the_user_name_do_not_matter():
    user = person(Role.DISPATCHER, username="wangwei")
    assert Client().post(LOGIN, {"username": "WangWei", "password": PASSWORD}).status_code == 302
    assert log_in(user).status_code == 302


@pytest.mark.parametrize("facts", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(facts):
    user = person(Role.DISPATCHER)
    typed = {"username": user.username, "password": PASSWORD} | facts
    response = Client(headers={"Cookie": ""}).post(LOGIN, typed)
    assert response.status_code == 200
    assert "wangwei" not in text_of(response)
    assert response.context["form"].non_field_errors()


def test_whoever_left_does_not_get_in():
    assert log_in(person(Role.DISPATCHER, is_active=False)).status_code == 200


def test_logging_in_makes_a_new_session():
    browser, user = Client(), person(Role.DISPATCHER)
    browser.get(LOGIN)
    browser.session.save()
    before = browser.session.session_key
    log_in(user, browser=browser)
    assert browser.session.session_key != before


def test_one_is_led_back_to_where_one_wanted_to_go_but_never_out_of_the_house():
    user = person(Role.DISPATCHER)
    assert log_in(user, next="/messages/")["Location"] == "/messages/"
    assert log_in(user, next="https://evil.example/")["Location"] == "/"


def test_six_wrong_passwords_close_the_door_in_words(settings):
    settings.AXES_ENABLED = True
    user, other = person(Role.DISPATCHER), person(Role.DISPATCHER)
    for _ in range(5):
        assert log_in(user, "wrong").status_code == 200
    closed = log_in(user, "wrong")
    assert closed.status_code == 429
    assert "15" in closed.context["refusal"]
    assert log_in(user).status_code == 429
    assert log_in(other).status_code == 302


def test_the_lock_counts_wrong_passwords_too(settings, seat):
    settings.AXES_ENABLED = True
    browser = seat(person(Role.DISPATCHER))
    statuses = [browser.post("/accounts/lock/", {"password": "wrong"}).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


@pytest.mark.parametrize(
    ("role", "takes_a_seat"),
    [(Role.ACCEPTANCE_OPERATOR, True), (Role.DISPATCHER, True), (Role.LEADER, False), (Role.ADMINISTRATOR, False)],
)
def test_logging_in_at_a_desk_takes_the_seat_and_logging_out_gives_it_up(role, takes_a_seat):
    browser, user = Client(), person(role)
    log_in(user, browser=browser)
    assert Duty.objects.filter(user=user, ended_at=None).exists() is takes_a_seat
    browser.post("/accounts/logout/")
    assert not Duty.objects.filter(user=user, ended_at=None).exists()
    assert browser.get("/messages/")["Location"].startswith(LOGIN)


def test_a_break_does_not_need_a_log_out(seat):
    operator = person(Role.ACCEPTANCE_OPERATOR)
    browser = seat(operator)
    browser.post("/accounts/duty/", {"on": "yes"})
    assert Duty.objects.filter(user=operator, ended_at=None).exists()
    browser.post("/accounts/duty/", {"on": "no"})
    assert not Duty.objects.filter(user=operator, ended_at=None).exists()


def test_a_leader_has_no_seat_to_take(seat):
    assert seat(person(Role.LEADER)).post("/accounts/duty/", {"on": "yes"}).status_code == 403


# --- One's own account ---


def test_the_own_page_shows_what_one_is(seat):
    operator = person(Role.DEPARTMENT_OPERATOR, department=DepartmentFactory(name_zh="春秋环卫所"))
    page = text_of(seat(operator).get("/accounts/profile/"))
    assert operator.name_zh in page
    assert "春秋环卫所" in page


def test_choosing_a_password_keeps_this_session_and_ends_the_others(seat):
    user = person(Role.DISPATCHER)
    here, there = seat(user), seat(user)
    typed = {"old": PASSWORD, "new": "san-shan-wu-yue", "again": "san-shan-wu-yue", "next": "/messages/"}
    assert here.post("/accounts/password/", typed)["Location"] == "/messages/"
    assert here.get("/messages/").status_code == 200
    assert there.get("/messages/")["Location"].startswith(LOGIN)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"old": "wrong"}, "old"),
        ({"again": "something-else"}, "again"),
        ({"new": "12345678", "again": "12345678"}, "new"),
        ({"new": PASSWORD, "again": PASSWORD}, "new"),
    ],
)
def test_a_password_that_does_not_do_is_said_beside_its_field(seat, typed, field):
    browser = seat(person(Role.DISPATCHER))
    typed = {"old": PASSWORD, "new": "san-shan-wu-yue", "again": "san-shan-wu-yue"} | typed
    assert field in browser.post("/accounts/password/", typed).context["form"].errors


# --- Who gets into the maintenance pages ---

PAGES = {
    "/maintenance/": {
        Role.ADMINISTRATOR,
        *(role for role in Role if role not in {Role.HANDLER, Role.COLLECTOR}),
    },
    "/maintenance/departments/": {role for role in Role if role not in {Role.HANDLER, Role.COLLECTOR}},
    "/maintenance/departments/new/": {Role.ADMINISTRATOR},
    "/maintenance/people/": {Role.ADMINISTRATOR, Role.LEADER, Role.DUTY_LEADER, Role.COMMANDER},
    "/maintenance/people/new/": {Role.ADMINISTRATOR},
    "/maintenance/settings/": {Role.ADMINISTRATOR},
    "/maintenance/settings/accounts.idle_minutes/": {Role.ADMINISTRATOR},
    "/maintenance/messages/": {Role.ADMINISTRATOR},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_its_pages_and_no_others(seat, role, django_assert_max_num_queries):
    browser = seat(person(role))
    seen = set()
    for page in PAGES:
        with django_assert_max_num_queries(MOST_QUERIES):
            response = browser.get(page)
        assert response.status_code in {200, 403}
        if response.status_code == 200:
            seen.add(page)
    assert seen == {page for page, readers in PAGES.items() if role in readers}


@pytest.mark.parametrize("role", [None, *(role for role in Role if role != Role.ADMINISTRATOR)])
def test_nobody_else_changes_anything(seat, role):
    browser, body, user, appointment = seat(person(role)), DepartmentFactory(), UserFactory(), AppointmentFactory()
    doors = [
        "/maintenance/departments/new/",
        f"/maintenance/departments/{body.public_id}/",
        f"/maintenance/departments/{body.public_id}/end/",
        "/maintenance/people/new/",
        f"/maintenance/people/{user.public_id}/",
        f"/maintenance/people/{user.public_id}/password/",
        f"/maintenance/people/{user.public_id}/sessions/",
        f"/maintenance/people/{user.public_id}/appoint/",
        f"/maintenance/people/{appointment.user.public_id}/appointments/{appointment.pk}/end/",
        "/maintenance/settings/accounts.idle_minutes/",
    ]
    assert [browser.post(door, {}).status_code for door in doors] == [403] * len(doors)


# --- Departments ---


def department_facts(**facts) -> dict:
    return {
        "code": "chunqiu",
        "name_zh": "春秋环卫所",
        "kind": "department",
        "valid_from": "2026-01-01",
        "sort": "10",
        "is_evaluated": "on",
    } | facts


def test_a_department_is_founded_changed_and_ended(desk):
    parent = DepartmentFactory()
    response = desk.post("/maintenance/departments/new/", department_facts(parent=parent.pk))
    body = Department.objects.get(code="chunqiu")
    assert response["Location"] == f"/maintenance/departments/{body.public_id}/"
    assert body.path == f"{parent.path}chunqiu/"

    desk.post(response["Location"], department_facts(name_zh="春秋环境卫生所", parent=""))
    body.refresh_from_db()
    assert (body.name_zh, body.path, body.parent) == ("春秋环境卫生所", "/chunqiu/", None)

    desk.post(f"{response['Location']}end/", {"on": "2030-01-01", "succeeded_by": parent.pk})
    body.refresh_from_db()
    assert (body.valid_to, body.succeeded_by) == (date(2030, 1, 1), parent)


def test_what_is_refused_is_said_and_what_was_typed_is_kept(desk):
    body = DepartmentFactory()
    child = DepartmentFactory(parent=body)
    typed = department_facts(name_zh="新名字", parent=child.pk)
    response = desk.post(f"/maintenance/departments/{body.public_id}/", typed)
    assert response.status_code == 200
    assert response.context["form"].non_field_errors()
    assert 'value="新名字"' in text_of(response)
    assert (
        desk.post(f"/maintenance/departments/{body.public_id}/end/", {"on": "2030-01-01"})
        .context["end_form"]
        .non_field_errors()
    )
    body.refresh_from_db()
    assert (body.valid_to, body.parent) == (None, None)


def test_a_code_that_is_taken_is_said_beside_its_field(desk):
    DepartmentFactory(code="chunqiu")
    assert "code" in desk.post("/maintenance/departments/new/", department_facts()).context["form"].errors


def test_departments_are_found_by_name_and_code_also_when_they_ended(desk):
    DepartmentFactory(name_zh="春秋环卫所", code="cq")
    DepartmentFactory(name_zh="梅河环卫所", code="mh", valid_to=date(2020, 1, 1))
    found = lambda query: {row.code for row in desk.get(f"/maintenance/departments/?{query}").context["page"]}  # noqa: E731
    assert found("q=春秋") == found("q=CQ") == {"cq"}
    assert found("q=梅河") == set()
    assert found("q=梅河&ended=yes") == {"mh"}


# --- People ---


def test_an_account_is_opened_with_a_first_password_shown_once(desk):
    typed = {"username": "XuZhi", "staff_number": "A1", "name_zh": "许知远", "language": ""}
    page = desk.post("/maintenance/people/new/", typed)
    first = page.context["first_password"]
    made = User.objects.get(username="xuzhi")
    assert made.check_password(first)
    assert first in text_of(page)
    assert first not in text_of(desk.get(f"/maintenance/people/{made.public_id}/"))
    assert log_in(made, first)["Location"] == "/"


def test_a_second_account_for_one_person_is_refused(desk):
    UserFactory(staff_number="A1")
    page = desk.post("/maintenance/people/new/", {"username": "x", "staff_number": "A1", "name_zh": "许知远"})
    assert "staff_number" in page.context["form"].errors


def test_somebody_is_appointed_and_the_appointment_ends(desk):
    user, centre = UserFactory(), command_centre()
    here = f"/maintenance/people/{user.public_id}/"
    desk.post(
        f"{here}appoint/", {"role": "dispatcher", "department": centre.pk, "valid_from": "2026-01-01", "valid_to": ""}
    )
    appointment = Appointment.objects.get(user=user)
    assert appointment.role == Role.DISPATCHER
    desk.post(f"{here}appointments/{appointment.pk}/end/")
    appointment.refresh_from_db()
    assert appointment.valid_to is not None


def test_two_sides_on_one_account_are_refused_in_words(desk):
    user = person(Role.DISPATCHER)
    typed = {"role": "duty_leader", "department": supervision_centre().pk, "valid_from": "2026-01-01"}
    page = desk.post(f"/maintenance/people/{user.public_id}/appoint/", typed)
    assert user.name_zh in page.context["appointment_form"].non_field_errors()[0]
    assert Appointment.objects.filter(user=user).count() == 1


def test_somebody_elses_appointment_is_not_reached_through_a_person(desk):
    appointment, other = AppointmentFactory(), UserFactory()
    door = f"/maintenance/people/{other.public_id}/appointments/{appointment.pk}/end/"
    assert desk.post(door).status_code == 404


def test_a_lost_password_is_replaced_and_its_sessions_end(desk, seat):
    user = person(Role.DISPATCHER)
    theirs = seat(user)
    page = desk.post(f"/maintenance/people/{user.public_id}/password/")
    user.refresh_from_db()
    assert user.check_password(page.context["first_password"])
    assert theirs.get("/messages/")["Location"].startswith(LOGIN)


def test_the_administrator_ends_somebodys_sessions(desk, seat):
    user = person(Role.DISPATCHER)
    theirs = seat(user)
    desk.post(f"/maintenance/people/{user.public_id}/sessions/")
    assert theirs.get("/messages/")["Location"].startswith(LOGIN)


def test_a_long_list_of_people_costs_as_many_queries_as_a_short_one(desk, django_assert_max_num_queries):
    for _ in range(60):
        person(Role.HANDLER)
    with django_assert_max_num_queries(MOST_QUERIES) as few:
        page = desk.get("/maintenance/people/").context["page"]
    assert len(page.object_list) == 50
    for _ in range(60):
        AppointmentFactory(role=Role.HANDLER)
    with django_assert_max_num_queries(len(few)):
        desk.get("/maintenance/people/?page=2")


def test_people_are_found_by_name_role_and_department(desk, administrator):
    bureau = DepartmentFactory()
    handler = person(Role.HANDLER, department=DepartmentFactory(parent=bureau), name_zh="白石")
    person(Role.HANDLER)
    found = lambda query: set(desk.get(f"/maintenance/people/?{query}").context["page"])  # noqa: E731
    assert found("q=白石") == found(f"role=handler&department={bureau.public_id}") == {handler}
    assert found("role=administrator") == {administrator}
    assert found("q=nobody") == set()


# --- Settings ---


def test_a_setting_is_changed_from_a_day_on(desk, administrator):
    today = datetime.now(UTC).date()
    typed = {"value": "45", "area_code": "340123", "valid_from": "2026-01-01"}
    assert desk.post("/maintenance/settings/accounts.idle_minutes/", typed).status_code == 302
    assert settings.get("accounts.idle_minutes", on=today, area_code="340123001") == 45
    assert administrator.name_zh in text_of(desk.get("/maintenance/settings/accounts.idle_minutes/"))


@pytest.mark.parametrize(("value", "kept"), [("yes", True), ("no", False)])
def test_a_yes_or_no_is_chosen(desk, value, kept):
    desk.post("/maintenance/settings/office.merged_hall/", {"value": value, "valid_from": "2026-01-01"})
    assert settings.get("office.merged_hall", on=date(2026, 2, 1)) is kept


@pytest.mark.parametrize("value", ["0", "abc", ""])
def test_a_value_that_does_not_do_is_said_beside_its_field(desk, value):
    typed = {"value": value, "valid_from": "2026-01-01"}
    page = desk.post("/maintenance/settings/accounts.idle_minutes/", typed)
    assert "value" in page.context["form"].errors


def test_a_setting_nobody_declared_is_not_there(desk):
    assert desk.get("/maintenance/settings/accounts.nothing/").status_code == 404


# --- The front door ---


@pytest.mark.parametrize("role", Role)
def test_everybody_starts_at_his_desk(seat, role):
    from accounts.roles import ROLES

    assert seat(person(role)).get("/")["Location"] == reverse(ROLES[role].home_url_name)


def test_with_two_roles_one_starts_where_the_loop_begins(seat):
    user = person(Role.LEADER)
    AppointmentFactory(user=user, role=Role.ADMINISTRATOR)
    AppointmentFactory(user=user, role=Role.DUTY_LEADER)
    assert seat(user).get("/")["Location"] == reverse("cases:desk")


def test_without_a_role_one_reads_why_the_house_is_empty(seat):
    assert seat(person()).get("/").status_code == 200
    assert seat(UserFactory(is_superuser=True)).get("/")["Location"] == "/maintenance/"


def test_a_visitor_is_asked_to_log_in():
    assert Client().get("/")["Location"] == f"{LOGIN}?next=/"


# --- The frame of every page ---


def test_the_page_says_whose_it_is_and_holds_no_untranslated_gap(desk):
    page = text_of(desk.get("/maintenance/settings/"))
    assert not re.search(r"%\([a-z_]+\)s", page)
