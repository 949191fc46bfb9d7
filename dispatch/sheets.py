"""The rule book as a workbook: filled with what holds on a day, and read back strictly.

Nothing of a file is trusted: size, archive, sheets, headings, every cell. What is wrong is said with its sheet, row and
column; everything is looked at before anything is said.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import openpyxl
import xlsxwriter
from django.utils.translation import gettext as _

from cases.sheets import FORMULA, NOT_READABLE
from citymgmt.errors import Refusal
from dispatch.rulebook import SHEETS, Column, Compared, Fault, Kept, Line, Sheet, compare

LARGEST_BYTES = 3_000_000
LARGEST_UNPACKED = 60_000_000
MOST_ROWS = 5_000  # of a sheet
MOST_LETTERS = 5_000  # of a cell
NUMBER, NUMBER_TITLE = "id", "编号"
ACT_TITLE, END = "处理", "废止"
NOTE_TITLE = "说明（不读入）"
FIRST = "填写说明"
HOW_TO = (
    "这是本市规则的全部内容：分类、立案条件与时限、特定案件时限、环节时限、权责矩阵、告警升级、审批规则、申请理由。",
    "改什么就改哪一格；新增的行写在后面，“编号”留空；要废止的行在“处理”栏写“废止”。删掉的行和整张表不动，照旧有效。",
    "“编号”是系统给的，不要改，也不要抄到别的行。表头和表名不要改，可以排序、筛选、隐藏。",
    "在“规则簿”页面上传，并写一个生效日期；先看会改变什么，再确认生效。有一处错误，全部不生效，页面逐条指出表、行、栏。",
    "只影响生效日起的新案件；已立案件的时限、正在走的计时、已提出的申请都不变。",
    "工作日历（节假日、工作时间、季节）另有专门的表格，在“工作日历”页面下载；日历一改，未结案件的期限会重算并留下原值。",
    "文字以 = + - @ 开头的，前面多一个单引号 '，保留即可。",
)


class BookNotReadable(Refusal):
    """The file is no workbook that can be read; facts: name."""

    code = "book_not_readable"


# — out ——————————————————————————————————————————————————————————————————————————————————————————————


def write(book: dict[str, list[Kept]], *, day: date) -> bytes:
    """Return the workbook with the rows that hold on a day."""
    target = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    out = xlsxwriter.Workbook(target, options)
    looks = {
        "head": out.add_format({"bold": True, "bg_color": "#E8EEF5", "border": 1, "text_wrap": True, "valign": "top"}),
        "grey": out.add_format({"font_color": "#8A94A0", "valign": "top"}),
        "text": out.add_format({"text_wrap": True, "valign": "top"}),
        "title": out.add_format({"bold": True, "font_size": 14}),
    }
    _explain(out, looks, day)
    for sheet in SHEETS:
        _write_sheet(out, sheet, [one for one in book[sheet.name] if one.holds(day)], looks)
    out.close()
    return target.getvalue()


def _explain(out: xlsxwriter.Workbook, looks: dict, day: date) -> None:
    page = out.add_worksheet(FIRST)
    page.set_column(0, 0, 14)
    page.set_column(1, 1, 20)
    page.set_column(2, 2, 90)
    page.write_string(0, 0, f"规则簿（{day.isoformat()} 有效的规则）", looks["title"])
    line = 2
    for words in HOW_TO:
        page.write_string(line, 0, harmless(words))
        line += 1
    line += 1
    for number, title in enumerate(("表", "栏", "怎么填")):
        page.write_string(line, number, title, looks["head"])
    for sheet in SHEETS:
        line += 1
        page.write_string(line, 0, sheet.title, looks["text"])
        page.write_string(line, 2, sheet.about, looks["text"])
        for column in sheet.columns:
            line += 1
            said = "必填。" if column.needed else ""
            said += "已有的行不能改。" if column.fixed else ""
            words = getattr(column.cell, "words", None)
            said += (column.about + "。" if column.about else "") + (
                f"可写：{'、'.join(words.values())}" if words else ""
            )
            page.write_string(line, 1, column.title, looks["text"])
            page.write_string(line, 2, harmless(said), looks["text"])


def _how_to_fill(column: Column) -> str:
    words = getattr(column.cell, "words", {})
    said = [
        "必填" if column.needed else "",
        "已有的行不能改" if column.fixed else "",
        column.about,
        f"可写：{'、'.join(words.values())}" if words else "",
    ]
    return "。".join(one for one in said if one)


def _write_sheet(out: xlsxwriter.Workbook, sheet: Sheet, rows: Sequence[Kept], looks: dict) -> None:
    page = out.add_worksheet(sheet.title)
    titles = headings(sheet)
    page.freeze_panes(1, 1)
    page.set_column(0, 0, 9)
    for number, column in enumerate(sheet.columns, 1):
        page.set_column(number, number, column.width)
    page.set_column(len(titles) - 1, len(titles) - 1, 8)
    if sheet.note is not None:
        page.set_column(len(titles), len(titles), 46)
    for number, title in enumerate([*titles, *([NOTE_TITLE] if sheet.note is not None else [])]):
        page.write_string(0, number, title, looks["head"])
    for line, one in enumerate(rows, 1):
        page.write_string(line, 0, one.id, looks["grey"])
        for number, column in enumerate(sheet.columns, 1):
            said = one.texts[column.name]
            if said and column.cell.is_number:
                page.write_number(line, number, float(said), looks["text"])
            elif said:
                page.write_string(line, number, harmless(said), looks["text"])
        if sheet.note is not None:
            page.write_string(line, len(titles), harmless(sheet.note(one.row)), looks["grey"])
    page.autofilter(0, 0, max(1, len(rows)), len(titles) - 1)


def headings(sheet: Sheet) -> list[str]:
    """Return the headings of a sheet: the number, its columns, what is to be done with the row."""
    return [NUMBER_TITLE, *(column.title for column in sheet.columns), ACT_TITLE]


def harmless(text: str) -> str:
    """Return a text that no program takes for a formula; `plain` takes the mark off again."""
    return f"'{text}" if text.startswith((*FORMULA, "'")) else text


# — in ———————————————————————————————————————————————————————————————————————————————————————————————


def look_at(data: bytes, *, name: str, day: date) -> Compared:
    """Return what a workbook would change from a day on, and everything that is wrong with it. BookNotReadable."""
    lines, faults = read(data, name=name)
    found = compare(lines, day=day)
    said = {(one.sheet, one.row, one.column) for one in faults}
    found.faults = faults + [one for one in found.faults if (one.sheet, one.row, one.column) not in said]
    return found


def read(data: bytes, *, name: str) -> tuple[dict[str, list[Line]], list[Fault]]:
    """Return the rows of a workbook by sheet, and what is wrong with its cells. Raises BookNotReadable."""
    if not data or len(data) > LARGEST_BYTES:
        raise BookNotReadable(name=name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST_UNPACKED:
                raise BookNotReadable(name=name)
        out = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        faults: list[Fault] = []
        by_title = {sheet.title: sheet for sheet in SHEETS}
        found = {
            by_title[title].name: _lines(out[title], by_title[title], faults)
            for title in out.sheetnames
            if title in by_title
        }
        out.close()
    except Refusal:
        raise
    except NOT_READABLE as error:
        raise BookNotReadable(name=name) from error
    if not found:
        titles = "、".join(one.title for one in SHEETS)
        faults.append(Fault(FIRST, 0, "", _("none of the sheets is there: %s; start from the template") % titles))
    return found, faults


def _lines(page, sheet: Sheet, faults: list[Fault]) -> list[Line]:
    titles = headings(sheet)
    lines: list[Line] = []
    for row, cells in enumerate(page.iter_rows(max_col=len(titles)), 1):
        if row > MOST_ROWS:
            faults.append(Fault(sheet.title, row, "", _("there are too many rows")))
            break
        cells = (*cells, *(None for _missing in range(len(titles) - len(cells))))
        if row == 1:
            if [str(getattr(cell, "value", None) or "").strip() for cell in cells] != titles:
                what = _("the columns must be: %s") % "、".join(titles)
                faults.append(Fault(sheet.title, 1, "", what))
                break
            continue
        said = [_said(cell, sheet.title, row, title, faults) for cell, title in zip(cells, titles, strict=True)]
        if any(said):
            lines.append(_line(sheet, row, said, faults))
    return lines


def _line(sheet: Sheet, row: int, said: list[str], faults: list[Fault]) -> Line:
    act = said[-1]
    if act not in ("", END):
        faults.append(Fault(sheet.title, row, ACT_TITLE, _("write “%s” to end the row, or nothing") % END))
    texts = {column.name: _as_text(column, one) for column, one in zip(sheet.columns, said[1:-1], strict=True)}
    return Line(row, said[0], act == END, texts)


def _as_text(column: Column, said: str) -> str:
    """Codes of digits lose their noughts where a program takes them for numbers."""
    digits = {"major_code": 2}.get(column.name, 0)
    return said.zfill(digits) if said.isdecimal() else said


def _said(cell: Any, title: str, row: int, column: str, faults: list[Fault]) -> str:
    value = getattr(cell, "value", None)
    if getattr(cell, "data_type", "") == "f" or (isinstance(value, str) and value.startswith("=")):
        faults.append(Fault(title, row, column, _("a formula is not read; write what it comes to")))
        return ""
    if getattr(cell, "data_type", "") == "e":
        faults.append(Fault(title, row, column, _("“%s” is an error of the spreadsheet") % str(value)[:30]))
        return ""
    said = plain(value)
    if len(said) > MOST_LETTERS:
        faults.append(Fault(title, row, column, _("“%s” is too long") % said[:30]))
        return ""
    return said


def plain(value: Any) -> str:
    """Return what a cell holds as text: numbers without a tail of noughts, days and times as the book writes them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, time):
        return f"{value:%H:%M}"
    said = str(value).replace("\r\n", "\n").replace("\r", "\n")
    said = re.sub(r"_x000D_|_x005F_(?=x[0-9A-Fa-f]{4}_)", lambda found: "" if "000D" in found[0] else "_", said)
    said = said.strip()
    return said[1:] if said.startswith("'") else said
