"""The front door: everybody's start, tickets for the live channel, the state of the house, pages for what failed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.contrib.gis.db.models.functions import PointOnSurface
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Count, Q, QuerySet, Window
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.defaults import bad_request
from drf_spectacular.generators import SchemaGenerator

from accounts import actions as accounts
from accounts import rosters
from accounts.forms import HandOverForm
from accounts.middleware import asked_language
from accounts.models import Appointment, HandOver, Shift, in_this_language
from accounts.permissions import acting, appointments_of, desk_handed_over, may, topics_of
from accounts.roles import ROLES, Role, Side
from cases import guides
from cases import retention as case_retention
from cases.filters import LAMPS
from cases.models import Case, Directive, LegalHold
from cases.querysets import keys_of
from cases.workflow import OPEN, DirectiveStage
from citymgmt.errors import Refusal
from citymgmt.live_publish import make_ticket
from citymgmt.middleware import PROBLEMS, REFUSED, REFUSED_AS, problem, wants_json
from citymgmt.refusals import SENTENCES, sentence
from components.forms import asked_place
from components.models import Component
from dispatch import retention as dispatch_retention
from grid import addresses
from grid.locate import locate
from grid.permissions import may as may_see
from hotline import retention as hotline_retention
from hotline.models import CallBack
from office import health, settings
from office import retention as office_retention
from office.models import Erasure
from patrol.permissions import who_is_near
from practice.lessons import ROLES_WITH_LESSONS


def home(request: HttpRequest) -> HttpResponse:
    """The desk of the first role in the order of the loop; who has none today reads why the house is empty."""
    appointments = appointments_of(request.user, timezone.now())
    if appointments:
        return redirect(ROLES[appointments[0].role].home_url_name)
    if request.user.is_superuser:
        return redirect("accounts:maintenance")
    return render(request, "accounts/no_role.html")


@login_not_required
def technical_log_in(request: HttpRequest) -> HttpResponse:
    """The technical pages have no door of their own: throttling, lock and first password hold for everybody."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))


@never_cache
def live_ticket(request: HttpRequest) -> JsonResponse:
    """A ticket with which this person's page may listen to news."""
    topics = topics_of(request.user, timezone.now())
    return JsonResponse({"ticket": make_ticket(user_id=request.user.pk, topics=topics)})


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """What this person's desk is for, the first steps, its keys; ?all=yes for every role. A page, or beside one."""
    held = {one.role for one in appointments_of(request.user, timezone.now())}
    is_all = request.GET.get("all") == "yes"
    shown = [role for role in guides.GUIDES if is_all or role in held]
    parts = [(_(ROLES[role].label), guides.GUIDES[role], guides.keys_of([role])) for role in shown]
    trained = [(str(role), _(ROLES[role].label)) for role in ROLES_WITH_LESSONS if role in held]
    context = {"parts": parts, "about": guides.ABOUT, "is_all": is_all, "is_first": "first" in request.GET,
               "trained": trained}  # fmt: skip
    is_part = "part" in request.GET
    return render(request, "_guide.html" if is_part else "guide.html", context)


@require_POST
def guide_seen(request: HttpRequest) -> HttpResponse:
    """The guide has opened by itself; for these roles it does so no more."""
    accounts.note_guides(request.user, roles=[one.role for one in appointments_of(request.user, timezone.now())])
    return HttpResponse(status=204)


# — the place box: what everybody knows of places, put together ————————————————————————————————————————

LEAST_OF_A_CODE = 6
KNOWN_BY_CODE, KNOWN_BY_CASES = 6, 4


@require_safe
def find_place(request: HttpRequest) -> JsonResponse:
    """Places that may be meant by ?q=: streets and landmarks, components by code, where cases were. Three queries."""
    at = timezone.now()
    if not may_see(request.user, "see_places", at=at):
        raise PermissionDenied
    wanted = addresses.sought(request.GET.get("q", "")[:100])
    found = addresses.find(wanted)
    code = wanted.text.replace(" ", "")
    if len(code) >= LEAST_OF_A_CODE and code.isascii() and code.isdigit():
        found = _components(code) + found
    if wanted.number:
        found = _earlier(request, wanted, at=at) + found
    return JsonResponse({"found": [one.as_json() for one in found[: addresses.MOST]]})


def _components(code: str) -> list[addresses.Suggestion]:
    rows = Component.objects.current().search(code).select_related("minor_class").order_by("identifier")
    rows = rows.annotate(at=PointOnSurface("geometry")).defer("geometry")[:KNOWN_BY_CODE]
    return [
        addresses.Suggestion(
            "component",
            row.identifier,
            row.minor_class.name,
            row.at.x,
            row.at.y,
            row.identifier,
            str(row.minor_class.public_id),
        )
        for row in rows
    ]


