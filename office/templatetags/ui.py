"""Small things every page shows: lamps, time left, numbers, filters kept in an address, the places of work."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from html import escape as escape_text

from django import forms, template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, gettext_noop, ngettext, pgettext_lazy

from citymgmt.wording import label as _
from citymgmt.wording import language, one_language
from office import settings

register = template.Library()


def escape(value: object) -> str:
    """Escape a text; without what Django's own does for texts translated late, which lists do not hold."""
    return escape_text(str(value))


def _local(instant: datetime) -> datetime:
    return instant.astimezone(timezone.get_default_timezone())


SIGNS = {
    "green": ("●", gettext_noop("On time")),
    "yellow": ("◐", gettext_noop("Nearly due")),
    "red": ("▲", gettext_noop("Overdue")),
    "paused": ("‖", gettext_noop("Clock stopped")),
    "none": ("·", gettext_noop("No limit")),
}


@register.simple_tag(takes_context=True)
def lamp_of(context, it) -> dict:
    """The lamp of anything with due_at, yellow_at and clock_paused: name, sign, label, and the time left in words."""
    return _lamp_of(it, context.get("at") or timezone.now())


def _lamp_of(it, now: datetime) -> dict:
    due, yellow, paused = it.due_at, getattr(it, "yellow_at", None), getattr(it, "clock_paused", False)
    work = getattr(it, "work", None)
    if paused:
        name, words = "paused", _("stopped")
    elif due is None:
        name, words = "none", "—"
    elif now > due:
        name, words = "red", _("%(time)s late") % {"time": working_span(work) if work else span(now - due)}
    else:
        name = "yellow" if yellow and now >= yellow else "green"
        words = _("%(time)s left") % {"time": working_span(work) if work else span(due - now)}
    sign, label = SIGNS[name]
    return {"name": name, "sign": sign, "label": _(label), "words": words}


# Lists show many of these: written straight down they cost a tenth of a template.
LAMP = (
    '<span class="lamp lamp-{name}" data-lamp data-due="{due}" data-yellow="{yellow}"{paused} title="{label}"'
    ' role="img" aria-label="{label}">{sign}</span>'
)
LEFT = '<span class="left left-{name}"{clock}>{words}</span>'
LEFT_CLOCK = ' data-left data-due="{due}" data-yellow="{yellow}"{paused}{work} title="{shown}"'
# What stands still outside working time (cases.clocks.WorkingLeft): static/js/clock.js counts by the spans of the page.
WORK = ' data-until="{mark}" data-calendar="{calendar}" data-day="{day}"'


@register.simple_tag(takes_context=True)
def lamp(context, it) -> str:
    """The lamp itself, which static/js keeps up to date."""
    return signs_of(it, context.get("at") or timezone.now())[0]


@register.simple_tag(takes_context=True)
def time_left(context, it) -> str:
    """The time left, which static/js keeps up to date."""
    return signs_of(it, context.get("at") or timezone.now())[1]


def signs_of(it, now: datetime) -> tuple[str, str]:
    """Return lamp and time left of anything with due_at, yellow_at and clock_paused, as HTML."""
    lamp = _lamp_of(it, now)
    due, yellow = it.due_at, getattr(it, "yellow_at", None)
    local = _local(due) if due else None
    facts = {
        "name": lamp["name"],
        "due": local.isoformat() if local else "",
        "yellow": _local(yellow).isoformat() if yellow else "",
        "paused": " data-paused" if getattr(it, "clock_paused", False) else "",
    }
    work = getattr(it, "work", None)
    facts["work"] = WORK.format(mark=work.mark, calendar=work.calendar, day=work.day_seconds) if work else ""
    clock = LEFT_CLOCK.format(**facts, shown=f"{local:%Y-%m-%d %H:%M}") if local else ""
    return (
        mark_safe(LAMP.format(**facts, sign=lamp["sign"], label=escape(lamp["label"]))),
        mark_safe(LEFT.format(name=lamp["name"], clock=clock, words=escape(lamp["words"]))),
    )


@register.filter
def moment(instant: datetime) -> str:
    """An instant in a list: month, day, time."""
    local = _local(instant)
    return mark_safe(f'<time datetime="{local.isoformat()}">{local:%m-%d %H:%M}</time>')


