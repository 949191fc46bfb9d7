"""What evaluation does by itself: every night, freeze the periods that are over."""

from celery import shared_task
from django.utils import timezone

from evaluation import actions


@shared_task
def freeze_what_is_over() -> int:
    """Freeze every period that is over; return how many were."""
    return len(actions.run(at=timezone.now()))
