"""The telephone desk, and the pages for citizens: these need no log-in, are never indexed and never kept."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from accounts import vault
from cases import clocks
from cases.actions import accept, may_be_reopened
from cases.models import Case, CaseEvent, EventText, Evidence, HandlingStint
from cases.permissions import centres_of_reporters, may_see_reporter
from cases.querysets import usual_classes
from cases.workflow import Stage
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from citymgmt.wording import shown
from components.forms import asked_place
from hotline import actions
from hotline.forms import CallForm, CitizenForm
from hotline.models import Call, CallBack, FollowUp
from hotline.permissions import seat_of
from hotline.workflow import MILESTONES, PLAIN, REASONS, STEPS, UNSOLVED, WHY, reached
from office import ratelimit, settings
from office.models import StoredFile
from office.ratelimit import TooOften
from office.views import public, stored_file

PAGE = 50
NEAR_SHOWN = 5
HOUR = 3600


def _seat_or_403(request: HttpRequest, at: datetime):
    seat = seat_of(request.user, at=at)
    if seat is None:
        raise PermissionDenied
    return seat


# — similar open cases near by ———————————————————————————————————————————————————————————————————————


def _near(cases, point, minor_class, *, at: datetime) -> list[Case]:
    """Return open cases of this class near a point, each with `.metres`; [] while place or class are not known."""
    if point is None or minor_class is None:
        return []
    found = cases.open_near(point, minor_class=minor_class, at=at)
    return list(found.select_related("minor_class").defer("search", "last_hash")[:NEAR_SHOWN])


# — the telephone desk ———————————————————————————————————————————————————————————————————————————————


@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """The calls of this seat, the newest first."""
    at = timezone.now()
    _seat_or_403(request, at)
    page = Paginator(Call.objects.visible_to(request.user, at).with_row(), PAGE).get_page(request.GET.get("page"))
    owed = CallBack.objects.owed(request.user, at).count()
    return render(request, "hotline/desk.html", {"page": page, "owed": owed, "at": at})


@require_safe
def call(request: HttpRequest, public_id: UUID) -> HttpResponse:
    at = timezone.now()
    _seat_or_403(request, at)
    found = get_object_or_404(Call.objects.visible_to(request.user, at).with_row(), public_id=public_id)
    return render(request, "hotline/call.html", {"call": found, "at": at})


ACCEPTED = "accepted"  # the button that registers and accepts in one


def call_new(request: HttpRequest) -> HttpResponse:
    """Take a call: register it, join it to an open case, or answer it; the button pressed says which."""
    at = timezone.now()
    _seat_or_403(request, at)
    asked = {"day": timezone.localdate(at), "usual": usual_classes(request.user)}
    if request.method != "POST":
        return _call_page(request, CallForm(**asked, initial={"received_at": at}), at=at)
    data = request.POST.copy()
    wanted = result = data.get("result", "")
    if data.get("join"):
        result, data["joined"] = Call.Result.JOINED, data["join"]
    if result not in CallForm.NEEDED:
        result = Call.Result.REGISTERED
    form = CallForm(data, **asked, result=result)
    if not form.is_valid():
        return _call_page(request, form, at=at)
    if result == Call.Result.REGISTERED and "near_seen" not in data:
        near = near_for_desk(request, form.point, form.cleaned_data["minor_class"], at=at)
        if near:
            return _call_page(request, form, at=at, near=near)
    try:
        taken = take_call(request, form, result, at=at)
    except Refusal as refusal:
        form.add_error(None, sentence(refusal))
        return _call_page(request, form, at=at)
    messages.success(request, _("The call is kept: %(result)s.") % {"result": taken.get_result_display()})
    if wanted == ACCEPTED and taken.case is not None:
        return _accepted(request, taken, at=at)
    return redirect("hotline:call", taken.public_id)


def _accepted(request: HttpRequest, taken: Call, *, at: datetime) -> HttpResponse:
    """Accept what was just registered, and go where it is worked on. Registered it is in any case."""
    try:
        accept(taken.case, by=request.user, at=at)
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("cases:case", taken.case.public_id)


def _call_page(request: HttpRequest, form: CallForm, *, at: datetime, near=None) -> HttpResponse:
    return render(request, "hotline/call_new.html", {"form": form, "near": near, "at": at})


def take_call(request: HttpRequest, form: CallForm, result: str, *, at: datetime) -> Call:
    said = form.cleaned_data
    common = {
        "by": request.user, "at": at, "kind": said["kind"], "urgency": said["urgency"], "name": said["name"],
        "phone": said["phone"], "words": form.caller_words, "place": said["place"], "received_at": said["received_at"],
        "happened_at": said["happened_at"], "public_id": said["public_id"],
    }  # fmt: skip
    if result == Call.Result.REGISTERED:
        return actions.register_call(
            **common, minor_class=said["minor_class"], point=form.point, description=said["description"],
            accuracy_m=said["accuracy_m"], component=form.named_component,
        )  # fmt: skip
    if result == Call.Result.JOINED:
        case = get_object_or_404(Case.objects.visible_to(request.user, at), public_id=said["joined"])
        return actions.join_call(case, **common, summary=said["description"])
    return actions.answer_call(**common, result=result, answer=said["answer"], summary=said["description"])


def near_for_desk(request: HttpRequest, point, minor_class, *, at: datetime) -> list[Case]:
    return _near(Case.objects.visible_to(request.user, at), point, minor_class, at=at)


@require_safe
def near(request: HttpRequest) -> HttpResponse:
    """Fragment: open cases near the place of the call; as long as no class is said, of whatever class."""
    at = timezone.now()
    _seat_or_403(request, at)
    point, minor_class = asked_place(request.GET)
    if point is not None and minor_class is None:
        metres = settings.get("cases.around_metres", on=timezone.localdate(at))
        around = Case.objects.visible_to(request.user, at).open().around(point, metres=metres)
        found = list(around.select_related("minor_class").defer("search", "last_hash")[:NEAR_SHOWN])
        return render(request, "hotline/_near.html", {"near": found, "is_any_class": True, "point": point, "at": at})
    found = near_for_desk(request, point, minor_class, at=at)
    return render(request, "hotline/_near.html", {"near": found, "point": point, "at": at})


HISTORY_SHOWN = 6


@require_POST
def history(request: HttpRequest) -> HttpResponse:
    """Fragment beside a call: what this number called about before. Each look at the vault is noted."""
    at = timezone.now()
    _seat_or_403(request, at)
    said = request.POST.get("phone", "").strip()
    digits = vault.normal_phone(said)
    context = {"said": said, "asked": len(digits) >= LEAST_OF_A_NUMBER, "at": at}
    if context["asked"]:
        calls, cases = called_before(request, said, at=at)
        context |= {"calls": calls[:HISTORY_SHOWN], "cases": cases[:HISTORY_SHOWN]}
    return render(request, "hotline/_history.html", context)


LEAST_OF_A_NUMBER = 7


# — whoever reported: opened by the desk that holds the case, each time noted ——————————————————————————


def reporter(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Fragment: a button; pressed, who reported the case and in which words. The look is noted with its reason."""
    at = timezone.now()
    case, calls, refs = reporter_of(request, case_id, at=at)
    context = {"case": case, "calls": calls, "refs": refs, "why": WHY, "at": at}
    if request.method == "POST":
        context["opened"] = open_records(
            refs, request.user, case.number, request.POST.get("why", ""), at=at, number=case.number
        )
    template = "hotline/_reporter.html" if request.htmx else "hotline/reporter.html"
    return render(request, template, context)


