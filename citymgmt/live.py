"""The small second process behind /live/: Server-Sent Events for open pages, from a Redis stream, without the database.

    GET /live/?ticket=…      200, an endless stream of:

    event: case      data: {"case": "…", "version": 3, "stage": "handling", "topics": ["department:12"],
                            "parts": {"department:12": ["pending_handle"]}}                    with an id, for replay
    event: presence  data: {"case": "…", "topics": […]}: who has it open has changed
    event: box       data: {"topics": […]}: there are new messages
    event: beat      nothing happened for a while; a line on which this is not heard is dead
    event: reset     too much was missed to be replayed: ask for everything
    event: down      Redis is away, nothing will be heard until `event: up`: poll meanwhile
    event: renew     the stream ends here: come back with a new ticket (after an hour, a full queue, a log-out)

A page that comes back sends the last id it saw (the browser's header Last-Event-ID, or ?after=… with a new ticket) and
hears what it missed. Runs under uvicorn, one process; several may run side by side, each reads the whole stream once.
"""

import asyncio
import contextlib
import json
import logging
import os
import time
from urllib.parse import parse_qs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")

from django.conf import settings
from django.core.signing import BadSignature
from redis.asyncio import Redis
from redis.exceptions import RedisError

from citymgmt.live_publish import KEPT, read_ticket

logger = logging.getLogger(__name__)

BEAT_EVERY = 15  # seconds; a silent line is cut by routers and by nginx, and a page cannot tell it from a dead one
STREAM_SECONDS = 3600  # rights change: a page asks for a new ticket at least this often
QUEUE = 200  # pieces of news a page may lag behind
MOST_PAGES = 30  # of one person at the same time

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

EntryId = tuple[int, int]


def entry_id(text: str) -> EntryId:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)


def event(name: str, data: object = "", id: str = "") -> bytes:
    lines = [f"id: {id}"] if id else []
    return "\n".join([*lines, f"event: {name}", f"data: {json.dumps(data, ensure_ascii=False)}", "", ""]).encode()


class Listener:
    """One open page: what it may hear and what it has not yet been sent."""

    def __init__(self, user_id: int, topics: frozenset[str]):
        self.user_id = user_id
        self.topics = topics
        self.queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(QUEUE)
        self.dismissed = asyncio.Event()

    def hears(self, news: dict) -> frozenset[str]:
        """Return for which of its topics a page is told a piece of news; empty: not told."""
        return self.topics.intersection(news["topics"])

    def offer(self, id: str, message: bytes) -> None:
        try:
            self.queue.put_nowait((id, message))
        except asyncio.QueueFull:
            # It comes back with the last id it saw, when its line is good again.
            self.dismissed.set()


def worded(id: str, kind: str, news: dict, topics: frozenset[str]) -> bytes:
    # A topic names a desk or a department: each page is told only of its own.
    own = {topic: stages for topic, stages in news.get("parts", {}).items() if topic in topics}
    return event(kind, {**news, "topics": sorted(topics), **({"parts": own} if "parts" in news else {})}, id)


