"""What an open page of a desk asks anew: the rows that changed, the counts, who else is there. One small answer, JSON.

    GET /desk/rows/?tab=accept&…the filters of the address…     all rows of the page (after a reset, while push is down)
    GET /desk/rows/?ids=a,b&tab=accept&…                        only those of these cases that belong here
      &open=… &version=… &writes=1 &left=…                      which case is open beside, since when, which was closed
      &page=… &bye=…                                        the name of the page that asks; its last word: it is closed

    {"rows": "<tr …>…", "orders": ["…", …], "whole": false, "more": false, "back": ["…"], "counts": {"accept": "12"},
     "urgent": ["…"], "unread": 3, "who": {"…": ["孙丽"]}, "work": {…},
     "open": {"case": "…", "version": 4, "by": "陈静", "others": [["孙丽", true]]}}

`orders` puts the rows in order: texts, one for each row, that sort as the list does. `back`: the cases that came back
to somebody. `open` is None when the case may not be seen (any more).
"""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, JsonResponse

from accounts.models import in_this_language
from accounts.permissions import topics_of
from cases import clocks, presence, workflow
from cases.actions import topics_of_case
from cases.models import Case, CaseEvent, HandlingStint
from office.models import Message
from office.templatetags.ui import at_most, case_lines, stint_lines

MOST_IDS = 50
MOST_UNREAD = 100
NEVER = 10**10  # later than every second that is shown


