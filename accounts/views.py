"""Logging in, one's own account, and the maintenance of departments, people and settings."""

import json
from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import wraps

from axes.helpers import get_cool_off
from django.conf import settings as installation
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, oidc
from accounts.forms import (
    AppointmentForm,
    ContactForm,
    DeliveryFilter,
    DepartmentForm,
    EndDepartmentForm,
    HandTurnForm,
    LogInForm,
    NoticeForm,
    OwnPasswordForm,
    PersonFilter,
    PersonForm,
    PhraseForm,
    ReachForm,
    ReadingFilter,
    SettingForm,
    ShiftForm,
    TokenForm,
    TurnsForm,
    UnlockForm,
)
from accounts.middleware import LANGUAGES, SEEN_COOKIE, note_presence
from accounts.models import (
    ApiToken,
    Appointment,
    Contact,
    Department,
    Duty,
    HandOver,
    Notice,
    NoticeReading,
    RosterEntry,
    Shift,
    User,
)
from accounts.permissions import (
    appointments_of,
    departments_of,
    desk_handed_over,
    may,
    may_use_password,
    may_withdraw,
    notice_reach,
    pages_shown,
)
from accounts.querysets import valid_on
from accounts.roles import ROLES, Role
from accounts.rosters import turn
from citymgmt.errors import Refusal
from citymgmt.live_publish import say_goodbye
from citymgmt.refusals import sentence
from office import actions as office_actions
from office import gateways, health, messages_text, ratelimit, settings
from office.actions import note_look
from office.declared import SETTINGS
from office.models import Delivery, Phrase, Reach, ReadLog, Setting
from office.ratelimit import TooOften

PAGE = 50


