"""Try straight-through on the history in the database: learn from its first part, judge by its later part."""

import csv
import json
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max, Min
from django.utils import timezone

from cases.models import Case
from components.models import MinorClass
from dispatch import safety
from dispatch.certainty import reliability
from dispatch.trial import Line, try_all

SAFE_CLASSES = Path(settings.BASE_DIR) / "fixtures" / "standards" / "safe_classes.tsv"


def delivered() -> list[str]:
    """Return the codes of the classes that are proposed as safe with the program."""
    with SAFE_CLASSES.open(encoding="utf-8", newline="") as file:
        return [row["class"] for row in csv.DictReader(file, delimiter="\t")]


class Command(BaseCommand):
    help = "Says how many routine collectors' reports would have gone straight through, and how many of them wrongly."

    def add_arguments(self, parser):
        parser.add_argument("--learn", type=float, default=0.5, help="share of the days to learn from (0.5)")
        parser.add_argument("--least-sure", type=float, default=0.9, help="how sure a proposal must be (0.9)")
        parser.add_argument("--lines", action="store_true", help="name the wrong ones")

    def handle(self, *args, **options):
        codes = delivered()
        classes = [one for one in MinorClass.objects.offered(timezone.localdate()) if one.code in codes]
        ends = Case.objects.filter(minor_class__in=classes).aggregate(Min("reported_at"), Max("reported_at"))
        first, last = ends["reported_at__min"], ends["reported_at__max"]
        if first is None:
            raise CommandError("There are no cases of these classes to try it on.")
        split = first + (last - first) * options["learn"]
        rule = {"since": split, "until": last + timedelta(seconds=1), "least_sure": options["least_sure"]}
        frozen = list(try_all(classes, **rule, learn_until=split))
        going_on = list(try_all(classes, **rule))
        figures = {
            "classes": len(classes),
            "learnt_days": round((split - first) / timedelta(days=1), 1),
            "judged_days": round((last - split) / timedelta(days=1), 1),
            "learnt_until_the_split": _figures(frozen),
            "learning_day_by_day": _figures(going_on),
            "bins": [
                {"claims": one.claims, "claimed": round(one.claimed, 3), "came_true": round(one.came_true, 3),
                 "chance": round(one.sampling_error, 3)}
                for one in reliability(_claims(going_on), bins=4)
            ],
        }  # fmt: skip
        if options["lines"]:
            for line in going_on:
                if line.went and line.is_wrong:
                    self.stdout.write(f"{line.number} {line.verdict} → {line.department_code} {line.sure:.3f}")
        self.stdout.write(json.dumps(figures, indent=1))


def _claims(lines: list[Line]) -> list[tuple[float, bool]]:
    """Return how sure each proposal was of its department, and whether that came true."""
    asked = ("", *safety.VERDICTS_OF["undo_filing"])  # says nothing about the department
    return [(line.sure, line.verdict == safety.RIGHT) for line in lines if line.sure and line.verdict not in asked]


def _figures(lines: list[Line]) -> dict:
    routine = [line for line in lines if line.is_routine]
    went = [line for line in lines if line.went]
    settled = [line for line in went if line.is_settled]
    wrong = [line for line in went if line.is_wrong]
    waited: dict[str, int] = {}
    for line in routine:
        for code in line.against:
            waited[code] = waited.get(code, 0) + 1
    return {
        "reports": len(lines),
        "routine": len(routine),
        "went": len(went),
        "went_share": round(len(went) / len(routine), 3) if routine else None,
        "settled": len(settled),
        "wrong": len(wrong),
        "wrong_share": round(len(wrong) / len(settled), 4) if settled else None,
        "against_the_others": waited,
    }
