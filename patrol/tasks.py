"""What the worker does for checks."""

from celery import shared_task

from cases.bulk import work
from patrol import bulk


@shared_task(ignore_result=True)
def go_on_with_bulk(run_id: int) -> None:
    """Go on with the ordering of many checks."""
    work(run_id, bulk.DOORS)
