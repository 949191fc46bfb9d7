"""The collector's phone, the desk's list of who may go, and who patrols where."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from cases import actions as case_actions
from cases.models import Case
from cases.workflow import Stage
from office.models import StoredFile
from patrol import actions
from patrol.models import CollectorGrid, Fix
from tests.county import LONG_AGO, MONDAY, PEOPLE, County

pytestmark = pytest.mark.django_db
REPORT = "/field/report/"
COLLECTORS = {"collector", "other_collector", "third_collector"}
EARLIER = MONDAY - timedelta(minutes=30)


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


def picture(name: str = "near.jpg") -> SimpleUploadedFile:
    out = BytesIO()
    Image.effect_noise((64, 48), 40).save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue() + name.encode(), content_type="image/jpeg")


def said(county: County, **changed) -> dict:
    facts = {
        "public_id": str(uuid4()), "minor_class": str(county.litter.public_id), "lon": str(county.point.x),
        "lat": str(county.point.y), "description": "路边有一堆垃圾", "pos_lon": str(county.point.x),
        "pos_lat": str(county.point.y), "pos_accuracy_m": "8.5", "claimed": "2026-03-02T08:58:00+08:00",
        "near_seen": "yes", **changed,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


def field_pages(county: County) -> list[str]:
    case = county.case_at(Stage.VERIFYING, source="web", at=EARLIER)
    mine = county.report(at=EARLIER)
    task = case.tasks.get()
    return ["/field/", REPORT, "/field/near/", f"/field/task/{task.public_id}/", f"/field/case/{mine.public_id}/"]


def test_a_collector_opens_every_page_with_few_queries(county, seat, django_assert_max_num_queries):
    page = seat(county.collector)
    for address in field_pages(county):
        with django_assert_max_num_queries(12):
            answer = page.get(address)
        assert answer.status_code == 200
        assert len(answer.content) < 150_000


def test_nobody_else_opens_any_of_them(county, seat):
    pages = field_pages(county)
    for person in sorted(set(PEOPLE) - COLLECTORS):
        page = seat(getattr(county, person))
        assert {page.get(address).status_code for address in pages} == {403}
        assert page.post(REPORT, said(county)).status_code == 403


def test_another_collectors_task_and_report_do_not_exist(county, seat):
    page = seat(county.other_collector)
    for address in field_pages(county)[3:]:
        assert page.get(address).status_code == 404


def test_the_start_page_asks_by_itself_for_new_tasks_and_gets_only_those(county, seat):
    task = county.case_at(Stage.VERIFYING, source="web", at=EARLIER).tasks.get()
    words = seat(county.collector).get("/field/", headers={"hx-request": "true"}).content.decode()
    assert str(task.public_id) in words
    assert "<html" not in words


# — reporting


def test_a_report_keeps_pictures_position_and_the_phones_time(county, seat):
    facts = said(county, near=picture(), far=picture("far.jpg"))
    answer = seat(county.collector).post(REPORT, facts)
    case = Case.objects.get()
    assert answer["Location"] == f"/field/case/{case.public_id}/"
    assert sorted(case.evidence.values_list("usage", flat=True)) == ["far", "near"]
    assert (case.reported_by, case.reported_at) == (county.collector, MONDAY - timedelta(minutes=2))
    assert (Fix.objects.get().distance_m, float(Fix.objects.get().accuracy_m)) == (0, 8.5)


def test_without_a_place_on_the_map_it_is_where_the_phone_is(county, seat):
    seat(county.collector).post(REPORT, said(county, lon="", lat="", near=picture()))
    assert Case.objects.get().point.coords == pytest.approx(county.point.coords, abs=1e-6)


def test_the_first_picture_is_needed_and_what_was_typed_stays(county, seat):
    page = seat(county.collector).post(REPORT, said(county, far=picture()))
    assert "near" in page.context["form"].errors
    assert "路边有一堆垃圾" in page.content.decode()
    assert page.context["form"].fields["far"].widget.kept
    assert not Case.objects.exists()


def test_what_he_put_right_himself_needs_a_picture_of_how_it_looks_now(county, seat):
    phone = seat(county.collector)
    facts = said(county, is_self_handled="on")
    refused = phone.post(REPORT, facts | {"near": picture()}).context["form"]
    assert set(refused.errors) == {"after"}
    phone.post(REPORT, facts | {"near": picture(), "after": picture("after.jpg")})
    case = Case.objects.get()
    assert case.is_self_handled
    assert sorted(case.evidence.values_list("usage", flat=True)) == ["after", "near"]


def test_a_picture_afterwards_without_the_tick_is_left_out(county, seat):
    seat(county.collector).post(REPORT, said(county, near=picture(), after=picture("after.jpg")))
    case = Case.objects.get()
    assert not case.is_self_handled
    assert case.evidence.get().usage == "near"


def test_a_picture_taken_before_an_error_goes_along_the_next_time(county, seat):
    page = seat(county.collector)
    kept = page.post(REPORT, said(county, minor_class="", near=picture())).context["form"].fields["near"].widget.kept
    page.post(REPORT, said(county, near_kept=kept[0].mark))
    assert Case.objects.get().evidence.get().usage == "near"
    assert StoredFile.objects.get().uploaded_by == county.collector


def test_a_file_kept_for_one_collector_is_of_no_use_to_another(county, seat):
    page = seat(county.collector)
    mark = (
        page.post(REPORT, said(county, minor_class="", near=picture()))
        .context["form"]
        .fields["near"]
        .widget.kept[0]
        .mark
    )
    other = seat(county.other_collector)
    assert "near" in other.post(REPORT, said(county, near_kept=mark)).context["form"].errors
    assert other.get(reverse("office:kept", args=[mark])).status_code == 404


def test_open_cases_near_by_are_shown_once_before_sending(county, seat):
    county.report(at=EARLIER)
    page = seat(county.collector)
    shown = page.post(REPORT, said(county, near_seen=None, near=picture()))
    assert len(shown.context["near"]) == 1
    kept = shown.context["form"].fields["near"].widget.kept[0].mark
    assert page.post(REPORT, said(county, near_kept=kept)).status_code == 302


def test_a_collector_sends_his_pictures_to_the_open_case_and_the_desk_attaches_them_with_one_click(county, seat):
    first = county.report(at=EARLIER, by=county.other_collector)
    phone, desk = seat(county.collector), seat(county.operator)
    shown = phone.post(REPORT, said(county, near_seen=None, near=picture()))
    kept = shown.context["form"].fields["near"].widget.kept[0].mark
    sent = phone.post(REPORT, said(county, near_kept=kept, same_as=str(first.public_id)), follow=True)
    assert first.number in sent.content.decode()
    mine = Case.objects.get(suggested_first=first)
    assert (mine.stage, mine.evidence.count()) == (Stage.REPORTED, 1)
    suggestion = desk.get(f"/case/{mine.public_id}/same/")
    assert suggestion.context["rows"] == [first]
    assert desk.post(suggestion.context["attach_url"], {"first": str(first.public_id)}).status_code == 302
    mine.refresh_from_db()
    assert (mine.stage, mine.merged_into) == (Stage.MERGED, first)
    assert first.number in phone.get(f"/field/case/{mine.public_id}/").content.decode()


def test_a_case_that_ended_meanwhile_takes_no_pictures_and_nothing_typed_is_lost(county, seat):
    first = county.report(at=EARLIER, by=county.other_collector)
    case_actions.refuse(first, by=county.operator, at=MONDAY, reason="无")
    page = seat(county.collector).post(REPORT, said(county, near=picture(), same_as=str(first.public_id)))
    assert page.context["form"].non_field_errors()
    assert "路边有一堆垃圾" in page.content.decode()
    assert Case.objects.get() == first


@pytest.mark.parametrize("nonsense", ["x", "' OR 1=1 --", "00000000-0000-0000-0000-000000000000"])
def test_nonsense_instead_of_a_case_near_by_reports_nothing(county, seat, nonsense):
    page = seat(county.collector).post(REPORT, said(county, near=picture(), same_as=nonsense))
    assert page.context["form"].non_field_errors()
    assert not Case.objects.exists()


def test_pressing_send_twice_makes_one_case(county, seat):
    page, facts = seat(county.collector), said(county)
    first = page.post(REPORT, {**facts, "near": picture()})
    assert first["Location"] == page.post(REPORT, {**facts, "near": picture()})["Location"]
    assert Case.objects.count() == 1


def test_a_phone_that_talks_nonsense_stops_nobody_from_reporting(county, seat):
    page, said_by_the_phone = seat(county.collector), ("pos_lon", "pos_lat", "pos_accuracy_m", "claimed")
    for nonsense in ("nan", "inf", "-999", "yesterday", "2026-13-99T99:99", "2026-03-02T09:00:00"):
        facts = dict.fromkeys(said_by_the_phone, nonsense)
        assert page.post(REPORT, said(county, near=picture(), **facts)).status_code == 302


def test_outside_the_grid_is_said_in_words_and_the_picture_stays(county, seat):
    page = seat(county.collector).post(REPORT, said(county, lon="2.35", lat="48.85", near=picture()))
    assert page.context["form"].non_field_errors()
    assert page.context["form"].fields["near"].widget.kept


# — answering


def answer(county: County, task, seat, **facts):
    facts = {
        "result": "true",
        "opinion": "属实",
        "pos_lon": str(county.point.x),
        "pos_lat": str(county.point.y),
        **facts,
    }
    return seat(task.collector).post(f"/field/task/{task.public_id}/", facts)


def test_an_answer_with_a_picture_moves_the_case_on(county, seat):
    task = county.case_at(Stage.VERIFYING, source="web", at=EARLIER).tasks.get()
    assert answer(county, task, seat, files=picture()).status_code == 302
    task.refresh_from_db()
    assert (task.case.stage, task.result) == (Stage.PENDING_FILING, "true")
    assert Fix.objects.get(task=task).distance_m == 0


def test_an_answer_without_a_picture_comes_back_with_what_was_typed(county, seat):
    task = county.case_at(Stage.VERIFYING, source="web", at=EARLIER).tasks.get()
    page = answer(county, task, seat)
    assert page.status_code == 422
    assert "属实" in page.content.decode()
    assert page.context["form"].non_field_errors()


def test_an_answer_sent_twice_counts_once_and_says_nothing_is_wrong(county, seat):
    task = county.case_at(Stage.VERIFYING, source="web", at=EARLIER).tasks.get()
    answer(county, task, seat, files=picture())
    assert answer(county, task, seat, files=picture()).status_code == 302
    assert task.case.events.filter(verb="verify").count() == 1


def test_the_door_of_the_move_takes_the_answer_too(county, seat):
    task = county.case_at(Stage.CHECKING, at=EARLIER).tasks.get(kind="check")
    door = reverse("patrol:move", args=[task.case.public_id, "task", task.public_id, "check"])
    page = seat(county.other_collector)
    assert page.get(door).status_code == 200
    assert page.post(door, {"result": "pass", "opinion": "", "files": picture()}).status_code == 302
    task.refresh_from_db()
    assert task.case.stage == Stage.PENDING_CLOSE
    assert seat(county.collector).get(door).status_code == 404


def test_a_check_does_not_tell_whose_work_is_looked_at(county, seat):
    task = county.case_at(Stage.CHECKING, at=EARLIER).tasks.get(kind="check")
    words = seat(county.other_collector).get(f"/field/task/{task.public_id}/").content.decode()
    for hidden in (county.sanitation_bureau.name_zh, county.sanitation.name_zh, county.collector.name_zh):
        assert hidden not in words


def test_a_task_called_back_says_so(county, seat):
    task = county.case_at(Stage.VERIFYING, source="web", at=EARLIER).tasks.get()
    case_actions.withdraw_verify(task, by=county.operator, at=MONDAY, reason="重复")
    page = seat(county.collector)
    assert page.get(f"/field/task/{task.public_id}/").context["form"] is None
    assert answer(county, task, seat, files=picture()).status_code == 302
    assert not Fix.objects.exists()


# — who may go


def test_the_desk_sees_who_may_go_and_nobody_else_does(county, seat, django_assert_max_num_queries):
    case = county.case_at(Stage.ACCEPTED, source="web", at=EARLIER)
    address = reverse("patrol:candidates", args=[case.public_id, "verify"])
    page = seat(county.operator)
    with django_assert_max_num_queries(12):
        words = page.get(address).content.decode()
    assert str(county.collector.public_id) in words
    for person in sorted(set(PEOPLE) - {"operator", "duty_leader"}):
        assert seat(getattr(county, person)).get(address).status_code in (403, 404)


# — who patrols where


def test_the_duty_leader_assigns_and_ends_duty_grids(county, seat):
    page = seat(county.duty_leader)
    facts = {
        "collector": str(county.collector.public_id), "duty_grid": str(county.duty_grid.public_id),
        "valid_from": "2026-03-01",
    }  # fmt: skip
    assert page.post("/maintenance/collectors/", facts).status_code == 302
    assert page.post("/maintenance/collectors/", facts).context["form"].non_field_errors()
    one = CollectorGrid.objects.get()
    page.post(f"/maintenance/collectors/{one.public_id}/end/", {})
    assert CollectorGrid.objects.get().valid_to == MONDAY.date()


def test_nobody_else_says_who_patrols_where(county, seat):
    one = actions.assign_grid(county.collector, duty_grid=county.duty_grid, valid_from=LONG_AGO, by=None, at=MONDAY)
    for person in sorted(set(PEOPLE) - {"duty_leader", "administrator"}):
        page = seat(getattr(county, person))
        assert page.get("/maintenance/collectors/").status_code == (200 if person in {"leader", "commander"} else 403)
        assert page.post("/maintenance/collectors/", {}).status_code == 403
        assert page.post(f"/maintenance/collectors/{one.public_id}/end/", {}).status_code == 403
    assert CollectorGrid.objects.get().valid_to is None
