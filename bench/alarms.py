"""The alarm sweep with a million open cases: what a tick costs when nothing is due, how many clocks a second it tells.

The last line is one JSON object.
"""

import argparse
import json
import statistics
import time
from datetime import timedelta

from bench import city

DATABASE = "bench_alarms"
TICKS = 30

# Clocks that ring at their yellow point some time later ring now.
RING = """
UPDATE cases_stageclock SET yellow_at = %(at)s, next_look_at = %(at)s
 WHERE id IN (SELECT id FROM cases_stageclock
               WHERE next_look_at > %(at)s AND state = 'running' AND told_level = 0
               ORDER BY md5(id::text) LIMIT %(due)s)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=1_000_000)
    parser.add_argument("--closed", type=int, default=0)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--database", default=DATABASE)
    said = parser.parse_args()
    made = city.use(open=said.open, closed=said.closed, database=said.database)

    from django.db import connection

    from cases import alarms
    from office.models import Message

    # The city stands still at the instant at which it was made; a little later everybody has taken his seat.
    at = made.made_at + timedelta(minutes=2)
    settled, _resumed = alarms.sweep(at=at)
    ticks = []
    for _ in range(TICKS):
        began = time.perf_counter()
        alarms.sweep(at=at)
        ticks.append((time.perf_counter() - began) * 1000)
    print(f"{said.open} open cases, {settled} clocks told to begin with; a tick when nothing is due: {ticks[0]:.1f} ms "
          f"the first, {statistics.median(ticks):.1f} ms the middle one")  # fmt: skip

    with connection.cursor() as cursor:
        cursor.execute(RING, {"at": at - timedelta(seconds=1), "due": said.due})
        ringing = cursor.rowcount
    before = Message.objects.count()
    began, cpu = time.perf_counter(), time.process_time()
    told, _resumed = alarms.sweep(at=at)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    messages = Message.objects.count() - before
    print(f"{told} of {ringing} clocks told in {seconds:.1f} s ({cpu_s:.1f} s of processor): {messages} messages")
    if told != ringing:
        raise SystemExit("not every clock that rang was looked at")
    print(
        json.dumps(
            {
                "idle_tick_ms": round(statistics.median(ticks), 1),
                "told_per_s": round(told / seconds),
                "told": told,
                "messages": messages,
            }
        )
    )


if __name__ == "__main__":
    main()
