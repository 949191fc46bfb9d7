"""Escalation chains: when a clock rings, and for whom; a change in the middle tells nothing twice and loses nothing."""

from datetime import date, time, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts import actions as accounts
from accounts.models import Appointment, Shift
from accounts.roles import Role
from cases import alarms, chains, escalation
from cases.escalation import Audience, Chain, Facts, Means, Step, When
from cases.models import AlarmChain, StageClock
from cases.workflow import Stage
from dispatch import actions as dispatch
from dispatch import terms
from office.models import Delivery, Message
from tests.cases.test_alarms import minutes, told
from tests.county import LONG_AGO, MONDAY, County, beijing

HOLDER = (Audience.HOLDER,)
FACTS = Facts("event", "06", 3, "handling", 0, "999902001001")


# — the scale, without a database —


def test_the_points_of_a_chain_lie_on_one_scale():
    steps = [
        Step(When.OVERDUE, 30, HOLDER, repeat_minutes=60, repeat_times=2), Step(When.SHARE, 0, HOLDER),
        Step(When.LAMP, 0, HOLDER), Step(When.OVERDUE, 0, HOLDER), Step(When.SHARE, 50, HOLDER),
    ]  # fmt: skip
    levels = [point.level for point in escalation.points(steps, yellow_percent=80)]
    assert levels == [1, 51, 81, 101, 131, 191, 251]


def test_a_point_says_how_much_of_the_time_is_used():
    half, late = (
        escalation.points([step], yellow_percent=80)[0]
        for step in (Step(When.SHARE, 50, HOLDER), Step(When.OVERDUE, 10, HOLDER))
    )
    assert (half.seconds(14_400), late.seconds(14_400)) == (7_200, 15_000)


@pytest.mark.parametrize(
    "step",
    [
        Step(When.SHARE, 50, ()),
        Step(When.SHARE, 100, HOLDER),
        Step(When.SHARE, 50, HOLDER, repeat_minutes=60, repeat_times=1),
        Step(When.OVERDUE, 29_000, HOLDER, repeat_minutes=600, repeat_times=2),
        Step(When.OVERDUE, 0, HOLDER, repeat_minutes=1, repeat_times=2),
        Step(When.OVERDUE, 0, HOLDER, repeat_minutes=60, repeat_times=8),
    ],
)
def test_a_step_that_makes_no_sense_has_a_fault(step):
    assert step.faults


def test_the_narrowest_row_holds_class_before_clock_before_urgency_before_area():
    rows = [
        Chain(1, (Step(When.SHARE, 10, HOLDER),)),
        Chain(2, (Step(When.SHARE, 20, HOLDER),), area_code="999902001"),
        Chain(3, (Step(When.SHARE, 30, HOLDER),), urgency=0),
        Chain(4, (Step(When.SHARE, 40, HOLDER),), clock="handling"),
        Chain(5, (Step(When.SHARE, 50, HOLDER),), kind="event"),
        Chain(6, (Step(When.SHARE, 60, HOLDER),), kind="event", major_code="06"),
        Chain(7, (Step(When.SHARE, 70, HOLDER),), class_id=3),
    ]
    day = date(2026, 3, 2)
    for length in range(len(rows), 0, -1):
        assert escalation.choose(rows[:length], FACTS, on=day) == rows[length - 1].steps
    assert escalation.choose([], FACTS, on=day) == escalation.as_delivered("handling")
    elsewhere = Chain(8, (), area_code="999902002", valid_from=day)
    assert not escalation.fits(elsewhere, FACTS, on=day)
    assert not escalation.fits(Chain(9, (), valid_from=date(2026, 3, 3)), FACTS, on=day)
    assert not escalation.fits(Chain(9, (), valid_to=day), FACTS, on=day)


# — a county's own chain —


@pytest.fixture
def county(db) -> County:
    return County.build()


def keep(county, *steps, at=MONDAY - timedelta(days=1), chain=None, **facts) -> AlarmChain:
    facts = {"name": "本县", "valid_from": LONG_AGO, **facts}
    if chain is not None:
        facts.pop("valid_from")
    return alarms.keep_chain(chain, by=county.administrator, at=at, steps=steps, **facts)