def _earlier(request: HttpRequest, wanted: addresses.Sought, *, at) -> list[addresses.Suggestion]:
    """Where cases with this very road and number were: a number that the gazetteer lacks is known from there."""
    rows = Case.objects.visible_to(request.user, at).matching(wanted.text).filter(address__startswith=wanted.text)
    places = {row["address"]: row["point"] for row in rows.order_by().values("address", "point")[:KNOWN_BY_CASES]}
    return [addresses.Suggestion("case", name, _("where a case was"), *point.coords) for name, point in places.items()]


@require_safe
def place_here(request: HttpRequest) -> HttpResponse:
    """Fragment: the chain of areas and grids of ?lon=&lat=, and the collector to send there. Two queries."""
    at = timezone.now()
    if not may_see(request.user, "see_places", at=at):
        raise PermissionDenied
    point, _none = asked_place(request.GET)
    place = locate(point) if point else None
    collectors = who_is_near(place, point, at=at) if place and may_send_somebody(request.user, at=at) else []
    context = {"point": point, "place": place, "collector": next(iter(collectors), None), "at": at}
    return render(request, "grid/_place.html", context)


def may_send_somebody(user, *, at) -> bool:
    return acting(user, at=at, roles=(Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER, Role.VIDEO_OPERATOR)) is not None


@login_not_required
@never_cache
def state(request: HttpRequest) -> HttpResponse:
    """Whether the house stands, for machines: 503 only when nothing can be served. No detail that helps a stranger."""
    checks = health.checks(at=timezone.now())
    can_serve = all(check.ok for check in checks if check.name == "database")
    status = 200 if can_serve else 503
    if wants_json(request) or request.GET.get("format") == "json":
        body = {"ok": all(check.ok for check in checks), "checks": {check.name: check.ok for check in checks}}
        return JsonResponse(body, status=status)
    lines = [f"{check.name}: {'ok' if check.ok else 'FAILED'}" for check in checks]
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain; charset=utf-8")


def reference(request: HttpRequest) -> HttpResponse:
    """What programs can ask, read from the same schema that they read: an overview, and a page for each part."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    by_tag: dict[str, list[dict]] = {}
    for address, methods in schema["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(schema, method, address, operation))
    part = request.GET.get("part", "")
    if part in by_tag:
        context = {"part": part, "operations": by_tag[part], "schemas": _shapes(schema, by_tag[part])}
        return render(request, "api_part.html", context)
    codes = [(code, status, words) for code, (status, words) in PROBLEMS.items()]
    codes += [(code, REFUSED_AS.get(code, REFUSED), words) for code, words in SENTENCES.items()]
    context = {"tags": sorted(by_tag.items()), "codes": sorted(codes)}
    return render(request, "api.html", context)


def _operation(schema: dict, method: str, address: str, operation: dict) -> dict:
    """Return one operation as a reader sees it: where, what for, what is sent, what comes back."""
    body = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {}).get("schema", {})
    answers = [(code, answer) for code, answer in operation["responses"].items() if code != "default"]
    comes_back = [
        (code, _named_shape(content.get("schema", {})))
        for code, answer in answers
        for content in (answer.get("content") or {"": {}}).values()
    ]
    return {
        "id": operation["operationId"], "method": method.upper(), "address": address,
        "words": operation.get("description", ""),
        "asks": [one for one in operation.get("parameters", []) if one["in"] == "query" and one["name"] != "lang"],
        "sends": _fields(schema, body), "answers": comes_back,
    }  # fmt: skip


def _shapes(schema: dict, operations: list[dict]) -> list[tuple[str, list]]:
    """Return the shapes that these operations send back, and those inside them, each with its fields."""
    known = schema["components"]["schemas"]
    found: dict[str, list] = {}
    wanted = [shape for operation in operations for _code, shape in operation["answers"]]
    while wanted:
        name = wanted.pop().removesuffix("[]")
        if name in known and name not in found:
            found[name] = _fields(schema, known[name])
            wanted += [kind for _field, kind, _needed in found[name]]
    return sorted(found.items())


def _fields(schema: dict, shape: dict) -> list[tuple[str, str, bool]]:
    """Return name, kind and whether it must be there, of each field of a shape."""
    name = shape.get("$ref", "").rsplit("/", 1)[-1]
    whole = schema["components"]["schemas"].get(name, shape)
    needed = whole.get("required", [])
    return [(one, _named_shape(what), one in needed) for one, what in whole.get("properties", {}).items()]


def _named_shape(what: dict) -> str:
    """Return the name of a shape: a type, another shape, or several of one."""
    if "$ref" in what:
        return what["$ref"].rsplit("/", 1)[-1]
    if "allOf" in what:
        return _named_shape(what["allOf"][0])
    if what.get("type") == "array":
        return f"{_named_shape(what['items'])}[]"
    return " ".join(str(one) for one in (what.get("type", ""), what.get("format", "")) if one)


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request is none: an address with a zero byte, a form with ten thousand fields."""
    if wants_json(request):
        # Before anybody asked for the language of the answer.
        with translation.override(asked_language(request) or get_language()):
            status, words = PROBLEMS["malformed"]
            return problem(status=status, code="malformed", detail=str(words))
    return bad_request(request, exception)


