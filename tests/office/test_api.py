"""Writes that come twice are done once; the box of messages; files handed in before the form that needs them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from cases.models import Case
from office import actions
from office.models import KeptAnswer, Message
from tests.county import County, picture

JSON = "application/json"


@pytest.fixture
def county(db) -> County:
    return County.build()


def refuse(robot, case, key: str, reason: str = "重复上报"):
    address = f"/api/v1/cases/{case.public_id}/refuse/"
    return robot.post(address, {"reason": reason}, content_type=JSON, headers={"Idempotency-Key": key})


# — writes that come twice ———————————————————————————————————————————————————————————————————————————


def test_the_same_write_again_is_answered_alike_and_done_once(county, program):
    case, robot = county.report(at=timezone.now()), program(county.operator)
    first, again = refuse(robot, case, "a"), refuse(robot, case, "a")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (first.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")
    assert Case.objects.get().events.count() == 2
    assert refuse(robot, case, "b").json()["code"] == "move_not_allowed"


def test_the_same_key_with_another_content_is_refused(county, program):
    case, other, robot = county.report(at=timezone.now()), county.report(at=timezone.now()), program(county.operator)
    refuse(robot, case, "a")
    for answer in (refuse(robot, case, "a", reason="别的"), refuse(robot, other, "a")):
        assert (answer.status_code, answer.json()["code"]) == (422, "key_used_otherwise")
    assert refuse(program(county.duty_leader), other, "a").status_code == 200  # everybody has his own keys


def test_a_refused_write_leaves_its_key_free(county, program):
    case, robot = county.report(at=timezone.now()), program(county.operator)
    assert refuse(robot, case, "a", reason="").status_code == 422
    assert refuse(robot, case, "a").status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 101, "é", "a\tb"])
def test_a_key_that_is_none_is_refused(county, program, key):
    case = county.report(at=timezone.now())
    assert refuse(program(county.operator), case, key).status_code == 422


def test_answers_are_forgotten_after_some_days(county, program):
    refuse(program(county.operator), county.report(at=timezone.now()), "a")
    actions.clean_up(at=timezone.now() + timedelta(days=6))
    assert KeptAnswer.objects.count() == 1
    actions.clean_up(at=timezone.now() + timedelta(days=8))
    assert not KeptAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_is_done_and_the_other_reads_its_answer(program):
    county = County.build()
    cache.clear()
    robots = [program(county.operator) for _ in range(4)]
    case, together = county.report(at=timezone.now()), Barrier(len(robots))

    def at_once(robot):
        try:
            together.wait()
            answer = refuse(robot, case, "race")
            return answer.status_code, answer.json()["number"], answer.get("Idempotent-Replayed")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(robots)) as apart:
        answers = list(apart.map(at_once, robots))
    assert {(status, number) for status, number, _again in answers} == {(200, case.number)}
    assert [again for _status, _number, again in answers].count(None) == 1
    assert case.events.count() == 2
    assert KeptAnswer.objects.get().status == 200


def test_the_write_and_its_kept_answer_are_one_transaction(county, program, monkeypatch):
    """What breaks after the step was made takes the step back too: the next try finds everything as before."""
    case, robot = county.report(at=timezone.now()), program(county.operator)
    robot.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(actions, "keep_answer", lambda *args, **kwargs: 1 / 0)
        assert refuse(robot, case, "a").status_code == 500
    assert (Case.objects.get().stage, KeptAnswer.objects.count()) == ("reported", 0)
    assert refuse(robot, case, "a").status_code == 200


MOST_FOR_A_STEP, MOST_FOR_THE_KEY = 14, 2
OF_THE_TEST = 4  # savepoints where outside of tests a transaction begins and ends


def test_a_step_takes_few_queries_and_its_key_two_more(county, program, django_assert_max_num_queries):
    robot = program(county.operator)
    refuse(robot, county.report(at=timezone.now()), "warm")
    one, other = county.report(at=timezone.now()), county.report(at=timezone.now())
    address = f"/api/v1/cases/{one.public_id}/refuse/"
    with django_assert_max_num_queries(MOST_FOR_A_STEP + OF_THE_TEST):
        assert robot.post(address, {"reason": "重复"}, content_type=JSON).status_code == 200
    with django_assert_max_num_queries(MOST_FOR_A_STEP + MOST_FOR_THE_KEY + OF_THE_TEST + 2):
        assert refuse(robot, other, "b").status_code == 200


# — messages and files ———————————————————————————————————————————————————————————————————————————————


def test_the_box_is_read_page_by_page_and_emptied(county, program):
    at = timezone.now()
    for number in range(5):
        actions.tell([county.operator], code="sessions_ended", facts={"person": "管力"}, about="", url="",
                     dedupe=str(number), at=at)  # fmt: skip
    robot, url, seen = program(county.operator), "/api/v1/messages/?size=2", []
    while url:
        body = robot.get(url).json()
        seen += [one["id"] for one in body["results"]]
        url = body["next"]
    assert len(seen) == len(set(seen)) == Message.objects.filter(recipient=county.operator).count()
    assert robot.post(f"/api/v1/messages/{seen[0]}/read/").json()["read_at"]
    assert program(county.duty_leader).post(f"/api/v1/messages/{seen[0]}/read/").status_code == 404
    robot.post("/api/v1/messages/read/")
    assert robot.get("/api/v1/messages/?unread=true").json()["results"] == []
    assert robot.get("/api/v1/me/").json()["unread_messages"] == 0


def test_a_file_handed_in_twice_under_one_number_is_one_and_nobody_elses(county, program):
    number, robot = str(uuid4()), program(county.collector)
    marks = [robot.post("/api/v1/files/", {"file": picture(3), "public_id": number}).json() for _ in range(2)]
    assert marks[0]["id"] == marks[1]["id"] == number
    theirs = program(county.operator).post("/api/v1/files/", {"file": picture(3), "public_id": number})
    assert (theirs.status_code, theirs.json()["code"]) == (409, "file_number_taken")


@pytest.mark.parametrize(("sent", "status"), [({}, 422), ({"file": "no file"}, 422), ({"kind": "x"}, 422)])
def test_what_is_no_file_is_refused(county, program, sent, status):
    assert program(county.collector).post("/api/v1/files/", sent).status_code == status


def test_a_file_that_is_not_what_it_says_is_refused(county, program):
    wrong = picture()
    wrong.file.seek(0)
    wrong.file.truncate(20)
    wrong.size = 20
    answer = program(county.collector).post("/api/v1/files/", {"file": wrong})
    assert (answer.status_code, answer.json()["code"]) == (415, "file_not_what_it_says")
