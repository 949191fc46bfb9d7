"""Is everything that the program stands on still there? Asked by the health page and the administrators' banner."""

import json
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings as installation
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _
from redis import Redis
from redis.exceptions import RedisError

HEARTBEAT_KEY = "office:worker_seen_at"
HEARTBEAT_KEPT_SECONDS = 24 * 3600
# The worker's own beat comes every 10 s; two minutes without one are a silence.
WORKER_SILENT_AFTER = timedelta(seconds=120)
DISK_FREE_SHARE = 0.05
ANSWER_SECONDS = 0.3


@dataclass(frozen=True)
class Check:
    """One thing looked at. `words` say in the page's language what an administrator should know."""

    name: str
    ok: bool
    words: str


def beat(*, at: datetime) -> None:
    """The worker is alive: its own task says so."""
    cache.set(HEARTBEAT_KEY, at.timestamp(), HEARTBEAT_KEPT_SECONDS)


def checks(*, at: datetime) -> list[Check]:
    """Look at everything once; takes well under two seconds even when nothing answers."""
    return [_database(), _redis("redis", installation.REDIS_URL), _worker(at), _disk(), _history()]


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Check("database", False, _("The database does not answer: nothing can be opened or saved."))
    return Check("database", True, _("The database answers."))


def _redis(name: str, url: str) -> Check:
    try:
        with Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS) as redis:
            redis.ping()
    except (RedisError, OSError):
        return Check(
            name,
            False,
            _("Redis does not answer: pages learn of news more slowly, alarms wait. Nothing is lost; start it again."),
        )
    return Check(name, True, _("Redis answers."))


def _worker(at: datetime) -> Check:
    seen_at = cache.get(HEARTBEAT_KEY)
    if seen_at is None:
        return Check(
            "worker", False, _("The worker gave no sign of life: no alarm is told until it runs. Start it again.")
        )
    age = at.timestamp() - seen_at
    if age > WORKER_SILENT_AFTER.total_seconds():
        words = _("The worker has been silent for %(minutes)s minutes: no alarm is told until it runs. Start it again.")
        return Check("worker", False, words % {"minutes": max(1, round(age / 60))})
    return Check("worker", True, _("The worker runs."))


# --- The broker's queue ---


@dataclass(frozen=True)
class Tasks:
    """What the worker has before it: tasks waiting and under way, and when its clock last sent something that waits."""

    waiting: int
    under_way: int
    clock_at: datetime | None


QUEUE = "celery"  # Celery's own name for it
NEWEST_LOOKED_AT = 50
HEARTBEAT, HEARTBEAT_SECONDS = "office.tasks.heartbeat", 10  # as in citymgmt/celery.py


def tasks() -> Tasks | None:
    """Look into the broker; None when it does not answer."""
    prefix = f"{installation.INSTANCE}:"
    try:
        with Redis.from_url(
            installation.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        ) as redis:
            newest = redis.lrange(f"{prefix}{QUEUE}", 0, NEWEST_LOOKED_AT - 1)
            waiting, under_way = redis.llen(f"{prefix}{QUEUE}"), redis.hlen(f"{prefix}unacked")
    except (RedisError, OSError):
        return None
    headers = [json.loads(one).get("headers", {}) for one in newest]
    beats = [one["expires"] for one in headers if one.get("task") == HEARTBEAT and one.get("expires")]
    sent = datetime.fromisoformat(beats[0]) - timedelta(seconds=HEARTBEAT_SECONDS) if beats else None
    return Tasks(waiting, under_way, sent)


def worker_seen_at() -> datetime | None:
    """Return when the worker last gave a sign of life: then its clock ran too, which asks it for one."""
    seen_at = cache.get(HEARTBEAT_KEY)
    return datetime.fromtimestamp(seen_at, tz=UTC) if seen_at else None


def _disk() -> Check:
    place = Path(installation.EVIDENCE_ROOT)
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    words = _("%(free)s GB of %(total)s GB are free for pictures and files.") % {
        "free": round(usage.free / 1e9, 1),
        "total": round(usage.total / 1e9, 1),
    }
    return Check("disk", usage.free > usage.total * DISK_FREE_SHARE, words)


# What a room above found out by itself in the night, and says here.
NOTED_KEPT_SECONDS = 14 * 24 * 3600


def note(name: str, *, ok: bool) -> None:
    """A room above looked at something of its own: it is well, or not."""
    cache.set(f"office:noted:{name}", ok, NOTED_KEPT_SECONDS)


def _history() -> Check:
    if cache.get("office:noted:history") is False:
        return Check(
            "history", False, _("The history was rewritten somewhere: see Maintenance → Proof of the history.")
        )
    return Check("history", True, _("No rewriting of the history was found."))


# --- For the banner: looked at once in a while, not on every page ---

BANNER_FRESH_SECONDS = 20
_seen: dict[str, tuple[float, list[Check]]] = {}


def troubles(*, language: str, at: datetime) -> list[Check]:
    """What is wrong now, at most twenty seconds old."""
    known = _seen.get(language)
    if known is None or time.monotonic() - known[0] > BANNER_FRESH_SECONDS:
        known = (time.monotonic(), [check for check in checks(at=at) if not check.ok])
        _seen[language] = known
    return known[1]


def forget() -> None:
    """Look again at once."""
    _seen.clear()
