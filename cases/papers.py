"""The papers of a case 单据: one table of what may be printed, for whom and about what; as a page and as PDF.

Whoever may see a case may print it, each what he sees of it: a department's papers show neither the reporter nor the
desks' words.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from uuid import UUID

import segno
from django.conf import settings as installation
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_http_methods, require_safe

from accounts import vault
from accounts.permissions import acting, departments_of
from accounts.roles import Side
from cases import map_clip, workflow
from cases.models import Case, Directive, Evidence, FieldTask, HandlingStint, Request
from cases.permissions import may_see_reporter
from cases.views import deadlines, sees_facts_only, timeline
from office import pdf, settings
from office.models import StoredFile

DESK, DEPARTMENT, COLLECTOR = "desk", "department", "collector"


@dataclass
class Seen:
    """What one person sees of a case, fetched as far as his papers need it."""

    case: Case
    user: object
    at: datetime
    reader: str  # DESK, DEPARTMENT or COLLECTOR
    stints: list[HandlingStint] = field(default_factory=list)
    tasks: list[FieldTask] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)

    @property
    def facts_only(self) -> bool:
        return self.reader != DESK


def _itself(seen: Seen) -> list:
    return [seen.case]


def _tasks(*kinds: str, answered: bool = False) -> Callable[[Seen], list]:
    return lambda seen: [one for one in seen.tasks if one.kind in kinds and (one.result or not answered)]


def _requests(*kinds: str) -> Callable[[Seen], list]:
    return lambda seen: [one for one in seen.requests if one.kind in kinds]


ENDED_WITH_A_RESULT = (workflow.Stage.PENDING_CLOSE, workflow.Stage.CLOSED)
CHECKS = (FieldTask.Kind.CHECK, FieldTask.Kind.INSPECT, FieldTask.Kind.SPOT)
FORMS = (Request.Kind.EXTENSION, Request.Kind.SUSPENSION, Request.Kind.DEFERRAL)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One kind of paper. `about` gives the rows it is printed about, a sheet each; none: it does not apply now."""

    name: str
    label: str
    readers: frozenset[str]
    about: Callable[[Seen], list]
    needs: frozenset[str] = frozenset()  # of GATHERED
    with_reporter: bool = False

    @property
    def template(self) -> str:
        return f"papers/{self.name}.html"


def _paper(name: str, label: str, readers: str, about, needs: str = "", **more) -> Paper:
    return Paper(
        name=name, label=label, readers=frozenset(readers.split()), about=about, needs=frozenset(needs.split()), **more
    )


ALL = "desk department collector"
# Read it from top to bottom: the eight transfer forms and the others, in the order in which a case needs them.
PAPERS: tuple[Paper, ...] = (
    _paper("register", gettext_lazy("Registration form"), "desk", _itself, "map pictures", with_reporter=True),
    _paper("verify", gettext_lazy("Verification form"), "desk collector", _tasks("verify"), "map pictures"),
    _paper("verified", gettext_lazy("Verification answer"), "desk collector", _tasks("verify", answered=True),
           "steps pictures"),
    _paper("filing", gettext_lazy("Filing form"), "desk",
           lambda seen: [seen.case] if seen.case.filed_at else [], "steps pictures"),
    _paper("assignment", gettext_lazy("Assignment form"), "desk",
           lambda seen: [seen.case] if seen.stints else [], "steps"),
    _paper("dispatch", gettext_lazy("Dispatch sheet"), "desk department",
           lambda seen: [one for one in seen.stints if not one.is_undone], "map pictures steps"),
    _paper("result", gettext_lazy("Result form"), "desk department",
           lambda seen: [one for one in seen.stints if one.handed_over_at or one.submitted_at], "pictures steps"),
    _paper("check", gettext_lazy("Check form"), "desk collector", _tasks(*CHECKS), "map pictures steps"),
    _paper("outcome", gettext_lazy("Outcome form"), "desk department",
           lambda seen: [seen.case] if seen.case.stage in ENDED_WITH_A_RESULT else [], "pictures steps"),
    _paper("supervision", gettext_lazy("Supervision form"), "desk department",
           lambda seen: seen.directives, "steps"),
    _paper("extension", gettext_lazy("Extension form"), "desk department", _requests("extension"), "steps"),
    _paper("suspension", gettext_lazy("Suspension form"), "desk department",
           _requests("suspension", "deferral"), "steps"),
    _paper("application", gettext_lazy("Application form"), "desk department",
           lambda seen: [one for one in seen.requests if one.kind not in FORMS], "steps"),
    _paper("closing", gettext_lazy("Closing form"), "desk",
           lambda seen: [seen.case] if seen.case.stage in ENDED_WITH_A_RESULT else [], "pictures steps"),
    _paper("file", gettext_lazy("Whole case file"), ALL, _itself, "pictures steps clocks map"),
)  # fmt: skip
BY_NAME = {paper.name: paper for paper in PAPERS}