DUE_COUNTED = 10_000
OLDEST_SHOWN = 5
ERASURES_SHOWN = 50
RULES = (*case_retention.RULES, *hotline_retention.RULES, *dispatch_retention.RULES, *office_retention.RULES)


def retention(request: HttpRequest) -> HttpResponse:
    """What all rooms would erase tonight, what is held, what was erased lately. A hold begins and ends here."""
    at = timezone.now()
    if not may(request.user, "maintain_retention", at=at):
        raise PermissionDenied
    said, problem = {}, ""
    if request.method == "POST":
        said = {name: request.POST.get(name, "").strip() for name in ("number", "why", "end")}
        try:
            _hold(request, said, at=at)
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            return redirect("retention")
    labels = {rule.name: rule.label for rule in RULES}
    holds = LegalHold.objects.filter(ended_at__isnull=True).select_related("case", "by").defer("case__search")
    erasures = [
        (row, labels.get(row.rule, row.rule))
        for row in Erasure.objects.select_related("by").order_by("-at", "-id")[:ERASURES_SHOWN]
    ]
    context = {"rules": _due(RULES, at=at), "holds": holds, "erasures": erasures, "said": said,
               "problem": problem}  # fmt: skip
    return render(request, "accounts/retention.html", context, status=422 if problem else 200)


def _hold(request: HttpRequest, said: dict, *, at) -> None:
    if said["end"].isdecimal():
        held = get_object_or_404(LegalHold, pk=said["end"])
        case_retention.end_hold(held, by=request.user, at=at)
        return
    case = Case.objects.filter(number=said["number"]).first()
    if case is None:
        raise case_retention.NoSuchCase(number=said["number"])
    case_retention.hold(case, by=request.user, at=at, why=said["why"])