@register.filter
def ago(instant: datetime, now: datetime | None = None) -> str:
    """How long ago something was, which static/js keeps up to date; the instant itself stands behind it."""
    local = _local(instant)
    words = said_ago((now or timezone.now()) - instant)
    return mark_safe(
        f'<time datetime="{local.isoformat()}" data-ago title="{local:%Y-%m-%d %H:%M}">{escape(words)}</time>'
    )


def said_ago(length: timedelta) -> str:
    """A length of time as how long ago it was."""
    if length < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": span(length)}


# A row of a queue: the desk draws it in two lines (static/css/desk.css), a wide list as a table. Every cell is a column
# that can be chosen; the lamp stands before them, the time left behind them.
ROW = (
    '<tr data-row data-case="{id}" data-version="{version}" data-href="{url}"{more}>\n'
    '<td class="c-lamp">{lamp}</td>\n{cells}\n<td class="c-left num right nowrap">{left}</td>\n</tr>'
)
BADGE = ' <span class="badge late">{}</span>'
SOFT = ' <span class="badge soft">{}</span>'
ENDED = '<span class="mute">{}</span>'
ADDRESS_OF_NOBODY = "00000000-0000-0000-0000-000000000000"


def _address() -> str:
    """The address of a case with a place for its id: made once for a list, not once for each row."""
    return address_of("cases:case", ADDRESS_OF_NOBODY).replace(ADDRESS_OF_NOBODY, "{}")


@cache
def address_of(name: str, *args: str) -> str:
    """Return an address that is the same for everybody: looked up once."""
    return reverse(name, args=args)


def _cell(name: str, css: str, content: str, title: str = "") -> str:
    said = f' title="{title}"' if title else ""
    return f'<td class="c-{name} {css}"{said}>{content}</td>'


STAR = ' <span class="star" title="{0}" role="img" aria-label="{0}">★</span>'
# Whether somebody is in the field for it, by the stage: nobody sent, sent, on it, answered.
TO_BE_SENT, SENT_OUT = ("accepted", "pending_check"), ("verifying", "checking", "inspecting")
ANSWERED = ("pending_filing", "pending_close")
FIELD = {
    "none": ("○", gettext_noop("Nobody sent yet")),
    "sent": ("➤", gettext_noop("Sent, not opened yet")),
    "on": ("◉", gettext_noop("The collector is on it")),
    "done": ("✓", gettext_noop("The collector has answered")),
}
IN_THE_FIELD = ' <span class="field-sign field-{0}" title="{2}" role="img" aria-label="{2}">{1}</span>'


def _signs(case) -> str:
    """Return the second sign of a row, what the field says, and the star of a supervised case."""
    said = STAR.format(escape(_("Supervised"))) if getattr(case, "is_supervised", False) else ""
    task = getattr(case, "field", None)
    if case.stage in TO_BE_SENT:
        name = "none"
    elif case.stage in SENT_OUT and task:
        name = "on" if task.opened_at else "sent"
    elif case.stage in ANSWERED and task and task.stage == "answered":
        name = "done"
    else:
        return said
    sign, label = FIELD[name]
    return said + IN_THE_FIELD.format(name, sign, escape(_(label)))


def _holder(case) -> str:
    return escape(case.holder_user or (short(case.holder_department) if case.holder_department else ""))


def _when(instant: datetime, now: datetime) -> str:
    return _cell("reported", "num nowrap at-desk", ago(instant, now))


def _place(case) -> str:
    address, area = escape(case.address), escape(case.area_names)
    return _cell("place", "ellipsis", address or area, f"{area} {address}".strip())


