"""What happens to cases by itself. The times stand in citymgmt/celery.py."""

from celery import shared_task
from django.utils import timezone

from cases import actions, alarms, bulk, checkpoint, retention, verification
from cases.models import HistoryCheck


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


@shared_task(ignore_result=True)
def checkpoint_history() -> None:
    """Cover what was recorded since the last checkpoint and mail its line; shortly before midnight."""
    checkpoint.make(at=timezone.now())


@shared_task(ignore_result=True)
def prove_recent_history() -> None:
    """Prove what was recorded in the last days; every night."""
    verification.check_recent(at=timezone.now())


@shared_task(ignore_result=True)
def prove_all_history(check_id: int | None = None) -> None:
    """Prove everything; every week. One slice at a time: each hands on to the next."""
    at = timezone.now()
    check = HistoryCheck.objects.get(pk=check_id) if check_id else verification.begin_check_of_all(at=at)
    if verification.go_on_with_check(check, at=at):
        prove_all_history.delay(check.pk)


@shared_task(ignore_result=True)
def erase_what_is_due() -> None:
    """Erase what has been kept long enough by the city's rules; every night."""
    retention.erase_what_is_due(at=timezone.now())


@shared_task(ignore_result=True)
def go_on_with_bulk(run_id: int) -> None:
    """Go on with something that is done with many cases."""
    bulk.work(run_id, bulk.DOORS)


@shared_task(ignore_result=True)
def take_up_bulk() -> None:
    """Take up again what is done with many cases and gives no sign of life; every 30 seconds."""
    bulk.take_up(at=timezone.now())


@shared_task(ignore_result=True)
def forget_bulk_runs() -> None:
    """Erase what was done with many cases a month ago: the lists and files, not what was done; every night."""
    bulk.forget_runs(at=timezone.now())
