"""What would change: the figures of a rule before it holds, against what really happened."""

from datetime import timedelta
from decimal import Decimal

import pytest

from cases import actions
from cases.models import LimitOverride
from cases.workflow import Stage
from dispatch import actions as dispatch
from dispatch import foresight, rulebook
from dispatch.models import ApprovalRule, ResponsibilityRule
from dispatch.rulebook import BY_NAME, Change
from office import settings
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(days=10)
DAY = LATER.date() + timedelta(days=1)


@pytest.fixture
def county() -> County:
    return County.build()


def kept(name: str, number: int = 0) -> rulebook.Kept:
    sheet = BY_NAME[name]
    return sheet.kept(sheet, DAY)[number]


def changed(name: str, number: int = 0, **texts) -> Change:
    one = kept(name, number)
    return Change(name, one.id, one.texts, one.texts | texts)


def new(name: str, **texts) -> Change:
    return Change(name, "", None, {one.name: "" for one in BY_NAME[name].columns} | texts)


def ended(name: str, number: int = 0) -> Change:
    one = kept(name, number)
    return Change(name, one.id, one.texts, None)


def foreseen(*changes: Change) -> dict:
    return dict(foresight.foresee(changes, day=DAY, at=LATER))


def litter() -> int:
    """Which row of the conditions is the litter's."""
    sheet = BY_NAME["conditions"]
    return next(n for n, one in enumerate(sheet.kept(sheet, DAY)) if one.texts["limit_value"] == "4")


def test_a_shorter_limit_is_tried_on_what_was_filed_and_closed(county):
    # Ten minutes between two steps: the department hands over twenty minutes after it got the case.
    for minutes in (10, 100):
        county.case_at(Stage.CLOSED, at=MONDAY, pause=lambda minutes=minutes: timedelta(minutes=minutes))
    county.case_at(Stage.HANDLING, at=MONDAY)
    found = foreseen(changed("conditions", litter(), limit_value="1"))
    assert (found["routes"], found["approvals"], found["stages"]) == (None, None, None)
    part = found["limits"]
    assert (part["filed"], part["other"], part["ended"], part["turn_late"], part["turn_timely"]) == (3, 3, 2, 1, 0)
    [line] = part["lines"]
    assert (line["class"], line["before"], line["after"]) == (
        county.litter.pk, ["4", "working_hour"], ["1", "working_hour"]
    )  # fmt: skip
    assert (line["cases"], line["late_before"], line["late_after"]) == (3, 0, 1)


def test_a_longer_limit_brings_back_what_was_overdue(county):
    # Dispatched on Thursday, handed over on Saturday, both at nine: fifteen working hours.
    county.case_at(Stage.CLOSED, at=MONDAY, pause=lambda: timedelta(hours=24))
    part = foreseen(changed("conditions", litter(), limit_value="20"))["limits"]
    assert (part["turn_late"], part["turn_timely"]) == (0, 1)


def test_another_unit_is_counted_by_its_own_time(county):
    # Dispatched on Monday at 15:00, handed over on Tuesday at 09:00: four working hours, eighteen by the clock.
    county.case_at(Stage.CLOSED, at=MONDAY, pause=lambda: timedelta(hours=6))
    part = foreseen(changed("conditions", litter(), limit_unit=said("conditions", "limit_unit", "continuous_hour")))
    [line] = part["limits"]["lines"]
    assert (line["ended"], line["late_after"]) == (1, 1)


def said(name: str, column: str, value) -> str:
    return BY_NAME[name].column(column).cell.said(value)


def test_a_condition_that_ends_is_no_longer_to_be_filed(county):
    county.case_at(Stage.HANDLING)
    for change in (ended("conditions", litter()), changed("conditions", litter(), is_active="")):
        [line] = foreseen(change)["limits"]["lines"]
        assert (line["after"], line["cases"]) == (foresight.GONE, 1)


@pytest.mark.parametrize(
    "named", [{}, {"area_code": "999902001"}, {"minor_class": "事件06-003"}, {"filing_condition": "事件06-003#1"}],
    ids=["everywhere", "a street", "a class", "a condition"],
)  # fmt: skip
def test_the_preview_promises_what_filing_promises(county, named):
    old = county.case_at(Stage.HANDLING)
    change = new("limits", share="0.25", **named)
    [line] = foreseen(change)["limits"]["lines"]
    rulebook.put_in_force([change], by=county.administrator, at=LATER, day=DAY, today=LATER.date())
    at = LATER + timedelta(days=2)
    case = county.case_at(Stage.PENDING_FILING, at=at)
    filed = actions.file(case, by=county.duty_leader, at=at + timedelta(minutes=9), condition=county.condition)
    assert line["after"] == [f"{filed.limit_value.normalize():f}", filed.limit_unit]
    assert line["before"] == [f"{old.limit_value.normalize():f}", old.limit_unit]


def test_a_limit_elsewhere_and_one_that_a_narrower_row_hides_change_nothing(county):
    LimitOverride.objects.create(minor_class=county.litter, share=Decimal("0.5"), valid_from=LONG_AGO)
    county.case_at(Stage.HANDLING)
    for change in (new("limits", minor_class="部件01-001", share="2"), new("limits", share="3")):
        assert foreseen(change)["limits"]["lines"] == []


