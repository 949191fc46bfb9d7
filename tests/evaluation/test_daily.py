"""The daily report: the figures of one day, for whoever may open all of them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.workflow import Stage
from tests.county import County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db) -> County:
    return County.build()


def test_it_shows_the_days_figures_classes_and_what_is_overdue(county, seat):
    now = timezone.now()
    case = county.case_at(Stage.HANDLING, at=now - timedelta(days=3))
    browser = seat(county.leader)
    address = reverse("evaluation:daily", args=["html"])
    page = browser.get(address, {"on": str(timezone.localdate(now) - timedelta(days=3))}).content.decode()
    assert "日报" in page
    assert "暴露垃圾" in page
    assert case.number in page
    assert county.leader.staff_number in page
    with CaptureQueriesContext(connection) as asked:
        browser.get(address)
    assert len(asked) <= 12


@pytest.mark.parametrize("who", ["evaluator", "leader", "duty_leader", "commander"])
def test_those_who_may_open_all_figures_print_it(county, seat, who):
    assert seat(getattr(county, who)).get(reverse("evaluation:daily", args=["html"])).status_code == 200


@pytest.mark.parametrize("who", ["operator", "dispatcher", "sanitation", "collector", "administrator"])
def test_others_do_not(county, seat, who):
    assert seat(getattr(county, who)).get(reverse("evaluation:daily", args=["html"])).status_code == 403


def test_it_is_a_pdf_too(county, seat):
    answer = seat(county.leader).get(reverse("evaluation:daily", args=["pdf"]))
    assert answer.content.startswith(b"%PDF-")
