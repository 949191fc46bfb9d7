"""The bar under a queue with what may be done with many cases at once."""

from django import template
from django.utils import timezone

from cases.bulk import under_a_queue
from office.templatetags.ui import address_of

register = template.Library()

# The desk of a page, by its name, and where the ids of its whole queue are asked.
IDS = {
    "cases:desk": "cases:desk_ids",
    "dispatch:desk": "dispatch:desk_ids",
    "dispatch:department": "dispatch:department_ids",
}


@register.inclusion_tag("cases/_bulk_bar.html", takes_context=True)
def bulk_bar(context) -> dict:
    """The bar; nothing on lists that are no desk."""
    request = context["request"]
    ids = IDS.get(request.resolver_match.view_name if request.resolver_match else "")
    if ids is None:
        return {"verbs": []}
    verbs = under_a_queue(request.user, at=context.get("at") or timezone.now())
    return {
        "verbs": [(verb, address_of(f"{verb.door}:bulk", verb.name)) for verb in verbs],
        "ids_url": address_of(ids),
        "back": request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }
