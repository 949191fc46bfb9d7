"""A process that lives cases one after another as fast as it can, until somebody kills it. Run by test_kills.py."""

import os
import sys
from datetime import timedelta
from itertools import count

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
django.setup()

from cases import actions, alarms  # noqa: E402
from cases.models import Case  # noqa: E402
from dispatch import actions as dispatch  # noqa: E402
from tests.county import MONDAY, County  # noqa: E402


def live_for_ever(round_number: int) -> None:
    """Take case after case through half the loop, and let the alarms of every second one ring."""
    county = County.remember()
    for number in count():
        at = MONDAY + timedelta(days=round_number, minutes=number)
        case = county.report(at=at)
        case = actions.accept(case, by=county.operator, at=at, opinion="受理")
        case = actions.file(case, by=county.duty_leader, at=at, condition=county.condition, opinion="立案")
        case = dispatch.dispatch(case, by=county.dispatcher, at=at, department=county.sanitation_bureau)
        dispatch.receive(case.stints.get(), by=county.sanitation, at=at)
        dispatch.ask_extension(case.stints.get(), by=county.sanitation, at=at, reason="需要吊车")
        dispatch.grant_extension(case.requests.get(), by=county.dispatcher, at=at)
        if number % 2:
            alarms.sweep(at=at + timedelta(days=9))
        sys.stdout.write(f"{Case.objects.count()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    live_for_ever(int(sys.argv[1]))
