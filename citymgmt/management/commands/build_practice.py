"""Build the ground of the practice area in its own database."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from citymgmt.demo import building
from practice import actions


class Command(BaseCommand):
    help = "Builds the county of the practice area, in a database of its own (PRACTICE_OF). What stands is left alone."

    def handle(self, *args, **options):
        if not settings.PRACTICE_OF:
            raise CommandError("This is the real site. The practice area is built where PRACTICE_OF is set.")
        try:
            is_new = actions.build(at=timezone.now().replace(second=0, microsecond=0), say=self.stdout.write)
        except building.InUse as error:
            raise CommandError("This database belongs to a city; the practice area needs one of its own.") from error
        self.stdout.write("The practice area is ready." if is_new else "The practice area stands already.")
