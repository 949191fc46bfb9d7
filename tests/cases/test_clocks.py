"""The handling clock through the real actions: the worked examples that pause, extend, return and come back."""

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from cases import actions, clocks
from cases.models import Case, ClockEntry, HandlingStint, StageClock
from cases.time_limits import Unit, lamp
from cases.workflow import Clock, Stage
from citymgmt.errors import Refusal
from dispatch import actions as dispatch
from office import settings
from office.batch import Batch
from tests.county import County, beijing

pytestmark = pytest.mark.django_db
MONDAY_9 = beijing(2025, 3, 3, 9)
FILED = MONDAY_9 - timedelta(minutes=1)


@pytest.fixture
def county() -> County:
    return County.build()


def dispatched(county, *, start=MONDAY_9, value=4, unit="working_hour"):
    """Litter with a limit, dispatched at that instant."""
    county.condition.limit_value, county.condition.limit_unit = value, unit
    county.condition.save()
    case = county.case_at(Stage.PENDING_DISPATCH, at=start - timedelta(minutes=2))
    dispatch.dispatch(case, by=county.dispatcher, at=start, department=county.sanitation_bureau)
    return case.stints.get()


@pytest.fixture
def stint(county):
    """Litter, four working hours, dispatched on Monday at nine."""
    stint = dispatched(county)
    assert stint.due_at == beijing(2025, 3, 3, 15)
    return stint


def due(stint):
    stint.refresh_from_db()
    return stint.due_at


def returned(county, stint):
    half_past_ten = beijing(2025, 3, 3, 10, 30)
    dispatch.ask_return(stint, by=county.sanitation, at=half_past_ten, ground=county.ground, reason="不属于我单位")
    return stint.requests.get(kind="return")


# — the worked examples of the domain, each lived through ——————————————————————————————————————————


def suspend_and_resume(county, stint):
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 9, 30), until=date(2025, 3, 20), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 10))
    dispatch.resume(stint, by=county.dispatcher, at=beijing(2025, 3, 4, 8, 30))


def extend(county, stint):
    dispatch.ask_extension(stint, by=county.sanitation, at=beijing(2025, 3, 3, 10), reason="需要吊车")
    dispatch.grant_extension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 11))


def return_and_send(county, stint, department):
    request = returned(county, stint)
    four = beijing(2025, 3, 3, 16)
    dispatch.grant_return(request, by=county.dispatcher, at=four)
    dispatch.dispatch(stint.case, by=county.dispatcher, at=four, department=department)


def return_to_the_same(county, stint):
    return_and_send(county, stint, county.sanitation_bureau)


def return_to_another(county, stint):
    return_and_send(county, stint, county.water_company)


def return_refused(county, stint):
    dispatch.refuse_return(
        returned(county, stint), by=county.dispatcher, at=beijing(2025, 3, 3, 11, 30), reason="属于你单位"
    )


HOURS, DAYS, URGENT, NATURAL = "working_hour", "working_day", "continuous_hour", "calendar_day"
WORKED_EXAMPLES = {
    # start, limit, what happens, deadline
    "K1": (MONDAY_9, 4, HOURS, None, beijing(2025, 3, 3, 15)),
    "K2": (beijing(2025, 3, 7, 17, 30), 4, HOURS, None, beijing(2025, 3, 10, 11, 30)),
    "K3": (beijing(2025, 3, 7, 17, 30), 2, URGENT, None, beijing(2025, 3, 7, 19, 30)),
    "K4": (beijing(2025, 3, 8, 10), 1, DAYS, None, beijing(2025, 3, 10, 18)),
    "K5": (beijing(2025, 4, 3, 16), 1, DAYS, None, beijing(2025, 4, 7, 16)),
    "K6": (beijing(2025, 2, 7, 17), 4, HOURS, None, beijing(2025, 2, 8, 11)),
    "K7": (MONDAY_9, 4, HOURS, suspend_and_resume, beijing(2025, 3, 4, 11, 30)),
    "K8": (MONDAY_9, 4, HOURS, extend, beijing(2025, 3, 4, 9)),
    "K9": (beijing(2025, 3, 7, 17, 30), 3, NATURAL, None, beijing(2025, 3, 10, 17, 30)),
    "K10": (MONDAY_9, 4, HOURS, return_to_the_same, beijing(2025, 3, 4, 8, 30)),
    "K11": (MONDAY_9, 4, HOURS, return_to_another, beijing(2025, 3, 4, 10)),
    "K13": (MONDAY_9, 4, HOURS, return_refused, beijing(2025, 3, 3, 15)),
}


