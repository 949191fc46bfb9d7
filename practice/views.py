"""The pages of the practice area: the way in, the list of lessons, a lesson's briefing and its result."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.middleware import note_presence
from accounts.permissions import appointments_of
from accounts.roles import ROLES, Role
from cases.models import CaseEvent
from cases.workflow import Subject, label_of
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from practice import actions, cast, lessons, tickets
from practice.lessons import Lesson
from practice.models import Run

BACKEND = "django.contrib.auth.backends.ModelBackend"


# — on the real site ——————————————————————————————————————————————————————————————————————————————————————


@never_cache
@require_safe
def go(request: HttpRequest) -> HttpResponse:
    """Over into the practice area, in ?role= or the first role held that has lessons."""
    if not settings.PRACTICE_URL:
        raise Http404
    held = [one.role for one in appointments_of(request.user, timezone.now())]
    role = request.GET.get("role") or next((role for role in held if role in lessons.ROLES_WITH_LESSONS), "")
    if not role:
        raise actions.NoLessons(role=_(ROLES[Role(held[0])].label) if held else "—")
    if role not in held:
        raise PermissionDenied
    ticket = tickets.make_ticket(request.user, role=role, language=get_language() or "")
    return redirect(f"{settings.PRACTICE_URL}{reverse('practice:door')}?{urlencode({'ticket': ticket})}")


# — in the practice area ——————————————————————————————————————————————————————————————————————————————————


def only_there(view):
    """A page of the practice area: on the real site there is nothing at its address."""

    def asked(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not settings.PRACTICE_OF:
            raise Http404
        return view(request, *args, **kwargs)

    asked.__name__, asked.__doc__ = view.__name__, view.__doc__
    return asked


@login_not_required
@never_cache
@require_safe
@only_there
def door(request: HttpRequest) -> HttpResponse:
    """Whoever brings a ticket is seated; anybody else reads how to come in."""
    text = request.GET.get("ticket", "")
    if not text:
        return render(request, "practice/door.html", {"refusal": ""})
    at = timezone.now()
    try:
        user = actions.come_in(tickets.read_ticket(text), at=at)
    except Refusal as refusal:
        return render(request, "practice/door.html", {"refusal": sentence(refusal)}, status=403)
    login(request, user, backend=BACKEND)
    response = redirect("practice:lessons")
    note_presence(response, request, at=at)
    return response


@never_cache
@require_safe
@only_there
def listed(request: HttpRequest) -> HttpResponse:
    """The lessons of this role, with what was done of each."""
    mine = appointments_of(request.user, timezone.now())
    role = mine[0].role if mine else ""
    taken: dict[str, list[Run]] = {}
    for run in Run.objects.filter(user=request.user):
        taken.setdefault(run.lesson, []).append(run)
    rows = [_row(lesson, taken.get(lesson.key, [])) for lesson in lessons.lessons_of(role)]
    done = sum(row["state"] == "good" for row in rows)
    label = _(ROLES[Role(role)].label) if role else ""
    return render(request, "practice/lessons.html", {"rows": rows, "role": label, "done": done, "taken": taken})


def _row(lesson: Lesson, runs: list[Run]) -> dict:
    """One line of the list; the best that somebody did counts."""
    in_hand = next((run for run in runs if run.ended_at is None), None)
    good = next((run for run in runs if run.is_good), None)
    state = "in_hand" if in_hand else "good" if good else "tried" if runs else "new"
    return {"lesson": lesson, "state": state, "run": in_hand or good or next(iter(runs), None), "times": len(runs)}


@require_POST
@only_there
def begin(request: HttpRequest, key: str) -> HttpResponse:
    lesson = lessons.BY_KEY.get(key)
    at = timezone.now()
    if lesson is None:
        raise Http404
    if lesson.role not in {one.role for one in appointments_of(request.user, at)}:
        raise PermissionDenied
    run = actions.begin(lesson, by=request.user, at=at)
    return redirect("practice:run", run.public_id)


@never_cache
@require_safe
@only_there
def run(request: HttpRequest, run_id) -> HttpResponse:
    """What is to be done, while the lesson is in hand; afterwards how it went."""
    found = _mine(request, run_id)
    context = _told(found)
    if found.ended_at is None:
        return render(request, "practice/briefing.html", context)
    minutes = max(1, round((found.ended_at - found.begun_at).total_seconds() / 60))
    wanted = [(_(one.words), mark) for one, mark in zip(found.script.wanted, found.marks, strict=False)]
    context |= {
        "wanted": wanted, "minutes": minutes, "in_time": minutes <= found.script.minutes,
        "refusals": [_(label) for label in found.refusals], "next": lessons.next_after(found.script),
        "trail": _trail(found),
    }  # fmt: skip
    return render(request, "practice/result.html", context)


def _mine(request: HttpRequest, run_id) -> Run:
    rows = Run.objects.select_related("user", "case").defer("case__search", "case__last_hash")
    return get_object_or_404(rows, public_id=run_id, user=request.user)


def _told(found: Run) -> dict:
    """Return the words of a lesson with its place in them."""
    lesson = found.script
    return {
        "run": found, "lesson": lesson, "title": _(lesson.title), "why": _(lesson.why),
        "briefing": _(lesson.briefing) % {"place": found.address},
        "pictures": [int(put_right) for put_right in lesson.shows],
        "desk": reverse(ROLES[lesson.role].home_url_name),
    }  # fmt: skip


def _trail(found: Run) -> list[dict]:
    """Return what happened to the case since the lesson began: what, by whom, whether by the trainee."""
    if found.case_id is None:
        return []
    events = CaseEvent.objects.filter(case=found.case_id, recorded_at__gte=found.begun_at)
    return [
        {"label": _(label_of(Subject(one.subject), one.verb)), "who": one.actor, "is_mine": one.actor == found.user}
        for one in events.select_related("actor").defer("payload").order_by("id")
        if one.verb not in actions.CLEARED_BY or one.actor == found.user
    ]


@require_POST
@only_there
def end(request: HttpRequest, run_id) -> HttpResponse:
    found = _mine(request, run_id)
    if found.ended_at is None:
        actions.end(found, at=timezone.now())
    return redirect("practice:run", found.public_id)


@never_cache
@require_safe
@only_there
def line(request: HttpRequest) -> HttpResponse:
    """Fragment of every page: the lesson in hand, or that it is over."""
    found = Run.objects.filter(user=request.user).first()
    return render(request, "practice/_line.html", _told(found) if found else {"run": None})


@require_safe
@only_there
def picture(request: HttpRequest, run_id) -> HttpResponse:
    """The picture that the trainee would take on the spot: ?after=1 once it was put right."""
    found = _mine(request, run_id)
    scene = actions.cast_of(found).problem.scene
    response = HttpResponse(cast.drawn(scene, request.GET.get("after") == "1"), content_type="image/jpeg")
    response["Content-Disposition"] = f'inline; filename="{scene}.jpg"'
    return response


@require_POST
@only_there
def anew(request: HttpRequest) -> HttpResponse:
    """All lessons as if none had been begun."""
    actions.forget_mine(request.user, at=timezone.now())
    return redirect("practice:lessons")
