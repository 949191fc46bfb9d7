"""Change the key of the vault while the site runs.

1. `rotate_vault_key --new-key` adds a key to the file and makes it the current one; restart web and worker.
2. `rotate_vault_key` seals everything anew with the current key. It may be stopped and run again.
3. `rotate_vault_key --forget` takes keys out of the file that no record needs any more; restart again.
"""

import base64
import json
import os
import secrets
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import vault
from accounts.models import VaultRecord


class Command(BaseCommand):
    help = "Changes the vault's key in three steps: --new-key, then without an option, then --forget."

    def add_arguments(self, parser):
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--new-key", action="store_true", help="add a key to the key file and make it current")
        step.add_argument("--forget", action="store_true", help="take unused keys out of the key file")

    def handle(self, *args, new_key: bool, forget: bool, **options):
        try:
            vault.require_right_key(at=timezone.now())
        except vault.WrongVaultKey as error:
            raise CommandError(str(error)) from None
        if new_key:
            self._new_key(Path(settings.VAULT_KEY_FILE))
        elif forget:
            self._forget(Path(settings.VAULT_KEY_FILE))
        else:
            self._reseal()

    def _new_key(self, path: Path) -> None:
        content = json.loads(path.read_text())
        name = f"{timezone.localdate():%Y%m%d}-{secrets.token_hex(3)}"
        content["keys"][name] = base64.b64encode(os.urandom(32)).decode()
        content["current"] = name
        replace(path, content)
        self.stdout.write(
            f"{path} holds the new key {name}. Back the file up, restart web and worker, then run this again."
        )

    def _reseal(self) -> None:
        total = 0
        while count := vault.reseal():
            total += count
            self.stdout.write(f"{total} records sealed anew …")
        self.stdout.write(f"Done: {total} records now stand under the key {settings.VAULT_KEYS['current']}.")

    def _forget(self, path: Path) -> None:
        in_use = set(VaultRecord.objects.filter(erased_at__isnull=True).values_list("key_id", flat=True).distinct())
        content = json.loads(path.read_text())
        unused = set(content["keys"]) - in_use - {content["current"]}
        content["keys"] = {name: key for name, key in content["keys"].items() if name not in unused}
        replace(path, content)
        self.stdout.write(f"{len(unused)} unused keys taken out of {path}.")


def replace(path: Path, content: dict) -> None:
    """Write the file whole or not at all, readable by nobody else."""
    beside = path.with_name(path.name + ".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    status = path.stat()
    os.chown(beside, status.st_uid, status.st_gid)
    beside.chmod(status.st_mode & 0o777)
    os.replace(beside, path)
