"""The rule book: out and in again, what it changes, taking it in; and workbooks that somebody made badly."""

import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import hypothesis
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Department
from cases import actions, escalation, workflow
from cases.escalation import Audience, Means, Step, When
from cases.models import AlarmChain, ClockEntry, LimitOverride
from cases.workflow import Stage
from components.models import FilingCondition, MinorClass
from dispatch import actions as dispatch
from dispatch import approval, rulebook, sheets, terms
from dispatch.cells import Names
from dispatch.models import ApprovalRule, Ground, ResponsibilityRule, RuleChange
from dispatch.rulebook import BY_NAME, SHEETS, Change, RulesFromThePast, RulesMoved, RulesTaken
from office import settings
from office.models import Setting
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db
TODAY = MONDAY.date()
DAY = TODAY + timedelta(days=7)


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def full(county) -> County:
    """A county with a row of every kind."""
    LimitOverride.objects.create(minor_class=county.litter, area_code="999902001", share=Decimal("0.5"),
                                 valid_from=LONG_AGO)  # fmt: skip
    LimitOverride.objects.create(filing_condition=county.condition, urgency=2, limit_value=Decimal("0.25"),
                                 limit_unit="continuous_hour", note="=1+1", valid_from=LONG_AGO)  # fmt: skip
    ResponsibilityRule.objects.create(
        minor_class=county.litter, area_code="999902001", department=county.street_office, opens_at="18:00",
        closes_at="06:00", weekdays="67", season_from="05-01", season_to="09-30", note="-夜市", valid_from=LONG_AGO,
    )  # fmt: skip
    ResponsibilityRule.objects.create(kind="event", major_code="06", duty_grid=county.duty_grid, sort=200,
                                      department=county.sanitation_bureau, valid_from=LONG_AGO)  # fmt: skip
    steps = rulebook.chains.write_steps(escalation.as_delivered("handling"))
    AlarmChain.objects.create(name="夜间", kind="event", clock="handling", urgency=1, valid_from=LONG_AGO,
                              changed_at=MONDAY, steps=steps)  # fmt: skip
    ApprovalRule.objects.create(kind="extension", chain=["dispatcher", "commander"], nth=2, max_count=2,
                                is_custom=False, grounds=["weather", "material"], valid_from=LONG_AGO)  # fmt: skip
    Ground.objects.create(kind="extension", code="festival", name_zh="庙会", sort=7, valid_from=LONG_AGO)
    settings.set_value("cases.limit.dispatch_minutes", 20, by=None, at=MONDAY, area_code="999902001",
                       valid_from=LONG_AGO)  # fmt: skip
    return county


def workbook(day: date = TODAY):
    """The rule book of a day, opened."""
    return openpyxl.load_workbook(io.BytesIO(sheets.write(rulebook.kept_book(day), day=day)))


def saved(book) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def compared(book, day: date = DAY) -> rulebook.Compared:
    return sheets.look_at(saved(book), name="规则簿.xlsx", day=day)


def cell(book, name: str, column: str, row: int = 2):
    """The cell of a column in a row of a sheet, by the names of the program."""
    sheet = BY_NAME[name]
    place = [one.name for one in sheet.columns].index(column) + 2 if column not in ("id", "act") else None
    return book[sheet.title].cell(row, {"id": 1, "act": len(sheet.columns) + 2}.get(column, place))


def add_row(book, sheet_name: str, **texts) -> None:
    sheet = BY_NAME[sheet_name]
    book[sheet.title].append(["", *(texts.get(one.name) for one in sheet.columns)])


def taken(book, county, *, day: date = DAY) -> list[Change]:
    """Look at a workbook and take it in."""
    found = compared(book, day)
    assert not found.faults, found.faults
    rulebook.put_in_force(found.changes, by=county.administrator, at=MONDAY, day=day, today=TODAY)
    return found.changes


def everything() -> list:
    """All rows of all rules as they stand in the database."""
    models = [one.model for one in SHEETS if one.model] + [Setting]
    return [list(model.objects.order_by("pk").values()) for model in models]


