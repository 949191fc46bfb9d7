"""The rule book 规则簿: every rule of the city as rows of a few sheets, what another book would change, taking it in.

SHEETS is the one table: which sheets there are, how each column stands in a cell, what a whole row must keep to, and
which action writes it. A row that is there carries its number; a row without one is new; a row that the book leaves
out stays. What changes holds from one day on: the row of before ends there and stays, nothing is deleted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts.models import User
from cases import actions as cases
from cases import alarms, chains, escalation, workflow
from cases.models import UNIT_CHOICES, AlarmChain, Case, LimitOverride, Request
from citymgmt.errors import Refusal
from components import actions as components
from components import codes
from components.models import FilingCondition, MinorClass
from dispatch import actions, approval
from dispatch.cells import (
    CHINESE,
    Aliases,
    Amount,
    Cell,
    Choice,
    ClassCell,
    Clock,
    Codes,
    ConditionCell,
    DepartmentCell,
    DutyGridCell,
    Names,
    Place,
    RoadCell,
    SettingKey,
    Several,
    Steps,
    Whole,
    flag,
)
from dispatch.models import APPROVER_LABELS, DAY_OF_A_YEAR, ApprovalRule, Ground, ResponsibilityRule, RuleChange
from dispatch.permissions import may_keep_responsibilities
from grid.models import Road, UnitGrid
from office import settings
from office.declared import SETTINGS
from office.models import Setting

Values = dict[str, Any]
Texts = dict[str, str]


class RulesMoved(Refusal):
    """Somebody changed a rule after the preview was made; facts: what."""

    code = "rules_moved"


class RulesTaken(Refusal):
    """The book is in force already; facts: when."""

    code = "rules_taken"


class RulesFromThePast(Refusal):
    """Rules hold from today or a later day on; facts: day."""

    code = "rules_from_the_past"


# — the shape of a sheet —————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Column:
    """A column of a sheet: its name in the program, its heading in the book, how it stands in a cell.

    `about` is explained on the first sheet. What is `fixed` may not be changed on a row that is there.
    """

    name: str
    title: str
    cell: Cell
    about: str = ""
    width: int = 12
    needed: bool = False
    fixed: bool = False


@dataclass(frozen=True)
class Kept:
    """A row that is there: its number in the book, its texts, from when until when it holds, and itself."""

    id: str
    texts: Texts
    valid_from: date
    valid_to: date | None
    row: Any

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


Check = Callable[[Values], tuple[str, str] | None]


@dataclass(frozen=True)
class Sheet:
    """A sheet of the book. `checks` look at a whole row and name a column and what is wrong with it, or nothing.

    `keys` are the columns that only one row in force may have alike. `written` takes the values and a day; `place` is
    the address of the page where single rows are kept.
    """

    name: str
    title: str
    label: Any
    about: str
    columns: tuple[Column, ...]
    kept: Callable[["Sheet", date], list[Kept]]
    add: Callable[..., Any]
    change: Callable[..., Any]
    end: Callable[..., Any] | None
    page: str
    checks: tuple[Check, ...] = ()
    keys: tuple[str, ...] = ()
    model: type[Model] | None = None
    note: Callable[[Any], str] | None = None  # what stands beside each row to be read, and is not read back

    def column(self, name: str) -> Column:
        return next(one for one in self.columns if one.name == name)

    def texts(self, row: Any) -> Texts:
        """Return what the cells of a row say, by column."""
        return {one.name: one.cell.said(getattr(row, one.name)) for one in self.columns}

    def label_of(self, name: str) -> str:
        """Return a column's name in the language of the page."""
        if self.model is None:
            return str(SETTING_LABELS[name])
        return capfirst(str(COLUMN_LABELS.get(name) or self.model._meta.get_field(name).verbose_name))


def _rows(sheet: Sheet, rows: QuerySet) -> list[Kept]:
    return [Kept(str(row.public_id), sheet.texts(row), row.valid_from, row.valid_to, row) for row in rows]


def _not_over(rows: QuerySet, day: date) -> QuerySet:
    return rows.filter(valid_to__isnull=True) | rows.filter(valid_to__gt=day)


def rows_of(sheet: Sheet, ids: Iterable[str]) -> list[Kept]:
    """Return rows by their numbers, also those that hold no longer."""
    if sheet.model is None:
        return [one for one in sheet.kept(sheet, date.min) if one.id in set(ids)]
    wanted = _QUERIES[sheet.name].filter(public_id__in=[one for one in ids if _is_number(one)])
    return _rows(sheet, wanted)


def _is_number(said: str) -> bool:
    return len(said) == 36 and all(sign in "0123456789abcdef-" for sign in said)


def _dated(sheet: Sheet, day: date) -> list[Kept]:
    return _rows(sheet, _not_over(_QUERIES[sheet.name], day))


