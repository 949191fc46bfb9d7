"""The calendar as a spreadsheet: template, preview, putting in force; and spreadsheets that somebody made badly."""

import io
import zipfile
from datetime import date, time

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cases import actions, calendars, sheets
from cases.calendars import Day, Rows, SeasonRow, Span
from cases.models import CalendarDay, CalendarVersion, StageClock
from cases.workflow import Stage
from citymgmt.refusals import sentence
from dispatch import actions as dispatch
from tests.county import County, beijing

LONG_AGO = date(2000, 1, 1)
KEPT = Rows(
    date(2026, 12, 31),
    (Day(date(2026, 10, 1), "holiday", "国庆节", "通知"),),
    (Span("", LONG_AGO, None, time(8), time(12), "上午"), Span("", LONG_AGO, None, time(14), time(18), "下午")),
    (SeasonRow("planting", "", "11-01", "03-31", LONG_AGO, None),),
)
NEW_YEAR = [["2027-01-01", "法定节假日", "元旦", "通知"], ["2027-01-09", "调休上班", "元旦", "通知"]]


def sheet(days=NEW_YEAR, spans=(), seasons=(), *, leave_out=(), heading=None) -> bytes:
    """A spreadsheet as a clerk would send it."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for key, rows in (("days", days), ("spans", spans), ("seasons", seasons)):
        title, columns = sheets.SHEETS[key]
        if key not in leave_out:
            page = book.create_sheet(title)
            page.append(heading or columns)
            for row in rows:
                page.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read(data: bytes, year: int = 2027) -> Rows:
    return sheets.read(data, name="放假安排.xlsx", year=year, kept=KEPT)


def test_the_template_brought_back_unchanged_changes_nothing():
    assert read(sheets.write(KEPT, year=2026), year=2026) == KEPT


def test_a_new_year_is_added_to_what_is_known_and_makes_the_calendar_official_until_its_end():
    rows = read(sheet())
    assert rows.official_until == date(2027, 12, 31)
    assert rows.days == (*KEPT.days, Day(date(2027, 1, 1), "holiday", "元旦", "通知"),
                         Day(date(2027, 1, 9), "make_up", "元旦", "通知"))  # fmt: skip
    assert (rows.spans, rows.seasons) == (KEPT.spans, KEPT.seasons)


def test_a_years_days_that_the_file_does_not_name_are_days_like_others_again():
    difference = calendars.compared(KEPT, read(sheet([["2026-05-01", "法定节假日", "", ""]]), year=2026))
    assert [day.date for day in difference.added] == [date(2026, 5, 1)]
    assert [day.date for day in difference.removed] == [date(2026, 10, 1)]


def test_real_dates_and_times_of_a_spreadsheet_are_read_like_written_ones():
    rows = read(sheet([[date(2027, 1, 1), "法定节假日", None, None]], [["", LONG_AGO, None, time(9), "17:00", None]]))
    assert rows.spans == (Span("", LONG_AGO, None, time(9), time(17)),)
    assert rows.days[-1] == Day(date(2027, 1, 1), "holiday")


@pytest.mark.parametrize(
    "file",
    [
        sheet([["2027-13-01", "法定节假日", "", ""]]),
        sheet([["=1+1", "法定节假日", "", ""]]),
        sheet([["2027-01-01", "放假", "", ""]]),
        sheet([["2027-01-01", "法定节假日", '=HYPERLINK("http://x")', ""]]),
        sheet([["2027-01-01", "法定节假日", "长" * 61, ""]]),
        sheet([["2028-01-01", "法定节假日", "", ""]]),
        sheet([["9999-01-01", "法定节假日", "", ""]]),
        sheet([NEW_YEAR[0], NEW_YEAR[0]]),
        sheet([]),
        sheet([["2027-01-01", "法定节假日", "", ""]] * 2_100),
        sheet(leave_out=["days"]),
        sheet(heading=["date", "kind", "name", "source"]),
        sheet(spans=[["", "2027-01-01", "", "18:00", "08:00", ""]]),
        sheet(spans=[["", "2027-01-01", "", "08:00", "12:00", ""], ["", "2027-01-01", "", "11:00", "15:00", ""]]),
        sheet(spans=[["34152", "2027-01-01", "", "08:00", "12:00", ""]]),
        sheet(spans=[["六安", "2027-01-01", "", "08:00", "12:00", ""]]),
        sheet(spans=[["", "2027-01-01", "2026-01-01", "08:00", "12:00", ""]]),
        sheet(spans=[["", "2027-01-01", "", "25:00", "26:00", ""]]),
        sheet(seasons=[["种植季节", "", "13-01", "03-31", "2027-01-01", "", ""]]),
        sheet(seasons=[["雨季", "", "11-01", "03-31", "2027-01-01", "", ""]]),
    ],
)
def test_what_is_wrong_in_a_spreadsheet_is_said_with_its_place(file):
    with pytest.raises(sheets.SheetWrong) as refused:
        read(file)
    assert refused.value.facts["sheet"] in sentence(refused.value)


def packed(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def broken(part: str) -> bytes:
    """A good spreadsheet one part of which is not XML."""
    source, target = zipfile.ZipFile(io.BytesIO(sheet())), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for one in source.infolist():
            archive.writestr(one, b"<not xml" if one.filename == part else source.read(one))
    return target.getvalue()


@pytest.mark.parametrize(
    "file",
    [
        b"", b"not a spreadsheet", sheet()[:500], packed("x.txt", b"x"), packed("bomb", b"\0" * 30_000_000),
        b"PK\x03\x04" + b"\xff" * 900, b"x" * 1_000_001, broken("xl/workbook.xml"), broken("xl/worksheets/sheet1.xml"),
        broken("[Content_Types].xml"), broken("xl/styles.xml"),
    ],
)  # fmt: skip
def test_what_is_no_spreadsheet_is_refused_in_words(file):
    with pytest.raises(sheets.SheetNotReadable) as refused:
        read(file)
    assert "放假安排.xlsx" in sentence(refused.value)


# — the page ————————————————————————————————————————————————————————————————————————————————————————

NOW = beijing(2026, 12, 31, 17)


@pytest.fixture
def county(db) -> County:
    return County.build()


def send(page, file: bytes, year: int = 2027):
    return page.post(reverse("cases:calendar"), {"year": year, "file": SimpleUploadedFile("放假安排.xlsx", file)})


@pytest.mark.django_db
def test_an_administrator_sees_what_would_change_and_puts_it_in_force(county, seat):
    county.condition.limit_value, county.condition.limit_unit = 2, "working_day"
    county.condition.save()
    case = county.case_at(Stage.PENDING_DISPATCH, at=beijing(2026, 12, 31, 15, 58))
    dispatch.dispatch(case, by=county.dispatcher, at=beijing(2026, 12, 31, 16), department=county.sanitation_bureau)
    with time_machine.travel(NOW, tick=False):
        page = seat(county.administrator)
        shown = send(page, sheet())
        assert shown.status_code == 200
        preview = shown.context["preview"]
        assert (preview["movement"].touched, preview["movement"].later) == (1, 1)
        assert not CalendarDay.objects.exists()
        answer = page.post(reverse("cases:apply_calendar"), {"mark": preview["mark"]}, follow=True)
        assert answer.status_code == 200
        assert list(CalendarDay.objects.values_list("date", "kind")) == [
            (date(2027, 1, 1), "holiday"), (date(2027, 1, 9), "make_up"),
        ]  # fmt: skip
        assert CalendarVersion.objects.latest("number").made_by == county.administrator
        actions.follow_calendar(at=NOW)
    clock = StageClock.objects.get(case=case, name="handling")
    assert (clock.due_at, clock.is_provisional) == (beijing(2027, 1, 5, 16), False)


@pytest.mark.django_db
def test_a_preview_of_a_calendar_that_was_changed_meanwhile_is_not_put_in_force(county, seat):
    with time_machine.travel(NOW, tick=False):
        page = seat(county.administrator)
        mark = send(page, sheet()).context["preview"]["mark"]
        actions.load_calendar(days=[], spans=[], official_until=date(2026, 12, 31))
        page.post(reverse("cases:apply_calendar"), {"mark": mark})
        page.post(reverse("cases:apply_calendar"), {"mark": mark[:-3] + "abc"})
    assert not CalendarDay.objects.exists()


@pytest.mark.django_db
def test_a_bad_spreadsheet_is_refused_on_the_page_and_nothing_is_kept(county, seat):
    with time_machine.travel(NOW, tick=False):
        answer = send(seat(county.administrator), b"PK nonsense")
    assert answer.status_code == 422
    assert "放假安排.xlsx" in answer.content.decode()
    assert not CalendarDay.objects.exists()


@pytest.mark.django_db
def test_a_year_after_the_next_cannot_be_brought_before_the_next(county, seat):
    with time_machine.travel(NOW, tick=False):
        assert send(seat(county.administrator), sheet(), year=2029).status_code == 422


@pytest.mark.django_db
def test_the_template_can_be_fetched_and_asks_little(county, seat, django_assert_max_num_queries):
    with time_machine.travel(NOW, tick=False):
        page = seat(county.administrator)
        answer = page.get(reverse("cases:calendar_sheet", args=[2027]))
        assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames == ["日历", "工作时间", "季节"]
        with django_assert_max_num_queries(12):
            assert page.get(reverse("cases:calendar")).status_code == 200


@pytest.mark.django_db
def test_nobody_else_keeps_the_calendar(county, seat):
    with time_machine.travel(NOW, tick=False):
        page = seat(county.dispatcher)
        assert page.get(reverse("cases:calendar")).status_code == 403
        assert page.get(reverse("cases:calendar_sheet", args=[2027])).status_code == 403
        assert page.post(reverse("cases:apply_calendar"), {"mark": "x"}).status_code == 403


def test_an_archive_whose_content_is_damaged_is_refused_in_words():
    whole = sheet()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        part = archive.getinfo("xl/workbook.xml")
    begins = part.header_offset + 30 + len(part.filename)
    with pytest.raises(sheets.SheetNotReadable):
        read(whole[:begins] + b"\xff" * 40 + whole[begins + 40 :])
