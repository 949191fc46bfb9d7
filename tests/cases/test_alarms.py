"""The sweep: each thing told once, to the holder, when it is overdue to his superior, and long after to the leader."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction

from accounts import actions as accounts
from accounts.models import Appointment
from accounts.roles import Role
from cases import actions, alarms
from cases.models import StageClock
from cases.workflow import Stage
from dispatch import actions as dispatch
from office.models import Message
from tests.county import LONG_AGO, MONDAY, County, beijing

pytestmark = pytest.mark.django_db

NOON = beijing(2026, 3, 2, 12)


@pytest.fixture
def county() -> County:
    return County.build()


def told(code: str = "") -> list[tuple[str, str]]:
    """Who was told what, as (person, code)."""
    found = Message.objects.filter(code=code) if code else Message.objects.all()
    return sorted((one.recipient.name_zh, one.code) for one in found.select_related("recipient"))


def minutes(number: int):
    return MONDAY + timedelta(minutes=number)


# — desks —


def test_before_the_yellow_point_nothing_is_told(county):
    county.report()
    assert alarms.sweep(at=minutes(12)) == (0, 0)  # 80 % of 15 minutes: the very point
    assert told() == []


def test_after_80_percent_of_the_limit_the_desk_is_told_once(county):
    case = county.report()
    assert alarms.sweep(at=minutes(13)) == (1, 0)
    assert alarms.sweep(at=minutes(14)) == (0, 0)
    assert told() == [("孙丽", "clock_nearly_due")]
    message = Message.objects.get()
    assert message.about == str(case.public_id)
    assert message.facts["number"] == case.number
    assert datetime.fromisoformat(message.facts["due_at"]) == minutes(15)


def test_overdue_is_told_to_the_desk_and_to_its_superior_once(county):
    county.report()
    alarms.sweep(at=minutes(13))
    alarms.sweep(at=minutes(15))  # done at this instant it would be on time
    assert told("clock_overdue") == []
    alarms.sweep(at=minutes(16))
    alarms.sweep(at=minutes(17))
    assert told("clock_overdue") == [("孙丽", "clock_overdue"), ("陈静", "clock_overdue")]


def test_a_sweep_that_comes_late_tells_only_what_still_holds(county):
    county.report()
    alarms.sweep(at=minutes(60))
    assert told() == [("孙丽", "clock_overdue"), ("陈静", "clock_overdue")]
    assert StageClock.objects.get(name="accept").next_look_at == minutes(15 + 120)


def test_two_hours_later_the_leader_is_told_and_then_nobody_any_more(county):
    county.report()
    alarms.sweep(at=minutes(60))
    alarms.sweep(at=minutes(136))
    alarms.sweep(at=minutes(1000))
    assert told() == [("孙丽", "clock_overdue"), ("沈海", "clock_overdue"), ("陈静", "clock_overdue")]
    assert not StageClock.objects.filter(next_look_at__isnull=False).exists()


def test_what_was_done_in_time_is_never_told(county):
    case = county.report()
    actions.accept(case, by=county.operator, at=minutes(1))
    actions.refuse(actions.back_to_acceptance(case, by=county.duty_leader, at=minutes(2), reason="重拍"),
                   by=county.operator, at=minutes(3), reason="不属城管")  # fmt: skip
    assert alarms.sweep(at=minutes(60)) == (0, 0)


def test_of_a_desk_only_those_on_duty_are_told_and_all_when_nobody_is(county):
    second = county.other_collector
    Appointment.objects.create(
        user=second, role=Role.ACCEPTANCE_OPERATOR, department=county.departments["supervision"], valid_from=LONG_AGO
    )
    accounts.sign_on(second, at=MONDAY)
    county.report()
    alarms.sweep(at=minutes(13))
    assert told() == [("钱野", "clock_nearly_due")]
    accounts.sign_off(second, at=minutes(14))
    county.report(at=minutes(15))
    alarms.sweep(at=minutes(29))
    assert told("clock_nearly_due") == sorted(
        [("钱野", "clock_nearly_due"), ("孙丽", "clock_nearly_due"), ("钱野", "clock_nearly_due")]
    )


def test_a_seat_for_another_area_is_not_told_but_the_duty_leader_that_nobody_was(county):
    Appointment.objects.filter(user=county.operator).update(scope_area_code="999902009")
    county.report()
    alarms.sweep(at=minutes(13))
    assert told() == [("陈静", "clock_unheard")]


def test_a_collectors_task_rings_for_the_collector_and_then_for_the_duty_leader(county):
    county.case_at(Stage.VERIFYING, source="web")
    alarms.sweep(at=minutes(30))
    alarms.sweep(at=minutes(40))
    assert told() == [("赵敏", "clock_nearly_due"), ("赵敏", "clock_overdue"), ("陈静", "clock_overdue")]
    assert Message.objects.first().url.startswith("/field/")


# — departments —


def test_a_department_is_told_at_80_percent_of_the_work_time_not_of_the_wall_clock(county):
    county.case_at(Stage.HANDLING, at=beijing(2026, 3, 2, 16))  # dispatched 16:03, due Tuesday 10:03
    alarms.sweep(at=beijing(2026, 3, 3, 9, 15))
    assert told() == [("周涛", "clock_arrived")]
    alarms.sweep(at=beijing(2026, 3, 3, 9, 16))
    assert told() == [("周涛", "clock_arrived"), ("周涛", "clock_nearly_due")]


def test_what_comes_to_a_department_or_a_collector_is_told_at_once_and_a_desk_sees_its_queue(county):
    county.case_at(Stage.PENDING_DISPATCH)
    alarms.sweep(at=minutes(3))
    assert told() == []
    county.case_at(Stage.PENDING_HANDLE, at=minutes(10))
    county.case_at(Stage.VERIFYING, at=minutes(10), source="web")
    alarms.sweep(at=minutes(14))
    assert told() == [("周涛", "clock_arrived"), ("赵敏", "clock_arrived")]
    assert {message.kind for message in Message.objects.all()} == {"task"}


def test_an_overdue_department_its_handler_and_its_leader_are_told(county):
    stint = county.case_at(Stage.HANDLING).stints.get()
    dispatch.assign(stint, by=county.sanitation, at=minutes(5), handler=county.handler)
    alarms.sweep(at=beijing(2026, 3, 2, 16))
    assert told() == [("吴磊", "clock_overdue"), ("周涛", "clock_overdue"), ("沈海", "clock_overdue")]


def test_after_an_extension_the_new_deadline_rings_again(county):
    stint = county.case_at(Stage.HANDLING).stints.get()
    alarms.sweep(at=beijing(2026, 3, 2, 14, 30))
    dispatch.ask_extension(stint, by=county.sanitation, at=beijing(2026, 3, 2, 14, 40), reason="需要吊车")
    dispatch.grant_extension(stint.requests.get(), by=county.dispatcher, at=beijing(2026, 3, 2, 14, 50))
    alarms.sweep(at=beijing(2026, 3, 2, 15, 30))
    alarms.sweep(at=beijing(2026, 3, 3, 8, 50))
    assert told("clock_nearly_due") == [("周涛", "clock_nearly_due")] * 2
    assert told("clock_overdue") == []


def test_rework_after_the_deadline_rings_again_in_its_new_round(county):
    case = county.case_at(Stage.CHECKING)
    stint = case.stints.get()
    actions.check(case.tasks.get(), by=county.other_collector, at=beijing(2026, 3, 2, 16), result="fail")
    alarms.sweep(at=beijing(2026, 3, 2, 16, 1))
    assert ("周涛", "clock_overdue") in told()
    assert StageClock.objects.get(stint=stint, name="handling").rounds == 2


def test_a_returned_case_does_not_ring_at_the_department_while_the_return_is_decided(county):
    stint = county.case_at(Stage.HANDLING).stints.get()
    dispatch.ask_return(stint, by=county.sanitation, at=minutes(10), ground="not_ours", reason="属街道")
    alarms.sweep(at=NOON)
    # The dispatch desk decides too slowly.
    assert {name for name, _code in told()} == {"王伟", "何刚", "沈海"}


# — suspension —


@pytest.fixture
def suspended(county):
    stint = county.case_at(Stage.HANDLING).stints.get()
    dispatch.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2026, 3, 10), reason="等待雨季")
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=NOON)
    return stint


def test_a_suspended_case_does_not_ring(suspended):
    assert alarms.sweep(at=beijing(2026, 3, 9, 23, 59)) == (0, 0)
    assert told() == []


def test_a_suspension_ends_by_itself_on_its_day_even_when_the_sweep_comes_late(suspended):
    assert alarms.sweep(at=beijing(2026, 3, 10, 7)) == (0, 1)
    assert alarms.sweep(at=beijing(2026, 3, 10, 7, 1))[1] == 0
    suspended.refresh_from_db()
    assert suspended.stage == "handling"
    assert suspended.due_at == beijing(2026, 3, 10, 9, 3)  # 63 minutes were left
    event = suspended.case.events.last()
    assert (event.verb, event.side, event.actor, event.at) == ("resume", "system", None, beijing(2026, 3, 10, 0))
    assert told("clock_resumed") == [("周涛", "clock_resumed"), ("沈海", "clock_resumed")]


def test_a_suspension_that_a_dispatcher_ended_is_not_ended_again(suspended):
    dispatch.resume(suspended, by=suspended.dispatched_by, at=beijing(2026, 3, 5))
    assert alarms.sweep(at=beijing(2026, 3, 10, 7))[1] == 0


def test_of_two_sweeps_one_ends_a_suspension(suspended):
    clock = StageClock.objects.get(stint=suspended, name="handling")
    at = beijing(2026, 3, 10, 7)
    listeners = alarms.Listeners(at)
    assert alarms._resume(clock, listeners, at=at) is True
    assert alarms._resume(clock, listeners, at=at) is False
    assert len(told("clock_resumed")) == 2


# — killed, and side by side —


class Killed(BaseException):
    """The process dies at this point."""


def die(*args, **facts):
    raise Killed


@pytest.mark.parametrize("where", ["office.models.Message.objects.bulk_create", "cases.clocks.next_look"])
def test_killed_in_the_middle_nothing_is_told_twice_and_nothing_is_left_untold(county, monkeypatch, where):
    county.report()
    county.report(at=minutes(1))
    with monkeypatch.context() as broken:
        broken.setattr(where, die)
        with pytest.raises(Killed), transaction.atomic():
            alarms.sweep(at=minutes(20))
    assert told() == []
    assert alarms.sweep(at=minutes(21)) == (2, 0)
    assert told() == sorted([("孙丽", "clock_overdue"), ("陈静", "clock_overdue")] * 2)


def test_a_note_written_back_by_an_overtaken_move_does_not_tell_twice(county):
    county.report()
    before = StageClock.objects.get(name="accept")
    alarms.sweep(at=minutes(13))
    before.save()  # the move read the clock before the sweep, and wrote it after
    assert alarms.sweep(at=minutes(14)) == (1, 0)
    assert told() == [("孙丽", "clock_nearly_due")]


def test_an_idle_sweep_asks_little_however_many_clocks_run(county, django_assert_max_num_queries):
    for number in range(5):
        county.report(at=minutes(number))
    # A savepoint around the look for due clocks, the look for suspensions, the look for what somebody pushed.
    with django_assert_max_num_queries(5):
        alarms.sweep(at=minutes(5))


def test_many_due_clocks_of_one_desk_look_up_its_people_once(county):
    def queries(number: int) -> int:
        from django.test.utils import CaptureQueriesContext

        for _one in range(number):
            county.report()
        with CaptureQueriesContext(connection) as asked:
            alarms.sweep(at=minutes(60))
        return len(asked)

    one, eleven = queries(1), queries(11)
    assert (eleven - one) / 10 <= 2  # the message and the count of it


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_share_the_work_and_tell_everything_once(monkeypatch):
    county = County.build()
    for number in range(12):
        county.report(at=minutes(number))
    monkeypatch.setattr(alarms, "BATCH", 3)
    both = threading.Barrier(2)

    def one_sweep(_number: int) -> int:
        both.wait()
        try:
            return alarms.sweep(at=minutes(60))[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        looked = sum(threads.map(one_sweep, range(2)))
    assert looked == 12
    assert told() == sorted([("孙丽", "clock_overdue"), ("陈静", "clock_overdue")] * 12)


@pytest.mark.django_db(transaction=True)
def test_a_sweep_does_not_wait_for_a_clock_that_a_move_is_writing():
    county = County.build()
    held, free = county.report(), county.report()

    def sweep() -> int:
        try:
            return alarms.sweep(at=minutes(60))[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread, transaction.atomic():
        StageClock.objects.filter(case=held).update(used_seconds=1)  # a move under way, not yet committed
        assert thread.submit(sweep).result(timeout=10) == 1
    assert {message.about for message in Message.objects.all()} == {str(free.public_id)}
    assert sweep() == 1
