"""Many cases at once, in a real browser: choose by X, Shift and filter, see the exceptions, say yes, see the result."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Case
from cases.workflow import Stage
from dispatch.models import ResponsibilityRule
from tests.county import LONG_AGO

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_three_are_chosen_looked_at_dispatched_and_taken_back(people, county, worker):
    ResponsibilityRule.objects.create(
        minor_class=county.litter, department=county.sanitation_bureau, valid_from=LONG_AGO
    )
    at = timezone.now() - timedelta(minutes=30)
    cases = [county.case_at(Stage.PENDING_DISPATCH, at=at) for _ in range(4)]
    page = people(county.dispatcher).open("/dispatch/?tab=to_dispatch")
    bar = page.locator("form[data-bulk]")
    assert bar.is_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    bar.wait_for()
    assert bar.locator("[data-bulk-count]").inner_text() == "1"
    page.locator("tr[data-row]").nth(2).click(modifiers=["Shift"])
    assert bar.locator("[data-bulk-count]").inner_text() == "3"
    assert page.locator("[data-shown]").count() == 0  # choosing opens nothing
    page.keyboard.press("x")
    assert bar.locator("[data-bulk-count]").inner_text() == "2"
    bar.locator("[data-bulk-all]").click()
    bar.locator("[data-bulk-count]", has_text="4").wait_for()
    bar.locator("button[formaction$='/dispatch/']").click()
    page.locator("button[name=yes]").wait_for()
    assert page.locator("tr.bulk-ready").count() == 4
    page.fill("textarea[name=opinion]", "请处理")
    page.click("button[name=yes]")
    page.locator(".badge-good").wait_for()
    assert page.locator("tr.bulk-done").count() == 4
    assert set(Case.objects.values_list("stage", flat=True)) == {Stage.PENDING_HANDLE}
    page.click(".result form button")
    page.locator("textarea[name=reason]").fill("派遣有误，收回重派")
    page.click("button[name=yes]")
    page.locator("tr.bulk-done").first.wait_for()
    page.locator(".badge-good").wait_for()
    assert Case.objects.filter(stage=Stage.PENDING_DISPATCH).count() == len(cases)
