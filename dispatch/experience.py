"""What became of earlier dispatches, counted as it becomes known, so that a proposal reads a few rows by their key.

`SettledStint` holds each dispatch whose outcome is known, `OutcomeCount` sums by class, place, department and month.
`learn` brings both up to date from the cases that moved since; `rebuild` makes them anew. Both lead to the same rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings as site
from django.db import connection, transaction
from django.utils import timezone

from cases.models import Case, CaseEvent
from cases.workflow import Stage, StintStage
from dispatch.certainty import Experience, Outcome, weight_of
from dispatch.models import LearnedUntil, OutcomeCount, SettledStint
from office import settings

# Digits of an area's code: the street, its district, the whole city.
LEVELS = {"street": 9, "district": 6, "city": 0}
DAYS_OF_A_MONTH = 30.4
# What a phone reports late is judged at its own time: moves of so long before are looked at again.
OVERLAP = timedelta(hours=12)
AT_ONCE = 2000


@dataclass
class Known:
    """Outcomes that bear on one case: by department id; by rule, of its class and of all classes of the kind."""

    departments: dict[int, Experience] = field(default_factory=dict)
    class_by_rule: dict[str, Outcome] = field(default_factory=dict)
    rules: dict[str, Outcome] = field(default_factory=dict)


# — reading —————————————————————————————————————————————————————————————————————————————————————————


def about(case: Case, *, at: datetime) -> Known:
    """Return what is known from earlier dispatches of the case's class at its place; one query, by key."""
    day = timezone.localdate(at)
    since = day - timedelta(days=settings.get("dispatch.outcome_days", on=day, area_code=case.area_code))
    half_life = settings.get("dispatch.outcome_half_life_days", on=day, area_code=case.area_code) / DAYS_OF_A_MONTH
    params = {
        "class": case.minor_class_id,
        "areas": [case.area_code[:digits] for digits in LEVELS.values()],
        "kind": case.minor_class.kind,
        "since": since.replace(day=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ABOUT, params)
        rows = cursor.fetchall()
    return known_from(rows, on=day, half_life=half_life)


# Two parts, each by the key of the counts: an OR would read the whole table.
_ABOUT = """
    SELECT area_code, department_id, kind, rule, month, "right", wrong FROM dispatch_outcomecount
     WHERE minor_class_id = %(class)s AND area_code = ANY(%(areas)s) AND month >= %(since)s
    UNION ALL
    SELECT area_code, department_id, kind, rule, month, "right", wrong FROM dispatch_outcomecount
     WHERE minor_class_id IS NULL AND area_code = '' AND month >= %(since)s AND kind = %(kind)s
"""


def known_from(rows: Iterable[tuple], *, on: date, half_life: float) -> Known:
    """Return rows of counts (area, department, kind, rule, month, right, wrong) as what is known on a day."""
    known, levels = Known(), defaultdict(dict)
    names = {digits: name for name, digits in LEVELS.items()}
    for area_code, department_id, kind, rule, month, right, wrong in rows:
        outcome = Outcome.of(right, wrong, weight_of((on - month).days / DAYS_OF_A_MONTH, half_life))
        if department_id is None:
            by_rule = known.rules if kind else known.class_by_rule
            by_rule[rule] = by_rule.get(rule, Outcome()) + outcome
        else:
            mine, level = levels[department_id], names[len(area_code)]
            mine[level] = mine.get(level, Outcome()) + outcome
    known.departments = {department: Experience(**mine) for department, mine in levels.items()}
    return known


# — counting ————————————————————————————————————————————————————————————————————————————————————————

# What a stint says, if its outcome is known: it ended as done there, or came back. A voided case says nothing; nor does
# one undone within minutes, unless the department was wrong; a sample that was judged wrong is wrong, however it ended.
_VERDICTS = f"""
    SELECT s.id AS stint_id, c.minor_class_id, s.department_id, left(c.area_code, {LEVELS["street"]}) AS area_code,
           m.kind, s.proposal_rule AS rule,
           date_trunc('month', s.ended_at AT TIME ZONE %(zone)s)::date AS month,
           s.stage = '{StintStage.ACCEPTED}' AND coalesce(d.dispatch_verdict, '') IN ('', 'right')
           AND s.dispatch_verdict <> 'wrong' AS is_right
      FROM cases_handlingstint s
      JOIN cases_case c ON c.id = s.case_id
      JOIN components_minorclass m ON m.id = c.minor_class_id
      LEFT JOIN dispatch_straightdecision d ON d.stint_id = s.id
     WHERE s.is_lead AND s.parent_id IS NULL AND NOT c.is_practice AND c.stage <> '{Stage.VOIDED}'
       AND s.stage IN ('{StintStage.ACCEPTED}', '{StintStage.RETURNED}', '{StintStage.WITHDRAWN}')
       AND (NOT s.is_undone OR coalesce(d.dispatch_verdict, '') NOT IN ('', 'right'))
"""
_KEPT = ("minor_class_id", "department_id", "area_code", "kind", "rule", "month", "is_right")
_ADD = """
    INSERT INTO dispatch_outcomecount (minor_class_id, area_code, department_id, kind, rule, month, "right", wrong)
    VALUES %s
    ON CONFLICT (minor_class_id, area_code, month, department_id, kind, rule)
    DO UPDATE SET "right" = dispatch_outcomecount."right" + EXCLUDED."right",
                  wrong = dispatch_outcomecount.wrong + EXCLUDED.wrong
"""


def learn(*, at: datetime) -> int:
    """Take in what became known since the last time, up to `at`; return how many dispatches that were.

    May be repeated, interrupted and run twice at once: what is counted already is not counted again.
    """
    with transaction.atomic():
        _take_turn()
        state = LearnedUntil.objects.select_for_update().first()
        if state is None:
            return _rebuild(at)
        moved = CaseEvent.objects.filter(at__gt=state.at - OVERLAP, at__lte=at)
        cases = sorted(set(moved.order_by().values_list("case_id", flat=True)))
        changed = sum(recount(cases[start : start + AT_ONCE]) for start in range(0, len(cases), AT_ONCE))
        state.at = max(state.at, at)
        state.save(update_fields=["at"])
        return changed


def recount(case_ids: Sequence[int]) -> int:
    """Bring the counts up to what the stints of these cases say now; return how many said something else before."""
    if not case_ids:
        return 0
    with transaction.atomic():
        now = _said(f"{_VERDICTS} AND s.case_id = ANY(%(cases)s)", case_ids)
        before = _said(
            f"SELECT k.stint_id, {', '.join(f'k.{name}' for name in _KEPT)} FROM dispatch_settledstint k"
            " JOIN cases_handlingstint s ON s.id = k.stint_id WHERE s.case_id = ANY(%(cases)s)",
            case_ids,
        )
        changed = [stint for stint in now.keys() | before.keys() if now.get(stint) != before.get(stint)]
        if not changed:
            return 0
        SettledStint.objects.filter(stint__in=[stint for stint in changed if stint in before]).delete()
        SettledStint.objects.bulk_create(
            SettledStint(stint_id=stint, **dict(zip(_KEPT, now[stint], strict=True)))
            for stint in changed
            if stint in now
        )
        _add(_difference([before[one] for one in changed if one in before], [now[o] for o in changed if o in now]))
        return len(changed)


def _said(statement: str, case_ids: Sequence[int]) -> dict[int, tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"cases": list(case_ids), "zone": site.TIME_ZONE})
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _difference(before: list[tuple], now: list[tuple]) -> Counter:
    """Return by how much each count changes: (key of the count, is right) → number."""
    change: Counter = Counter()
    for sign, rows in ((-1, before), (1, now)):
        for minor_class, department, area_code, kind, rule, month, is_right in rows:
            for digits in LEVELS.values():
                change[(minor_class, area_code[:digits], department, "", "", month), is_right] += sign
            change[(minor_class, "", None, "", rule, month), is_right] += sign
            change[(None, "", None, kind, rule, month), is_right] += sign
    return change


