"""The command handbook 指挥手册: flow and rules, the catalogue with limits and who answers, requirements, glossary.

Printed from what is in force on the day, nothing is written down twice: as chapters on the screen, whole as PDF.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.conf import settings as installation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.roles import ROLES, SIDE_LABELS, Role, Side
from cases import bulk, calendars, papers, workflow
from cases.models import BulkRun, Request
from components.models import FilingCondition, MinorClass
from dispatch import approval, facts, terms
from dispatch.models import APPROVER_LABELS, ApprovalRule, ResponsibilityRule
from office import pdf, settings
from office.declared import SETTINGS

MOST_DEPARTMENTS = 6  # named for one class
GLOSSARY = Path(installation.BASE_DIR) / "docs" / "glossary.md"


@dataclass(frozen=True)
class Chapter:
    """One chapter: its name in the address, its heading, its template, and what the template shows on a day."""

    name: str
    label: str
    template: str
    content: Callable[[date], dict]


# — flow and rules ———————————————————————————————————————————————————————————————————————————————————


def _flow(day: date) -> dict:
    sides = (Side.SUPERVISION, Side.COMMAND, Side.DEPARTMENT)
    steps = {
        side: [
            {
                "label": _(move.label),
                "from": [_(_labels(move.subject)[stage]) for stage in move.frm[:4]],
                "more": len(move.frm) > 4,
                "roles": [_(ROLES[Role(role)].label) for role in move.roles],
            }
            for move in workflow.MOVES
            if move.side == side and move.roles and not move.is_rare
        ]
        for side in sides
    }
    known = calendars.current().rows
    names = terms.ground_names(day)
    rules = [
        *ApprovalRule.objects.on(day).select_related("minor_class"),
        *(row for row in approval.DEFAULTS),
    ]
    kinds = dict(Request.Kind.choices)
    return {
        "steps": [(_(SIDE_LABELS[side]), rows) for side, rows in steps.items()],
        "spans": [one for one in known.spans if one.valid_to is None or one.valid_to > day],
        "official_until": known.official_until,
        "approvals": [
            (kinds[row.kind], names.get((row.kind, row.ground), "") if row.ground else "",
             " → ".join(str(APPROVER_LABELS[role]) for role in row.chain), row.needs_file)
            for row in rules
        ],
    }  # fmt: skip


def _labels(subject: workflow.Subject) -> dict[str, str]:
    return workflow.STINT_LABELS if subject is workflow.Subject.STINT else workflow.LABELS


# — the catalogue ————————————————————————————————————————————————————————————————————————————————————


def majors(day: date) -> list[tuple[str, str, str]]:
    """Return the major classes in force as (kind, code, name), components before events."""
    found: dict[tuple[str, str], str] = {}
    for one in MinorClass.objects.offered(day):
        found.setdefault((one.kind, one.major_code), one.major_name)
    return [(kind, code, name) for (kind, code), name in found.items()]


def _classes(kind: str, major: str) -> Callable[[date], dict]:
    def content(day: date) -> dict:
        classes = list(MinorClass.objects.offered(day).filter(kind=kind, major_code=major))
        conditions: dict[int, list[FilingCondition]] = {}
        rows = FilingCondition.objects.in_use(day).filter(minor_class__in=[one.pk for one in classes])
        for row in rows.select_related("minor_class").order_by("minor_class", "number"):
            conditions.setdefault(row.minor_class_id, []).append(row)
        table = list(
            ResponsibilityRule.objects.on(day).filter(kind__in=["", kind], major_code__in=["", major]).with_area()
            .select_related("minor_class", "department", "owner", "duty_grid", "road").defer("road__line")
        )  # fmt: skip
        return {"classes": [(one, conditions.get(one.pk, []), _answer_for(one, table)) for one in classes]}

    return content


def _answer_for(one: MinorClass, table: list[ResponsibilityRule]) -> list[str]:
    """Return who answers for a class, with where and when; the catalogue's kind of department where no row says."""
    fitting = [row for row in table if row.minor_class_id in (None, one.pk)]
    fitting.sort(key=lambda row: (row.minor_class_id is None, row.sort, row.pk))
    said = []
    for row in fitting:
        where = facts.words_of(row, one).replace(one.name, "", 1).strip(" ·")
        said.append(f"{row.department.name}（{where}）" if where else row.department.name)
    said = list(dict.fromkeys(said))
    if len(said) > MOST_DEPARTMENTS:
        more = len(said) - MOST_DEPARTMENTS
        said = [*said[:MOST_DEPARTMENTS], ngettext("and %(n)s more", "and %(n)s more", more) % {"n": more}]
    return said or [one.department_type or "—"]