_QUERIES: dict[str, QuerySet] = {
    "classes": MinorClass.objects.in_order(),
    "conditions": FilingCondition.objects.select_related("minor_class").order_by(
        "minor_class__scheme", "minor_class__kind", "minor_class__major_code", "minor_class__minor_code", "number",
        "valid_from",
    ),
    "limits": LimitOverride.objects.select_related("minor_class", "filing_condition__minor_class"),
    "responsibilities": ResponsibilityRule.objects.filter(origin=ResponsibilityRule.Origin.TABLE).select_related(
        "minor_class", "owner", "department", "duty_grid", "road"
    ).defer("road__line"),
    "chains": AlarmChain.objects.select_related("minor_class"),
    "approvals": ApprovalRule.objects.select_related("minor_class"),
    "grounds": Ground.objects.all(),
}  # fmt: skip


# — what a whole row must keep to ————————————————————————————————————————————————————————————————————


def _limit_whole(row: Values) -> tuple[str, str] | None:
    if (row["limit_value"] is None) != (not row["limit_unit"]):
        return "limit_unit", _("Give the limit with its unit, or neither.")
    return None


def _limit_or_share(row: Values) -> tuple[str, str] | None:
    if (row["limit_value"] is None) == (row["share"] is None):
        return "share", _("Give either a limit of its own, or a share of the usual one.")
    return None


def _class_or_condition(row: Values) -> tuple[str, str] | None:
    if row["minor_class"] and row["filing_condition"]:
        return "filing_condition", _("Name either the class or the condition: the condition belongs to its class.")
    return None


def _one_way(kind: str) -> Check:
    def check(row: Values) -> tuple[str, str] | None:
        if row["minor_class"] and (row[kind] or row["major_code"]):
            return "minor_class", _("Name either a minor class, or a kind and major class.")
        if row["major_code"] and not row[kind]:
            return kind, _("A major class belongs to components or to events: say which.")
        return None

    return check


def _both(one: str, other: str) -> Check:
    def check(row: Values) -> tuple[str, str] | None:
        if bool(row[one]) != bool(row[other]):
            return (other if row[one] else one), _("Give both ends, or neither.")
        return None

    return check


def _two_hours(row: Values) -> tuple[str, str] | None:
    if row["opens_at"] and row["opens_at"] == row["closes_at"]:
        return "closes_at", _("Both ends are the same time.")
    return None


def _chain_sound(row: Values) -> tuple[str, str] | None:
    wrong = approval.problem(row["kind"], row["chain"])
    return ("chain", str(CHAIN_PROBLEMS[wrong])) if wrong else None


def _code_fits(row: Values) -> tuple[str, str] | None:
    try:
        codes.check_minor(codes.Scheme(row["scheme"]), row["minor_code"])
    except (codes.MalformedCode, ValueError):
        return "minor_code", _("The standard in force has three digits, that of 2013 two; a city's own are 080 to 999.")
    return None


def _declared_value(row: Values) -> tuple[str, str] | None:
    declared = SETTINGS.get(row["key"]) if row["key"].startswith(STAGE_LIMITS) else None
    if declared is None:
        return "key", _("There is no such stage limit; take its key from the template.")
    if not declared.accepts(row["value"]):
        return "value", _("Allowed is %(lowest)s to %(highest)s.") % {
            "lowest": declared.lowest, "highest": declared.highest,
        }  # fmt: skip
    return None


CHAIN_PROBLEMS = {
    "empty": gettext_lazy("Name at least one who agrees."),
    "unknown": gettext_lazy("This role agrees to no requests."),
    "twice": gettext_lazy("Nobody agrees twice to the same request."),
    "last": gettext_lazy(
        "The last word on this request belongs to the other centre: dispatcher or commander for return, extension, "
        "suspension, deferral and dispute; the duty leader for voiding; supervision for an appeal."
    ),
}


# — stage limits: settings ———————————————————————————————————————————————————————————————————————————

STAGE_LIMITS = "cases.limit."
SETTING_LABELS = {
    "key": gettext_lazy("Setting"), "area_code": gettext_lazy("Area code"), "value": gettext_lazy("Value"),
}  # fmt: skip
COLUMN_LABELS = {"steps": gettext_lazy("Steps of the chain"), "minor_class": gettext_lazy("Minor class")}
LONG_AGO = date(1, 1, 1)


@dataclass(frozen=True)
class StageLimit:
    """A stage limit of the city or of an area, as the book has it."""

    key: str
    area_code: str
    value: Any


def _help(row: StageLimit) -> str:
    with override(CHINESE):
        return _(SETTINGS[row.key].help)


def _stage_limits(sheet: Sheet, day: date) -> list[Kept]:
    """Return the stage limits: of the city, and of the areas for which somebody set one."""
    rows: dict[tuple[str, str], list[tuple[date, Any]]] = {}
    for key in SETTINGS:
        if key.startswith(STAGE_LIMITS):
            rows[key, ""] = [(LONG_AGO, SETTINGS[key].default)]
    for row in Setting.objects.filter(key__startswith=STAGE_LIMITS).order_by("valid_from"):
        rows.setdefault((row.key, row.area_code), []).append((row.valid_from, row.value))
    found = []
    for (key, area_code), values in rows.items():
        ends = [begins for begins, _value in values[1:]] + [None]
        for (begins, value), until in zip(values, ends, strict=True):
            if until is None or until > day:
                one = StageLimit(key, area_code, value)
                found.append(Kept(f"{key}@{area_code}@{begins}", sheet.texts(one), begins, until, one))
    return found