@pytest.mark.parametrize(("start", "value", "unit", "happens", "due_at"), WORKED_EXAMPLES.values(), ids=WORKED_EXAMPLES)
def test_a_worked_example_lived_through_is_due_when_the_domain_says(county, start, value, unit, happens, due_at):
    actions.load_calendar(
        days=[{"date": date(2025, 4, 4), "kind": "holiday"}, {"date": date(2025, 2, 8), "kind": "make_up"}],
        spans=[], official_until=date(2026, 12, 31),
    )  # fmt: skip
    stint = dispatched(county, start=start, value=value, unit=unit)
    if happens:
        happens(county, stint)
    stint = stint.case.stints.exclude(stage="returned").get()
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    assert clock.due_at == stint.due_at == Case.objects.get(pk=stint.case_id).due_at == due_at
    # … and says so itself: what was used and what lies ahead is the limit.
    explained = clocks.explain(clock, case=stint.case, at=start)
    assert sum(row.used_seconds for row in explained.rows) == explained.limit_seconds
    assert explained.rows[-1].ends == due_at


def test_k12_the_lamp_is_green_for_80_per_cent_of_the_work_time_yellow_to_the_deadline_and_red_after_it(county, stint):
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    assert (clock.yellow_at, clock.due_at) == (beijing(2025, 3, 3, 14, 12), beijing(2025, 3, 3, 15))

    def shown(*at):
        return lamp(beijing(2025, 3, 3, *at), yellow_at=clock.yellow_at, due_at=clock.due_at)

    assert [shown(14, 11), shown(14, 12), shown(15), shown(15, 1)] == ["green", "yellow", "yellow", "red"]


def test_a_case_that_stands_still_shows_its_own_sign(county, stint):
    returned(county, stint)
    assert HandlingStint.objects.get(pk=stint.pk).stage == "returning"
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    assert lamp(MONDAY_9, yellow_at=clock.yellow_at, due_at=clock.due_at, paused=clock.state == "paused") == "paused"


# — lamps, extensions, rounds —————————————————————————————————————————————————————————————————————


def keep(county, key, value):
    settings.set_value(key, value, by=county.administrator, at=FILED, valid_from=FILED.date())


@pytest.mark.parametrize(
    ("said", "yellow_at"),
    [(["handling=0.5"], (11,)), (["06-003=0.25", "handling=0.5"], (10,)), (["check=0.5"], (14, 12))],
)
def test_the_share_of_the_lamp_may_be_another_one_for_a_stage_or_a_class(county, said, yellow_at):
    keep(county, "cases.lamp.yellow_shares", said)
    stint = dispatched(county)
    assert StageClock.objects.get(stint=stint, name=Clock.HANDLING).yellow_at == beijing(2025, 3, 3, *yellow_at)


@pytest.mark.parametrize("said", [["handling"], ["handling=1.5"], ["=0.5"], [0.5], ["handling=0.5; drop"]])
def test_a_share_that_cannot_be_read_is_refused(county, said):
    with pytest.raises(settings.SettingNotValid):
        keep(county, "cases.lamp.yellow_shares", said)


def test_an_extension_of_a_clock_that_stands_still_waits_for_it_to_go_on(county, stint):
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 9, 30), until=date(2025, 3, 20), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 10))
    stint.refresh_from_db()
    batch = Batch()
    clocks.Turn(
        case=stint.case, at=beijing(2025, 3, 3, 11), recorded_at=beijing(2025, 3, 3, 11),
        sequence=stint.case.event_count, stints=[stint], tasks=[], extend={stint.pk: 4 * 3600},
    ).run(batch)  # fmt: skip
    batch.write()
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    assert (clock.state, clock.due_at) == ("paused", beijing(2025, 3, 4, 9)), "a limit on top of Monday at three"
    dispatch.resume(stint, by=county.dispatcher, at=beijing(2025, 3, 4, 8))
    assert due(stint) == beijing(2025, 3, 4, 17), "seven hours were left"


