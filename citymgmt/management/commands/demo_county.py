"""Build the demonstration county."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from citymgmt.demo import building


class Command(BaseCommand):
    help = "Builds the demonstration county 云溪县, invented from end to end. What is finished is left alone."

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=30, help="days of history (30)")
        parser.add_argument("--reports", type=int, default=34, help="reports on an ordinary day (34)")
        parser.add_argument("--components", type=float, default=1, help="share of the 20,000 components (1)")
        parser.add_argument("--quiet", action="store_true", help="say nothing but what went wrong")

    def handle(self, *args, **options):
        if building.is_finished():
            self._say(options, "The demonstration county stands already.")
            return
        try:
            building.build(
                at=timezone.now().replace(second=0, microsecond=0),
                days=options["days"],
                reports_a_day=options["reports"],
                share=options["components"],
                say=lambda text: self._say(options, text),
            )
        except building.InUse as error:
            raise CommandError(
                "This database belongs to a city: the demonstration is built only where nobody works yet."
            ) from error

    def _say(self, options, text: str) -> None:
        if not options["quiet"]:
            self.stdout.write(f"Demonstration county: {text}")
            self.stdout.flush()
