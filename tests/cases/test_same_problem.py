"""The same problem twice, and the problem that comes back: attaching, undoing it, hints before the form, chains."""

import threading
from datetime import timedelta

import pytest
from django.contrib.gis.geos import LineString, MultiLineString, Point
from django.db import IntegrityError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Department
from cases import actions, history, permissions, workflow
from cases.models import Case, CasePart, StageClock
from cases.workflow import Stage
from citymgmt.errors import Refusal
from components.models import Component
from dispatch import actions as dispatch
from evaluation.facts import gather, of_the_city
from evaluation.indicators import Window
from grid.models import Road
from office import settings as office_settings
from tests.county import LONG_AGO, MONDAY, PEOPLE, County

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATER = MONDAY + HOUR
METRE = 1 / 111_000  # degrees of latitude, near enough


@pytest.fixture
def county() -> County:
    return County.build()


def north_of(point: Point, metres: float) -> Point:
    return Point(point.x, point.y + metres * METRE, srid=point.srid)


def as_it_is(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def running(case: Case) -> list[str]:
    return sorted(StageClock.objects.filter(case=case).exclude(state="stopped").values_list("name", flat=True))


# — attaching —


def test_an_attached_report_ends_its_clocks_stop_and_both_histories_name_the_other(county):
    first, second = county.case_at(Stage.HANDLING), county.report(at=LATER)
    attached = actions.attach(second, by=county.operator, at=LATER, first=first, opinion="同一处垃圾")
    assert (attached.stage, attached.merged_into) == (Stage.MERGED, first)
    assert running(attached) == []
    assert attached.events.last().facts == {"first": first.number}
    noted = as_it_is(first).events.last()
    assert (noted.verb, noted.facts, noted.from_stage, noted.to_stage) == (
        "attached", {"case": second.number}, Stage.HANDLING, Stage.HANDLING,
    )  # fmt: skip


def test_the_first_case_keeps_its_stage_its_clocks_and_an_unbroken_chain_of_events(county):
    first = county.case_at(Stage.HANDLING)
    before = running(first), first.stage, first.due_at
    actions.attach(county.report(at=LATER), by=county.operator, at=LATER, first=first)
    first = as_it_is(first)
    assert (running(first), first.stage, first.due_at) == before
    previous = history.NO_HASH
    for event in first.events.order_by("sequence"):
        assert previous.hex() in bytes(event.payload).decode()
        previous = history.digest(bytes(event.payload))
    assert previous == bytes(first.last_hash)


def test_before_filing_the_operator_attaches_afterwards_only_the_duty_leader(county):
    first, filed = county.report(), county.case_at(Stage.PENDING_HANDLE)
    with pytest.raises(actions.NotYours):
        actions.attach_filed(filed, by=county.operator, at=LATER, first=first)
    attached = actions.attach_filed(filed, by=county.duty_leader, at=LATER, first=first)
    assert (attached.stage, attached.stints.get().stage, running(attached)) == (Stage.MERGED, "withdrawn", [])


def test_once_a_department_has_begun_it_is_no_longer_attached(county):
    first, begun = county.report(), county.case_at(Stage.HANDLING)
    dispatch.ask_return(begun.stints.get(), by=county.sanitation, at=LATER, ground=county.ground, reason="非本单位")
    with pytest.raises(actions.HandledAlready):
        actions.attach_filed(as_it_is(begun), by=county.duty_leader, at=LATER, first=first)
    assert as_it_is(begun).stage == Stage.PENDING_DISPATCH


def test_a_collector_on_the_way_is_called_back(county):
    verifying = county.case_at(Stage.VERIFYING, source="web")
    actions.attach(verifying, by=county.operator, at=LATER, first=county.report())
    assert verifying.tasks.get().stage == "withdrawn"


def test_whoever_saw_the_attached_report_never_checks_the_first(county):
    first = county.case_at(Stage.PENDING_CHECK)
    second = county.report(at=LATER, by=county.other_collector)
    actions.attach(second, by=county.operator, at=LATER, first=first)
    with pytest.raises(actions.NotACollector):
        actions.send_check(as_it_is(first), by=county.operator, at=LATER, collector=county.other_collector)
    assert not CasePart.objects.filter(had_hand=True, has_judged=True).exists()


def test_what_was_attached_to_a_case_goes_to_that_cases_first(county):
    first, second, third = county.report(), county.report(), county.report()
    second = actions.attach(second, by=county.operator, at=LATER, first=first)
    assert actions.attach(third, by=county.operator, at=LATER, first=second).merged_into == first


def test_the_first_of_others_is_not_attached_to_a_further_one(county):
    first, second, third = county.report(), county.report(), county.report()
    actions.attach(second, by=county.operator, at=LATER, first=first)
    with pytest.raises(actions.FirstOfOthers) as refused:
        actions.attach(first, by=county.operator, at=LATER, first=third)
    assert refused.value.facts == {"number": first.number, "others": 1}
    assert as_it_is(first).stage == Stage.REPORTED


def test_never_to_itself_nor_back_to_what_is_attached_to_it(county):
    first, second = county.report(), county.report()
    with pytest.raises(actions.FirstIsItself):
        actions.attach(first, by=county.operator, at=LATER, first=first)
    second = actions.attach(second, by=county.operator, at=LATER, first=first)
    with pytest.raises(actions.FirstIsItself):
        actions.attach(as_it_is(first), by=county.operator, at=LATER, first=second)


def test_nothing_is_attached_to_what_is_over(county):
    for over in (
        county.case_at(Stage.CLOSED),
        actions.refuse(county.report(), by=county.operator, at=LATER, reason="无"),
    ):
        with pytest.raises(actions.FirstHasEnded):
            actions.attach(county.report(), by=county.operator, at=LATER, first=over)


def test_nothing_is_attached_to_a_case_of_another_centre(county):
    first, second = county.report(), county.report()
    other = Department.objects.create(
        code="other", name_zh="邻县监督中心", kind="supervision_centre", area_code="999903", valid_from=LONG_AGO
    )
    Case.objects.filter(pk=first.pk).update(supervision_centre=other)
    with pytest.raises(actions.NotYours):
        actions.attach(second, by=county.operator, at=LATER, first=first)
    assert as_it_is(second).stage == Stage.REPORTED


@pytest.mark.parametrize("person", sorted(set(PEOPLE) - {"operator", "duty_leader"}))
def test_nobody_but_the_supervision_desk_attaches_or_undoes_it(county, person):
    first, second, third = county.report(), county.report(), county.report()
    with pytest.raises(actions.NotYours):
        actions.attach(second, by=getattr(county, person), at=LATER, first=first)
    third = actions.attach(third, by=county.operator, at=LATER, first=first)
    with pytest.raises(actions.NotYours):
        actions.detach(third, by=getattr(county, person), at=LATER, reason="不是同一处")


def test_the_database_knows_no_merged_case_without_a_first_and_none_into_itself(county):
    case = county.report()
    for wrong in ({"stage": Stage.MERGED}, {"merged_into": case}, {"stage": Stage.MERGED, "merged_into": case}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**wrong)


# — undoing it —


@pytest.mark.parametrize(
    ("stage", "source", "back_to", "clock"),
    [
        (Stage.REPORTED, "collector", Stage.REPORTED, "accept"),
        (Stage.ACCEPTED, "web", Stage.ACCEPTED, "send_verify"),
        (Stage.VERIFYING, "web", Stage.ACCEPTED, "send_verify"),
        (Stage.PENDING_FILING, "collector", Stage.PENDING_FILING, "filing"),
        (Stage.PENDING_DISPATCH, "collector", Stage.PENDING_DISPATCH, "dispatch"),
        (Stage.PENDING_HANDLE, "collector", Stage.PENDING_DISPATCH, "dispatch"),
    ],
)
def test_undone_it_stands_where_it_stood_with_a_new_clock(county, stage, source, back_to, clock):
    first, second = county.report(), county.case_at(stage, source=source)
    attach = actions.attach if second.filed_at is None else actions.attach_filed
    attach(second, by=county.duty_leader, at=LATER, first=first)
    back = actions.detach(as_it_is(second), by=county.duty_leader, at=LATER + HOUR, reason="不是同一处")
    assert (back.stage, back.merged_into, back.is_open) == (back_to, None, True)
    assert running(back) == sorted([clock, "overall"])
    assert back.clock_started_at == LATER + HOUR
    assert as_it_is(first).events.last().verb == "detached"


def test_undone_it_goes_on_to_its_end(county):
    first, second = county.report(), county.case_at(Stage.PENDING_HANDLE)
    actions.attach_filed(second, by=county.duty_leader, at=LATER, first=first)
    back = actions.detach(as_it_is(second), by=county.duty_leader, at=LATER, reason="不是同一处")
    dispatch.dispatch(back, by=county.dispatcher, at=LATER, department=county.sanitation_bureau)
    stint = back.stints.get()
    dispatch.receive(stint, by=county.sanitation, at=LATER)
    dispatch.hand_over(stint, by=county.sanitation, at=LATER, opinion="已清运", files=county.pictures())
    assert as_it_is(back).stage == Stage.HANDED_OVER


def test_some_days_after_the_end_of_the_first_the_attaching_stands(county):
    first = county.case_at(Stage.PENDING_CLOSE)
    second = actions.attach(county.report(), by=county.operator, at=LATER, first=first)
    actions.close(first, by=county.duty_leader, at=LATER, met=True)
    second = as_it_is(second)
    buttons = [one.rule.verb for one in permissions.open_moves(county.operator, second, at=LATER + 7 * DAY)]
    assert buttons == ["detach"]
    too_late = LATER + 8 * DAY
    assert permissions.open_moves(county.operator, as_it_is(second), at=too_late) == []
    with pytest.raises(actions.AttachedForGood):
        actions.detach(second, by=county.operator, at=too_late, reason="不是同一处")
    assert actions.detach(second, by=county.operator, at=LATER + 7 * DAY, reason="不是同一处").stage == Stage.REPORTED


def test_what_is_not_attached_is_not_taken_off(county):
    with pytest.raises(actions.MoveNotAllowed):
        actions.detach(county.report(), by=county.operator, at=LATER, reason="不是同一处")


# — races —


def at_the_same_instant(*acts) -> list:
    """Run each in a connection of its own, all let go at once; return what each returned or refused with."""
    results, gate = [None] * len(acts), threading.Barrier(len(acts))

    def run(number, act):
        try:
            gate.wait(10)
            results[number] = act()
        except Refusal as refusal:
            results[number] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.django_db(transaction=True)
def test_two_desks_that_attach_two_reports_to_each_other_at_once_leave_one_open():
    county = County.build()
    one, other = county.report(), county.report()
    results = at_the_same_instant(
        lambda: actions.attach(one, by=county.operator, at=LATER, first=other),
        lambda: actions.attach(other, by=county.duty_leader, at=LATER, first=one),
    )
    assert sorted(isinstance(result, Refusal) for result in results) == [False, True]
    assert sorted([as_it_is(one).stage, as_it_is(other).stage]) == [Stage.MERGED, Stage.REPORTED]


@pytest.mark.django_db(transaction=True)
def test_a_case_that_is_attached_while_another_is_attached_to_it_makes_no_chain():
    county = County.build()
    first, middle, last = county.report(), county.report(), county.report()
    at_the_same_instant(
        lambda: actions.attach(middle, by=county.operator, at=LATER, first=first),
        lambda: actions.attach(last, by=county.duty_leader, at=LATER, first=middle),
    )
    assert not Case.objects.filter(merged_into__merged_into__isnull=False).exists()


# — whatever is attached and undone, in whatever order —


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_chain_no_cycle_no_running_clock_of_an_attached_case_ever(county, data):
    with transaction.atomic():
        stages = [Stage.REPORTED, Stage.PENDING_FILING, Stage.PENDING_DISPATCH, Stage.PENDING_HANDLE]
        cases = [county.case_at(stage) for stage in stages]
        at = LATER
        for _ in range(data.draw(st.integers(1, 10))):
            at += data.draw(st.integers(0, 600)) * MINUTE
            case, first = (as_it_is(data.draw(st.sampled_from(cases))) for _ in range(2))
            act = data.draw(st.sampled_from([actions.attach, actions.attach_filed, actions.detach]))
            words = {"reason": "不是同一处"} if act is actions.detach else {"first": first}
            person = data.draw(st.sampled_from([county.operator, county.duty_leader]))
            try:
                with transaction.atomic():
                    act(case, by=person, at=at, **words)
            except Refusal:
                assert as_it_is(case).event_count == case.event_count
            merged = Case.objects.filter(stage=Stage.MERGED)
            assert not StageClock.objects.filter(case__in=merged).exclude(state="stopped").exists()
            assert not merged.exclude(merged_into__merged_into=None).exists()
            assert all(running(one) for one in Case.objects.filter(stage__in=workflow.OPEN))
            for one in map(as_it_is, cases):
                last = one.events.order_by("sequence").last()
                assert (last.sequence, last.to_stage, bytes(last.hash)) == (
                    one.event_count, one.stage, bytes(one.last_hash),
                )  # fmt: skip
        transaction.set_rollback(True)


# — counting —


def test_an_attached_report_is_received_and_merged_and_no_case(county):
    first = county.case_at(Stage.HANDLING)
    actions.attach(county.report(), by=county.operator, at=LATER, first=first)
    filed = county.case_at(Stage.PENDING_HANDLE)
    actions.attach_filed(filed, by=county.duty_leader, at=LATER, first=first)
    counts = of_the_city(gather(Window(MONDAY - DAY, MONDAY + DAY, MONDAY + DAY)))
    assert (counts["reported"], counts["filed_cases"], counts["merged"]) == (3, 1, 2)
    assert (counts["merged_before_accept"], counts["accepted"]) == (1, 2)


# — which open cases may be the same —


def near(county: County, point=None, **facts) -> list[Case]:
    return list(Case.objects.open_near(point or county.point, **{"minor_class": county.litter, "at": LATER, **facts}))


def test_the_same_class_within_fifty_metres_and_a_day_may_be_the_same(county):
    case = county.report(point=north_of(county.point, 40))
    assert near(county) == [case]
    assert round(near(county)[0].metres) == 40
    assert near(county, at=MONDAY + 25 * HOUR) == []
    assert near(county, point=north_of(county.point, -20)) == []
    assert near(county, minor_class=county.cover) == []
    actions.refuse(case, by=county.operator, at=LATER, reason="无")
    assert near(county) == []


def test_a_class_has_its_own_metres_and_hours_and_an_area_its_own_default(county):
    county.report(point=north_of(county.point, 40))
    county.litter.near_metres, county.litter.near_hours = 30, 72
    assert near(county) == []
    county.litter.near_metres = 45
    assert len(near(county, at=MONDAY + 71 * HOUR)) == 1
    county.litter.near_metres = None
    office_settings.set_value(
        "cases.near_metres", 10, by=None, at=MONDAY, area_code=county.community.code, valid_from=LONG_AGO
    )
    assert near(county, area_code=county.community.code) == []
    assert len(near(county)) == 1


def test_the_same_component_is_the_same_whatever_the_distance_and_the_time(county):
    lamp = Component.objects.create(
        identifier="99990201037000001", minor_class=county.cover, name_zh="路灯", supervising_authority_name="住建局",
        unit_grid=county.cells[0], geometry=county.point, initial_date=LONG_AGO,
    )  # fmt: skip
    case = county.report(minor_class=county.cover, component=lamp, point=north_of(county.point, 90))
    assert near(county, minor_class=county.cover, component=lamp, at=MONDAY + 90 * DAY) == [case]
    assert near(county, minor_class=county.cover, at=MONDAY + 90 * DAY) == []


def test_dark_lamps_along_one_road_are_one_problem(county):
    line = LineString((117.0, county.point.y), (117.002, county.point.y), srid=4490)
    road = Road.objects.create(name_zh="梅河路", road_class="main", line=MultiLineString(line, srid=4490),
                               valid_from=LONG_AGO)  # fmt: skip
    far = Point(117.0018, county.point.y, srid=4490)
    case = county.report(point=far)
    assert case.road == road
    assert near(county) == []
    county.litter.near_on_road = True
    assert near(county) == [case]
    assert near(county, point=north_of(county.point, 60)) == []


def test_whoever_named_a_case_finds_it_first_even_from_afar(county):
    close, far = county.report(), county.report(point=north_of(county.point, 60), at=MONDAY - 3 * DAY)
    assert near(county, named=far.pk) == [far, close]


# — it came back —


def test_what_comes_back_soon_at_the_same_place_is_linked_into_a_chain(county):
    closed = [county.case_at(Stage.CLOSED, at=MONDAY + number * DAY) for number in range(3)]
    again = county.report(at=MONDAY + 10 * DAY, point=north_of(county.point, 15))
    assert [case.recurrence for case in closed] == [0, 1, 2]
    assert (again.recurs_of, again.chain, again.recurrence) == (closed[2], closed[0], 3)
    assert list(Case.objects.chain_of(again)) == closed[::-1]
    assert list(Case.objects.chain_of(county.report(at=MONDAY + 99 * DAY))) == []


def test_too_late_too_far_another_class_or_still_open_is_no_recurrence(county):
    county.case_at(Stage.CLOSED)
    county.case_at(Stage.HANDLING, at=MONDAY + DAY, point=north_of(county.point, 25))
    for facts in (
        {"at": MONDAY + 31 * DAY},
        {"at": MONDAY + DAY, "point": north_of(county.point, 25)},
        {"at": MONDAY + DAY, "minor_class": county.cover},
    ):
        assert county.report(**facts).recurrence == 0
    county.litter.recurrence_days = 40
    assert county.report(at=MONDAY + 31 * DAY).recurrence == 1


def test_the_right_class_links_what_the_wrong_one_did_not(county):
    county.case_at(Stage.CLOSED)
    again = county.report(at=MONDAY + DAY, minor_class=county.cover)
    assert again.recurrence == 0
    facts = {"by": county.operator, "at": MONDAY + DAY, "description": "垃圾"}
    assert actions.describe(again, minor_class=county.litter, **facts).recurrence == 1
    assert as_it_is(again).recurrence == 1
    assert actions.describe(as_it_is(again), minor_class=county.cover, **facts).recurs_of is None
    assert as_it_is(again).chain is None


def test_recurring_cases_are_counted_once_filed_and_not_when_merged(county):
    county.case_at(Stage.CLOSED)
    filed = county.case_at(Stage.PENDING_DISPATCH, at=MONDAY + DAY)
    merged = county.report(at=MONDAY + DAY)
    actions.attach(merged, by=county.operator, at=MONDAY + DAY, first=filed)
    assert list(Case.objects.recurring()) == [filed]
