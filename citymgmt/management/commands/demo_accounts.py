"""Say with which accounts the demonstration is tried."""

import unicodedata

from django.conf import settings as site
from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from accounts.models import Appointment
from accounts.roles import ROLES
from citymgmt.demo.people import FOR_TRYING, PASSWORD
from citymgmt.demo.tables import rows
from office import settings


class Command(BaseCommand):
    help = "Prints the accounts of the demonstration county: each role, each department; with the password of all."

    def handle(self, *args, **options):
        if not settings.get("office.is_demo", on=timezone.localdate()):
            self.stdout.write("There is no demonstration in this database (./run manage demo_county).")
            return
        operators = [row["operator"] for row in rows("departments") if row["operator"]]
        to_try = (*FOR_TRYING, *(username for username in operators if username not in FOR_TRYING))
        lines = [("Role", "岗位", "User name", "Works at")]
        with translation.override("zh-hans"):
            held = {
                one.user.username: (one.role, f"{one.user.name_zh}，{one.department.name_zh}")
                for one in Appointment.objects.filter(user__username__in=to_try).select_related("user", "department")
            }
            for username in to_try:
                role, where = held[username]
                label = ROLES[role].label
                lines.append((label, translation.gettext(label), username, where))
        lines.append(("Citizen", "市民", "–", f"{site.SITE_URL.rstrip('/')}/citizen/"))
        widths = [max(_width(line[column]) for line in lines) + 2 for column in range(4)]
        self.stdout.write(f"{site.SITE_URL}  ·  password of all accounts: {PASSWORD}")
        for line in lines:
            self.stdout.write("".join(_padded(text, width) for text, width in zip(line, widths, strict=True)).rstrip())


def _width(text: str) -> int:
    """How many columns a terminal needs: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
