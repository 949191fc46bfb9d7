"""The named questions asked of cases. `visible_to` is the one place that says which cases a person may see."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

from django.contrib.gis.db import models
from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, Subquery, When
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.permissions import appointments_of, departments_of
from accounts.roles import Role
from cases import workflow
from grid.locate import is_within, locate, metres_from, nearest
from office import settings
from office.rows import Rows

SUPERVISION_DESKS = (Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER, Role.INSPECTOR, Role.VIDEO_OPERATOR)
COMMAND_DESKS = (Role.DISPATCHER, Role.COMMANDER)
OVERSEERS = (Role.LEADER, Role.EVALUATOR)


def bigrams(text: str, *, for_query: bool = False) -> str:
    """Return the character pairs of a text (and, for the index, its words), so that two-character words are found."""
    found: list[str] = []
    for word in text.lower().split():
        if len(word) < 2 or not for_query:
            found.append(word)
        found += [word[place : place + 2] for place in range(len(word) - 1)]
    return " ".join(found)


# So many of somebody's latest steps tell which classes he has to do with, and so many classes are told.
STEPS_LOOKED_AT, CLASSES_TOLD = 300, 9


def usual_classes(user) -> Sequence[UUID]:
    """Return the public numbers of the classes of this person's latest steps, the most frequent first.

    One query, asked when they are looked at: a form that is sent shows no list. It costs the same however much he has
    done: an index holds everybody's steps in order of time.
    """
    return SimpleLazyObject(lambda: _usual_classes(user))


def _usual_classes(user) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(USUAL, [user.pk, STEPS_LOOKED_AT, CLASSES_TOLD])
        return [public_id for (public_id,) in cursor.fetchall()]


USUAL = """
    SELECT class.public_id
      FROM (SELECT case_id FROM cases_caseevent WHERE actor_id = %s ORDER BY at DESC LIMIT %s) step
      JOIN cases_case one ON one.id = step.case_id
      JOIN components_minorclass class ON class.id = one.minor_class_id
     GROUP BY class.id, class.public_id ORDER BY count(DISTINCT one.id) DESC, max(one.id) DESC LIMIT %s