def handed_over_and_failed(county, stint):
    """Handed over after an hour; the check finds at four that it is not done."""
    hand_over, failed, minute = beijing(2025, 3, 3, 10), beijing(2025, 3, 3, 16), timedelta(minutes=1)
    dispatch.hand_over(stint, by=county.sanitation, at=hand_over, opinion="已清", files=county.pictures())
    dispatch.pass_on(stint, by=county.dispatcher, at=hand_over + minute)
    case = Case.objects.get(pk=stint.case_id)
    actions.send_check(case, by=county.operator, at=hand_over + 2 * minute, collector=county.other_collector)
    actions.check(case.tasks.get(), by=county.other_collector, at=failed, result="fail", opinion="没清完")
    return StageClock.objects.get(stint=stint, name=Clock.HANDLING)


def test_rework_goes_on_to_the_old_deadline(county, stint):
    clock = handed_over_and_failed(county, stint)
    assert (clock.state, clock.rounds, clock.due_at) == ("running", 2, beijing(2025, 3, 3, 15))


def test_where_the_city_says_so_rework_gets_a_new_limit_from_the_moment_it_is_sent_back(county, stint):
    keep(county, "cases.rework_clock", "new_limit")
    clock = handed_over_and_failed(county, stint)
    assert (clock.rounds, clock.due_at, clock.yellow_at) == (2, beijing(2025, 3, 4, 10), beijing(2025, 3, 4, 9, 12))
    explained = clocks.explain(clock, case=stint.case, at=beijing(2025, 3, 4, 9))
    assert explained.rows[-1].ends == clock.due_at
    assert (explained.used_seconds, explained.left_seconds) == (4 * 3600, 3600)
    dispatch.ask_extension(stint, by=county.sanitation, at=beijing(2025, 3, 4, 9), reason="需要吊车")
    dispatch.grant_extension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 4, 9, 30))
    assert due(stint) == beijing(2025, 3, 4, 16)


def test_a_result_that_is_refused_at_once_is_no_rework_and_gets_no_new_limit(county, stint):
    keep(county, "cases.rework_clock", "new_limit")
    dispatch.hand_over(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 10), opinion="已清", files=county.pictures(1)
    )
    dispatch.refuse_hand_over(stint, by=county.dispatcher, at=beijing(2025, 3, 3, 10, 10), reason="照片不清")
    assert due(stint) == beijing(2025, 3, 3, 15)


@pytest.mark.parametrize(("judged_by", "factor"), [("bundled", "0.75"), ("single", "0.5")])
def test_time_is_told_for_the_last_round_and_for_all_and_the_city_says_which_counts(county, stint, judged_by, factor):
    keep(county, "cases.timing", judged_by)
    handed_over_and_failed(county, stint)
    dispatch.hand_over(stint, by=county.sanitation, at=beijing(2025, 3, 4, 8), opinion="已清", files=county.pictures(1))
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    timing = clocks.explain(clock, case=stint.case, at=beijing(2025, 3, 5, 9)).timing
    assert (timing.single_seconds, timing.bundled_seconds) == (2 * 3600, 3 * 3600)
    assert timing.factor == Decimal(factor)


def test_overdue_before_it_stood_still_it_stays_overdue_since_the_same_instant(county, stint):
    four = beijing(2025, 3, 3, 16)
    dispatch.hand_over(stint, by=county.sanitation, at=four, opinion="已清", files=county.pictures(1))
    dispatch.refuse_hand_over(stint, by=county.dispatcher, at=beijing(2025, 3, 4, 9), reason="照片不清")
    assert due(stint) == beijing(2025, 3, 3, 15)


def test_while_a_return_is_decided_the_dispatchers_clock_runs_and_the_departments_stands(county, stint):
    returned(county, stint)
    clocks_now = dict(StageClock.objects.filter(case=stint.case).exclude(state="stopped").values_list("name", "state"))
    assert clocks_now == {"overall": "running", "handling": "paused", "dispatch": "running"}


