"""What filing promises: the condition's limit, the city's default, or a limit of its own for some cases."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cases import actions
from cases.models import LimitOverride
from cases.workflow import Stage
from dispatch import actions as dispatch
from office import settings
from tests.county import LONG_AGO, MONDAY, County, beijing

pytestmark = pytest.mark.django_db


@pytest.fixture
def county() -> County:
    return County.build()


def instead(**row) -> LimitOverride:
    """Keep a limit for some cases: half an hour unless told otherwise."""
    if "share" not in row:
        row = {"limit_value": Decimal("0.5"), "limit_unit": "working_hour", **row}
    return LimitOverride.objects.create(**{"valid_from": LONG_AGO, **row})


def filed(county, *, at=MONDAY, urgent=False):
    case = county.case_at(Stage.PENDING_FILING, at=at)
    return actions.file(
        case, by=county.duty_leader, at=at + timedelta(minutes=5), condition=county.condition, urgent=urgent
    )


def promised(case):
    return case.limit_value, case.limit_unit, case.events.get(verb="file").facts["limit_from"]


def test_a_conditions_own_limit_is_promised(county):
    assert promised(filed(county)) == (4, "working_hour", "condition")


def test_without_one_the_citys_default(county):
    county.condition.limit_value, county.condition.limit_unit = None, ""
    county.condition.save()
    assert promised(filed(county)) == (4, "working_hour", "default")
    settings.set_value("cases.limit.default_working_hours", 0, by=county.administrator, at=MONDAY, valid_from=LONG_AGO)
    assert promised(filed(county)) == (None, "", "none")


@pytest.mark.parametrize(
    "named",
    [
        lambda county, case: {"filing_condition": county.condition},
        lambda county, case: {"minor_class": county.litter},
        lambda county, case: {"area_code": case.area_code[:6]},
        lambda county, case: {"area_class": case.unit_grid.area_class},
        lambda county, case: {"road_class": case.road_class},
        lambda county, case: {"urgency": 0},
    ],
    ids=["condition", "class", "area", "area class", "road class", "urgency"],
)
def test_a_limit_for_some_cases_takes_the_place_of_the_usual_one(county, named):
    row = instead(**named(county, county.case_at(Stage.PENDING_FILING)))
    case = filed(county)
    assert promised(case) == (Decimal("0.5"), "working_hour", "override")
    assert case.events.get(verb="file").facts["limit_override"] == str(row.public_id)


@pytest.mark.parametrize(
    "named",
    [
        lambda county: {"filing_condition": county.urgent_condition},
        lambda county: {"minor_class": county.cover},
        lambda county: {"area_code": "999999"},
        lambda county: {"area_class": "3"},
        lambda county: {"road_class": "lane"},
        lambda county: {"urgency": 2},
        lambda county: {"valid_from": MONDAY.date() + timedelta(days=1)},
        lambda county: {"valid_from": date(2020, 1, 1), "valid_to": MONDAY.date()},
    ],
    ids=["condition", "class", "area", "area class", "road class", "urgency", "not yet", "no longer"],
)
def test_a_limit_for_other_cases_changes_nothing(county, named):
    instead(**named(county))
    assert promised(filed(county)) == (4, "working_hour", "condition")


def test_of_several_the_narrowest_decides(county):
    instead(area_class="1", limit_value=1)
    instead(minor_class=county.litter, limit_value=2)
    instead(minor_class=county.litter, area_code="341523", limit_value=3)
    assert promised(filed(county))[0] in (2, 3)
    instead(filing_condition=county.condition, limit_value=7)
    assert promised(filed(county))[0] == 7


def test_an_urgent_case_gets_its_share_of_the_usual_limit(county):
    instead(urgency=1, share=Decimal("0.5"))
    assert promised(filed(county)) == (4, "working_hour", "condition")
    assert promised(filed(county, urgent=True)) == (2, "working_hour", "override")


def test_what_was_promised_stays_when_the_rows_change(county):
    row = instead(minor_class=county.litter, limit_value=1)
    nine = beijing(2025, 3, 3, 9)
    case = filed(county, at=nine - timedelta(minutes=10))
    row.limit_value = 30
    row.save()
    dispatch.dispatch(case, by=county.dispatcher, at=nine, department=county.sanitation_bureau)
    assert case.stints.get().due_at == beijing(2025, 3, 3, 10)


def test_a_seasonal_condition_counts_in_the_planting_season_only(county):
    actions.load_calendar(
        days=[], spans=[], official_until=date(2026, 12, 31),
        seasons=[{"begins_on": "11-01", "ends_on": "03-31", "valid_from": LONG_AGO}],
    )  # fmt: skip
    county.condition.limit_value, county.condition.limit_unit, county.condition.season = 2, "working_day", "planting"
    county.condition.save()
    late_march = beijing(2025, 3, 31, 13)
    case = filed(county, at=late_march - timedelta(minutes=10))
    assert promised(case) == (2, "planting_day", "condition")
    dispatch.dispatch(case, by=county.dispatcher, at=late_march, department=county.sanitation_bureau)
    # Half of Monday 31 March, then from the first working day of November on: Monday the third, Tuesday's morning.
    assert case.stints.get().due_at == beijing(2025, 11, 4, 12)
