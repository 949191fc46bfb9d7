"""The calendar as a spreadsheet: what is there, to be changed and brought back, and how that is read strictly.

And, at the end, lists of cases as a spreadsheet to take away.

Three sheets: days (one year's holidays and make-up days), working hours, seasons. Nothing of a file is trusted: size,
archive, sheets, columns, every cell. What is wrong is said with its sheet and row.
"""

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from cases.calendars import Day, Rows, SeasonRow, Span
from cases.models import MONTH_AND_DAY, CalendarDay, Case, SeasonSpan
from cases.work_calendar import FIRST_DAY, LAST_DAY
from citymgmt.errors import Refusal

LARGEST_BYTES = 1_000_000
LARGEST_UNPACKED = 20_000_000
MOST_ROWS = 2_000
BEFORE_NEW_YEAR = timedelta(days=15)  # a year's arrangement may begin in the last days of the year before


# What the unpacker and the reader say of a file that is damaged, or none of theirs.
NOT_READABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, ParseError, KeyError, ValueError, TypeError, AttributeError,
    IndexError, OSError, EOFError, NotImplementedError, RuntimeError, SyntaxError, OverflowError,
)  # fmt: skip


class SheetNotReadable(Refusal):
    """The file is no spreadsheet that can be read; facts: name."""

    code = "sheet_not_readable"


class SheetWrong(Refusal):
    """Something in the spreadsheet is wrong; facts: sheet, row (0: the sheet as a whole), what."""

    code = "sheet_wrong"


SHEETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "days": ("日历", ("日期", "类型", "名称", "来源")),
    "spans": ("工作时间", ("区划代码", "起始日期", "失效日期", "开始", "结束", "备注")),
    "seasons": ("季节", ("季节", "区划代码", "每年起始", "每年截止", "起始日期", "失效日期", "备注")),
}
KINDS = {"法定节假日": CalendarDay.Kind.HOLIDAY, "调休上班": CalendarDay.Kind.MAKE_UP}
SEASONS = {"种植季节": SeasonSpan.Name.PLANTING}
AREA = re.compile(r"[0-9]{0,12}")


