"""Many cases at once 批量办理: look at each first, say what would happen and what is excepted; then do it, row by row.

Each row is a move of its own with its own permissions, made at most once: its state and its move are one transaction.
A run is restartable at any instant and goes on in the worker when it takes longer than a page may. Each room has the
doors of its own verbs; VERBS lists all of them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic
from uuid import UUID

from celery import current_app
from django import forms
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.paginator import Paginator
from django.db import DatabaseError, transaction
from django.db.models import Count, F
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import DateInput
from accounts.models import User
from accounts.permissions import acting, appointments_of
from cases import actions, papers, sheets, workflow
from cases.models import BulkRow, BulkRun, Case, Directive, FieldTask, HandlingStint
from cases.permissions import POINTLESS, appointment_for, conflict, part_of
from cases.views import AT_ONCE, desk_queue, visible_case
from cases.workflow import Subject
from citymgmt.errors import Refusal
from citymgmt.refusals import GENERAL, sentence
from office.actions import tell

log = logging.getLogger(__name__)

INLINE_SECONDS, INLINE_PRINTS = 1.0, 4  # so long, so many papers, a page works at it before the worker does
SLICE_SECONDS = 20.0  # so long the worker, before it hands on to itself
UNHEARD = timedelta(minutes=1)  # a run without a sign of life for so long is taken up again
ROWS_SHOWN, RUNS_SHOWN = 100, 40


class NothingChosen(Refusal):
    """No case was chosen, or none that this person sees."""

    code = "nothing_chosen"


class TooManyChosen(Refusal):
    """More cases than one run takes; facts: number, limit."""

    code = "too_many_chosen"


class NotReady(Refusal):
    """The run was begun or dropped already, or is still being looked at."""

    code = "bulk_not_ready"


# — the table ————————————————————————————————————————————————————————————————————————————————————————


class OpinionForm(forms.Form):
    opinion = forms.CharField(
        label=gettext_lazy("Opinion"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class SuperviseForm(forms.Form):
    level = forms.ChoiceField(label=gettext_lazy("Level"), choices=Directive.Level.choices, initial="overtime")
    demand = forms.CharField(label=gettext_lazy("Demand"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    needs_reply = forms.BooleanField(label=gettext_lazy("A reply is required"), required=False, initial=True)
    reply_by = forms.DateField(label=gettext_lazy("Reply by"), required=False, widget=DateInput())


class CheckForm(OpinionForm):
    same_period = forms.BooleanField(label=gettext_lazy("In the same period of the day"), required=False)


class PaperForm(forms.Form):
    paper = forms.ChoiceField(
        label=gettext_lazy("Paper"), initial="dispatch", choices=[(one.name, one.label) for one in papers.PAPERS]
    )


@dataclass(frozen=True, kw_only=True)
class BulkVerb:
    """One thing that may be done with many cases. `door` is the room that does it, `move` the step of the table.

    `undo` names the verb that takes it back, `no_undo` says why there is none. `makes` is the kind of file it ends in.
    """

    name: str
    label: str
    door: str = "cases"
    subject: Subject = Subject.CASE
    move: str = ""
    form: type[forms.Form] | None = None
    undo: str = ""
    no_undo: str = ""
    makes: str = ""
    at_most: int = AT_ONCE
    is_shown: bool = True  # under a queue; the others undo

    def may(self, user, at: datetime) -> bool:
        """True where this person could do it with some case: his roles know the step."""
        if not self.move:
            return bool(appointments_of(user, at))
        return acting(user, at=at, roles=workflow.BY_VERB[(self.subject, self.move)].roles) is not None


VERBS: tuple[BulkVerb, ...] = (
    BulkVerb(name="dispatch", label=gettext_lazy("Dispatch by the first proposal"), door="dispatch", move="dispatch",
             form=OpinionForm, undo="take-back"),
    BulkVerb(name="check", label=gettext_lazy("Order checks"), door="patrol", move="send_check", form=CheckForm,
             undo="withdraw-check"),
    BulkVerb(name="urge", label=gettext_lazy("Urge"), move="urge", form=OpinionForm,
             no_undo=gettext_lazy("What was urged stays said: it changes no stage and no clock.")),
    BulkVerb(name="supervise", label=gettext_lazy("Supervise"), move="supervise", form=SuperviseForm, undo="settle"),
    BulkVerb(name="print", label=gettext_lazy("Print"), form=PaperForm, makes="pdf", at_most=200,
             no_undo=gettext_lazy("Nothing was changed.")),
    BulkVerb(name="export", label=gettext_lazy("Export (Excel)"), makes="xlsx",
             no_undo=gettext_lazy("Nothing was changed.")),
    # what undoes one of the above
    BulkVerb(name="take-back", label=gettext_lazy("Take back from the departments"), door="dispatch",
             subject=Subject.STINT, move="withdraw_dispatch", form=ReasonForm, is_shown=False,
             no_undo=gettext_lazy("The cases wait for dispatch again.")),
    BulkVerb(name="handbook", label=gettext_lazy("Command handbook"), door="dispatch", makes="pdf", is_shown=False,
             no_undo=gettext_lazy("Nothing was changed.")),
    BulkVerb(name="withdraw-check", label=gettext_lazy("Withdraw the checks"), subject=Subject.TASK,
             move="withdraw_check", form=ReasonForm, is_shown=False,
             no_undo=gettext_lazy("The checks can be ordered again.")),
    BulkVerb(name="settle", label=gettext_lazy("Settle the supervisions"), subject=Subject.DIRECTIVE, move="settle",
             form=OpinionForm, is_shown=False, no_undo=gettext_lazy("The cases can be supervised again.")),
)  # fmt: skip
BY_NAME = {verb.name: verb for verb in VERBS}


@dataclass
class Look:
    """What the preview says of one case: what will happen, or, with `is_excepted`, why nothing will."""

    words: str
    is_excepted: bool = False
    facts: dict = field(default_factory=dict)


@dataclass(frozen=True)
class BulkDoor:
    """How a room does one verb. `look(subject, case, user, at)` is asked only of what the table allows.

    `act(row, subject, by, at, **said)` makes the move and returns the public number of what it made, or None.
    """

    act: Callable
    look: Callable[..., Look] | None = None
    file: Callable[[BulkRun], bytes | None] | None = None  # what the run ends in


def excepted(verb: BulkVerb, subject, case: Case, user, *, at: datetime) -> str:
    """Return why the table, or this person's part in the case, forbids it: a sentence; "" where nothing does."""
    kind = getattr(subject, "kind", "")
    rule = workflow.find(verb.subject, verb.move, stage=subject.stage, case_stage=case.stage, kind=kind)
    if rule is None:
        label = dict(subject._meta.get_field("stage").choices)[subject.stage]
        return _("Not possible now: it stands at “%(stage)s”.") % {"stage": label}
    if appointment_for(user, rule, case=case, subject=subject, at=at) is None:
        return sentence(actions.NotYours(number=case.number, verb=rule.label))
    against = conflict(part_of(user, case), rule)
    if against == "other_side":
        return sentence(actions.OtherSide(number=case.number, side=""))
    if against:
        return sentence(actions.HandAndJudge(number=case.number))
    if rule.verb in POINTLESS and POINTLESS[rule.verb](case, subject, at):
        return _("There is nothing to do: it is so already.")
    return ""