def test_the_citys_default_is_tried_on_conditions_without_a_limit(county):
    county.condition.limit_value, county.condition.limit_unit = None, ""
    county.condition.save()
    county.case_at(Stage.HANDLING)
    sheet = BY_NAME["stages"]
    number = next(n for n, one in enumerate(sheet.kept(sheet, DAY)) if one.row.key == foresight.DEFAULT_HOURS)
    found = foreseen(changed("stages", number, value="8"))
    assert found["stages"] is None
    [line] = found["limits"]["lines"]
    assert (line["before"], line["after"]) == (["4", "working_hour"], ["8", "working_hour"])


def test_another_row_of_the_table_is_tried_on_what_was_dispatched(county):
    county.case_at(Stage.HANDLING)  # it went to the sanitation bureau
    change = new("responsibilities", minor_class="事件06-003", department="street")
    part = foreseen(change)["routes"]
    assert (part["sent"], part["looked_at"]) == (1, 1)
    before = part["lines"]
    ResponsibilityRule.objects.create(
        minor_class=county.litter, department=county.sanitation_bureau, valid_from=LONG_AGO
    )  # fmt: skip
    [line] = foreseen(changed("responsibilities", 0, department="street 桃溪街道办"))["routes"]["lines"]
    assert (line["before"], line["after"], line["cases"]) == ("sanitation", "street", 1)
    assert (line["did_before"], line["did_after"]) == (1, 0)
    # An event goes to the street of the place anyway, where no row says otherwise.
    assert before == []


def test_a_row_for_the_night_changes_nothing_that_came_by_day(county):
    county.case_at(Stage.HANDLING)
    change = new("responsibilities", minor_class="事件06-003", department="water", opens_at="20:00", closes_at="06:00")
    assert foreseen(change)["routes"]["lines"] == []
    [line] = foreseen(new("responsibilities", minor_class="事件06-003", department="water"))["routes"]["lines"]
    assert (line["before"], line["after"]) == ("street", "water")


def test_a_longer_chain_is_tried_on_what_was_asked(county):
    case = county.case_at(Stage.HANDLING)
    dispatch.ask_extension(
        case.stints.get(), by=county.sanitation, at=MONDAY + timedelta(hours=1), ground="weather", reason="下雨"
    )  # fmt: skip
    chain = said("approvals", "chain", ["dispatcher", "commander"])
    kind = said("approvals", "kind", "extension")
    part = foreseen(new("approvals", kind=kind, chain=chain))["approvals"]
    [line] = part["lines"]
    assert (line["before"], line["after"], line["requests"], line["refused"]) == (
        ["dispatcher"], ["dispatcher", "commander"], 1, 0
    )  # fmt: skip
    part = foreseen(new("approvals", kind=kind, chain=said("approvals", "chain", ["dispatcher"]), max_count="0"))
    assert part["approvals"]["refused"] == 1
    ApprovalRule.objects.create(kind="extension", minor_class=county.litter, chain=["commander"], valid_from=LONG_AGO)
    part = foreseen(new("approvals", kind=kind, chain=chain))["approvals"]
    assert part["lines"] == []  # the row about the class is the narrower one


def test_a_stage_limit_is_tried_on_the_time_that_stages_took(county):
    county.case_at(Stage.HANDLING, pause=lambda: timedelta(minutes=10))
    settings.set_value("cases.limit.dispatch_minutes", 60, by=None, at=MONDAY, area_code="110101", valid_from=LONG_AGO)
    sheet = BY_NAME["stages"]
    number = next(n for n, one in enumerate(sheet.kept(sheet, DAY)) if one.row.key == "cases.limit.dispatch_minutes")
    part = foreseen(changed("stages", number, value="5"))["stages"]
    [line] = part["lines"]
    assert (line["before"], line["after"], line["visits"], line["late_before"], line["late_after"]) == (15, 5, 1, 0, 1)


def test_practice_cases_and_those_of_long_ago_are_not_counted(county):
    case = county.case_at(Stage.HANDLING)
    county.case_at(Stage.HANDLING, at=MONDAY - timedelta(days=60))
    change = changed("conditions", litter(), limit_value="1")
    assert foreseen(change)["limits"]["other"] == 1
    type(case).objects.filter(pk=case.pk).update(is_practice=True)
    assert foreseen(change)["limits"]["other"] == 0


def test_names_and_alarms_bear_on_no_case(county):
    assert set(
        foreseen(new("grounds", kind=said("grounds", "kind", "extension"), code="fair", name_zh="庙会")).values()
    ) == {None}


def test_the_number_of_queries_does_not_grow_with_the_cases(county, django_assert_max_num_queries):
    for _number in range(3):
        county.case_at(Stage.CLOSED)
    changes = [
        changed("conditions", litter(), limit_value="1"),
        new("responsibilities", minor_class="事件06-003", department="water"),
    ]
    with django_assert_max_num_queries(24):
        foreseen(*changes)