def offered(seen: Seen) -> list[Paper]:
    """Return the papers that this person may print of the case now."""
    return [paper for paper in PAPERS if seen.reader in paper.readers and paper.about(seen)]


def reader_of(user, at: datetime) -> str:
    """Return how much this person reads: a desk everything, a department facts, a collector his own task."""
    if not sees_facts_only(user, at):
        return DESK
    return DEPARTMENT if acting(user, at=at, side=Side.DEPARTMENT) else COLLECTOR


# — gathering ————————————————————————————————————————————————————————————————————————————————————————


def see(user, case_id, *, at: datetime) -> Seen:
    """Return what this person sees of a case; 404 where he sees nothing."""
    rows = Case.objects.visible_to(user, at).select_related(
        "minor_class", "filing_condition", "unit_grid", "duty_grid", "road", "component", "command_centre",
        "supervision_centre", "holder_department", "reported_by",
    )  # fmt: skip
    light = ("search", "last_hash", "unit_grid__boundary", "unit_grid__centre", "road__line", "component__geometry")
    found = get_object_or_404(rows.defer(*light), public_id=case_id)
    reader = reader_of(user, at)
    seen = Seen(found, user, at, reader)
    if reader != DEPARTMENT:
        tasks = found.tasks.select_related("collector", "sent_by")
        seen.tasks = list(tasks if reader == DESK else tasks.filter(collector=user))
    if reader != COLLECTOR and found.filed_at:
        mine = departments_of(user, at) if reader == DEPARTMENT else frozenset()
        stints = found.stints.select_related("department", "handler", "dispatched_by", "on_behalf_of")
        seen.stints = [
            one for one in stints if reader == DESK or one.department_id in mine or one.handler_id == user.pk
        ]
        own = {one.pk for one in seen.stints}
        requests = found.requests.select_related("stint__department", "asked_by")
        seen.requests = [one for one in requests if reader == DESK or one.stint_id in own]
        pushes = found.directives.exclude(kind=Directive.Kind.URGE)
        pushes = pushes.select_related("to_department", "given_by", "replied_by")
        seen.directives = [one for one in pushes if reader == DESK or one.to_department_id in mine]
    return seen


MOST_PICTURES = 3  # of each kind on a form: one row of them
MOST_IN_THE_FILE = 30
AFTERWARDS = (Evidence.Usage.AFTER, Evidence.Usage.CHECK)


def pictures_of(seen: Seen, *, at_most: int) -> dict[str, list[Evidence]]:
    """Return the pictures before and after, the latest of each; a collector's papers show what everybody handed in."""
    rows = list(
        seen.case.evidence.select_related("file")
        .filter(file__kind=StoredFile.Kind.PICTURE, file__erased_at__isnull=True)
        .order_by("-id")[: 4 * at_most]
    )
    rows.reverse()
    before = [one for one in rows if one.usage not in AFTERWARDS]
    after = [one for one in rows if one.usage in AFTERWARDS]
    return {"before": before[-at_most:], "after": after[-at_most:]}