# — the doors of this room ————————————————————————————————————————————————————————————————————————————


def _urge(row: BulkRow, case: Case, *, by: User, at: datetime, opinion: str = "") -> None:
    actions.urge(case, by=by, at=at, opinion=opinion)


def _supervise(row: BulkRow, case: Case, *, by: User, at: datetime, reply_by: str | None = None, **said) -> UUID:
    actions.supervise(case, by=by, at=at, reply_by=date.fromisoformat(reply_by) if reply_by else None, **said)
    return case.directives.filter(given_by=by, kind=Directive.Kind.SUPERVISE).latest("id").public_id


def _settle(row: BulkRow, directive: Directive, *, by: User, at: datetime, opinion: str = "") -> None:
    actions.settle(directive, by=by, at=at, opinion=opinion)


def _withdraw_check(row: BulkRow, task: FieldTask, *, by: User, at: datetime, reason: str) -> None:
    actions.withdraw_check(task, by=by, at=at, reason=reason)


def _holder(case: Case, _case: Case, _user, _at: datetime) -> Look:
    holder = case.holder_user or case.holder_department or case.supervision_centre
    return Look(_("To %(holder)s.") % {"holder": holder})


def _offers(case: Case, _case: Case, user, at: datetime) -> Look:
    found = papers.offered(papers.see(user, case.public_id, at=at))
    if not found:
        return Look(_("No paper applies to it now."), is_excepted=True)
    names = [str(one.label) for one in found]
    return Look(_(", ").join(names), facts={"papers": [one.name for one in found]})