def test_a_refused_result_runs_on_to_the_old_deadline(county, stint):
    dispatch.hand_over(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 10), opinion="已清", files=county.pictures(1)
    )
    dispatch.refuse_hand_over(stint, by=county.dispatcher, at=beijing(2025, 3, 3, 10, 10), reason="照片不清")
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    assert (clock.state, clock.due_at, clock.rounds) == ("running", beijing(2025, 3, 3, 15), 2)


def test_the_whole_case_is_due_when_handling_is_plus_what_the_desks_after_it_may_take(county, stint):
    overall = StageClock.objects.get(case=stint.case, name=Clock.OVERALL)
    assert overall.due_at == beijing(2025, 3, 3, 15) + timedelta(minutes=15 + 15 + 30 + 15)


def test_every_change_of_a_deadline_is_an_entry_with_before_and_after(county, stint):
    returned(county, stint)
    dispatch.refuse_return(
        stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 11, 30), reason="属于你单位"
    )
    entries = ClockEntry.objects.filter(clock__stint=stint).order_by("id")
    assert [entry.kind for entry in entries] == ["start", "pause", "resume"]
    assert entries[2].due_before == entries[2].due_after == beijing(2025, 3, 3, 15)


def test_a_deadline_explains_itself_over_a_pause(county, stint):
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 9, 30), until=beijing(2025, 3, 20).date(), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 10))
    dispatch.resume(stint, by=county.dispatcher, at=beijing(2025, 3, 4, 8, 30))
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    explained = clocks.explain(clock, case=stint.case, at=beijing(2025, 3, 4, 9))
    assert [(row.kind, row.begins, row.ends, row.left_seconds, row.is_ahead) for row in explained.rows] == [
        ("work", MONDAY_9, beijing(2025, 3, 3, 10), 3 * 3600, False),
        ("pause", beijing(2025, 3, 3, 10), None, 3 * 3600, False),
        ("resume_from_now", beijing(2025, 3, 4, 8, 30), None, 3 * 3600, False),
        ("work", beijing(2025, 3, 4, 8, 30), beijing(2025, 3, 4, 9), 2.5 * 3600, False),
        ("work", beijing(2025, 3, 4, 9), beijing(2025, 3, 4, 11, 30), 0, True),
    ]


# — every explanation adds up —————————————————————————————————————————————————————————————————————


def press(county, stint, happens: str, at) -> None:
    """Make one of the moves that touch the handling clock, or change the calendar; what is refused is left."""
    minute = timedelta(minutes=1)
    centre, bureau = {"by": county.dispatcher, "at": at}, {"by": county.sanitation, "at": at}
    pending = stint.requests.filter(stage="pending").first()
    if happens == "holiday":
        day = (at + timedelta(days=at.minute % 3 - 1)).date()
        actions.load_calendar(days=[{"date": day, "kind": "holiday"}], spans=[], official_until=date(2026, 12, 31))
        actions.follow_calendar(at=at)
    elif happens == "suspend":
        dispatch.ask_suspension(stint, until=(at + timedelta(days=9)).date(), reason="等材料", **bureau)
        dispatch.grant_suspension(stint.requests.get(stage="pending"), **centre)
    elif happens == "resume":
        dispatch.resume(stint, **centre)
    elif happens == "extend":
        dispatch.ask_extension(stint, reason="需要吊车", **bureau)
        dispatch.grant_extension(stint.requests.get(stage="pending"), **centre)
    elif happens == "return":
        dispatch.ask_return(stint, ground=county.ground, reason="不属于我单位", **bureau)
    elif happens == "refuse" and pending:
        dispatch.refuse_return(pending, reason="属于你单位", **centre)
    elif happens == "send again" and pending:
        dispatch.grant_return(pending, **centre)
        dispatch.dispatch(stint.case, department=county.sanitation_bureau, **centre)
    elif happens == "hand over":
        dispatch.hand_over(stint, opinion="已清", files=[county.proof], **bureau)
    elif happens == "refuse result":
        dispatch.refuse_hand_over(stint, reason="照片不清", **centre)
    elif happens == "fail":
        dispatch.pass_on(stint, **centre)
        case = Case.objects.get(pk=stint.case_id)
        actions.send_check(case, by=county.operator, at=at + minute, collector=county.other_collector)
        actions.check(
            case.tasks.get(stage="sent"), by=county.other_collector, at=at + 2 * minute, result="fail", opinion="没清完"
        )