def qr_code(address: str) -> dict:
    """Return a QR code as the side of its square and the path of its dark fields, margin included."""
    code = segno.make(address, error="m", micro=False)
    rows = [list(row) for row in code.matrix_iter(border=2)]
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return {"side": len(rows), "path": path}


def address_of(found: Case) -> str:
    """Return the whole address of a case: what its QR code holds."""
    return f"{installation.SITE_URL}{reverse('cases:case', args=[found.public_id])}"


def sheets_of(seen: Seen, paper: Paper, *, only=None) -> list[SimpleNamespace]:
    """Return the sheets of a paper: each with the row it is about and the steps that belong to it, the oldest first.

    `only` is the public number of one of the rows.
    """
    is_blind = seen.reader == COLLECTOR
    steps = []
    if "steps" in paper.needs:
        steps = timeline(seen.case, facts_only=seen.facts_only, only_of=seen.user if is_blind else None)[::-1]
    rows = [row for row in paper.about(seen) if only in (None, row.public_id)]
    prefetch_related_objects([row for row in rows if isinstance(row, Request)], "approvals__by")
    return [
        SimpleNamespace(row=row, steps=steps, own=[one for one in steps if one.subject_id == row.public_id],
                        said=_said(row, steps))
        for row in rows
    ]  # fmt: skip


ASKING = frozenset(move.verb for move in workflow.MOVES if move.verb.startswith("ask_") or "dispute" in move.verb)


def _said(row, steps: list) -> dict:
    """Return the words that belong to a row: by verb the latest step on it; "asked": what a request was asked with.

    The words of an opinion stand with the approval, as `words`.
    """
    words = {step.verb: step for step in steps if step.subject_id == row.public_id or isinstance(row, Case)}
    if isinstance(row, Request):
        asked = [
            step for step in steps
            if step.verb in ASKING and step.subject_id == row.stint.public_id and step.at == row.asked_at
        ]  # fmt: skip
        words["asked"] = asked[-1] if asked else None
        by_number = {step.sequence: step for step in steps}
        for one in row.approvals.all():
            step = by_number.get(one.event_sequence)
            one.words = step.words if step else ""
    if isinstance(row, HandlingStint):
        sent = [step for step in steps if step.verb == "dispatch" and step.at <= row.dispatched_at]
        words["dispatch"] = sent[-1] if sent else None
    return words


def context_of(seen: Seen, paper: Paper, *, only=None, reporter=None) -> dict:
    """Return what the template of a paper shows. Raises Http404 where it does not apply."""
    sheets = sheets_of(seen, paper, only=only)
    if seen.reader not in paper.readers or not sheets:
        raise Http404
    pictures = {}
    if "pictures" in paper.needs:
        pictures = pictures_of(seen, at_most=MOST_IN_THE_FILE if paper.name == "file" else MOST_PICTURES)
    return {
        "paper": paper,
        "case": seen.case,
        "at": seen.at,
        "facts_only": seen.facts_only,
        "reader": seen.reader,
        "stints": seen.stints,
        "tasks": seen.tasks,
        "requests": seen.requests,
        "directives": seen.directives,
        "sheets": sheets,
        "map": "map" in paper.needs,
        "reporter": reporter,
        "qr": qr_code(address_of(seen.case)),
        "explained": deadlines(seen.case, seen.user, at=seen.at, mine=seen.stints) if "clocks" in paper.needs else [],
        **pictures,
        **frame(seen.user, seen.at),
    }


def frame(user, at: datetime) -> dict:
    """Return what stands on every paper: the centre's name, and who printed it when."""
    local = timezone.localtime(at)
    return {
        "centre_name": settings.get("office.centre_name", on=timezone.localdate(at)),
        "mark": f"{user.name} {user.staff_number} {local:%Y-%m-%d %H:%M}",
        "marks": range(24),
        "at": at,
    }


