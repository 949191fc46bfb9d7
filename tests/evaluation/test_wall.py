"""The leader's lists and the wall: one count for both, kept for all screens, and nothing about who reported it."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Duty
from cases import actions as cases
from cases import clocks
from cases.models import Case, Directive
from cases.workflow import Stage
from citymgmt.live_publish import read_ticket
from evaluation import actions, overview, wall
from hotline import actions as hotline
from office import settings
from patrol.models import CollectorGrid, Fix
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = MONDAY + timedelta(days=2, hours=2)
MOST_QUERIES = 12


@pytest.fixture(scope="module")
def lived(django_db_setup, django_db_blocker) -> County:
    """A county on its third day: something on time, something late, something that came back, a collector on duty."""
    with django_db_blocker.unblock(), transaction.atomic():
        settings.begin_empty()
        actions.load_schemes(valid_from=date(2000, 1, 1))
        county = County.build()
        county.case_at(Stage.CLOSED)
        for hours in (1, 2, 3):
            county.case_at(Stage.HANDLING, at=MONDAY + hours * HOUR)
        county.case_at(Stage.HANDLING, at=NOW - HOUR)
        county.reported = hotline.report_as_citizen(
            at=NOW - HOUR, minor_class=county.litter, point=county.point, words="老胡倒的垃圾", name="周明远",
            phone="13800000007",
        )  # fmt: skip
        late = Case.objects.filter(stage=Stage.HANDLING).order_by("due_at").first()
        cases.supervise(late, by=county.leader, at=NOW - HOUR, level="leader", demand="今日办结", needs_reply=True)
        Duty.objects.create(user=county.collector, started_at=NOW - 2 * HOUR)
        CollectorGrid.objects.create(collector=county.collector, duty_grid=county.duty_grid, valid_from=LONG_AGO)
        Fix.objects.create(case=late, collector=county.collector, point=county.point, recorded_at=NOW - HOUR)
        yield county
        transaction.set_rollback(True)


@pytest.fixture
def county(lived, db) -> County:
    return lived


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


def numbers(county) -> dict[str, int]:
    return {one.standing.name: one.number for one in overview.right_now(Case.objects.all(), at=timezone.now())}


# — the lists —


def test_every_number_of_what_is_open_opens_a_list_of_as_many_cases(county, seat):
    browser = seat(county.leader)
    shown = numbers(county)
    assert shown["open"] == 5
    assert shown["overdue"] >= 3
    assert shown["supervised"] == 1
    assert shown["on_time"] + shown["soon"] + shown["overdue"] + shown["paused"] == shown["open"]
    for name, number in shown.items():
        page = browser.get("/evaluation/overview/cases/", {"list": name})
        assert (page.status_code, len(list(page.context["page"]))) == (200, number), name


def test_from_a_number_to_an_instruction_in_three_clicks(county, seat):
    browser = seat(county.leader)
    overview_page = browser.get("/evaluation/overview/").content.decode()
    first = unescape(re.search(r'href="([^"]+list=overdue)"', overview_page)[1])
    listed = browser.get(first).content.decode()
    second = unescape(re.search(r'hx-get="([^"]+/instruct/[^"]+)"', listed)[1])
    assert browser.get(second, headers={"HX-Request": "true"}).status_code == 200
    done = browser.post(second.partition("?")[0], {"demand": "限期办结", "next": first})
    assert (done.status_code, done["Location"]) == (302, first)
    assert Directive.objects.filter(kind="instruct", demand="限期办结").exists()


def test_the_pane_of_what_went_wrong_offers_instruction_and_supervision_and_leads_back(county, seat):
    pane = seat(county.leader).get("/evaluation/overview/wrong/", {"period": "month"}).content.decode()
    assert "/instruct/?next=%2Fevaluation%2Foverview%2F" in pane
    assert "/supervise/" in pane
    assert "花城社区" in pane  # the hot spot
    evaluators = seat(county.evaluator).get("/evaluation/overview/wrong/").content.decode()
    assert "/instruct/" not in evaluators


@pytest.mark.parametrize("path", ["", "cases/", "wrong/"])
def test_the_leaders_pages_ask_few_questions(county, seat, path):
    browser = seat(county.leader)
    browser.get(f"/evaluation/overview/{path}")
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(f"/evaluation/overview/{path}").status_code == 200
    assert len(asked) <= MOST_QUERIES


def test_the_trend_is_a_line_of_the_frozen_scores():
    assert overview.spark([]) == overview.spark([90]) == ""
    assert overview.spark([80, None, 100]) == "M0 16L72 2"


# — the wall —


@pytest.mark.parametrize("scene", [scene.name for scene in wall.SCENES])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_scene_is_drawn_with_few_questions_and_then_with_none(county, seat, scene, language):
    browser = seat(county.leader)
    browser.post("/i18n/setlang/", {"language": language})
    clocks.calendar()  # every process reads it each ten seconds, whatever is asked
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(f"/wall/scene/{scene}/")
    assert page.status_code == 200
    assert len(asked) <= MOST_QUERIES + (scene == "rankings")  # two rankings in one, once for all screens
    with CaptureQueriesContext(connection) as again:
        assert browser.get(f"/wall/scene/{scene}/").content == page.content
    assert not [one for one in again if "cases_" in one["sql"]]


def test_all_screens_share_one_count_and_a_later_one_is_counted_anew(county, seat):
    for who in ("leader", "commander", "duty_leader"):
        assert b"<b" in seat(getattr(county, who)).get("/wall/scene/map/").content
    seen = seat(county.leader).get("/wall/scene/map/").content
    county.case_at(Stage.HANDLING, at=NOW - HOUR)
    assert seat(county.commander).get("/wall/scene/map/").content == seen
    with time_machine.travel(NOW + timedelta(seconds=21), tick=False):
        assert seat(county.commander).get("/wall/scene/map/").content != seen


def test_a_screen_is_told_how_old_what_it_sees_is(county, seat):
    assert seat(county.leader).get("/wall/scene/map/")["X-Age"] == "0"
    with time_machine.travel(NOW + timedelta(seconds=15), tick=False):
        assert seat(county.commander).get("/wall/scene/map/")["X-Age"] == "15"


def test_while_one_screen_counts_the_others_show_what_was_kept(county, seat):
    before = seat(county.leader).get("/wall/scene/map/").content
    county.case_at(Stage.HANDLING, at=NOW - HOUR)
    cache.add("wall:map:zh-hans:turn", 1)
    with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
        assert seat(county.leader).get("/wall/scene/map/").content == before


def test_the_wall_and_the_leaders_page_show_the_same_figures(county, seat):
    browser = seat(county.leader)
    leaders = browser.get("/evaluation/overview/", {"period": "day"})
    context = wall.today_scene(timezone.now())
    assert [one.words for one in context["figures"]] == [one.words for one in leaders.context["figures"]]
    assert [one.number for one in wall.map_scene(timezone.now())["now"]] == [
        one.number for one in leaders.context["now"]
    ]
    ranked = {row.key: row.places[0] for group, rows in wall.rankings_scene(timezone.now())["groups"] for row in rows}
    monthly = browser.get("/evaluation/overview/", {"period": "month"}).context["groups"]
    assert ranked == {row.key: row.places[0] for group in monthly for row in group.rows}


def test_the_points_on_the_map_are_the_open_cases_by_their_lamp(county):
    scene = wall.map_scene(timezone.now())
    points = {lamp: path.count("M") for lamp, path in scene["points"]}
    shown = numbers(county)
    assert (points["red"], points["green"]) == (shown["overdue"], shown["on_time"])
    assert scene["shown"] == scene["total"] == shown["open"]


def test_collectors_on_duty_with_their_grids_tasks_and_last_place(county):
    [one] = wall.duty_scene(timezone.now())["people"]
    assert (one["user"], one["grids"], one["tasks"], one["seen_at"]) == (
        county.collector, ["城关一网格"], 0, NOW - HOUR,
    )  # fmt: skip
    assert "x" in one


def test_no_scene_names_a_reporter(county, seat):
    browser = seat(county.leader)
    pages = "".join(browser.get(f"/wall/scene/{scene.name}/").content.decode() for scene in wall.SCENES)
    for private in ("周明远", "13800000007", "老胡"):
        assert private not in pages


def test_an_empty_city_has_a_wall_too(seat, db):
    from tests.factories import person

    browser = seat(person("leader"))
    for scene in wall.SCENES:
        assert browser.get("/wall/", {"scene": scene.name}).status_code == 200
        assert browser.get(f"/wall/scene/{scene.name}/").status_code == 200


@pytest.mark.parametrize("who", ["operator", "dispatcher", "sanitation", "handler", "collector", "administrator"])
@pytest.mark.parametrize("path", ["", "scene/map/", "ticket/"])
def test_the_wall_is_for_leaders_and_duty_commanders(county, seat, who, path):
    assert seat(getattr(county, who)).get(f"/wall/{path}").status_code == 403


def test_practice_is_on_no_wall(county):
    before = numbers(county)["open"]
    Case.objects.filter(pk=county.reported.pk).update(is_practice=True)
    assert numbers(county)["open"] == before - 1


def test_nobody_sits_at_a_wall_so_it_does_not_lock_but_whoever_walks_on_is_asked(county, seat):
    browser = seat(county.leader)
    browser.cookies.pop("city_seen", None)
    for name in [one for one in browser.cookies if one.endswith("_seen")]:
        del browser.cookies[name]
    assert browser.get("/wall/").status_code == 200
    assert "/accounts/lock/" in browser.get("/evaluation/overview/")["Location"]


def test_a_walls_ticket_hears_of_all_centres_and_nothing_else(county, seat):
    ticket = seat(county.leader).get("/wall/ticket/").json()["ticket"]
    _user, topics, _made = read_ticket(ticket)
    centres = {f"centre:{county.departments[name].pk}" for name in ("supervision", "command")}
    assert topics == {f"user:{county.leader.pk}", *centres}


def test_an_unknown_scene_is_none(county, seat):
    assert seat(county.leader).get("/wall/scene/secrets/").status_code == 404
    assert seat(county.leader).get("/wall/", {"scene": "secrets"}).status_code == 200