def _nothing(row: BulkRow, case: Case, **_said) -> None:
    """Printing and exporting change nothing: the file is made at the end."""


def _many_papers(run: BulkRun) -> bytes | None:
    ids = list(_done(run).values_list("case__public_id", flat=True))
    return papers.pdf_of_many(ids, papers.BY_NAME[run.said["paper"]], user=run.by, at=timezone.now())


def _sheet(run: BulkRun) -> bytes:
    at = timezone.now()
    rows = Case.objects.visible_to(run.by, at).filter(pk__in=_done(run).order_by().values("case"))
    return sheets.write_cases(rows, facts_only=papers.reader_of(run.by, at) != papers.DESK)


def _done(run: BulkRun):
    return run.rows.filter(state=BulkRow.State.DONE).order_by("place")


DOORS: dict[str, BulkDoor] = {
    "urge": BulkDoor(_urge, _holder),
    "supervise": BulkDoor(_supervise, _holder),
    "settle": BulkDoor(_settle),
    "withdraw-check": BulkDoor(_withdraw_check),
    "print": BulkDoor(_nothing, _offers, _many_papers),
    "export": BulkDoor(_nothing, file=_sheet),
}


# — beginning ————————————————————————————————————————————————————————————————————————————————————————


def begin(
    verb: BulkVerb, ids: list[UUID], *, by: User, at: datetime, back: str = "", undoes: BulkRun | None = None
) -> BulkRun:
    """Write down a run about these cases, as far as this person sees them. Raises NothingChosen, TooManyChosen."""
    ids = list(dict.fromkeys(ids))
    if len(ids) > verb.at_most:
        raise TooManyChosen(number=len(ids), limit=verb.at_most)
    known = dict(Case.objects.visible_to(by, at).filter(public_id__in=ids).values_list("public_id", "pk"))
    keys = [known[one] for one in ids if one in known]
    if not keys:
        raise NothingChosen()
    made = {}
    if undoes is not None:
        made = dict(undoes.rows.filter(state=BulkRow.State.DONE).values_list("case", "subject_id"))
    with transaction.atomic():
        run = BulkRun.objects.create(
            verb=verb.name, by=by, language=translation.get_language() or "zh-hans", back=back, asked_at=at,
            stepped_at=at, undoes=undoes,
        )  # fmt: skip
        BulkRow.objects.bulk_create(
            BulkRow(run=run, case_id=key, place=place, subject_id=made.get(key)) for place, key in enumerate(keys)
        )
    return run


def begin_file(name: str, *, by: User, at: datetime, back: str) -> BulkRun:
    """Have a file made that is about no case in particular, by the worker."""
    run = BulkRun.objects.create(
        verb=name, state=BulkRun.State.RUNNING, by=by, language=translation.get_language() or "zh-hans", back=back,
        asked_at=at, stepped_at=at,
    )  # fmt: skip
    to_the_worker(run)
    return run


def confirm(run: BulkRun, *, at: datetime, said: dict) -> None:
    """Let a run that was looked at begin, with what was filled in once for all. Raises NotReady."""
    ready = BulkRun.objects.filter(pk=run.pk, state=BulkRun.State.READY)
    if not ready.update(state=BulkRun.State.RUNNING, said=said, stepped_at=at):
        raise NotReady()


def drop(run: BulkRun, *, at: datetime) -> None:
    """Give a run up before it begins. Raises NotReady."""
    before = BulkRun.objects.filter(pk=run.pk, state__in=[BulkRun.State.LOOKING, BulkRun.State.READY])
    if not before.update(state=BulkRun.State.DROPPED, ended_at=at):
        raise NotReady()


# — going on —————————————————————————————————————————————————————————————————————————————————————————

UNDER_WAY = (BulkRun.State.LOOKING, BulkRun.State.RUNNING)
NEXT = {BulkRun.State.LOOKING: BulkRow.State.NEW, BulkRun.State.RUNNING: BulkRow.State.READY}


