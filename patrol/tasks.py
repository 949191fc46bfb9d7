"""What the worker does for checks."""

from celery import shared_task
from django.utils import timezone

from cases.bulk import work
from patrol import actions, bulk


@shared_task(ignore_result=True)
def go_on_with_bulk(run_id: int) -> None:
    """Go on with the ordering of many checks."""
    work(run_id, bulk.DOORS)


@shared_task(ignore_result=True)
def look_at_cameras() -> None:
    """See whether the cameras give a picture."""
    actions.look_at_cameras(at=timezone.now())
