"""What the worker does with cases by itself."""

from datetime import timedelta

import pytest
import time_machine
from celery import current_app

from cases import tasks
from citymgmt.celery import SCHEDULE
from office.models import Message
from tests.county import MONDAY, County


@pytest.mark.django_db
def test_the_sweep_tells_what_is_nearly_due_now():
    County.build().report()
    with time_machine.travel(MONDAY + timedelta(minutes=13), tick=False):
        tasks.sweep_alarms()
    assert [message.code for message in Message.objects.all()] == ["clock_nearly_due"]


@pytest.mark.parametrize("name", SCHEDULE)
def test_whatever_stands_in_the_schedule_is_known_to_the_worker(name):
    current_app.loader.import_default_modules()
    assert SCHEDULE[name][0] in current_app.tasks