# What a list of cases can show: its heading, and its cell, of (case, address, facts_only, now).
CASE_COLUMNS = {
    "number": (gettext_lazy("Case number"),
               lambda case, url, facts_only, now: _cell(
                   "number", "num nowrap at-desk", f'<a href="{url}">{escape(case.number)}</a>')),
    "class": (gettext_lazy("Class"),
              lambda case, url, facts_only, now: _cell(
                  "class", "class", f'<a class="plain-link" href="{url}">{escape(case.minor_class.name)}</a>'
                  + (BADGE.format(escape(case.get_urgency_display())) if case.urgency else "")
                  + ("" if facts_only else _signs(case)))),
    "place": (gettext_lazy("Place"), lambda case, url, facts_only, now: _place(case)),
    "stage": (gettext_lazy("Stage"),
              lambda case, url, facts_only, now: _cell(
                  "stage", "nowrap at-desk",
                  escape(case.stage_label) + ("" if facts_only else straight_badges(case, now)))),
    "source": (gettext_lazy("Source"),
               lambda case, url, facts_only, now: "" if facts_only else _cell(
                   "source", "nowrap at-desk", escape(case.source_label))),
    "reported": (pgettext_lazy("time", "Reported"),
                 lambda case, url, facts_only, now: _when(case.reported_at, now)),
    "holder": (gettext_lazy("Who holds it"),
               lambda case, url, facts_only, now: _cell(
                   "holder", "ellipsis at-desk", (
                       escape(short(case.holder_department)) if case.holder_department else "")
                   if facts_only else _holder(case))),
    "due": (gettext_lazy("Due"), lambda case, url, facts_only, now: _cell(
        "due", "num nowrap at-desk", moment(case.due_at) if case.due_at else "—")),
    "moved": (gettext_lazy("In this stage since"), lambda case, url, facts_only, now: _cell(
        "moved", "num nowrap at-desk", moment(case.moved_at))),
    "area": (gettext_lazy("Area"), lambda case, url, facts_only, now: _cell(
        "area", "ellipsis at-desk", escape(case.area_names), escape(case.area_names))),
    "grid": (gettext_lazy("Duty grid"), lambda case, url, facts_only, now: _cell(
        "grid", "ellipsis at-desk", escape(case.duty_grid or "—"))),
    "major": (gettext_lazy("Major class"), lambda case, url, facts_only, now: _cell(
        "major", "ellipsis at-desk", escape(case.minor_class.major_name))),
    "condition": (gettext_lazy("Filing condition"), lambda case, url, facts_only, now: _cell(
        "condition", "ellipsis at-desk", escape(case.filing_condition.condition if case.filing_condition else "—"))),
    "description": (gettext_lazy("Description"), lambda case, url, facts_only, now: _cell(
        "description", "ellipsis at-desk", escape(case.description), escape(case.description))),
}  # fmt: skip
CASE_COLUMNS_SHOWN = ("number", "class", "place", "stage", "source", "reported", "holder")
HIDDEN_FROM_DEPARTMENTS = ("source",)


@register.simple_tag(takes_context=True)
def case_columns(context) -> list[dict]:
    """The columns of this list of cases, each with its name and heading."""
    chosen = context.get("columns") or CASE_COLUMNS_SHOWN
    left_out = HIDDEN_FROM_DEPARTMENTS if context.get("facts_only") else ()
    return [{"name": name, "label": CASE_COLUMNS[name][0]} for name in chosen if name not in left_out]


@register.simple_tag(takes_context=True)
def case_lines(context, cases) -> str:
    """Cases as rows of a list (cases/_rows.html). `facts_only` hides where a case came from and who holds it."""
    now, facts_only = context.get("at") or timezone.now(), context.get("facts_only")
    writers = [CASE_COLUMNS[name][1] for name in context.get("columns") or CASE_COLUMNS_SHOWN]
    address, lines = _address(), []
    with one_language():
        for case in cases:
            lamp, left = signs_of(case, now) if case.is_open else ("", ENDED.format(moment(case.moved_at)))
            url = address.format(case.public_id)
            cells = "\n".join([write(case, url, facts_only, now) for write in writers])
            lines.append(
                ROW.format(id=case.public_id, version=case.version, url=url, more="", lamp=lamp, cells=cells, left=left)
            )
    return mark_safe("\n".join(lines))


STRAIGHT = ' <span class="badge">{} <span class="left" data-left data-due="{}" data-yellow="{}">{}</span></span>'
TO_JUDGE = ' <span class="badge pub">{}</span>'


def straight_badges(case, now) -> str:
    """What there is to say of a case that went straight through: how long it may be undone, whether it is judged."""
    said = ""
    if case.undo_until and case.undo_until >= now:
        until = case.undo_until.isoformat()
        said += STRAIGHT.format(_("may be undone"), until, until, span(case.undo_until - now))
    if case.needs_filing_review or case.needs_dispatch_review:
        said += TO_JUDGE.format(_("To be judged"))
    return said