def asked_ids(said) -> list[UUID] | None:
    """Return the cases that the page asks about; None when it asks for all its rows. At most MOST_IDS."""
    if "ids" not in said:
        return None
    return [one for one in map(_uuid, said["ids"].split(",")[:MOST_IDS]) if one is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def order_of_case(case: Case) -> str:
    """Return what sorts a case as the queues do: the most dangerous first, of what has ended the latest first."""
    if not case.is_open:
        return f"{NEVER - int(case.moved_at.timestamp()):010d}"
    return f"{9 - case.urgency}{int(case.clock_paused)}{_second(case.due_at):010d}"


# Where the address asks for another order than that of danger.
ORDERS = {
    "new": lambda case: f"{NEVER - int(case.reported_at.timestamp()):010d}",
    "due": lambda case: f"{int(case.clock_paused)}{_second(case.due_at):010d}",
}


def order_of_stint(stint: HandlingStint) -> str:
    """Return what sorts a stint as a department's lists do: by deadline, what has ended by its end."""
    if stint.stage not in workflow.STINT_OPEN and getattr(stint, "ended_at", None):
        return f"{NEVER - int(stint.ended_at.timestamp()):010d}"
    return f"{_second(stint.due_at):010d}"


def _second(instant: datetime | None) -> int:
    return int(instant.timestamp()) if instant else NEVER - 1


def page_facts(request: HttpRequest, context: dict, *, address: str, at: datetime, of_parts: bool = False) -> dict:
    """Return what a page of a desk must know to keep itself up to date; goes into it as JSON (cases/_live.html).

    `context` is the queue's: tab, page; `address` is where the page asks. What has none of the list's stages does not
    belong to it, so that a page knows by itself what has gone; `of_parts`: they are those of a department's part.
    """
    tab, page = context["tab"], context["page"]
    return {
        "address": address,
        "tab": tab.name,
        "stages": [str(stage) for stage in tab.stages],
        "of_parts": of_parts,
        "page": page.number,
        **_said_of(request, page, at=at),
    }


def answer(request: HttpRequest, context: dict | None, *, at: datetime) -> JsonResponse:
    """Return the small answer of above; `context` is the queue's, None for a page without one."""
    found = {
        "unread": Message.objects.number_unread(request.user, most=MOST_UNREAD),
        "open": _beside(request, at=at),
    }
    if context is not None:
        rows = list(context["page"])
        lines = stint_lines if rows and isinstance(rows[0], HandlingStint) else case_lines
        found |= {
            "rows": lines(context, rows),
            "whole": "ids" not in request.GET,
            "counts": {tab.name: at_most(number) for tab, number in context["tabs"] if number is not None},
            **_said_of(request, context["page"], at=at),
        }
    return JsonResponse(found)


def _said_of(request: HttpRequest, page, *, at: datetime) -> dict:
    rows = list(page)
    of_cases = ORDERS.get(request.GET.get("sort"), order_of_case)
    order = order_of_stint if rows and isinstance(rows[0], HandlingStint) else of_cases
    cases = [row.case if isinstance(row, HandlingStint) else row for row in rows]
    mine = topics_of(request.user, at)
    return {
        "orders": [order(row) for row in rows],
        "more": page.has_next,
        "urgent": [str(case.public_id) for case in cases if case.urgency],
        "back": [str(case.public_id) for row, case in zip(rows, cases, strict=True) if _came_back(row)],
        "who": presence.names([case.public_id for case in cases], user=request.user, topics=mine, at=at),
        "work": clocks.work_spans(at),
    }


def _came_back(row: Case | HandlingStint) -> bool:
    return bool(row.rework_count if isinstance(row, HandlingStint) else row.reopened_count)


# — the case that stands open beside ———————————————————————————————————————————————————————————————————


def _beside(request: HttpRequest, *, at: datetime) -> dict | None:
    """Note who has which case open; return what is new about it: version, who changed it last, who else is there."""
    said = request.GET
    if (left := _seen(request, said.get("left", ""), at=at)) is not None:
        desks = _desks(request, left, at=at)
        presence.leave(left.public_id, user=request.user, desks=desks, at=at, page=_named(said, "bye"))
    case = _seen(request, said.get("open", ""), at=at)
    if case is None:
        return None
    desks = _desks(request, case, at=at)
    others = presence.note(
        case.public_id, user=request.user, desks=desks, writes="writes" in said, at=at, page=_named(said, "page")
    )
    return {"case": str(case.public_id), "version": case.version, "by": _last_by(case, desks, said),
            "others": [[one.name, one.is_writing] for one in others]}  # fmt: skip


def _named(said, which: str) -> str:
    """Return the name of a page: a few letters and digits; "" for anything else."""
    name = said.get(which, "")
    return name if name.isalnum() and name.isascii() and len(name) <= 16 else ""


def take_over(request: HttpRequest, case_id: UUID, *, at: datetime) -> JsonResponse:
    """Let this person be the one who writes on a case that he may see; 404 otherwise."""
    case = _seen(request, str(case_id), at=at)
    if case is None:
        raise Http404
    others = presence.take_over(case.public_id, user=request.user, desks=_desks(request, case, at=at), at=at)
    return JsonResponse({"others": [[one.name, one.is_writing] for one in others]})


def _seen(request: HttpRequest, asked: str, *, at: datetime) -> Case | None:
    """Return the case if there is one and this person sees it, with the departments that have it; one query."""
    if (public_id := _uuid(asked)) is None:
        return None
    stints = HandlingStint.objects.open().filter(case=OuterRef("pk")).order_by().values("department")
    last = CaseEvent.objects.filter(case=OuterRef("pk"), sequence=OuterRef("event_count"))
    said = JSONObject(zh="actor__name_zh", en="actor__name_en", centre="department")
    rows = Case.objects.visible_to(request.user, at).annotate(
        in_hand=ArraySubquery(stints), last=Subquery(last.values(said=said)[:1])
    )
    return rows.only(
        "public_id", "version", "supervision_centre", "command_centre", "checking_centre", "holder_side", "filed_at",
        "holder_department",
    ).filter(public_id=public_id).first()  # fmt: skip


def _desks(request: HttpRequest, case: Case, *, at: datetime) -> list[str]:
    concerned = topics_of_case(case) | {f"department:{one}" for one in case.in_hand}
    return presence.desks_of(topics_of(request.user, at), concerned)


def _last_by(case: Case, desks: list[str], said) -> str:
    """Return who made the last change, where the page shows an older one and he is of this desk; "" otherwise."""
    if said.get("version") in (None, str(case.version)) or not case.last or not case.last["zh"]:
        return ""
    is_colleague = any(desk.endswith(f":{case.last['centre']}") for desk in desks)
    return in_this_language(case.last["zh"], case.last["en"]) if is_colleague else ""
