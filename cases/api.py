"""Cases through the API: lists, one case, its evidence, and every step of the table behind the same forms as the pages.

`Step` serves the steps of every room: each gives it its own doors (`step_paths` in its urls).
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from uuid import UUID

from django import forms
from django.http import Http404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from accounts.permissions import acting
from cases import actions, filters, views, workflow
from cases.forms import MoveForm, RegisterForm
from cases.models import Case
from cases.permissions import Button, may_register, may_see_original
from cases.querysets import counted
from cases.serializers import CaseBody, CaseRow, FormRow, NearBody, QueueRow
from cases.workflow import Move, Stage, Subject
from office.api import CURSOR, Endpoint, Problem, not_valid, page, paged
from office.forms import FilesField
from office.views import stored_file

# — fields of forms, for programs ————————————————————————————————————————————————————————————————————

TYPES: tuple[tuple[type[forms.Field], str], ...] = (
    (FilesField, "files"),
    (forms.BooleanField, "boolean"),
    (forms.ModelMultipleChoiceField, "choices"),
    (forms.MultipleChoiceField, "choices"),
    (forms.ModelChoiceField, "choice"),
    (forms.ChoiceField, "choice"),
    (forms.UUIDField, "uuid"),
    (forms.DateTimeField, "datetime"),
    (forms.DateField, "date"),
    (forms.FloatField, "number"),
    (forms.DecimalField, "number"),
    (forms.IntegerField, "integer"),
)
YES_NO = {"yes", "no"}


def type_of(field: forms.Field) -> str:
    """Return what a program sends in a field."""
    kind = next((name for kind, name in TYPES if isinstance(field, kind)), "text")
    return "boolean" if kind == "choice" and {value for value, _label in _choices(field)} == YES_NO else kind


def _choices(field: forms.Field) -> list[tuple[str, str]]:
    """Return values and words of what may be chosen, groups opened, the empty one left out."""
    found = []
    for value, label in field.choices:
        inside = label if isinstance(label, list | tuple) else [(value, label)]
        found += [(str(one), str(words)) for one, words in inside if str(one) != ""]
    return found


def form_fields(form: forms.Form) -> list[dict]:
    """Return what a program must know to fill a form in."""
    return [_described(name, field, form) for name, field in form.fields.items()]


def _described(name: str, field: forms.Field, form: forms.Form) -> dict:
    kind = type_of(field)
    initial = form.get_initial_for_field(field, name)
    return {
        "name": name, "required": field.required or getattr(field, "needed", False), "type": kind,
        "label": str(field.label or ""), "help": str(field.help_text or ""),
        "max_length": getattr(field, "max_length", None),
        "initial": initial if isinstance(initial, str | int | float | bool) else None if initial is None
        else str(getattr(initial, "public_id", initial)),
        "choices": [{"value": value, "label": label} for value, label in _choices(field)]
        if kind in ("choice", "choices") else None,
    }  # fmt: skip


def fill_in(make: Callable[..., forms.Form], request) -> forms.Form:
    """Return the form filled in with what a program sent: JSON, or a form with files. Raises Problem("not_valid").

    A field that takes files takes marks of files handed in before; what no field asks for is refused.
    """
    said = {name: _plain(values) for name, values in request.data.lists()} if hasattr(request.data, "lists") else None
    data = dict(request.data) if said is None else said
    form = make(data, request.FILES)
    errors: dict[str, list[str]] = {}
    for name in list(data):
        field = form.fields.get(name)
        if field is None:
            errors[name] = [_("This step has no such field.")]
            continue
        kind, value = type_of(field), data[name]
        if isinstance(field, FilesField):
            marks = [] if value is None else value if isinstance(value, list) else [value]
            del data[name]
            data[f"{form.add_prefix(name)}_kept"] = [one for one in marks if isinstance(one, str)]
            continue
        if isinstance(value, dict) or (isinstance(value, list) and kind != "choices"):
            errors[name] = [_("This is not what the field takes: %(type)s.") % {"type": kind}]
            del data[name]
        elif isinstance(value, bool) and kind == "boolean" and isinstance(field, forms.ChoiceField):
            data[name] = "yes" if value else "no"
        elif kind == "choices" and not isinstance(value, list):
            data[name] = [] if value in (None, "") else [value]
    if errors:
        raise Problem("not_valid", errors=errors)
    return form


def _plain(values: list):
    """Return the one value that a form's field brought, or all of several; files come apart."""
    values = [value for value in values if not hasattr(value, "chunks")]
    return values if len(values) > 1 else values[0] if values else None


