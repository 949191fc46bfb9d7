"""Many cases at once: the preview says what will happen and what is excepted, each case is moved at most once."""

import io
from datetime import timedelta

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Appointment
from cases import actions, bulk
from cases import tasks as worker
from cases.models import BulkRow, BulkRun, Case, CaseEvent, Directive
from cases.sheets import harmless
from cases.workflow import Stage
from dispatch import actions as dispatch
from dispatch import bulk as dispatch_bulk
from dispatch.models import ResponsibilityRule
from patrol import bulk as patrol_bulk
from tests.county import LONG_AGO, County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db) -> County:
    county = County.build()
    ResponsibilityRule.objects.create(
        minor_class=county.litter, department=county.sanitation_bureau, valid_from=LONG_AGO
    )
    return county


def ago(minutes: int):
    return timezone.now() - timedelta(minutes=minutes)


def order(browser, name: str, cases, **more):
    """Choose cases in a queue and press a button of the bar; return the page of the run."""
    door = bulk.BY_NAME[name].door
    chosen = {"cases": ",".join(str(case.public_id) for case in cases), "back": "/desk/?tab=accept"}
    answer = browser.post(reverse(f"{door}:bulk", args=[name]), chosen | more)
    assert answer.status_code == 302, answer.content.decode()[-500:]
    return worked(BulkRun.objects.latest("id"))


DOORS = {"cases": bulk.DOORS, "dispatch": dispatch_bulk.DOORS, "patrol": patrol_bulk.DOORS}


def worked(run: BulkRun) -> BulkRun:
    """Return a run after the worker had all the time it needs: what a page manages depends on the machine."""
    assert bulk.go_on(run, DOORS[bulk.BY_NAME[run.verb].door], seconds=600) is False
    run.refresh_from_db()
    return run


def say_yes(browser, run: BulkRun, **said) -> BulkRun:
    door = bulk.BY_NAME[run.verb].door
    answer = browser.post(reverse(f"{door}:bulk_go", args=[run.public_id]), said)
    assert answer.status_code == 302, answer.content.decode()[-500:]
    return worked(run)


def states(run: BulkRun) -> list[str]:
    return list(run.rows.order_by("place").values_list("state", flat=True))


def test_dispatching_three_of_which_one_is_gone_already(county, seat):
    waiting = [county.case_at(Stage.PENDING_DISPATCH, at=ago(30)) for _ in range(2)]
    gone = county.case_at(Stage.HANDLING, at=ago(40))
    desk = seat(county.dispatcher)
    run = order(desk, "dispatch", [*waiting, gone])
    assert run.state == BulkRun.State.READY
    assert states(run) == ["ready", "ready", "excepted"]
    page = desk.get(reverse("cases:bulk_run", args=[run.public_id])).content.decode()
    assert "环卫所" in page
    assert "处置中" in page  # why the third is excepted
    assert {case.stage for case in Case.objects.filter(pk__in=[one.pk for one in waiting])} == {Stage.PENDING_DISPATCH}
    run = say_yes(desk, run, opinion="请处理")
    assert run.state == BulkRun.State.DONE
    assert states(run) == ["done", "done", "excepted"]
    for case in waiting:
        case.refresh_from_db()
        assert case.stage == Stage.PENDING_HANDLE
        assert case.stints.get().department == county.sanitation_bureau
        assert case.events.filter(verb="dispatch", actor=county.dispatcher).count() == 1


def test_saying_yes_twice_and_a_worker_that_comes_back_move_each_case_once(county, seat):
    cases = [county.case_at(Stage.PENDING_DISPATCH, at=ago(30)) for _ in range(2)]
    desk = seat(county.dispatcher)
    run = say_yes(desk, order(desk, "dispatch", cases))
    again = desk.post(reverse("dispatch:bulk_go", args=[run.public_id]), {})
    assert again.status_code == 409
    bulk.work(run.pk, dispatch_bulk.DOORS)
    assert CaseEvent.objects.filter(verb="dispatch").count() == 2


def test_a_run_goes_on_where_a_killed_worker_left_it(county):
    cases = [county.report(at=ago(10)) for _ in range(4)]
    run = bulk.begin(bulk.BY_NAME["urge"], [case.public_id for case in cases], by=county.duty_leader, at=timezone.now())
    assert bulk.go_on(run, bulk.DOORS, seconds=60) is False
    bulk.confirm(run, at=timezone.now(), said={"opinion": "请抓紧"})
    run.refresh_from_db()
    verb, door = bulk.BY_NAME["urge"], bulk.DOORS["urge"]
    for _ in range(2):  # then it is killed
        bulk._one_row(run, BulkRow.State.READY, lambda row: bulk._do(row, run, verb, door, at=timezone.now()))
    assert sorted(states(run)) == ["done", "done", "ready", "ready"]
    worker.go_on_with_bulk(run.pk)
    run.refresh_from_db()
    assert run.state == BulkRun.State.DONE
    assert set(states(run)) == {"done"}
    assert Directive.objects.filter(kind="urge").count() == 4


