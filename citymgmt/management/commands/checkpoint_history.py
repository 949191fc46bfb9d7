"""Make the checkpoint over all cases now, send it out, and print its line. Otherwise the worker does so every night."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cases import checkpoint


class Command(BaseCommand):
    help = "Covers what was recorded since the last checkpoint and prints the line to keep outside this machine."

    def handle(self, *args, **options):
        try:
            made = checkpoint.make(at=timezone.now())
        except checkpoint.StillWriting as error:
            raise CommandError(f"{error}; try again when it has ended") from None
        for kept in made:
            self.stdout.write(checkpoint.line(kept))
        if not made:
            self.stdout.write("Nothing was recorded since the checkpoint of today.")