def _set_stage_limit(_row: Any = None, *, by: User, at: datetime, day: date, values: Values) -> None:
    settings.set_value(
        values["key"], values["value"], by=by, at=at, area_code=values["area_code"], valid_from=day
    )  # fmt: skip


# — which action writes a row ————————————————————————————————————————————————————————————————————————

OWN_OF_CLASS = ("name_zh", "name_en", "department_type", "aliases", "near_metres", "near_hours", "near_on_road",
                "recurrence_days")  # fmt: skip


def _change_class(row: MinorClass, *, by: User, at: datetime, day: date, values: Values) -> None:
    components.change_class(row, by=by, at=at, **{name: values[name] for name in OWN_OF_CLASS})


def _end_row(row, *, by: User, at: datetime, day: date) -> None:
    components.end_dated(row, by=by, at=at, on=day)


def _add_class(*, by: User, at: datetime, day: date, values: Values) -> None:
    components.add_class(by=by, at=at, valid_from=day, **values)


def _add_condition(*, by: User, at: datetime, day: date, values: Values) -> None:
    facts = {name: value for name, value in values.items() if name != "minor_class"}
    components.add_condition(values["minor_class"], by=by, at=at, valid_from=day, **facts)


def _change_condition(row: FilingCondition, *, by: User, at: datetime, day: date, values: Values) -> None:
    facts = {name: value for name, value in values.items() if name not in ("minor_class", "number")}
    components.change_condition(row, by=by, at=at, valid_from=day, **facts)


def _add_limit(*, by: User, at: datetime, day: date, values: Values) -> None:
    cases.add_limit(by=by, at=at, valid_from=day, **values)


def _change_limit(row: LimitOverride, *, by: User, at: datetime, day: date, values: Values) -> None:
    cases.change_limit(row, by=by, at=at, valid_from=day, **values)


def _end_limit(row: LimitOverride, *, by: User, at: datetime, day: date) -> None:
    cases.end_limit(row, by=by, at=at, on=day)


def _adds(add: Callable[..., Any]) -> Callable[..., Any]:
    def write(*, by: User, at: datetime, day: date, values: Values) -> None:
        add(by=by, at=at, valid_from=day, **values)

    return write


def _replaces(add: Callable[..., Any]) -> Callable[..., Any]:
    """The row of before ends on the day, another one begins."""

    def write(row, *, by: User, at: datetime, day: date, values: Values) -> None:
        actions.end_responsibility(row, by=by, at=at, on=day)
        add(by=by, at=at, valid_from=day, **values)

    return write


def _end_rule(row, *, by: User, at: datetime, day: date) -> None:
    actions.end_responsibility(row, by=by, at=at, on=day)


def _add_chain(*, by: User, at: datetime, day: date, values: Values) -> None:
    facts = {name: value for name, value in values.items() if name != "steps"}
    alarms.keep_chain(None, by=by, at=at, steps=values["steps"], valid_from=day, **facts)


def _change_chain(row: AlarmChain, *, by: User, at: datetime, day: date, values: Values) -> None:
    if day > row.valid_from:
        alarms.end_chain(row, by=by, at=at, on=day)
        _add_chain(by=by, at=at, day=day, values=values)
    else:
        facts = {name: value for name, value in values.items() if name != "steps"}
        alarms.keep_chain(row, by=by, at=at, steps=values["steps"], **facts)


def _end_chain(row: AlarmChain, *, by: User, at: datetime, day: date) -> None:
    alarms.end_chain(row, by=by, at=at, on=day)


# — the table ————————————————————————————————————————————————————————————————————————————————————————


class _StepsOfRow(Steps):
    """Steps as a row of chains keeps them."""

    def said(self, value: Any) -> str:
        return super().said(chains.read_steps(value))


_CLASS = "小类，例如 事件06-003；名称可写可不写"
_AREA = "区划代码，空白为全市"
_KIND = Choice(MinorClass.Kind.choices)
_MAJOR = Cell(2, pattern="[0-9]{2}", wants="06")
_MINOR = Cell(3, pattern="[0-9]{2,3}", wants="003")
_CODE = Cell(40, pattern="[A-Za-z0-9_-]+", wants="not_ours")
_ROAD_CLASS = Choice(Road.RoadClass.choices)
_URGENCY = Choice(Case.Urgency.choices, empty=None)
_CLOCKS = [(str(name), label) for name, label in workflow.CLOCK_LABELS.items() if name != workflow.Clock.OVERALL]
_APPROVERS = [(role, label) for role, label in APPROVER_LABELS.items()]