class Hub:
    """Reads the stream once for all listeners of this process."""

    def __init__(self) -> None:
        self.redis = Redis.from_url(
            settings.REDIS_URL, decode_responses=True, socket_timeout=20, socket_connect_timeout=2
        )
        self.listeners: set[Listener] = set()
        self.goodbyes: dict[int, float] = {}
        self.up = True
        # Far enough back to know who said goodbye while his ticket still lives.
        self.last_id = f"{int((time.time() - settings.LIVE_TICKET_SECONDS) * 1000)}-0"

    async def read_for_ever(self) -> None:
        while True:
            try:
                answer = await self.redis.xread({settings.LIVE_STREAM: self.last_id}, block=5000, count=500)
            except (RedisError, OSError) as error:
                self.say_whether_up(False, error)
                await asyncio.sleep(1)
                continue
            self.say_whether_up(True)
            for _, entries in answer or []:
                for id, fields in entries:
                    self.last_id = id
                    self.pass_on(id, fields)

    def say_whether_up(self, up: bool, error: Exception | None = None) -> None:
        if up == self.up:
            return
        self.up = up
        logger.warning("Redis answers again" if up else f"Redis does not answer: {error}")
        for listener in self.listeners:
            listener.offer("", event("up" if up else "down"))

    def pass_on(self, id: str, fields: dict) -> None:
        news = json.loads(fields["news"])
        if fields["kind"] == "goodbye":
            self.goodbyes[news["user"]] = entry_id(id)[0] / 1000
            for listener in self.listeners:
                if listener.user_id == news["user"]:
                    listener.dismissed.set()
            self.forget_old_goodbyes()
            return
        said: dict[frozenset[str], bytes] = {}  # a whole desk hears the same: put in words once
        for listener in self.listeners:
            if topics := listener.hears(news):
                if topics not in said:
                    said[topics] = worded(id, fields["kind"], news, topics)
                listener.offer(id, said[topics])

    def forget_old_goodbyes(self) -> None:
        oldest = time.time() - settings.LIVE_TICKET_SECONDS - 5
        self.goodbyes = {user: at for user, at in self.goodbyes.items() if at >= oldest}

    async def missed(self, listener: Listener, after: str) -> list[tuple[str, bytes]] | None:
        """What the page did not hear since `after`, in order; None when the stream does not reach back that far."""
        first = await self.redis.xrange(settings.LIVE_STREAM, count=1)
        if first and entry_id(after) < entry_id(first[0][0]):
            return None
        entries = await self.redis.xrange(settings.LIVE_STREAM, min=f"({after}", count=KEPT * 2)
        all_news = [(id, one["kind"], json.loads(one["news"])) for id, one in entries if one["kind"] != "goodbye"]
        return [(id, worded(id, kind, news, topics)) for id, kind, news in all_news if (topics := listener.hears(news))]


hub: Hub | None = None


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await live_as_long_as_the_server(receive, send)
    elif scope["type"] == "http":
        await answer(scope, receive, send)


async def live_as_long_as_the_server(receive, send):
    global hub
    await receive()
    hub = Hub()
    reader = asyncio.create_task(hub.read_for_ever())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    while not reader.done():
        # The Redis client loses a cancellation that meets it while it connects: so once is not enough.
        reader.cancel()
        await asyncio.wait([reader], timeout=0.2)
    await hub.redis.aclose()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(scope, receive, send):
    if scope["path"] != "/live/" or scope["method"] != "GET":
        return await refuse(send, 404)
    query = parse_qs(scope["query_string"].decode("ascii", "replace"))
    try:
        user_id, topics, made_at = read_ticket(query.get("ticket", [""])[0])
    except BadSignature:
        return await refuse(send, 403)
    if hub.goodbyes.get(user_id, 0) >= made_at:
        return await refuse(send, 403)
    if sum(listener.user_id == user_id for listener in hub.listeners) >= MOST_PAGES:
        return await refuse(send, 429)
    headers = {name: value.decode("ascii", "replace") for name, value in scope["headers"]}
    after = headers.get(b"last-event-id") or query.get("after", [""])[0]
    try:
        entry_id(after or "0")
    except ValueError:
        return await refuse(send, 400)

    listener = Listener(user_id, topics)
    hub.listeners.add(listener)
    tasks = [
        asyncio.create_task(speak(listener, after, send)),
        asyncio.create_task(hear_the_end(receive)),
        asyncio.create_task(listener.dismissed.wait()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.listeners.discard(listener)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.suppress(OSError, RuntimeError, TimeoutError):  # the line may be gone: then there is nobody to tell
        await asyncio.wait_for(send({"type": "http.response.body", "body": event("renew")}), 1)


async def refuse(send, status: int):
    await send({"type": "http.response.start", "status": status, "headers": [(b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": b""})


async def hear_the_end(receive):
    # Without reading, the server never learns that the page is gone, and the stream would never end.
    while (await receive())["type"] != "http.disconnect":
        pass


async def speak(listener: Listener, after: str, send):
    async def write(body: bytes):
        await send({"type": "http.response.body", "body": body, "more_body": True})

    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await write(b"retry: 3000\n\n" + (b"" if hub.up else event("down")))
    replayed = (0, 0)
    if after:
        try:
            missed = await hub.missed(listener, after)
        except (RedisError, OSError):
            missed = None
        for id, message in missed if missed is not None else [("", event("reset"))]:
            await write(message)
            replayed = entry_id(id) if id else replayed
    ends_at = time.monotonic() + STREAM_SECONDS
    while time.monotonic() < ends_at:
        try:
            id, message = await asyncio.wait_for(listener.queue.get(), BEAT_EVERY)
        except TimeoutError:
            await write(event("beat"))
            continue
        if not id or entry_id(id) > replayed:
            await write(message)
