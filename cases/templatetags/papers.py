"""The papers offered beside a case."""

from django import template
from django.utils import timezone

from cases.papers import Seen, offered, reader_of

register = template.Library()


@register.simple_tag(takes_context=True)
def papers_of(context, case) -> list:
    """The papers this person may print of a case now; nothing is asked of the database beyond the page's own rows."""
    user, at = context["request"].user, context.get("at") or timezone.now()
    rows = {name: context.get(name, []) for name in ("stints", "tasks", "requests", "directives")}
    return offered(Seen(case, user, at, reader_of(user, at), **rows))
