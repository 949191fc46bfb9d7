"""What a message says: one row for each code, its kind and its sentence, worded when it is shown.

The facts of a message are kept with it; names ending in `_at` are instants. A new code is one line, alphabetically.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from citymgmt.wording import worded
from office.models import Message


@dataclass(frozen=True)
class Text:
    """`outside` is what leaves the house: number, class, area, deadline, never a name or a free text."""

    kind: str
    sentence: str
    outside: str = ""


KINDS = {
    "alarm": _("Alarm"),
    "task": _("Task"),
    "notice": _("Notice"),
}

TEXTS: dict[str, Text] = {
    "bulk_done": Text("notice", _("“%(what)s” is finished: done for %(number)s cases. Look at the result.")),
    "case_link": Text(
        "task",
        _("Task %(number)s, %(what)s, %(area)s. Due at %(due_at)s."),
        _(
            "Task %(number)s, %(what)s, %(area)s. Due at %(due_at)s. Open the link; when it is done, send the "
            "pictures there."
        ),
    ),
    "clock_arrived": Text(
        "task",
        _("%(number)s %(what)s, %(where)s: new for you. “%(clock)s” is due at %(due_at)s."),
        _("New: %(number)s %(what)s, %(area)s. Due at %(due_at)s."),
    ),
    "clock_nearly_due": Text(
        "alarm",
        _("%(number)s %(what)s, %(where)s: “%(clock)s” is due at %(due_at)s. In hand: %(holder)s."),
        _("Nearly due: %(number)s %(what)s, %(area)s, “%(clock)s”. Due at %(due_at)s."),
    ),
    "clock_overdue": Text(
        "alarm",
        _("%(number)s %(what)s, %(where)s: “%(clock)s” is overdue since %(due_at)s. In hand: %(holder)s."),
        _("Overdue: %(number)s %(what)s, %(area)s, “%(clock)s”. It was due at %(due_at)s."),
    ),
    "clock_resumed": Text(
        "alarm",
        _("%(number)s %(what)s, %(where)s: the suspension is over, the clock runs again and is due at %(due_at)s."),
        _("The suspension is over: %(number)s %(what)s, %(area)s. Due at %(due_at)s."),
    ),
    "clock_unheard": Text(
        "alarm",
        _(
            "%(number)s %(what)s, %(where)s: nobody of %(holder)s could be found to be told. “%(clock)s” is due at "
            "%(due_at)s; you are told instead."
        ),
        _("Nobody could be found at the department: %(number)s %(what)s, %(area)s, “%(clock)s”. Due at %(due_at)s."),
    ),
    "crew_reported": Text("task", _("%(number)s %(what)s, %(where)s: %(crew)s sent the result by link.")),
    "entered_stock": Text(
        "notice", _("%(number)s %(what)s, %(where)s entered the stock list. In hand: %(department)s.")
    ),
    "history_checkpoint": Text(
        "notice",
        _("The checkpoint of the history was made."),
        _("Keep this line, it proves the history of all cases up to now: %(line)s"),
    ),
    "history_not_sound": Text(
        "alarm", _("The proof of the history found %(findings)s places that are not as they were written.")
    ),
    "password_reset": Text("notice", _("%(person)s reset your password at %(done_at)s.")),
    "push_instruct": Text("task", _("%(number)s %(what)s, %(where)s: instruction of %(person)s: %(demand)s")),
    "push_replied": Text("notice", _("%(number)s %(what)s, %(where)s: %(person)s answered what you demanded.")),
    "push_supervise": Text("task", _("%(number)s %(what)s, %(where)s: under supervision by %(person)s: %(demand)s")),
    "push_urge": Text("task", _("%(number)s %(what)s, %(where)s: %(person)s urges you. %(demand)s")),
    "sessions_ended": Text("notice", _("%(person)s ended all your sessions at %(done_at)s.")),
    "straight_switched_off": Text(
        "alarm",
        _("%(what)s goes straight through no longer: %(wrong)s of %(total)s were wrong. Look why."),
    ),
    "token_made": Text("notice", _("%(person)s made a token of yours for a program at %(done_at)s.")),
}

GENERAL = Text("notice", _("There is news about your work. Open it to see."), _("There is news about your work."))


def sentence(message: Message) -> str:
    """The message's sentence in the language of the page."""
    return worded(TEXTS.get(message.code, GENERAL).sentence, message.facts)


def outside(code: str, facts: Mapping[str, Any], *, language: str) -> str:
    """What a message says outside the house, in its reader's language."""
    with translation.override(language):
        return worded(TEXTS.get(code, GENERAL).outside or GENERAL.outside, facts)
