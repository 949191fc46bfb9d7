"""The pages of the rule book: all rules at a glance, the workbook out and in, what a change would do.

Each door asks whether this person keeps the rules, reads the file or the form, and calls one action.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from celery import current_app
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import DateInput, SettingForm
from accounts.models import Department
from cases.forms import LimitForm
from cases.models import UNIT_CHOICES, Request
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from components.forms import ConditionForm
from components.models import FilingCondition, MinorClass
from dispatch import foresight, rulebook, sheets
from dispatch.forms import ApprovalRuleForm, ResponsibilityForm
from dispatch.models import APPROVER_LABELS, RuleChange
from dispatch.permissions import may_keep_responsibilities
from dispatch.rulebook import BY_NAME, SHEETS, Change, Kept, Sheet
from office.declared import SETTINGS

ROWS_SHOWN, LINES_SHOWN, BOOKS_SHOWN = 50, 40, 12


def _keepers_only(request: HttpRequest, at: datetime) -> None:
    if not may_keep_responsibilities(request.user, at=at):
        raise PermissionDenied(_("The rules are kept by the administrators."))


class BookForm(forms.Form):
    """A workbook, and the day from which what it changes holds."""

    file = forms.FileField(
        label=gettext_lazy("Rule book (.xlsx)"), max_length=200,
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )  # fmt: skip
    valid_from = forms.DateField(
        label=gettext_lazy("It holds from"), widget=DateInput(),
        help_text=gettext_lazy("Today or a later day. Cases filed before that day keep what they were promised."),
    )  # fmt: skip

    def __init__(self, *args, day: date, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.day = day
        self.fields["valid_from"].initial = day + timedelta(days=1)

    def clean_valid_from(self) -> date:
        if self.cleaned_data["valid_from"] < self.day:
            raise forms.ValidationError(_("Choose today or a later day."))
        return self.cleaned_data["valid_from"]


# — all rules at a glance ————————————————————————————————————————————————————————————————————————————


@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """All rules with what is to come; the workbook to take away, and to send back."""
    at = timezone.now()
    _keepers_only(request, at)
    day = timezone.localdate(at)
    form = BookForm(request.POST or None, request.FILES or None, day=day)
    faults, status = [], 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                sent, faults = _look_at(form, by=request.user, at=at)
            except Refusal as refusal:
                form.add_error("file", sentence(refusal))
            else:
                if not faults:
                    return redirect("dispatch:rule_preview", sent.public_id)
    in_force, to_come = _counted(day)
    context = {
        "form": form, "faults": faults[: rulebook.MOST_FAULTS], "tomorrow": day + timedelta(days=1), "to_come": to_come,
        "sheets": [(one, in_force.get(one.name, 0), reverse(one.page)) for one in SHEETS],
        "sent": RuleChange.objects.select_related("by", "taken_by").defer("changes", "found")[:BOOKS_SHOWN],
    }  # fmt: skip
    return render(request, "dispatch/rule_book.html", context, status=status)


def _look_at(form: BookForm, *, by, at: datetime) -> tuple[RuleChange | None, list[rulebook.Fault]]:
    """Compare a workbook with what is there; keep what it changes, unless something in it is wrong."""
    file, day = form.cleaned_data["file"], form.cleaned_data["valid_from"]
    found = sheets.look_at(file.read(sheets.LARGEST_BYTES + 1), name=file.name, day=day)
    if found.faults:
        return None, found.faults
    sent = RuleChange.objects.create(
        by=by, sent_at=at, source=file.name[:120], valid_from=day, left_out=found.left_out,
        changes=[change.as_json() for change in found.changes], counted_at=None if found.changes else at,
    )  # fmt: skip
    if found.changes:
        if foresight.is_small(at=at):
            foresight.count(sent, at=at)
        else:
            current_app.send_task("dispatch.tasks.count_what_would_change", [sent.pk])
    return sent, []


# A table of rows with dates, and which of its rows the book has.
_TABLES = {sheet.name: (sheet.model._meta.db_table, "true") for sheet in SHEETS if sheet.model is not None} | {
    "responsibilities": (BY_NAME["responsibilities"].model._meta.db_table, "origin = 'table'")
}


def _counted(day: date) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Return how many rows of each sheet hold on a day, and on which later days how many begin or end; one query."""
    parts = []
    for name, (table, of_the_book) in _TABLES.items():
        of_table = f"FROM {table} WHERE {of_the_book}"
        parts += [
            f"SELECT '{name}', NULL::date, count(*), 0 {of_table} AND valid_from <= %(day)s "
            "AND (valid_to IS NULL OR valid_to > %(day)s)",
            f"SELECT '{name}', valid_from, count(*), 0 {of_table} AND valid_from > %(day)s GROUP BY 2",
            f"SELECT '{name}', valid_to, 0, count(*) {of_table} AND valid_to > %(day)s GROUP BY 2",
        ]
    limits = f"FROM office_setting WHERE key LIKE '{rulebook.STAGE_LIMITS}%%' AND"
    parts += [
        f"SELECT 'stages', NULL::date, count(DISTINCT (key, area_code)), 0 {limits} area_code <> '' "
        "AND valid_from <= %(day)s",
        f"SELECT 'stages', valid_from, count(*), 0 {limits} valid_from > %(day)s GROUP BY 2",
    ]
    in_force, coming = {}, {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"day": day})
        for name, on, begins, ends in cursor.fetchall():
            if on is None:
                in_force[name] = begins
            else:
                one = coming.setdefault((on, name), {"day": on, "sheet": BY_NAME[name], "begins": 0, "ends": 0})
                one["begins"] += begins
                one["ends"] += ends
    in_force["stages"] = in_force.get("stages", 0) + sum(key.startswith(rulebook.STAGE_LIMITS) for key in SETTINGS)
    return in_force, [coming[key] for key in sorted(coming)]