def asks(what: str):
    """Only for those who may do this (accounts/permissions.py); others read why not."""

    def decorate(view):
        @wraps(view)
        def asked(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if not may(request.user, what, at=timezone.now()):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return asked

    return decorate


def open_while_locked(view):
    """A page that the lock and the first password leave open."""
    view.open_while_locked = True
    return view


def next_page(request: HttpRequest) -> str:
    """Where to go afterwards: a page of ours, else the start."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else "/"


# --- Logging in and out ---


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and request.method == "GET":
        return redirect(next_page(request))
    form = LogInForm(request, request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        at = timezone.now()
        if may_use_password(form.get_user(), at=at):
            return let_in(request, form.get_user(), back=next_page(request), at=at)
        refusal = sentence(PasswordClosed())
    return log_in_page(request, form, refusal=refusal, status=403 if refusal else 200)


class PasswordClosed(Refusal):
    """Only administrators log in by password here."""

    code = "password_closed"


def log_in_page(request: HttpRequest, form: LogInForm, *, refusal: str = "", status: int = 200) -> HttpResponse:
    form.fields["username"].widget.attrs.update(
        autocapitalize="none", **({} if sign_on_first() else {"autofocus": True})
    )
    context = {"form": form, "next": next_page(request), **ways_in()}
    return render(request, "accounts/login.html", context | ({"refusal": refusal} if refusal else {}), status=status)


def ways_in() -> dict:
    """What the pages of the door offer: the single sign-on, and whether the password steps back behind it."""
    return {"has_sign_on": installation.OIDC is not None, "sign_on_first": sign_on_first()}


def sign_on_first() -> bool:
    return installation.OIDC is not None and installation.OIDC["password"] == "administrators"


def let_in(request: HttpRequest, user: User, *, back: str, at: datetime) -> HttpResponse:
    """Open a session for somebody who has proved who he is, take his seat, and lead on."""
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    if takes_a_seat(user, at):
        actions.sign_on(user, at=at)
    response = redirect(back)
    note_presence(response, request, at=at)
    return response


def takes_a_seat(user: User, at) -> bool:
    return any(ROLES[appointment.role].is_desk for appointment in appointments_of(user, at))


def tried_too_often(request: HttpRequest, original_response=None, credentials=None) -> HttpResponse:
    """What django-axes answers when a name and address failed too many times."""
    minutes = round(get_cool_off(request).total_seconds() / 60)
    refusal = TooOften(minutes=minutes)
    return log_in_page(request, LogInForm(request), refusal=sentence(refusal), status=429)


# — single sign-on 统一身份认证 (accounts/oidc.py) ——————————————————————————————————————————————————————————

SIGN_ONS_A_MINUTE = 300  # from one internet address: a whole hall at the change of shift, not a machine


@login_not_required
@never_cache
@require_safe
def sign_on(request: HttpRequest) -> HttpResponse:
    """Lead to the city's identity provider; at a locked desk, to prove anew who one is."""
    at = timezone.now()
    if installation.OIDC is None:
        raise Http404
    if not ratelimit.allowed("sign_on", ratelimit.visitor(request), limit=SIGN_ONS_A_MINUTE, seconds=60, at=at):
        return not_signed_on(request, TooOften(minutes=1))
    try:
        return oidc.begin(request, back=next_page(request), at=at)
    except Refusal as refusal:
        return not_signed_on(request, refusal)


@login_not_required
@never_cache
@require_safe
def sign_on_back(request: HttpRequest) -> HttpResponse:
    """The provider sent somebody back: the same session as after a password, or a page that says why not."""
    at = timezone.now()
    if installation.OIDC is None:
        raise Http404
    try:
        arrival = oidc.finish(request, at=at)
    except Refusal as refusal:
        return not_signed_on(request, refusal)
    if arrival.opens_lock:
        response = redirect(arrival.back)
        note_presence(response, request, at=at)
    else:
        response = let_in(request, arrival.user, back=arrival.back, at=at)
    request.session[oidc.IN_SESSION] = arrival.kept
    return response


SIGN_ON_REFUSED_AS = {"provider_silent": 502, "too_often": 429}  # any other is 403


def not_signed_on(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Say at the door, or at the lock, why not and what to do."""
    status, said = SIGN_ON_REFUSED_AS.get(refusal.code, 403), sentence(refusal)
    if request.user.is_authenticated:
        return lock_page(request, UnlockForm(), refusal=said, status=status)
    return log_in_page(request, LogInForm(request), refusal=said, status=status)


@open_while_locked
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    say_goodbye(user_id=request.user.pk)
    actions.sign_off(request.user, at=at)
    way_out = oidc.way_out(request)
    logout(request)
    # A form of ours leads to our own pages only (form-action): what ends the session there is a page that goes on.
    response = (
        render(request, "accounts/logged_out.html", {"way_out": way_out}) if way_out else redirect("accounts:login")
    )
    response.delete_cookie(SEEN_COOKIE)
    return response


@require_POST
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    actions.log_out_everywhere(request.user, by=request.user, at=timezone.now())
    say_goodbye(user_id=request.user.pk)
    logout(request)
    messages.success(request, _("All your sessions on all devices have ended."))
    return redirect("accounts:login")


@open_while_locked
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def lock(request: HttpRequest) -> HttpResponse:
    """The desk was left alone: the same person goes on where he was, after the password or the single sign-on."""
    at = timezone.now()
    form = UnlockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        if not may_use_password(request.user, at=at):
            return lock_page(request, UnlockForm(), refusal=sentence(PasswordClosed()), status=403)
        if authenticate(request, username=request.user.username, password=password) == request.user:
            response = redirect(next_page(request))
            note_presence(response, request, at=at)
            return response
        form.add_error("password", _("This is not your password. Try again."))
    return lock_page(request, form)


def lock_page(request: HttpRequest, form: UnlockForm, *, refusal: str = "", status: int = 200) -> HttpResponse:
    takes_password = may_use_password(request.user, at=timezone.now())
    context = {"form": form, "next": next_page(request), "refusal": refusal, "takes_password": takes_password}
    return render(request, "accounts/lock.html", context | ways_in(), status=status)


# --- One's own account ---


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    form = OwnPasswordForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_own_password(request.user, password=form.cleaned_data["new"])
        except ValidationError as error:
            form.add_error("new", error)
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, _("Your password was changed. Other sessions have ended."))
            response = redirect(next_page(request))
            note_presence(response, request, at=timezone.now())
            return response
    return render(request, "accounts/password.html", {"form": form, "next": next_page(request)})


password.chooses_password = True


@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    return profile_page(request, at=timezone.now())


def profile_page(request: HttpRequest, *, at, **more) -> HttpResponse:
    duties = Duty.objects.filter(user=request.user).order_by("-started_at")[:5]
    held = appointments_of(request.user, at)
    return render(
        request,
        "accounts/profile.html",
        {
            "held": held,
            "duties": duties,
            "takes_a_seat": takes_a_seat(request.user, at),
            "languages": LANGUAGES,
            "tokens": ApiToken.objects.in_force(at).filter(user=request.user),
            "token_form": TokenForm(),
            **more,
        },
    )


# — phrases 惯用语 ——————————————————————————————————————————————————————————————————————————————————————


@never_cache
@require_safe
def my_phrases(request: HttpRequest) -> JsonResponse:
    """What Alt and a digit put into a text: one's own phrases, then those of one's roles. One query."""
    roles = [one.role for one in appointments_of(request.user, timezone.now())]
    found = Phrase.objects.for_person(request.user, roles=roles)
    return JsonResponse({"phrases": list(found.values("text", "use")[:PHRASES_SENT])})


PHRASES_SENT = 60
ROLES_NAMED = [(str(role), gettext_lazy(info.label)) for role, info in ROLES.items()]


@require_http_methods(["GET", "HEAD", "POST"])
def phrases(request: HttpRequest) -> HttpResponse:
    """One's own phrases, to keep; with ?role= those of a role, for whoever may keep them."""
    at = timezone.now()
    role = _role_of_phrases(request, at=at)
    form = PhraseForm(request.POST or None, initial={"number": 1})
    if request.method == "POST" and form.is_valid():
        new = form.save(commit=False)
        new.owner, new.role = (None, role) if role else (request.user, "")
        new.save(force_insert=True)
        messages.success(request, _("Saved."))
        return redirect(_phrases_at(role))
    held = [one.role for one in appointments_of(request.user, at)]
    own = Phrase.objects.filter(owner__isnull=True, role=role) if role else Phrase.objects.filter(owner=request.user)
    context = {
        "form": form, "role": role, "rows": [(one, PhraseForm(instance=one, auto_id=False)) for one in own],
        "shared": [] if role else Phrase.objects.filter(owner__isnull=True, role__in=held),
        "roles": ROLES_NAMED if may(request.user, "keep_phrases", at=at) else [],
    }  # fmt: skip
    return render(request, "accounts/phrases.html", context, status=422 if form.errors else 200)


@require_POST
def phrase(request: HttpRequest, public_id) -> HttpResponse:
    """Change a phrase, or drop it."""
    at = timezone.now()
    mine = Q(owner=request.user)
    if may(request.user, "keep_phrases", at=at):
        mine |= Q(owner__isnull=True)
    one = get_object_or_404(Phrase.objects.filter(mine), public_id=public_id)
    role = one.role
    if "drop" in request.POST:
        one.delete()
    elif (form := PhraseForm(request.POST, instance=one)).is_valid():
        form.save()
        messages.success(request, _("Saved."))
    else:
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
    return redirect(_phrases_at(role))


def _role_of_phrases(request: HttpRequest, *, at) -> str:
    role = request.GET.get("role", "")
    if role and (role not in set(ROLES) or not may(request.user, "keep_phrases", at=at)):
        raise Http404
    return role


def _phrases_at(role: str) -> str:
    return reverse("accounts:phrases") + (f"?role={role}" if role else "")


# — notices 公告 ———————————————————————————————————————————————————————————————————————————————————————

NOTICES_SHOWN = 50


@never_cache
@require_safe
def notice_line(request: HttpRequest) -> HttpResponse:
    """The quiet line under the bar: the newest notice not read yet, and a shift waiting to be taken over."""
    return _notice_line(request, at=timezone.now())


def _notice_line(request: HttpRequest, *, at: datetime) -> HttpResponse:
    held = appointments_of(request.user, at)
    unread = Notice.objects.holding(at).for_appointments(held).unread_by(request.user)
    found = list(unread.only("public_id", "title")[:2]) if held else []
    waiting, desk = None, desk_handed_over(request.user, at=at)
    if desk is not None:
        waiting = HandOver.objects.filter(
            centre=desk.department_id, side=ROLES[desk.role].side, taken_at__isnull=True
        ).exclude(given_by=request.user).select_related("given_by").first()  # fmt: skip
    context = {"notice": found[0] if found else None, "are_more": len(found) > 1, "waiting": waiting}
    return render(request, "accounts/_notice_line.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """The notices that hold for this person; for whoever may keep some, also those, and a new one."""
    at = timezone.now()
    reach = notice_reach(request.user, at=at)
    if request.method == "POST" and reach is None:
        raise PermissionDenied
    form = None
    if reach is not None:
        roles, centre = reach
        begins = timezone.localtime(at).replace(second=0, microsecond=0)
        form = NoticeForm(
            request.POST or None, roles=roles, centre=centre, day=begins.date(), initial={"valid_from": begins}
        )
    if request.method == "POST" and form.is_valid():
        actions.publish_notice(form.save(commit=False), by=request.user, at=at)
        messages.success(request, _("The notice is published."))
        return redirect("accounts:notices")
    held = Notice.objects.holding(at).for_appointments(appointments_of(request.user, at))
    held = held.select_related("made_by", "department")[:NOTICES_SHOWN]
    context = {"form": form, "at": at, "held": held, "kept": _kept_notices(request.user, reach, at=at)}
    context["read"] = set(
        NoticeReading.objects.filter(user=request.user, notice__in=[one.pk for one in held]).values_list(
            "notice_id", flat=True
        )
    )
    return render(request, "accounts/notices.html", context, status=422 if form is not None and form.errors else 200)


def _kept_notices(user: User, reach: tuple | None, *, at: datetime) -> list[Notice]:
    """Return what this person keeps, the newest first, each with how many have read it."""
    if reach is None:
        return []
    kept = Notice.objects.filter(department=reach[1]) if reach[1] else Notice.objects.all()
    kept = kept.select_related("made_by", "department").annotate(read_count=Count("readings"))
    return [one for one in kept[:NOTICES_SHOWN] if may_withdraw(user, one, at=at)]


@require_POST
def read_notice(request: HttpRequest, public_id) -> HttpResponse:
    """I have read this one."""
    at = timezone.now()
    actions.read_notice(get_object_or_404(Notice, public_id=public_id), by=request.user, at=at)
    return _notice_line(request, at=at) if request.htmx else redirect("accounts:notices")


@require_POST
def withdraw_notice(request: HttpRequest, public_id) -> HttpResponse:
    """Take a notice back."""
    actions.withdraw_notice(get_object_or_404(Notice, public_id=public_id), by=request.user, at=timezone.now())
    messages.success(request, _("The notice is taken back."))
    return redirect("accounts:notices")


@never_cache
@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """A token of my own for a program; its secret stands on this one page and nowhere else."""
    at = timezone.now()
    return profile_page(request, at=at, **_made_token(request, request.user, at=at))


def _made_token(request: HttpRequest, who: User, *, at) -> dict:
    form = TokenForm(request.POST)
    if form.is_valid():
        try:
            _token, secret = actions.make_token(who, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            return {"new_token": secret}
    return {"token_form": form}


@require_POST
def revoke_token(request: HttpRequest, public_id) -> HttpResponse:
    """End a token: one's own, or as the administrator anybody's."""
    token = get_object_or_404(ApiToken.objects.select_related("user"), public_id=public_id)
    actions.revoke_token(token, by=request.user, at=timezone.now())
    messages.success(request, _("The token opens nothing any more."))
    if token.user_id == request.user.pk:
        return redirect("accounts:profile")
    return redirect("accounts:person", token.user.public_id)


@require_POST
def duty(request: HttpRequest) -> HttpResponse:
    """Take the seat or give it up without logging out: a break, the end of a shift."""
    at = timezone.now()
    if not takes_a_seat(request.user, at):
        raise PermissionDenied
    if request.POST.get("on") == "yes":
        actions.sign_on(request.user, at=at)
    else:
        actions.sign_off(request.user, at=at)
    return redirect(next_page(request))


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """For everybody in this browser, and for somebody logged in on every device."""
    language = request.POST.get("language", "")
    response = redirect(next_page(request))
    if language not in LANGUAGES:
        return response
    if request.user.is_authenticated:
        actions.choose_language(request.user, language=language)
    response.set_cookie(
        installation.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=installation.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


# --- Maintenance 应用维护 ---


def maintenance(request: HttpRequest) -> HttpResponse:
    """The pages of all rooms that this person is shown the way to, under headings, and the state of the house."""
    at = timezone.now()
    groups = pages_shown(request.user, at=at)
    if not groups:
        raise PermissionDenied
    checks = health.checks(at=at) if may(request.user, "see_health", at=at) else []
    return render(request, "accounts/maintenance.html", {"groups": groups, "checks": checks})


@asks("see_departments")
def departments(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    found = departments_wanted(request.GET, day=timezone.localdate(at))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": request.GET.get("q", "").strip(),
        "ended": request.GET.get("ended") == "yes",
        "may_change": may(request.user, "maintain_departments", at=at),
    }
    return render(request, "accounts/departments.html", context)


def departments_wanted(said, *, day):
    """Return the departments an address asks for: by words, those of this day or all that ever were."""
    wanted = said.get("q", "").strip()
    found = Department.objects.select_related("parent", "succeeded_by").order_by("path")
    if said.get("ended") != "yes":
        found = found.filter(valid_on(day))
    if wanted:
        found = found.filter(
            Q(name_zh__icontains=wanted)
            | Q(name_en__icontains=wanted)
            | Q(short_name__icontains=wanted)
            | Q(code__istartswith=wanted)
        )
    return found


@asks("maintain_departments")
@require_http_methods(["GET", "POST"])
def new_department(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    form = DepartmentForm(
        request.POST or None, day=timezone.localdate(at), initial={"valid_from": timezone.localdate(at)}
    )
    if request.method == "POST" and form.is_valid():
        try:
            department = actions.create_department(by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("%(name)s was founded.") % {"name": department.name})
            return redirect("accounts:department", department.public_id)
    return render(request, "accounts/department.html", {"form": form})


@asks("maintain_departments")
@require_http_methods(["GET", "POST"])
def department(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    body = get_object_or_404(Department.objects.select_related("parent", "succeeded_by"), public_id=public_id)
    day = timezone.localdate(at)
    # The form works on a copy: nothing of what is refused shows up on the page as if it were so.
    form = DepartmentForm(request.POST or None, instance=Department.objects.get(pk=body.pk), day=day)
    if request.method == "POST" and form.is_valid():
        facts = dict(form.cleaned_data)
        parent = facts.pop("parent")
        try:
            if parent != body.parent:
                actions.move_department(body, by=request.user, at=at, parent=parent)
            actions.change_department(body, by=request.user, at=at, **facts)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:department", body.public_id)
    return render(request, "accounts/department.html", department_page(body, day=day, form=form))


def department_page(body: Department, *, day, form=None, end_form=None) -> dict:
    return {
        "department": body,
        "form": form or DepartmentForm(instance=Department.objects.get(pk=body.pk), day=day),
        "end_form": end_form or EndDepartmentForm(department=body, day=day),
        "holders": body.appointments.valid(day).select_related("user").order_by("role", "id"),
    }


@asks("maintain_departments")
@require_POST
def end_department(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    body = get_object_or_404(Department.objects.select_related("parent", "succeeded_by"), public_id=public_id)
    day = timezone.localdate(at)
    form = EndDepartmentForm(request.POST, department=body, day=day)
    if form.is_valid():
        try:
            actions.end_department(body, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("%(name)s ends on that day.") % {"name": body.name})
            return redirect("accounts:department", body.public_id)
    return render(request, "accounts/department.html", department_page(body, day=day, end_form=form))


@asks("see_people")
def people(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    day = timezone.localdate(at)
    form = PersonFilter(request.GET, day=day)
    found = people_wanted(form, at=at)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "filter": form, "may_change": may(request.user, "maintain_people", at=at)}
    return render(request, "accounts/people.html", context)


def people_wanted(form: PersonFilter, *, at):
    """Return the people a filter asks for, each with what is `held` today and the `seats` taken."""
    day = timezone.localdate(at)
    found = User.objects.order_by("-is_active", "username")
    if form.is_valid():
        found = found.filter(_who(form.cleaned_data, day=day)).distinct()
    held = Appointment.objects.valid(day).select_related("department").order_by("id")
    seats = Duty.objects.on_duty(at, longest=actions.longest_shift(at))
    return found.prefetch_related(
        Prefetch("appointments", queryset=held, to_attr="held"), Prefetch("duties", queryset=seats, to_attr="seats")
    )


def people_named(words: str) -> Q:
    which = Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(username__istartswith=words)
    return which | Q(staff_number__istartswith=words)


def _who(wanted: dict, *, day) -> Q:
    which = people_named(wanted["q"].strip())
    if wanted["role"] or wanted["department"]:
        which &= valid_on(day, prefix="appointments__")
    if wanted["role"]:
        which &= Q(appointments__role=wanted["role"])
    if wanted["department"]:
        which &= Q(appointments__department__path__startswith=wanted["department"].path)
    return which


@asks("maintain_people")
@require_http_methods(["GET", "POST"])
def new_person(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        first = actions.first_password()
        try:
            person = actions.create_person(by=request.user, at=at, password=first, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            return person_page(request, person, at=at, first_password=first)
    return render(request, "accounts/person.html", {"form": form})


@asks("maintain_people")
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    who = get_object_or_404(User, public_id=public_id)
    form = PersonForm(request.POST or None, instance=User.objects.get(pk=who.pk))
    if request.method == "POST" and form.is_valid():
        actions.change_person(who, by=request.user, at=at, **form.cleaned_data)
        if not who.is_active:
            say_goodbye(user_id=who.pk)
        messages.success(request, _("Saved."))
        return redirect("accounts:person", who.public_id)
    return person_page(request, who, at=at, form=form)


def person_page(
    request: HttpRequest, who: User, *, at, form=None, appointment_form=None, first_password: str = "", **more
) -> HttpResponse:
    day = timezone.localdate(at)
    appointments = Appointment.objects.filter(user=who).select_related("department").order_by("-valid_from", "id")
    context = {
        "person": who,
        "form": form or PersonForm(instance=User.objects.get(pk=who.pk)),
        "appointment_form": appointment_form or AppointmentForm(day=day, initial={"valid_from": day}),
        "rows": [(one, one.valid_to is None or one.valid_to > day) for one in appointments],
        "first_password": first_password,
        "today": day,
        "tokens": ApiToken.objects.in_force(at).filter(user=who),
        "token_form": TokenForm(),
        **more,
    }
    return render(request, "accounts/person.html", context)


@asks("maintain_people")
@never_cache
@require_POST
def reset_password(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    who = get_object_or_404(User, public_id=public_id)
    first = actions.reset_password(who, by=request.user, at=at)
    say_goodbye(user_id=who.pk)
    return person_page(request, who, at=at, first_password=first)


@asks("maintain_people")
@never_cache
@require_POST
def make_token_of(request: HttpRequest, public_id) -> HttpResponse:
    """A token for a program that works in somebody's name; that person is told."""
    at = timezone.now()
    who = get_object_or_404(User, public_id=public_id)
    return person_page(request, who, at=at, **_made_token(request, who, at=at))


@asks("maintain_people")
@require_POST
def end_sessions(request: HttpRequest, public_id) -> HttpResponse:
    who = get_object_or_404(User, public_id=public_id)
    actions.log_out_everywhere(who, by=request.user, at=timezone.now())
    say_goodbye(user_id=who.pk)
    messages.success(request, _("All sessions of %(person)s have ended.") % {"person": who.name})
    return redirect("accounts:person", who.public_id)


@asks("maintain_people")
@require_POST
def appoint(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    who = get_object_or_404(User, public_id=public_id)
    form = AppointmentForm(request.POST, day=timezone.localdate(at))
    if form.is_valid():
        try:
            actions.appoint(who, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            role = _(ROLES[Role(form.cleaned_data["role"])].label)
            messages.success(request, _("%(person)s is now: %(role)s.") % {"person": who.name, "role": role})
            return redirect("accounts:person", who.public_id)
    return person_page(request, who, at=at, appointment_form=form)


@asks("maintain_people")
@require_POST
def end_appointment(request: HttpRequest, public_id, pk: int) -> HttpResponse:
    at = timezone.now()
    appointment = get_object_or_404(Appointment.objects.select_related("user"), pk=pk, user__public_id=public_id)
    actions.end_appointment(appointment, by=request.user, at=at, on=timezone.localdate(at))
    messages.success(request, _("The appointment ended today."))
    return redirect("accounts:person", public_id)


# --- Settings and texts ---


def said(value) -> str:
    """A setting's value as it is read."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


@asks("maintain_settings")
def settings_list(request: HttpRequest) -> HttpResponse:
    day = timezone.localdate()
    kept = Counter(Setting.objects.values_list("key", flat=True))
    rows = []
    for key, declared in sorted(SETTINGS.items()):
        value = settings.get(key, on=day)
        rows.append(
            {
                "key": key,
                "help": _(declared.help),
                "value": said(value),
                "default": said(declared.default),
                "changed": value != declared.default,
                "kept": kept[key],
            }
        )
    return render(request, "accounts/settings.html", {"rows": rows})


@asks("maintain_settings")
@require_http_methods(["GET", "POST"])
def setting(request: HttpRequest, key: str) -> HttpResponse:
    at = timezone.now()
    day = timezone.localdate(at)
    declared = SETTINGS.get(key)
    if declared is None:
        raise Http404
    value = settings.get(key, on=day)
    initial = {"value": ("yes" if value else "no") if declared.type is bool else value, "valid_from": day}
    form = SettingForm(request.POST or None, declared=declared, initial=initial)
    if request.method == "POST" and form.is_valid():
        settings.set_value(key, by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("Saved. It holds everywhere within ten seconds."))
        return redirect("accounts:setting", key)
    kept = Setting.objects.filter(key=key).select_related("changed_by").order_by("area_code", "-valid_from")
    context = {
        "key": key,
        "help": _(declared.help),
        "form": form,
        "value": said(value),
        "default": said(declared.default),
        "rows": [(row, said(row.value)) for row in kept],
    }
    return render(request, "accounts/setting.html", context)


@asks("maintain_settings")
def message_texts(request: HttpRequest) -> HttpResponse:
    """What messages say, in every language."""
    rows = []
    for code, text in sorted(messages_text.TEXTS.items()):
        sentences = []
        for language in LANGUAGES:
            with translation.override(language):
                sentences.append(str(text.sentence))
        rows.append((code, messages_text.KINDS[text.kind], sentences))
    return render(request, "accounts/message_texts.html", {"rows": rows, "languages": LANGUAGES.values()})


# --- The log of reading 查阅记录 ---

LOOKS = {
    "vault": gettext_lazy("Name, number and words of a reporter"),
    "vault_search": gettext_lazy("Search by a reporter's number"),
    "original": gettext_lazy("Original of a picture, sound or video"),
    "camera": gettext_lazy("Still of a camera"),
    "read_log": gettext_lazy("This log"),
}
READINGS_SHOWN_DAYS = 30


@asks("see_readings")
def readings(request: HttpRequest) -> HttpResponse:
    """Who looked at what private and why; looking here is noted too."""
    at = timezone.now()
    form = ReadingFilter(request.GET, looks=LOOKS)
    wanted = form.cleaned_data if form.is_valid() else {}
    first = wanted.get("first") or timezone.localdate(at) - timedelta(days=READINGS_SHOWN_DAYS)
    found = ReadLog.objects.filter(at__gte=day_begins(first)).select_related("reader").order_by("-at", "-id")
    if last := wanted.get("last"):
        found = found.filter(at__lt=day_begins(last + timedelta(days=1)))
    if what := wanted.get("what"):
        found = found.filter(what=what)
    if number := wanted.get("number", "").strip():
        found = found.filter(Q(number=number) | Q(about=number))
    if words := wanted.get("q", "").strip():
        found = found.filter(reader__in=User.objects.filter(people_named(words)))
    asked = " ".join(f"{name}={value}" for name, value in wanted.items() if value) or "-"
    note_look(reader=request.user, what="read_log", about=asked[:60], why=gettext_noop("Looked into the log"), at=at)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    rows = [(row, LOOKS.get(row.what, row.what)) for row in page]
    context = {"page": page, "rows": rows, "filter": form, "first": first}
    context["may_see_changes"] = may(request.user, "see_changes", at=at)
    return render(request, "accounts/readings.html", context)


def day_begins(day) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


# --- Rosters, contacts, and what leaves the house ---


@asks("keep_rosters")
@require_http_methods(["GET", "HEAD", "POST"])
def roster(request: HttpRequest) -> HttpResponse:
    """A week of the roster, and a form to put somebody on it."""
    at = timezone.now()
    today = timezone.localdate(at)
    form = TurnsForm(request.POST or None, day=today, initial={"valid_from": today})
    if request.method == "POST" and form.is_valid():
        actions.enter_turns(by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("It stands on the roster."))
        return redirect("accounts:roster")
    monday = _monday(request, today)
    people = [(one.pk, one.name) for one in User.objects.filter(is_active=True)]
    form.fields["user"].choices = [("", form.fields["user"].empty_label), *people]
    context = {
        "form": form,
        "shift_form": ShiftForm(),
        "shifts": list(Shift.objects.all()),
        "days": [monday + timedelta(days=number) for number in range(7)],
        "before": monday - timedelta(days=7),
        "after": monday + timedelta(days=7),
        "today": today,
        **_week(monday),
    }
    hand_form = HandTurnForm(initial={"on": today})
    hand_form.fields["entry"].choices = [(one.pk, hand_form.named(one)) for one in context["entries"] if one.user]
    hand_form.fields["to"].choices = [("", _("Nobody")), *people]
    context["hand_form"] = hand_form
    return render(request, "accounts/roster.html", context, status=422 if form.errors else 200)


def _monday(request: HttpRequest, today: date) -> date:
    """The Monday of the week that the address asks for, else of this one."""
    try:
        day = date.fromisoformat(request.GET.get("week", ""))
    except ValueError:
        day = today
    # Far from today the calendar of Python ends.
    day = day if abs(day - today) < timedelta(days=3660) else today
    return day - timedelta(days=day.weekday())


def _week(monday: date) -> dict:
    """The slots of a week with who has each day's turn, and the entries behind them."""
    days = [monday + timedelta(days=number) for number in range(7)]
    entries = list(
        RosterEntry.objects.about(days).select_related("department", "shift", "user").order_by("department__sort", "id")
    )
    slots: dict[tuple, list[list]] = {}
    for number, day in enumerate(days):
        for entry in turn(entries, day):
            slot = (entry.department, entry.get_kind_display(), entry.get_role_display(), entry.class_code, entry.shift)
            slots.setdefault(slot, [[] for _day in days])[number].append(entry)
    order = sorted(slots, key=lambda one: (one[0].sort, one[0].code, one[1], one[2], one[3], one[4].begins_at))
    return {
        "slots": [(slot, slots[slot]) for slot in order],
        "entries": [one for one in entries if _still(one, monday)],
    }


def _still(entry: RosterEntry, monday: date) -> bool:
    return entry.valid_to is None or entry.valid_to > max(monday, entry.valid_from)


@asks("keep_rosters")
@require_POST
def add_shift(request: HttpRequest) -> HttpResponse:
    form = ShiftForm(request.POST)
    if form.is_valid():
        actions.add_shift(by=request.user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("The shift was added."))
    else:
        messages.error(request, _("The shift was not added: give it a name of its own, a beginning and an end."))
    return redirect("accounts:roster")


@asks("keep_rosters")
@require_POST
def end_turns(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    entry = get_object_or_404(RosterEntry, public_id=public_id)
    actions.end_turns(entry, by=request.user, at=at, on=timezone.localdate(at))
    messages.success(request, _("The entry holds no longer."))
    return redirect("accounts:roster")


@asks("keep_rosters")
@require_POST
def hand_turn(request: HttpRequest) -> HttpResponse:
    entries = RosterEntry.objects.select_related("user")
    form = HandTurnForm(request.POST, entries=entries)
    if not form.is_valid():
        messages.error(request, _("Give the turn, the day and who takes it."))
    else:
        try:
            actions.hand_turn(by=request.user, at=timezone.now(), **form.cleaned_data)
        except Refusal as refusal:
            messages.error(request, sentence(refusal))
        else:
            messages.success(request, _("The turn was handed over for that day."))
    return redirect("accounts:roster")


@asks("keep_contacts")
@require_http_methods(["GET", "HEAD", "POST"])
def contacts(request: HttpRequest, public_id=None) -> HttpResponse:
    """Whom to ring at the departments: of all of them for the centre, of its own for a department's operator."""
    at = timezone.now()
    departments = Department.objects.valid(timezone.localdate(at))
    if not may(request.user, "keep_rosters", at=at):
        departments = departments.filter(pk__in=departments_of(request.user, at))
    known = Contact.objects.filter(ended_at__isnull=True, department__in=departments)
    one = get_object_or_404(known, public_id=public_id) if public_id else None
    form = ContactForm(request.POST or None, instance=one, departments=departments)
    if request.method == "POST" and form.is_valid():
        contact = get_object_or_404(known, pk=one.pk) if one else None
        actions.keep_contact(contact, by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("accounts:contacts")
    rows = known.select_related("department", "user").order_by("department__sort", "department__code", "sort", "id")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "contact": one}
    return render(request, "accounts/contacts.html", context, status=422 if form.errors else 200)


@asks("keep_contacts")
@require_POST
def end_contact(request: HttpRequest, public_id) -> HttpResponse:
    contact = get_object_or_404(Contact.objects.select_related("department"), public_id=public_id)
    try:
        actions.end_contact(contact, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    else:
        messages.success(request, _("%(name)s is no longer a contact.") % {"name": contact.name})
    return redirect("accounts:contacts")


TROUBLED = (Delivery.State.DEAD, Delivery.State.UNKNOWN)


@asks("see_deliveries")
@require_safe
def deliveries(request: HttpRequest) -> HttpResponse:
    """What leaves the house: first what was given up and what perhaps went out."""
    form = DeliveryFilter(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    rows = Delivery.objects.select_related("recipient").order_by("-created_at", "-id")
    rows = rows.filter(state=wanted["state"]) if wanted.get("state") else rows.filter(state__in=TROUBLED)
    if wanted.get("channel"):
        rows = rows.filter(channel=wanted["channel"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    open_channels = gateways.channels()
    context = {
        "page": page,
        "form": form,
        "rows": [
            (one, messages_text.outside(one.code, one.facts, language=request.LANGUAGE_CODE), one.state in TROUBLED)
            for one in page
        ],
        "channels": [(label, value in open_channels) for value, label in Reach.Channel.choices],
    }
    return render(request, "accounts/deliveries.html", context)


@asks("see_deliveries")
@require_POST
def send_again(request: HttpRequest, public_id) -> HttpResponse:
    delivery = get_object_or_404(Delivery, public_id=public_id)
    try:
        office_actions.send_again(delivery, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    else:
        messages.success(request, _("It is in the outbox once more."))
    return redirect("accounts:deliveries")


@require_http_methods(["GET", "HEAD", "POST"])
def reach(request: HttpRequest) -> HttpResponse:
    """How I want to be reached outside the program, by each channel."""
    known = {one.channel: one for one in Reach.objects.filter(user=request.user)}
    robots = sorted(gateways.robots())
    forms = [
        (label, ReachForm(request.POST or None, instance=known.get(channel), channel=channel, robots=robots))
        for channel, label in Reach.Channel.choices
    ]
    if request.method == "POST" and all(form.is_valid() for _label, form in forms):
        for _label, form in forms:
            actions.keep_reach(request.user, channel=form.channel, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("accounts:reach")
    status = 422 if any(form.errors for _label, form in forms) else 200
    return render(request, "accounts/reach.html", {"forms": forms}, status=status)
