"""Many stories told together, step by step in the order of time.

A story is a generator: it yields the instant of its next step and is sent that instant when it has come.
"""

import heapq
from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import datetime

from django.db import connection

Story = Generator[datetime, datetime, None]

STEPS_BETWEEN_CHECKS = 400


class Rest(Exception):
    """A story stops here for now: somebody else has to do the next step."""


class Timeline:
    """A queue of stories by the instant of their next step; of two at the same instant the one that asked first."""

    def __init__(self) -> None:
        self.steps = 0
        self._queue: list[tuple[datetime, int, Story]] = []
        self._asked = 0

    def spawn(self, story: Story) -> None:
        """Begin a story."""
        self._push(next(story), story)

    def _push(self, at: datetime, story: Story) -> None:
        self._asked += 1
        heapq.heappush(self._queue, (at, self._asked, story))

    def run(self, until: datetime, *, after_each: Callable[[datetime], None]) -> None:
        """Let everything happen up to an instant; what would come later is left undone."""
        while self._queue and self._queue[0][0] <= until:
            at, _number, story = heapq.heappop(self._queue)
            with suppress(StopIteration, Rest):
                self._push(max(story.send(at), at), story)
            self.steps += 1
            if self.steps % STEPS_BETWEEN_CHECKS == 0:
                check_references()
            after_each(at)


def check_references() -> None:
    """Have the database check its references now; saved up for the end of a long transaction they fill its memory."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def progress(share: float) -> str:
    """Return a bar of twenty characters."""
    full = round(20 * min(share, 1))
    return f"[{'#' * full}{'.' * (20 - full)}]"