# — out and in again —————————————————————————————————————————————————————————————————————————————————


def test_the_book_brought_back_as_it_is_changes_nothing(full):
    before = everything()
    for day in (TODAY, DAY):
        found = compared(workbook(), day)
        assert (found.changes, found.faults, found.left_out) == ([], [], 0)
        rulebook.put_in_force(found.changes, by=full.administrator, at=MONDAY, day=day, today=TODAY)
    assert everything() == before


WORDS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40)
NAMES = Names.__new__(Names)  # never asked: no cell below names anything


def through_a_file(said: str) -> str:
    """What a program reads of a cell in which this was written."""
    book = sheets.xlsxwriter.Workbook(target := io.BytesIO(), {"constant_memory": True})
    book.add_worksheet().write_string(0, 0, sheets.harmless(said))
    book.close()
    page = openpyxl.load_workbook(io.BytesIO(target.getvalue()), read_only=True).active
    [[one]] = page.iter_rows()
    return sheets._said(one, "", 1, "", [])


@hypothesis.settings(max_examples=20)
@given(WORDS | st.sampled_from(["=1+1", "'=x", "-5", "@a", "_x0041_", "a\nb", "+86", "''", "_x005F_"]))
def test_whatever_a_rule_says_comes_back_as_it_was(said):
    cell = rulebook.Cell(100, lines=True)
    written = cell.said(said)
    assert through_a_file(written) == written if written else through_a_file(said) == ""


STEPS = st.builds(
    Step, st.sampled_from(When), st.integers(0, 99),
    st.lists(st.sampled_from(Audience), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from(Means), unique=True).map(tuple), st.sampled_from([5, 60]), st.integers(0, 3),
    st.booleans(),
)  # fmt: skip


@given(st.lists(STEPS.filter(lambda step: not step.faults), min_size=1, max_size=8))
def test_every_chain_can_be_written_and_read(steps):
    # A lamp has no number, and what is not repeated no pause.
    steps = tuple(
        Step(one.when, 0 if one.when is When.LAMP else one.number, one.to, one.by,
             one.repeat_minutes if one.repeat_times else 0, one.repeat_times, one.at_night)
        for one in steps
    )  # fmt: skip
    cell = BY_NAME["chains"].column("steps").cell
    written = cell.said(rulebook.chains.write_steps(steps))
    assert cell.value(written, NAMES) == steps
    assert len(cell.shown(written).splitlines()) == len(steps)


# — what it changes ——————————————————————————————————————————————————————————————————————————————————


def test_a_changed_limit_holds_from_the_day_and_the_row_of_before_stays(county):
    book = workbook()
    assert [cell(book, "conditions", "limit_value", row).value for row in (2, 3)] == [2, 4]
    cell(book, "conditions", "limit_value", 3).value = 6
    [change] = taken(book, county)
    assert (change.what, change.before["limit_value"], change.after["limit_value"]) == ("changed", "4", "6")
    old, new = FilingCondition.objects.filter(minor_class=county.litter).order_by("valid_from")
    assert (old.limit_value, old.valid_to, new.limit_value, new.valid_from, new.valid_to) == (4, DAY, 6, DAY, None)
    assert new.changed_by == county.administrator


def test_what_was_promised_stays_and_what_is_filed_from_the_day_on_gets_the_new_limit(county):
    running = county.case_at(Stage.HANDLING)
    promised, due = (running.limit_value, running.limit_unit), running.stints.get().due_at
    happened = ClockEntry.objects.count()
    book = workbook()
    cell(book, "conditions", "limit_value", 3).value = 1
    add_row(book, "limits", minor_class="事件06-003", share=0.5)
    cell(book, "stages", "value", 6).value = 3
    taken(book, county)
    running.refresh_from_db()
    assert (running.limit_value, running.limit_unit) == promised
    assert running.stints.get().due_at == due
    assert ClockEntry.objects.count() == happened
    condition = FilingCondition.objects.on(DAY).get(minor_class=county.litter)
    before = county.case_at(Stage.PENDING_FILING, at=MONDAY + timedelta(days=1))
    at = MONDAY + timedelta(days=1, hours=1)
    assert actions.file(before, by=county.duty_leader, at=at, condition=county.condition).limit_value == 4
    after = county.case_at(Stage.PENDING_FILING, at=MONDAY + timedelta(days=7))
    filed = actions.file(after, by=county.duty_leader, at=MONDAY + timedelta(days=7, hours=1), condition=condition)
    assert filed.limit_value == Decimal("0.5")


