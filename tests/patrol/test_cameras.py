"""The video seat: from a camera to a report. The register: who keeps it, who says what is out of order."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.gis.geos import Point

from accounts.models import User
from accounts.roles import Role
from cases import actions as case_actions
from cases.models import Case
from cases.workflow import Source, Stage
from office.actions import store_file
from office.models import ReadLog
from patrol import actions, stills
from patrol.models import Camera, CameraHealth, CameraReport, CameraState
from tests.county import LONG_AGO, MONDAY, PEOPLE, County, picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def watcher(county) -> User:
    county._person(95, "watcher", "luo_fan", "罗帆", Role.VIDEO_OPERATOR, "supervision")
    return county.watcher


@pytest.fixture
def camera(county) -> Camera:
    return camera_at(county)


def camera_at(county: County, code: str = "YX-001", **facts) -> Camera:
    facts = {"name": "城东路口", "point": county.point, "valid_from": LONG_AGO, **facts}
    return actions.keep_camera(Camera(code=code, **facts), by=county.administrator, at=MONDAY)


@pytest.fixture
def still(monkeypatch) -> bytes:
    """What every camera answers, without going out."""
    data = picture(7).read()
    monkeypatch.setattr(stills, "fetch", lambda url, *, networks=(): data)
    return data


def gives_none(monkeypatch, why: str = stills.SILENT) -> None:
    def fetch(url, *, networks=()):
        raise stills.NoStill(why=why)

    monkeypatch.setattr(stills, "fetch", fetch)


def page_of(camera: Camera) -> str:
    return f"/video/{camera.public_id}/"


def said(county: County, **changed) -> dict:
    return {
        "public_id": str(uuid4()), "minor_class": str(county.litter.public_id), "lon": str(county.point.x),
        "lat": str(county.point.y), "description": "店外堆物", "near_seen": "yes", "files": picture(3), **changed,
    }  # fmt: skip


# — from the camera to the report


def test_a_still_handed_in_becomes_a_report_of_the_camera(county, watcher, camera, seat):
    answer = seat(watcher).post(page_of(camera), said(county))
    assert answer["Location"] == page_of(camera)
    case = Case.objects.get()
    assert (case.source, case.stage, case.reported_by) == (Source.VIDEO, Stage.REPORTED, watcher)
    assert [one.usage for one in case.evidence.all()] == ["before"]
    assert CameraReport.objects.get(case=case).camera == camera


def test_the_form_begins_at_the_place_of_the_camera(county, watcher, camera, seat):
    form = seat(watcher).get(page_of(camera)).context["form"]
    assert form["lon"].value() == pytest.approx(county.point.x, abs=1e-6)
    assert form["lat"].value() == pytest.approx(county.point.y, abs=1e-6)


def test_a_report_without_a_still_is_not_sent(county, watcher, camera, seat):
    facts = said(county)
    del facts["files"]
    answer = seat(watcher).post(page_of(camera), facts)
    assert answer.status_code == 422
    assert "files" in answer.context["form"].errors
    assert not Case.objects.exists()


def test_the_same_report_sent_twice_is_one(county, watcher, camera, seat):
    facts = said(county)
    for _ in range(2):
        seat(watcher).post(page_of(camera), {**facts, "files": picture(3)})
    assert Case.objects.count() == CameraReport.objects.count() == 1


def test_a_similar_case_close_by_is_shown_before_another_is_made(county, watcher, camera, seat):
    first = county.report(at=MONDAY - timedelta(minutes=30))
    facts = said(county)
    del facts["near_seen"]
    answer = seat(watcher).post(page_of(camera), facts)
    assert list(answer.context["near"]) == [first]
    kept = answer.context["form"].fields["files"].widget.kept[0].mark
    seat(watcher).post(page_of(camera), {**facts, "files": [], "files_kept": kept, "same_as": str(first.public_id)})
    assert Case.objects.exclude(pk=first.pk).get().suggested_first == first


def test_a_still_taken_with_one_click_is_kept_with_what_was_typed(county, watcher, seat, still):
    camera = camera_at(county, stills_url="http://camera.example/still.jpg")
    facts = {**said(county, take="yes"), "files": []}
    page = seat(watcher).post(page_of(camera), facts)
    form = page.context["form"]
    assert form["description"].value() == facts["description"]
    assert not form.errors
    kept = form.fields["files"].widget.kept[0]
    assert kept.file.uploaded_by == watcher
    assert ReadLog.objects.get(what="camera").about == camera.code
    del facts["take"]
    seat(watcher).post(page_of(camera), {**facts, "files_kept": kept.mark})
    assert Case.objects.get().evidence.get().file == kept.file


def test_a_camera_that_gives_no_still_loses_nothing_that_was_typed(county, watcher, seat, monkeypatch):
    camera = camera_at(county, stills_url="http://camera.example/still.jpg")
    gives_none(monkeypatch)
    page = seat(watcher).post(page_of(camera), {**said(county, take="yes"), "files": []})
    assert page.context["form"]["description"].value() == "店外堆物"
    camera.refresh_from_db()
    assert (camera.state, camera.why) == (CameraState.NO_PICTURE, stills.SILENT)


# — whose pages they are


def test_only_the_video_seat_opens_the_seat(county, watcher, camera, seat, django_assert_max_num_queries):
    addresses = ("/video/", page_of(camera), "/video/near/")
    page = seat(watcher)
    for address in addresses:
        with django_assert_max_num_queries(12):
            assert page.get(address).status_code == 200
    for person in sorted(PEOPLE):
        page = seat(getattr(county, person))
        assert {page.get(address).status_code for address in addresses} == {403}
        assert page.post(page_of(camera), said(county)).status_code == 403
        assert page.post(f"{page_of(camera)}mark/", {"broken": "yes"}).status_code == 403
    assert not Case.objects.exists()


def test_only_administrators_keep_the_register(county, watcher, camera, seat):
    addresses = ("/maintenance/cameras/", "/maintenance/cameras/new/", f"/maintenance/cameras/{camera.public_id}/")
    people = [watcher, *(getattr(county, person) for person in sorted(PEOPLE))]
    for person in people:
        page, code = seat(person), 200 if person == county.administrator else 403
        assert {page.get(address).status_code for address in addresses} == {code}, person


def test_a_camera_of_another_area_is_not_there(county, watcher, camera, seat):
    Camera.objects.filter(pk=camera.pk).update(area_code="888888888888")
    assert seat(watcher).get(page_of(camera)).status_code == 404
    assert camera.name not in seat(watcher).get("/video/").content.decode()


# — the register


def entry(county: County, **changed) -> dict:
    return {
        "code": "YX-002", "name": "菜市场北门", "level": "city", "owner": "public_security", "direction": "90",
        "reach_m": "120", "lon": str(county.point.x), "lat": str(county.point.y), "stills_url": "",
        "valid_from": "2026-01-01", "valid_to": "", **changed,
    }  # fmt: skip


def test_a_registered_camera_knows_its_grid_and_areas(county, seat):
    assert seat(county.administrator).post("/maintenance/cameras/new/", entry(county)).status_code == 302
    kept = Camera.objects.get()
    assert (kept.level, kept.owner, kept.direction) == ("city", "public_security", 90)
    assert county.report().area_code == kept.area_code


@pytest.mark.parametrize(
    ("name", "value"),
    [("lon", "10.0"), ("direction", "360"), ("reach_m", "0"), ("stills_url", "ftp://camera.example/1"),
     ("valid_to", "2025-12-31"), ("lon", "")],
)  # fmt: skip
def test_nonsense_is_not_registered(county, seat, name, value):
    answer = seat(county.administrator).post("/maintenance/cameras/new/", entry(county, **{name: value}))
    assert answer.status_code == 422
    assert name in answer.context["form"].errors
    assert not Camera.objects.exists()


def test_the_list_is_searched_and_narrowed(county, seat):
    camera_at(county, name="城东路口")
    camera_at(county, "B-7", name="菜市场北门", level="city")
    page = seat(county.administrator)

    def found(query: str) -> list[str]:
        return [one.code for one in page.get(f"/maintenance/cameras/?{query}").context["page"]]

    assert found("q=菜市") == found("q=b-7") == found("level=city") == ["B-7"]
    assert found("state=no_picture") == []


# — out of order


def test_what_somebody_marked_only_somebody_unmarks(county, watcher, camera, seat):
    page = seat(watcher)
    page.post(f"{page_of(camera)}mark/", {"broken": "yes", "why": "镜头被树挡住"})
    actions.note_state(camera, CameraState.IN_ORDER, at=MONDAY)  # the check found a picture
    camera.refresh_from_db()
    assert (camera.state, camera.why) == (CameraState.OUT_OF_ORDER, "镜头被树挡住")
    page.post(f"{page_of(camera)}mark/", {"works": "yes"})
    camera.refresh_from_db()
    assert camera.state == CameraState.IN_ORDER
    assert [(one.state, one.by) for one in camera.health.order_by("id")] == [
        ("out_of_order", watcher), ("in_order", watcher),
    ]  # fmt: skip


def test_a_state_that_is_no_news_is_no_line_of_the_log(camera):
    for minutes in range(3):
        actions.note_state(camera, CameraState.IN_ORDER, at=MONDAY + timedelta(minutes=minutes))
    assert CameraHealth.objects.get().at == MONDAY
    camera.refresh_from_db()
    assert camera.checked_at == MONDAY + timedelta(minutes=2)


# — beside a case


def test_a_case_knows_the_cameras_that_see_it(county, watcher, seat):
    west = Point(county.point.x - 0.0003, county.point.y, srid=4490)  # some 30 m west of it
    seen = camera_at(county, "E-1", point=west, direction=90)
    camera_at(county, "E-2", point=west, direction=270)  # looks away
    camera_at(county, "E-3", point=west, direction=90, reach_m=20)  # too far
    case = county.case_at(Stage.PENDING_CHECK)
    context = seat(county.operator).get(f"/video/beside/{case.public_id}/").context
    assert [one.code for one in context["cameras"]] == [seen.code]
    assert seat(county.collector).get(f"/video/beside/{case.public_id}/").status_code in (403, 404)


def test_whoever_saw_it_through_a_camera_does_not_check_it(county, watcher, camera):
    still = store_file(picture(9), public_id=uuid4(), by=watcher, at=MONDAY, kinds=["picture"])
    case = actions.report_from_camera(
        camera, by=watcher, at=MONDAY, minor_class=county.litter, point=county.point, files=[still]
    )
    case_actions.accept(case, by=county.operator, at=MONDAY)
    part = case.parts.get(actor=watcher)
    assert (part.had_hand, part.has_judged) == (True, False)


# — whether they work


def test_a_look_at_all_cameras_asks_each_once_however_often_it_runs(county, monkeypatch):
    asked = []

    def fetch(url, *, networks=()):
        asked.append(url)
        if "broken" in url:
            raise stills.NoStill(why=stills.SILENT)
        return b"<html>log in</html>" if "wrong" in url else picture(7).read()

    monkeypatch.setattr(stills, "fetch", fetch)
    for name in ("good", "broken", "wrong"):
        camera_at(county, name, stills_url=f"http://{name}.example/1.jpg")
    camera_at(county, "file")
    camera_at(county, "marked", stills_url="http://marked.example/1.jpg", state=CameraState.OUT_OF_ORDER)
    camera_at(county, "gone", stills_url="http://gone.example/1.jpg", valid_to=MONDAY.date())
    assert [actions.look_at_cameras(at=MONDAY) for _ in range(2)] == [3, 0]
    assert dict(Camera.objects.values_list("code", "state")) == {
        "good": "in_order", "broken": "no_picture", "wrong": "no_picture", "file": "unknown",
        "marked": "out_of_order", "gone": "unknown",
    }  # fmt: skip
    assert actions.look_at_cameras(at=MONDAY + timedelta(hours=1)) == 3
    assert (len(asked), CameraHealth.objects.count()) == (6, 3)


def test_one_run_looks_at_no_more_cameras_than_its_bound(county, still, monkeypatch):
    monkeypatch.setattr(actions, "LOOKED_AT_ONCE", 2)
    for number in range(3):
        camera_at(county, f"N-{number}", stills_url="http://camera.example/1.jpg")
    assert [actions.look_at_cameras(at=MONDAY) for _ in range(3)] == [2, 1, 0]
