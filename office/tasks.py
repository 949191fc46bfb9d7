"""What the worker does for the office."""

from celery import shared_task
from django.utils import timezone

from office import actions, health


@shared_task
def heartbeat() -> None:
    health.beat(at=timezone.now())


@shared_task
def clean_up() -> None:
    actions.clean_up(at=timezone.now())