class _Labelled:
    """A label that is translated where it is shown."""

    def __init__(self, msgid: str) -> None:
        self.msgid = msgid

    def __str__(self) -> str:
        return _(self.msgid)


def _labelled(labels: dict[Any, str]) -> list[tuple[str, _Labelled]]:
    return [(str(value), _Labelled(label)) for value, label in labels.items()]


SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "classes", "分类", gettext_lazy("Classes of the catalogue"),
        "部件和事件的小类。代码不能改：要改代码，请废止旧小类、另增新小类。名称、主管部门类型等在生效日起改变。",
        (
            Column("scheme", "标准", Choice(MinorClass.Scheme.choices), "代码标准", 18, True, True),
            Column("kind", "类别", _KIND, "部件或事件", 8, True, True),
            Column("major_code", "大类代码", _MAJOR, "两位数字", 9, True, True),
            Column("major_name_zh", "大类名称", Cell(50), "", 16, True, True),
            Column("minor_code", "小类代码", _MINOR, "两位或三位数字", 9, True, True),
            Column("name_zh", "小类名称", Cell(100), "", 22, True),
            Column("name_en", "英文名称", Cell(100), "", 22),
            Column("department_type", "主管部门类型", Cell(100), "例如 环卫部门；可用 / 分开几类", 22),
            Column("aliases", "别名", Aliases(500, lines=True), "几个别名用、分开", 24),
            Column("near_metres", "同一问题（米）", Whole(1, 2000), "空白时按系统设置", 10),
            Column("near_hours", "同一问题（小时）", Whole(1, 8760), "空白时按系统设置", 10),
            Column("near_on_road", "沿路算一个", flag(), "是，或空白", 10),
            Column("recurrence_days", "反复（天）", Whole(0, 3650), "结案后多少天内再发生算反复；空白时按系统设置", 10),
        ),
        kept=_dated, add=_add_class, change=_change_class, end=_end_row, page="components:catalogue",
        checks=(_code_fits,), keys=("scheme", "kind", "major_code", "minor_code"), model=MinorClass,
    ),
    Sheet(
        "conditions", "立案条件", gettext_lazy("Filing conditions"),
        "每个小类的立案条件、结案条件和处置时限。只影响生效日起立案的案件，已立案件的时限不变。",
        (
            Column("minor_class", "小类", ClassCell(), _CLASS, 24, True, True),
            Column("number", "序号", Whole(1, 99), "同一小类内的序号", 6, True, True),
            Column("condition_zh", "立案条件", Cell(2000, lines=True), "", 36, True),
            Column("condition_en", "立案条件（英文）", Cell(2000, lines=True), "", 20),
            Column("close_condition_zh", "结案条件", Cell(2000, lines=True), "", 30, True),
            Column("close_condition_en", "结案条件（英文）", Cell(2000, lines=True), "", 20),
            Column("limit_value", "时限", Amount(12, 6), "数字；空白时按系统设置的默认时限", 8),
            Column("limit_unit", "单位", Choice(FilingCondition.LimitUnit.choices), "与时限同填同空", 10),
            Column("season", "季节", Choice(FilingCondition.Season.choices), "", 12),
            Column("legal_basis", "法律依据", Cell(2000, lines=True), "", 20),
            Column("source", "数据来源", Cell(100), "", 16),
            Column("note", "备注", Cell(200), "", 16),
            Column("is_active", "启用", flag(), "是；空白为暂不用于立案", 6),
        ),
        kept=_dated, add=_add_condition, change=_change_condition, end=_end_row, page="components:catalogue",
        checks=(_limit_whole,), keys=("minor_class", "number"), model=FilingCondition,
    ),
    Sheet(
        "limits", "特定案件时限", gettext_lazy("Limits for some cases"),
        "某些案件的另一时限：按条件或小类、区域、区域类别、道路、紧急程度；空白为不限，取最窄的一行。填时限，或填比例，二者取一。",
        (
            Column("minor_class", "小类", ClassCell(), _CLASS, 24),
            Column("filing_condition", "立案条件", ConditionCell(), "例如 事件06-003#1", 18),
            Column("area_code", "区划代码", Place(), _AREA, 14),
            Column("area_class", "区域类别", Choice(UnitGrid.AreaClass.choices), "", 9),
            Column("road_class", "道路类别", _ROAD_CLASS, "", 9),
            Column("urgency", "紧急程度", _URGENCY, "", 9),
            Column("limit_value", "时限", Amount(12, 6), "另一时限", 8),
            Column("limit_unit", "单位", Choice(UNIT_CHOICES), "与时限同填同空", 16),
            Column("share", "比例", Amount(5, 3), "通常时限的几成，例如 0.5", 8),
            Column("note", "备注", Cell(200), "", 20),
        ),
        kept=_dated, add=_add_limit, change=_change_limit, end=_end_limit, page="cases:limits",
        checks=(_limit_whole, _limit_or_share, _class_or_condition), model=LimitOverride,
    ),
    Sheet(
        "stages", "环节时限", gettext_lazy("Stage limits"),
        "受理、核实、立案、派遣、核查、结案等环节的时限（分钟，连续计时）和默认处置时限（工作小时）。区划另定的写区划代码；全市的行不能废止。",
        (
            Column("key", "设置项", SettingKey(80), "从模板照抄", 34, True, True),
            Column("area_code", "区划代码", Place(), _AREA, 14, False, True),
            Column("value", "数值", Whole(0, 100_000), "分钟；默认处置时限为工作小时", 8, True),
        ),
        kept=_stage_limits, add=_set_stage_limit, change=_set_stage_limit, end=None, page="accounts:settings",
        checks=(_declared_value,), keys=("key", "area_code"), note=_help,
    ),
    Sheet(
        "responsibilities", "权责矩阵", gettext_lazy("Responsibility table"),
        "哪类问题在哪里、何时由哪个单位处置；空白为不限，取最窄的一行。联合会办形成的先例不在此表。",
        (
            Column("minor_class", "小类", ClassCell(), _CLASS, 24),
            Column("kind", "类别", _KIND, "不写小类时可写", 8),
            Column("major_code", "大类代码", _MAJOR, "须同时写类别", 9),
            Column("area_code", "区划代码", Place(15), "区、街道、社区或单元网格，空白为全市", 17),
            Column("duty_grid", "责任网格", DutyGridCell(), "责任网格代码", 12),
            Column("road", "道路", RoadCell(), "路名；重名时写 路名@区划代码", 16),
            Column("road_class", "道路类别", _ROAD_CLASS, "", 9),
            Column("owner", "权属单位", DepartmentCell(), "单位代码，名称可写可不写", 24),
            Column("opens_at", "每天起", Clock(), "例如 18:00，可跨夜", 8),
            Column("closes_at", "每天止", Clock(), "例如 06:00", 8),
            Column("weekdays", "星期", Cell(7, pattern="[1-7]{1,7}", wants="67"), "1 至 7，例如 67", 8),
            Column("season_from", "每年起", Cell(5, pattern=DAY_OF_A_YEAR, wants="05-01"), "月-日", 8),
            Column("season_to", "每年止", Cell(5, pattern=DAY_OF_A_YEAR, wants="09-30"), "月-日，含当日", 8),
            Column("department", "责任单位", DepartmentCell(), "单位代码，名称可写可不写", 24, True),
            Column("sort", "次序", Whole(0, 100_000, empty=100), "同样窄时小的在前；空白为 100", 6),
            Column("note", "备注", Cell(200), "", 20),
        ),
        kept=_dated, add=_adds(actions.add_responsibility), change=_replaces(actions.add_responsibility), end=_end_rule,
        page="dispatch:responsibilities", model=ResponsibilityRule,
        checks=(_one_way("kind"), _both("opens_at", "closes_at"), _both("season_from", "season_to"), _two_hours),
    ),
    Sheet(
        "chains", "告警升级规则", gettext_lazy("Escalation chains"),
        "时限的告警链：何时、告诉谁、用什么方式；每步一行（单元格内换行）。例如：超期120分钟：分管领导；短信",
        (
            Column("name", "名称", Cell(60), "", 18, True),
            Column("kind", "类别", _KIND, "不写小类时可写", 8),
            Column("major_code", "大类代码", _MAJOR, "须同时写类别", 9),
            Column("minor_class", "小类", ClassCell(), _CLASS, 24),
            Column("clock", "环节", Choice(_labelled(dict(_CLOCKS))), "空白为全部环节", 10),
            Column("urgency", "紧急程度", _URGENCY, "", 9),
            Column("area_code", "区划代码", Place(), _AREA, 14),
            Column("steps", "各步", _StepsOfRow(
                _labelled(escalation.AUDIENCE_LABELS), _labelled(escalation.MEANS_LABELS)
            ), "用时N%、黄灯、超期N分钟；其后：对象、对象；方式；每N分钟重复N次；夜间", 60, True),
        ),
        kept=_dated, add=_add_chain, change=_change_chain, end=_end_chain, page="cases:chains",
        checks=(_one_way("kind"),), model=AlarmChain,
    ),
    Sheet(
        "approvals", "审批规则", gettext_lazy("Approval rules"),
        "部门申请由谁依次同意、最多几次、最长几天；空白为不限，取最窄的一行。已提出的申请按原规则走完。",
        (
            Column("kind", "申请", Choice(Request.Kind.choices), "", 10, True),
            Column("ground", "理由", Cell(40), "理由代码", 14),
            Column("class_kind", "类别", _KIND, "不写小类时可写", 8),
            Column("major_code", "大类代码", _MAJOR, "须同时写类别", 9),
            Column("minor_class", "小类", ClassCell(), _CLASS, 24),
            Column("area_code", "区划代码", Place(), _AREA, 14),
            Column("level", "部门级别", Whole(0, 3, empty=0), "1 至 3，空白为不限", 9),
            Column("nth", "第几次", Whole(0, 99, empty=0), "空白为不限", 8),
            Column("min_days", "至少天数", Whole(0, 3650, empty=0), "空白为不限", 9),
            Column("is_custom", "自定时长", flag(empty=None), "是、否，空白为不限", 9),
            Column("chain", "审批人", Several(_APPROVERS, between="→"), "依次写，用→分开", 24, True),
            Column("max_count", "最多次数", Whole(0, 99), "空白按系统设置", 9),
            Column("max_days", "最长天数", Whole(0, 3650), "空白按系统设置", 9),
            Column("grounds", "可用理由", Codes(400), "理由代码，用、分开；空白为不限", 20),
            Column("needs_file", "须附文件", flag(), "是，或空白", 9),
            Column("note", "备注", Cell(200), "", 20),
        ),
        kept=_dated, add=_adds(actions.add_approval_rule), change=_replaces(actions.add_approval_rule), end=_end_rule,
        page="dispatch:rules", checks=(_one_way("class_kind"), _chain_sound), model=ApprovalRule,
    ),
    Sheet(
        "grounds", "申请理由", gettext_lazy("Grounds of requests"),
        "部门申请的理由；代码与内置理由相同的，生效后代替内置的。",
        (
            Column("kind", "申请", Choice(Request.Kind.choices), "", 10, True, True),
            Column("code", "代码", _CODE, "字母、数字和 _", 18, True, True),
            Column("name_zh", "名称", Cell(60), "", 24, True),
            Column("name_en", "英文名称", Cell(80), "", 24),
            Column("is_wrong_dispatch", "属错派", flag(), "是，或空白：同意后原派遣算错派", 9),
            Column("sort", "次序", Whole(0, 100_000, empty=100), "空白为 100", 6),
        ),
        kept=_dated, add=_adds(actions.add_ground), change=_replaces(actions.add_ground), end=_end_rule,
        page="dispatch:rules", keys=("kind", "code"), model=Ground,
    ),
)  # fmt: skip
BY_NAME = {one.name: one for one in SHEETS}


