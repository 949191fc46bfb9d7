"""Processes that live cases and ring alarms as fast as they can, until somebody kills them.

The first process only forks: for each line it reads, an instant, it starts a mover (what the pages do) and, unless a
real worker does that, a sweeper (what the worker does at the beat of its clock). It says who they are and, when they
are gone, how they ended.
"""

import os
import sys
import traceback
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from cases import actions, alarms  # noqa: E402
from dispatch import actions as dispatch  # noqa: E402
from tests.county import MONDAY, County  # noqa: E402

LEFT_TO_THE_SYSTEM = 3  # every so many cases the mover files only: who filed is alone on duty, and may not dispatch


def live_for_ever(start: datetime) -> None:
    """Take case after case through half the loop."""
    county = County.remember()
    for number in count():
        with suppress(actions.MoveNotAllowed):  # the worker was quicker
            live(county, at=start + timedelta(seconds=number), is_dispatched=number % LEFT_TO_THE_SYSTEM != 0)


def live(county: County, *, at: datetime, is_dispatched: bool = True) -> None:
    case = county.report(at=at)
    case = actions.accept(case, by=county.operator, at=at, opinion="受理")
    case = actions.file(case, by=county.duty_leader, at=at, condition=county.condition, opinion="立案")
    if not is_dispatched:
        return
    case = dispatch.dispatch(case, by=county.dispatcher, at=at, department=county.sanitation_bureau)
    dispatch.receive(case.stints.get(), by=county.sanitation, at=at)
    dispatch.ask_extension(case.stints.get(), by=county.sanitation, at=at, reason="需要吊车")
    dispatch.grant_extension(case.requests.get(), by=county.dispatcher, at=at)
    if case.pk % 2:
        tomorrow = timezone.localdate(at) + timedelta(days=1)
        dispatch.ask_suspension(case.stints.get(), by=county.sanitation, at=at, until=tomorrow, reason="等待雨停")
        dispatch.grant_suspension(case.requests.get(kind="suspension"), by=county.dispatcher, at=at)


def ring_for_ever(start: datetime) -> None:
    """Sweep at an hour by which everything of the round is overdue."""
    for number in count():
        alarms.sweep(at=start + timedelta(days=9, seconds=number))


WORK = {"live": live_for_ever, "ring": ring_for_ever}


def fork(work, start: datetime) -> int:
    """Start a process of its own, known to the database by its number; return that number."""
    child = os.fork()
    if child:
        return child
    connection.settings_dict["OPTIONS"]["application_name"] = f"busy-{os.getpid()}"
    try:
        work(start)
    except Exception:  # its connection was cut
        traceback.print_exc()
    finally:
        os._exit(1)


def main() -> None:
    works = [WORK[name] for name in sys.argv[1:]]
    live(County.remember(), at=MONDAY)  # warm: what a process reads once is read before it is forked
    alarms.sweep(at=MONDAY)
    connection.close()
    for line in sys.stdin:
        children = [fork(work, datetime.fromisoformat(line.strip())) for work in works]
        sys.stdout.write(" ".join(map(str, children)) + "\n")
        sys.stdout.flush()
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(" ".join(map(str, ended)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