def test_a_class_rings_by_its_own_chain_and_the_others_as_delivered(county):
    keep(county, Step(When.SHARE, 50, (Audience.COMMANDER,)), minor_class=county.litter, clock="handling")
    case = county.case_at(Stage.HANDLING)  # dispatched at 9:03, four working hours
    alarms.sweep(at=beijing(2026, 3, 2, 11, 3))
    assert told() == []
    alarms.sweep(at=beijing(2026, 3, 2, 11, 4))
    assert told() == [("何刚", "clock_nearly_due")]
    alarms.sweep(at=beijing(2026, 3, 20, 11))
    assert told() == [("何刚", "clock_nearly_due")]
    assert StageClock.objects.get(case=case, name="handling").next_look_at is None


def test_a_kinds_chain_knows_its_classes(county):
    keep(county, Step(When.OVERDUE, 0, (Audience.DUTY_LEADER,)), kind="event", major_code="06")
    county.report()
    alarms.sweep(at=minutes(600))
    assert told() == [("陈静", "clock_overdue")]


def test_what_is_overdue_is_repeated_in_working_time_as_often_as_the_chain_says(county):
    keep(county, Step(When.OVERDUE, 60, HOLDER, repeat_minutes=60, repeat_times=2), clock="handling")
    county.case_at(Stage.HANDLING)  # due 15:03, so an hour of work later 16:03, 17:03, and on Tuesday 8:03
    for hour, number in ((16, 0), (16.1, 1), (17, 1), (17.1, 2), (20, 2), (32, 2), (32.1, 3), (60, 3)):
        alarms.sweep(at=beijing(2026, 3, 2, 0) + timedelta(hours=hour))
        assert len(told("clock_overdue")) == number


def test_a_sweep_that_comes_late_tells_all_whom_the_steps_passed_concern_one_thing_each(county):
    keep(
        county,
        Step(When.SHARE, 50, (Audience.SUPERIOR,)),
        Step(When.OVERDUE, 0, HOLDER),
        Step(When.OVERDUE, 30, (Audience.LEADER,)),
    )
    county.report()
    alarms.sweep(at=minutes(600))
    assert told() == [("孙丽", "clock_overdue"), ("沈海", "clock_overdue"), ("陈静", "clock_overdue")]


def test_the_leader_is_the_one_of_the_area(county):
    city = county.departments["city"]
    Appointment.objects.create(
        user=county.evaluator, role=Role.LEADER, department=city, scope_area_code="999902001", valid_from=LONG_AGO
    )
    keep(county, Step(When.OVERDUE, 0, (Audience.LEADER,)))
    county.report()
    alarms.sweep(at=minutes(16))
    assert told() == [("江楠", "clock_overdue")]


def test_a_step_goes_out_by_its_means_beside_the_box(county, settings):
    settings.GATEWAYS = {"sms": {"kind": "file", "path": "/dev/null"}}
    type(county.operator).objects.filter(pk=county.operator.pk).update(phone="13900000009")
    keep(
        county, Step(When.OVERDUE, 0, HOLDER, (Means.SMS,), at_night=True), Step(When.OVERDUE, 0, (Audience.SUPERIOR,))
    )
    case = county.report()
    alarms.sweep(at=minutes(16))
    assert len(told()) == 2
    delivery = Delivery.objects.get()
    assert (delivery.address, delivery.at_night, delivery.recipient) == ("13900000009", True, county.operator)
    assert delivery.facts.keys() == {"number", "what", "area", "clock", "due_at"}
    assert delivery.facts["area"] == case.area_names


def test_a_contact_without_an_account_is_reached_by_text_message_and_the_desk_by_its_box(county, settings):
    settings.GATEWAYS = {"sms": {"kind": "file", "path": "/dev/null"}}
    accounts.keep_contact(
        None, by=county.sanitation, at=MONDAY, department=county.sanitation_bureau, name="老张", mobile="13900000008"
    )
    county.case_at(Stage.HANDLING)
    alarms.sweep(at=beijing(2026, 3, 2, 16))
    assert Delivery.objects.get().address == "13900000008"
    assert ("周涛", "clock_overdue") in told()


def test_at_three_in_the_night_of_a_holiday_whoever_is_on_call_is_told(county):
    night = Shift.objects.create(name="夜班", begins_at=time(20), ends_at=time(8))
    accounts.enter_turns(
        by=county.administrator, at=MONDAY, kind="on_call", department=county.sanitation_bureau, shift=night,
        user=county.handler, class_code="01", weekdays=range(7), valid_from=LONG_AGO,
    )  # fmt: skip
    county.case_at(Stage.HANDLING, minor_class=county.cover, at=beijing(2026, 9, 30, 23))  # two hours, at any hour
    alarms.sweep(at=beijing(2026, 10, 1, 3))
    assert ("吴磊", "clock_overdue") in told()
    assert "周涛" not in {name for name, _code in told()}