def kept_book(day: date) -> dict[str, list[Kept]]:
    """Return every row that holds on a day or later, by sheet; one query a sheet."""
    return {sheet.name: sheet.kept(sheet, day) for sheet in SHEETS}


# — what another book would change ———————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Line:
    """A row of a book somebody sent: where it stands, the number of the row it is about, its texts."""

    row: int
    id: str
    is_end: bool
    texts: Texts


@dataclass(frozen=True)
class Fault:
    """What is wrong with a book, and where: the titles of sheet and column, the row (0: the sheet as a whole)."""

    sheet: str
    row: int
    column: str
    what: str


@dataclass(frozen=True)
class Change:
    """A row that would begin (`before` None), end (`after` None) or be another one from the day on."""

    sheet: str
    id: str = ""
    before: Texts | None = None
    after: Texts | None = None
    row: int = 0

    @property
    def what(self) -> str:
        return "new" if self.before is None else "ended" if self.after is None else "changed"

    def as_json(self) -> list:
        return [self.sheet, self.id, self.before, self.after, self.row]


@dataclass
class Compared:
    """What a book would change; with faults, nothing of it may be taken in."""

    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_out: int = 0  # rows in force that the book does not name: they stay


MOST_FAULTS = 200


def compare(book: dict[str, Sequence[Line]], *, day: date) -> Compared:
    """Return what a book would change from a day on. A sheet that is not there changes nothing."""
    found, names = Compared(), Names(day)
    for sheet in SHEETS:
        if sheet.name in book:
            _Comparing(sheet, names, day, found).all(book[sheet.name])
    _end_conditions_with_their_class(found, day)
    return found