# — steps ————————————————————————————————————————————————————————————————————————————————————————————

FOLDERS = {
    Subject.CASE: "cases", Subject.STINT: "stints", Subject.TASK: "tasks", Subject.REQUEST: "requests",
    Subject.DIRECTIVE: "directives",
}  # fmt: skip


def step_paths(room: str, doors: dict[str, views.Door]) -> list:
    """Return the addresses of a room's steps: /api/v1/cases/<id>/accept/, /api/v1/stints/<id>/receive/ …"""
    return [
        path(
            f"api/v1/{FOLDERS[rule.subject]}/<uuid:subject_id>/{rule.verb}/",
            _step(rule, doors[rule.verb]),
            name=f"api_{rule.subject}_{rule.verb}",
        )
        for rule in workflow.MOVES
        if rule.door == room and rule.verb in doors
    ]


def step_url(button: Button) -> str:
    """Return the address of a step that somebody may make."""
    rule = button.rule
    return reverse(f"{rule.door}:api_{rule.subject}_{rule.verb}", args=[button.subject.public_id])


def field_names(rule: Move, form: type[MoveForm]) -> list[dict]:
    """Return which fields a step has and which must be filled in, without asking the database for choices."""
    needed = {name: field.required for name, field in form.base_fields.items()} | form.own_fields
    facts = [name for name in (*rule.facts, *rule.optional) if name in form.fields_of and name not in needed]
    needed |= {name: name in rule.facts for name in facts}
    return [{"name": name, "required": required} for name, required in needed.items()]


def my_moves(buttons: list[Button]) -> list[dict]:
    """Return the steps somebody may make, as the buttons of the page are drawn."""
    found = []
    for button in buttons:
        rule, url = button.rule, step_url(button)
        found.append({
            "verb": rule.verb, "label": _(rule.label), "subject": str(rule.subject),
            "subject_id": button.subject.public_id, "tone": rule.tone, "url": url,
            "fields": _FIELDS[(rule.door, rule.subject, rule.verb)],
        })  # fmt: skip
    return found


_FIELDS: dict[tuple[str, str, str], list[dict]] = {}


class Step(Endpoint):
    """One step of the table. GET gives its fields with what may be chosen, POST makes it."""

    rule: Move
    door: views.Door

    def show(self, request, subject_id: UUID) -> Response:
        found, row = self._row(request, subject_id)
        form = self.door.form(rule=self.rule, case=found, subject=row, user=request.user, at=self.at)
        return Response({"verb": self.rule.verb, "label": _(self.rule.label), "fields": form_fields(form)})

    def make(self, request, subject_id: UUID) -> Response:
        found, row = self._row(request, subject_id)
        form = fill_in(
            lambda data, files: self.door.form(
                data, files, rule=self.rule, case=found, subject=row, user=request.user, at=self.at
            ),
            request,
        )
        form.keep_files(by=request.user, at=self.at)
        if not form.is_valid():
            raise not_valid(form)
        moved = self.door.act(row, by=request.user, at=self.at, **form.facts())
        return Response(case_row(moved, request, at=self.at))

    def _row(self, request, subject_id: UUID):
        row = views.visible_row(request, None, self.rule.subject, subject_id, at=self.at)
        found = row if self.rule.subject is Subject.CASE else row.case
        if self.rule.kinds and getattr(row, "kind", "") not in self.rule.kinds:
            raise Http404
        views.refuse_strangers(request.user, self.rule, found, row, at=self.at)
        return found, row