def test_a_limit_for_a_condition_goes_on_when_the_condition_is_changed(county):
    LimitOverride.objects.create(filing_condition=county.condition, limit_value=9, limit_unit="working_hour",
                                 valid_from=LONG_AGO)  # fmt: skip
    book = workbook()
    cell(book, "conditions", "limit_value", 3).value = 6
    taken(book, county, day=TODAY)
    case = county.case_at(Stage.PENDING_FILING)
    condition = FilingCondition.objects.on(TODAY).get(minor_class=county.litter)
    assert (
        actions.file(case, by=county.duty_leader, at=MONDAY + timedelta(hours=1), condition=condition).limit_value == 9
    )


def test_rows_of_every_kind_are_written_by_their_actions(county):
    book = workbook()
    add_row(book, "classes", scheme="GB/T 47678.5-2026", kind="事件", major_code="06", major_name_zh="市容环境类",
            minor_code="004", name_zh="积存渣土", aliases="渣土、土堆")  # fmt: skip
    add_row(book, "conditions", minor_class="事件06-004 随便写", number=1, condition_zh="积存",
            close_condition_zh="清运", limit_value=1.5, limit_unit="工作日", is_active="是")  # fmt: skip
    add_row(book, "limits", filing_condition="事件06-003#1", road_class="主干道", limit_value=2, limit_unit="工作时")
    add_row(book, "stages", key="cases.limit.close_minutes", area_code="999902001", value=30)
    add_row(book, "responsibilities", kind="事件", major_code="06", department="street", opens_at="18:00",
            closes_at="6:00")  # fmt: skip
    add_row(book, "chains", name="超期", kind="部件", steps="黄灯：经办方\n超期120分钟:区域领导;短信")
    add_row(book, "approvals", kind="延期", chain="派遣员→指挥长", needs_file="是", grounds="weather")
    add_row(book, "grounds", kind="延期", code="fair", name_zh="庙会")
    for (name, column), word in _words().items():
        cell(book, name, column, book[BY_NAME[name].title].max_row).value = word
    taken(book, county)
    made = MinorClass.objects.get(minor_code="004")
    assert (made.valid_from, made.aliases, made.conditions.get().limit_value) == (DAY, "渣土\n土堆", Decimal("1.5"))
    limit = LimitOverride.objects.get()
    assert (limit.filing_condition, limit.road_class, limit.limit_value) == (county.condition, "main", 2)
    assert settings.get("cases.limit.close_minutes", on=DAY, area_code="999902001001") == 30
    assert settings.get("cases.limit.close_minutes", on=DAY - timedelta(days=1), area_code="999902001001") == 15
    rule = ResponsibilityRule.objects.get()
    assert (rule.department, rule.valid_from, rule.opens_at.hour, rule.sort) == (county.street_office, DAY, 18, 100)
    chain = AlarmChain.objects.get()
    assert [step["when"] for step in chain.steps] == ["lamp", "overdue"]
    approval_rule = ApprovalRule.objects.get()
    assert (approval_rule.chain, approval_rule.needs_file) == (["dispatcher", "commander"], True)
    assert [one.code for one in terms.grounds(DAY, kind="extension") if one.row] == ["fair"]
    assert compared(workbook(DAY)).changes == []


