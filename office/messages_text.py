"""What a message says: one row for each code, its kind and its sentence, worded when it is shown.

The facts of a message are kept with it; names ending in `_at` are instants. A new code is one line, alphabetically.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from citymgmt.wording import worded
from office.models import Message


@dataclass(frozen=True)
class Text:
    kind: str
    sentence: str


KINDS = {
    "alarm": _("Alarm"),
    "task": _("Task"),
    "notice": _("Notice"),
}

TEXTS: dict[str, Text] = {
    "clock_nearly_due": Text(
        "alarm", _("%(number)s %(what)s, %(where)s: “%(clock)s” is due at %(due_at)s. In hand: %(holder)s.")
    ),
    "clock_overdue": Text(
        "alarm", _("%(number)s %(what)s, %(where)s: “%(clock)s” is overdue since %(due_at)s. In hand: %(holder)s.")
    ),
    "clock_resumed": Text(
        "alarm",
        _("%(number)s %(what)s, %(where)s: the suspension is over, the clock runs again and is due at %(due_at)s."),
    ),
    "password_reset": Text("notice", _("%(person)s reset your password at %(done_at)s.")),
    "sessions_ended": Text("notice", _("%(person)s ended all your sessions at %(done_at)s.")),
}

GENERAL = Text("notice", _("There is news about your work. Open it to see."))


def sentence(message: Message) -> str:
    """The message's sentence in the language of the page."""
    return worded(TEXTS.get(message.code, GENERAL).sentence, message.facts)
