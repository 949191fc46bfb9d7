"""A county in which every page has something to show, for whoever walks through all of them."""

from datetime import time, timedelta

from django.contrib.gis.geos import LineString, MultiLineString
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Duty, Notice, Shift
from accounts.roles import Role
from cases import actions as cases
from cases import bulk
from cases.models import Case
from cases.workflow import Stage
from citymgmt.views import handed_over
from components.models import Component
from dispatch import actions as dispatch
from dispatch import bulk as dispatch_bulk
from dispatch import links
from dispatch.models import Crew
from evaluation import actions as evaluation
from evaluation import wall
from grid.models import Place, Road
from hotline import actions as hotline
from office.models import Phrase, SavedView
from patrol import actions as patrol
from patrol.models import Camera
from tests.county import LONG_AGO, PEOPLE, SIDE, SOUTH, WEST, County

NOBODY = "nobody"
EVERYBODY = (NOBODY, *PEOPLE, "watcher")


def fill(county: County) -> County:
    """Put something into every queue, of today."""
    now = timezone.now()
    for hours, stage in enumerate(Stage):
        if stage in (Stage.REPORTED, Stage.PENDING_DISPATCH, Stage.PENDING_HANDLE, Stage.HANDLING, Stage.HANDED_OVER,
                     Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE, Stage.CLOSED):  # fmt: skip
            county.case_at(stage, at=now - timedelta(hours=hours + 1))
        if stage in (Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING):
            county.case_at(stage, source="web", at=now - timedelta(minutes=40 * hours + 20))
    stint = county.case_at(Stage.HANDLING, at=now - timedelta(minutes=50)).stints.get()
    dispatch.ask_extension(stint, by=county.sanitation, at=now, reason="需要吊车")
    stint = county.case_at(Stage.HANDLING, at=now - timedelta(minutes=45)).stints.get()
    dispatch.ask_return(stint, by=county.sanitation, at=now, ground=county.ground, reason="不属于我单位")
    return county


def furnish(county: County) -> list[tuple[str, str]]:
    """Fill the county with one of everything; return (who, address) of the pages to which no link of the site leads:
    those that are given out on paper, by message, or asked for by a script.
    """
    now = timezone.now()
    county._person(95, "watcher", "luo_fan", "罗帆", Role.VIDEO_OPERATOR, "supervision")
    fill(county)
    evaluation.load_schemes(valid_from=LONG_AGO)
    return [
        *_of_cases(county, now),
        *_of_citizens(county, now),
        *_of_the_office(county, now),
        *_of_places(county, now),
    ]


def _of_cases(county: County, now) -> list[tuple[str, str]]:
    pictures = county.pictures(2, by=county.collector, at=now)
    case = county.case_at(Stage.HANDLING, at=now - timedelta(minutes=20), files=[(one, "near") for one in pictures])
    stint = case.stints.get()
    cases.supervise(
        case, by=county.inspector, at=now, level="centre", demand="请今日内办结", needs_reply=True,
        reply_by=timezone.localdate() + timedelta(days=1),
    )  # fmt: skip
    crew = Crew(
        department=county.sanitation_bureau, name="保洁一班", contact="贺强", phone="13900000002", valid_from=LONG_AGO
    )
    links.keep_crew(crew, by=county.sanitation, at=now)
    link = links.make(stint, by=county.sanitation, at=now, name="贺强")
    accepted = Case.objects.filter(stage=Stage.ACCEPTED)[0]
    waiting = list(Case.objects.filter(stage=Stage.PENDING_DISPATCH).values_list("public_id", flat=True))
    run = bulk.begin(bulk.BY_NAME["dispatch"], waiting, by=county.dispatcher, at=now, back="/dispatch/")
    bulk.go_on(run, dispatch_bulk.DOORS, seconds=60)
    return [
        (NOBODY, f"/l/{links.token_of(link)}/"),
        ("sanitation", f"/department/{case.public_id}/links/"),
        ("sanitation", f"/department/{case.public_id}/"),
        ("dispatcher", f"/dispatch/{case.public_id}/"),
        ("operator", reverse("components:promise", args=[county.litter.public_id])),
        ("operator", reverse("patrol:candidates", args=[accepted.public_id, "verify"])),
        ("leader", reverse("evaluation:daily", args=["html"])),
        *(("leader", reverse("evaluation:wall_scene", args=[scene.name])) for scene in wall.SCENES),
        ("dispatcher", reverse("cases:bulk_run", args=[run.public_id])),
    ]


def _of_citizens(county: County, now) -> list[tuple[str, str]]:
    token = hotline.new_token()
    hotline.report_as_citizen(
        at=now, minor_class=county.litter, point=county.point, words="楼下的垃圾三天没人收", name="林小满",
        phone="13800001234", token=token, files=county.pictures(at=now),
    )  # fmt: skip
    call = hotline.register_call(
        by=county.operator, at=now, kind="complaint", minor_class=county.litter, point=county.point,
        description="路边有一堆垃圾", name="林小满", phone="13800001234", words="请尽快处理",
    )  # fmt: skip
    return [
        (NOBODY, f"/citizen/follow/{token}/"),
        ("operator", reverse("hotline:reporter", args=[call.case.public_id])),
    ]


def _of_the_office(county: County, now) -> list[tuple[str, str]]:
    accounts.publish_notice(
        Notice(title="今晚有暴雨", body="各岗位注意积水。", valid_from=now), by=county.administrator, at=now
    )
    shift = Shift.objects.create(name="白班", begins_at=time(8), ends_at=time(20))
    figures = handed_over(county.dispatcher, county.dispatcher.appointments.get(), at=now)
    sheet = accounts.hand_over(
        by=county.dispatcher, shift=shift, notes="两件疑难案卷已口头交代。", figures=figures, at=now
    )
    accounts.keep_contact(
        None, by=county.administrator, at=now, department=county.sanitation_bureau, name="贺强", phone="13900000002"
    )
    Phrase.objects.create(role="acceptance_operator", use="reason", text="反映内容清楚、位置明确。")
    Phrase.objects.create(owner=county.operator, text="请核实处理。")
    SavedView.objects.create(person=county.operator, desk="supervision", name="网上来的", query="source=web&tab=accept")
    Duty.objects.create(user=county.collector, started_at=now)
    rooms = {
        "accounts:person": county.operator, "accounts:department": county.sanitation_bureau,
        "components:condition": county.condition, "components:new_condition": county.litter,
    }  # fmt: skip
    return [
        ("commander", f"/hand-over/{sheet.public_id}/"),
        *(("administrator", reverse(name, args=[one.public_id])) for name, one in rooms.items()),
    ]


def _of_places(county: County, now) -> list[tuple[str, str]]:
    line = MultiLineString(LineString((WEST + SIDE / 4, SOUTH), (WEST + SIDE / 4, SOUTH + 2 * SIDE)), srid=4490)
    Road.objects.create(name_zh="桃溪路", pinyin_initials="txl", road_class="secondary", line=line, valid_from=LONG_AGO)
    Place.objects.create(name_zh="花城广场", kind="poi", geometry=county.point, valid_from=LONG_AGO)
    Component.objects.create(
        identifier="9999020101000001", minor_class=county.cover, name_zh="供水井盖", geometry=county.point,
        supervising_authority_name="清河县", unit_grid=county.cells[0], initial_date=LONG_AGO,
    )  # fmt: skip
    patrol.keep_camera(
        Camera(code="YX-001", name="城东路口", point=county.point, valid_from=LONG_AGO), by=county.administrator, at=now
    )
    return []
