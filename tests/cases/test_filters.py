"""What the address of a desk may ask of its list."""

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from cases import actions, filters
from cases.models import Case
from cases.workflow import Stage
from office.templatetags.ui import CASE_COLUMNS, STINT_COLUMNS
from tests.county import County

pytestmark = pytest.mark.django_db


def found(said: str, *, facts_only: bool = False) -> set[int]:
    rows = filters.filtered(Case.objects.all(), QueryDict(said), at=timezone.now(), facts_only=facts_only)
    return set(rows.values_list("pk", flat=True))


@pytest.fixture
def county(db) -> County:
    return County.build()


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def two(county, now):
    """A collector's report of an hour ago, and a citizen's urgent one of three days ago."""
    return (
        county.report(at=now - timedelta(hours=1)),
        county.report(at=now - timedelta(days=3), source="web", urgency=Case.Urgency.URGENT),
    )


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("source=web", {1}), ("source=web&source=collector", {0, 1}), ("stage=reported", {0, 1}),
        ("stage=closed", set()), ("flag=urgent", {1}), ("flag=urgent&flag=recurring", set()), ("kind=event", {0, 1}),
        ("kind=component", set()),
        ("source=nowhere", {0, 1}), ("flag=unknown", {0, 1}), ("class=rubbish", {0, 1}), ("from=2026-02-31", {0, 1}),
        ("street=99", {0, 1}), ("street=x", {0, 1}), ("department=no&grid=no", {0, 1}),
    ],
)  # fmt: skip
def test_filters_narrow_and_what_nobody_knows_filters_nothing(two, said, wanted):
    assert found(said) == {two[place].pk for place in wanted}


def test_days_of_the_report_are_both_included(two, now):
    day = timezone.localdate(now - timedelta(days=3)).isoformat()
    assert found(f"from={day}&to={day}") == {two[1].pk}
    assert found(f"to={day}") == {two[1].pk}
    assert found(f"from={day}") == {two[0].pk, two[1].pk}


def test_class_and_department_are_asked_by_their_public_numbers(county, now):
    case = county.case_at(Stage.HANDLING, at=now - timedelta(hours=2))
    county.report(at=now)
    assert len(found(f"class={case.minor_class.public_id}")) == 2
    assert found(f"department={case.stints.get().department.public_id}") == {case.pk}
    assert found(f"department={county.departments['command'].public_id}") == set()


def test_a_department_may_not_ask_where_a_case_came_from(two):
    everything = {case.pk for case in two}
    assert found("source=web", facts_only=True) == everything
    assert found("flag=citizen", facts_only=True) == everything
    assert filters.chips(QueryDict("source=web&flag=citizen"), facts_only=True) == []


def test_a_supervised_case_has_its_mark_and_its_star_until_it_is_settled(county, seat, now):
    case = county.case_at(Stage.HANDLING, at=now - timedelta(hours=2))
    assert found("flag=supervised") == set()
    actions.supervise(case, by=county.duty_leader, at=now, level="key", demand="今日办结", needs_reply=True)
    assert found("flag=supervised") == {case.pk}
    assert "★" in seat(county.operator).get("/desk/?tab=supervised").content.decode()
    actions.settle(case.directives.get(), by=county.duty_leader, at=now)
    assert found("flag=supervised") == set()


def test_each_filter_that_is_set_is_a_chip_that_takes_it_away(two):
    chips = filters.chips(QueryDict("tab=accept&open=x&source=web&flag=urgent&flag=recurring"))
    assert len(chips) == 3
    assert chips[0].without == "tab=accept&flag=urgent&flag=recurring"
    assert chips[1].without == "tab=accept&source=web&flag=recurring"


@pytest.mark.parametrize("sort", ["", "new", "due"])
def test_the_order_of_the_address(two, county, seat, sort):
    rows = list(seat(county.operator).get(f"/desk/?tab=accept&sort={sort}").context["page"])
    first = {"": two[1], "new": two[0], "due": two[1]}[sort]
    assert rows[0] == first


@pytest.mark.parametrize(
    ("who", "address", "columns"),
    [("operator", "/desk/?tab=departments", CASE_COLUMNS), ("dispatcher", "/dispatch/?tab=working", CASE_COLUMNS),
     ("sanitation", "/department/?tab=in_hand", STINT_COLUMNS)],
)  # fmt: skip
def test_every_column_is_asked_for_all_rows_at_once(
    county, seat, now, who, address, columns, django_assert_max_num_queries
):
    browser = seat(getattr(county, who))
    asked = address + "".join(f"&cols={name}" for name in columns)
    county.case_at(Stage.HANDLING, at=now - timedelta(hours=2))
    browser.get(asked)
    with django_assert_max_num_queries(12) as one:
        browser.get(asked)
    for _ in range(2):
        county.case_at(Stage.HANDLING, at=now - timedelta(hours=2))
    with django_assert_max_num_queries(12) as three:
        page = browser.get(asked).content.decode()
    assert len(one) == len(three)
    assert page.count("<tr data-row") == 3
    assert all(f'class="c-{name} ' in page or f'class="c-{name}"' in page for name in columns if name != "source")


def test_the_row_says_who_is_in_the_field(county, seat, now):
    case = county.case_at(Stage.CHECKING, at=now - timedelta(hours=3))
    browser = seat(county.operator)
    assert "field-sent" in browser.get("/desk/?tab=checking").content.decode()
    task = case.tasks.get(stage="sent")
    seat(task.collector).get(f"/field/task/{task.public_id}/")
    assert "field-on" in browser.get("/desk/?tab=checking").content.decode()
    task.refresh_from_db()
    first = task.opened_at
    seat(task.collector).get(f"/field/task/{task.public_id}/")
    task.refresh_from_db()
    assert task.opened_at == first


def test_the_search_of_the_bar_finds_while_it_is_typed_and_looks_up_no_phone(county, seat, now):
    case = county.report(at=now)
    browser = seat(county.operator)
    assert case.number in browser.get("/search/hits/", {"q": "垃圾"}).content.decode()
    assert case.number not in browser.get("/search/hits/", {"q": "垃"}).content.decode()
    said = browser.get("/search/hits/", {"q": "13800000000"}).content.decode()
    assert 'role="option"' not in said
    assert "hits-note" in said


def test_a_move_made_in_the_pane_tells_the_desk_instead_of_leading_away(county, seat, now):
    case = county.report(at=now)
    door = f"/case/{case.public_id}/case/{case.public_id}/accept/"
    answer = seat(county.operator).post(door, headers={"HX-Request": "true", "X-Pane": "case"})
    assert answer.status_code == 204
    assert str(case.public_id) in answer["HX-Trigger"]
    assert "HX-Redirect" not in answer


def test_a_collectors_picture_stands_on_the_map_and_a_citizens_phone_nowhere(county, seat, now):
    case = county.case_at(Stage.PENDING_CLOSE, at=now - timedelta(hours=1))
    browser, address = seat(county.duty_leader), f"/case/{case.public_id}/"
    assert case.evidence.exists()
    case.evidence.update(point=case.point, from_reporter=False)
    assert 'data-mark-lamp="shot"' in browser.get(address).content.decode()
    case.evidence.update(from_reporter=True)
    assert 'data-mark-lamp="shot"' not in browser.get(address).content.decode()
