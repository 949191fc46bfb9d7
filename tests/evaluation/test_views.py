"""The pages of evaluation: who sees them, that every number opens exactly its cases, bad addresses, queries."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse

from cases import actions as cases
from cases.workflow import Source, Stage
from dispatch import actions as dispatch
from evaluation import actions
from evaluation.models import EvalPeriod, EvalScheme
from evaluation.periods import PeriodType, period_of
from evaluation.scoring import POSTS, ObjectType
from office import settings
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TUESDAY = MONDAY + timedelta(days=1)
RANKING = "/evaluation/ranking/"


@pytest.fixture(scope="module")
def lived(django_db_setup, django_db_blocker) -> County:
    """A county that has lived two days: cases closed, overdue, returned, reworked, voided; a citizen's among them.

    Lived once for all tests here: each of them takes back what it did itself.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        settings.begin_empty()
        actions.load_schemes(valid_from=date(2000, 1, 1))
        county = County.build()
        county.case_at(Stage.CLOSED)
        county.case_at(Stage.HANDLING, at=MONDAY + HOUR)
        county.case_at(Stage.CHECKING, at=MONDAY + HOUR, source=Source.WEB)
        back = county.case_at(Stage.HANDLING, at=MONDAY + 2 * HOUR).stints.get()
        dispatch.ask_return(back, by=county.sanitation, at=MONDAY + 3 * HOUR, ground="not_ours", reason="非职责")
        dispatch.grant_return(back.requests.get(), by=county.dispatcher, at=MONDAY + 4 * HOUR)
        failed = county.case_at(Stage.CHECKING, at=MONDAY + 3 * HOUR)
        task = failed.tasks.get(kind="check")
        cases.check(task, by=county.other_collector, at=MONDAY + 4 * HOUR, result="fail")
        dispatch.hand_over(failed.stints.get(), by=county.sanitation, at=TUESDAY + 6 * HOUR, opinion="再次清运")
        cases.void(county.case_at(Stage.HANDLING), by=county.duty_leader, at=MONDAY + HOUR, reason="重复")
        yield county
        transaction.set_rollback(True)


@pytest.fixture
def county(lived, db) -> County:
    return lived


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(MONDAY + timedelta(days=2), tick=False):
        yield


def links(html: str) -> list[tuple[str, str]]:
    """Every number of a page that opens its cases: (address, what is printed)."""
    pattern = r'<a href="(/evaluation/cases/[^"]+)"[^>]*>([^<]+)</a>'
    return [(unescape(url), words.strip()) for url, words in re.findall(pattern, html)]


def everything_opens(page, html: str) -> int:
    """Open every number of a page; check that the list is as long as the number says. Return how many were opened."""
    found = links(html)
    for url, words in found:
        answer = page.get(url)
        assert answer.status_code == 200, url
        context = answer.context
        if context["is_ratio"]:
            assert context["words"] == words, url
        else:
            assert context["number"] == int(words), url
        assert sum(line.times for _case, line in context["lines"]) == context["number"], url
    return len(found)


@pytest.mark.parametrize("object_type", list(ObjectType))
def test_every_number_opens_exactly_its_cases(county, seat, object_type):
    page = seat(county.evaluator)
    answer = page.get(RANKING, {"of": object_type, "period": "month"})
    assert answer.status_code == 200
    assert everything_opens(page, answer.content.decode()) >= 4


def test_a_frozen_period_opens_the_cases_it_was_counted_from(county, seat):
    actions.freeze(period_of(PeriodType.DAY, date(2026, 3, 2)), at=TUESDAY)
    page = seat(county.evaluator)
    answer = page.get(RANKING, {"period": "day", "on": "2026-03-02"})
    assert answer.context["look"].kept is not None
    before = links(answer.content.decode())
    county.case_at(Stage.CLOSED, at=MONDAY + 8 * HOUR)  # came in late: known to the live count, not to the frozen one
    assert everything_opens(page, answer.content.decode()) == len(before) > 4
    again = page.get(RANKING, {"period": "day", "on": "2026-03-02"})
    assert links(again.content.decode()) == before


def test_an_address_keeps_its_cut_off_while_the_city_moves_on(county, seat):
    page = seat(county.evaluator)
    first = page.get(RANKING, {"of": "department", "period": "month"}).content.decode()
    with time_machine.travel(MONDAY + timedelta(days=2, hours=5), tick=False):
        page = seat(county.evaluator)
        county.case_at(Stage.CLOSED, at=MONDAY + timedelta(days=2, hours=1))
        everything_opens(page, first)


