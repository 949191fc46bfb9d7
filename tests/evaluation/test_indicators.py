"""Which facts stand in which counts: vector T1, the identities, and the loopholes that are closed."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.indicators import (
    COUNT_LABELS,
    INDICATORS,
    Basis,
    End,
    Left,
    ReportFact,
    Ruling,
    StintFact,
    Task,
    TaskFact,
    Window,
    add_up,
    measures_of_case,
    measures_of_report,
    measures_of_stint,
    measures_of_task,
    value_of,
    whole_case,
)
from evaluation.scoring import BY_CODE, PROFILES, percent, score

VECTORS = {
    vector["id"]: vector
    for vector in json.loads((Path(__file__).parent / "evaluation_vectors.json").read_text(encoding="utf-8"))["vectors"]
}
T1 = VECTORS["T1"]
BEIJING = ZoneInfo("Asia/Shanghai")


def day(text: str | None, hour: int = 12) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(hour=hour, tzinfo=BEIJING)


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def fact_of(row: dict) -> StintFact:
    """One line of T1. What the file leaves open (when it was filed, when a wrong dispatch came back) is chosen here."""
    due, handled = instant(row["due_at"]), instant(row["final_handled_at"])
    closed = instant(row.get("closed_at")) or (handled + timedelta(hours=1) if handled else None)
    left, left_at = Left.NO, None
    if row.get("return_accepted_wrong_dispatch"):
        left, left_at = Left.RETURNED, datetime(2025, 3, 6, tzinfo=BEIJING)
    if row.get("voided"):
        left, left_at = Left.VOIDED, instant(row["voided_at"])
    return StintFact(
        reported_at=datetime(2025, 2, 20, tzinfo=BEIJING),
        filed_at=datetime(2025, 2, 21, tzinfo=BEIJING),
        due_at=due,
        handled_at=handled,
        closed_at=closed,
        suspended_at=day(row.get("suspended_on")),
        left=left,
        left_at=left_at,
        failed_checks=row.get("failed_checks", 0),
        extensions=1 if "extension_granted_on" in row else 0,
        ruling={"exclude": Ruling.EXCLUDE, "restate_on_time": Ruling.RESTATE}.get(
            row.get("appeal_upheld"), Ruling.NONE
        ),
    )


FACTS = {row["case"]: fact_of(row) for row in T1["inputs"]["stints"]}
MARCH = Window(*(instant(text) for text in T1["inputs"]["period"]), instant(T1["inputs"]["cutoff"]))
_april = T1["expected"]["april_snapshot_if_nothing_happens"]
APRIL = Window(*(instant(text) for text in _april["period"]), instant(_april["cutoff"]))


def counted(window: Window) -> Counter[str]:
    return add_up(measures_of_stint(fact, window) for fact in FACTS.values())


def in_count(name: str, window: Window) -> list[str]:
    return [case for case, fact in FACTS.items() if name in measures_of_stint(fact, window)]


def test_t1_the_counts_of_march():
    expected = T1["expected"]["march"]
    counts = counted(MARCH)
    names = [name for name, value in expected.items() if isinstance(value, int)]
    assert {name: counts[name] for name in names} == {name: expected[name] for name in names}
    assert len(names) == 14
    assert in_count("need_handle", MARCH) == expected["need_handle_cases"]


def test_t1_the_rates_of_march():
    counts = counted(MARCH)
    expected = T1["expected"]["march"]["rates"]
    assert {name: str(percent(INDICATORS[name].of(counts))) for name in expected} == expected


def test_t1_the_score_of_march():
    given_counts = T1["inputs"]["std_department"]
    counts = counted(MARCH)
    assert counts["closed"] == given_counts["closed"]
    assert counts["need_close"] == given_counts["need_close"]
    result = score(BY_CODE["STD_department"], {**counts, "filed": given_counts["filed"]})
    assert str(result.score) == T1["expected"]["march"]["std_department_score"]
    assert result.grade == T1["expected"]["march"]["grade"]


def test_t1_april_if_nothing_happens():
    counts = counted(APRIL)
    for name in ("need_handle", "overdue_to_handle", "legacy_to_handle"):
        assert counts[name] == _april[name], name
    assert in_count("need_handle", APRIL) == _april["need_handle_cases"]
    assert in_count("legacy_to_handle", APRIL) == _april["legacy_to_handle_cases"]


# — one rule at a time ———————————————————————————————————————————————————————————————————————————————————

NOON = datetime(2025, 3, 10, 12, tzinfo=BEIJING)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
USUAL = StintFact(reported_at=NOON - 2 * DAY, filed_at=NOON - DAY, due_at=NOON, handled_at=NOON)


def verdict(fact: StintFact, window: Window = MARCH) -> set[str]:
    return set(measures_of_stint(fact, window))


def test_handed_over_at_the_very_deadline_is_on_time():
    assert "handled_on_time" in verdict(USUAL)
    assert "handled_overdue" in verdict(replace(USUAL, handled_at=NOON + timedelta(seconds=1)))


def test_due_at_the_very_cut_off_is_not_overdue_yet():
    assert verdict(replace(USUAL, due_at=MARCH.cutoff, handled_at=None)) == {"filed", "to_handle_not_due"}


def test_suspended_before_it_was_due_it_leaves_the_counts_suspended_later_it_stays_overdue():
    waiting = replace(USUAL, handled_at=None)
    assert verdict(replace(waiting, suspended_at=NOON - HOUR)) == {"filed", "suspended"}
    assert "overdue_to_handle" in verdict(replace(waiting, suspended_at=NOON + HOUR))


def test_voided_in_time_it_leaves_the_counts_voided_late_it_stays_overdue():
    waiting = replace(USUAL, handled_at=None, left=Left.VOIDED)
    assert verdict(replace(waiting, left_at=NOON - HOUR)) == {"voided"}
    assert {"voided", "overdue_to_handle"} <= verdict(replace(waiting, left_at=NOON + HOUR))


def test_handed_over_late_and_then_voided_stays_late():
    assert "handled_overdue" in verdict(replace(USUAL, handled_at=NOON + HOUR, left=Left.VOIDED, left_at=NOON + DAY))
    assert verdict(replace(USUAL, left=Left.VOIDED, left_at=NOON + DAY)) == {"voided"}


def test_taken_back_after_the_deadline_it_stays_overdue():
    assert "overdue_to_handle" in verdict(replace(USUAL, handled_at=None, left=Left.WITHDRAWN, left_at=NOON + DAY))


def test_an_accepted_return_leaves_the_counts_however_late():
    assert verdict(replace(USUAL, handled_at=None, left=Left.RETURNED, left_at=NOON + DAY)) == {"dispatched_wrongly"}


def test_what_happened_after_the_cut_off_is_not_known():
    later = replace(USUAL, due_at=NOON, handled_at=MARCH.cutoff + HOUR, closed_at=MARCH.cutoff + DAY)
    assert verdict(later) == {"filed", "need_handle", "need_close", "overdue_to_handle", "to_close"}
    assert verdict(replace(USUAL, filed_at=MARCH.cutoff + HOUR)) == set()


def test_a_case_without_a_limit_gets_no_verdict():
    assert verdict(replace(USUAL, due_at=None)) == {"filed", "handled_without_limit"}
    assert verdict(replace(USUAL, due_at=None, handled_at=None)) == {"filed", "open_without_limit"}


@pytest.mark.parametrize(
    ("basis", "inside"),
    [
        (Basis.OBLIGATION, "handled_at"), (Basis.COMPLETED, "handled_at"), (Basis.DUE, "due_at"),
        (Basis.FILED, "filed_at"), (Basis.CREATED, "reported_at"),
    ],
)  # fmt: skip
def test_each_basis_places_a_stint_by_its_own_instant(basis, inside):
    spread = StintFact(reported_at=NOON, filed_at=NOON + 10 * DAY, handled_at=NOON + 20 * DAY, due_at=NOON + 30 * DAY)
    at = getattr(spread, inside)
    found = Window(at, at + HOUR, NOON + 99 * DAY, basis)
    missed = Window(at + timedelta(seconds=1), at + HOUR, NOON + 99 * DAY, basis)
    assert "need_handle" in measures_of_stint(spread, found)
    assert "need_handle" not in measures_of_stint(spread, missed)


# — the whole case ———————————————————————————————————————————————————————————————————————————————————————


def test_a_case_is_on_time_only_if_all_its_departments_are():
    late = replace(USUAL, handled_at=NOON + HOUR)
    assert "handled_on_time" in measures_of_case([USUAL, USUAL], MARCH)
    assert "handled_overdue" in measures_of_case([USUAL, late], MARCH)
    assert "overdue_to_handle" in measures_of_case(
        [late, replace(USUAL, handled_at=None, due_at=NOON + 9 * DAY)], MARCH
    )


def test_a_running_department_speaks_before_a_suspended_one():
    suspended = replace(USUAL, handled_at=None, suspended_at=NOON - HOUR)
    assert measures_of_case([suspended], MARCH) == ("suspended",)
    assert "overdue_to_handle" in measures_of_case([suspended, replace(USUAL, handled_at=None)], MARCH)


def test_a_department_that_gave_the_case_back_does_not_speak_for_it():
    returned = replace(USUAL, handled_at=None, left=Left.RETURNED, left_at=NOON - HOUR)
    assert whole_case([returned]) is None
    assert measures_of_case([returned], MARCH) == ()
    assert "handled_on_time" in measures_of_case([returned, USUAL], MARCH)


# — reports and tasks ————————————————————————————————————————————————————————————————————————————————————


def test_a_public_report_that_was_verified_and_filed():
    fact = ReportFact(
        reported_at=NOON, source="web", is_public=True, accepted_at=NOON, verified_true=True, filed_at=NOON + HOUR
    )
    assert set(measures_of_report(fact, MARCH)) == {
        "reported", "accepted", "public_reported", "valid_reported", "filed", "filed_cases", "public_verified",
    }  # fmt: skip


def test_a_case_voided_after_filing_leaves_the_filed_ones():
    fact = ReportFact(
        reported_at=NOON, source="collector", accepted_at=NOON, filed_at=NOON, end=End.VOIDED, ended_at=NOON
    )
    found = measures_of_report(fact, MARCH)
    assert "filed" not in found
    assert {"voided", "voided_after_filing", "filed_cases"} <= set(found)


def test_a_task_is_counted_when_done_or_when_it_fell_due_undone():
    task = TaskFact(task=Task.CHECK, due_at=NOON, done_at=NOON)
    assert set(measures_of_task(task, MARCH)) == {"need_check", "checked", "checked_on_time"}
    assert set(measures_of_task(replace(task, done_at=NOON + HOUR), MARCH)) == {
        "need_check",
        "checked",
        "checked_overdue",
    }
    assert set(measures_of_task(replace(task, done_at=None), MARCH)) == {"need_check", "overdue_to_check"}
    assert measures_of_task(replace(task, done_at=None), APRIL) == ()
    assert measures_of_task(replace(task, done_at=None, due_at=MARCH.cutoff), MARCH) == ("to_check",)


def test_a_filing_that_was_voided_later_was_not_accurate():
    assert "filed_wrongly" in measures_of_task(
        TaskFact(task=Task.FILE, due_at=NOON, done_at=NOON, is_accurate=False), MARCH
    )
    assert "filed_accurately" in measures_of_task(TaskFact(task=Task.FILE, due_at=NOON, done_at=NOON), MARCH)


# — identities ———————————————————————————————————————————————————————————————————————————————————————————

moments = st.integers(0, 90 * 24).map(lambda hours: datetime(2025, 1, 15, tzinfo=BEIJING) + timedelta(hours=hours))
maybe = st.one_of(st.none(), moments)


@st.composite
def stints(draw) -> StintFact:
    filed = draw(moments)
    after = st.integers(0, 60 * 24).map(lambda hours: filed + timedelta(hours=hours))
    left = draw(st.sampled_from([Left.NO, Left.NO, Left.NO, *Left]))
    return StintFact(
        reported_at=filed - HOUR,
        filed_at=filed,
        due_at=draw(st.one_of(st.none(), after, after)),
        handled_at=draw(st.one_of(st.none(), after)),
        closed_at=draw(st.one_of(st.none(), after)),
        suspended_at=draw(st.one_of(st.none(), st.none(), after)),
        left=left,
        left_at=draw(after) if left else None,
        failed_checks=draw(st.integers(0, 3)),
        extensions=draw(st.integers(0, 2)),
        ruling=draw(st.sampled_from([Ruling.NONE, Ruling.NONE, *Ruling])),
    )


@given(facts=st.lists(stints(), max_size=25), basis=st.sampled_from(Basis))
def test_the_counts_add_up(facts, basis):
    window = replace(MARCH, basis=basis)
    counts = add_up(measures_of_stint(fact, window) for fact in facts)
    assert counts["need_handle"] == counts["handled_on_time"] + counts["handled_overdue"] + counts["overdue_to_handle"]
    assert counts["handled"] == counts["handled_on_time"] + counts["handled_overdue"]
    assert counts["closed"] == counts["closed_on_time"] + counts["closed_overdue"]
    assert counts["need_close"] == counts["closed"] + counts["to_close"] == counts["need_handle"]
    assert counts["reworked"] <= min(counts["handled"], counts["rework_times"])
    for name in (
        "handle_rate",
        "on_time_handle_rate",
        "close_rate",
        "rework_rate",
        "extension_rate",
        "suspension_rate",
    ):
        rate = value_of(name, counts)
        assert rate is None or 0 <= rate <= 1, name
    if counts["handled"]:
        assert value_of("first_pass_rate", counts) == 1 - value_of("rework_rate", counts)


@given(fact=stints())
def test_an_obligation_is_counted_in_exactly_one_month(fact):
    """Counted month by month in hindsight, from one cut-off: never twice, and never lost."""
    months = [datetime(2025, 1, 1, tzinfo=BEIJING), datetime(2025, 2, 1, tzinfo=BEIJING), *[MARCH.start, MARCH.end]]
    months += [datetime(2025, month, 1, tzinfo=BEIJING) for month in range(5, 9)]
    windows = [Window(start, end, months[-1]) for start, end in pairwise(months)]
    times = sum("need_handle" in measures_of_stint(fact, window) for window in windows)
    out = fact.due_at is None or fact.ruling is Ruling.EXCLUDE or fact.left is not Left.NO
    suspended = fact.handled_at is None and fact.suspended_at is not None
    assert times <= 1
    assert times == 1 or out or suspended


@given(fact=stints(), hours=st.integers(0, 500))
def test_suspending_voiding_or_withdrawing_after_the_deadline_never_helps(fact, hours):
    overdue = replace(
        fact, due_at=fact.due_at or NOON, handled_at=None, suspended_at=None, left=Left.NO, left_at=None,
        ruling=Ruling.NONE,
    )  # fmt: skip
    late = overdue.due_at + timedelta(hours=hours, seconds=1)
    plain = "overdue_to_handle" in measures_of_stint(overdue, MARCH)
    for trick in (
        replace(overdue, suspended_at=late),
        replace(overdue, left=Left.VOIDED, left_at=late),
        replace(overdue, left=Left.WITHDRAWN, left_at=late),
    ):
        assert ("overdue_to_handle" in measures_of_stint(trick, MARCH)) == plain


@st.composite
def reports(draw) -> ReportFact:
    reported = draw(moments)
    after = st.integers(0, 20 * 24).map(lambda hours: reported + timedelta(hours=hours))
    end = draw(st.sampled_from([End.NO, End.NO, *End]))
    return ReportFact(
        reported_at=reported,
        source=draw(st.sampled_from(["collector", "web", "hotline", "video"])),
        is_public=draw(st.booleans()),
        accepted_at=draw(st.one_of(st.none(), after)),
        verified_true=draw(st.booleans()),
        filed_at=draw(st.one_of(st.none(), after)),
        end=end,
        ended_at=draw(after) if end else None,
    )


@given(facts=st.lists(reports(), max_size=25))
def test_every_report_of_a_cohort_is_in_one_place(facts):
    counts = add_up(measures_of_report(fact, MARCH) for fact in facts)
    assert counts["reported"] == sum(
        counts[name]
        for name in (
            "accepted", "not_accepted", "to_accept", "voided_before_accept", "merged_before_accept", "self_handled",
        )
    )  # fmt: skip
    assert counts["filed"] == counts["filed_cases"] - counts["voided_after_filing"]
    assert counts["public_verified"] <= counts["filed"]
    assert counts["valid_reported"] <= counts["reported"]


def test_every_count_and_ratio_that_a_profile_or_ratio_uses_has_a_label():
    used = {name.lstrip("-") for one in INDICATORS.values() for name in (*one.numerator, *one.denominator)}
    used |= {item.source for scheme in PROFILES for item in scheme.items}
    unnamed = used - set(COUNT_LABELS) - set(INDICATORS) - {"missed", "filed_in_reach"}
    assert unnamed == set()


def test_t1_march_by_the_jinniu_profile():
    by_hand = (7 * 30 + 5 * 20 + 7 * 20 + 7 * 20 + 8 * 10) / Decimal(9)  # ninths of 30, 20, 20, 20 and 10 points
    assert score(BY_CODE["JINNIU"], counted(MARCH)).score == by_hand.quantize(Decimal("0.01"))
