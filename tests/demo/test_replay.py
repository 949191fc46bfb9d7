"""Real cases of Boston, lived through the real actions, against a straight count of the file."""

import csv
import gzip
import io
from collections import Counter
from datetime import datetime
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import transaction

from cases.actions import promised_limit
from cases.clocks import Turn
from cases.models import Case, HandlingStint, StageClock
from cases.workflow import Stage, StintStage
from citymgmt.demo import replay
from components.models import FilingCondition, MinorClass
from evaluation.indicators import StintFact, Window, measures_of_stint
from evaluation.models import EvalResult
from grid.models import UnitGrid
from office import settings
from office.batch import Batch
from tests.county import beijing

PATH = Path(site.CITY_DATA) / replay.FILE
NOW = beijing(2026, 11, 18)

needs_the_file = pytest.mark.skipif(
    not PATH.is_file(), reason=f"no real cases at {PATH}: set CITY_DATA to have them replayed"
)


def straight_count(limit: int) -> Counter:
    """Count the file with nothing but its own texts: local times compare as texts do."""
    count: Counter = Counter()
    with gzip.open(PATH, "rt", encoding="utf-8", newline="") as file:
        for row in islice(csv.DictReader(file), limit):
            count[row["department"], verdict(row["target_dt"], row["closed_dt"])] += 1
            count[row["department"], "open" if not row["closed_dt"] else "closed"] += 1
    return count


def verdict(target: str, closed: str) -> str:
    if not target:
        return "no promise"
    return "on time" if closed and closed <= target else "late" if closed or target < "2026-11-18" else "not due"


def lived_count() -> Counter:
    """Count what the program knows: the stints, their deadlines and their hand-overs."""
    names = {row["code"]: row["department"] for row in replay.table("departments")}
    count: Counter = Counter()
    for stint in HandlingStint.objects.filter(case__area_code__startswith=replay.DIVISION).select_related("department"):
        done, due = stint.handed_over_at, stint.due_at
        if due is None:
            judged = "no promise"
        elif done is not None:
            judged = "on time" if done <= due else "late"
        else:
            judged = "late" if due < NOW else "not due"
        count[names[stint.department.code], judged] += 1
        count[names[stint.department.code], "closed" if done else "open"] += 1
    return count