def test_both_schemes_stand_side_by_side_and_the_basis_below(county, seat):
    html = seat(county.evaluator).get(RANKING).content.decode()
    assert html.index("STD") < html.index("JINNIU")
    assert "环卫所" in html
    assert "2026-03-04 09:00:00" in html, "the cut-off"


def test_a_department_without_cases_has_a_dash_and_no_rank(county, seat):
    answer = seat(county.evaluator).get(RANKING)
    rows = {row.key: row for group in answer.context["groups"] for row in group.rows}
    water = rows[f"department:{county.water_company.public_id}"]
    assert [place.rank for place in water.places] == [None, None]
    assert {cell.words for cell in water.cells} == {"0", "—"}


def test_the_sum_of_a_group_is_divided_anew_not_averaged(county, seat):
    answer = seat(county.evaluator).get(RANKING)
    group = next(group for group in answer.context["groups"] if group.code == "bureaux")
    columns = [name for name, _label in answer.context["headings"]]
    at = {name: place for place, name in enumerate(columns)}
    together = [cell.words for cell in group.total]
    rate = round(100 * int(together[at["handled_on_time"]]) / int(together[at["need_handle"]]), 2)
    assert together[at["on_time_handle_rate"]] == f"{rate:.2f}%"


def test_the_score_opens_how_it_came_about(county, seat):
    page = seat(county.evaluator)
    answer = page.get(RANKING)
    row = next(row for group in answer.context["groups"] for row in group.rows if row.name == "环卫所")
    page_of_it = page.get(row.url)
    lines = page_of_it.context["explained"][1][2]
    points = sum(float(line.points) for line in lines)
    assert points == pytest.approx(float(row.places[1].score), abs=0.03)
    assert everything_opens(page, page_of_it.content.decode()) > 5


# — who sees what ————————————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize("who", ["evaluator", "leader", "duty_leader", "commander", "dispatcher", "sanitation"])
def test_rankings_of_departments_are_open_in_the_house(county, seat, who):
    assert seat(getattr(county, who)).get(RANKING).status_code == 200


@pytest.mark.parametrize("who", ["collector", "handler", "operator", "administrator"])
def test_rankings_are_closed_to_the_others(county, seat, who):
    assert seat(getattr(county, who)).get(RANKING).status_code == 403


@pytest.mark.parametrize("post", POSTS)
def test_rankings_of_people_stay_with_those_who_answer_for_them(county, seat, post):
    assert seat(county.leader).get(RANKING, {"of": post}).status_code == 200
    for who in (county.commander, county.dispatcher, county.sanitation):
        assert seat(who).get(RANKING, {"of": post}).status_code == 403


def test_a_department_opens_its_own_numbers_only(county, seat):
    page = seat(county.water)
    answer = page.get(RANKING)
    assert links(answer.content.decode()) == []
    row = next(row for group in answer.context["groups"] for row in group.rows if row.name == "环卫所")
    assert page.get(row.url).status_code == 200, "how a score came about is no secret"
    query = {"of": row.key, "count": "need_handle"}
    assert page.get("/evaluation/cases/", query).status_code == 403
    assert page.get("/evaluation/cases/", {"of": "city", "count": "filed"}).status_code == 403
    assert page.get("/evaluation/cases/", {"of": "group:department:bureaux", "count": "filed"}).status_code == 403
    own = seat(county.sanitation)
    assert everything_opens(own, own.get(RANKING).content.decode()) > 4


def test_a_group_of_people_is_not_opened_by_another_word(county, seat):
    query = {"of": "group:collector:supervision", "count": "need_check"}
    assert seat(county.commander).get("/evaluation/cases/", query).status_code == 403
    assert seat(county.leader).get("/evaluation/cases/", query).status_code == 200


def test_nobody_who_is_not_logged_in_sees_anything(client, county):
    for name in ("ranking", "leader", "cases", "object", "maintenance"):
        assert client.get(reverse(f"evaluation:{name}")).status_code == 302


# — the overview —————————————————————————————————————————————————————————————————————————————————————————


def test_the_leaders_page_and_its_panes(county, seat):
    page = seat(county.leader)
    answer = page.get("/evaluation/overview/")
    figures = {figure.label: figure for figure in answer.context["figures"]}
    assert len(figures) == 7
    assert everything_opens(page, answer.content.decode()) > 6
    areas = page.get("/evaluation/overview/areas/")
    assert [shape.name for shape in areas.context["shapes"]] == ["桃溪街道"]
    watch = page.get("/evaluation/overview/watch/")
    assert watch.context["notices"]
    for notice in watch.context["notices"]:
        assert page.get(notice.url).context["number"] == notice.number


