"""The pages of the rule book: who may open them, upload → preview → take in, and what a single change would do."""

import io
from datetime import timedelta

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cases.models import LimitOverride
from cases.workflow import Stage
from components.models import FilingCondition
from dispatch import rule_pages, sheets, tasks
from dispatch.models import ResponsibilityRule, RuleChange
from dispatch.rulebook import BY_NAME, SHEETS
from office import settings
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db
NOON = MONDAY + timedelta(hours=3)
DAY = MONDAY.date() + timedelta(days=7)
BOOK = reverse("dispatch:rule_book")


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def page(seat, county):
    return seat(county.administrator)


def downloaded(page):
    answer = page.get(reverse("dispatch:rule_workbook"))
    assert answer.status_code == 200
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def sent(page, book, *, day=DAY):
    book.save(target := io.BytesIO())
    file = SimpleUploadedFile("规则簿.xlsx", target.getvalue())
    return page.post(BOOK, {"file": file, "valid_from": day.isoformat()})


def set_limit(book, value) -> None:
    sheet = BY_NAME["conditions"]
    place = [one.name for one in sheet.columns].index("limit_value") + 2
    book[sheet.title].cell(3, place).value = value


def test_the_book_goes_out_comes_back_is_looked_at_and_taken_in(county, page):
    case = county.case_at(Stage.HANDLING)
    book = downloaded(page)
    set_limit(book, 1)
    answer = sent(page, book)
    kept = RuleChange.objects.get()
    assert answer.url == reverse("dispatch:rule_preview", args=[kept.public_id])
    shown = page.get(answer.url)
    assert (shown.context["total"], shown.context["figures"]["limits"]["other"]) == (1, 1)
    assert FilingCondition.objects.count() == 2  # looked at only
    address = reverse("dispatch:take_rules", args=[kept.public_id])
    page.post(address, {"yes": ""})
    new = FilingCondition.objects.get(valid_from=DAY)
    assert (new.limit_value, new.changed_by) == (1, county.administrator)
    kept.refresh_from_db()
    assert (kept.taken_by, kept.taken_at) == (county.administrator, NOON)
    case.refresh_from_db()
    assert case.limit_value == 4
    page.post(address, {"yes": ""})  # pressed twice
    page.post(address, {"drop": ""})  # and too late to put aside
    assert (FilingCondition.objects.count(), RuleChange.objects.count()) == (3, 1)
    hub = page.get(BOOK)
    assert [(one["sheet"].name, one["day"], one["begins"], one["ends"]) for one in hub.context["to_come"]] == [
        ("conditions", DAY, 1, 1)
    ]
    coming = page.get(reverse("dispatch:rules_coming", args=["conditions", DAY.isoformat()]))
    [row] = coming.context["rows"]
    [(_label, before, after)] = row.cells
    assert (row.what, before.split()[0], after.split()[0]) == ("changed", "4", "1")


def test_a_book_with_one_wrong_cell_is_refused_with_its_place(page):
    book = downloaded(page)
    set_limit(book, "四")
    answer = sent(page, book)
    assert answer.status_code == 422
    [fault] = answer.context["faults"]
    title = BY_NAME["conditions"].column("limit_value").title
    assert (fault.sheet, fault.row, fault.column) == ("立案条件", 3, title)
    assert fault.what in answer.content.decode()
    assert not RuleChange.objects.exists()


def test_a_file_that_is_no_workbook_and_a_day_that_is_past_are_refused(page):
    file = SimpleUploadedFile("规则簿.xlsx", b"hello")
    assert page.post(BOOK, {"file": file, "valid_from": DAY.isoformat()}).context["form"].errors["file"]
    answer = sent(page, downloaded(page), day=MONDAY.date() - timedelta(days=1))
    assert answer.status_code == 422
    assert "valid_from" in answer.context["form"].errors


def test_a_book_that_changes_nothing_offers_nothing_to_take_in(page):
    answer = page.get(sent(page, downloaded(page)).url)
    assert answer.context["total"] == 0
    assert 'name="yes"' not in answer.content.decode()
    page.post(reverse("dispatch:take_rules", args=[RuleChange.objects.get().public_id]), {"drop": ""})
    assert not RuleChange.objects.exists()