def go_on(run: BulkRun, doors: dict[str, BulkDoor], *, seconds: float, prints: int | None = None) -> bool:
    """Work at a run for some seconds; return whether the worker is to go on. Several may work at the same run.

    `prints`: a file of more papers than that is left to the worker.
    """
    ends, worked = monotonic() + seconds, False
    run.refresh_from_db()
    door, verb = doors[run.verb], BY_NAME[run.verb]
    with translation.override(run.language):
        while run.state in UNDER_WAY:
            if monotonic() > ends:
                break
            work, at = (_look_at if run.state == BulkRun.State.LOOKING else _do), timezone.now()
            if _one_row(run, NEXT[run.state], lambda row, at=at, work=work: work(row, run, verb, door, at=at)):
                worked = True
                continue
            if prints is not None and verb.makes == "pdf" and _done(run).count() > prints:
                break
            if not _finish(run, verb, door):
                return False  # somebody else is at the last rows, or at the file
            run.refresh_from_db()
    if worked:
        BulkRun.objects.filter(pk=run.pk, state__in=UNDER_WAY).update(stepped_at=timezone.now())
    return run.state in UNDER_WAY


def work(run_id: int, doors: dict[str, BulkDoor]) -> None:
    """Go on with a run in the worker, slice by slice."""
    run = BulkRun.objects.get(pk=run_id)
    if go_on(run, doors, seconds=SLICE_SECONDS):
        to_the_worker(run)


def _one_row(run: BulkRun, state: str, work: Callable[[BulkRow], None]) -> bool:
    """Take the next row in this state, work at it and keep what came of it, all in one transaction; False: none left.

    Rows that somebody else works at are passed over.
    """
    with transaction.atomic():
        rows = BulkRow.objects.select_for_update(skip_locked=True, of=("self",)).annotate(number=F("case__public_id"))
        row = rows.filter(run=run, state=state).order_by("place").first()
        if row is None:
            return False
        try:
            with transaction.atomic():
                work(row)
        except Refusal as refusal:
            row.state, row.words = BulkRow.State.REFUSED, sentence(refusal)[:400]
        except (PermissionDenied, Http404):
            row.state, row.words = BulkRow.State.REFUSED, _("You do not see this case any more.")
        except DatabaseError:
            raise
        except Exception:  # one broken row holds up no others; what broke is in the log
            log.exception("bulk run %s, row %s", run.pk, row.pk)
            row.state, row.words = BulkRow.State.REFUSED, str(GENERAL)[:400]
        row.save(update_fields=["state", "words", "facts", "subject_id"])
    return True


def _look_at(row: BulkRow, run: BulkRun, verb: BulkVerb, door: BulkDoor, *, at: datetime) -> None:
    case, subject = _subject_of(row, run, verb, at=at)
    against = excepted(verb, subject, case, run.by, at=at) if verb.move else ""
    if against:
        look = Look(against, is_excepted=True)
    else:
        look = door.look(subject, case, run.by, at) if door.look else Look("")
    row.state = BulkRow.State.EXCEPTED if look.is_excepted else BulkRow.State.READY
    row.words, row.facts = look.words[:400], look.facts


def _do(row: BulkRow, run: BulkRun, verb: BulkVerb, door: BulkDoor, *, at: datetime) -> None:
    _case, subject = _subject_of(row, run, verb, at=at)
    if verb.name == "print" and run.said.get("paper") not in row.facts.get("papers", ()):
        row.state, row.words = BulkRow.State.REFUSED, _("This paper does not apply to it.")
        return
    row.subject_id = door.act(row, subject, by=run.by, at=at, **run.said)
    row.state = BulkRow.State.DONE


def _subject_of(row: BulkRow, run: BulkRun, verb: BulkVerb, *, at: datetime) -> tuple[Case, object]:
    """Return the case, seen by whoever asked, and what the move is made on. Raises Http404."""
    case = visible_case(_Asking(run.by), row.number, at=at)
    if verb.subject is Subject.CASE:
        return case, case
    rows = MADE[verb.subject].filter(case=case).select_related("case__minor_class")
    return case, get_object_or_404(rows, public_id=row.subject_id)


# What a bulk verb makes, and what the one that undoes it is made on.
MADE = {
    Subject.STINT: HandlingStint.objects.select_related("department"),
    Subject.TASK: FieldTask.objects.all(),
    Subject.DIRECTIVE: Directive.objects.all(),
}


@dataclass(frozen=True)
class _Asking:
    """Whoever asks, where no page does."""

    user: User