def test_figures_are_compared_with_the_same_time_of_the_period_before(county, seat):
    county.case_at(Stage.CLOSED, at=MONDAY - timedelta(days=28))
    county.case_at(Stage.CLOSED, at=MONDAY - timedelta(days=10))  # the 20th of February: not yet at this time of March
    answer = seat(county.leader).get("/evaluation/overview/")
    reported = answer.context["figures"][0]
    assert reported.words == "6"
    assert reported.changes[0].words == "▲ 500.00%"
    assert reported.changes[1].words == "—"


@pytest.mark.parametrize("who", ["sanitation", "dispatcher", "collector", "commander"])
@pytest.mark.parametrize("path", ["", "areas/", "watch/"])
def test_the_overview_is_the_leaders_and_the_evaluators(county, seat, who, path):
    assert seat(getattr(county, who)).get(f"/evaluation/overview/{path}").status_code == 403


# — freezing and maintenance ————————————————————————————————————————————————————————————————————————————————


def test_the_evaluator_freezes_a_day_that_is_over(county, seat):
    page = seat(county.evaluator)
    assert "freeze" in page.get(RANKING, {"period": "day", "on": "2026-03-02"}).content.decode()
    answer = page.post("/evaluation/freeze/", {"period": "day", "on": "2026-03-02", "of": "department"}, follow=True)
    assert answer.context["look"].kept.version == 1
    refused = page.post("/evaluation/freeze/", {"period": "month", "on": "2026-03-02"})
    assert refused.status_code == 409
    assert seat(county.leader).post("/evaluation/freeze/", {"period": "day", "on": "2026-03-01"}).status_code == 403
    assert EvalPeriod.objects.count() == 1


def test_new_weights_are_saved_as_a_version(county, seat):
    page = seat(county.evaluator)
    scheme = EvalScheme.objects.get(code="JINNIU")
    address = reverse("evaluation:scheme", args=[scheme.public_id])
    wrong = {"valid_from": "2026-04-01", **{f"weight_{place}": "10" for place in range(5)}}
    answer = page.post(address, wrong)
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors()
    assert 'value="10"' in answer.content.decode(), "what was typed is kept"
    right = {**wrong, "weight_0": "60"}
    assert page.post(address, right).status_code == 302
    assert EvalScheme.objects.get(code="JINNIU", valid_to=None).version == 2
    assert seat(county.leader).get(address).status_code == 403


def test_a_scheme_is_taken_into_use_and_shows_beside_the_others(county, seat):
    page = seat(county.administrator)
    scheme = EvalScheme.objects.get(code="CASIC_department")
    assert page.get("/maintenance/evaluation/").status_code == 200
    page.post(reverse("evaluation:scheme", args=[scheme.public_id]), {"use": "1"})
    answer = seat(county.evaluator).get(RANKING)
    assert [one.code for one in answer.context["schemes"]] == ["STD_department", "JINNIU", "CASIC_department"]


# — bad addresses and queries ————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize(
    "query",
    [
        "period=century", "on=2026-02-31", "on=yesterday", "on=9999-12-31", "of=cats", "scheme=none", "group=none",
        "cutoff=never", "cutoff=99999999999999999999", "cutoff=1", "period=month&on=2011-08-01", "page=x",
    ],
)  # fmt: skip
def test_nonsense_in_an_address_is_as_if_it_were_not_there(county, seat, query):
    assert seat(county.evaluator).get(f"{RANKING}?{query}").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["", "of=department:nobody", "of=grid:x", "of=grid:999999", "of=group:cats:x", "of=area:1&count=filed", "of=x:y"],
)
def test_the_cases_of_nobody_are_not_found(county, seat, query):
    assert seat(county.evaluator).get(f"/evaluation/cases/?{query}").status_code == 404


def test_a_count_that_does_not_exist_counts_nothing(county, seat):
    answer = seat(county.evaluator).get("/evaluation/cases/?of=city&count=unicorns")
    assert (answer.status_code, answer.context["number"]) == (200, 0)


MOST_QUERIES = 12


@pytest.mark.parametrize(
    "address",
    [
        *(f"{RANKING}?of={one}" for one in ObjectType), f"{RANKING}?period=day&on=2026-03-02",
        "/evaluation/overview/", "/evaluation/overview/areas/", "/evaluation/overview/watch/",
        "/evaluation/cases/?of=city&count=filed", "/maintenance/evaluation/",
    ],
)  # fmt: skip
def test_pages_ask_the_database_a_few_times_whatever_the_size(county, seat, address, django_assert_max_num_queries):
    actions.freeze(period_of(PeriodType.DAY, date(2026, 3, 2)), at=TUESDAY)
    page = seat(county.evaluator)
    page.get(address)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert page.get(address).status_code == 200