def test_a_large_city_is_counted_by_the_worker_and_the_page_shows_how_far_it_is(page, county, monkeypatch):
    monkeypatch.setattr(rule_pages.foresight, "is_small", lambda **_facts: False)
    orders = []
    monkeypatch.setattr(rule_pages.current_app, "send_task", lambda name, args: orders.append((name, args)))
    county.case_at(Stage.HANDLING)
    book = downloaded(page)
    set_limit(book, 1)
    address = sent(page, book).url
    assert "hx-trigger" in page.get(address).content.decode()
    [(name, args)] = orders
    assert name == tasks.count_what_would_change.name
    tasks.count_what_would_change(*args)
    part = page.get(address, headers={"hx-request": "true"})
    assert "every 2s" not in part.content.decode()
    assert part.context["figures"]["limits"]["other"] == 1


def test_previews_never_taken_in_are_forgotten_after_a_month(page, county):
    sent(page, downloaded(page))
    RuleChange.objects.update(sent_at=NOON - timedelta(days=31))
    tasks.turn_the_rules()
    assert not RuleChange.objects.exists()


# — one change from its own page —————————————————————————————————————————————————————————————————————


def single_changes(county) -> dict[str, tuple[str, str, dict]]:
    """By page: where it stands, the address of the question, what the form says."""
    day = DAY.isoformat()
    litter = county.condition.public_id
    return {
        "condition": (
            reverse("components:condition", args=[litter]), reverse("dispatch:what_if_of", args=["conditions", litter]),
            {"condition_zh": "暴露垃圾", "close_condition_zh": "清除", "limit_value": "1", "limit_unit": "working_hour",
             "is_active": "on", "valid_from": day},
        ),
        "limits": (
            reverse("cases:limits"), reverse("dispatch:what_if", args=["limits"]),
            {"minor_class": county.litter.public_id, "number": "1", "share": "0.5", "valid_from": day},
        ),
        "stage": (
            reverse("accounts:setting", args=["cases.limit.dispatch_minutes"]),
            reverse("dispatch:what_if_of", args=["stages", "cases.limit.dispatch_minutes"]),
            {"value": "1", "area_code": "", "valid_from": day},
        ),
        "responsibility": (
            reverse("dispatch:responsibilities"), reverse("dispatch:what_if", args=["responsibilities"]),
            {"minor_class": county.litter.pk, "department": county.water_company.pk, "valid_from": day},
        ),
        "approval": (
            reverse("dispatch:rules"), reverse("dispatch:what_if", args=["approvals"]),
            {"what": "rule", "kind": "extension", "step_1": "commander", "level": "0", "nth": "0", "min_days": "0",
             "valid_from": day},
        ),
    }  # fmt: skip


def test_each_page_of_single_rows_shows_what_a_change_would_do_and_keeps_nothing(page, county):
    county.case_at(Stage.HANDLING, at=MONDAY - timedelta(days=3))
    parts = {"condition": "limits", "limits": "limits", "stage": "stages", "responsibility": "routes",
             "approval": "approvals"}  # fmt: skip
    for name, (address, question, said) in single_changes(county).items():
        assert question in page.get(address).content.decode(), name
        answer = page.post(question, said, headers={"hx-request": "true"})
        assert answer.status_code == 200, (name, answer.context["form"].errors)
        assert answer.context["figures"][parts[name]] is not None
        assert "<html" not in answer.content.decode()
        assert "<html" in page.post(question, said).content.decode()  # without a script
    assert (LimitOverride.objects.count(), ResponsibilityRule.objects.count()) == (0, 0)
    assert FilingCondition.objects.get(minor_class=county.litter).limit_value == 4
    assert settings.get("cases.limit.dispatch_minutes", on=DAY) == 15


def test_a_form_that_is_not_complete_says_so_and_one_that_changes_nothing_too(page, county):
    _address, question, said = single_changes(county)["condition"]
    answer = page.post(question, {**said, "limit_unit": ""})
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert page.post(question, {**said, "limit_value": "4"}).context["is_same"]
    for wrong in ("dispatch:what_if", "dispatch:what_if_of"):
        args = ["grounds"] if wrong == "dispatch:what_if" else ["stages", "office.is_demo"]
        assert page.post(reverse(wrong, args=args), {}).status_code == 404