def _words() -> dict[tuple[str, str], str]:
    """The Chinese words that the sheets want, so that a changed translation changes no test."""

    def said(name, column, value):
        return BY_NAME[name].column(column).cell.said(value)

    steps = [Step(When.LAMP, 0, (Audience.HOLDER,)), Step(When.OVERDUE, 120, (Audience.LEADER,), (Means.SMS,))]
    return {
        ("limits", "road_class"): said("limits", "road_class", "main"),
        ("limits", "limit_unit"): said("limits", "limit_unit", "working_hour"),
        ("conditions", "limit_unit"): said("conditions", "limit_unit", "working_day"),
        ("approvals", "chain"): said("approvals", "chain", ["dispatcher", "commander"]),
        ("approvals", "kind"): said("approvals", "kind", "extension"),
        ("grounds", "kind"): said("grounds", "kind", "extension"),
        ("responsibilities", "kind"): said("responsibilities", "kind", "event"),
        ("chains", "kind"): said("chains", "kind", "component"),
        ("chains", "steps"): said("chains", "steps", rulebook.chains.write_steps(steps)),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["classes", "conditions", "limits", "responsibilities", "chains", "approvals", "grounds"]
)
def test_a_row_ends_on_the_day_and_nothing_is_deleted(full, name):
    book = workbook()
    cell(book, name, "act").value = sheets.END
    before = {sheet.name: sheet.model.objects.count() for sheet in SHEETS if sheet.model}
    changes = taken(book, full)
    assert changes[0].what == "ended"
    assert {sheet.name: sheet.model.objects.count() for sheet in SHEETS if sheet.model} == before
    ended = rulebook.rows_of(BY_NAME[name], [changes[0].id])
    assert ended[0].valid_to == DAY
    if name == "classes":  # its conditions go with it
        assert [one.sheet for one in changes] == ["classes", "conditions"]


def test_a_row_changed_on_its_first_day_is_put_right_where_it_stands(full):
    for name, column, value in (("limits", "note", "改"), ("grounds", "name_zh", "集市"), ("chains", "name", "夜里")):
        BY_NAME[name].model.objects.update(valid_from=DAY)
        book = workbook(DAY)
        cell(book, name, column).value = value
        taken(book, full)
        rows = BY_NAME[name].model.objects.filter(valid_from=DAY, valid_to=None)
        assert getattr(rows.first(), column) == value


def test_what_a_class_is_called_changes_on_the_day_itself(county):
    book = workbook()
    cell(book, "classes", "name_zh", 3).value = "裸露垃圾"
    sent = RuleChange.objects.create(by=county.administrator, sent_at=MONDAY, source="x", valid_from=DAY,
                                     changes=[one.as_json() for one in compared(book).changes])  # fmt: skip
    sent = rulebook.take_in(sent, by=county.administrator, at=MONDAY, today=TODAY)
    assert MinorClass.objects.get(pk=county.litter.pk).name_zh == "暴露垃圾"
    assert rulebook.do_what_is_left(at=MONDAY, today=DAY - timedelta(days=1)) == 0
    assert rulebook.do_what_is_left(at=MONDAY, today=DAY) == 1
    assert rulebook.do_what_is_left(at=MONDAY, today=DAY) == 0
    assert MinorClass.objects.get(pk=county.litter.pk).name_zh == "裸露垃圾"


# — refusals —————————————————————————————————————————————————————————————————————————————————————————


def test_a_book_is_taken_in_once_and_not_for_the_past(county):
    book = workbook()
    cell(book, "conditions", "limit_value", 3).value = 6
    facts = {"by": county.administrator, "sent_at": MONDAY, "source": "x",
             "changes": [one.as_json() for one in compared(book).changes]}  # fmt: skip
    late = RuleChange.objects.create(**facts, valid_from=TODAY - timedelta(days=1))
    with pytest.raises(RulesFromThePast):
        rulebook.take_in(late, by=county.administrator, at=MONDAY, today=TODAY)
    sent = RuleChange.objects.create(**facts, valid_from=DAY)
    rulebook.take_in(sent, by=county.administrator, at=MONDAY, today=TODAY)
    with pytest.raises(RulesTaken):
        rulebook.take_in(sent, by=county.administrator, at=MONDAY, today=TODAY)


