"""A case's life through the real actions, with the refusals beside the successes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.db import IntegrityError, connection, transaction

from accounts.models import Appointment, User
from accounts.roles import Role
from cases import actions
from cases.models import Case, CaseEvent, StageClock
from cases.workflow import Stage
from citymgmt import live_publish
from dispatch import actions as dispatch
from office.actions import store_file
from office.models import StoredFile
from tests.county import LONG_AGO, MONDAY, STAGES_OF_THE_TRIP, County, beijing, picture

pytestmark = pytest.mark.django_db
OF_THE_TEST = 2  # inside the test's own transaction a move opens a savepoint and releases it


@pytest.fixture
def county() -> County:
    return County.build()


def test_a_collectors_report_lands_in_the_pool_with_its_place_and_a_running_clock(county):
    case = county.report()
    assert case.stage == Stage.REPORTED
    assert case.unit_grid == county.cells[0]
    assert case.duty_grid == county.duty_grid
    assert case.area_code == "999902001001"
    assert case.number.startswith("999902-20260302-")
    assert (case.clock, case.due_at) == ("accept", MONDAY + timedelta(minutes=15))


def test_the_same_report_twice_is_one_case(county):
    first = county.report()
    again = county.report(public_id=first.public_id)
    assert again.pk == first.pk
    assert Case.objects.count() == 1


def test_a_point_in_no_cell_is_refused(county):
    outside = county.point.clone()
    outside.x += 1
    with pytest.raises(actions.OutsideTheGrid):
        county.report(point=outside)


def test_a_citizens_report_is_verified_first_and_a_collectors_is_not(county):
    own = actions.accept(county.report(), by=county.operator, at=MONDAY)
    citizens = actions.accept(county.report(source="web"), by=county.operator, at=MONDAY)
    assert own.stage == Stage.PENDING_FILING
    assert citizens.stage == Stage.ACCEPTED


@pytest.mark.parametrize("stage", STAGES_OF_THE_TRIP)
def test_a_citizens_report_reaches_every_stage_of_the_trip(county, stage):
    assert county.case_at(stage, source="web").stage == stage


def test_the_desk_puts_the_facts_into_its_own_words_and_mends_the_class(county):
    case = county.report(source="web", description="", minor_class=county.cover)
    case = actions.describe(
        case, by=county.operator, at=MONDAY, description="人行道上一堆建筑垃圾", minor_class=county.litter
    )
    assert (case.stage, case.minor_class, case.description) == (Stage.REPORTED, county.litter, "人行道上一堆建筑垃圾")
    assert list(Case.objects.matching("建筑 垃圾")) == [case]
    assert list(Case.objects.matching("路灯")) == []


def test_filing_freezes_the_promise_of_its_condition(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    county.condition.limit_value = 99
    county.condition.save()
    case.refresh_from_db()
    assert (case.limit_value, case.limit_unit) == (4, "working_hour")


def test_filing_under_another_class_is_refused_and_keeps_the_stage(county):
    case = county.case_at(Stage.PENDING_FILING)
    with pytest.raises(actions.NotThatCondition):
        actions.file(case, by=county.duty_leader, at=MONDAY, condition=county.urgent_condition)
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_FILING
    assert case.filed_at is None


def test_a_move_the_table_does_not_know_is_refused_with_who_did_what(county):
    case = county.case_at(Stage.PENDING_FILING)
    with pytest.raises(actions.MoveNotAllowed) as refused:
        actions.accept(case, by=county.operator, at=MONDAY)
    assert refused.value.facts["who"] == str(county.operator)


def test_a_person_without_the_role_is_refused(county):
    case = county.case_at(Stage.PENDING_FILING)
    with pytest.raises(actions.NotYours):
        actions.file(case, by=county.operator, at=MONDAY, condition=county.condition)


def test_nobody_who_reported_it_checks_it(county):
    case = county.case_at(Stage.PENDING_CHECK)
    with pytest.raises(actions.NotACollector):
        actions.send_check(case, by=county.operator, at=MONDAY, collector=county.collector)


def test_the_database_refuses_a_second_side(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    Appointment.objects.create(
        user=county.duty_leader, role=Role.DISPATCHER, department=county.departments["command"], valid_from=LONG_AGO
    )
    both = User.objects.get(pk=county.duty_leader.pk)
    with pytest.raises(actions.OtherSide), transaction.atomic():
        dispatch.dispatch(case, by=both, at=MONDAY, department=county.water_company)
    case.refresh_from_db()
    assert (case.stage, case.stints.count()) == (Stage.PENDING_DISPATCH, 0)


def test_a_failed_check_goes_back_to_the_same_department_with_the_old_deadline(county):
    case = county.case_at(Stage.CHECKING)
    before = case.stints.get().due_at
    case = actions.check(case.tasks.get(), by=county.other_collector, at=MONDAY + timedelta(hours=1), result="fail")
    stint = case.stints.get()
    assert case.stage == Stage.HANDLING
    assert (stint.rework_count, stint.due_at) == (1, before)


def test_closing_without_the_close_condition_is_refused(county):
    case = county.case_at(Stage.PENDING_CLOSE)
    with pytest.raises(actions.CloseConditionNotMet):
        actions.close(case, by=county.duty_leader, at=MONDAY, met=False)


def test_voiding_ends_what_is_still_open(county):
    case = county.case_at(Stage.HANDLING)
    case = actions.void(case, by=county.duty_leader, at=MONDAY + timedelta(hours=1), reason="误报")
    assert case.stage == Stage.VOIDED
    assert case.stints.get().stage == "withdrawn"
    assert not StageClock.objects.filter(case=case).exclude(state="stopped").exists()


def test_one_clock_runs_at_a_time_beside_the_whole_cases(county):
    for stage in STAGES_OF_THE_TRIP[:-1]:
        case = county.case_at(stage, source="web")
        running = StageClock.objects.filter(case=case, state="running").exclude(name="overall")
        assert running.count() == 1, stage


def test_without_redis_a_move_still_succeeds(county, settings, django_capture_on_commit_callbacks):
    case = county.report()
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    live_publish._redis.cache_clear()
    try:
        with django_capture_on_commit_callbacks(execute=True) as told:
            case = actions.accept(case, by=county.operator, at=MONDAY)
    finally:
        live_publish._redis.cache_clear()
    assert told
    assert case.stage == Stage.PENDING_FILING


def test_events_cannot_be_changed_or_deleted(county):
    case = county.report()
    for statement in ("UPDATE cases_caseevent SET verb = 'x'", "DELETE FROM cases_caseevent"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert case.events.count() == 1


def test_each_event_carries_the_hash_of_the_one_before(county):
    case = county.case_at(Stage.CLOSED)
    previous = b""
    for event in CaseEvent.objects.filter(case=case).order_by("sequence"):
        assert previous.hex() in bytes(event.payload).decode()
        previous = bytes(event.hash)
    assert bytes(case.last_hash) == previous


def test_handling_is_timed_in_working_hours_from_dispatch(county):
    case = county.case_at(Stage.PENDING_HANDLE, at=beijing(2026, 3, 6, 17))
    stint = case.stints.get()
    assert stint.dispatched_at == beijing(2026, 3, 6, 17, 3)
    assert stint.due_at == beijing(2026, 3, 9, 11, 3)


def test_a_move_asks_the_database_at_most_fourteen_times(county, django_assert_max_num_queries):
    case = county.case_at(Stage.PENDING_FILING)
    leader = User.objects.get(pk=county.duty_leader.pk)
    with django_assert_max_num_queries(14 + OF_THE_TEST):
        actions.file(case, by=leader, at=MONDAY + timedelta(minutes=5), condition=county.condition)


def test_a_report_asks_the_database_at_most_fourteen_times(county, django_assert_max_num_queries):
    county.report()  # settings and calendar are read once by each process
    collector = User.objects.get(pk=county.collector.pk)
    with django_assert_max_num_queries(14 + OF_THE_TEST):
        county.report(by=collector, address="梅河路 3 号")


@pytest.mark.django_db(transaction=True)
def test_the_same_report_twice_at_the_same_instant_is_one_case():
    county, public_id = County.build(), uuid4()
    together = Barrier(2)

    def send() -> int:
        together.wait(10)
        try:
            return county.report(public_id=public_id).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        first, second = [one.result(20) for one in (both.submit(send), both.submit(send))]
    assert first == second
    assert Case.objects.count() == 1


def test_pictures_that_were_never_sent_are_forgotten_and_evidence_is_not(county):
    used, unsent, fresh = county.pictures(3)
    county.report(files=[(used, "near")])
    same_bytes = store_file(picture(1), public_id=uuid4(), by=None, at=MONDAY, kinds=["picture"])
    StoredFile.objects.filter(pk=fresh.pk).update(recorded_at=MONDAY + timedelta(days=2))
    assert actions.forget_unused_files(at=MONDAY + timedelta(days=4)) == 2
    assert set(StoredFile.objects.all()) == {used, fresh}
    evidence = storages["evidence"]
    assert evidence.exists(used.path("original"))
    assert same_bytes.sha256 == used.sha256
    assert not evidence.exists(unsent.path("original"))
    assert not evidence.exists(unsent.path("thumb"))