# — changed in the middle —


def after_a_change(at):
    return at + timedelta(seconds=21)


def test_a_new_chain_holds_for_clocks_that_run_and_tells_nothing_twice(county):
    county.report()  # due after 15 minutes
    alarms.sweep(at=minutes(13))
    assert told() == [("孙丽", "clock_nearly_due")]
    # Now three steps in front of what was told: none of them rings, the next one does.
    steps = [Step(When.SHARE, share, HOLDER) for share in (20, 50, 80, 95)]
    keep(county, *steps, at=minutes(13), valid_from=MONDAY.date())
    alarms.sweep(at=after_a_change(minutes(13)))
    assert len(told()) == 1
    alarms.sweep(at=minutes(14.5))
    assert told() == [("孙丽", "clock_nearly_due")] * 2
    alarms.sweep(at=minutes(600))
    assert len(told()) == 2


def test_a_step_put_in_front_of_the_next_look_is_not_forgotten(county):
    keep(county, Step(When.OVERDUE, 600, HOLDER))
    county.report()
    clock = StageClock.objects.get(name="accept")
    assert clock.next_look_at == minutes(615)
    keep(county, Step(When.OVERDUE, 30, HOLDER), chain=AlarmChain.objects.get(), at=minutes(1))
    alarms.sweep(at=minutes(46))
    assert told() == [("孙丽", "clock_overdue")]
    alarms.sweep(at=minutes(700))
    assert len(told()) == 1


def test_a_clock_that_had_rung_for_the_last_time_rings_on_by_a_longer_chain(county):
    chain = keep(county, Step(When.OVERDUE, 0, HOLDER))
    county.report()
    alarms.sweep(at=minutes(16))
    assert StageClock.objects.get(name="accept").next_look_at is None
    keep(county, Step(When.OVERDUE, 0, HOLDER), Step(When.OVERDUE, 60, (Audience.LEADER,)), chain=chain, at=minutes(17))
    alarms.sweep(at=after_a_change(minutes(17)))
    alarms.sweep(at=minutes(76))
    assert told() == [("孙丽", "clock_overdue"), ("沈海", "clock_overdue")]


def test_a_chain_that_begins_tomorrow_holds_from_midnight_on(county):
    keep(county, Step(When.OVERDUE, 0, HOLDER), at=MONDAY)
    keep(county, Step(When.OVERDUE, 60, HOLDER), at=MONDAY, valid_from=date(2026, 3, 3))
    county.report()
    alarms.sweep(at=beijing(2026, 3, 2, 23, 59))
    assert len(told()) == 1
    alarms.sweep(at=beijing(2026, 3, 3, 0, 1))
    assert len(told()) == 2


def test_a_change_ends_the_row_of_before_and_writes_a_new_one(county):
    chain = keep(county, Step(When.OVERDUE, 0, HOLDER))
    keep(county, Step(When.OVERDUE, 30, HOLDER), chain=chain, at=MONDAY)
    old, new = AlarmChain.objects.order_by("valid_from")
    assert (old.valid_to, new.valid_from, new.valid_to) == (MONDAY.date(), MONDAY.date(), None)
    assert old.steps[0]["number"] == 0
    alarms.end_chain(new, by=county.administrator, at=MONDAY, on=MONDAY.date())
    case = county.report()
    assert chains.steps_for(case, "accept", at=MONDAY) == escalation.as_delivered("accept")


def test_a_chain_that_makes_no_sense_is_refused(county):
    with pytest.raises(alarms.ChainNotSound):
        keep(county, Step(When.SHARE, 50, ()))
    with pytest.raises(alarms.ChainNotSound):
        keep(county)


def test_the_look_at_all_clocks_happens_once_for_a_change(county, django_assert_max_num_queries):
    keep(county, Step(When.OVERDUE, 0, HOLDER))
    county.report()
    alarms.sweep(at=after_a_change(MONDAY))
    assert chains.waiting(at=minutes(2)) == []
    with django_assert_max_num_queries(4):
        alarms.sweep(at=minutes(3))