def test_a_run_without_a_sign_of_life_is_taken_up(county, monkeypatch):
    run = bulk.begin(bulk.BY_NAME["urge"], [county.report(at=ago(10)).public_id], by=county.duty_leader, at=ago(3))
    taken = []
    monkeypatch.setattr(bulk, "to_the_worker", taken.append)
    bulk.take_up(at=ago(2) - timedelta(seconds=1))
    assert taken == []
    bulk.take_up(at=timezone.now())
    assert taken == [run]


def test_one_undo_takes_the_dispatches_back_and_says_which_no_longer_can_be(county, seat):
    cases = [county.case_at(Stage.PENDING_DISPATCH, at=ago(30)) for _ in range(3)]
    desk = seat(county.dispatcher)
    run = say_yes(desk, order(desk, "dispatch", cases))
    done = cases[2].stints.get()
    dispatch.hand_over(done, by=county.sanitation, at=timezone.now(), opinion="已清", files=county.pictures())
    back = order(desk, "take-back", [], undoes=str(run.public_id))
    assert back.undoes == run
    assert states(back) == ["ready", "ready", "excepted"]
    back = say_yes(desk, back, reason="派遣有误，收回重派")
    assert states(back) == ["done", "done", "excepted"]
    stages = [Case.objects.get(pk=case.pk).stage for case in cases]
    assert stages == [Stage.PENDING_DISPATCH, Stage.PENDING_DISPATCH, Stage.HANDED_OVER]
    assert "收回" not in desk.get(reverse("cases:bulk_run", args=[run.public_id])).content.decode().split("<table")[0]


def test_supervising_many_writes_one_supervision_each_and_settles_them_together(county, seat):
    cases = [county.case_at(Stage.HANDLING, at=ago(30)) for _ in range(2)]
    desk = seat(county.commander)
    run = order(desk, "supervise", [*cases, county.case_at(Stage.CLOSED, at=ago(60))])
    assert states(run) == ["ready", "ready", "excepted"]
    missing = desk.post(reverse("cases:bulk_go", args=[run.public_id]), {"level": "overtime"})
    assert missing.status_code == 422
    run = say_yes(desk, run, level="overtime", demand="今日内办结", needs_reply="on", reply_by="2030-01-02")
    assert Directive.objects.filter(kind="supervise", stage="open", demand="今日内办结").count() == 2
    settled = say_yes(desk, order(desk, "settle", [], undoes=str(run.public_id)))
    assert states(settled) == ["done", "done"]
    assert not Directive.objects.filter(kind="supervise", stage="open").exists()


def test_checks_go_to_a_collector_who_had_no_part_in_it(county, seat):
    case = county.case_at(Stage.PENDING_CHECK, at=ago(60))
    desk = seat(county.operator)
    run = say_yes(desk, order(desk, "check", [case, county.report(at=ago(5))]))
    assert states(run) == ["done", "excepted"]
    task = case.tasks.get(kind="check")
    assert task.collector != county.collector
    assert patrol_bulk.DOORS.keys() == {"check"}
    back = say_yes(desk, order(desk, "withdraw-check", [], undoes=str(run.public_id)), reason="改日核查")
    assert states(back) == ["done"]
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_CHECK


def test_the_separation_of_powers_holds_for_each_case(county, seat):
    """In a hall where one account sits at both desks, what he accepted he does not dispatch."""
    case, other = (county.case_at(Stage.PENDING_DISPATCH, at=ago(30)) for _ in range(2))
    Appointment.objects.create(
        user=county.operator, role="dispatcher", department=county.departments["command"], valid_from=LONG_AGO
    )
    Case.objects.filter(pk=other.pk).update(address="别处")
    run = order(seat(county.operator), "dispatch", [case, other])
    assert states(run) == ["excepted", "excepted"]
    assert "另一方" in run.rows.first().words or "两方" in run.rows.first().words


def test_nobody_orders_what_his_role_does_not_know_or_sees_anothers_run(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH, at=ago(30))
    run = order(seat(county.dispatcher), "urge", [case])
    for who in ("operator", "leader", "sanitation"):
        browser = seat(getattr(county, who))
        assert browser.get(reverse("cases:bulk_run", args=[run.public_id])).status_code == 404
        assert browser.post(reverse("cases:bulk_go", args=[run.public_id])).status_code == 404
    run = order(seat(county.commander), "dispatch", [case])  # a commander sees it, and may not
    assert states(run) == ["excepted"]
    assert {verb.name for verb in bulk.under_a_queue(county.sanitation, at=timezone.now())} == {"print", "export"}


