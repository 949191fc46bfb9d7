"""What the frame of every page knows of practising. Costs no query."""

from django.conf import settings
from django.http import HttpRequest


def practice(request: HttpRequest) -> dict:
    """`practice_of`: this is the practice area of that address; `practice_url`: this site has one. Else empty."""
    known = {"practice_of": settings.PRACTICE_OF, "practice_url": settings.PRACTICE_URL}
    # That nothing here counts is said louder than that all is invented.
    return known | ({"demo_words": ""} if settings.PRACTICE_OF else {})