# — requirements —————————————————————————————————————————————————————————————————————————————————————

OF_COLLECTORS = re.compile(
    r"patrol\.|cases\.limit\.(verify|check|inspect)_|cases\.near_|cases\.spot_check|cases\.same_"
)
OF_DESKS = re.compile(
    r"cases\.(limit|lamp|rework|detach|recurrence|reopen|check_levels|timing|verify_sources)|dispatch\.(?!link|straight|"
    r"outcome)|hotline\.(follow|citizen)"
)


def _rules(wanted: re.Pattern, but: re.Pattern | None = None) -> Callable[[date], dict]:
    def content(day: date) -> dict:
        keys = [key for key in SETTINGS if wanted.match(key) and not (but and but.match(key))]
        return {"rules": [(_(SETTINGS[key].help), _shown(settings.get(key, on=day))) for key in keys]}

    return content


def _shown(value) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return "、".join(str(one) for one in value) or "—"
    if isinstance(value, dict):
        return "、".join(f"{name}: {one}" for name, one in value.items()) or "—"
    return str(value) if value != "" else "—"


# — glossary —————————————————————————————————————————————————————————————————————————————————————————

TERM = re.compile(r"^\| `[^|]+\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$")


def _glossary(day: date) -> dict:
    lines = GLOSSARY.read_text().splitlines() if GLOSSARY.exists() else []
    found = [match.groups() for match in map(TERM.match, lines) if match]
    return {"terms": [(chinese.strip(), english.strip(), words.strip()) for english, chinese, words in found]}


# — the book —————————————————————————————————————————————————————————————————————————————————————————

KINDS = {"component": gettext_lazy("Components"), "event": gettext_lazy("Events")}


def chapters(day: date) -> list[Chapter]:
    """Return the chapters of the handbook as it stands on a day."""
    return [
        Chapter("flow", _("Flow and rules"), "papers/handbook_flow.html", _flow),
        *(
            Chapter(f"{kind}-{code}", f"{KINDS[kind]} {code} {name}", "papers/handbook_classes.html",
                    _classes(kind, code))
            for kind, code, name in majors(day)
        ),
        Chapter("collectors", _("Requirements for collectors"), "papers/handbook_rules.html", _rules(OF_COLLECTORS)),
        Chapter("desks", _("Requirements for desks"), "papers/handbook_rules.html", _rules(OF_DESKS, OF_COLLECTORS)),
        Chapter("glossary", _("Glossary"), "papers/handbook_glossary.html", _glossary),
    ]  # fmt: skip


def page_of(found: list[Chapter], *, user, at: datetime, is_whole: bool) -> str:
    """Return the handbook as a page: all its chapters, or the first pages with the one asked for."""
    day = timezone.localdate(at)
    parts = [(number, one, one.template, one.content(day)) for number, one in enumerate(found, 1)]
    context = {
        "parts": parts, "day": day, "is_whole": is_whole, "is_pdf": is_whole, "label": _("Command handbook"),
        **papers.frame(user, at),
    }  # fmt: skip
    return render_to_string("papers/handbook.html", context)


def bound(run: BulkRun) -> bytes:
    """Return the whole handbook as PDF, for whoever asked for it."""
    at = timezone.now()
    return pdf.pdf_of(page_of(chapters(timezone.localdate(at)), user=run.by, at=at, is_whole=True))


@require_safe
def contents(request: HttpRequest) -> HttpResponse:
    """The table of contents, from which each chapter is opened and the whole is ordered as PDF."""
    day = timezone.localdate()
    context = {"chapters": chapters(day), "day": day, "label": _("Command handbook"), "is_contents": True,
               **papers.frame(request.user, timezone.now())}  # fmt: skip
    return HttpResponse(render_to_string("papers/handbook.html", context, request=request))


@require_safe
def chapter(request: HttpRequest, name: str) -> HttpResponse:
    """One chapter as a page to print."""
    at = timezone.now()
    found = [one for one in chapters(timezone.localdate(at)) if one.name == name]
    if not found:
        raise Http404
    return HttpResponse(page_of(found, user=request.user, at=at, is_whole=False))


@require_http_methods(["POST"])
def order(request: HttpRequest) -> HttpResponse:
    """Have the whole handbook made as PDF by the worker, and wait for it on the page of the run."""
    run = bulk.begin_file("handbook", by=request.user, at=timezone.now(), back=reverse("dispatch:handbook"))
    return redirect("cases:bulk_run", run.public_id)
