"""How many deadlines a second, one at a time, in pure Python. No database is touched."""

import argparse
import csv
import json
import random
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cases.time_limits import Limit, Unit, deadline, used_seconds
from cases.work_calendar import Schedule, Span, WorkCalendar

HOLIDAYS = Path(__file__).parents[1] / "fixtures" / "standards" / "holidays.tsv"
UNITS = (Unit.WORKING_HOUR, Unit.WORKING_DAY, Unit.WORKING_HOUR, Unit.CONTINUOUS_HOUR, Unit.CALENDAR_DAY)


def city_calendar() -> WorkCalendar:
    """The calendar of a city with winter and summer hours and all statutory holidays."""
    with HOLIDAYS.open(encoding="utf-8") as file:
        rows = [(date.fromisoformat(row["date"]), row["kind"]) for row in csv.DictReader(file, delimiter="\t")]
    normal = (Span(8 * 3600, 12 * 3600), Span(14 * 3600, 18 * 3600))
    summer = (Span(8 * 3600, 12 * 3600), Span(15 * 3600, 19 * 3600))
    summers = [Schedule(summer, date(year, 6, 1), date(year, 10, 1)) for year in range(2004, 2027)]
    return WorkCalendar(
        [Schedule(normal), *summers],
        holidays=[day for day, kind in rows if kind == "holiday"],
        make_up_days=[day for day, kind in rows if kind == "make_up"],
        official_until=date(2026, 12, 31),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deadlines", type=int, default=200_000)
    count = parser.parse_args().deadlines

    began = time.perf_counter()
    calendar = city_calendar()
    build_ms = (time.perf_counter() - began) * 1000

    dice = random.Random(1)
    first = datetime(2010, 1, 1, tzinfo=UTC)
    starts = [first + timedelta(seconds=dice.randrange(16 * 365 * 86400)) for _ in range(count)]
    limits = [Limit(Decimal(dice.randrange(1, 20)), dice.choice(UNITS)) for _ in range(count)]

    began = time.perf_counter()
    dues = [deadline(start, limit, calendar) for start, limit in zip(starts, limits, strict=True)]
    deadlines_s = time.perf_counter() - began

    began = time.perf_counter()
    for start, limit, due in zip(starts, limits, dues, strict=True):
        used_seconds(start, due.at, limit.unit, calendar)
    used_s = time.perf_counter() - began

    print(f"{count} deadlines of {len(UNITS)} kinds, one at a time; a calendar is built in {build_ms:.0f} ms")
    print(
        json.dumps(
            {
                "deadlines_per_s": round(count / deadlines_s),
                "used_per_s": round(count / used_s),
                "calendar_build_ms": round(build_ms, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
