"""The message box, how a stored file is handed out, and what a page for everybody tells the browser."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from itertools import groupby
from urllib.parse import parse_qsl, urlencode

from django.conf import settings as installation
from django.contrib import messages as django_messages
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import storages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from office import actions
from office.forms import KeepViewForm, ViewForm, kept_files
from office.messages_text import KINDS, sentence
from office.models import Message, SavedView, StoredFile

PAGE = 50


def public(view: Callable) -> Callable:
    """A page for everybody: without log-in, never indexed, never kept, its address told to nobody."""

    @login_not_required
    @wraps(view)
    def answered(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "strict-origin"
        return response

    return answered


def message_box(request: HttpRequest) -> HttpResponse:
    messages = Message.objects.for_box(request.user)
    only_unread, kind = request.GET.get("unread") == "yes", request.GET.get("kind", "")
    if only_unread:
        messages = messages.filter(read_at__isnull=True)
    if kind in KINDS:
        messages = messages.filter(kind=kind)
    page = Paginator(messages, PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    rows = [
        (timezone.localdate(message.created_at), message, KINDS.get(message.kind, ""), sentence(message))
        for message in page
    ]
    days = [(day, [row[1:] for row in found]) for day, found in groupby(rows, key=lambda row: row[0])]
    context = {
        "page": page, "days": days, "today": today, "yesterday": today - timedelta(days=1), "kinds": KINDS,
        "kind": kind if kind in KINDS else "", "only_unread": only_unread,
    }  # fmt: skip
    return render(request, "office/messages.html", context)


def open_message(request: HttpRequest, public_id) -> HttpResponse:
    """Read it and go to what it is about."""
    message = get_object_or_404(Message, public_id=public_id, recipient=request.user)
    actions.open_message(message, at=timezone.now())
    return redirect(message.url or "office:messages")


@require_POST
def open_all(request: HttpRequest) -> HttpResponse:
    actions.open_all(by=request.user, at=timezone.now())
    return redirect("office:messages")


def stored_file(stored: StoredFile, variant: str) -> HttpResponse:
    """Hand a file out to somebody who was found to be allowed to see it: through nginx, or by ourselves without it.

    `variant` is view or thumb (pictures), or original.
    """
    if stored.erased_at is not None:
        raise Http404
    if variant != "original" and stored.kind != StoredFile.Kind.PICTURE:
        raise Http404
    content_type = stored.content_type if variant == "original" else "image/jpeg"
    path = stored.path(variant)
    if installation.EVIDENCE_ACCEL_PREFIX:
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = installation.EVIDENCE_ACCEL_PREFIX + path
    else:
        try:
            response = FileResponse(storages["evidence"].open(path), content_type=content_type)
        except FileNotFoundError as error:
            raise Http404 from error
    # A document is saved, never opened inside our pages.
    as_attachment = stored.kind == StoredFile.Kind.DOCUMENT
    name = stored.name if variant == "original" else f"{stored.sha256[:12]}.jpg"
    response["Content-Disposition"] = content_disposition_header(as_attachment, name or path.rsplit("/", 1)[-1])
    # An original is private: each look at it comes here and is noted.
    response["Cache-Control"] = "private, no-store" if variant == "original" else "private, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_not_required
def kept(request: HttpRequest, mark: str) -> HttpResponse:
    """The small picture of a file that waits in a form, for whoever chose it: a person at work, or a citizen."""
    [file] = kept_files([mark], by=request.user)
    if file is None:
        raise Http404
    return stored_file(file, "thumb")


# — views of a desk ——————————————————————————————————————————————————————————————————————————————————

DESKS = {
    SavedView.Desk.SUPERVISION: "cases:desk",
    SavedView.Desk.DISPATCH: "dispatch:desk",
    SavedView.Desk.DEPARTMENT: "dispatch:department",
}


@require_http_methods(["GET", "HEAD", "POST"])
def saved_views(request: HttpRequest, desk: str) -> HttpResponse:
    """The views I keep of a desk; POST keeps another: the list as it stands, under a name."""
    if desk not in DESKS:
        raise Http404
    if request.method == "POST":
        form = KeepViewForm(request.POST)
        if form.is_valid():
            query = view_address(form.cleaned_data["query"])
            actions.keep_view(by=request.user, desk=desk, name=form.cleaned_data["name"], query=query)
            return redirect(f"{reverse(DESKS[desk])}?{query}")
        django_messages.error(request, _("Give the view a name."))
    kept = SavedView.objects.of(request.user, desk=desk)
    rows = [(view, ViewForm(instance=view, auto_id=f"{view.public_id}_%s")) for view in kept]
    context = {"rows": rows, "desk": desk, "desk_label": SavedView.Desk(desk).label, "desk_url": reverse(DESKS[desk])}
    return render(request, "office/views.html", context)


@require_POST
def saved_view(request: HttpRequest, desk: str, public_id) -> HttpResponse:
    """Change one of my views, or throw it away."""
    view = get_object_or_404(SavedView.objects.of(request.user, desk=desk), public_id=public_id)
    if "forget" in request.POST:
        actions.forget_view(view)
        return redirect("office:views", desk)
    form = ViewForm(request.POST, instance=SavedView.objects.get(pk=view.pk))
    if form.is_valid():
        actions.change_view(view, **form.cleaned_data)
    else:
        django_messages.error(request, _("Not kept: a name that no other view has, and a number."))
    return redirect("office:views", desk)


# What an address says beside the view: the page of the list, the case that stands open.
NOT_OF_THE_VIEW = ("page", "open")


def view_address(query: str) -> str:
    """Return the part of a desk's address that a view keeps, in one order, so that equal views are equal texts."""
    pairs = [(name, value) for name, value in parse_qsl(query) if name not in NOT_OF_THE_VIEW]
    return urlencode(sorted(pairs))


def kept_views(user, *, desk: str, query: str) -> tuple[list[dict], str]:
    """Return the views of a desk as its page shows them, and the address of the one it opens with; one query."""
    kept, here = SavedView.objects.shown_to(user, desk=desk), view_address(query)
    shown = [{"name": name, "query": said, "is_here": said == here} for name, said, _is_default in kept]
    return shown, next((said for _name, said, is_default in kept if is_default), "")