def test_what_somebody_changed_since_the_preview_is_not_written_over(full):
    book = workbook()
    cell(book, "conditions", "limit_value", 3).value = 6
    cell(book, "grounds", "name_zh").value = "集市"
    changes = compared(book).changes
    Ground.objects.update(name_zh="赶集")
    before = everything()
    with pytest.raises(RulesMoved):
        rulebook.put_in_force(changes, by=full.administrator, at=MONDAY, day=DAY, today=TODAY)
    assert everything() == before


def test_a_book_from_before_somebody_elses_change_does_not_take_that_back(full):
    old = workbook()
    dispatch.end_responsibility(Ground.objects.get(), by=full.administrator, at=MONDAY, on=TODAY + timedelta(days=3))
    assert compared(old).changes == []  # the row that ended meanwhile was not touched
    cell(old, "grounds", "name_zh").value = "集市"
    [fault] = compared(old).faults
    assert (fault.sheet, fault.row) == (BY_NAME["grounds"].title, 2)


WRONG = {
    "no such number": ("conditions", "id", "00000000-0000-0000-0000-000000000000", ""),
    "a number of the kind that is none": ("conditions", "id", "x", ""),
    "a word for a number": ("conditions", "limit_value", "四", "limit_value"),
    "less than nothing": ("conditions", "limit_value", "-1", "limit_value"),
    "too many places": ("conditions", "limit_value", "1.1234567", "limit_value"),
    "an unknown unit": ("conditions", "limit_unit", "炷香", "limit_unit"),
    "a limit without its unit": ("conditions", "limit_unit", "", "limit_unit"),
    "nothing where something must be": ("conditions", "close_condition_zh", "", "close_condition_zh"),
    "another class": ("conditions", "minor_class", "事件06-003", "minor_class"),
    "too long": ("conditions", "note", "长" * 201, "note"),
    "a code that cannot change": ("classes", "minor_code", "009", "minor_code"),
    "an unknown department": ("responsibilities", "department", "nobody 无", "department"),
    "an unknown area": ("responsibilities", "area_code", "110101", "area_code"),
    "an unknown duty grid": ("responsibilities", "duty_grid", "D9", "duty_grid"),
    "an unknown road": ("responsibilities", "road", "无名路", "road"),
    "one end of the day": ("responsibilities", "closes_at", "", "closes_at"),
    "no time": ("responsibilities", "opens_at", "25:00", "opens_at"),
    "no weekday": ("responsibilities", "weekdays", "8", "weekdays"),
    "two ways to name the class": ("responsibilities", "major_code", "06", "minor_class"),
    "a limit and a share": ("limits", "limit_value", "3", "limit_unit"),
    "an unknown class": ("limits", "minor_class", "事件99-999", "minor_class"),
    "an unknown condition": ("limits", "filing_condition", "事件06-003#7", "filing_condition"),
    "a stage limit out of bounds": ("stages", "value", "0", "value"),
    "a stage limit ended": ("stages", "act", "废止", ""),
    "a step that is none": ("chains", "steps", "明天告诉大家", "steps"),
    "too many steps": ("chains", "steps", "\n".join(["黄灯：经办方"] * 9), "steps"),
    "the wrong last word": ("approvals", "chain", "值班长", "chain"),
    "not a whole number": ("approvals", "nth", "1.5", "nth"),
}  # fmt: skip


def test_what_is_wrong_is_said_with_sheet_row_and_column(full):
    kept, faults = sheets.read(saved(workbook()), name="规则簿.xlsx")
    assert faults == []
    for wrong, (name, column, value, where) in WRONG.items():
        first, *others = kept[name]
        if column == "id":
            line = replace(first, id=value)
        elif column == "act":
            line = replace(first, is_end=True)
        else:
            line = replace(first, texts=first.texts | {column: value})
        found = rulebook.compare({name: [line, *others]}, day=DAY).faults
        title = BY_NAME[name].column(where).title if where else ""
        assert [(one.sheet, one.row, one.column) for one in found] == [(BY_NAME[name].title, 2, title)], wrong


