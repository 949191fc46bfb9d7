"""Cases through the API: the same cases, the same facts and the same steps as the pages, in few queries."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.http import Http404
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cases.models import Case
from cases.views import case_context
from cases.workflow import MOVES, Stage
from tests.county import PEOPLE, STAGES_OF_THE_TRIP, County, picture

pytestmark = pytest.mark.django_db
ONE_OF_EACH_ROLE = {role: who for who, (_username, _name, role, _place) in PEOPLE.items()}.values()
JSON = "application/json"


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def now():
    return timezone.now()


def address(case: Case) -> str:
    return f"/api/v1/cases/{case.public_id}/"


def send(client, url: str, **said):
    return client.post(url, said, content_type=JSON)


# — steps ————————————————————————————————————————————————————————————————————————————————————————————


def test_every_step_of_the_table_that_has_a_page_has_an_address_for_programs():
    known = str(uuid4())
    for rule in (one for one in MOVES if one.roles):  # the citizen's own have his page
        assert reverse(f"{rule.door}:move", args=[known, str(rule.subject), known, rule.verb])
        assert reverse(f"{rule.door}:api_{rule.subject}_{rule.verb}", args=[known])


def walk(county: County):
    """Return a case at each stage of the trip, and those where departments ask for something."""
    from dispatch import actions as dispatch

    at = timezone.now() - timedelta(hours=1)
    cases = [county.case_at(stage, at=at, source="hotline") for stage in STAGES_OF_THE_TRIP]
    for ask in ("ask_return", "ask_extension", "ask_suspension"):
        case = county.case_at(Stage.HANDLING, at=at)
        facts = {"ask_return": {"ground": "not_ours"}, "ask_suspension": {"until": (at + timedelta(days=9)).date()}}
        getattr(dispatch, ask)(case.stints.get(), by=county.sanitation, at=at + timedelta(minutes=20), reason="因故",
                               **facts.get(ask, {}))  # fmt: skip
        cases.append(case)
    return cases


def drawn(user, case: Case) -> list | None:
    """Return the buttons of the case's page, None where the page does not open."""
    request = RequestFactory().get("/")
    request.user = User.objects.get(pk=user.pk)
    try:
        buttons = case_context(request, case.public_id, at=timezone.now())["buttons"]
    except Http404:
        return None
    return [(str(one.rule.subject), one.rule.verb, str(one.subject.public_id)) for one, _url in buttons]


def offered(robot, case: Case) -> list | None:
    answer = robot.get(address(case))
    if answer.status_code == 404:
        return None
    return [(one["subject"], one["verb"], one["subject_id"]) for one in answer.json()["moves"]]


def test_the_api_offers_exactly_the_steps_that_the_page_offers(county, program):
    """For every stage, for everybody: the same verbs on the same subjects, and nobody sees what his page hides."""
    cases = walk(county)
    assert {case.stage for case in cases} >= set(STAGES_OF_THE_TRIP)
    for who in ONE_OF_EACH_ROLE:
        user = getattr(county, who)
        robot = program(user)
        for case in cases:
            assert offered(robot, case) == drawn(user, case), (who, case.stage)


@pytest.mark.prove
def test_the_drawn_pages_offer_them_too(county, seat, program):
    cases = walk(county)
    for who in PEOPLE:
        user = getattr(county, who)
        browser, robot = seat(user), program(user)
        for case in cases:
            page = browser.get(reverse("cases:case", args=[case.public_id]))
            found = offered(robot, case)
            assert (found is None) == (page.status_code == 404)
            for _subject, verb, _number in found or ():
                assert f'data-verb="{verb}"' in page.content.decode(), (who, case.stage)


def test_each_offered_step_tells_its_fields_and_the_others_are_refused(county, program, now):
    case = county.case_at(Stage.PENDING_FILING, at=now - timedelta(hours=1))
    robot = program(county.duty_leader)
    for move in robot.get(address(case)).json()["moves"]:
        form = robot.get(move["url"]).json()
        assert [(one["name"], one["required"]) for one in form["fields"]] == [
            (one["name"], one["required"]) for one in move["fields"]
        ]
    answer = send(robot, f"{address(case)}accept/")
    assert (answer.status_code, answer.json()["code"]) == (409, "move_not_allowed")