# What a program sends for a fact of the table. One that is not here is described as anything.
FACT_TYPES: dict[str, Callable[..., serializers.Field]] = {
    "address": serializers.CharField,
    "assisting": lambda **kwargs: serializers.ListField(child=serializers.UUIDField(), **kwargs),
    "collector": serializers.UUIDField,
    "condition": serializers.UUIDField,
    "department": serializers.UUIDField,
    "department_below": serializers.UUIDField,
    "demand": serializers.CharField,
    "description": serializers.CharField,
    "errors": serializers.IntegerField,
    "files": lambda **kwargs: serializers.ListField(
        child=serializers.CharField(), help_text="Marks of files handed in before; or the files.", **kwargs
    ),
    "ground": serializers.CharField,
    "handler": serializers.UUIDField,
    "hours": serializers.FloatField,
    "inspector": serializers.UUIDField,
    "is_duplicate": serializers.BooleanField,
    "is_optional": serializers.BooleanField,
    "is_precedent": serializers.BooleanField,
    "length": serializers.FloatField,
    "level": serializers.CharField,
    "meets_at": serializers.DateTimeField,
    "met": serializers.BooleanField,
    "minor_class": serializers.UUIDField,
    "needs_reply": serializers.BooleanField,
    "opinion": serializers.CharField,
    "owner": serializers.UUIDField,
    "participants": serializers.CharField,
    "place": serializers.CharField,
    "reason": serializers.CharField,
    "reply": serializers.CharField,
    "reply_by": serializers.DateField,
    "required": serializers.BooleanField,
    "result": serializers.CharField,
    "same_period": serializers.BooleanField,
    "until": serializers.DateField,
    "urgent": serializers.BooleanField,
}
PLAIN_TYPES: dict[str, Callable[..., serializers.Field]] = {
    "boolean": serializers.BooleanField, "choice": serializers.CharField, "date": serializers.DateField,
    "datetime": serializers.DateTimeField, "files": FACT_TYPES["files"], "integer": serializers.IntegerField,
    "number": serializers.FloatField, "text": serializers.CharField, "uuid": serializers.UUIDField,
    "choices": lambda **kwargs: serializers.ListField(child=serializers.CharField(), **kwargs),
}  # fmt: skip


@cache
def body_of(name: str, form: type[forms.Form]) -> serializers.Serializer:
    """Return the shape of what a program sends to a form that is the same for everybody, for the schema."""
    fields = {one: _sent(PLAIN_TYPES[type_of(field)], field.required) for one, field in form.base_fields.items()}
    return inline_serializer(name, fields)


def _sent(make: Callable[..., serializers.Field], required: bool) -> serializers.Field:
    return make(required=required)


def _step(rule: Move, door: views.Door):
    """Return the view of one step, described for the schema by its row of the table and its form."""
    name = f"{rule.subject}_{rule.verb}"
    names = _FIELDS[(rule.door, rule.subject, rule.verb)] = field_names(rule, door.form)
    base = door.form.base_fields
    body = inline_serializer(f"{name}_body", {
        one["name"]: _sent(PLAIN_TYPES[type_of(base[one["name"]])] if one["name"] in base
                           else FACT_TYPES.get(one["name"], serializers.JSONField), one["required"])
        for one in names
    })  # fmt: skip
    takes_files = any(one["name"] == "files" for one in names)
    words = (door.act.__doc__ or str(rule.label)).strip().split("\n")[0]
    said = f"{words}\n\n{rule.label}: {', '.join(rule.roles)} ({rule.side}), from {', '.join(map(str, rule.frm))}."
    tags = [f"steps of {FOLDERS[rule.subject]}"]

    @extend_schema(operation_id=f"{name}_form", tags=tags, responses=FormRow, description=f"The fields of: {said}")
    def get(self, request, subject_id: UUID):
        return self.show(request, subject_id)

    @extend_schema(
        operation_id=name, tags=tags, responses=CaseRow, description=said,
        request={"application/json": body, **({"multipart/form-data": body} if takes_files else {})},
    )  # fmt: skip
    def post(self, request, subject_id: UUID):
        return self.make(request, subject_id)

    return type(f"Step_{name}", (Step,), {"rule": rule, "door": door, "get": get, "post": post}).as_view()


