"""The live channel: a ticket is of one person, cannot be made, and opens so many streams and no more."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from citymgmt import live
from citymgmt.live_publish import make_ticket


def ask(query: str, listeners=(), path: str = "/live/") -> int:
    live.hub = SimpleNamespace(goodbyes={}, listeners=set(listeners))
    said = []

    async def send(message):
        said.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "path": path, "method": "GET", "query_string": query.encode(), "headers": []}
    with ThreadPoolExecutor(1) as apart:  # a browser of another test may have a loop running in this thread
        apart.submit(lambda: asyncio.run(live.application(scope, receive, send))).result()
    return said[0]["status"]


@pytest.fixture(autouse=True)
def no_hub_afterwards():
    yield
    live.hub = None


@pytest.mark.parametrize("ticket", ["", "x", "a:b:c", "%00", "é"])
def test_a_ticket_that_we_did_not_make_opens_nothing(ticket):
    assert ask(f"ticket={ticket}") == 403


def test_a_ticket_that_was_changed_opens_nothing():
    assert ask(f"ticket={make_ticket(user_id=1, topics=['user:1'])[:-1]}") == 403


@pytest.mark.parametrize("after", ["x", "-5", "5-x", "1e9"])
def test_nonsense_for_the_last_piece_of_news_is_refused(after):
    assert ask(f"ticket={make_ticket(user_id=1, topics=[])}&after={after}") == 400


def test_one_person_opens_only_so_many_pages():
    ticket = make_ticket(user_id=1, topics=["user:1"])
    his = [live.Listener(1, frozenset()) for _ in range(live.MOST_PAGES)]
    others = [live.Listener(2, frozenset()) for _ in range(live.MOST_PAGES)]
    assert ask(f"ticket={ticket}", his) == 429
    assert ask(f"ticket={ticket}&after=x", [*others, *his[1:]]) == 400
