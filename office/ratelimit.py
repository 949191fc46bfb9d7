"""How often somebody may try. Counted in the cache; when the cache is silent, everybody may."""

import hashlib
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest

from citymgmt.errors import Refusal


class TooOften(Refusal):
    """Somebody, or one internet address, tried this too often; facts: minutes."""

    code = "too_often"


NETWORK_BITS = 64


def visitor(request: HttpRequest) -> str:
    """The internet address that our own nginx names (citymgmt/wsgi.py); of the new kind, where one connection has very
    many, its network."""
    said = request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(said)
    except ValueError:
        return said
    if not isinstance(address, IPv6Address):
        return said
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, NETWORK_BITS), strict=False).network_address)


def allowed(what: str, who: str, *, limit: int, seconds: int, at: datetime) -> bool:
    """Count one try of `who` at `what` and say whether it is within `limit` in this window of `seconds`."""
    key = _key(what, who, seconds=seconds, at=at)
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key) <= limit
    except ValueError:
        return True


def tries(what: str, who: str, *, seconds: int, at: datetime) -> int:
    """Return how often `who` has tried `what` in this window, without counting this look."""
    return cache.get(_key(what, who, seconds=seconds, at=at), 0)


def _key(what: str, who: str, *, seconds: int, at: datetime) -> str:
    window = int(at.timestamp()) // seconds
    # Addresses and numbers do not lie readable in the cache.
    return f"tries:{what}:{window}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"
