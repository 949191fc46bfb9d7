"""What the worker does for the office."""

from celery import shared_task
from django.utils import timezone

from office import actions, health, retention


@shared_task
def heartbeat() -> None:
    health.beat(at=timezone.now())


@shared_task
def clean_up() -> None:
    actions.clean_up(at=timezone.now())


@shared_task(ignore_result=True)
def erase_what_is_due() -> None:
    """Forget who looked at private data longer ago than the city keeps it; every night."""
    for rule in retention.RULES:
        retention.run(rule, at=timezone.now())


MOST_ROUNDS = 50


@shared_task(ignore_result=True)
def send_deliveries() -> None:
    """Send what waits in the outbox; every ten seconds. What one run does not manage waits for the next."""
    for _round in range(MOST_ROUNDS):
        if not actions.send_some(at=timezone.now()):
            break