@pytest.fixture(scope="module")
def lived(django_db_setup, django_db_blocker):
    """The first cases of the file, lived; how many there are."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_standards", stdout=io.StringIO())
        replay.replay(limit=60, at=NOW, say=lambda _text: None)
        yield 60
        transaction.set_rollback(True)


@needs_the_file
def test_on_time_late_and_open_by_department_are_what_the_file_says(lived):
    assert lived_count() == straight_count(lived)


def year_in_file(limit: int) -> Counter:
    """Count what had to be done in 2011, as it was known when the year ended in China."""
    end = beijing(2012, 1, 1, 0)
    count: Counter = Counter()
    for row in islice(replay.rows_of(PATH), limit):
        target, closed = replay.instant(row["target_dt"]), replay.instant(row["closed_dt"])
        if target is None or min(target, closed or target) >= end:
            continue
        if closed is None or closed >= end:
            judged = "overdue_to_handle"
        else:
            judged = "handled_on_time" if closed <= target else "handled_overdue"
        count[row["department"], judged] += 1
    return count


@needs_the_file
def test_the_frozen_ranking_of_2011_shows_the_same_counts(lived):
    names = {row["name_zh"]: row["department"] for row in replay.table("departments")}
    results = EvalResult.objects.filter(
        snapshot__period__type="year", snapshot__scheme__code="STD_department", group_code=replay.GROUP
    )
    count: Counter = Counter()
    for result in results:
        for name in ("handled_on_time", "handled_overdue", "overdue_to_handle"):
            count[names[result.name_zh], name] += result.counts.get(name, 0)
    assert results.count() == len(names)
    assert +count == year_in_file(lived)


@needs_the_file
def test_every_deadline_is_the_citys_own_to_the_second(lived):
    rows = {replay.known_id(row): row for row in islice(replay.rows_of(PATH), lived)}
    for stint in HandlingStint.objects.filter(case__public_id__in=rows).select_related("case"):
        assert stint.due_at == replay.instant(rows[stint.case.public_id]["target_dt"])


@needs_the_file
def test_a_second_replay_adds_nothing(lived):
    assert replay.replay(limit=lived, at=NOW, say=lambda _text: None) == 0
    assert Case.objects.filter(area_code__startswith=replay.DIVISION).count() == lived


def test_a_promise_of_hours_and_seconds_is_kept_exactly():
    row = {"open_dt": "2011-07-01 01:32:33", "target_dt": "2011-07-15 01:32:32"}
    assert round(replay.Request(row).promised_hours * 3600) == 14 * 86400 - 1


def test_a_promise_over_the_change_of_the_hour_counts_what_really_passes():
    row = {"open_dt": "2011-11-05 12:00:00", "target_dt": "2011-11-06 12:00:00"}
    assert replay.Request(row).promised_hours == 25


def test_no_promise_is_no_promise():
    assert replay.Request({"open_dt": "2011-07-01 01:32:33", "target_dt": ""}).promised_hours is None


@pytest.mark.django_db
def test_without_the_file_the_command_says_where_it_looked(settings, tmp_path):
    settings.CITY_DATA = tmp_path
    with pytest.raises(CommandError, match=str(tmp_path)):
        call_command("replay_cases")


@needs_the_file
@pytest.mark.prove
def test_so_they_are_for_a_thousand_cases(lived):
    settings.forget()  # the replay's own settings are in the database, not in what tests begin with
    replay.replay(limit=1000, at=NOW, say=lambda _text: None)
    assert lived_count() == straight_count(1000)


# — every case of the file, through the clocks alone —

WINDOW = Window(beijing(2000, 1, 1), beijing(2030, 1, 1), NOW)
JUDGED = {"handled_on_time": "ONTIME", "handled_overdue": "OVERDUE", "overdue_to_handle": "OVERDUE"}


class Unwritten(Batch):
    """Takes what would be written, and writes nothing."""

    def insert(self, rows, *, returning=()) -> str:
        return ""

    def update(self, row, names) -> None:
        pass


class Clocks:
    """The clocks of a case that is in no table: turned by the real `Turn` as its stages change, kept in memory."""

    def __init__(self, case: Case, *, at: datetime) -> None:
        self.case, self.keys, self.sequence = case, count(1), count(1)
        self.stints: list[HandlingStint] = []
        self.known: list[StageClock] = []
        self.entries = []
        self.turn(Stage.REPORTED, at=at)

    def turn(self, stage: Stage, *, at: datetime, stint: StintStage | None = None) -> None:
        """Bring the case, and its stint, to a stage."""
        self.case.stage = stage
        for one in self.stints:
            one.stage = stint
        turn = Turn(
            case=self.case, at=at, recorded_at=at, sequence=next(self.sequence), stints=self.stints, tasks=[],
            known=self.known,
        )  # fmt: skip
        turn.run(Unwritten())
        self.known = turn.clocks
        self.entries += turn.entries
        for clock in self.known:
            clock.pk = clock.pk or next(self.keys)


def judged_by_clocks(request: replay.Request, condition: FilingCondition, cell: UnitGrid) -> str:
    """Report, file, dispatch, hand over and close one case of the file; return the verdict of the evaluation."""
    opened, closed = request.opened_at, request.closed_at
    case = Case(pk=1, area_code=replay.DIVISION, unit_grid=cell, minor_class=condition.minor_class, reported_at=opened)
    clocks = Clocks(case, at=opened)
    promise = promised_limit(condition, case, opened)
    case.limit_value, case.limit_unit = promise.value, promise.unit
    stint = HandlingStint(pk=1, case=case, department_id=1, dispatched_at=opened)
    clocks.turn(Stage.PENDING_FILING, at=opened)
    clocks.turn(Stage.PENDING_DISPATCH, at=opened)
    clocks.stints = [stint]
    clocks.turn(Stage.PENDING_HANDLE, at=opened, stint=StintStage.PENDING_HANDLE)
    if closed is not None:
        clocks.turn(Stage.HANDED_OVER, at=closed, stint=StintStage.HANDED_OVER)
        clocks.turn(Stage.PENDING_CLOSE, at=closed, stint=StintStage.ACCEPTED)
        clocks.turn(Stage.CLOSED, at=closed, stint=StintStage.ACCEPTED)
    ended = [entry.at for entry in clocks.entries if entry.kind == "stop" and entry.clock.name == "handling"]
    assert len(ended) == (closed is not None)
    assert {clock.state for clock in clocks.known} == ({"stopped"} if closed else {"running", "stopped"})
    fact = StintFact(
        reported_at=opened, filed_at=opened, due_at=stint.due_at, handled_at=ended[0] if ended else None,
        closed_at=closed,
    )  # fmt: skip
    said = {JUDGED[name] for name in measures_of_stint(fact, WINDOW) if name in JUDGED}
    return said.pop() if said else ""


def compare_with_the_citys_column(rows) -> Counter:
    """Judge these rows and compare with what the city wrote; return how many of each, by whether we agree."""
    minor = MinorClass.objects.create(
        scheme=MinorClass.Scheme.LOCAL, kind="event", major_code="99", minor_code="901", name_zh="重放案例",
        is_extension=True, valid_from=replay.YEAR,
    )  # fmt: skip
    settings.set_value(
        "cases.limit.default_working_hours", 0, by=None, at=NOW, area_code=replay.DIVISION, valid_from=replay.YEAR
    )
    cell = UnitGrid(pk=1, code=replay.DIVISION + "001001001")
    conditions: dict[Decimal | None, FilingCondition] = {}
    found: Counter = Counter()
    for row in rows:
        request = replay.Request(row)
        hours = request.promised_hours
        if hours not in conditions:
            conditions[hours] = FilingCondition.objects.create(
                minor_class=minor, number=len(conditions) + 1, condition_zh="案例", close_condition_zh="已关闭",
                limit_value=hours, limit_unit=FilingCondition.LimitUnit.CONTINUOUS_HOUR if hours else "",
                valid_from=replay.YEAR,
            )  # fmt: skip
        ours = judged_by_clocks(request, conditions[hours], cell)
        if not row["target_dt"]:
            found["no promise, no verdict" if ours == "" else "no promise, but a verdict"] += 1
        elif not row["ontime"]:
            found["the city gave no verdict"] += 1
        else:
            found["agree" if ours == row["ontime"] else "differ"] += 1
    return found


@needs_the_file
@pytest.mark.django_db
def test_the_verdict_is_the_citys_own_on_a_slice_of_the_file():
    rows = list(replay.rows_of(PATH))[::200]
    found = compare_with_the_citys_column(rows)
    assert found["agree"] > 170
    assert not found.keys() & {"differ", "no promise, but a verdict"}


@needs_the_file
@pytest.mark.prove
@pytest.mark.django_db
def test_the_verdict_is_the_citys_own_on_every_row_that_has_one():
    assert compare_with_the_citys_column(replay.rows_of(PATH)) == {
        "agree": 35_640, "no promise, no verdict": 6_073, "the city gave no verdict": 114,
    }  # fmt: skip
