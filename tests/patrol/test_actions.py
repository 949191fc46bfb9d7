"""What collectors do, and which of them may be sent, through the real actions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.gis.geos import Point
from django.core.exceptions import PermissionDenied

from accounts.actions import sign_on
from cases import actions as case_actions
from cases.actions import MoveNotAllowed, NotACollector
from cases.models import Case, Evidence
from cases.workflow import Stage
from office import settings
from office.models import StoredFile
from patrol import actions
from patrol.models import Fix
from patrol.permissions import who_may_go
from tests.county import LONG_AGO, MONDAY, SIDE, County

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ON = MONDAY.date()


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def picture(county) -> StoredFile:
    return StoredFile.objects.create(
        sha256="a" * 64, size=9, content_type="image/jpeg", kind="picture", recorded_at=MONDAY,
        uploaded_by=county.collector,
    )  # fmt: skip


def report(county: County, **facts) -> Case:
    facts = {
        "by": county.collector, "at": MONDAY, "minor_class": county.litter, "point": county.point,
        "description": "路边有一堆垃圾", **facts,
    }  # fmt: skip
    return actions.report(**facts)


# — the time that is judged


def test_without_the_phones_time_the_servers_counts():
    assert actions.judged(None, at=MONDAY) == actions.Judged(MONDAY, is_late=False)


def test_the_phones_time_counts_within_the_tolerance_and_not_a_second_beyond():
    tolerance = settings.get("patrol.claimed_minutes", on=ON) * MINUTE
    assert actions.judged(MONDAY - tolerance, at=MONDAY) == actions.Judged(MONDAY - tolerance, is_late=False)
    too_old = MONDAY - tolerance - timedelta(seconds=1)
    assert actions.judged(too_old, at=MONDAY) == actions.Judged(MONDAY, is_late=True)


def test_nobody_answers_from_the_future():
    assert actions.judged(MONDAY + MINUTE, at=MONDAY) == actions.Judged(MONDAY, is_late=False)
    assert actions.judged(MONDAY + timedelta(days=1), at=MONDAY) == actions.Judged(MONDAY, is_late=True)


def test_nobody_answers_before_the_task_was_sent():
    answered = actions.judged(MONDAY - 10 * MINUTE, at=MONDAY, not_before=MONDAY - 2 * MINUTE)
    assert answered == actions.Judged(MONDAY - 2 * MINUTE, is_late=False)


# — reporting


def test_a_report_keeps_where_the_phone_was_and_how_far_that_is_from_the_place(county, picture):
    position = Point(county.point.x + SIDE, county.point.y, srid=4490)
    case = report(
        county, position=position, accuracy_m=12, claimed_at=MONDAY - MINUTE, files=[(picture, Evidence.Usage.NEAR)]
    )
    fix = Fix.objects.get(case=case)
    assert fix.distance_m == pytest.approx(95.5, abs=0.3)
    assert (case.reported_at, case.claimed_at) == (MONDAY - MINUTE, MONDAY - MINUTE)
    assert case.evidence.get().usage == "near"


def test_a_phone_that_does_not_know_where_it_is_may_report_all_the_same(county):
    case = report(county)
    assert (Fix.objects.get(case=case).point, Fix.objects.get(case=case).distance_m) == (None, None)


def test_only_collectors_report_what_they_see(county):
    for person in (county.operator, county.duty_leader, county.dispatcher, county.sanitation, county.leader):
        with pytest.raises(NotACollector):
            report(county, by=person)


def test_the_same_report_sent_twice_is_one_case(county):
    number = uuid4()
    assert report(county, public_id=number) == report(county, public_id=number)
    assert Case.objects.count() == Fix.objects.count() == 1


def test_the_number_of_somebody_elses_case_changes_nothing_of_it(county):
    case = county.report(source="web", by=None)
    assert report(county, public_id=case.public_id) == case
    assert not Fix.objects.exists()


# — answering


def test_a_verification_needs_a_picture_unless_it_could_not_be_done(county, picture):
    case = county.case_at(Stage.VERIFYING, source="web")
    task = case.tasks.get()
    with pytest.raises(actions.PictureNeeded):
        actions.verify(task, by=county.collector, at=MONDAY + 5 * MINUTE, result="true")
    case = actions.verify(task, by=county.collector, at=MONDAY + 5 * MINUTE, result="true", files=[picture])
    assert case.stage == Stage.PENDING_FILING
    assert case.evidence.get().usage == "verify"


def test_what_cannot_be_seen_needs_no_picture(county):
    task = county.case_at(Stage.VERIFYING, source="web").tasks.get()
    case = actions.verify(task, by=county.collector, at=MONDAY + 5 * MINUTE, result="cannot", opinion="大门锁着")
    assert case.stage == Stage.ACCEPTED


def test_a_city_may_do_without_pictures(county):
    settings.set_value("patrol.check_needs_picture", False, by=None, at=MONDAY, valid_from=LONG_AGO)
    task = county.case_at(Stage.CHECKING).tasks.get(kind="check")
    at = task.sent_at + MINUTE
    assert actions.check(task, by=county.other_collector, at=at, result="pass").stage == Stage.PENDING_CLOSE


def test_an_answer_is_never_judged_before_its_task_was_sent(county, picture):
    task = county.case_at(Stage.VERIFYING, source="web").tasks.get()
    actions.verify(
        task, by=county.collector, at=task.sent_at + 2 * MINUTE, result="true", files=[picture],
        claimed_at=task.sent_at - 5 * MINUTE, position=county.point, accuracy_m=8,
    )  # fmt: skip
    task.refresh_from_db()
    assert task.answered_at == task.sent_at
    fix = Fix.objects.get(task=task)
    assert (fix.claimed_at, fix.distance_m, fix.is_late) == (task.sent_at - 5 * MINUTE, 0, False)


def test_a_second_answer_is_refused_and_leaves_no_second_position(county, picture):
    task = county.case_at(Stage.VERIFYING, source="web").tasks.get()
    at = task.sent_at + MINUTE
    actions.verify(task, by=county.collector, at=at, result="true", files=[picture])
    with pytest.raises(MoveNotAllowed):
        actions.verify(task, by=county.collector, at=at, result="untrue", files=[picture])
    assert Fix.objects.count() == 1


def test_nobody_answers_another_ones_task(county, picture):
    task = county.case_at(Stage.VERIFYING, source="web").tasks.get()
    with pytest.raises(case_actions.NotYours):
        actions.verify(task, by=county.other_collector, at=task.sent_at, result="true", files=[picture])


# — who may go


def names(candidates) -> list[str]:
    return [one.collector.username for one in candidates]


def test_whoever_reported_it_is_never_among_those_who_may_check_it(county):
    case = county.case_at(Stage.PENDING_CHECK)
    assert case.reported_by == county.collector
    assert set(names(who_may_go(case, "check", at=MONDAY))) == {"qian_ye", "li_shan"}


def test_whoever_verified_it_never_checks_it(county):
    case = county.case_at(Stage.PENDING_CHECK, source="web")
    assert "zhao_min" not in names(who_may_go(case, "check", at=MONDAY))


def test_on_duty_comes_first_then_the_own_duty_grid_then_the_nearest(county):
    case = county.case_at(Stage.ACCEPTED, source="web")
    actions.assign_grid(county.third_collector, duty_grid=county.duty_grid, valid_from=LONG_AGO, by=None, at=MONDAY)
    assert names(who_may_go(case, "verify", at=MONDAY))[0] == "li_shan"
    for person in (county.collector, county.other_collector):
        sign_on(person, at=MONDAY)
    far = Point(county.point.x + SIDE * 1.5, county.point.y, srid=4490)
    report(county, by=county.collector, point=far, position=far)
    report(county, by=county.other_collector, position=county.point)
    found = who_may_go(case, "verify", at=MONDAY + MINUTE)
    assert names(found) == ["qian_ye", "zhao_min", "li_shan"]
    assert [one.is_on_duty for one in found] == [True, True, False]
    assert found[0].metres == pytest.approx(0)


def test_whoever_has_less_to_do_comes_first(county):
    county.case_at(Stage.VERIFYING, source="web")  # the first collector has it
    case = county.case_at(Stage.ACCEPTED, source="web")
    found = who_may_go(case, "verify", at=MONDAY + 5 * MINUTE)
    assert names(found) == ["qian_ye", "li_shan", "zhao_min"]
    assert found[-1].open_tasks == 1


def test_a_collector_of_another_area_is_not_among_them(county):
    appointment = county.other_collector.appointments.get()
    appointment.scope_area_code = "999902009"
    appointment.save()
    case = county.case_at(Stage.ACCEPTED, source="web")
    assert "qian_ye" not in names(who_may_go(case, "verify", at=MONDAY))


def test_who_may_go_takes_two_queries(county, django_assert_num_queries):
    case = county.case_at(Stage.PENDING_CHECK)
    with django_assert_num_queries(2):
        who_may_go(case, "check", at=MONDAY)


# — who patrols which duty grid


def test_a_duty_grid_is_patrolled_by_collectors_only_and_by_each_once_at_a_time(county):
    actions.assign_grid(county.collector, duty_grid=county.duty_grid, valid_from=ON, by=county.duty_leader, at=MONDAY)
    with pytest.raises(actions.GridTaken):
        actions.assign_grid(county.collector, duty_grid=county.duty_grid, valid_from=ON, by=None, at=MONDAY)
    with pytest.raises(NotACollector):
        actions.assign_grid(county.operator, duty_grid=county.duty_grid, valid_from=ON, by=None, at=MONDAY)


def test_only_the_duty_leader_and_the_administrator_say_who_patrols_what(county):
    for person in (county.operator, county.collector, county.dispatcher, county.sanitation, county.leader):
        with pytest.raises(PermissionDenied):
            actions.assign_grid(county.collector, duty_grid=county.duty_grid, valid_from=ON, by=person, at=MONDAY)


def test_an_assignment_ends_and_may_begin_again(county):
    mine = actions.assign_grid(county.collector, duty_grid=county.duty_grid, valid_from=LONG_AGO, by=None, at=MONDAY)
    actions.end_grid(mine, on=ON, by=county.administrator, at=MONDAY)
    assert actions.assign_grid(county.collector, duty_grid=county.duty_grid, valid_from=ON, by=None, at=MONDAY)
