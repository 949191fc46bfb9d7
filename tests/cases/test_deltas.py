"""What an open page of a desk asks anew: its rows, its counts, who else is there; and whom a change is told."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.permissions import topics_of
from cases import actions, presence
from cases.models import Case
from cases.workflow import Stage
from citymgmt import live_publish
from dispatch import actions as dispatch
from tests.county import County

pytestmark = pytest.mark.django_db
MOST_QUERIES = 8


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def now():
    return timezone.now()


def asked(browser, address: str, *cases: Case, **more) -> dict:
    """Return what a page is answered that asks about these cases, about all of its rows where none is named."""
    said = {"ids": ",".join(str(case.public_id) for case in cases)} if cases else {}
    response = browser.get(address, {**said, **more}, headers={"accept": "application/json", "x-quiet": "1"})
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def test_only_what_belongs_to_the_list_comes_back_with_the_fresh_counts(county, seat, now):
    here, gone, not_asked = county.report(at=now), county.report(at=now), county.report(at=now)
    actions.accept(gone, by=county.operator, at=now)
    said = asked(seat(county.operator), "/desk/rows/", here, gone, tab="accept")
    assert str(here.public_id) in said["rows"]
    assert str(gone.public_id) not in said["rows"]
    assert str(not_asked.public_id) not in said["rows"]
    assert said["whole"] is False
    assert said["counts"]["accept"] == "2"
    assert said["counts"]["file"] == "1"


def test_a_page_that_was_away_asks_for_all_its_rows_at_the_same_address(county, seat, now):
    cases = [county.report(at=now - timedelta(minutes=minute)) for minute in range(3)]
    said = asked(seat(county.operator), "/desk/rows/", tab="accept")
    assert said["whole"] is True
    assert [said["rows"].index(str(case.public_id)) for case in reversed(cases)] == sorted(
        said["rows"].index(str(case.public_id)) for case in cases
    )
    assert said["orders"] == sorted(said["orders"])


def test_the_filters_of_the_address_hold_for_what_is_asked_anew(county, seat, now):
    case = county.report(at=now)
    browser = seat(county.operator)
    assert asked(browser, "/desk/rows/", case, tab="accept", kind="event")["rows"]
    assert asked(browser, "/desk/rows/", case, tab="accept", kind="component")["rows"] == ""


def test_nobody_is_told_of_cases_that_he_may_not_see(county, seat, now):
    report, with_sanitation = county.report(at=now), county.case_at(Stage.PENDING_HANDLE, at=now)
    assert asked(seat(county.dispatcher), "/dispatch/rows/", report, tab="working")["rows"] == ""
    assert asked(seat(county.water), "/department/rows/", with_sanitation, tab="to_receive")["rows"] == ""
    assert asked(seat(county.sanitation), "/department/rows/", with_sanitation, tab="to_receive")["rows"]
    stranger = asked(seat(county.water), "/department/rows/", tab="to_receive", open=with_sanitation.public_id)
    assert stranger["open"] is None


@pytest.mark.parametrize("address", ["/desk/rows/", "/dispatch/rows/", "/department/rows/"])
def test_a_desk_is_asked_only_by_whoever_sits_at_it(county, seat, address):
    assert seat(county.administrator).get(address).status_code == 403


UNKNOWN = [str(UUID(int=number, version=4)) for number in range(500)]


@pytest.mark.parametrize("ids", ["", "x", "1,2", UNKNOWN[0], ",".join(UNKNOWN)], ids=range(5))
def test_nonsense_for_ids_finds_nothing(county, seat, now, ids):
    county.report(at=now)
    response = seat(county.operator).get("/desk/rows/", {"ids": ids, "tab": "accept"})
    assert json.loads(response.content)["rows"] == ""


@pytest.mark.parametrize(
    ("who", "address", "tab"),
    [
        ("operator", "/desk/rows/", "departments"),
        ("dispatcher", "/dispatch/rows/", "working"),
        ("sanitation", "/department/rows/", "in_hand"),
    ],
)
def test_asking_anew_costs_few_queries_whoever_asks(
    county, seat, now, who, address, tab, django_assert_max_num_queries
):
    cases = [county.case_at(Stage.HANDLING, at=now - timedelta(hours=1)) for _ in range(3)]
    browser = seat(getattr(county, who))
    asked(browser, address, tab=tab)  # settings and calendar are read once by each process
    for some in ([], cases):
        with django_assert_max_num_queries(MOST_QUERIES):
            said = asked(browser, address, *some, tab=tab, open=cases[0].public_id, version=1)
        assert said["rows"].count("<tr") == 3
        assert len(said["orders"]) == 3


def test_the_page_itself_says_where_to_ask_and_which_stages_it_holds(county, seat, now):
    county.report(at=now)
    html = seat(county.operator).get("/desk/?tab=accept").content.decode()
    facts = json.loads(html.split('id="queue-live" type="application/json">')[1].split("</script>")[0])
    assert facts["address"] == "/desk/rows/"
    assert facts["stages"] == ["reported"]
    assert len(facts["orders"]) == 1


# — who is there —————————————————————————————————————————————————————————————————————————————————————


def test_colleagues_of_one_desk_see_who_has_a_case_open_and_others_do_not(county, seat, now):
    case = county.case_at(Stage.HANDLING, at=now)
    asked(seat(county.operator), "/desk/case/", open=case.public_id)
    said = asked(seat(county.duty_leader), "/desk/case/", open=case.public_id)
    assert said["open"]["others"] == [["孙丽", False]]
    rows = asked(seat(county.duty_leader), "/desk/rows/", case, tab="departments")
    assert rows["who"] == {str(case.public_id): ["孙丽"]}
    assert asked(seat(county.sanitation), "/desk/case/", open=case.public_id)["open"]["others"] == []
    assert asked(seat(county.dispatcher), "/desk/case/", open=case.public_id)["open"]["others"] == []


def test_one_writes_at_a_time_and_another_takes_over(county, seat, now):
    case = county.report(at=now)
    sun, chen = seat(county.operator), seat(county.duty_leader)
    asked(sun, "/desk/case/", open=case.public_id, writes=1)
    assert asked(chen, "/desk/case/", open=case.public_id, writes=1)["open"]["others"] == [["孙丽", True]]
    assert asked(sun, "/desk/case/", open=case.public_id, writes=1)["open"]["others"] == [["陈静", False]]
    response = chen.post(f"/case/{case.public_id}/take-over/")
    assert response.json() == {"others": [["孙丽", False]]}
    assert asked(sun, "/desk/case/", open=case.public_id, writes=1)["open"]["others"] == [["陈静", True]]


def test_nobody_takes_over_what_he_may_not_see(county, seat, now):
    case = county.report(at=now)
    assert seat(county.sanitation).post(f"/case/{case.public_id}/take-over/").status_code == 404


def test_whoever_leaves_or_is_not_heard_of_is_not_there(county, seat, now):
    case = county.report(at=now)
    sun, chen = seat(county.operator), seat(county.duty_leader)
    asked(sun, "/desk/case/", open=case.public_id, writes=1)
    asked(sun, "/desk/case/", left=case.public_id)
    assert asked(chen, "/desk/case/", open=case.public_id)["open"]["others"] == []
    desks = topics_of(county.duty_leader, now)[1:]
    seen = {"user": county.operator, "desks": desks, "writes": False}
    later = timezone.now() + timedelta(seconds=presence.SECONDS + 1)
    assert [one.name for one in presence.note(case.public_id, at=now, **seen)] == ["陈静"]
    assert presence.note(case.public_id, at=later, **seen) == []


def test_what_a_closed_page_said_before_and_what_comes_late_makes_nobody_a_writer(county, seat, now):
    case = county.report(at=now)
    sun, chen = seat(county.operator), seat(county.duty_leader)
    asked(sun, "/desk/case/", left=case.public_id, bye="page1")
    asked(sun, "/desk/case/", open=case.public_id, writes=1, page="page1")
    assert asked(chen, "/desk/case/", open=case.public_id)["open"]["others"] == []
    asked(sun, "/desk/case/", open=case.public_id, writes=1, page="page2")
    assert asked(chen, "/desk/case/", open=case.public_id)["open"]["others"] == [["孙丽", True]]


def test_who_changed_an_open_case_is_said_to_colleagues_only(county, seat, now):
    case = county.report(at=now)
    before = case.version
    actions.accept(case, by=county.operator, at=now)
    chen = seat(county.duty_leader)
    assert asked(chen, "/desk/case/", open=case.public_id, version=before)["open"]["by"] == "孙丽"
    now_shown = Case.objects.get(pk=case.pk).version
    assert asked(chen, "/desk/case/", open=case.public_id, version=now_shown)["open"]["by"] == ""
    handled = county.case_at(Stage.PENDING_HANDLE, at=now)
    assert asked(seat(county.sanitation), "/desk/case/", open=handled.public_id, version=0)["open"]["by"] == ""


# — whom a change is told ————————————————————————————————————————————————————————————————————————————


@pytest.fixture
def told(monkeypatch, django_capture_on_commit_callbacks):
    """Return a function that makes a move and gives the topics it was told to."""
    published = []
    monkeypatch.setattr(live_publish, "publish", lambda **news: published.append(set(news["topics"])))

    def make(move, *args, **kwargs) -> set[str]:
        with django_capture_on_commit_callbacks(execute=True):
            move(*args, **kwargs)
        return published[-1]

    return make


def hears(user, topics: set[str], now) -> bool:
    return not topics.isdisjoint(topics_of(user, now))


def test_a_report_is_told_to_supervision_alone(county, told, now):
    topics = told(county.report, at=now)
    assert hears(county.operator, topics, now)
    assert not hears(county.dispatcher, topics, now)
    assert not hears(county.sanitation, topics, now)


def test_a_dispatch_is_told_to_the_department_that_gets_it_and_to_no_other(county, told, now):
    case = county.case_at(Stage.PENDING_DISPATCH, at=now)
    topics = told(dispatch.dispatch, case, by=county.dispatcher, at=now, department=county.sanitation_bureau)
    assert hears(county.dispatcher, topics, now)
    assert hears(county.sanitation, topics, now)
    assert hears(county.handler, topics, now)
    assert not hears(county.water, topics, now)


def test_a_withdrawal_is_told_to_the_department_that_loses_the_case(county, told, now):
    case = county.case_at(Stage.PENDING_HANDLE, at=now)
    topics = told(dispatch.withdraw_dispatch, case.stints.get(), by=county.dispatcher, at=now, reason="派错了")
    assert Case.objects.get(pk=case.pk).holder_department_id != county.sanitation_bureau.pk
    assert hears(county.sanitation, topics, now)
    assert not hears(county.water, topics, now)