@require_safe
def workbook(request: HttpRequest) -> HttpResponse:
    """The workbook with the rules that hold on ?on=2027-01-01, today unless told otherwise."""
    at = timezone.now()
    _keepers_only(request, at)
    day = _day(request.GET.get("on", "")) or timezone.localdate(at)
    response = HttpResponse(
        sheets.write(rulebook.kept_book(day), day=day),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response["Content-Disposition"] = content_disposition_header(True, f"规则簿-{day}.xlsx")
    return response


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


@require_safe
def coming(request: HttpRequest, name: str, day: str) -> HttpResponse:
    """The rows of a sheet that begin or end on a day."""
    at = timezone.now()
    _keepers_only(request, at)
    sheet, on = BY_NAME.get(name), _day(day)
    if sheet is None or on is None or on < date(2000, 1, 2):
        raise Http404
    rows = sheet.kept(sheet, on - timedelta(days=1))
    changes = _between(
        sheet, [one for one in rows if one.valid_to == on], [one for one in rows if one.valid_from == on]
    )
    page = Paginator(changes, ROWS_SHOWN).get_page(request.GET.get("page"))
    context = {"sheet": sheet, "on": on, "page": page, "rows": [shown_change(one) for one in page],
               "address": reverse(sheet.page)}  # fmt: skip
    return render(request, "dispatch/rules_coming.html", context)


def _between(sheet: Sheet, ending: list[Kept], beginning: list[Kept]) -> list[Change]:
    """Return what ends and begins on one day as changes: of rows with the same keys one becomes the other."""
    before = {tuple(one.texts[name] for name in sheet.keys): one for one in ending} if sheet.keys else {}
    found = []
    for one in beginning:
        old = before.pop(tuple(one.texts[name] for name in sheet.keys), None)
        found.append(Change(sheet.name, one.id, old.texts if old else None, one.texts))
    gone = before.values() if sheet.keys else ending
    return [*(Change(sheet.name, one.id, one.texts, None) for one in gone), *found]


# — what a book would change —————————————————————————————————————————————————————————————————————————


@require_safe
def preview(request: HttpRequest, public_id) -> HttpResponse:
    """What a book changes, row by row, and what that would have done to the cases of the last days."""
    at = timezone.now()
    _keepers_only(request, at)
    sent = get_object_or_404(RuleChange.objects.select_related("by", "taken_by"), public_id=public_id)
    figures = shown_figures(sent.found)
    if request.htmx and not request.htmx.boosted:
        return render(request, "dispatch/_counting.html", {"sent": sent, "figures": figures, "parts": len(PARTS)})
    changes = rulebook.changes_from(sent.changes)
    wanted = request.GET.get("sheet", "")
    chosen = [one for one in changes if wanted in ("", one.sheet)]
    page = Paginator(chosen, ROWS_SHOWN).get_page(request.GET.get("page"))
    tabs = [(sheet, sum(one.sheet == sheet.name for one in changes)) for sheet in SHEETS]
    context = {
        "sent": sent, "figures": figures, "parts": len(PARTS), "page": page,
        "rows": [shown_change(one) for one in page],
        "total": len(changes), "tabs": [(sheet, number) for sheet, number in tabs if number], "wanted": wanted,
        "numbers": [(label, sum(one.what == what for one in changes)) for what, label in KINDS.items()],
        "is_late": sent.taken_at is None and sent.valid_from < timezone.localdate(at), "days": foresight.DAYS,
    }  # fmt: skip
    return render(request, "dispatch/rule_preview.html", context)


@require_POST
def take(request: HttpRequest, public_id) -> HttpResponse:
    """Take a book in that was looked at: all of it or nothing. `drop` forgets it."""
    at = timezone.now()
    _keepers_only(request, at)
    sent = get_object_or_404(RuleChange, public_id=public_id)
    if "drop" in request.POST and sent.taken_at is None:
        sent.delete()
        messages.success(request, _("The rule book was put aside. Nothing was changed."))
        return redirect("dispatch:rule_book")
    try:
        rulebook.take_in(sent, by=request.user, at=at, today=timezone.localdate(at))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    else:
        messages.success(request, _("Taken in. It holds from %(day)s on.") % {"day": sent.valid_from})
    return redirect("dispatch:rule_preview", sent.public_id)


KINDS = {"new": gettext_lazy("added"), "changed": gettext_lazy("changed"), "ended": gettext_lazy("ended")}
# What names a row to a reader.
SUMMARY = {
    "classes": ("kind", "major_code", "minor_code", "name_zh"),
    "conditions": ("minor_class", "number", "condition_zh"),
    "limits": ("filing_condition", "minor_class", "area_code", "area_class", "road_class", "urgency"),
    "stages": ("key", "area_code"),
    "responsibilities": ("minor_class", "kind", "major_code", "area_code", "road", "road_class", "department"),
    "chains": ("name",),
    "approvals": ("kind", "ground", "minor_class", "class_kind", "major_code", "area_code"),
    "grounds": ("kind", "code", "name_zh"),
}


@dataclass(frozen=True)
class ShownChange:
    """A change as a page says it: which sheet, which row, and (column, before, after) of what differs."""

    sheet: Sheet
    what: str
    label: str
    title: str
    cells: list[tuple[str, str, str]]
    row: int


def shown_change(change: Change) -> ShownChange:
    """Return a change in the language of the page."""
    sheet = BY_NAME[change.sheet]
    before, after = change.before or {}, change.after or {}
    here = after or before
    named = [sheet.column(name).cell.shown(here[name]) for name in SUMMARY[sheet.name] if here[name]]
    if change.what == "changed":
        names = [one.name for one in sheet.columns if before[one.name] != after[one.name]]
    else:
        names = [one.name for one in sheet.columns if here[one.name] and one.name not in SUMMARY[sheet.name]]
    if "limit_value" in names and "limit_unit" in names:  # the number is said with its unit
        names.remove("limit_unit")
    cells = [
        (sheet.label_of(name), _cell(sheet, name, before), _cell(sheet, name, after)) for name in names
    ]  # fmt: skip
    return ShownChange(
        sheet, change.what, str(KINDS[change.what]), " · ".join(named) or _("all cases"), cells, change.row
    )


def _cell(sheet: Sheet, name: str, texts: dict[str, str]) -> str:
    said = sheet.column(name).cell.shown(texts[name]) if texts.get(name) else ""
    return f"{said} {_cell(sheet, 'limit_unit', texts)}" if said and name == "limit_value" else said


# — the figures ——————————————————————————————————————————————————————————————————————————————————————

PARTS = tuple(foresight.PARTS)


def shown_figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return the parts that bear on something, with classes and departments for their keys; at most two queries.

    "done" says how many parts are counted, "is_empty" that nothing bears on cases.
    """
    parts = {name: found.get(name) for name in PARTS}
    keys = {line["class"] for name in ("limits", "routes") for line in (parts[name] or {}).get("lines", ())}
    classes = MinorClass.objects.in_bulk(keys) if keys else {}
    codes = {line[side] for line in (parts["routes"] or {}).get("lines", ()) for side in ("before", "after")}
    names = {one.code: one for one in Department.objects.filter(code__in=codes)} if codes else {}
    shown: dict[str, Any] = {"done": len(found), "is_empty": len(found) == len(PARTS) and not any(parts.values())}
    for name, part in parts.items():
        if part is None:
            continue
        lines = [_shown_line(name, line, classes, names) for line in part["lines"][:LINES_SHOWN]]
        shown[name] = {**part, "lines": lines, "more": max(0, len(part["lines"]) - LINES_SHOWN)}
    return shown


def _shown_line(name: str, line: dict[str, Any], classes: dict, names: dict) -> dict[str, Any]:
    return {**line, **_SHOWN[name](line, classes, names)}


def _shown_limits(line: dict, classes: dict, names: dict) -> dict:
    return {"class": classes.get(line["class"]), "before": _limit(line["before"]), "after": _limit(line["after"])}


def _shown_routes(line: dict, classes: dict, names: dict) -> dict:
    nobody = _("nobody")
    return {
        "class": classes.get(line["class"]), "before": names.get(line["before"]) or nobody,
        "after": names.get(line["after"]) or nobody,
    }  # fmt: skip


def _shown_approvals(line: dict, classes: dict, names: dict) -> dict:
    chains = {side: " → ".join(str(APPROVER_LABELS[role]) for role in line[side]) for side in ("before", "after")}
    return {**chains, "kind": Request.Kind(line["kind"]).label}


def _shown_stages(line: dict, classes: dict, names: dict) -> dict:
    return {"label": _(SETTINGS[line["key"]].help).rstrip(".。")}


_SHOWN: dict[str, Callable[[dict, dict, dict], dict]] = {
    "limits": _shown_limits, "routes": _shown_routes, "approvals": _shown_approvals, "stages": _shown_stages,
}  # fmt: skip
_UNITS = dict(UNIT_CHOICES)


def _limit(said: list | str) -> str:
    if said == foresight.GONE:
        return _("no longer to be filed so")
    value, unit = said
    return f"{value} {_UNITS[unit]}" if value else _("no limit")


# — one change from the page where it is made ————————————————————————————————————————————————————————


def _condition_form(request: HttpRequest, which: str, at: datetime) -> tuple[forms.Form, Kept]:
    row = get_object_or_404(FilingCondition.objects.select_related("minor_class"), public_id=which)
    [kept] = rulebook.rows_of(BY_NAME["conditions"], [str(row.public_id)])
    return ConditionForm(request.POST, instance=row), kept


def _setting_form(request: HttpRequest, which: str, at: datetime) -> tuple[forms.Form, None]:
    if not which.startswith(rulebook.STAGE_LIMITS) or which not in SETTINGS:
        raise Http404
    return SettingForm(request.POST, declared=SETTINGS[which]), None


# By sheet: the form of the page where a single row is kept, and the row that it is about, None for a new one.
FORMS: dict[str, Callable[[HttpRequest, str, datetime], tuple[forms.Form, Kept | None]]] = {
    "conditions": _condition_form,
    "limits": lambda request, which, at: (LimitForm(request.POST, day=timezone.localdate(at)), None),
    "stages": _setting_form,
    "responsibilities": lambda request, which, at: (ResponsibilityForm(request.POST, at=at), None),
    "approvals": lambda request, which, at: (ApprovalRuleForm(request.POST, at=at), None),
}


@require_POST
def what_if(request: HttpRequest, name: str, which: str = "") -> HttpResponse:
    """What a single change would do, as its form stands; nothing is kept."""
    at = timezone.now()
    _keepers_only(request, at)
    if name not in FORMS:
        raise Http404
    form, kept = FORMS[name](request, which, at)
    # Somebody waits for this: a large city is asked about fewer days.
    days = foresight.DAYS if foresight.is_small(at=at) else foresight.DAYS_OF_A_LARGE_CITY
    context: dict[str, Any] = {"form": form, "days": days}
    if form.is_valid():
        change, day = _single(BY_NAME[name], form.cleaned_data, kept, which)
        if change.before != change.after:
            found = dict(foresight.foresee([change], day=day, at=at, days=days))
            context |= {"figures": shown_figures(found), "day": day}
        else:
            context["is_same"] = True
    is_part = request.htmx and not request.htmx.boosted
    template = "dispatch/_what_if.html" if is_part else "dispatch/what_if.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _single(sheet: Sheet, said: dict[str, Any], kept: Kept | None, which: str) -> tuple[Change, date]:
    """Return the change that a form asks for, and the day from which."""
    day = said["valid_from"]
    if sheet.name == "stages":
        said = {**said, "key": which}
        same = (which, said["area_code"])
        rows = (one for one in sheet.kept(sheet, day) if one.holds(day))
        kept = next((one for one in rows if (one.row.key, one.row.area_code) == same), None)
    texts = {
        column.name: column.cell.said(said[column.name]) if column.name in said
        else kept.texts[column.name] if kept is not None else ""
        for column in sheet.columns
    }  # fmt: skip
    return Change(sheet.name, kept.id if kept else "", kept.texts if kept else None, texts), day
