"""Live real cases through the program."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from citymgmt.demo import replay


class Command(BaseCommand):
    help = (
        "Lives real service requests (Boston 2011, found by CITY_DATA) through the program's actions, at their real "
        "times and with their own promises. What is there already is left alone."
    )

    def add_arguments(self, parser):
        parser.add_argument("--limit", type=int, default=1000, help="how many, from the beginning of the file (1000)")

    def handle(self, *args, **options):
        try:
            count = replay.replay(limit=options["limit"], at=timezone.now(), say=self.stdout.write)
        except replay.NoFile as error:
            raise CommandError(
                f"The real cases are not at {error}. Set CITY_DATA to the folder that holds them."
            ) from error
        self.stdout.write(f"{count} cases replayed.")
