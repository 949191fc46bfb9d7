"""The command handbook: printed from what is in force today."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import bulk
from cases.models import BulkRun
from components.models import FilingCondition
from dispatch import bulk as dispatch_bulk
from dispatch import handbook
from dispatch.models import ResponsibilityRule
from office import pdf
from tests.county import LONG_AGO, County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db) -> County:
    return County.build()


def test_its_contents_lead_to_every_chapter(county, seat):
    desk = seat(county.dispatcher)
    contents = desk.get(reverse("dispatch:handbook")).content.decode()
    for one in handbook.chapters(timezone.localdate()):
        address = reverse("dispatch:handbook_chapter", args=[one.name])
        assert address in contents
        page = desk.get(address)
        assert page.status_code == 200
        assert one.label in page.content.decode()
    assert desk.get(reverse("dispatch:handbook_chapter", args=["event-99"])).status_code == 404


def test_a_chapter_names_condition_limit_and_who_answers_as_they_stand_today(county, seat):
    today = timezone.localdate()
    ResponsibilityRule.objects.create(
        minor_class=county.litter, department=county.sanitation_bureau, area_code="999902001", valid_from=LONG_AGO
    )
    address, desk = reverse("dispatch:handbook_chapter", args=["event-06"]), seat(county.dispatcher)
    page = desk.get(address).content.decode()
    assert "暴露垃圾" in page
    assert "4 工作时" in page
    assert "环卫所（桃溪街道）" in page
    FilingCondition.objects.filter(pk=county.condition.pk).update(valid_to=today)
    FilingCondition.objects.create(
        minor_class=county.litter, number=1, condition_zh="成堆垃圾", close_condition_zh="清除", limit_value=2,
        limit_unit="working_hour", valid_from=today,
    )  # fmt: skip
    page = desk.get(address).content.decode()
    assert "成堆垃圾" in page
    assert "4 工作时" not in page


def test_the_whole_is_made_by_the_worker_with_a_page_for_each_chapter(county, seat):
    desk = seat(county.dispatcher)
    answer = desk.post(reverse("dispatch:handbook_order"))
    run = BulkRun.objects.get()
    assert answer["Location"] == reverse("cases:bulk_run", args=[run.public_id])
    assert desk.get(answer["Location"]).status_code == 200
    bulk.work(run.pk, dispatch_bulk.DOORS)
    run.refresh_from_db()
    assert run.state == BulkRun.State.DONE
    file = desk.get(reverse("cases:bulk_file", args=[run.public_id]))
    assert b"".join(file.streaming_content).startswith(b"%PDF-")
    found = handbook.chapters(timezone.localdate())
    page = handbook.page_of(found, user=county.dispatcher, at=timezone.now(), is_whole=True)
    assert len(pdf.document_of(page).pages) > len(found)


def test_what_begins_tomorrow_is_not_in_it(county):
    tomorrow = timezone.localdate() + timedelta(days=1)
    FilingCondition.objects.create(
        minor_class=county.litter, number=2, condition_zh="明日新增", close_condition_zh="清除", valid_from=tomorrow
    )
    [chapter] = [one for one in handbook.chapters(timezone.localdate()) if one.name == "event-06"]
    assert "明日新增" not in handbook.page_of([chapter], user=county.leader, at=timezone.now(), is_whole=False)