def test_a_case_goes_all_the_way_through_the_api(county, program, now):
    robots = {who: program(getattr(county, who)) for who in PEOPLE}

    def do(who: str, verb: str, **said):
        moves = robots[who].get(address(case)).json()["moves"]
        (url,) = [one["url"] for one in moves if one["verb"] == verb]
        answer = send(robots[who], url, **said)
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()["stage"]

    def choice(who: str, verb: str, field: str, words: str) -> str:
        moves = robots[who].get(address(case)).json()["moves"]
        form = robots[who].get(next(one["url"] for one in moves if one["verb"] == verb)).json()
        (found,) = [one for one in form["fields"] if one["name"] == field]
        return next(one["value"] for one in found["choices"] if words in one["label"])

    case = county.report(at=now - timedelta(minutes=5))
    assert do("operator", "accept", opinion="属实") == "pending_filing"
    assert do("duty_leader", "file", condition=choice("duty_leader", "file", "condition", "暴露垃圾")) == (
        "pending_dispatch"
    )
    bureau = choice("dispatcher", "dispatch", "department", "环卫所")
    assert do("dispatcher", "dispatch", department=bureau) == "pending_handle"
    assert do("sanitation", "receive") == "handling"
    file = {"file": picture(), "kind": "picture"}
    mark = robots["sanitation"].post("/api/v1/files/", file).json()["mark"]
    assert do("sanitation", "hand_over", opinion="已清运", files=[mark]) == "handed_over"
    assert do("dispatcher", "pass_on") == "pending_check"
    who = choice("operator", "send_check", "collector", "钱野")
    assert do("operator", "send_check", collector=who) == "checking"
    mark = robots["other_collector"].post("/api/v1/files/", {"file": picture(7)}).json()["mark"]
    task = robots["other_collector"].get("/api/v1/tasks/").json()["results"][0]
    (move,) = robots["other_collector"].get(f"/api/v1/tasks/{task['id']}/").json()["moves"]
    answer = send(robots["other_collector"], move["url"], result="pass", files=[mark], pos_lon=117.0003)
    assert answer.json()["stage"] == "pending_close"
    assert do("duty_leader", "close", met=True, is_duplicate=False) == "closed"
    assert case.evidence.count() == 2


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "reason"), ({"reason": ""}, "reason"), ({"reason": ["x"]}, "reason"), ({"reason": {"x": 1}}, "reason"),
        ({"reason": "x" * 3000}, "reason"), ({"reason": "x", "by": "somebody"}, "by"), ({"reason": "x\x00"}, "reason"),
    ],
)  # fmt: skip
def test_what_a_step_cannot_take_is_said_by_field_and_nothing_is_done(county, program, now, said, field):
    case = county.report(at=now)
    answer = program(county.operator).post(f"{address(case)}refuse/", said, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_valid")
    assert set(answer.json()["errors"]) == {field}
    assert Case.objects.get().stage == Stage.REPORTED


def test_whoever_may_not_make_a_step_is_told_so_and_who_sees_no_case_finds_none(county, program, now):
    case = county.case_at(Stage.PENDING_FILING, at=now - timedelta(hours=1))
    answer = send(program(county.operator), f"{address(case)}file/", condition=str(county.condition.public_id))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert send(program(county.sanitation), f"{address(case)}file/").status_code == 404
    assert send(program(county.operator), f"/api/v1/cases/{uuid4()}/file/").status_code == 404


# — what is seen —————————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize("who", ["sanitation", "handler", "collector", "third_collector"])
def test_departments_and_collectors_read_facts_only(county, program, now, who):
    case = county.case_at(Stage.PENDING_HANDLE, at=now - timedelta(hours=1), source="hotline")
    robot = program(getattr(county, who))
    answer = robot.get(address(case))
    rows = robot.get("/api/v1/cases/?source=hotline").json()["results"]
    if answer.status_code == 404:
        assert rows == []
        return
    body = answer.json()
    assert (body["source"], body["tasks"], body["may_see_reporter"]) == ("", [], False)
    assert {one["source"] for one in rows} == {""}
    if who == "sanitation":
        assert not [one for one in body["timeline"] if one["verb"] in ("accept", "verify", "send_verify")]
        assert {one["name"] for one in body["clocks"]} == {"handling"}


def test_the_clocks_explain_themselves_line_by_line(county, program, now):
    case = county.case_at(Stage.HANDLING, at=now - timedelta(hours=1))
    (clock,) = program(county.sanitation).get(address(case)).json()["clocks"]
    worked = [line for line in clock["lines"] if line["kind"] == "work"]
    assert clock["limit_seconds"] == 4 * 3600 == sum(line["used_seconds"] for line in worked)
    assert worked[-1]["left_seconds"] == 0
    assert worked[-1]["ends"] == clock["due_at"]


def test_evidence_is_opened_as_on_the_pages(county, program, now):
    case = county.report(at=now, files=[(file, "near") for file in county.pictures(by=county.collector)])
    (desk,) = program(county.operator).get(address(case)).json()["evidence"]
    assert set(desk["urls"]) == {"view", "thumb", "original"}
    assert program(county.operator).get(desk["urls"]["original"]).status_code == 200
    (his,) = program(county.collector).get(address(case)).json()["evidence"]
    assert set(his["urls"]) == {"view", "thumb"}
    assert program(county.collector).get(desk["urls"]["original"]).status_code == 404
    assert program(county.water).get(desk["urls"]["view"]).status_code == 404


# — lists ————————————————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize(
    ("said", "found"),
    [("tab=accept", 2), ("tab=file", 0), ("q=垃圾", 2), ("q=路灯", 0), ("kind=component", 0), ("source=web", 1),
     ("stage=reported&stage=closed", 2), ("stage=closed", 0), ("street=999902001", 2), ("lamp=paused", 0)],
)  # fmt: skip
def test_the_filters_are_those_of_the_desk(county, program, now, said, found):
    county.report(at=now)
    county.report(at=now, source="web")
    assert len(program(county.operator).get(f"/api/v1/cases/?{said}").json()["results"]) == found


