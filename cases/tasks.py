"""What happens to cases by itself. The times stand in citymgmt/celery.py."""

from celery import shared_task
from django.utils import timezone

from cases import actions, alarms


@shared_task(ignore_result=True)
def sweep_alarms() -> None:
    """Tell what is nearly due and what is overdue, end suspensions that are over; every 15 seconds."""
    alarms.sweep(at=timezone.now())


@shared_task(ignore_result=True)
def forget_unused_files() -> None:
    """Erase pictures that were chosen in a form and never sent; every night."""
    actions.forget_unused_files(at=timezone.now())


@shared_task(ignore_result=True)
def follow_calendar() -> None:
    """Let open clocks follow a changed calendar; every 15 seconds, and at once when it was changed."""
    actions.follow_calendar(at=timezone.now())
