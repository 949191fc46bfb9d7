"""A page hears of changed cases, and only of its own, through the small process behind /live/."""

import asyncio
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import signing

from citymgmt import live, live_publish

CASE = "0c7a4a52-6a52-4d6c-a3f7-0b6f6c1d2e3f"


@pytest.fixture(autouse=True)
def own_stream(settings):
    settings.LIVE_STREAM = f"test:{uuid.uuid4()}"
    redis = live_publish._redis()
    yield
    redis.delete(settings.LIVE_STREAM)


@pytest.fixture
def no_redis(settings, monkeypatch):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    live_publish._redis.cache_clear()
    yield
    live_publish._redis.cache_clear()


def ticket(user_id=7, topics=("desk:command",)):
    return live_publish.make_ticket(user_id=user_id, topics=topics)


def publish(version, topics=("desk:command",)):
    return live_publish.publish(case_id=CASE, version=version, stage="handling", topics=topics)


class Page:
    """An open page, spoken to as uvicorn speaks to the application."""

    def __init__(self, ticket, *, after="", slow=False):
        self.sent = []
        self.gone = asyncio.Event()
        self.slow = slow
        query = f"ticket={ticket}" + (f"&after={after}" if after else "")
        scope = {"type": "http", "method": "GET", "path": "/live/", "query_string": query.encode(), "headers": []}
        self.task = asyncio.create_task(live.application(scope, self.receive, self.send))

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.slow and message["type"] == "http.response.body" and message.get("more_body"):
            await asyncio.Event().wait()
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"] if self.sent else None

    @property
    def events(self):
        text = b"".join(message.get("body", b"") for message in self.sent).decode()
        blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
        return [block for block in blocks if "event" in block]

    @property
    def versions(self):
        return [json.loads(event["data"])["version"] for event in self.events if event["event"] == "case"]

    async def until(self, wanted):
        async with asyncio.timeout(5):
            while not wanted(self):
                await asyncio.sleep(0.01)

    async def leave(self):
        self.gone.set()
        await self.task


def with_the_process(scene):
    """Play a scene while the process runs."""

    async def play():
        messages = asyncio.Queue()
        answers = asyncio.Queue()
        messages.put_nowait({"type": "lifespan.startup"})
        process = asyncio.create_task(live.application({"type": "lifespan"}, messages.get, answers.put))
        assert (await answers.get())["type"] == "lifespan.startup.complete"
        try:
            await scene()
            assert not live.hub.listeners
        finally:
            messages.put_nowait({"type": "lifespan.shutdown"})
            await process

    with ThreadPoolExecutor(1) as apart:  # a browser of another test may have a loop running in this thread
        apart.submit(lambda: asyncio.run(play())).result()


async def opened(*args, **kwargs):
    page = Page(*args, **kwargs)
    await page.until(lambda page: page.sent)
    return page


def test_a_page_hears_of_a_changed_case_at_once_with_its_stage_and_version():
    async def scene():
        page = await opened(ticket())
        assert publish(3)
        await page.until(lambda page: page.events)
        assert page.status == 200
        (heard,) = page.events
        assert json.loads(heard["data"]) == {
            "case": CASE,
            "version": 3,
            "stage": "handling",
            "topics": ["desk:command"],
            "parts": {},
        }
        await page.leave()

    with_the_process(scene)


def test_a_page_hears_nothing_of_other_desks_and_never_reads_their_names():
    async def scene():
        page = await opened(ticket(topics=["department:12"]))
        publish(1, ["desk:command"])
        publish(2, ["desk:command", "department:12"])
        await page.until(lambda page: page.versions)
        assert page.versions == [2]
        assert json.loads(page.events[0]["data"])["topics"] == ["department:12"]
        await page.leave()

    with_the_process(scene)


def test_a_page_that_was_away_hears_what_it_missed_once_and_in_order():
    async def scene():
        page = await opened(ticket())
        publish(1)
        await page.until(lambda page: page.versions == [1])
        await page.leave()
        for version in (2, 3, 4):
            publish(version)
        again = await opened(ticket(), after=page.events[0]["id"])
        publish(5)
        await again.until(lambda page: 5 in page.versions)
        assert again.versions == [2, 3, 4, 5]
        await again.leave()

    with_the_process(scene)


def test_a_page_that_was_away_too_long_is_told_to_ask_for_everything():
    async def scene():
        publish(1)
        page = await opened(ticket(), after="1-0")
        await page.until(lambda page: page.events)
        assert page.events[0]["event"] == "reset"
        await page.leave()

    with_the_process(scene)


@pytest.mark.parametrize("bad", ["", "rubbish", "a:b:c", "changed in its last letter"])
def test_a_forged_ticket_is_refused(bad):
    if bad.startswith("changed"):
        bad = ticket()[:-1] + "!"

    async def scene():
        page = Page(bad)
        await page.task
        assert page.status == 403

    with_the_process(scene)


def test_a_ticket_is_refused_after_five_minutes(time_machine):
    time_machine.move_to("2026-03-02 09:00 +0800", tick=False)
    old = ticket()
    time_machine.shift(299)
    live_publish.read_ticket(old)
    time_machine.shift(2)
    with pytest.raises(signing.SignatureExpired):
        live_publish.read_ticket(old)


def test_logging_out_ends_the_streams_of_this_user_only_and_spends_his_ticket():
    async def scene():
        mine, another = ticket(user_id=7), ticket(user_id=8)
        page, other = await opened(mine), await opened(another)
        live_publish.say_goodbye(user_id=7)
        await asyncio.wait_for(page.task, 5)
        assert page.events[-1]["event"] == "renew"
        assert not other.task.done()
        refused = Page(mine)
        await refused.task
        assert refused.status == 403
        await other.leave()

    with_the_process(scene)


def test_a_process_that_starts_after_the_log_out_refuses_the_spent_ticket_too():
    mine = ticket(user_id=7)
    live_publish.say_goodbye(user_id=7)

    async def scene():
        async with asyncio.timeout(5):
            while not live.hub.goodbyes:
                await asyncio.sleep(0.01)
        refused = Page(mine)
        await refused.task
        assert refused.status == 403

    with_the_process(scene)


def test_a_page_whose_line_is_stuck_is_dropped_and_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(live, "QUEUE", 3)

    async def scene():
        stuck, well = await opened(ticket(), slow=True), await opened(ticket())
        for version in range(1, 6):
            publish(version)
            await well.until(lambda page, version=version: version in page.versions)
        await asyncio.wait_for(stuck.task, 5)
        assert well.versions == [1, 2, 3, 4, 5]
        await well.leave()

    with_the_process(scene)


def test_other_addresses_and_methods_are_refused():
    async def scene():
        sent = []

        async def send(message):
            sent.append(message)

        for method, path in [("POST", "/live/"), ("GET", "/live/other")]:
            scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
            await live.application(scope, None, send)
        assert [message["status"] for message in sent if "status" in message] == [404, 404]

    with_the_process(scene)


def test_without_redis_publishing_says_so_and_raises_nothing(no_redis):
    assert publish(1) is False


def test_without_redis_a_page_is_told_that_it_must_poll(no_redis):
    async def scene():
        page = await opened(ticket())
        await page.until(lambda page: page.events)
        assert page.events[0]["event"] == "down"
        await page.leave()

    with_the_process(scene)