@require_POST
def caller(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Fragment: who made a call that became no case."""
    at = timezone.now()
    _seat_or_403(request, at)
    found = get_object_or_404(Call.objects.visible_to(request.user, at).select_related("case"), public_id=public_id)
    refs = [found.reporter_ref] if found.reporter_ref else []
    number = found.case.number if found.case else ""
    opened = open_records(refs, request.user, str(found.public_id), request.POST.get("why", ""), at=at, number=number)
    template = "hotline/_opened.html" if request.htmx else "hotline/opened.html"
    return render(request, template, {"opened": opened, "call": found, "at": at})


def reporter_of(request: HttpRequest, case_id: UUID, *, at: datetime) -> tuple[Case, list[Call], list[UUID]]:
    """Return a case with its calls and the vault's numbers of whoever reported it; only for the desk that holds it."""
    case = get_object_or_404(Case.objects.visible_to(request.user, at).select_related("minor_class"), public_id=case_id)
    if seat_of(request.user, at=at) is None or not may_see_reporter(request.user, case, at):
        raise PermissionDenied
    calls = list(Call.objects.filter(case=case).select_related("seat"))
    refs = list(dict.fromkeys(ref for ref in [case.reporter_ref, *(call.reporter_ref for call in calls)] if ref))
    return case, calls, refs


def open_records(refs: list[UUID], reader, about: str, chosen: str, *, at: datetime, number: str = "") -> list:
    """Open sealed records for a reason of WHY; each look is noted, with the number of the case."""
    if chosen not in WHY:
        raise vault.ReasonMissing()
    why = f"{about}: {_(WHY[chosen])}"
    return [vault.open_record(ref, reader=reader, why=why, at=at, number=number) for ref in refs]


@require_POST
def number(request: HttpRequest) -> HttpResponse:
    """The calls and cases of exactly this number at this desk's centre; asked by POST, so that no address holds it."""
    at = timezone.now()
    _seat_or_403(request, at)
    said = request.POST.get("phone", "").strip()
    calls, cases = called_before(request, said, at=at)
    clocks.show_working_time(cases, at=at)
    return render(request, "hotline/number.html", {"calls": calls, "cases": cases, "said": said, "at": at})


def called_before(request: HttpRequest, said: str, *, at: datetime) -> tuple[list[Call], list[Case]]:
    """Return the calls and cases of exactly this number at this desk's centre, the latest first; open ones first."""
    centres = centres_of_reporters(request.user, at)
    refs = vault.find_by_phone(said, reader=request.user, why=gettext_noop("Search at the telephone"), at=at)
    calls = list(Call.objects.filter(centre__in=centres, reporter_ref__in=refs).with_row()[:PAGE])
    own = Q(reporter_ref__in=refs) | Q(pk__in=[call.case_id for call in calls if call.case_id])
    cases = Case.objects.visible_to(request.user, at).filter(own, supervision_centre__in=centres)
    rows = list(cases.with_row().order_by("-moved_at", "-id")[:PAGE])
    return calls, sorted(rows, key=lambda case: not case.is_open)


# — calling back —————————————————————————————————————————————————————————————————————————————————————


@require_safe
def visits(request: HttpRequest) -> HttpResponse:
    """The ended cases whose citizen left a number and was not told the result yet, the oldest first."""
    at = timezone.now()
    _seat_or_403(request, at)
    owed = CallBack.objects.owed(request.user, at).with_row().select_related("merged_into")
    owed = owed.defer("search", "last_hash", "merged_into__search", "merged_into__last_hash")
    page = Paginator(owed, PAGE).get_page(request.GET.get("page"))
    tried = dict.fromkeys(
        CallBack.objects.filter(case__in=[case.pk for case in page]).values_list("case_id", flat=True), True
    )
    rows = [(case, case.pk in tried) for case in page]
    return render(request, "hotline/visits.html", {"page": page, "rows": rows, "why": WHY, "at": at})


@require_POST
def visit(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Note how calling back went."""
    at = timezone.now()
    _seat_or_403(request, at)
    case = get_object_or_404(Case.objects.visible_to(request.user, at), public_id=case_id)
    outcome = request.POST.get("outcome", "")
    if outcome not in CallBack.Outcome.values:
        outcome = CallBack.Outcome.NOT_REACHED
    try:
        actions.tell_result(case, by=request.user, at=at, outcome=outcome)
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("hotline:visits")


# — citizens —————————————————————————————————————————————————————————————————————————————————————————

JOIN_SALT = "hotline.join"
JOIN_SECONDS = 24 * HOUR


def _within_limit(request: HttpRequest, what: str, *, limit: int, at: datetime) -> bool:
    """Count a try of this visitor."""
    return ratelimit.allowed(f"hotline.{what}", ratelimit.visitor(request), limit=limit, seconds=HOUR, at=at)


@public
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "hotline/citizen_start.html")


# Files are stored before the form is known to be right; so tries count too, not only reports.
TRIES_FOR_EACH_REPORT = 5


@public
def citizen_report(request: HttpRequest) -> HttpResponse:
    """The citizen's form. Whatever is wrong, what was typed and chosen stays; sent, it leads to his own address."""
    at = timezone.now()
    day = timezone.localdate(at)
    if request.method != "POST":
        return _citizen_page(request, CitizenForm(day=day), at=at)
    form = CitizenForm(request.POST, request.FILES, day=day)
    limit = settings.get("hotline.reports_per_hour", on=day)
    if not _within_limit(request, "tries", limit=limit * TRIES_FOR_EACH_REPORT, at=at):
        return _too_often(request, form, at=at)
    form.keep_files(by=None, at=at)
    if not form.is_valid():
        return _citizen_page(request, form, at=at)
    if "near_seen" not in request.POST:
        similar = _near_for_citizens(form.point, form.cleaned_data["minor_class"], at=at)
        if similar:
            return _citizen_page(request, form, at=at, near=_offered(similar))
    if not _within_limit(request, "reports", limit=limit, at=at):
        return _too_often(request, form, at=at)
    said = form.cleaned_data
    try:
        actions.report_as_citizen(
            at=at, minor_class=said["minor_class"], point=form.point, words=said["words"], name=said["name"],
            phone=said["phone"], place=said["place"], files=said["files"], accuracy_m=said["accuracy_m"],
            token=said["token"], public_id=said["public_id"],
        )  # fmt: skip
    except Refusal as refusal:
        form.add_error(None, sentence(refusal))
        return _citizen_page(request, form, at=at)
    return redirect(f"{reverse('citizen:follow', args=[said['token']])}?new=yes")


def _citizen_page(
    request: HttpRequest, form: CitizenForm, *, at: datetime, near: list[dict] | None = None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "near": near, "at": at}
    return render(request, "hotline/citizen_report.html", context, status=status)


def _too_often(request: HttpRequest, form: CitizenForm, *, at: datetime) -> HttpResponse:
    form.add_error(None, sentence(TooOften(minutes=60)))
    return _citizen_page(request, form, at=at, status=429)


def _near_for_citizens(point, minor_class, *, at: datetime) -> list[Case]:
    """Whoever reported it, if the city shows citizens what is open close by."""
    if not settings.get("hotline.show_similar", on=timezone.localdate(at)):
        return []
    return _near(Case.objects.all(), point, minor_class, at=at)


def _offered(cases: list[Case]) -> list[dict]:
    """What a citizen may know of somebody else's report: class, distance, when, how far it is; nothing else."""
    return [
        {
            "minor_class": case.minor_class,
            "metres": max(10, round(case.metres, -1)),
            "reported_at": case.reported_at,
            "heading": PLAIN[Stage(case.stage)].heading,
            "ref": signing.dumps(str(case.public_id), salt=JOIN_SALT),
        }
        for case in cases
    ]


@public
@require_safe
def citizen_near(request: HttpRequest) -> HttpResponse:
    """Fragment: similar open reports near by."""
    at = timezone.now()
    similar: list[Case] = []
    if _within_limit(request, "looks", limit=settings.get("hotline.looks_per_hour", on=timezone.localdate(at)), at=at):
        similar = _near_for_citizens(*asked_place(request.GET), at=at)
    return render(request, "hotline/_citizen_near.html", {"near": _offered(similar), "at": at})


@public
@require_POST
def join(request: HttpRequest) -> HttpResponse:
    """Follow the report of somebody else instead of sending the same again."""
    at = timezone.now()
    token = request.POST.get("token", "")
    try:
        public_id = signing.loads(request.POST.get("join", ""), salt=JOIN_SALT, max_age=JOIN_SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    if not actions.is_token(token):
        raise Http404
    limit = settings.get("hotline.reports_per_hour", on=timezone.localdate(at))
    if not _within_limit(request, "joins", limit=limit, at=at):
        return _no_link(request, TooOften(minutes=60))
    actions.join_as_citizen(get_object_or_404(Case, public_id=public_id), at=at, token=token)
    return redirect("citizen:follow", token)


def _link(request: HttpRequest, token: str, *, at: datetime) -> FollowUp:
    """Return the link behind a secret. Raises LinkUnknown, LinkExpired, TooOften for an address that guesses."""
    limit = settings.get("hotline.wrong_links_per_hour", on=timezone.localdate(at))
    try:
        return actions.follow(token, at=at)
    except actions.LinkUnknown as refusal:
        if not _within_limit(request, "wrong_links", limit=limit, at=at):
            raise TooOften(minutes=60) from refusal
        raise


# What a browser is told beside the words.
NO_LINK = {"link_unknown": 404, "link_expired": 410, "too_often": 429}


@public
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """What became of a report, for whoever holds its secret address."""
    at = timezone.now()
    try:
        link = _link(request, token, at=at)
    except Refusal as refusal:
        return _no_link(request, refusal)
    return _follow_page(request, link, token, at=at)


def _no_link(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    context = {"sentence": sentence(refusal)}
    return render(request, "hotline/citizen_no_link.html", context, status=NO_LINK[refusal.code])


def _follow_page(request: HttpRequest, link: FollowUp, token: str, *, at: datetime, trouble: str = "") -> HttpResponse:
    case, leading = link.case, link.case.leading_case
    plain = PLAIN[Stage(leading.stage)]
    events = _events(case, leading)
    context = {
        "case": case,
        "link": link,
        "token": token,
        "plain": plain,
        "is_attached": leading is not case,
        "heading": _(plain.heading),
        "sentence": _state_in_words(leading, plain, at=at),
        "reason": _reason(leading, events) if plain.gives_reason else "",
        "steps": list(zip(map(_, STEPS), reached(plain, {event.verb for event in events}), strict=True)),
        "milestones": [
            (_(MILESTONES[event.verb, event.outcome]), event.at)
            for event in events
            if (event.verb, event.outcome) in MILESTONES
        ],
        "pictures": _pictures(link),
        "address": request.build_absolute_uri(reverse("citizen:follow", args=[token])),
        "trouble": trouble,
        "is_new": request.GET.get("new") == "yes",
        "unsolved": {code: _(label) for code, label in UNSOLVED.items()} if may_be_reopened(leading, at) else {},
        "may_withdraw": link.is_reporter and leading is case and case.is_open and not _is_withdrawn(events),
        "at": at,
    }
    return render(request, "hotline/citizen_follow.html", context, status=422 if trouble else 200)


def _is_withdrawn(events) -> bool:
    return any(event.verb in ("withdraw_report", "note_withdrawal") for event in events)


@public
@require_POST
def unsolved(request: HttpRequest, token: str) -> HttpResponse:
    """The citizen says that what was closed is not solved."""
    return _said_by_citizen(
        request, token, lambda link, at: actions.say_unsolved(link, at=at, ground=request.POST.get("ground", ""))
    )


@public
@require_POST
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """The citizen takes his report back."""
    return _said_by_citizen(request, token, lambda link, at: actions.withdraw(link, at=at))


def _said_by_citizen(request: HttpRequest, token: str, act: Callable) -> HttpResponse:
    """Do what the holder of a secret address asks, and lead back to his page; a refusal is said there in words."""
    at = timezone.now()
    try:
        link = _link(request, token, at=at)
    except Refusal as refusal:
        return _no_link(request, refusal)
    try:
        act(link, at)
    except Refusal as refusal:
        return _follow_page(request, link, token, at=at, trouble=sentence(refusal))
    return redirect("citizen:follow", token)


def _events(case: Case, leading: Case) -> list[CaseEvent]:
    """The steps of a report; attached to another case, those of that one too, but never how that was reported."""
    theirs = CaseEvent.objects.filter(Q(case=case) | Q(case=leading) & ~Q(verb__in=REPORTING))
    return list(theirs.order_by("at", "case_id", "sequence").only("sequence", "verb", "outcome", "at", "case_id"))


REPORTING = ("report", "attached", "detached")


def _state_in_words(case: Case, plain, *, at: datetime) -> str:
    if case.stage == Stage.SUSPENDED:
        until = HandlingStint.objects.filter(case=case, stage="suspended").values_list("suspended_until", flat=True)
        return _(plain.sentence) % {"until": shown(next(iter(until), None))}
    if "%(due)s" not in plain.sentence:
        return _(plain.sentence)
    if case.due_at is None:
        return _(plain.undated)
    if case.due_at < at:
        return _(plain.late) % {"due": shown(case.due_at)}
    return _(plain.sentence) % {"due": shown(case.due_at)}


def _reason(case: Case, events: list) -> str:
    """The desk's own words at the step that ended it."""
    ended = [event for event in events if event.case_id == case.pk and event.verb in REASONS]
    last = ended[-1] if ended else None
    if last is None:
        return ""
    found = EventText.objects.filter(case=case, sequence=last.sequence, erased_at__isnull=True).first()
    return found.text if found else ""


def _shown_pictures(link: FollowUp):
    """His own pictures, and, once a collector has seen that it is done, those of the result."""
    wanted, leading = Q(pk__in=[]), link.case.leading_case
    if link.is_reporter:
        wanted |= Q(case=link.case, from_reporter=True)
    if leading.stage == Stage.CLOSED:
        wanted |= Q(case=leading, usage=Evidence.Usage.AFTER)
    pictures = Evidence.objects.filter(wanted, file__kind=StoredFile.Kind.PICTURE, file__erased_at__isnull=True)
    return pictures.select_related("file").order_by("id")


def _pictures(link: FollowUp) -> dict[str, list[Evidence]]:
    before, after = [], []
    for evidence in _shown_pictures(link):
        (after if evidence.usage == Evidence.Usage.AFTER else before).append(evidence)
    return {"before": before, "after": after}


MADE_ANEW = ("view", "thumb")


@public
@require_safe
def picture(request: HttpRequest, token: str, evidence_id: UUID, variant: str) -> HttpResponse:
    """A picture of the case as others may see it: made anew, without what the camera wrote into it."""
    try:
        link = _link(request, token, at=timezone.now())
    except Refusal:
        raise Http404 from None
    if variant not in MADE_ANEW:
        raise Http404
    evidence = get_object_or_404(_shown_pictures(link), public_id=evidence_id)
    return stored_file(evidence.file, variant)