def write(rows: Rows, *, year: int) -> bytes:
    """Return a spreadsheet with the days of a year, all working hours and all seasons, to be filled in."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    heading = book.add_format({"bold": True, "bg_color": "#E8EEF5", "border": 1})
    kinds, seasons = {str(value): said for said, value in KINDS.items()}, {str(v): said for said, v in SEASONS.items()}
    lines = {
        "days": [[d.date.isoformat(), kinds[d.kind], d.name, d.source] for d in rows.days if d.date.year == year],
        "spans": [
            [s.area_code, s.valid_from.isoformat(), s.valid_to.isoformat() if s.valid_to else "",
             f"{s.opens_at:%H:%M}", f"{s.closes_at:%H:%M}", s.note]
            for s in rows.spans
        ],
        "seasons": [
            [seasons[s.name], s.area_code, s.begins_on, s.ends_on, s.valid_from.isoformat(),
             s.valid_to.isoformat() if s.valid_to else "", s.note]
            for s in rows.seasons
        ],
    }  # fmt: skip
    for key, (title, columns) in SHEETS.items():
        sheet = book.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 16)
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name, heading)
        for number, line in enumerate(lines[key], 1):
            for column, value in enumerate(line):
                sheet.write_string(number, column, value)
    book.close()
    return target.getvalue()


def read(data: bytes, *, name: str, year: int, kept: Rows) -> Rows:
    """Return the calendar as it would stand: the year's days as in the file, hours and seasons where it has such rows.

    Raises SheetNotReadable, SheetWrong.
    """
    tables = _tables(data, name)
    days = _days(tables.get("days"), year)
    others = tuple(day for day in kept.days if day.date.year != year and day.date not in {one.date for one in days})
    official = max(kept.official_until or FIRST_DAY, date(year, 12, 31))
    spans = _rows(tables.get("spans"), "spans", _span)
    seasons = _rows(tables.get("seasons"), "seasons", _season)
    _refuse_overlaps(spans)
    return Rows(
        official,
        tuple(sorted((*others, *days))),
        tuple(sorted(spans, key=_written)) or kept.spans,
        tuple(sorted(seasons, key=_written)) or kept.seasons,
    )


def _tables(data: bytes, name: str) -> dict[str, list[tuple]]:
    if not data or len(data) > LARGEST_BYTES:
        raise SheetNotReadable(name=name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST_UNPACKED:
                raise SheetNotReadable(name=name)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        found = {}
        for key, (title, columns) in SHEETS.items():
            if title in book.sheetnames:
                found[key] = _lines(book[title], title, len(columns), columns)
        book.close()
    except Refusal:
        raise
    except NOT_READABLE as error:
        raise SheetNotReadable(name=name) from error
    if "days" not in found:
        raise SheetWrong(sheet=SHEETS["days"][0], row=0, what=_("the sheet is missing"))
    return found


def _lines(sheet, title: str, width: int, columns: tuple[str, ...]) -> list[tuple]:
    """Return (row number, cells) of every row with something in it."""
    lines: list[tuple] = []
    for number, cells in enumerate(sheet.iter_rows(max_col=width, values_only=True), 1):
        if number > MOST_ROWS:
            raise SheetWrong(sheet=title, row=number, what=_("there are too many rows"))
        cells = tuple(cells) + (None,) * (width - len(cells))
        if number == 1:
            if tuple(str(cell or "").strip() for cell in cells) != columns:
                raise SheetWrong(sheet=title, row=1, what=_("the columns must be: %s") % "、".join(columns))
        elif any(str(cell).strip() for cell in cells if cell is not None):
            lines.append((number, cells))
    return lines


def _rows(lines: list[tuple] | None, key: str, read_one) -> list:
    found = []
    for number, cells in lines or ():
        row = _understood(key, number, read_one, cells)
        if row in found:
            raise SheetWrong(sheet=SHEETS[key][0], row=number, what=_("this row stands there twice"))
        found.append(row)
    return found


def _understood(key: str, number: int, read_one, cells: tuple) -> Any:
    try:
        return read_one(cells)
    except ValueError as error:
        raise SheetWrong(sheet=SHEETS[key][0], row=number, what=str(error)) from None


def _days(lines: list[tuple] | None, year: int) -> tuple[Day, ...]:
    found: dict[date, Day] = {}
    for number, cells in lines or ():
        day = _understood("days", number, _day, cells)
        if day.date.year != year and not date(year, 1, 1) - BEFORE_NEW_YEAR <= day.date < date(year, 1, 1):
            what = _("%(day)s does not belong to the year %(year)s") % {"day": day.date, "year": year}
            raise SheetWrong(sheet=SHEETS["days"][0], row=number, what=what)
        if day.date in found:
            raise SheetWrong(sheet=SHEETS["days"][0], row=number, what=_("%s stands there twice") % day.date)
        found[day.date] = day
    if not found:
        raise SheetWrong(sheet=SHEETS["days"][0], row=0, what=_("it holds no day of the year %s") % year)
    return tuple(found.values())


def _day(cells: tuple) -> Day:
    on, kind, name, source = cells
    return Day(_date(on), _one_of(kind, KINDS), _text(name, 60), _text(source, 120))


def _span(cells: tuple) -> Span:
    area, valid_from, valid_to, opens, closes, note = cells
    begins, ends = _time(opens), _time(closes)
    if begins >= ends:
        raise ValueError(_("working time must end later than it begins, on the same day"))
    row = Span(_area(area), _date(valid_from), _date(valid_to) if valid_to else None, begins, ends, _text(note, 120))
    _in_order(row.valid_from, row.valid_to)
    return row


def _season(cells: tuple) -> SeasonRow:
    name, area, begins, ends, valid_from, valid_to, note = cells
    row = SeasonRow(
        _one_of(name, SEASONS), _area(area), _month_day(begins), _month_day(ends), _date(valid_from),
        _date(valid_to) if valid_to else None, _text(note, 120),
    )  # fmt: skip
    _in_order(row.valid_from, row.valid_to)
    return row


def _in_order(valid_from: date, valid_to: date | None) -> None:
    if valid_to is not None and valid_to <= valid_from:
        raise ValueError(_("it ends before it begins"))


def _refuse_overlaps(spans: list[Span]) -> None:
    """Two spans of the same hours would count a minute twice."""
    by_schedule: dict[tuple, list[Span]] = {}
    for span in spans:
        by_schedule.setdefault((span.area_code, span.valid_from, span.valid_to), []).append(span)
    for same in by_schedule.values():
        same.sort(key=lambda span: span.opens_at)
        for earlier, later in pairwise(same):
            if later.opens_at < earlier.closes_at:
                what = _("two spans of the same hours overlap: %s") % f"{later.opens_at:%H:%M}"
                raise SheetWrong(sheet=SHEETS["spans"][0], row=0, what=what)
    if spans and not any(span.area_code == "" for span in spans):
        raise SheetWrong(sheet=SHEETS["spans"][0], row=0, what=_("the city's own hours (no area code) are missing"))


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        try:
            value = date.fromisoformat(str(value or "").strip().replace("/", "-"))
        except ValueError:
            raise ValueError(_("“%s” is no date; write it as 2027-01-01") % _short(value)) from None
    if not FIRST_DAY <= value < LAST_DAY:
        raise ValueError(_("%s lies outside the years 2000 to 2060") % value)
    return value


def _time(value: Any) -> time:
    if isinstance(value, time):
        return value.replace(microsecond=0)
    try:
        return datetime.strptime(str(value or "").strip(), "%H:%M").time()
    except ValueError:
        raise ValueError(_("“%s” is no time of day; write it as 08:00") % _short(value)) from None


def _month_day(value: Any) -> str:
    said = str(value or "").strip()
    if not re.fullmatch(MONTH_AND_DAY, said):
        raise ValueError(_("“%s” is no month and day; write it as 11-01") % _short(value))
    return said


def _area(value: Any) -> str:
    said = str(value if value is not None else "").strip().removesuffix(".0")
    if not AREA.fullmatch(said):
        raise ValueError(_("“%s” is no area code") % _short(value))
    return said


def _one_of(value: Any, words: dict) -> str:
    said = str(value or "").strip()
    if said not in words:
        raise ValueError(_("“%(said)s” is not known here; write one of: %(words)s")
                         % {"said": _short(value), "words": "、".join(words)})  # fmt: skip
    return str(words[said])


def _text(value: Any, longest: int) -> str:
    said = str(value if value is not None else "").strip()
    if said.startswith("=") or any(ord(sign) < 32 for sign in said):
        raise ValueError(_("“%s” is a formula or holds signs that cannot be kept") % _short(said))
    if len(said) > longest:
        raise ValueError(_("“%s” is too long") % _short(said))
    return said


def _short(value: Any) -> str:
    return str(value if value is not None else "")[:30]


def _written(row: tuple) -> list[str]:
    return [str(value) for value in row]


# — lists of cases ———————————————————————————————————————————————————————————————————————————————————

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, also when it is saved as CSV and opened again."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _moment(instant: datetime | None) -> str:
    return f"{timezone.localtime(instant):%Y-%m-%d %H:%M}" if instant else ""


CASE_COLUMNS: tuple[tuple[str, int, Callable[[Case], str]], ...] = (
    (gettext_lazy("Case number"), 20, lambda case: case.number),
    (gettext_lazy("Stage"), 12, lambda case: case.stage_label),
    (gettext_lazy("Kind"), 8, lambda case: str(case.minor_class.get_kind_display())),
    (gettext_lazy("Major class"), 16, lambda case: case.minor_class.major_name),
    (gettext_lazy("Minor class"), 16, lambda case: case.minor_class.name),
    (gettext_lazy("Class code"), 9, lambda case: case.minor_class.code),
    (gettext_lazy("Source"), 12, lambda case: case.source_label),
    (gettext_lazy("Urgency"), 8, lambda case: str(case.get_urgency_display())),
    (gettext_lazy("Area"), 30, lambda case: case.area_names),
    (gettext_lazy("Address"), 36, lambda case: case.address),
    (gettext_lazy("Unit grid"), 17, lambda case: case.unit_grid.code),
    (gettext_lazy("Description"), 50, lambda case: case.description),
    (pgettext_lazy("time", "Reported"), 17, lambda case: _moment(case.reported_at)),
    (pgettext_lazy("time", "Filed"), 17, lambda case: _moment(case.filed_at)),
    (gettext_lazy("Due"), 17, lambda case: _moment(case.due_at)),
    (pgettext_lazy("time", "Closed"), 17, lambda case: _moment(case.closed_at)),
    (gettext_lazy("Who holds it"), 18, lambda case: str(case.holder_department or "")),
)
SOURCE = CASE_COLUMNS[6]


def write_cases(cases, *, facts_only: bool) -> bytes:
    """Return these cases as a spreadsheet, the newest first; departments do not read where a case came from."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    heading = book.add_format({"bold": True, "bg_color": "#E8EEF5", "border": 1})
    sheet = book.add_worksheet("案件")
    columns = [column for column in CASE_COLUMNS if column is not SOURCE or not facts_only]
    sheet.freeze_panes(1, 1)
    for number, (label, width, _value) in enumerate(columns):
        sheet.set_column(number, number, width)
        sheet.write_string(0, number, str(label), heading)
    rows = cases.select_related("minor_class", "unit_grid", "holder_department").defer(
        "search", "last_hash", "unit_grid__boundary", "unit_grid__centre"
    )
    for line, case in enumerate(rows.order_by("-reported_at", "-id"), 1):
        for number, (_label, _width, value) in enumerate(columns):
            sheet.write_string(line, number, harmless(value(case)))
    book.close()
    return target.getvalue()
