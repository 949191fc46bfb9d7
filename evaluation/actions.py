"""Counting a period and freezing it; keeping schemes and groups."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from cases.models import Case
from citymgmt.errors import Refusal
from evaluation import facts, scoring
from evaluation.models import EvalGroup, EvalPeriod, EvalResult, EvalScheme, EvalSnapshot
from evaluation.periods import Period, PeriodType, following, period_of, previous
from evaluation.scoring import PROFILES, ObjectType
from office.actions import note_change


class PeriodNotOver(Refusal):
    """A period is frozen when it is over; facts: end."""

    code = "period_not_over"


class SchemeNotSound(Refusal):
    """Weights do not add up, bands overlap, or a function does not exist; facts: problems."""

    code = "scheme_not_sound"


class SchemeStartsTooEarly(Refusal):
    """A new version begins after the day from which the present one holds; facts: earliest."""

    code = "scheme_starts_too_early"


# What a city without schemes of its own begins with: in use at once, or waiting to be taken into use.
NAMES = {
    "STD_department": ("通用方案（STD）", "General (STD)", 10),
    "JINNIU": ("金牛方案（JINNIU）", "Jinniu (JINNIU)", 20),
    "CASIC_department": ("效率方案（CASIC）", "Efficiency (CASIC)", 30),
    "THRESHOLD_department": ("达标方案（THRESHOLD）", "Threshold (THRESHOLD)", 40),
    "STD_area_1": ("通用方案（一类区域）", "General (class 1 areas)", 10),
    "STD_area_2": ("通用方案（二类区域）", "General (class 2 areas)", 20),
    "STD_collector": ("通用方案（STD）", "General (STD)", 10),
    "STD_acceptance_operator": ("通用方案（STD）", "General (STD)", 10),
    "STD_duty_leader": ("通用方案（STD）", "General (STD)", 10),
    "STD_dispatcher": ("通用方案（STD）", "General (STD)", 10),
}
WAITING = frozenset({"CASIC_department", "THRESHOLD_department", "STD_area_2"})
GROUPS = {
    "专业部门": ("专业部门", "Bureaux", 10),
    "公用企业": ("公用企业", "Utilities", 20),
    "街道乡镇": ("街道乡镇", "Streets and towns", 30),
}


def load_schemes(*, valid_from: date) -> tuple[int, int]:
    """Add the built-in schemes and group names that are missing; return how many of each are new. May be repeated."""
    known = set(EvalScheme.objects.values_list("code", flat=True))
    new = [
        EvalScheme(
            code=scheme.code, name_zh=NAMES[scheme.code][0], name_en=NAMES[scheme.code][1], sort=NAMES[scheme.code][2],
            object_type=scheme.object_type, definition=scoring.to_data(scheme), is_active=scheme.code not in WAITING,
            valid_from=valid_from,
        )
        for scheme in PROFILES
        if scheme.code not in known
    ]  # fmt: skip
    EvalScheme.objects.bulk_create(new)
    groups = set(EvalGroup.objects.values_list("code", flat=True))
    new_groups = [
        EvalGroup(code=code, name_zh=name_zh, name_en=name_en, sort=sort)
        for code, (name_zh, name_en, sort) in GROUPS.items()
        if code not in groups
    ]
    EvalGroup.objects.bulk_create(new_groups)
    return len(new), len(new_groups)


def keep_group(group: EvalGroup, *, by: User, at: datetime, changed: Collection[str]) -> None:
    """Keep a comparable group, new or changed; `changed` names its fields that differ."""
    is_new = group.pk is None
    group.save()
    if is_new:
        note_change(group, by=by, at=at, did="added")
    elif changed:
        note_change(group, by=by, at=at, did="changed", fields=list(changed))


def change_weights(
    row: EvalScheme, *, by: User, at: datetime, weights: Iterable[Decimal], valid_from: date
) -> EvalScheme:
    """Put a new version of a scheme into force from a day on, with other weights; earlier periods keep theirs.

    Raises SchemeNotSound, SchemeStartsTooEarly.
    """
    definition = {
        **row.definition,
        "items": [
            {**item, "weight": str(weight)} for item, weight in zip(row.definition["items"], weights, strict=True)
        ],
    }
    problems = scoring.check(scoring.from_data(definition))
    if problems:
        raise SchemeNotSound(problems=[scoring.PROBLEMS[problem] for problem in problems])
    with transaction.atomic():
        current = EvalScheme.objects.select_for_update(no_key=True).get(code=row.code, valid_to=None)
        if valid_from < current.valid_from:
            raise SchemeStartsTooEarly(earliest=current.valid_from)
        current.valid_to, current.changed_by, current.changed_at = valid_from, by, at
        current.save(update_fields=["valid_to", "changed_by", "changed_at"])
        return EvalScheme.objects.create(
            code=current.code, version=current.version + 1, name_zh=current.name_zh, name_en=current.name_en,
            object_type=current.object_type, definition=definition, is_active=current.is_active, sort=current.sort,
            valid_from=valid_from, changed_by=by, changed_at=at,
        )  # fmt: skip


def take_into_use(row: EvalScheme, *, by: User, at: datetime, is_active: bool) -> EvalScheme:
    """Let a scheme stand beside the others on the ranking page, or no longer."""
    row.is_active, row.changed_by, row.changed_at = is_active, by, at
    row.save(update_fields=["is_active", "changed_by", "changed_at"])
    return row


# — counting ————————————————————————————————————————————————————————————————————————————————————————————


def freeze(period: Period, *, at: datetime) -> EvalPeriod:
    """Count a period that is over as of its end and freeze facts, scores and ranks; return it.

    Counted again with nothing changed it is the same row; where something did change (an answer that came in late, an
    appeal), the next version. One at a time. Raises PeriodNotOver.
    """
    basis = facts.basis_on(period.first)
    window = facts.window_of(period, at=at, basis=basis)
    if window.cutoff < window.end:
        raise PeriodNotOver(end=period.end)
    with transaction.atomic():
        with connection.cursor() as cursor:  # two snapshots of one period at once would both be version n
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('evaluation.freeze'))")
        found = facts.gather(window)
        facts_hash = facts.fingerprint(found)
        last = EvalPeriod.objects.latest_of(period)
        if last is not None and last.facts_hash == facts_hash:
            return last
        row = EvalPeriod.objects.create(
            type=period.type, first_date=period.first, end_date=period.end, basis=basis,
            version=last.version + 1 if last else 1, cutoff_at=window.cutoff, counted_at=at,
            fact_count=len(found), facts_hash=facts_hash,
        )  # fmt: skip
        facts.keep(row, found)
        before = EvalPeriod.objects.latest_of(previous(period, month_starts=facts.month_starts(period.first)))
        places = _places(before)
        day = period.end - timedelta(days=1)
        for kind in ObjectType:
            objects = facts.judged(kind, day)
            counts = facts.tally(objects, found)
            for scheme in EvalScheme.objects.in_force(day).filter(object_type=kind):
                _freeze_one(row, scheme, objects, counts, places, at=at)
        return row


def _places(before: EvalPeriod | None) -> dict[tuple[str, str], int | None]:
    if before is None:
        return {}
    results = EvalResult.objects.of(before)
    return {(one.snapshot.scheme.code, one.object_key): one.rank for one in results}


def _freeze_one(period: EvalPeriod, scheme: EvalScheme, objects, counts, places, *, at: datetime) -> None:
    snapshot = EvalSnapshot.objects.create(period=period, scheme=scheme, frozen_at=at)
    by_key = {one.key: one for one in objects}
    EvalResult.objects.bulk_create(
        EvalResult(
            snapshot=snapshot, object_key=one.key, name_zh=by_key[one.key].name_zh, name_en=by_key[one.key].name_en,
            group_code=one.group, counts=dict(one.counts), score=one.scored.score, grade=one.scored.grade,
            colour=one.scored.colour, rank=one.rank, previous_rank=places.get((scheme.code, one.key)),
        )
        for one in facts.stand(scheme.scheme, objects, counts)
    )  # fmt: skip


# Which periods are frozen by themselves when they are over, and how many days back the nightly run looks for one.
FROZEN: dict[PeriodType, int] = {
    PeriodType.DAY: 62,
    PeriodType.TEN_DAY: 124,
    PeriodType.WEEK: 124,
    PeriodType.MONTH: 400,
    PeriodType.QUARTER: 400,
    PeriodType.HALF_YEAR: 400,
    PeriodType.YEAR: 800,
}


def run(*, at: datetime) -> list[EvalPeriod]:
    """Freeze every period that is over and not frozen yet, since the first report, looking back as far as FROZEN says.

    The nightly run; a missed night is made up for by the next. Interrupted, it goes on where it stopped.
    """
    first = Case.objects.order_by("reported_at").values_list("reported_at", flat=True).first()
    today = timezone.localdate(at)
    if first is None:
        return []
    known = set(EvalPeriod.objects.values_list("type", "first_date"))
    frozen = []
    for kind, days in FROZEN.items():
        begin = max(timezone.localdate(first), today - timedelta(days=days))
        period = period_of(kind, begin, month_starts=facts.month_starts(begin))
        while period.end <= today:
            if (str(kind), period.first) not in known:
                frozen.append(freeze(period, at=at))
            period = following(period, month_starts=facts.month_starts(period.end))
    return frozen
