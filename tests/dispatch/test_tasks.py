"""What the worker does for the command centre by itself."""

import pytest
import time_machine

from accounts import actions as accounts
from accounts.models import Appointment
from accounts.roles import Role
from cases.workflow import Stage
from dispatch import tasks
from office import settings
from tests.county import LONG_AGO, MONDAY, County, beijing


@pytest.mark.django_db
def test_the_worker_dispatches_what_no_seat_on_duty_may():
    county = County.build()
    settings.set_value("office.merged_hall", True, by=None, at=MONDAY, valid_from=LONG_AGO)
    Appointment.objects.create(
        user=county.duty_leader, role=Role.DISPATCHER, department=county.departments["command"], valid_from=LONG_AGO
    )
    accounts.sign_on(county.duty_leader, at=MONDAY)
    case = county.case_at(Stage.PENDING_DISPATCH)
    with time_machine.travel(beijing(2026, 3, 2, 10), tick=False):
        tasks.dispatch_what_no_seat_may()
    case.refresh_from_db()
    assert (case.stage, case.needs_dispatch_review) == (Stage.PENDING_HANDLE, True)
