"""The message box, how a stored file is handed out, and what a page for everybody tells the browser."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings as installation
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import storages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from office import actions
from office.forms import kept_files
from office.messages_text import KINDS, sentence
from office.models import Message, StoredFile

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
    only_unread = request.GET.get("unread") == "yes"
    if only_unread:
        messages = messages.filter(read_at__isnull=True)
    page = Paginator(messages, PAGE).get_page(request.GET.get("page"))
    rows = [(message, KINDS.get(message.kind, ""), sentence(message)) for message in page]
    return render(request, "office/messages.html", {"page": page, "rows": rows, "only_unread": only_unread})


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
