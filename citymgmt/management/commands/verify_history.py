"""Prove the history, or name every place where it is not as it was written.

`verify_history` looks at everything; `--case` at one case, `--since` at what was recorded since a day. `--against` is a
checkpoint's line that left the house, or a file (or mail) with such lines: without one, whoever removes the newest
checkpoints with all they cover is not found. `--files` reads every stored file too. Exit 1 when something was found.
"""

import sys
from datetime import date
from pathlib import Path
from time import monotonic

from django.core.management.base import BaseCommand, CommandError

from cases import checkpoint
from cases.models import Case, Checkpoint
from cases.verification import Tally, Wanted, verify


class Command(BaseCommand):
    help = "Proves that no event was changed, removed, added or re-ordered; names the place where one was."

    def add_arguments(self, parser):
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--case", default="", metavar="NUMBER", help="only this case")
        which.add_argument("--since", type=date.fromisoformat, metavar="DAY", help="only what was recorded since a day")
        parser.add_argument(
            "--against", default="", metavar="FILE|LINE", help="lines of checkpoints that left the house"
        )
        parser.add_argument("--files", action="store_true", help="read the bytes of every stored file too")

    def handle(self, *args, case: str, since: date | None, against: str, files: bool, **options):
        said = self._said_by(against)
        if case and not Case.objects.filter(number=case).exists() and not Checkpoint.objects.exists():
            raise CommandError(f"there is no case {case}")
        tally, found, began = Tally(), 0, monotonic()
        for finding in verify(Wanted(number=case, since=since, files=files, against=said), tally):
            found += 1
            self.stdout.write(str(finding))
        seconds = monotonic() - began
        self.stdout.write(
            f"{found} findings in {tally.events} events of {tally.cases} cases and {tally.checkpoints} checkpoints,"
            f" {len(said)} lines; {seconds:.1f} s, {tally.events / max(seconds, 0.001):.0f} events/s"
        )
        if found:
            sys.exit(1)

    def _said_by(self, against: str) -> tuple:
        if not against:
            return ()
        text = Path(against).read_text(errors="replace") if Path(against).is_file() else against
        said = checkpoint.said_by(text)
        if not said:
            raise CommandError("--against holds no line of a checkpoint, and is no file that does")
        return tuple(said)