class _Comparing:
    """One sheet of a book beside the rows that are there."""

    def __init__(self, sheet: Sheet, names: Names, day: date, found: Compared) -> None:
        self.sheet, self.names, self.day, self.found = sheet, names, day, found
        self.kept = {one.id: one for one in sheet.kept(sheet, day)}
        self.changes: list[Change] = []

    def all(self, lines: Sequence[Line]) -> None:
        older = rows_of(self.sheet, {line.id for line in lines if line.id and line.id not in self.kept})
        self.older = {one.id: one for one in older}
        seen: dict[str, int] = {}
        for line in lines:
            if line.id and line.id in seen:
                self._fault(line, "", _("this row stands there twice; row %s has the same number") % seen[line.id])
            else:
                seen[line.id] = line.row
                self._one(line)
        self._refuse_twice()
        self.found.changes += self.changes
        self.found.left_out += sum(one.holds(self.day) and one.id not in seen for one in self.kept.values())

    def _fault(self, line: Line, column: str, what: str) -> None:
        if len(self.found.faults) < MOST_FAULTS:
            title = self.sheet.column(column).title if column else ""
            self.found.faults.append(Fault(self.sheet.title, line.row, title, what))

    def _one(self, line: Line) -> None:
        if not line.id:
            if line.is_end:
                self._fault(line, "", _("a new row cannot be ended; leave it out"))
            elif (texts := self._canonical(line, None)) is not None:
                self.changes.append(Change(self.sheet.name, "", None, texts, line.row))
            return
        here = self.kept.get(line.id) or self.older.get(line.id)
        if here is None:
            self._fault(line, "", _("there is no row with this number; leave the number empty for a new row"))
        elif line.is_end:
            self._end(line, here)
        elif line.texts != here.texts:
            texts = self._canonical(line, here)
            if texts is not None and texts != here.texts and self._may_change(line, here):
                self.changes.append(Change(self.sheet.name, here.id, here.texts, texts, line.row))

    def _end(self, line: Line, here: Kept) -> None:
        if self.sheet.end is None:
            self._fault(line, "", _("a stage limit is not ended; give it another value"))
        elif here.valid_from == self.day:
            self._fault(line, "", _("it begins on that very day; it can be ended from the next day on"))
        elif self._may_change(line, here):
            self.changes.append(Change(self.sheet.name, here.id, here.texts, None, line.row))

    def _may_change(self, line: Line, here: Kept) -> bool:
        """Only what holds on the day and goes on holding is changed; the rest was changed by somebody already."""
        if not here.holds(self.day):
            what = _("this row does not hold on %(day)s; take the template of that day, or choose another day")
            self._fault(line, "", what % {"day": self.day})
        elif here.valid_to is not None:
            what = _("this row ends on %(day)s already; choose that day or a later one")
            self._fault(line, "", what % {"day": here.valid_to})
        else:
            return True
        return False

    def _canonical(self, line: Line, here: Kept | None) -> Texts | None:
        """Return the texts as the book itself would write them; None, with faults noted, where one means nothing.

        Cells that stay as they are are not asked: what they name may have ended since.
        """
        values: Values = {}
        texts: Texts = {}
        known = len(self.found.faults)
        for column in self.sheet.columns:
            said = line.texts[column.name]
            if here is not None and column.fixed and said != here.texts[column.name]:
                what = _("this cannot be changed on a row that is there; end the row and write a new one")
                self._fault(line, column.name, what)
                continue
            if column.needed and not said:
                self._fault(line, column.name, _("this must be filled in"))
                continue
            try:
                values[column.name] = column.cell.value(said, self.names)
                texts[column.name] = column.cell.said(_as_kept(column, values[column.name]))
            except ValueError as error:
                if here is not None and said == here.texts[column.name]:
                    values[column.name], texts[column.name] = getattr(here.row, column.name), said
                else:
                    self._fault(line, column.name, str(error))
        if len(self.found.faults) > known or len(texts) < len(self.sheet.columns):
            return None
        for check in self.sheet.checks:
            wrong = check(values)
            if wrong is not None:
                self._fault(line, *wrong)
                return None
        if self.sheet.name == "classes" and here is None:
            self.names.classes_to_come.append(MinorClass(**values, valid_from=self.day))
        return texts

    def _refuse_twice(self) -> None:
        """Of rows with the same keys, and of rows alike in everything, only one may be in force."""
        changed = {change.id for change in self.changes}
        names = self.sheet.keys or tuple(column.name for column in self.sheet.columns)
        taken = {
            tuple(one.texts[name] for name in names): 0
            for one in self.kept.values()
            if (one.valid_to is None or one.valid_to > self.day) and one.id not in changed
        }
        for change in self.changes:
            if change.after is None:
                continue
            key = tuple(change.after[name] for name in names)
            if key in taken:
                line = Line(change.row, change.id, False, change.after)
                where = _("row %s") % taken[key] if taken[key] else _("a row that is there")
                self._fault(line, "", _("the same stands already in %s; change that one") % where)
            taken[key] = change.row