def test_cells_that_are_no_values_are_named_and_nothing_is_taken_in(full):
    book = workbook()
    cell(book, "conditions", "condition_zh").value = "=1+1"
    cell(book, "conditions", "note", 3).value = "#REF!"
    cell(book, "conditions", "note", 3).data_type = "e"
    cell(book, "responsibilities", "act").value = "删除"
    cell(book, "grounds", "name_zh").value = "集市"  # one that is right
    titles = [BY_NAME["conditions"].column(name).title for name in ("condition_zh", "note")]
    assert [(one.sheet, one.row, one.column) for one in compared(book).faults] == [
        ("立案条件", 2, titles[0]), ("立案条件", 3, titles[1]), ("权责矩阵", 2, sheets.ACT_TITLE),
    ]  # fmt: skip


def test_the_same_row_twice_is_refused(full):
    book = workbook()
    first = [one.value for one in book["权责矩阵"][2]]
    book["权责矩阵"].append(first)  # with its number
    book["权责矩阵"].append(["", *first[1:]])  # as a new one
    add_row(book, "conditions", minor_class="事件06-003", number=1, condition_zh="又", close_condition_zh="又")
    faults = compared(book).faults
    assert [(one.sheet, one.row) for one in faults] == [("立案条件", 4), ("权责矩阵", 4), ("权责矩阵", 5)]


BROKEN = {
    "a column is gone": lambda book: book["立案条件"].delete_cols(3),
    "no sheet is left": lambda book: [book.remove(book[one.title]) for one in SHEETS],
    "too many rows": lambda book: [book["申请理由"].append([None, "x"]) for _ in range(sheets.MOST_ROWS + 5)],
}


def test_a_book_of_another_shape_is_refused_as_a_whole(full):
    for what, break_it in BROKEN.items():
        book = workbook()
        break_it(book)
        assert compared(book).faults, what


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 no archive", b"x" * (sheets.LARGEST_BYTES + 1), b"<html>"], ids=range(4)
)
def test_what_is_no_workbook_is_refused(data):
    with pytest.raises(sheets.BookNotReadable):
        sheets.read(data, name="x.xlsx")


def test_an_archive_that_swells_is_refused():
    import zipfile

    with zipfile.ZipFile(target := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (sheets.LARGEST_UNPACKED + 1))
    with pytest.raises(sheets.BookNotReadable):
        sheets.read(target.getvalue(), name="x.xlsx")


def test_sheets_that_are_left_out_change_nothing(full):
    book = workbook()
    for sheet in SHEETS[1:]:
        book.remove(book[sheet.title])
    book["分类"].delete_rows(3)
    found = compared(book)
    assert (found.changes, found.faults, found.left_out) == ([], [], 1)


def test_a_row_whose_department_has_ended_can_still_be_changed_elsewhere(full):
    Department.objects.filter(pk=full.street_office.pk).update(valid_to=TODAY)
    book = workbook()
    cell(book, "responsibilities", "note").value = "改"
    [change] = compared(book).changes
    assert change.after["note"] == "改"
    rulebook.put_in_force([change], by=full.administrator, at=MONDAY, day=DAY, today=TODAY)
    assert ResponsibilityRule.objects.get(valid_from=DAY).department_id == full.street_office.pk


def test_every_clock_and_approver_has_a_word_of_its_own():
    for name, column in (("chains", "clock"), ("approvals", "chain"), ("approvals", "kind"), ("limits", "limit_unit")):
        words = list(BY_NAME[name].column(column).cell.words.values())
        assert len(set(words)) == len(words)
    assert len(BY_NAME["chains"].column("clock").cell.words) == len(workflow.Clock) - 1
    assert set(BY_NAME["approvals"].column("chain").cell.words) == set(approval.APPROVERS)