# — lists ————————————————————————————————————————————————————————————————————————————————————————————

ORDERS = {
    "due": ("-urgency", "clock_paused", "due_at", "id"),
    "moved": ("-moved_at", "-id"),
    "newest": ("-reported_at", "-id"),
    "waiting": ("moved_at", "id"),
}
FILTERS = [
    OpenApiParameter(
        "tab", str, enum=["mine", *(tab.name for tab in views.DESK_TABS)], description="A list of the desk."
    ),
    OpenApiParameter("stage", str, many=True, enum=[str(stage) for stage in Stage]),
    OpenApiParameter("kind", str, enum=["component", "event"]),
    OpenApiParameter("source", str, enum=[str(source) for source in workflow.Source], description="Desks only."),
    OpenApiParameter("street", str, description="An area code, or its beginning."),
    OpenApiParameter("class", OpenApiTypes.UUID, many=True, description="Minor classes of the catalogue."),
    OpenApiParameter("department", OpenApiTypes.UUID, many=True, description="Who has or had it in hand. Desks only."),
    OpenApiParameter("grid", OpenApiTypes.UUID, many=True, description="Duty grids."),
    OpenApiParameter("from", OpenApiTypes.DATE, description="Reported on this day or later."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="Reported on this day or earlier."),
    OpenApiParameter("flag", str, many=True, enum=list(filters.FLAGS), description="Marks, all of which must hold."),
    OpenApiParameter("lamp", str, enum=list(filters.LAMPS)),
    OpenApiParameter("q", str, description="A number, a place, a class, words."),
]
ORDER = OpenApiParameter("order", str, enum=list(ORDERS), description="The most pressing, moved last, newest first.")


def filtered(rows, request, *, at: datetime):
    """Return the rows an address asks for; where it came from is nothing that departments may look for."""
    said, facts_only = request.query_params, views.sees_facts_only(request.user, at)
    return filters.filtered(rows, said, at=at, facts_only=facts_only)


def case_page(request, rows, *, at: datetime, order: str):
    """Return a page of cases in the order that is asked for, else in this one."""
    chosen = ORDERS.get(request.query_params.get("order", ""), ORDERS[order])
    facts_only = views.sees_facts_only(request.user, at)
    return page(request, rows.with_row(), CaseRow, order=chosen, facts_only=facts_only)


def refuse_unless_reported(case: Case, user) -> None:
    """Raise ReportNumberTaken when the number of a report belongs to somebody else's: nothing of it is told."""
    if not case.parts.filter(actor=user).exists():
        raise actions.ReportNumberTaken()