def _add(change: Counter) -> None:
    # More first, then less: no count falls below nothing in between.
    keys = sorted({key for key, _right in change}, key=str)
    ups = [(*key, max(0, change[key, True]), max(0, change[key, False])) for key in keys]
    downs = [(min(0, change[key, True]), min(0, change[key, False]), *key) for key in keys]
    with connection.cursor() as cursor:
        for row in ups:
            if any(row[-2:]):
                cursor.execute(_ADD % "(%s, %s, %s, %s, %s, %s, %s, %s)", row)
        for row in downs:
            if any(row[:2]):
                cursor.execute(
                    f'UPDATE dispatch_outcomecount SET "right" = "right" + %s, wrong = wrong + %s {_OF}', row
                )
                cursor.execute(f'DELETE FROM dispatch_outcomecount {_OF} AND "right" = 0 AND wrong = 0', row[2:])


_OF = """
     WHERE minor_class_id IS NOT DISTINCT FROM %s AND area_code = %s AND department_id IS NOT DISTINCT FROM %s
       AND kind = %s AND rule = %s AND month = %s
"""


def rebuild(*, at: datetime) -> int:
    """Count everything anew from the stints; return how many dispatches are settled."""
    with transaction.atomic():
        _take_turn()
        return _rebuild(at)


def _rebuild(at: datetime) -> int:
    sums = ", count(*) FILTER (WHERE is_right), count(*) FILTER (WHERE NOT is_right) FROM dispatch_settledstint"
    OutcomeCount.objects.all().delete()
    SettledStint.objects.all().delete()
    columns = ", ".join(_KEPT)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO dispatch_settledstint (stint_id, {columns}) SELECT stint_id, {columns} FROM ({_VERDICTS}) v",
            {"zone": site.TIME_ZONE},
        )
        settled = cursor.rowcount
        for digits in LEVELS.values():
            cursor.execute(
                "INSERT INTO dispatch_outcomecount (minor_class_id, area_code, department_id, kind, rule, month,"
                f" \"right\", wrong) SELECT minor_class_id, left(area_code, {digits}), department_id, '', '', month"
                f"{sums} GROUP BY 1, 2, 3, 6"
            )
        cursor.execute(
            "INSERT INTO dispatch_outcomecount (minor_class_id, area_code, department_id, kind, rule, month,"
            f" \"right\", wrong) SELECT NULL, '', NULL, kind, rule, month{sums} GROUP BY kind, rule, month"
        )
        cursor.execute(
            "INSERT INTO dispatch_outcomecount (minor_class_id, area_code, department_id, kind, rule, month,"
            f" \"right\", wrong) SELECT minor_class_id, '', NULL, '', rule, month{sums}"
            " GROUP BY minor_class_id, rule, month"
        )
    LearnedUntil.objects.all().delete()
    LearnedUntil.objects.create(at=at)
    return settled


def _take_turn() -> None:
    """Wait until nobody else counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('dispatch_outcomes', 0))")
