"""A wall screen in a real browser: scenes change by themselves, keys hold and step them, a lost line is said."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from cases.workflow import Stage
from evaluation import actions
from office import settings as office_settings
from tests.county import LONG_AGO

pytestmark = pytest.mark.journey


def test_scenes_change_hold_and_step_and_a_lost_line_is_said(people, county):
    now = timezone.now()
    actions.load_schemes(valid_from=date(2000, 1, 1))
    for hours in (1, 2, 3):
        county.case_at(Stage.HANDLING, at=now - timedelta(hours=hours))
    office_settings.set_value("evaluation.wall_seconds", 5, by=None, at=now, valid_from=LONG_AGO)
    leader = people(county.leader)
    page = leader.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    leader.open("/wall/")
    page.locator(".scene-map").wait_for()
    assert page.locator(".lamps").count() >= 1
    page.keyboard.press("ArrowRight")
    page.locator(".scene-today").wait_for()
    page.keyboard.press(" ")
    page.get_by_text("已定格").wait_for()
    page.keyboard.press("5")
    page.locator(".scene-duty").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator(".scene-trouble").wait_for()
    page.keyboard.press("?")
    page.locator(".wall-keys[open]").wait_for()
    page.keyboard.press("?")
    page.keyboard.press(" ")
    page.locator(".scene-duty").wait_for()  # by itself, after five seconds
    # No push process stands behind this site: the wall says so and goes on.
    page.get_by_text("实时推送中断").wait_for()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    leader.context.set_offline(True)
    page.keyboard.press("1")
    page.get_by_text("连接中断").wait_for()
    assert page.locator(".scene-duty").is_visible()
    leader.context.set_offline(False)
    leader.complaints.clear()
    page.keyboard.press("1")
    page.locator(".scene-map").wait_for()
