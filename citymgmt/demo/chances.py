"""What happens in the county and when: how many reports a day, at which hours, from whom. Pure: no Django.

Everything is drawn from a `Random` that belongs to one day or one case, so that one decision never shifts the others.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import log
from random import Random

# Weights of the hours 0–23, by what kind of problem it is.
HOURS: dict[str, tuple[int, ...]] = {
    "day": (0, 0, 0, 0, 0, 0, 1, 5, 11, 13, 12, 9, 5, 5, 10, 12, 11, 9, 4, 2, 1, 1, 0, 0),
    "morning": (0, 0, 0, 0, 0, 1, 5, 16, 18, 12, 6, 3, 2, 3, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0),
    "market": (0, 0, 0, 0, 0, 1, 6, 13, 13, 8, 5, 6, 4, 3, 4, 6, 11, 14, 10, 4, 2, 1, 0, 0),
    "night": (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 7, 14, 17, 13, 7, 3),
}
COLLECTORS_FROM, COLLECTORS_TO = 7.5, 18.5
DESKS_FROM, DESKS_TO = 7, 22
WEEKDAYS = (1.12, 1.08, 1.05, 1.0, 1.04, 0.88, 0.78)  # Monday first
SOURCES: dict[str, int] = {
    "collector": 80, "hotline": 7, "web": 6, "video": 4, "leader": 1, "higher": 1, "media": 1,
}  # fmt: skip
AT_NIGHT: dict[str, int] = {"hotline": 50, "web": 35, "video": 15}


def reports_on(chance: Random, day: datetime, mean: int) -> int:
    """Return how many problems are reported on a day."""
    return max(0, round(mean * WEEKDAYS[day.weekday()] * chance.uniform(0.85, 1.15)))


def moment(chance: Random, day: datetime, hours: str) -> datetime:
    """Return an instant of this day (a midnight) at an hour that suits the problem."""
    hour = chance.choices(range(24), weights=HOURS[hours])[0]
    return day + timedelta(hours=hour, seconds=chance.randrange(3600))


def source(chance: Random, at: datetime) -> str:
    """Return who reports at this time of day: collectors only in their hours."""
    weights = SOURCES if is_between(at, COLLECTORS_FROM, COLLECTORS_TO) else AT_NIGHT
    return chance.choices(list(weights), weights=list(weights.values()))[0]


def weighted(chance: Random, items: Sequence, weights: Sequence[int]):
    """Return one of the items."""
    return chance.choices(items, weights=weights)[0]


def about(chance: Random, minutes: float) -> timedelta:
    """Return a time around so many minutes: mostly a little less, at times much more."""
    return timedelta(seconds=round(60 * chance.lognormvariate(log(minutes), 0.55)))


def is_between(at: datetime, opens: float, closes: float) -> bool:
    """Whether an instant lies between two hours of its day."""
    hour = at.hour + at.minute / 60
    return opens <= hour < closes


def opening(at: datetime, opens: float, closes: float) -> datetime:
    """Return the instant itself between these hours, otherwise when they begin the next time."""
    if is_between(at, opens, closes):
        return at
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    morning = midnight + timedelta(hours=opens)
    return morning if at < morning else morning + timedelta(days=1)


def share_of_limit(chance: Random, late_rate: float) -> float:
    """Return after which share of its limit a department is done; above 1 it is late."""
    if chance.random() < late_rate:
        return min(3.0, 1.04 + chance.expovariate(1.6))
    return 0.1 + 0.85 * chance.betavariate(2.2, 2.4)
