"""Bring the catalogue with its limits, the holidays, the working hours and the evaluation schemes into the database."""

import csv
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cases.actions import load_calendar
from cases.models import CalendarDay, CalendarState, SeasonSpan, WorkScheduleSpan
from components.actions import load_catalogue
from evaluation.actions import load_schemes
from office.models import Phrase

FOLDER = Path(settings.BASE_DIR) / "fixtures" / "standards"
IN_FORCE = date(2026, 7, 1)
"""The day on which GB/T 47678 replaced GB/T 30428."""
LONG_AGO = date(2000, 1, 1)
"""Schemes of evaluation hold for every period that can be counted."""


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one of the files by their column names."""
    try:
        with (FOLDER / name).open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    except FileNotFoundError:
        raise CommandError(f"{FOLDER / name} is missing; it belongs to the program. Fetch it again.") from None


class Command(BaseCommand):
    help = "Adds what is missing of the standards in fixtures/standards/; what a city has changed stays as it is."

    def add_arguments(self, parser):
        parser.add_argument(
            "--valid-from",
            type=date.fromisoformat,
            default=IN_FORCE,
            help="the day from which new classes and limits hold (2026-07-01)",
        )

    def handle(self, *args, **options):
        loaded = load_catalogue(rows("catalogue.tsv"), valid_from=options["valid_from"])
        self.stdout.write(
            f"Catalogue: {loaded.classes} classes ({loaded.new_classes} new), "
            f"{loaded.conditions} filing conditions ({loaded.new_conditions} new)."
        )
        self.stdout.write(self._calendar())
        schemes, groups = load_schemes(valid_from=LONG_AGO)
        self.stdout.write(f"Evaluation: {schemes} new schemes, {groups} new names of groups.")
        self.stdout.write(f"Phrases: {self._phrases()} new.")

    def _phrases(self) -> int:
        """Give the roles their first phrases; where a city keeps any, it has its own."""
        if Phrase.objects.filter(owner__isnull=True).exists():
            return 0
        first = [Phrase(number=number, **row) for number, row in enumerate(rows("phrases.tsv"), 1)]
        return len(Phrase.objects.bulk_create(first))

    def _calendar(self) -> str:
        known = set(CalendarDay.objects.values_list("date", flat=True))
        days = [row | {"date": date.fromisoformat(row["date"])} for row in rows("holidays.tsv")]
        missing = [day for day in days if day["date"] not in known]
        has_hours = WorkScheduleSpan.objects.exists()
        has_seasons = SeasonSpan.objects.exists()
        if missing or not has_hours or not has_seasons:
            # Only when something is missing: a calendar that is loaded anew makes open clocks count again.
            load_calendar(
                days=missing,
                spans=[_span(row) for row in rows("work_schedule.tsv")],
                seasons=[_season(row) for row in rows("seasons.tsv")],
                source="load_standards",
                official_until=max(date(max(day["date"] for day in days).year, 12, 31), _official_until()),
            )
        return (
            f"Calendar: {len(days)} holidays and make-up days ({len(missing)} new), "
            f"working hours {'known' if has_hours else 'new'}, seasons {'known' if has_seasons else 'new'}."
        )


def _official_until() -> date:
    state = CalendarState.objects.first()
    return state.official_until if state else LONG_AGO


def _season(row: dict[str, str]) -> dict:
    return {
        **{name: row[name] for name in ("name", "begins_on", "ends_on", "note")},
        "valid_from": date.fromisoformat(row["valid_from"]),
        "valid_to": date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
    }


def _span(row: dict[str, str]) -> dict:
    return {
        "valid_from": date.fromisoformat(row["valid_from"]),
        "valid_to": date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        "opens_at": time.fromisoformat(row["opens_at"]),
        "closes_at": time.fromisoformat(row["closes_at"]),
        "note": row["note"],
    }
