"""Who has which case open at the moment, and who writes on it 在看: kept in the cache, forgotten by itself.

A page says so while it asks for news; nothing of it is written into the database. Colleagues of one desk see each
other: those who listen to one of the same topics (accounts.permissions.topics_of). Of these one at a time writes;
another may take over, and whoever wrote is told and keeps his text.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.cache import cache

from accounts.models import in_this_language
from citymgmt.live_publish import publish_presence

SECONDS = 100  # a page that is open says so at least every 50
MOST_TOPICS = 4  # of one person about one case


@dataclass(frozen=True)
class Seen:
    """Somebody else at the same case."""

    name: str
    is_writing: bool


def desks_of(user_topics: Iterable[str], case_topics: Collection[str]) -> list[str]:
    """Return the topics through which a person meets colleagues at a case, never his own."""
    met = sorted(topic for topic in set(user_topics) & set(case_topics) if not topic.startswith("user:"))
    return met[:MOST_TOPICS]


def note(case_id: UUID, *, user, desks: Collection[str], writes: bool, at: datetime) -> list[Seen]:
    """Say that this person has the case open (and writes on it); return who else has, whoever writes first.

    Whoever begins to write where nobody does is the one who writes. Colleagues' pages are told when something changed.
    """
    return _change(case_id, user, desks, at, lambda room: _enter(room, user, writes=writes, at=at))


def take_over(case_id: UUID, *, user, desks: Collection[str], at: datetime) -> list[Seen]:
    """Let this person be the one who writes from now on; return who else is there."""

    def seize(room: dict) -> None:
        _enter(room, user, writes=False, at=at)
        room["writer"] = user.pk

    return _change(case_id, user, desks, at, seize)


def leave(case_id: UUID, *, user, desks: Collection[str], at: datetime) -> None:
    """Say that this person has closed the case."""

    def go(room: dict) -> None:
        room["people"].pop(user.pk, None)
        if room["writer"] == user.pk:
            room["writer"] = None

    _change(case_id, user, desks, at, go)


def names(case_ids: Collection[UUID], *, user, topics: Iterable[str], at: datetime) -> dict[str, list[str]]:
    """Return by case who else has it open, for those where somebody has; one question to the cache."""
    desks = [topic for topic in topics if not topic.startswith("user:")]
    keys = {_key(case_id, desk): str(case_id) for case_id in case_ids for desk in desks[:MOST_TOPICS]}
    found: dict[str, list[str]] = {}
    for key, room in cache.get_many(keys).items() if keys else ():
        for one in _others(_fresh(room, at), user):
            if one.name not in found.setdefault(keys[key], []):
                found[keys[key]].append(one.name)
    return {case_id: said for case_id, said in found.items() if said}


# — a room: those of one desk who have one case open ———————————————————————————————————————————————————


def _key(case_id: UUID, desk: str) -> str:
    return f"presence:{case_id}:{desk}"


def _fresh(room: dict | None, at: datetime) -> dict:
    """Return the room without those who have not been heard of for a while."""
    room = room or {"people": {}, "writer": None}
    people = {pk: one for pk, one in room["people"].items() if at.timestamp() - one[2] < SECONDS}
    return {"people": people, "writer": room["writer"] if room["writer"] in people else None}


def _enter(room: dict, user, *, writes: bool, at: datetime) -> None:
    room["people"][user.pk] = (user.name_zh, user.name_en, at.timestamp())
    if writes and room["writer"] is None:
        room["writer"] = user.pk
    elif not writes and room["writer"] == user.pk:
        room["writer"] = None


def _change(case_id: UUID, user, desks: Collection[str], at: datetime, change) -> list[Seen]:
    # Two at the same instant may overwrite each other: the one who is lost says so again within the minute.
    seen: dict[str, Seen] = {}
    for desk in desks:
        room = _fresh(cache.get(_key(case_id, desk)), at)
        before = (set(room["people"]), room["writer"])
        change(room)
        cache.set(_key(case_id, desk), room, SECONDS)
        if before != (set(room["people"]), room["writer"]) and len(room["people"]) + len(before[0]) > 1:
            publish_presence(case_id=case_id, topics=[desk])
        seen |= {one.name: one for one in _others(room, user)}
    return sorted(seen.values(), key=lambda one: not one.is_writing)


def _others(room: dict, user) -> list[Seen]:
    return [
        Seen(in_this_language(zh, en), room["writer"] == pk)
        for pk, (zh, en, _at) in room["people"].items()
        if pk != user.pk
    ]