def parts_of(context: dict) -> dict[str, str | bytes]:
    """Return what the page of a paper shows beside its words, by address: its pictures and its map."""
    parts: dict[str, str | bytes] = {
        reverse("cases:evidence", args=[one.public_id, "view"]): one.file.path("view")
        for one in (*context.get("before", ()), *context.get("after", ()))
    }
    if context.get("map"):
        found = context["case"]
        parts[reverse("cases:map_clip", args=[found.public_id])] = drawing_of(found)
    return parts


def pdf_of_many(ids: list[UUID], paper: Paper, *, user, at: datetime) -> bytes | None:
    """Return one PDF with this paper of many cases, each with its own page numbers; None where it applies to none."""
    made = []
    for case_id in ids:
        try:
            context = context_of(see(user, case_id, at=at), paper) | {"is_pdf": True}
        except Http404:  # it applied when it was looked at
            continue
        made.append(pdf.document_of(render_to_string(paper.template, context), parts=parts_of(context)))
    return pdf.joined(made) if made else None


def drawing_of(found: Case) -> bytes:
    """Return the map clip of a case."""
    return map_clip.clip(found.point, cell_code=found.unit_grid.code)


# — the doors ————————————————————————————————————————————————————————————————————————————————————————


@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, case_id, name: str, kind: str) -> HttpResponse:
    """One paper of a case, as a page to print (`kind` html) or as PDF; `?of=` names one row of several.

    Sent by POST, the registration form bears the reporter, for the desk that may read him; the look is noted.
    """
    at = timezone.now()
    wanted = BY_NAME.get(name)
    if wanted is None:
        raise Http404
    seen = see(request.user, case_id, at=at)
    context = context_of(seen, wanted, only=_uuid(request.GET.get("of", "")), reporter=_reporter(request, seen, wanted))
    context["may_show_reporter"] = wanted.with_reporter and _has_reporter_for(request.user, seen.case, at)
    context["pdf_url"] = reverse("cases:paper", args=[case_id, name, "pdf"])
    label = f"{wanted.label}-{seen.case.number}"
    return printed(request, wanted.template, context, kind=kind, label=label, parts=lambda: parts_of(context))


def printed(request: HttpRequest, template: str, context: dict, *, kind: str, label: str, parts) -> HttpResponse:
    """Return a paper as a page or as PDF; neither is kept by a browser. `parts` is asked for PDF only."""
    context["is_pdf"] = kind == "pdf"
    page = render_to_string(template, context, request=request)
    if kind == "pdf":
        answer = HttpResponse(pdf.pdf_of(page, parts=parts()), content_type="application/pdf")
        answer["Content-Disposition"] = content_disposition_header(False, f"{label}.pdf")
    else:
        answer = HttpResponse(page)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
def map_of(request: HttpRequest, case_id) -> HttpResponse:
    """The map clip of a case as a drawing, for whoever may see the case."""
    rows = Case.objects.visible_to(request.user, timezone.now()).select_related("unit_grid")
    found = get_object_or_404(rows.only("point", "unit_grid__code"), public_id=case_id)
    answer = HttpResponse(drawing_of(found), content_type="image/svg+xml")
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


def _uuid(text: str):
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Http404 from error


def _has_reporter_for(user, found: Case, at: datetime) -> bool:
    return found.reporter_ref is not None and may_see_reporter(user, found, at)


def _reporter(request: HttpRequest, seen: Seen, wanted: Paper):
    """Return who reported the case where that is asked for and allowed; the look is noted."""
    if request.method != "POST":
        return None
    if not wanted.with_reporter or not _has_reporter_for(request.user, seen.case, seen.at):
        raise PermissionDenied(_("Only the supervision desk that holds the case prints who reported it."))
    return vault.open_record(
        seen.case.reporter_ref, reader=request.user, why=gettext_noop("Printed on the registration form"), at=seen.at,
        number=seen.case.number,
    )  # fmt: skip
