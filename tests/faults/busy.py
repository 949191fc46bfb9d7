"""Processes that live cases and ring alarms as fast as they can, until somebody kills them. Run by test_kills.py.

The first process only forks: for each line it reads it starts a mover (what the pages do) and a sweeper (what the
worker does at the beat of its clock), says who they are, and, when both are gone, how they ended.
"""

import os
import sys
from datetime import datetime, timedelta
from itertools import count

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
django.setup()

from django.db import connection  # noqa: E402

from cases import actions, alarms  # noqa: E402
from dispatch import actions as dispatch  # noqa: E402
from tests.county import MONDAY, County  # noqa: E402


def live_for_ever(round_number: int) -> None:
    """Take case after case through half the loop."""
    county = County.remember()
    for number in count():
        live(county, at=MONDAY + timedelta(days=round_number, seconds=number))


def live(county: County, *, at: datetime) -> None:
    case = county.report(at=at)
    case = actions.accept(case, by=county.operator, at=at, opinion="受理")
    case = actions.file(case, by=county.duty_leader, at=at, condition=county.condition, opinion="立案")
    case = dispatch.dispatch(case, by=county.dispatcher, at=at, department=county.sanitation_bureau)
    dispatch.receive(case.stints.get(), by=county.sanitation, at=at)
    dispatch.ask_extension(case.stints.get(), by=county.sanitation, at=at, reason="需要吊车")
    dispatch.grant_extension(case.requests.get(), by=county.dispatcher, at=at)


def ring_for_ever(round_number: int) -> None:
    """Sweep at an hour by which everything of the round is overdue."""
    for number in count():
        alarms.sweep(at=MONDAY + timedelta(days=round_number + 9, seconds=number))


def fork(work, round_number: int) -> int:
    """Start a process of its own, known to the database by its number; return that number."""
    child = os.fork()
    if child:
        return child
    connection.settings_dict["OPTIONS"]["application_name"] = f"busy-{os.getpid()}"
    try:
        work(round_number)
    finally:  # its connection was cut
        os._exit(1)


def main() -> None:
    live(County.remember(), at=MONDAY)  # warm: what a process reads once is read before it is forked
    alarms.sweep(at=MONDAY)
    connection.close()
    for line in sys.stdin:
        children = [fork(work, int(line)) for work in (live_for_ever, ring_for_ever)]
        sys.stdout.write(" ".join(map(str, children)) + "\n")
        sys.stdout.flush()
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(" ".join(map(str, ended)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