# The same for a department's stints (dispatch/_stints.html).
STINT_COLUMNS = {
    "number": (gettext_lazy("Case number"), lambda stint, url, now: _cell(
        "number", "num nowrap at-desk", f'<a href="{url}">{escape(stint.case.number)}</a>')),
    "class": (gettext_lazy("Class"), lambda stint, url, now: _cell(
        "class", "class", f'<a class="plain-link" href="{url}">{escape(stint.case.minor_class.name)}</a>'
        + _stint_badges(stint))),
    "place": (gettext_lazy("Place"), lambda stint, url, now: _place(stint.case)),
    "stage": (gettext_lazy("Stage"), lambda stint, url, now: _cell(
        "stage", "nowrap at-desk", escape(stint.stage_label) + _asked(stint))),
    "department": (pgettext_lazy("case", "Department"), lambda stint, url, now: _cell(
        "department", "ellipsis at-desk",
        escape(stint.department) + ("" if stint.is_lead else SOFT.format(escape(_("assisting")))))),
    "holder": (gettext_lazy("Handler"), lambda stint, url, now: _cell(
        "holder", "nowrap at-desk", escape(stint.handler or "—"))),
    "reported": (pgettext_lazy("time", "Dispatched"), lambda stint, url, now: _when(stint.dispatched_at, now)),
}  # fmt: skip
STINT_COLUMNS_SHOWN = ("number", "class", "place", "stage", "department", "holder", "reported")


def _asked(stint) -> str:
    return SOFT.format(escape(_("%(request)s asked") % {"request": stint.asked_label})) if stint.asked_label else ""


def _stint_badges(stint) -> str:
    badges = [stint.case.get_urgency_display()] if stint.case.urgency else []
    badges += [_("Rework")] if stint.rework_count else []
    return "".join(BADGE.format(escape(one)) for one in badges)


@register.simple_tag(takes_context=True)
def stint_columns(context) -> list[dict]:
    """The columns of this department's list, each with its name and heading."""
    return [{"name": name, "label": STINT_COLUMNS[name][0]} for name in context.get("columns") or STINT_COLUMNS_SHOWN]


@register.simple_tag(takes_context=True)
def stint_lines(context, stints) -> str:
    """A department's stints as rows of a list (dispatch/_stints.html)."""
    now = context.get("at") or timezone.now()
    writers = [STINT_COLUMNS[name][1] for name in context.get("columns") or STINT_COLUMNS_SHOWN]
    address, lines = _address(), []
    with one_language():
        for stint in stints:
            case = stint.case
            lamp, left = signs_of(stint, now) if stint.is_working else ("", "")
            if not stint.is_working and stint.handed_over_at:
                left = ENDED.format(moment(stint.handed_over_at))
            url = address.format(case.public_id)
            cells = "\n".join([write(stint, url, now) for write in writers])
            more = f' data-stint="{stint.public_id}"'
            lines.append(
                ROW.format(
                    id=case.public_id, version=case.version, url=url, more=more, lamp=lamp, cells=cells, left=left
                )
            )
    return mark_safe("\n".join(lines))


@register.filter
def at_most(number: int) -> str:
    """A number that was counted only so far: 999+."""
    return f"{MOST_SHOWN}+" if number > MOST_SHOWN else str(number)


MOST_SHOWN = 999


def span(length: timedelta) -> str:
    """A length of time in the two largest fitting units."""
    minutes = int(length.total_seconds()) // 60
    if minutes < 60:
        return ngettext("%(n)s min", "%(n)s min", minutes) % {"n": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(hours, 24)
    return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}