def _finish(run: BulkRun, verb: BulkVerb, door: BulkDoor) -> bool:
    """End a phase whose rows are all worked at: the preview is ready, or the run is done and its file made.

    False while somebody else is at it.
    """
    with transaction.atomic():
        mine = BulkRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=run.pk).first()
        if mine is None or mine.state != run.state or mine.rows.filter(state=NEXT[run.state]).exists():
            return False
        if run.state == BulkRun.State.LOOKING:
            mine.state = BulkRun.State.READY
        else:
            mine.path = _kept(mine, door.file(mine), verb.makes) if door.file else ""
            mine.state, mine.ended_at = BulkRun.State.DONE, timezone.now()
        mine.save(update_fields=["state", "ended_at", "path"])
        if mine.ended_at and mine.ended_at - mine.asked_at > LONG:
            told = {"what": str(verb.label), "number": mine.rows.filter(state=BulkRow.State.DONE).count()}
            address = reverse("cases:bulk_run", args=[mine.public_id])
            tell([mine.by], code="bulk_done", facts=told, about=f"bulk {mine.pk}", url=address,
                 dedupe=f"bulk:{mine.pk}", at=mine.ended_at)  # fmt: skip
    return True


LONG = timedelta(minutes=1)  # whoever waits longer has gone, and is told


def take_up(*, at: datetime) -> None:
    """Hand runs that gave no sign of life to the worker again: a process was killed, or none was there."""
    for run in BulkRun.objects.filter(state__in=UNDER_WAY, stepped_at__lt=at - UNHEARD).order_by("pk")[:20]:
        to_the_worker(run)


def to_the_worker(run: BulkRun) -> None:
    """Let the worker go on with a run. Without a broker it waits until `take_up` finds it."""
    name = f"{BY_NAME[run.verb].door}.tasks.go_on_with_bulk"
    transaction.on_commit(lambda: current_app.send_task(name, args=[run.pk]), robust=True)


KEPT_DAYS = 30


def forget_runs(*, at: datetime, at_most: int = 500) -> int:
    """Erase the runs of a month ago with their files; what they did stands in the cases. Return how many."""
    old = list(BulkRun.objects.filter(asked_at__lt=at - timedelta(days=KEPT_DAYS)).order_by("pk")[:at_most])
    for run in old:
        if run.path:
            storages["evidence"].delete(run.path)
    BulkRun.objects.filter(pk__in=[run.pk for run in old]).delete()
    return len(old)


# — the files ————————————————————————————————————————————————————————————————————————————————————————


def _kept(run: BulkRun, content: bytes | None, ending: str) -> str:
    return storages["evidence"].save(f"bulk/{run.public_id}.{ending}", ContentFile(content)) if content else ""


FILE_KINDS = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


# — the pages ————————————————————————————————————————————————————————————————————————————————————————


def _verb_of(name: str, room: str) -> BulkVerb:
    verb = BY_NAME.get(name)
    if verb is None or verb.door != room:
        raise Http404
    return verb


def _ids(text: str) -> list[UUID]:
    try:
        return [UUID(one) for one in text.replace(",", " ").split()]
    except ValueError as error:
        raise Http404 from error


def serve_begin(request: HttpRequest, name: str, *, room: str, doors: dict[str, BulkDoor]) -> HttpResponse:
    """Begin a run about the cases that were sent and show its preview. Used by every room that has bulk doors."""
    at = timezone.now()
    verb = _verb_of(name, room)
    undoes = None
    if request.POST.get("undoes"):
        undoes = get_object_or_404(BulkRun, by=request.user, public_id=_ids(request.POST["undoes"])[0])
        if BY_NAME[undoes.verb].undo != name:
            raise Http404
        done = undoes.rows.filter(state=BulkRow.State.DONE, subject_id__isnull=False).order_by("place")
        ids = list(done.values_list("case__public_id", flat=True))
    else:
        if not verb.is_shown:
            raise Http404
        ids = _ids(f"{request.POST.get('cases', '')} {' '.join(request.POST.getlist('case'))}")
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = ""
    run = begin(verb, ids, by=request.user, at=at, back=back[:500], undoes=undoes)
    if go_on(run, doors, seconds=INLINE_SECONDS, prints=INLINE_PRINTS):
        to_the_worker(run)
    return redirect("cases:bulk_run", run.public_id)


def serve_go(request: HttpRequest, run_id: UUID, *, room: str, doors: dict[str, BulkDoor]) -> HttpResponse:
    """Say yes to a preview, or drop it. Used by every room that has bulk doors."""
    at = timezone.now()
    run = get_object_or_404(BulkRun, public_id=run_id, by=request.user)
    verb = _verb_of(run.verb, room)
    if "drop" in request.POST:
        drop(run, at=at)
        return redirect(run.back or "cases:bulk_runs")
    form = verb.form(request.POST) if verb.form else None
    if form is not None and not form.is_valid():
        return render(request, "cases/bulk.html", _page(request, run, form=form, at=at), status=422)
    said = form.cleaned_data if form else {}
    confirm(run, at=at, said={name: str(one) if isinstance(one, date) else one for name, one in said.items()})
    if go_on(run, doors, seconds=INLINE_SECONDS, prints=INLINE_PRINTS):
        to_the_worker(run)
    return redirect("cases:bulk_run", run.public_id)