def test_an_extension_that_the_sweep_overtook_still_lets_the_clock_ring_anew(county, monkeypatch):
    """The move read "nothing told"; the sweep told; the move wrote. The new deadline must ring all the same."""
    stint = county.case_at(Stage.HANDLING).stints.get()
    dispatch.ask_extension(stint, by=county.sanitation, at=minutes(10), reason="需要吊车")
    handling = StageClock.objects.filter(stint=stint, name="handling")
    handling.update(told_level=1)
    from cases.clocks import Turn

    extend = Turn._extend

    def overtaken(turn, clock, seconds):
        handling.update(told_level=81)  # the sweep, between the move's reading and its writing
        extend(turn, clock, seconds)

    monkeypatch.setattr(Turn, "_extend", overtaken)
    dispatch.grant_extension(stint.requests.get(), by=county.dispatcher, at=minutes(20))
    assert handling.get().told_level == 1


# — any chain, any history —


STEPS = st.one_of(
    st.builds(Step, st.just(When.SHARE), st.integers(0, 99), st.just(HOLDER)),
    st.builds(
        Step, st.just(When.OVERDUE), st.integers(0, 300), st.just(HOLDER),
        repeat_minutes=st.integers(5, 90), repeat_times=st.integers(0, 3),
    ),
    st.just(Step(When.LAMP, 0, HOLDER)),
)  # fmt: skip
CHAINS = st.lists(STEPS, min_size=1, max_size=5)
# What happens next: the sweep comes, a new chain, a return and its refusal (which waiting counts) or an extension.
HAPPENINGS = st.lists(
    st.tuples(st.integers(1, 240), st.one_of(st.just("sweep"), st.just("extend"), st.just("pause"), CHAINS)),
    min_size=1,
    max_size=9,
)


@pytest.mark.django_db
@settings(
    max_examples=12,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=CHAINS, happenings=HAPPENINGS)
def test_whatever_the_chain_and_the_history_each_step_is_told_once_and_not_before_its_time(county, first, happenings):
    from django.db import transaction

    with transaction.atomic():
        live(county, first, happenings)
        transaction.set_rollback(True)


def live(county, first, happenings) -> None:
    """Let one handling clock live, and look after every sweep at what was told of it."""
    chain = keep(county, *first, clock="handling")
    case = county.case_at(Stage.HANDLING)
    stint, at = case.stints.get(), minutes(5)
    clock = StageClock.objects.get(stint=stint, name="handling")
    extended = 0
    for wait, happening in happenings:
        at += timedelta(minutes=wait)
        clock.refresh_from_db()
        paused = clock.state == StageClock.State.PAUSED
        if happening == "extend":
            if not paused and at < clock.due_at and extended < 2:
                dispatch.ask_extension(stint, by=county.sanitation, at=at, reason="需要吊车")
                dispatch.grant_extension(stint.requests.get(stage="pending"), by=county.dispatcher, at=at)
                extended += 1
        elif happening == "pause":
            if paused:
                wish = stint.requests.get(stage="pending")
                dispatch.refuse_return(wish, by=county.dispatcher, at=at, reason="属你单位")
            elif (until := terms.return_until(stint, stint.case, at=at)) is None or at <= until:
                dispatch.ask_return(stint, by=county.sanitation, at=at, ground="not_ours", reason="属街道")
            else:
                continue
        elif happening != "sweep":
            keep(county, *happening, clock="handling", chain=AlarmChain.objects.get(pk=chain.pk), at=MONDAY)
            chain = AlarmChain.objects.get(valid_to=None)
            AlarmChain.objects.update(changed_at=at - timedelta(minutes=1), looked_at=None)
            chains.forget()
        look(county, clock, at)


def look(county, clock, at) -> None:
    from cases import clocks

    clock.refresh_from_db()
    before = set(Message.objects.filter(dedupe_key__startswith=f"clock:{clock.pk}:").values_list("dedupe_key"))
    level, running = clock.told_level, clock.state == StageClock.State.RUNNING
    alarms.sweep(at=at)
    clock.refresh_from_db()
    after = set(Message.objects.filter(dedupe_key__startswith=f"clock:{clock.pk}:").values_list("dedupe_key"))
    due = [
        point.level
        for point in clocks.points_of(clock, clock.case, at=at)
        if running and point.level > level and clocks.instant_of(clock, point, clock.case) < at
    ]
    # Told exactly when a point lay behind that had not been told; then everything behind is told.
    assert len(after - before) == (1 if due else 0)
    assert clock.told_level == max(due, default=level)
    if running:
        assert clock.next_look_at is None or clock.next_look_at >= at
    alarms.sweep(at=at)
    assert set(Message.objects.filter(dedupe_key__startswith=f"clock:{clock.pk}:").values_list("dedupe_key")) == after
