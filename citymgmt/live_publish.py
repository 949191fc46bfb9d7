"""News for open pages: what is written to the stream, and the tickets with which a page may listen (see live.py).

A piece of news says that a case changed, never how: the page asks again for what it may see.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings
from django.core import signing
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

# Enough for a page that was away for minutes in a busy hour; one that was away longer is told to ask for everything.
KEPT = 10_000
PEOPLE_AT_ONCE = 200

_signer = signing.TimestampSigner(salt="citymgmt.live")
_is_silent = False


@contextmanager
def in_silence() -> Iterator[None]:
    """Publish nothing from this process meanwhile: a past that is written down at once is no news to an open page."""
    global _is_silent
    _is_silent = True
    try:
        yield
    finally:
        _is_silent = False


def publish(
    *, case_id: str, version: int, stage: str, topics: Iterable[str], parts: dict[str, list[str]] | None = None
) -> bool:
    """Tell the open pages that a case changed; False when Redis does not answer within 0.2 s.

    Call it after commit: transaction.on_commit(partial(publish, …), robust=True). Pages whose ticket holds one of
    `topics` hear it; `parts` are the stages of the part that the department of a topic has in it.
    """
    news = {"case": str(case_id), "version": version, "stage": stage, "topics": list(topics), "parts": parts or {}}
    return _add("case", news)


def publish_presence(*, case_id: str, topics: Iterable[str]) -> bool:
    """Tell the open pages that somebody opened a case, left it, or writes on it now (cases/presence.py)."""
    return _add("presence", {"case": str(case_id), "topics": list(topics)})


def publish_messages(*, user_ids: Iterable[int]) -> bool:
    """Tell the pages of these people that there is something new in their boxes; call it after commit."""
    topics = [f"user:{user_id}" for user_id in user_ids]
    pieces = [topics[first : first + PEOPLE_AT_ONCE] for first in range(0, len(topics), PEOPLE_AT_ONCE)]
    return all([_add("box", {"topics": piece}) for piece in pieces])


def say_goodbye(*, user_id: int) -> bool:
    """End every stream of this user and refuse the tickets he got so far: he logged out or lost his rights."""
    return _add("goodbye", {"user": user_id})


def make_ticket(*, user_id: int, topics: Iterable[str]) -> str:
    """Return a ticket to hear `topics`, good for settings.LIVE_TICKET_SECONDS; it goes into the stream's address."""
    return _signer.sign_object({"user": user_id, "topics": list(topics)})


def read_ticket(ticket: str) -> tuple[int, frozenset[str], float]:
    """Return user id, topics and the second (since 1970) in which the ticket was made.

    Raises signing.BadSignature for a forged one and its subclass SignatureExpired for an old one.
    """
    content = _signer.unsign_object(ticket, max_age=settings.LIVE_TICKET_SECONDS)
    made_at = signing.b62_decode(ticket.split(_signer.sep)[-2])
    return content["user"], frozenset(content["topics"]), made_at


@cache
def _redis() -> Redis:
    # One more try only for a connection that Redis had closed (after a restart), not for one that is silent.
    retry = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
    return Redis.from_url(settings.REDIS_URL, socket_timeout=0.2, socket_connect_timeout=0.2, retry=retry)


def _add(kind: str, news: dict) -> bool:
    if _is_silent:
        return False
    try:
        _redis().xadd(
            settings.LIVE_STREAM,
            {"kind": kind, "news": json.dumps(news, separators=(",", ":"))},
            maxlen=KEPT,
            approximate=True,
        )
    except (RedisError, OSError) as error:
        # The pages notice by polling; a move never fails because nobody could be told.
        logger.warning("news not published: %s", error)
        return False
    return True