def _as_kept(column: Column, value: Any) -> Any:
    """Return a value as a row keeps it, to be written again."""
    return chains.write_steps(value) if isinstance(column.cell, _StepsOfRow) else value


def _end_conditions_with_their_class(found: Compared, day: date) -> None:
    """A class that ends takes its conditions with it, unless the book says so of them itself."""
    ended = [change.id for change in found.changes if change.sheet == "classes" and change.after is None]
    if not ended:
        return
    sheet = BY_NAME["conditions"]
    rows = _not_over(_QUERIES["conditions"], day).filter(minor_class__public_id__in=ended, valid_to=None)
    named = {change.id for change in found.changes if change.sheet == "conditions"}
    found.changes += [
        Change("conditions", one.id, one.texts, None) for one in _rows(sheet, rows) if one.id not in named
    ]


# — taking it in —————————————————————————————————————————————————————————————————————————————————————

ORDER = {"ended": 0, "changed": 1, "new": 2}  # what ends makes room for what is new


def put_in_force(changes: Sequence[Change], *, by: User, at: datetime, day: date, today: date) -> list[Change]:
    """Write what a book changes, all of it or nothing; return what is left to be done on the day itself.

    What a class is called and whose it is has no dates of its own: it is changed on the day. Raises RulesMoved,
    RulesFromThePast.
    """
    if not may_keep_responsibilities(by, at=at):
        raise PermissionDenied
    if day < today:
        raise RulesFromThePast(day=day)
    later: list[Change] = []
    with transaction.atomic():
        _take_turn()
        _refuse_moved(changes, day)
        for sheet in SHEETS:
            names = Names(day)  # anew for each sheet: classes of this book are there by now
            mine = [one for one in changes if one.sheet == sheet.name]
            for change in sorted(mine, key=lambda one: ORDER[one.what]):
                if sheet.name == "classes" and change.what == "changed" and day > today:
                    later.append(change)
                else:
                    _write(sheet, change, names, by=by, at=at, day=day)
    return later


