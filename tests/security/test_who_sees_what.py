"""What an appointment in one place does not open in another: departments, centres, lists behind numbers, originals."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from accounts.models import Appointment
from accounts.permissions import topics_of
from accounts.roles import Role
from cases import actions as case_actions
from cases.models import Case
from cases.permissions import may_see_original
from cases.workflow import Source, Stage
from dispatch import actions as dispatch
from hotline import actions as hotline
from office.models import StoredFile
from tests.county import LONG_AGO, MONDAY, County, picture
from tests.factories import AppointmentFactory, UserFactory, person, supervision_centre

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY + timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


def door(case: Case, verb: str, subject, kind: str, room: str = "cases") -> str:
    return reverse(f"{room}:move", args=[case.public_id, kind, subject.public_id, verb])


# — a department's desk is that of the department in which somebody is its operator


def leader_of_the_city_at_the_desk_of_the_water_company(county: County):
    both = UserFactory()
    for role, place in ((Role.LEADER, "city"), (Role.DEPARTMENT_OPERATOR, "water")):
        AppointmentFactory(user=both, role=role, department=county.departments[place])
    return both


def test_leading_a_city_is_no_seat_at_the_desks_of_its_departments(county, seat):
    case = county.case_at(Stage.PENDING_HANDLE)
    both = leader_of_the_city_at_the_desk_of_the_water_company(county)
    receive = door(case, "receive", case.stints.get(), "stint", "dispatch")
    assert seat(both).post(receive).status_code == 403
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_HANDLE
    assert not list(seat(both).get("/department/").context["page"])


def test_keeping_the_citys_departments_opens_none_of_their_cases(county, seat):
    case = county.case_at(Stage.PENDING_HANDLE)
    keeper = UserFactory()
    for role, place in ((Role.ADMINISTRATOR, "city"), (Role.DEPARTMENT_OPERATOR, "water")):
        AppointmentFactory(user=keeper, role=role, department=county.departments[place])
    assert seat(keeper).get(reverse("cases:case", args=[case.public_id])).status_code == 404
    wanted = {
        "of": f"department:{county.sanitation_bureau.public_id}",
        "count": "need_handle",
        "period": "month",
        "on": "2026-03-01",
    }
    assert seat(keeper).get(reverse("evaluation:cases"), wanted).status_code == 403


def test_the_page_of_a_keeper_is_told_nothing_of_the_departments(county):
    assert f"department:{county.sanitation_bureau.pk}" not in topics_of(county.administrator, MONDAY)
    assert f"department:{county.sanitation_bureau.pk}" in topics_of(county.sanitation, MONDAY)


# — the form of a step is shown to those who may make it: it names people


@pytest.mark.parametrize(("verb", "stage"), [("send_check", Stage.PENDING_CHECK), ("send_verify", Stage.PENDING_CHECK)])
@pytest.mark.parametrize("who", ["sanitation", "collector", "dispatcher", "leader"])
def test_only_who_sends_collectors_reads_which_may_go(county, seat, who, verb, stage):
    case = county.case_at(stage)
    for answer in (
        seat(getattr(county, who)).get(door(case, verb, case, "case")),
        seat(getattr(county, who)).post(door(case, verb, case, "case"), {}),
    ):
        assert answer.status_code == 403
        assert county.other_collector.name not in answer.content.decode()


def test_a_file_handed_in_at_a_door_that_is_not_his_is_not_kept(county, seat):
    case = county.case_at(Stage.HANDLING)
    before = StoredFile.objects.count()
    hand_over = door(case, "hand_over", case.stints.get(), "stint", "dispatch")
    answer = seat(county.collector).post(hand_over, {"opinion": "x", "files": [picture(77)]})
    assert answer.status_code == 403
    assert StoredFile.objects.count() == before


# — who goes to check is no department's business before it is done, nor who it was


def test_a_department_does_not_read_which_collector_checks_its_work(county, seat):
    case = county.case_at(Stage.CHECKING)
    desk = seat(county.sanitation)
    for address in (
        reverse("cases:case", args=[case.public_id]), f"/search/?q={county.litter.name_zh}",
        reverse("cases:deadline", args=[case.public_id]), reverse("dispatch:department_pane", args=[case.public_id]),
        "/department/?tab=done",
    ):  # fmt: skip
        assert county.other_collector.name not in desk.get(address).content.decode(), address
    assert county.other_collector.name in seat(county.operator).get(f"/case/{case.public_id}/").content.decode()


def test_who_checks_does_not_read_whose_work_it_is(county, seat):
    case = county.case_at(Stage.CHECKING)
    street = seat(county.other_collector)
    for address in (
        reverse("cases:case", args=[case.public_id]), f"/search/?q={case.number}", "/field/",
        reverse("cases:deadline", args=[case.public_id]), reverse("cases:near", args=[case.public_id]),
        reverse("patrol:task", args=[case.tasks.get().public_id]),
    ):  # fmt: skip
        words = street.get(address, follow=True).content.decode()
        assert county.sanitation_bureau.name not in words, address
        assert county.sanitation.name not in words, address


def test_a_department_does_not_read_who_checked(county, seat):
    case = county.case_at(Stage.CLOSED)
    words = seat(county.sanitation).get(f"/case/{case.public_id}/").content.decode()
    assert county.other_collector.name not in words
    assert county.duty_leader.name in words


def test_a_department_reads_its_own_deadline_only(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    dispatch.dispatch(
        case, by=county.dispatcher, at=MONDAY + timedelta(minutes=30), department=county.sanitation_bureau,
        assisting=[county.water_company],
    )  # fmt: skip
    words = seat(county.water).get(reverse("cases:deadline", args=[case.public_id])).content.decode()
    assert county.water_company.name in words
    assert county.sanitation_bureau.name not in words


# — what a citizen's camera wrote stays with the desk that took it in


def citizens_case(county: County) -> Case:
    return hotline.report_as_citizen(
        at=MONDAY, minor_class=county.litter, point=county.point, files=county.pictures(), words="天天臭"
    )


def test_a_citizens_original_is_for_the_desk_of_its_own_centre(county):
    one = citizens_case(county).evidence.get()
    elsewhere = person(Role.DUTY_LEADER, department=supervision_centre(code="other"))
    assert may_see_original(county.operator, one, MONDAY)
    assert not may_see_original(elsewhere, one, MONDAY)
    assert not may_see_original(county.dispatcher, one, MONDAY)


def test_whoever_also_works_for_a_department_opens_no_citizens_original(county, seat):
    one = citizens_case(county).evidence.get()
    Appointment.objects.create(
        user=county.operator, role=Role.DEPARTMENT_OPERATOR, department=county.water_company, valid_from=LONG_AGO
    )
    original = reverse("cases:evidence", args=[one.public_id, "original"])
    assert seat(county.operator).get(original).status_code == 404
    assert seat(county.duty_leader).get(original).status_code == 200


def test_a_department_does_not_read_under_a_picture_that_a_citizen_took_it(county, seat):
    case = citizens_case(county)
    case_actions.accept(case, by=county.operator, at=MONDAY)
    case_actions.skip_verify(case, by=county.operator, at=MONDAY, reason="照片清楚")
    case_actions.file(case, by=county.duty_leader, at=MONDAY, condition=county.condition)
    dispatch.dispatch(case, by=county.dispatcher, at=MONDAY, department=county.sanitation_bureau)
    address = reverse("cases:case", args=[case.public_id])
    assert "市民" in seat(county.operator).get(address).content.decode()
    assert "市民" not in seat(county.sanitation).get(address).content.decode()


# — the lists behind numbers


def listed(seat, user, **asked) -> str:
    asked = {"period": "month", "on": "2026-03-01", **asked}
    answer = seat(user).get(reverse("evaluation:cases"), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_list_behind_a_number_names_no_case_that_the_reader_may_not_see(county, seat):
    report = county.report(at=MONDAY)
    assert report.number in listed(seat, county.duty_leader, of="city", count="reported")
    words = listed(seat, county.commander, of="city", count="reported")
    assert report.number not in words
    assert str(report.public_id) not in words
    scoped = person(Role.LEADER)
    Appointment.objects.filter(user=scoped).update(scope_area_code="999903")
    assert report.number not in listed(seat, scoped, of="city", count="reported")


def test_a_department_does_not_read_there_that_a_citizen_complained(county, seat):
    case = county.case_at(Stage.HANDLING, source=Source.HOTLINE)
    bureau = f"department:{county.sanitation_bureau.public_id}"
    words = listed(seat, county.sanitation, of=bureau, count="to_handle_not_due")
    assert case.number in words
    assert case.get_source_display() not in words
    assert case.get_source_display() in listed(seat, county.leader, of=bureau, count="to_handle_not_due")


def test_another_centre_sees_nothing_of_this_one(county, seat):
    case = county.case_at(Stage.CHECKING)
    stranger = person(Role.DUTY_LEADER, department=supervision_centre(code="other"))
    for name in ("cases:case", "cases:deadline", "cases:near"):
        assert seat(stranger).get(reverse(name, args=[case.public_id])).status_code == 404


def test_the_technical_pages_do_not_show_where_a_citizens_camera_was(county, seat):
    one = citizens_case(county).evidence.get().file
    StoredFile.objects.filter(pk=one.pk).update(taken_point=county.point)
    keeper = UserFactory(is_staff=True, is_superuser=True)
    words = seat(keeper).get(reverse("admin:office_storedfile_change", args=[one.pk])).content.decode()
    assert one.sha256 in words
    assert "taken_point" not in words
