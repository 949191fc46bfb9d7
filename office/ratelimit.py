"""How often somebody may try. Counted in the cache; when the cache is silent, everybody may."""

import hashlib
from datetime import datetime

from django.core.cache import cache

from citymgmt.errors import Refusal


class TooOften(Refusal):
    """Somebody, or one internet address, tried this too often; facts: minutes."""

    code = "too_often"


def allowed(what: str, who: str, *, limit: int, seconds: int, at: datetime) -> bool:
    """Count one try of `who` at `what` and say whether it is within `limit` in this window of `seconds`."""
    window = int(at.timestamp()) // seconds
    # Addresses and numbers do not lie readable in the cache.
    key = f"tries:{what}:{window}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key) <= limit
    except ValueError:
        return True
