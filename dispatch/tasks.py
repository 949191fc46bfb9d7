"""What the command centre leaves to the system. The times stand in citymgmt/celery.py."""

from celery import shared_task
from django.utils import timezone

from cases.bulk import work
from dispatch import actions, bulk, experience, foresight, requests, retention, rulebook, straight
from dispatch.models import RuleChange


@shared_task(ignore_result=True)
def dispatch_what_no_seat_may() -> None:
    """Dispatch by the proposal where every seat on duty has acted on the case already; every 15 seconds."""
    actions.dispatch_what_no_seat_may(at=timezone.now())


@shared_task(ignore_result=True)
def fill_stock() -> None:
    """Enter what was deferred long ago in the stock list; every morning."""
    requests.fill_stock(at=timezone.now())


@shared_task(ignore_result=True)
def straight_through() -> None:
    """Let fresh reports of safe classes through; every 5 seconds."""
    straight.go(at=timezone.now())


@shared_task(ignore_result=True)
def learn_outcomes() -> None:
    """Count what became of dispatches, then end the classes that turned out unsafe; every ten minutes."""
    at = timezone.now()
    experience.learn(at=at)
    straight.switch_off_unsafe(at=at)


@shared_task(ignore_result=True)
def go_on_with_bulk(run_id: int) -> None:
    """Go on with something that the command centre does with many cases."""
    work(run_id, bulk.DOORS)


@shared_task(ignore_result=True)
def count_what_would_change(sent_id: int) -> None:
    """Try a rule book on the cases of the last days, where a page would wait too long for it."""
    foresight.count(RuleChange.objects.get(pk=sent_id), at=timezone.now())


@shared_task(ignore_result=True)
def turn_the_rules() -> None:
    """Do what a rule book left for the day from which it holds, and forget those never taken in; every hour."""
    at = timezone.now()
    rulebook.do_what_is_left(at=at, today=timezone.localdate(at))
    rulebook.forget_previews(at=at)


@shared_task(ignore_result=True)
def erase_what_is_due() -> None:
    """Erase for whom links were made once that has been kept long enough; every night."""
    retention.erase_what_is_due(at=timezone.now())