def test_cases_that_somebody_does_not_see_are_not_in_his_run(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH, at=ago(30))
    answer = seat(county.sanitation).post(reverse("cases:bulk", args=["export"]), {"cases": str(case.public_id)})
    assert answer.status_code == 409
    assert not BulkRun.objects.exists()


def test_what_was_lost_sight_of_meanwhile_is_not_done(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH, at=ago(30))
    desk = seat(county.dispatcher)
    run = order(desk, "dispatch", [case])
    actions.void(case, by=county.duty_leader, at=timezone.now(), reason="重复")
    run = say_yes(desk, run)
    assert states(run) == ["refused"]
    assert not case.stints.exists()


def test_a_preview_that_is_dropped_does_nothing(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH, at=ago(30))
    desk = seat(county.dispatcher)
    run = order(desk, "dispatch", [case])
    answer = desk.post(reverse("dispatch:bulk_go", args=[run.public_id]), {"drop": ""})
    assert answer["Location"] == "/desk/?tab=accept"
    run.refresh_from_db()
    assert run.state == BulkRun.State.DROPPED
    assert desk.post(reverse("dispatch:bulk_go", args=[run.public_id]), {}).status_code == 409


def test_an_export_holds_no_formula_and_no_source_for_a_department(county, seat):
    case = county.case_at(Stage.HANDLING, at=ago(30), description='=HYPERLINK("http://x")')
    for who, reads_source in (("dispatcher", True), ("sanitation", False)):
        browser = seat(getattr(county, who))
        run = say_yes(browser, order(browser, "export", [case]))
        answer = browser.get(reverse("cases:bulk_file", args=[run.public_id]))
        sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
        heads = [cell.value for cell in sheet[1]]
        assert ("问题来源" in heads or "来源" in heads) is reads_source
        row = {head: cell.value for head, cell in zip(heads, sheet[2], strict=True)}
        assert case.number in row.values()
        assert not any(str(value).startswith("=") for value in row.values())
        assert all(cell.data_type != "f" for cell in sheet[2])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_what_begins_like_a_formula_is_kept_as_text(text):
    assert harmless(text) == f"'{text}"
    assert harmless(f"甲{text}") == f"甲{text}"


def test_printing_many_makes_one_file_of_what_applies(county, seat):
    with_sheet, without = county.case_at(Stage.HANDLING, at=ago(30)), county.report(at=ago(5))
    desk = seat(county.duty_leader)
    run = say_yes(desk, order(desk, "print", [with_sheet, without]), paper="dispatch")
    assert states(run) == ["done", "refused"]
    answer = desk.get(reverse("cases:bulk_file", args=[run.public_id]))
    assert b"".join(answer.streaming_content).startswith(b"%PDF-")
    assert seat(county.operator).get(reverse("cases:bulk_file", args=[run.public_id])).status_code == 404


def test_all_that_match_are_chosen_by_the_filters_of_the_address(county, seat):
    cases = {str(county.report(at=ago(5)).public_id) for _ in range(3)}
    county.case_at(Stage.HANDLING, at=ago(30))
    found = seat(county.operator).get("/desk/ids/?tab=accept&all=1").json()
    assert set(found["ids"]) == cases
    assert found["more"] is False
    assert seat(county.operator).get("/desk/ids/?tab=accept&lamp=red&all=1").json()["ids"] == []
    assert len(seat(county.dispatcher).get("/dispatch/ids/?tab=working&all=1").json()["ids"]) == 1
    assert len(seat(county.sanitation).get("/department/ids/?tab=in_hand&all=1").json()["ids"]) == 1


def test_a_queue_carries_the_bar_and_the_page_of_a_run_takes_few_questions(county, seat):
    cases = [county.report(at=ago(5)) for _ in range(5)]
    desk = seat(county.duty_leader)
    assert 'data-bulk="/desk/ids/"' in desk.get("/desk/").content.decode()
    run = order(desk, "urge", cases)
    address = reverse("cases:bulk_run", args=[run.public_id])
    desk.get(address)
    with CaptureQueriesContext(connection) as asked:
        desk.get(address)
    assert len(asked) <= 12


def test_runs_of_a_month_ago_are_forgotten_with_their_files(county, seat):
    desk = seat(county.duty_leader)
    run = say_yes(desk, order(desk, "export", [county.report(at=ago(5))]))
    assert bulk.forget_runs(at=timezone.now()) == 0
    assert bulk.forget_runs(at=timezone.now() + timedelta(days=31)) == 1
    assert not BulkRun.objects.filter(pk=run.pk).exists()
    assert Case.objects.exists()