def _take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('dispatch.rulebook'))")


def _refuse_moved(changes: Sequence[Change], day: date) -> None:
    """Refuse when a row is no longer as the preview saw it, or what would be new is there by now."""
    for sheet in SHEETS:
        mine = [change for change in changes if change.sheet == sheet.name]
        if not mine:
            continue
        kept = {one.id: one for one in sheet.kept(sheet, day)}
        touched = {change.id for change in mine}
        keys = {tuple(one.texts[name] for name in sheet.keys) for one in kept.values() if one.id not in touched}
        for change in mine:
            here = kept.get(change.id)
            if change.before is None:
                moved = bool(sheet.keys) and tuple(change.after[name] for name in sheet.keys) in keys
            else:
                moved = here is None or here.texts != change.before or not here.holds(day) or here.valid_to is not None
            if moved:
                raise RulesMoved(what=sheet.label)


def _write(sheet: Sheet, change: Change, names: Names, *, by: User, at: datetime, day: date) -> None:
    row = rows_of(sheet, [change.id])[0] if change.id else None
    if change.after is None:
        sheet.end(row.row, by=by, at=at, day=day)
        return
    values = values_meant(sheet, change, row, names)
    if row is None:
        sheet.add(by=by, at=at, day=day, values=values)
    else:
        sheet.change(row.row, by=by, at=at, day=day, values=values)


def values_kept(sheet: Sheet, row: Kept) -> Values:
    """Return what a row has in the columns of its sheet."""
    return {column.name: _kept_value(column, row) for column in sheet.columns}


def _kept_value(column: Column, row: Kept) -> Any:
    kept = getattr(row.row, column.name)
    return chains.read_steps(kept) if isinstance(column.cell, _StepsOfRow) else kept


def values_meant(sheet: Sheet, change: Change, row: Kept | None, names: Names) -> Values:
    """Return the values of a change; a cell that stays keeps what the row has, whatever became of it."""
    return {
        column.name: _kept_value(column, row)
        if row is not None and change.after[column.name] == row.texts[column.name]
        else column.cell.value(change.after[column.name], names)
        for column in sheet.columns
    }


def write_classes(changes: Sequence[Change], *, by: User, at: datetime, day: date) -> None:
    """Change what classes are called on the day from which that was to hold; one that ended meanwhile is left alone."""
    sheet, names = BY_NAME["classes"], Names(day)
    with transaction.atomic():
        _take_turn()
        kept = {one.id: one for one in sheet.kept(sheet, day)}
        for change in changes:
            if change.id in kept:
                _write(sheet, change, names, by=by, at=at, day=day)


def changes_from(kept: Iterable[list]) -> list[Change]:
    """Return changes as `Change.as_json` wrote them."""
    return [Change(*one) for one in kept]


def take_in(sent: RuleChange, *, by: User, at: datetime, today: date) -> RuleChange:
    """Put a book in force that somebody sent and looked at. Raises RulesTaken, RulesMoved, RulesFromThePast."""
    with transaction.atomic():
        sent = RuleChange.objects.select_for_update(no_key=True).get(pk=sent.pk)
        if sent.taken_at is not None:
            raise RulesTaken(when=sent.taken_at)
        left = put_in_force(changes_from(sent.changes), by=by, at=at, day=sent.valid_from, today=today)
        sent.left = [change.as_json() for change in left]
        sent.taken_by, sent.taken_at = by, at
        sent.save(update_fields=["left", "taken_by", "taken_at"])
    return sent


def do_what_is_left(*, at: datetime, today: date) -> int:
    """Change what classes are called where the day for it has come; return how many books had such changes."""
    due = RuleChange.objects.filter(taken_at__isnull=False, valid_from__lte=today).exclude(left=[])
    done = 0
    for sent in due.select_related("taken_by"):
        with transaction.atomic():
            write_classes(changes_from(sent.left), by=sent.taken_by, at=at, day=today)
            done += RuleChange.objects.filter(pk=sent.pk).update(left=[])
    return done


KEPT_PREVIEWS = timedelta(days=30)


def forget_previews(*, at: datetime) -> int:
    """Erase books that were looked at long ago and never taken in; return how many."""
    return RuleChange.objects.filter(taken_at__isnull=True, sent_at__lt=at - KEPT_PREVIEWS).delete()[0]