def _due(rules, *, at) -> list[dict]:
    """What each rule would erase, counted no further than a night could go anyway.

    One query, and one for each rule by which something is due: after a night there is none.
    """
    keys = [keys_of(rule.due(at=at).order_by()[: DUE_COUNTED + 1]) for rule in rules]
    asked = [f"(SELECT count(*) FROM ({one[0]}) due)" if one else "0" for one in keys]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(asked)}", [value for one in keys if one for value in one[1]])
        numbers = cursor.fetchone()
    return [
        {
            "rule": rule,
            "days": settings.get(rule.setting, on=timezone.localdate(at)),
            "due": min(number, DUE_COUNTED),
            "is_more": number > DUE_COUNTED,
            "oldest": [rule.shown(row) for row in rule.due(at=at)[:OLDEST_SHOWN]] if number else [],
        }
        for rule, number in zip(rules, numbers, strict=True)
    ]


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception)
    words = reason or _("Your role does not open this page.")
    if wants_json(request):
        return problem(status=403, code="forbidden", detail=words)
    template = "_ui/refusal.html" if getattr(request, "htmx", False) else "403.html"
    return render(request, template, {"sentence": words, "reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    words = _("There is nothing at this address, or it is not yours to see.")
    if wants_json(request):
        return problem(status=404, code="not_found", detail=words)
    template = "_ui/refusal.html" if getattr(request, "htmx", False) else "404.html"
    return render(request, template, {"sentence": words}, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Something went wrong on our side. The page stands on nothing that could be what broke."""
    if wants_json(request):
        return problem(status=500, code="broken", detail=_("Something went wrong on our side. Try again."))
    return render(request, "500.html", status=500)


# — handing a shift over 交接班 ————————————————————————————————————————————————————————————————————————————

ROWS_HANDED_OVER = 20  # of each kind; the number of all of them stands beside
REGISTER_SHOWN = 30
HANDED_OVER = {
    "pressing": gettext_lazy("Overdue or urgent"),
    "answers": gettext_lazy("Supervisions waiting for a reply"),
    "straight": gettext_lazy("Went straight through, to be reviewed"),
    "call_backs": gettext_lazy("Call-backs promised"),
}
IN_A_ROW = ("public_id", "number", "minor_class__name_zh", "minor_class__name_en", "address", "due_at")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest) -> HttpResponse:
    """The sheet of this desk as it stands, to be signed over to the next shift; and the register of earlier ones."""
    at = timezone.now()
    desk = _own_desk(request, at=at)
    figures = handed_over(request.user, desk, at=at)
    shifts = list(Shift.objects.all())
    running = next((one for one in shifts if rosters.runs(one, at)), None)
    form = HandOverForm(request.POST or None, initial={"shift": running and running.pk})
    form.fields["shift"].choices = [("", "—"), *((one.pk, str(one)) for one in shifts)]
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            accounts.hand_over(by=request.user, figures=figures, at=at, **form.cleaned_data)
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            messages.success(request, _("The shift is handed over. It waits for somebody to take it over."))
            return redirect("hand_over")
    register = list(_sheets(desk)[:REGISTER_SHOWN])
    # While one waits there is no later one.
    waiting = register[0] if register and register[0].taken_at is None else None
    context = {"form": form, "sections": _sections(figures), "desk": desk, "register": register, "waiting": waiting,
               "problem": problem, "at": at}  # fmt: skip
    return render(request, "accounts/hand_over.html", context, status=422 if problem or form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over_sheet(request: HttpRequest, public_id) -> HttpResponse:
    """One sheet as it was signed; whoever takes the shift over says so here."""
    at = timezone.now()
    sheet = get_object_or_404(_sheets(_own_desk(request, at=at)), public_id=public_id)
    if request.method == "POST":
        try:
            accounts.take_over(sheet, by=request.user, at=at)
        except Refusal as refusal:
            messages.error(request, sentence(refusal))
        return redirect("hand_over_sheet", public_id=public_id)
    may_take = sheet.taken_at is None and sheet.given_by_id != request.user.pk
    context = {"sheet": sheet, "sections": _sections(sheet.figures), "may_take": may_take}
    return render(request, "accounts/hand_over_sheet.html", context)


def _own_desk(request: HttpRequest, *, at) -> Appointment:
    desk = desk_handed_over(request.user, at=at)
    if desk is None:
        raise PermissionDenied
    return desk


def _sheets(desk: Appointment) -> QuerySet:
    found = HandOver.objects.filter(centre=desk.department_id, side=ROLES[desk.role].side)
    return found.select_related("centre", "shift", "given_by", "taken_by")


def handed_over(user, desk: Appointment, *, at) -> dict:
    """Return what is open at a desk now, as HandOver.figures keeps it; one query for each kind."""
    at_command = ROLES[desk.role].side == Side.COMMAND
    own = Q(command_centre=desk.department_id) if at_command else Q(supervision_centre=desk.department_id)
    cases = Case.objects.visible_to(user, at).filter(own, is_practice=False)
    asked = Directive.objects.filter(stage=DirectiveStage.OPEN, needs_reply=True).exclude(kind=Directive.Kind.URGE)
    pressing = cases.filter(LAMPS["red"](at) | Q(urgency__gt=0), stage__in=OPEN)
    kinds = {
        "pressing": pressing.order_by("-urgency", "due_at", "id"),
        "answers": cases.filter(pk__in=asked.values("case")).order_by("due_at", "id"),
        "straight": cases.filter(
            Q(needs_dispatch_review=True) if at_command else Q(needs_filing_review=True) | Q(undo_until__gte=at)
        ).order_by("id"),
    }
    if acting(user, at=at, roles=(Role.DUTY_LEADER,)) and not at_command:
        kinds["call_backs"] = CallBack.objects.owed(user, at)
    figures: dict = {"counts": {}, "rows": {}}
    for name, rows in kinds.items():
        found = list(rows.annotate(in_all=Window(Count("pk"))).values_list(*IN_A_ROW, "in_all")[:ROWS_HANDED_OVER])
        figures["counts"][name] = found[0][-1] if found else 0
        figures["rows"][name] = [
            {"id": str(key), "number": number, "class": [zh or "", en or ""], "place": place,
             "due_at": due.isoformat() if due else ""}
            for key, number, zh, en, place, due, _all in found
        ]  # fmt: skip
    return figures


def _sections(figures: dict) -> list[dict]:
    """Return the kinds of a sheet, to be shown in the reader's language."""
    return [
        {"label": label, "count": figures["counts"][name], "rows": [
            row | {"class": in_this_language(*row["class"]), "due_at": parse_datetime(row["due_at"] or "-")}
            for row in figures["rows"][name]
        ]}
        for name, label in HANDED_OVER.items() if name in figures.get("counts", {})
    ]  # fmt: skip