"""

# — the lists of a desk ———————————————————————————————————————————————————————————————————————————————

Also = Callable[[datetime, int], Q]


@dataclass(frozen=True)
class Tab:
    """One list of a desk 栏: the stages it gathers, and what else holds of its rows by the time and by who looks.

    Without stages it is few rows of whatever stage. `is_counted`: not for what only grows; `is_folded`: under "more".
    """

    name: str
    label: str
    stages: tuple[str, ...] = ()
    also: Also | None = None
    is_counted: bool = True
    is_folded: bool = False

    def holds(self, at: datetime, user) -> Q:
        """Return the condition on its rows for this person at this time."""
        return _holds(self.stages, self.also, at, user.pk)

    def holds_besides(self, at: datetime, user) -> Q:
        """Return what holds of its rows beside their stage."""
        return _holds((), self.also, at, user.pk)


def _holds(stages: tuple[str, ...], also: Also | None, at: datetime, user_id: int) -> Q:
    return (Q(stage__in=stages) if stages else Q()) & (also(at, user_id) if also else Q())


MOST_COUNTED = 1000


def counted(rows: models.QuerySet, tabs: Iterable[Tab], *, at: datetime, user) -> list[tuple[Tab, int | None]]:
    """Return each list with how many of the rows it holds, at most MOST_COUNTED, None for what is not counted.

    One query, however much there is; what it says of a list is put together once.
    """
    tabs = list(tabs)
    among = _where(rows)
    if among is None:
        return [(tab, 0 if tab.is_counted else None) for tab in tabs]
    parts, values = [], []
    for tab in tabs:
        if tab.is_counted:
            sql, params = _of_a_list(rows.model, tab.stages, tab.also)
            parts.append(f"(SELECT count(*) FROM (SELECT {_from(rows.model)} WHERE {sql} AND {among[0]} LIMIT %s) one)")
            values += [*_in_place(params, at, user.pk), *among[1], MOST_COUNTED]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        numbers = iter(cursor.fetchone())
    return [(tab, next(numbers) if tab.is_counted else None) for tab in tabs]


# Stand for the time and the person in a condition that is put together once.
SOME_TIME, SOMEBODY = datetime(1, 1, 1, tzinfo=UTC), -1


@cache
def _of_a_list(model: type[models.Model], stages: tuple[str, ...], also: Also | None) -> tuple[str, list]:
    found = _where(model._default_manager.filter(_holds(stages, also, SOME_TIME, SOMEBODY)))
    return found or ("false", [])


def _in_place(params: Iterable, at: datetime, user_id: int) -> list:
    return [at if one == SOME_TIME else user_id if one == SOMEBODY else one for one in params]


def _where(rows: models.QuerySet) -> tuple[str, list] | None:
    """Return the condition on rows of one table alone, with its parameters; None where there are none for sure."""
    try:
        sql, params = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    head, _mark, where = sql.partition(" WHERE ")
    if not head.endswith(f" {_from(rows.model)}"):
        raise ValueError(f"a list of a desk joins nothing, it asks by subqueries: {head}")
    return f"({where or 'true'})", list(params)


def _from(model: type[models.Model]) -> str:
    return f"FROM {connection.ops.quote_name(model._meta.db_table)}"


# — the rows of a list —————————————————————————————————————————————————————————————————————————————————

Keys = tuple[str, list]


def keys_of(rows: models.QuerySet) -> Keys | None:
    """Return the statement that gives the keys of these rows in their order; None where there are none for sure."""
    try:
        sql, params = rows.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql, list(params)


def merged(
    rows, stages: Collection[str], *, columns: tuple[str, ...], order: str, first: int, last: int
) -> Keys | None:
    """Return the statement with the keys of rows number `first` up to, not including, `last` of some stages together.

    Each stage lies in an index in the order of `rows`, all of them do not: so many of each stage are looked at, never
    all. `order` names the columns first, second, third and key. None when there can be no rows.
    """
    try:
        head, values = rows.filter(stage=ANY_STAGE).values("pk", *columns)[:last].query.sql_with_params()
    except EmptyResultSet:
        return None
    names = ", ".join(("key", "first", "second", "third")[: 1 + len(columns)])
    heads = " UNION ALL ".join([f"({head})"] * len(stages))
    params = [stage if value == ANY_STAGE else value for stage in map(str, stages) for value in values]
    sql = f"SELECT key FROM ({heads}) head ({names}) ORDER BY {order} LIMIT %s OFFSET %s"
    return sql, [*params, last - first, first]


ANY_STAGE = "any stage"

# Rows in the order in which a statement gives their keys.
IN_ORDER = "FROM unnest(ARRAY({within})) WITH ORDINALITY AS given (key, place) JOIN %s one ON one.id = given.key"

# What one line of a list shows of a case and of what belongs to it.
OF_A_CASE = (
    "public_id", "number", "stage", "source", "urgency", "address", "area_names", "reported_at", "moved_at", "due_at",
    "yellow_at", "clock_paused", "clock", "limit_unit", "area_code", "reopened_count", "version", "undo_until",
    "needs_filing_review", "needs_dispatch_review", "minor_class", "holder_department", "holder_user", "duty_grid",
    "filing_condition",
)  # fmt: skip
NAME = ("name_zh", "name_en")
BELONGING: dict[str, tuple[str, ...]] = {
    "minor_class": NAME, "holder_department": (*NAME, "short_name"), "holder_user": (*NAME, "username"),
}  # fmt: skip
# What a column that was chosen needs beside: fields of the case, or of what belongs to it.
NEEDED_BY_COLUMN: dict[str, dict[str, tuple[str, ...]]] = {
    "major": {"minor_class": (*NAME, "major_name_zh", "major_name_en")},
    "condition": {"filing_condition": ("condition_zh", "condition_en")},
    "grid": {"duty_grid": (*NAME, "code")},
    "description": {"": ("description",)},
}
# The latest task, and whether a supervision is open: asked of the rows that are shown only.
LATEST_TASK = (
    "LEFT JOIN LATERAL (SELECT id, stage, opened_at FROM cases_fieldtask WHERE case_id = one.id ORDER BY id DESC "
    "LIMIT 1) field ON true"
)
IS_SUPERVISED = (
    f"EXISTS (SELECT FROM cases_directive WHERE case_id = one.id AND kind <> 'urge' "
    f"AND stage = '{workflow.DirectiveStage.OPEN}')"
)


@cache
def _lines(model: type[models.Model], columns: tuple[str, ...]) -> Rows:
    """Return what reads the lines of a list with these columns beside the usual ones."""
    belonging, own = dict(BELONGING), list(OF_A_CASE)
    for needed in [NEEDED_BY_COLUMN.get(name, {}) for name in columns]:
        own += needed.get("", ())
        belonging |= {name: fields for name, fields in needed.items() if name}
    related = {name: model._meta.get_field(name).related_model for name in belonging}
    joins = [f"LEFT JOIN {there._meta.db_table} {name} ON {name}.id = one.{name}_id" for name, there in related.items()]
    return Rows(
        " ".join([IN_ORDER % model._meta.db_table, *joins, LATEST_TASK, "ORDER BY given.place"]),
        one=(model, *own),
        **{name: (related[name], *fields) for name, fields in belonging.items()},
        field=(model._meta.get_field("tasks").related_model, "stage", "opened_at"),
        is_supervised=IS_SUPERVISED,
    )


def inside(area_code: str) -> Q:
    """Return the condition that a case lies in this area, as a range, which an index can judge."""
    after = str(int(area_code) + 1).zfill(len(area_code)) if area_code.isdecimal() else ""
    if len(after) != len(area_code):
        return Q(area_code__startswith=area_code)
    return Q(area_code__gte=area_code, area_code__lt=after)


class CaseQuerySet(models.QuerySet):
    """Cases, as the desks ask for them."""

    def visible_to(self, user, at: datetime):
        """Return the cases this person may see by the appointments held at that time; nobody's: none.

        Supervision sees its centre's, command its centre's from filing on, a department those it has (or had) in hand,
        a collector what he reported or was sent to, leaders and evaluators their area. Administrators act on no case.
        """
        stints = self.model._meta.get_field("stints").related_model.objects.filter(case=OuterRef("pk"))
        tasks = self.model._meta.get_field("tasks").related_model.objects.filter(case=OuterRef("pk"))
        seen = Q(pk__in=[])
        departments = None
        for appointment in appointments_of(user, at):
            scope = inside(appointment.scope_area_code) if appointment.scope_area_code else Q()
            if appointment.role in SUPERVISION_DESKS:
                centre = appointment.department_id
                seen |= (Q(supervision_centre=centre) | Q(checking_centre=centre)) & scope
            elif appointment.role in COMMAND_DESKS:
                seen |= Q(command_centre=appointment.department_id, filed_at__isnull=False) & scope
            elif appointment.role in OVERSEERS:
                seen |= scope if appointment.scope_area_code else Q(pk__isnull=False)
            elif appointment.role == Role.DEPARTMENT_OPERATOR:
                departments = departments_of(user, at) if departments is None else departments
                seen |= Exists(stints.filter(department__in=departments))
            elif appointment.role == Role.HANDLER:
                seen |= Exists(stints.filter(handler=user))
            elif appointment.role == Role.COLLECTOR:
                seen |= Q(reported_by=user) | Exists(tasks.filter(collector=user))
        return self.filter(seen)

    def open(self):
        """Return the cases on which somebody still has to do something."""
        return self.filter(stage__in=workflow.OPEN)

    def by_danger(self):
        """Order by urgency, then by the deadline of the clock that runs now; stopped clocks and none at all last."""
        return self.order_by("-urgency", "clock_paused", models.F("due_at").asc(nulls_last=True), "id")

    def most_pressing(self, stages: Collection[str], *, first: int, last: int) -> Keys | None:
        """Return the keys of rows number `first` up to, not including, `last` of these stages as `by_danger`."""
        return merged(
            self.by_danger(), stages, columns=("urgency", "clock_paused", "due_at"),
            order="first DESC, second, third ASC NULLS LAST, key", first=first, last=last,
        )  # fmt: skip

    def lines(self, keys: Keys | None, columns: Collection[str] = ()) -> list:
        """Return the cases with these keys with what one line of a list shows, and nothing else; one query.

        Each with `field`, the latest task or None, and `is_supervised`. `columns`: those chosen beside the usual ones.
        """
        return _lines(self.model, tuple(columns)).whole(keys[1], within=keys[0]) if keys else []

    def in_lines(self, columns: Collection[str] = ()) -> list:
        """Return these rows as `lines`."""
        return self.lines(keys_of(self), columns)

    def with_row(self):
        """Fetch what one row of a queue shows, in one query."""
        return self.select_related(
            "minor_class", "holder_department", "holder_user", "duty_grid", "filing_condition"
        ).defer("search", "last_hash")

    def with_part_of(self, user):
        """Bring the part this person has in each case: `my_part`, a dict of side, had_hand, has_judged, or None."""
        parts = self.model._meta.get_field("parts").related_model.objects.filter(case=OuterRef("pk"), actor=user)
        said = JSONObject(side="side", had_hand="had_hand", has_judged="has_judged")
        return self.annotate(my_part=Subquery(parts.values(said=said)[:1]))

    def matching(self, words: str):
        """Return the cases whose number, place, class or description holds all of these words."""
        number = words.replace(" ", "")
        if number.replace("-", "").isdigit() and "-" in number:
            return self.filter(number__startswith=number)
        return self.filter(search=SearchQuery(bigrams(words, for_query=True), config="simple"))

    def open_near(
        self, point, *, minor_class, at: datetime, area_code: str = "", component=None, road=None, named=None
    ):
        """Return open cases that may be the same problem, the nearest first, each with its `metres`. One query.

        Of the same class within the metres and hours that the class (else the city, or an area of it) sets; at the same
        component whatever the distance and the time; and of a class whose problems are one along a street (dark lamps)
        anywhere on the same road, for which the point is located first. The one that somebody `named` comes before all.
        `component`, `road` and `named`: rows or their keys.
        """
        if minor_class.near_on_road and road is None and (place := locate(point)) is not None:
            road, area_code = place.road, place.community_code
        day = timezone.localdate(at)
        metres, hours = minor_class.near_metres, minor_class.near_hours
        if metres is None:
            metres = settings.get("cases.near_metres", on=day, area_code=area_code)
        if hours is None:
            hours = settings.get("cases.near_hours", on=day, area_code=area_code)
        recent = Q(minor_class=_key(minor_class), reported_at__gte=at - timedelta(hours=hours))
        same = recent & Q(is_within("point", point, metres))
        if minor_class.near_on_road and road is not None:
            same |= recent & Q(road=road)
        if component is not None:
            same |= Q(component=component)
        order = ["metres", "pk"]
        if named is not None:
            same |= Q(pk=named)
            order.insert(0, Case(When(pk=named, then=0), default=1))
        return self.open().filter(same).annotate(metres=metres_from("point", point)).order_by(*order)

    def closed_here(self, point, *, minor_class, at: datetime, area_code: str = "", component=None):
        """Return the cases of this problem that were closed here some days before `at`, the latest first. One query.

        The same component, or the same class at the same place; how many days, the class or the city sets.
        """
        day = timezone.localdate(at)
        days = minor_class.recurrence_days
        if days is None:
            days = settings.get("cases.recurrence_days", on=day, area_code=area_code)
        metres = settings.get("cases.recurrence_metres", on=day, area_code=area_code)
        same = Q(minor_class=_key(minor_class)) & Q(is_within("point", point, metres))
        if component is not None:
            same |= Q(component=component)
        return self.filter(same, closed_at__range=(at - timedelta(days=days), at)).order_by("-closed_at", "-pk")

    def chain_of(self, case):
        """Return the closed cases of the chain a case belongs to, the latest first; none where it is no recurrence."""
        if case.chain_id is None:
            return self.none()
        earlier = self.filter(Q(pk=case.chain_id) | Q(chain=case.chain_id), closed_at__isnull=False)
        return earlier.exclude(pk=case.pk).order_by("-closed_at", "-pk")

    def recurring(self):
        """Return the cases that came back 反复发案: filed anew at the same object or place soon after closing."""
        return self.filter(recurrence__gt=0, filed_at__isnull=False).exclude(stage=workflow.Stage.MERGED)

    def around(self, point, *, metres: float):
        """Return the cases within some metres of a point, the nearest first, each with its `metres`."""
        return nearest(self, "point", point, within_metres=metres)


def _key(minor_class) -> Cast:
    """Return the class as the index over place and class wants it: a bare number is no bigint to such an index."""
    return Cast(minor_class.pk, models.BigIntegerField())


class StintQuerySet(models.QuerySet):
    """Handling stints."""

    def at_departments(self, ids):
        """Return the stints of these departments."""
        return self.filter(department__in=ids)

    def open(self):
        """Return the stints that a department still holds."""
        return self.filter(stage__in=workflow.STINT_OPEN)


class TaskQuerySet(models.QuerySet):
    """Field tasks."""

    def waiting_for(self, collector):
        """Return the tasks a collector has still to answer, the most pressing first."""
        return self.filter(collector=collector, stage=workflow.TaskStage.SENT).order_by("due_at", "id")


class RequestQuerySet(models.QuerySet):
    """Requests of departments."""

    def pending(self):
        """Return the requests that wait for a decision."""
        return self.filter(stage=workflow.RequestStage.PENDING)


class OverrideQuerySet(models.QuerySet):
    """Limits for some cases."""

    def on(self, day: date):
        """Return the rows that hold on a day."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)

    def not_over(self, day: date):
        """Return the rows that hold on a day or will hold later."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))

    def fitting(self, condition, *, area_code: str, area_class: str, road_class: str, urgency: int):
        """Return the rows that fit a filing under a condition at a place; which of them decides: `by_narrowness`."""
        return self.filter(
            # A condition that was changed since is a row of its own with the same number.
            Q(filing_condition__minor_class=condition.minor_class_id, filing_condition__number=condition.number)
            | Q(filing_condition=None, minor_class=condition.minor_class_id)
            | Q(filing_condition=None, minor_class=None),
            Q(urgency=urgency) | Q(urgency=None),
            area_code__in=["", *(area_code[:length] for length in range(1, len(area_code) + 1))],
            area_class__in=["", area_class],
            road_class__in=["", road_class],
        )  # fmt: skip