@pytest.mark.parametrize("order", ["due", "moved", "newest"])
def test_pages_are_complete_and_without_repeats_while_cases_come_in(county, program, now, order):
    """Some have no deadline, some the same one, some are urgent; new ones come in between the pages."""
    known = {str(county.report(at=now - timedelta(minutes=n % 3), urgency=n % 2).public_id) for n in range(9)}
    Case.objects.filter(pk__in=list(Case.objects.values_list("pk", flat=True)[:3])).update(due_at=None)
    robot, url, seen = program(county.operator), f"/api/v1/cases/?size=2&order={order}", []
    while url:
        body = robot.get(url).json()
        seen += [one["id"] for one in body["results"]]
        url = body["next"]
        county.report(at=now + timedelta(minutes=len(seen)))
        assert len(seen) < 60
    assert known <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJ4IiwieCJd", "W251bGwsbnVsbF0", "%25", "W1sxXSwyXQ", "é"])
def test_a_cursor_that_is_none_is_refused(county, program, cursor):
    answer = program(county.operator).get(f"/api/v1/cases/?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_the_queues_count_what_the_desk_counts(county, seat, program, now):
    for stage in (Stage.REPORTED, Stage.PENDING_FILING, Stage.HANDLING):
        county.case_at(stage, at=now - timedelta(hours=1))
    counted = seat(county.operator).get("/desk/").context["tabs"]
    found = {one["name"]: one["number"] for one in program(county.operator).get("/api/v1/queues/").json()}
    assert found == {tab.name: number if tab.name != "done" else None for tab, number in counted}


# — how often the database is asked —————————————————————————————————————————————————————————————————

MOST_FOR_A_LIST, MOST_FOR_A_CASE, MOST_FOR_A_STEP = 8, 12, 14


@pytest.mark.parametrize(
    ("door", "who"),
    [("seat", "operator"), *(("program", who) for who in ("dispatcher", "sanitation", "leader", "collector"))],
)
def test_lists_and_cases_take_few_queries(county, program, seat, now, who, door, django_assert_max_num_queries):
    for _ in range(2):
        case = county.case_at(Stage.PENDING_CLOSE, at=now - timedelta(hours=1))
    client = (program if door == "program" else seat)(getattr(county, who))
    client.get(address(case))
    with django_assert_max_num_queries(MOST_FOR_A_LIST):
        assert len(client.get("/api/v1/cases/").json()["results"]) == 2
    with django_assert_max_num_queries(MOST_FOR_A_CASE):
        assert client.get(address(case)).status_code == 200


def test_near_by_cases_are_those_of_the_page(county, seat, program, now):
    first, second = county.report(at=now), county.report(at=now)
    body = program(county.operator).get(f"{address(first)}near/").json()
    page = seat(county.operator).get(reverse("cases:near", args=[first.public_id])).context
    assert (
        [one["id"] for one in body["same"]] == [str(one.public_id) for one in page["rows"]] == [str(second.public_id)]
    )


# — registering ——————————————————————————————————————————————————————————————————————————————————————


def letter(county, **more) -> dict:
    return {"source": "petition", "minor_class": str(county.litter.public_id), "description": "来信反映垃圾",
            "lon": county.point.x, "lat": county.point.y, **more}  # fmt: skip


def test_a_desk_registers_what_came_by_letter_once(county, program):
    robot, number = program(county.operator), str(uuid4())
    first = send(robot, "/api/v1/cases/", **letter(county, public_id=number))
    again = send(robot, "/api/v1/cases/", **letter(county, public_id=number))
    assert (first.status_code, again.json()["number"]) == (201, first.json()["number"])
    assert Case.objects.get().source == "petition"


@pytest.mark.parametrize(("who", "source", "status"), [
    ("operator", "video", 422), ("operator", "hotline", 422), ("collector", "petition", 403),
    ("sanitation", "petition", 403), ("administrator", "petition", 403), ("duty_leader", "media", 201),
])  # fmt: skip
def test_who_registers_what(county, program, who, source, status):
    answer = send(program(getattr(county, who)), "/api/v1/cases/", **letter(county, source=source))
    assert answer.status_code == status, answer.content.decode()


def test_the_number_of_somebody_elses_report_tells_nothing(county, program, now):
    theirs = county.report(at=now, by=county.collector)
    answer = send(program(county.operator), "/api/v1/cases/", **letter(county, public_id=str(theirs.public_id)))
    assert (answer.status_code, answer.json()["code"]) == (409, "report_number_taken")