class Cases(Endpoint):
    """The cases I may see; and, at a desk, what came in by letter, camera or press."""

    @extend_schema(operation_id="cases", tags=["cases"], responses=paged(CaseRow),
                   parameters=[*FILTERS, ORDER, *CURSOR])  # fmt: skip
    def get(self, request):
        rows, order = Case.objects.visible_to(request.user, self.at), "moved"
        if tab := next(
            (tab for tab in views.tabs_of(request.user, at=self.at) if tab.name == request.query_params.get("tab")),
            None,
        ):
            rows, order = rows.filter(tab.holds(self.at, request.user)), "moved" if tab is views.FINAL_TAB else "due"
        if stages := set(request.query_params.getlist("stage")) & set(Stage):
            rows = rows.filter(stage__in=stages)
        return case_page(request, filtered(rows, request, at=self.at), at=self.at, order=order)

    @extend_schema(operation_id="register_case", tags=["cases"], responses={201: CaseRow},
                   request={"application/json": body_of("register_case_body", RegisterForm),
                            "multipart/form-data": body_of("register_case_body", RegisterForm)})  # fmt: skip
    def post(self, request):
        sources = may_register(request.user, at=self.at)
        if not sources:
            raise actions.MayNotRegister()
        form = fill_in(lambda data, files: RegisterForm(data, files, sources=sources, at=self.at), request)
        form.keep_files(by=request.user, at=self.at)
        if not form.is_valid():
            raise not_valid(form)
        case = actions.report(by=request.user, at=self.at, **form.facts())
        refuse_unless_reported(case, request.user)
        return Response(case_row(case, request, at=self.at), status=201)


def case_row(case: Case, request, *, at: datetime) -> dict:
    """Return a case as somebody reads it who has just acted on it; one query."""
    found = Case.objects.with_row().get(pk=case.pk)
    return CaseRow(found, context={"facts_only": views.sees_facts_only(request.user, at)}).data


class Queues(Endpoint):
    """The lists of the supervision desk with what waits in each."""

    @extend_schema(operation_id="queues", tags=["cases"], responses=QueueRow(many=True))
    def get(self, request):
        if acting(request.user, at=self.at, roles=views.DESK_READERS) is None:
            raise Problem("forbidden")
        visible = Case.objects.visible_to(request.user, self.at)
        tabs = views.tabs_of(request.user, at=self.at)
        return Response(queue_rows(counted(visible, tabs, at=self.at, user=request.user)))


def queue_rows(tabs) -> list[dict]:
    """Return lists with their numbers."""
    return QueueRow([{"name": tab.name, "label": str(tab.label), "number": n} for tab, n in tabs], many=True).data


# — one case —————————————————————————————————————————————————————————————————————————————————————————


def evidence_urls(user, at: datetime) -> Callable:
    """Return the function that gives the addresses of a piece of evidence, as far as this person may open it."""

    def urls(one) -> dict[str, str]:
        variants = ["view", "thumb"] if one.file.kind == "picture" else []
        variants += ["original"] if may_see_original(user, one, at) else []
        return {name: reverse("cases:api_evidence", args=[one.public_id, name]) for name in variants}

    return urls


class OneCase(Endpoint):
    """One case as its page shows it to me, with the steps I may make now."""

    @extend_schema(operation_id="case", tags=["cases"], responses=CaseBody)
    def get(self, request, case_id: UUID):
        shown = SimpleNamespace(**views.case_context(request, case_id, at=self.at))
        shown.explained = views.deadlines(shown.case, request.user, at=self.at, mine=shown.stints)
        shown.moves = my_moves([button for button, _url in shown.buttons])
        shown.case.shown = shown
        urls = evidence_urls(request.user, self.at)
        return Response(CaseBody(shown.case, context={"facts_only": shown.facts_only, "evidence_urls": urls}).data)


class Near(Endpoint):
    """Open cases near one: of its class, perhaps the same problem, and others around it."""

    @extend_schema(operation_id="case_near", tags=["cases"], responses=NearBody)
    def get(self, request, case_id: UUID):
        found = views.near_context(request, case_id, at=self.at)
        return Response(NearBody(found, context={"facts_only": views.sees_facts_only(request.user, self.at)}).data)


class EvidenceFile(Endpoint):
    """The bytes of a piece of evidence: `view` and `thumb` of a picture, or the `original` where that is open to me."""

    @extend_schema(operation_id="evidence", tags=["files"],
                   responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})  # fmt: skip
    def get(self, request, public_id: UUID, variant: str):
        return stored_file(views.shown_evidence(request, public_id, variant, at=self.at).file, variant)
