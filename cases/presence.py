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


def note(case_id: UUID, *, user, desks: Collection[str], writes: bool, at: datetime, page: str = "") -> list[Seen]:
    """Say that this person has the case open (and writes on it); return who else has, whoever writes first.

    Whoever begins to write where nobody does is the one who writes. Colleagues' pages are told when something changed.
    What a page says that has said good-bye already changes nothing: it came late.
    """
    is_late = bool(page) and cache.get(_page(page)) is not None

    def enter(people: dict, place: str) -> None:
        if is_late:
            return
        people[user.pk] = (user.name_zh, user.name_en, at.timestamp())
        if not writes:
            _stop_writing(place, user)
        elif not cache.add(place, user.pk, SECONDS) and cache.get(place) == user.pk:
            cache.touch(place, SECONDS)

    return _change(case_id, user, desks, at, enter)


def take_over(case_id: UUID, *, user, desks: Collection[str], at: datetime) -> list[Seen]:
    """Let this person be the one who writes from now on; return who else is there."""

    def seize(people: dict, place: str) -> None:
        people[user.pk] = (user.name_zh, user.name_en, at.timestamp())
        cache.set(place, user.pk, SECONDS)

    return _change(case_id, user, desks, at, seize)


def leave(case_id: UUID, *, user, desks: Collection[str], at: datetime, page: str = "") -> None:
    """Say that this person has closed the case; `page`: that it went with that page, which says nothing more."""
    if page:
        cache.set(_page(page), 1, SECONDS)

    def go(people: dict, place: str) -> None:
        people.pop(user.pk, None)
        _stop_writing(place, user)

    _change(case_id, user, desks, at, go)


def names(case_ids: Collection[UUID], *, user, topics: Iterable[str], at: datetime) -> dict[str, list[str]]:
    """Return by case who else has it open, for those where somebody has; one question to the cache."""
    desks = [topic for topic in topics if not topic.startswith("user:")]
    keys = {_key(case_id, desk): str(case_id) for case_id in case_ids for desk in desks[:MOST_TOPICS]}
    found: dict[str, list[str]] = {}
    for key, people in cache.get_many(keys).items() if keys else ():
        for one in _others(_fresh(people, at), None, user):
            if one.name not in found.setdefault(keys[key], []):
                found[keys[key]].append(one.name)
    return {case_id: said for case_id, said in found.items() if said}


# — a room: those of one desk who have one case open, and, in a place of its own, the one who writes ———————————————


def _key(case_id: UUID, desk: str) -> str:
    return f"presence:{case_id}:{desk}"


def _page(name: str) -> str:
    return f"presence:gone:{name}"


def _fresh(people: dict | None, at: datetime) -> dict:
    """Return the people without those who have not been heard of for a while."""
    return {pk: one for pk, one in (people or {}).items() if at.timestamp() - one[2] < SECONDS}


def _stop_writing(place: str, user) -> None:
    if cache.get(place) == user.pk:
        cache.delete(place)


def _change(case_id: UUID, user, desks: Collection[str], at: datetime, change) -> list[Seen]:
    # Of two who come at the same instant one may be lost from the room: he says so again within the minute. Who writes
    # is never lost: the place is taken in one step.
    seen: dict[str, Seen] = {}
    for desk in desks:
        key, place = _key(case_id, desk), f"{_key(case_id, desk)}:writer"
        found = cache.get_many([key, place])
        people = _fresh(found.get(key), at)
        before = (set(people), found.get(place))
        change(people, place)
        cache.set(key, people, SECONDS)
        writer = cache.get(place)
        if before != (set(people), writer) and len(people) + len(before[0]) > 1:
            publish_presence(case_id=case_id, topics=[desk])
        seen |= {one.name: one for one in _others(people, writer, user)}
    return sorted(seen.values(), key=lambda one: not one.is_writing)


def _others(people: dict, writer: int | None, user) -> list[Seen]:
    return [Seen(in_this_language(zh, en), writer == pk) for pk, (zh, en, _at) in people.items() if pk != user.pk]