@require_POST
def bulk(request: HttpRequest, verb: str) -> HttpResponse:
    """The door of this room's bulk verbs."""
    return serve_begin(request, verb, room="cases", doors=DOORS)


@require_POST
def go(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let a run of this room begin, or drop it."""
    return serve_go(request, run_id, room="cases", doors=DOORS)


@require_safe
def bulk_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A run: its preview with the exceptions, its progress, or what became of each case."""
    at = timezone.now()
    run = get_object_or_404(BulkRun, public_id=run_id, by=request.user)
    template = "cases/_bulk.html" if request.htmx and not request.htmx.boosted else "cases/bulk.html"
    return render(request, template, _page(request, run, at=at))


def _page(request: HttpRequest, run: BulkRun, *, at: datetime, form: forms.Form | None = None) -> dict:
    verb = BY_NAME[run.verb]
    counts = dict(run.rows.order_by().values_list("state").annotate(Count("pk")))
    shown = request.GET.get("rows") if request.GET.get("rows") in counts else ""
    rows = run.rows.select_related("case__minor_class").defer("case__search", "case__last_hash")
    rows = rows.filter(state=shown) if shown else rows
    order = ("-state", "place") if run.state == BulkRun.State.DONE else ("place",)
    page = Paginator(rows.order_by(*order), ROWS_SHOWN).get_page(request.GET.get("page"))
    total = sum(counts.values())
    left = counts.get(NEXT.get(run.state, ""), 0)
    done = run.state == BulkRun.State.DONE
    if form is None and run.state == BulkRun.State.READY and verb.form is not None:
        form = verb.form()
    undo = BY_NAME.get(verb.undo)
    return {
        "run": run, "verb": verb, "page": page, "rows": page.object_list, "shown": shown, "total": total,
        "counts": [(name, label, counts[name]) for name, label in BulkRow.State.choices if name in counts],
        "will": counts.get(BulkRow.State.READY, 0), "left": left, "worked": total - left, "form": form,
        "is_under_way": run.state in UNDER_WAY, "at": at, "undo": undo,
        "can_undo": done and undo is not None and counts.get(BulkRow.State.DONE, 0) > 0
        and not run.undone_by.exclude(state=BulkRun.State.DROPPED).exists(),
        "go_url": reverse(f"{verb.door}:bulk_go", args=[run.public_id]),
        "undo_url": reverse(f"{undo.door}:bulk", args=[undo.name]) if undo else "",
    }  # fmt: skip


@require_safe
def bulk_runs(request: HttpRequest) -> HttpResponse:
    """This person's runs, the latest first: to come back to."""
    rows = BulkRun.objects.filter(by=request.user).annotate(number=Count("rows")).order_by("-id")[:RUNS_SHOWN]
    return render(request, "cases/bulk_runs.html", {"runs": [(run, BY_NAME[run.verb]) for run in rows]})


@require_safe
def bulk_file(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The file that a run made, for whoever asked for it."""
    run = get_object_or_404(BulkRun.objects.exclude(path=""), public_id=run_id, by=request.user)
    verb = BY_NAME[run.verb]
    answer = FileResponse(storages["evidence"].open(run.path), content_type=FILE_KINDS[verb.makes])
    name = f"{verb.label}-{timezone.localtime(run.asked_at):%Y%m%d-%H%M}.{verb.makes}"
    answer["Content-Disposition"] = content_disposition_header(verb.makes != "pdf", name)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
def desk_ids(request: HttpRequest) -> HttpResponse:
    """All cases of the supervision desk's queue that the address asks for, by their ids: to choose them all."""
    return ids_of(desk_queue(request, at=timezone.now())["page"])


def ids_of(page) -> JsonResponse:
    """Return the ids of the cases on a page of cases or stints, and whether there are more."""
    ids = [str((row.case if isinstance(row, HandlingStint) else row).public_id) for row in page]
    return JsonResponse({"ids": ids, "more": page.has_next}, headers={"Cache-Control": "no-store"})


def under_a_queue(user, *, at: datetime) -> list[BulkVerb]:
    """Return what this person may do with many cases at once."""
    return [verb for verb in VERBS if verb.is_shown and verb.may(user, at)]
