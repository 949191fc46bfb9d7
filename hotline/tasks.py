"""What happens at the telephone desk by itself. The times stand in citymgmt/celery.py."""

from celery import shared_task
from django.utils import timezone

from hotline import retention


@shared_task(ignore_result=True)
def erase_what_is_due() -> None:
    """Erase what callers said about themselves and what has been kept long enough; every night."""
    retention.erase_what_is_due(at=timezone.now())
