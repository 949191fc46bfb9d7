"""Freezing periods, ranking inside groups, keeping schemes."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine

from cases import actions as cases
from cases.workflow import Stage
from citymgmt.refusals import sentence
from dispatch import actions as dispatch
from evaluation import actions, facts, tasks
from evaluation.models import EvalFact, EvalPeriod, EvalResult, EvalScheme, EvalSnapshot
from evaluation.periods import PeriodType, period_of
from office import settings
from tests.county import MONDAY, County, beijing

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MARCH = period_of(PeriodType.MONTH, date(2026, 3, 2))
APRIL = period_of(PeriodType.MONTH, date(2026, 4, 2))
FIRST_OF_APRIL, FIRST_OF_MAY = beijing(2026, 4, 1, 1), beijing(2026, 5, 1, 1)


@pytest.fixture
def county() -> County:
    actions.load_schemes(valid_from=date(2000, 1, 1))
    return County.build()


def results(period: EvalPeriod, code: str) -> dict[str, EvalResult]:
    found = EvalResult.objects.of(period).filter(snapshot__scheme__code=code)
    return {one.name_zh: one for one in found}


def test_a_month_is_frozen_with_counts_scores_and_ranks(county):
    county.case_at(Stage.CLOSED)
    county.case_at(Stage.HANDLING, at=MONDAY + HOUR)
    march = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    assert (march.version, march.basis, march.cutoff_at) == (1, "obligation", beijing(2026, 4, 1, 0))
    assert march.fact_count == EvalFact.objects.of(march).count() > 0
    office = results(march, "JINNIU")["环卫所"]
    assert office.counts["need_handle"] == 2
    assert office.score == Decimal("65.00"), "half handled, in time, no rework, half waiting: 15 + 10 + 20 + 10 + 10"
    assert (office.grade, office.rank, office.group_code) == ("C", 1, "bureaux")
    water = results(march, "STD_department")["供水公司"]
    assert (water.score, water.grade, water.rank, water.colour) == (None, "", None, "grey")


def test_ranks_exist_inside_a_group_only(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    dispatch.dispatch(case, by=county.dispatcher, at=MONDAY + HOUR, department=county.street_office)
    county.case_at(Stage.CLOSED, at=MONDAY + 2 * HOUR)
    march = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    found = results(march, "STD_department")
    assert found["环卫所"].rank == found["桃溪街道办"].rank == 1
    assert found["环卫所"].score > found["桃溪街道办"].score


def test_a_street_without_cases_is_green_only_where_somebody_patrolled(county):
    march = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    assert results(march, "STD_area_1")["桃溪街道"].colour == "grey"
    cases.refuse(county.report(), by=county.operator, at=MONDAY + HOUR, reason="不属于城市管理事项")
    again = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    street = results(again, "STD_area_1")["桃溪街道"]
    assert (street.score, street.colour) == (Decimal("100.00"), "green")


def test_frozen_again_with_nothing_changed_it_is_the_same(county):
    county.case_at(Stage.CLOSED)
    once = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    again = actions.freeze(MARCH, at=FIRST_OF_APRIL + timedelta(days=9))
    assert again == once
    assert facts.fingerprint(facts.kept(once)) == once.facts_hash, "what was kept is what was counted"


def test_what_happens_later_never_changes_what_was_frozen(county):
    case = county.case_at(Stage.HANDLING)
    march = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    dispatch.hand_over(case.stints.get(), by=county.sanitation, at=FIRST_OF_APRIL + HOUR, opinion="已清运")
    assert actions.freeze(MARCH, at=FIRST_OF_MAY) == march
    april = actions.freeze(APRIL, at=FIRST_OF_MAY)
    assert results(april, "JINNIU")["环卫所"].counts == {"legacy_handled": 1}


def test_what_came_in_late_makes_the_next_version_and_leaves_the_first_as_it_was(county):
    first = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    county.case_at(Stage.CLOSED)
    second = actions.freeze(MARCH, at=FIRST_OF_APRIL + HOUR)
    assert (first.version, second.version) == (1, 2)
    assert results(first, "JINNIU")["环卫所"].score is None
    assert results(second, "JINNIU")["环卫所"].score == Decimal("100.00")
    assert EvalPeriod.objects.latest_of(MARCH) == second


def test_the_place_of_the_period_before_is_kept_beside(county):
    county.case_at(Stage.CLOSED)
    actions.freeze(MARCH, at=FIRST_OF_APRIL)
    county.case_at(Stage.CLOSED, at=beijing(2026, 4, 1, 9))
    april = actions.freeze(APRIL, at=FIRST_OF_MAY)
    office = results(april, "STD_department")["环卫所"]
    assert (office.rank, office.previous_rank) == (1, 1)


def test_a_running_period_is_not_frozen(county):
    with pytest.raises(actions.PeriodNotOver) as refused:
        actions.freeze(MARCH, at=beijing(2026, 3, 31, 23))
    assert "2026-04-01" in sentence(refused.value)
    assert not EvalPeriod.objects.exists()


def test_every_night_what_is_over_is_frozen_once(county):
    county.case_at(Stage.CLOSED)
    with time_machine.travel(beijing(2026, 3, 11, 1), tick=False):
        assert tasks.freeze_what_is_over() == 9 + 1 + 1, "nine days, the first ten days, the first week"
        assert tasks.freeze_what_is_over() == 0
    kinds = set(EvalPeriod.objects.values_list("type", flat=True))
    assert kinds == {"day", "ten_day", "week"}


def test_without_any_case_there_is_nothing_to_freeze(county):
    assert actions.run(at=FIRST_OF_APRIL) == []


def test_a_month_may_begin_on_the_26th(county):
    settings.set_value("evaluation.month_starts_on", 26, by=None, at=MONDAY, valid_from=date(2026, 1, 1))
    county.case_at(Stage.CLOSED, at=beijing(2026, 2, 26))
    actions.run(at=beijing(2026, 3, 26, 1))
    month = EvalPeriod.objects.get(type="month", end_date=date(2026, 3, 26))
    assert (month.first_date, results(month, "JINNIU")["环卫所"].score) == (date(2026, 2, 26), Decimal("100.00"))


def test_schemes_are_loaded_once_and_what_a_city_changed_stays(county):
    EvalScheme.objects.filter(code="JINNIU").update(name_zh="本县方案")
    assert actions.load_schemes(valid_from=date(2000, 1, 1)) == (0, 0)
    assert EvalScheme.objects.get(code="JINNIU").name_zh == "本县方案"


def test_new_weights_hold_from_a_day_on_and_leave_frozen_periods_alone(county):
    county.case_at(Stage.CLOSED)
    march = actions.freeze(MARCH, at=FIRST_OF_APRIL)
    old = EvalScheme.objects.get(code="JINNIU")
    weights = [Decimal(one) for one in (50, 20, 10, 10, 10)]
    new = actions.change_weights(
        old, by=county.evaluator, at=FIRST_OF_APRIL, weights=weights, valid_from=date(2026, 4, 1)
    )
    assert (new.version, [item.weight for item in new.scheme.items]) == (2, [50, 20, 10, 10, 10])
    assert EvalSnapshot.objects.get(period=march, scheme__code="JINNIU").scheme.version == 1
    april = actions.freeze(APRIL, at=FIRST_OF_MAY)
    assert EvalSnapshot.objects.get(period=april, scheme__code="JINNIU").scheme == new


def test_weights_that_do_not_add_up_are_refused_in_words(county):
    scheme = EvalScheme.objects.get(code="JINNIU")
    with pytest.raises(actions.SchemeNotSound) as refused:
        actions.change_weights(
            scheme, by=county.evaluator, at=MONDAY, weights=[Decimal(10)] * 5, valid_from=date(2026, 4, 1)
        )
    assert "weights" in sentence(refused.value) or "权重" in sentence(refused.value)
    assert EvalScheme.objects.filter(code="JINNIU").count() == 1


def test_a_version_cannot_begin_before_the_one_it_replaces(county):
    scheme = EvalScheme.objects.get(code="JINNIU")
    weights = [item.weight for item in scheme.scheme.items]
    with pytest.raises(actions.SchemeStartsTooEarly):
        actions.change_weights(scheme, by=county.evaluator, at=MONDAY, weights=weights, valid_from=date(1999, 1, 1))


def test_a_scheme_that_waits_is_not_counted_until_it_is_taken_into_use(county):
    county.case_at(Stage.CLOSED)
    scheme = EvalScheme.objects.get(code="CASIC_department")
    assert results(actions.freeze(MARCH, at=FIRST_OF_APRIL), "CASIC_department") == {}
    actions.take_into_use(scheme, by=county.evaluator, at=FIRST_OF_APRIL, is_active=True)
    april = actions.freeze(APRIL, at=FIRST_OF_MAY)
    assert "环卫所" in results(april, "CASIC_department")
