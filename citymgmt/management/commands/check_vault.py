"""Refuse to start with a key file that does not belong to this database."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import vault


class Command(BaseCommand):
    help = "Checks that the vault's key file opens what this database holds; exits 1 with a sentence when it does not."

    def handle(self, *args, **options):
        try:
            vault.require_right_key(at=timezone.now())
        except vault.WrongVaultKey as error:
            raise CommandError(f"{error}. Restore the key file from its own backup; see docs/operations.md.") from None
        self.stdout.write("The vault's key fits.")