# — limits for some cases ————————————————————————————————————————————————————————————————————————————


def test_a_limit_for_some_cases_is_written_and_ended_on_its_page(page, county):
    address = reverse("cases:limits")
    said = {"minor_class": county.litter.public_id, "number": "1", "area_code": "999902001", "share": "0.5",
            "valid_from": MONDAY.date().isoformat()}  # fmt: skip
    assert page.post(address, said).status_code == 302
    row = LimitOverride.objects.get()
    assert (row.filing_condition, row.minor_class, row.changed_by) == (county.condition, None, county.administrator)
    end = reverse("cases:end_limit", args=[row.public_id])
    page.post(end, {"on": MONDAY.date().isoformat()})  # it began today: not before tomorrow
    assert LimitOverride.objects.get().valid_to is None
    page.post(end, {"on": DAY.isoformat()})
    assert LimitOverride.objects.get().valid_to == DAY
    assert row.filing_condition.minor_class.name_zh in page.get(address).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"share": ""}, {"limit_value": "3"}, {"limit_value": "3", "limit_unit": "working_hour"}, {"number": "9"},
     {"minor_class": ""}, {"area_code": "110101"}, {"valid_from": "2026-03-01"}, {"share": "0"}],
)  # fmt: skip
def test_a_limit_that_says_too_much_or_too_little_is_refused(page, county, wrong):
    said = {"minor_class": county.litter.public_id, "number": "1", "share": "0.5", "valid_from": DAY.isoformat()}
    answer = page.post(reverse("cases:limits"), said | wrong)
    assert answer.status_code == 422
    assert not LimitOverride.objects.exists()


# — who may, and how many queries ————————————————————————————————————————————————————————————————————


def test_only_the_administrator_opens_the_pages_of_rules(county, seat):
    kept = RuleChange.objects.create(by=county.administrator, sent_at=NOON, source="x", valid_from=DAY, counted_at=NOON)
    limit = LimitOverride.objects.create(minor_class=county.litter, share=1, valid_from=LONG_AGO)
    gets = [
        BOOK,
        reverse("dispatch:rule_workbook"),
        reverse("dispatch:rule_preview", args=[kept.public_id]),
        reverse("dispatch:rules_coming", args=["conditions", DAY.isoformat()]),
        reverse("cases:limits"),
    ]
    posts = [
        BOOK,
        reverse("dispatch:take_rules", args=[kept.public_id]),
        reverse("cases:limits"),
        reverse("dispatch:what_if", args=["limits"]),
        reverse("cases:end_limit", args=[limit.public_id]),
    ]
    for name, person in county.people.items():
        browser = seat(person)
        wanted = 200 if name == "administrator" else 403
        assert [browser.get(one).status_code for one in gets] == [wanted] * len(gets), name
        if name != "administrator":
            assert [browser.post(one, {}).status_code for one in posts] == [403] * len(posts), name


def test_the_pages_need_few_queries_however_many_rules_there_are(county, page, django_assert_max_num_queries):
    for number in range(3):
        LimitOverride.objects.create(minor_class=county.litter, share=1, valid_from=DAY + timedelta(days=number))
        ResponsibilityRule.objects.create(minor_class=county.litter, department=county.water_company, valid_from=DAY)
    county.case_at(Stage.HANDLING)
    book = downloaded(page)
    set_limit(book, 1)
    address = sent(page, book).url
    for one in (BOOK, address, reverse("dispatch:rule_workbook"), reverse("cases:limits"),
                reverse("dispatch:rules_coming", args=["limits", DAY.isoformat()])):  # fmt: skip
        with django_assert_max_num_queries(12):
            assert page.get(one).status_code == 200


def test_the_first_sheet_explains_every_column_in_chinese(page):
    book = downloaded(page)
    words = [str(cell.value) for row in book[sheets.FIRST].iter_rows() for cell in row if cell.value]
    assert set(book.sheetnames) == {sheets.FIRST, *(one.title for one in SHEETS)}
    for sheet in SHEETS:
        assert sheet.about in words
        assert {column.title for column in sheet.columns} <= set(words)