def working_span(work) -> str:
    """A length of working time (cases.clocks.WorkingLeft): a day is a working day of so many hours."""
    minutes = abs(work.seconds) // 60
    days, rest = divmod(minutes, work.day_seconds // 60)
    if not days:
        return span(timedelta(minutes=rest))
    return _("%(days)s working d %(hours)s h") % {"days": days, "hours": rest // 60}


@register.filter
def duration(seconds: int) -> str:
    """Seconds as hours and minutes, h:mm:ss where seconds matter."""
    minutes, rest = divmod(abs(int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}" + (f":{rest:02d}" if rest else "")


@register.filter
def number(value) -> str:
    """A decimal without the noughts behind it."""
    return f"{Decimal(value).normalize():f}" if value is not None else "—"


@register.filter
def limit(it) -> str:
    """What is promised, in words: limit_value and limit_unit; parts of an hour as minutes."""
    if it.limit_value is None:
        return _("none")
    if it.limit_unit == "continuous_hour" and it.limit_value < 1:
        return span(timedelta(hours=float(it.limit_value)))
    return f"{number(it.limit_value)} {it.get_limit_unit_display()}"


@register.simple_tag
def most_mb(kinds) -> str:
    """How large a file of each kind may be today, in megabytes, for the page to say before it is sent."""
    day = timezone.localdate()
    return " ".join(f"{kind}:{settings.get(f'office.{kind}_mb', on=day)}" for kind in kinds)


@register.filter
def input_kind(field) -> str:
    """How a field is drawn: tick, choices, or plain."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "tick"
    return "choices" if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple) else "plain"


@register.simple_tag(takes_context=True)
def keeping(context, **changed) -> str:
    """The address's own filters with some changed, for links of a list."""
    said = context["request"].GET.copy()
    for name, value in changed.items():
        said[name] = value
    return said.urlencode()


@register.filter
def said(address, name: str) -> str:
    """What an address says under a name that is known only here."""
    return address.get(name, "")


# The bar: who finds what there. Rooms that an installation lacks leave no trace.
PLACES = (
    ("cases:desk", gettext_lazy("Supervision"),
     {"acceptance_operator", "duty_leader", "video_operator", "inspector", "evaluator", "leader"}),
    ("patrol:video", gettext_lazy("Cameras"), {"video_operator"}),
    ("hotline:desk", gettext_lazy("Hotline"), {"acceptance_operator", "duty_leader"}),
    ("dispatch:desk", gettext_lazy("Dispatch"), {"dispatcher", "commander"}),
    ("dispatch:department", pgettext_lazy("place of work", "Department"), {"department_operator", "handler"}),
    ("dispatch:crews", gettext_lazy("Crews"), {"department_operator"}),
    ("dispatch:lists", gettext_lazy("Requests"),
     {"dispatcher", "commander", "department_operator", "duty_leader", "acceptance_operator", "leader"}),
    ("hand_over", pgettext_lazy("place of work", "Shift"), {"duty_leader", "dispatcher", "commander"}),
    ("patrol:home", gettext_lazy("In the field"), {"collector"}),
    ("evaluation:leader", gettext_lazy("Overview"), {"leader", "evaluator"}),
    ("evaluation:ranking", gettext_lazy("Rankings"),
     {"evaluator", "leader", "duty_leader", "commander", "dispatcher", "department_operator"}),
    ("accounts:maintenance", gettext_lazy("Maintenance"), {"administrator"}),
)  # fmt: skip


@register.filter
def short(department) -> str:
    """The short name of a department where it has one in the reader's language."""
    return (department.short_name if language() != "en" else "") or str(department)


@register.simple_tag(takes_context=True)
def sees_cases(context) -> bool:
    """Whether this person's roles have to do with cases: everybody's but the administrator's."""
    return any(str(one.role) != "administrator" for one in context.get("appointments", ()))


@register.simple_tag(takes_context=True)
def takes_calls(context) -> bool:
    """Whether this person sits at the telephone."""
    return bool({"acceptance_operator", "duty_leader"} & {str(one.role) for one in context.get("appointments", ())})


@register.simple_tag(takes_context=True)
def places_of_work(context) -> list[dict]:
    """The pages that belong to this person's roles."""
    roles = {str(one.role) for one in context.get("appointments", ())}
    path, places = context["request"].path, []
    for name, label, readers in PLACES:
        if roles & readers:
            try:
                url = address_of(name)
            except NoReverseMatch:
                continue
            places.append({"url": url, "label": label, "here": path.startswith(url)})
    # A place may lie below another: one is here, the narrower.
    here = max((place["url"] for place in places if place["here"]), key=len, default="")
    return [{**place, "here": place["url"] == here} for place in places]