HAPPENS = (
    "holiday", "suspend", "resume", "extend", "return", "refuse", "send again", "hand over", "refuse result", "fail",
)  # fmt: skip


def live(county, unit, value, steps, later, rework) -> None:
    settings.set_value("cases.rework_clock", rework, by=county.administrator, at=FILED, valid_from=FILED.date())
    stint = dispatched(county, value=value, unit=unit)
    at = MONDAY_9
    for happens, minutes in steps:
        at += timedelta(minutes=minutes)
        stint.refresh_from_db()
        with suppress(Refusal), transaction.atomic():
            press(county, stint, happens, at)
        at += timedelta(minutes=2)
    at += timedelta(minutes=later)
    for clock in StageClock.objects.filter(case=stint.case_id, limit_value__isnull=False):
        adds_up(clock, stint.case, at)


def adds_up(clock, case, at) -> None:
    """The lines, one after the other, lead from the limit to what is left; the last one ahead ends at the deadline."""
    told = clocks.explain(clock, case=case, at=at)
    here = clocks.calendar(case.area_code)
    work = [row for row in told.rows if row.kind == "work"]
    done, ahead = [row for row in work if not row.is_ahead], [row for row in work if row.is_ahead]
    used = sum(row.used_seconds for row in done)
    assert used == told.used_seconds == clocks.used_now(clock, at, here)
    assert used + sum(row.used_seconds for row in ahead) == max(used, clocks.total_seconds(clock, here)) or not ahead
    assert told.left_seconds == clocks.total_seconds(clock, here) - used
    assert [row.begins for row in told.rows] == sorted(row.begins for row in told.rows)
    if ahead:
        assert (ahead[-1].left_seconds, ahead[-1].ends) == (0, clock.due_at)
    elif clock.state == "running":
        assert told.left_seconds <= 0
        assert at >= clock.due_at
    folded = clocks.folded(told.rows, at_most=3)
    assert sum(row.used_seconds for row in folded) == sum(row.used_seconds for row in told.rows)
    assert told.rows == [] or folded[-1].left_seconds == told.rows[-1].left_seconds


def prove(examples: int):
    def test(county):
        @hypothesis(
            max_examples=examples, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(
            unit=st.sampled_from(list(Unit)),
            value=st.integers(1, 12),
            steps=st.lists(st.tuples(st.sampled_from(HAPPENS), st.integers(0, 2 * 1440)), min_size=2, max_size=10),
            later=st.integers(0, 20 * 1440),
            rework=st.sampled_from(["same", "new_limit"]),
        )
        def lives(**life):
            with transaction.atomic():
                live(county, **life)
                transaction.set_rollback(True)
            clocks.forget_calendar()
            settings.forget()

        county.proof = county.pictures()[0]
        lives()

    return test


test_the_lines_of_any_clock_add_up_to_its_limit_or_to_what_was_used = prove(12)
test_the_lines_of_a_thousand_clocks_add_up = pytest.mark.prove(prove(1000))


def test_a_case_without_a_limit_gets_no_deadline_and_no_alarm(county):
    county.condition.limit_value, county.condition.limit_unit = None, ""
    county.condition.save()
    settings.set_value(
        "cases.limit.default_working_hours", 0, by=county.administrator, at=FILED, valid_from=FILED.date()
    )
    case = county.case_at(Stage.PENDING_HANDLE, at=MONDAY_9)
    clock = StageClock.objects.get(case=case, name=Clock.HANDLING)
    assert (clock.due_at, clock.next_look_at, case.due_at) == (None, None, None)
    case = actions.void(case, by=county.duty_leader, at=MONDAY_9 + timedelta(hours=1), reason="误报")
    assert StageClock.objects.get(pk=clock.pk).state == "stopped"
