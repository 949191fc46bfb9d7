"""The named questions asked of cases. `visible_to` is the one place that says which cases a person may see."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.contrib.gis.db import models
from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, Subquery, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.permissions import appointments_of, departments_of
from accounts.roles import Role
from cases import workflow
from grid.locate import is_within, locate, metres_from, nearest
from office import settings

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

MOST_COUNTED = 1000


def counted(rows: models.QuerySet, conditions: Iterable[Q | tuple[str, ...]]) -> list[int]:
    """Return how many of the rows each condition holds for, at most MOST_COUNTED; one query, however much there is.

    A condition is one of the ORM, or a tuple of stages: most are, and the statement for them is put together once.
    """
    parts, values = [], []
    of_a_stage = _counting(rows.filter(stage=ANY_STAGE))
    for one in conditions:
        part = _of_stages(of_a_stage, one) if isinstance(one, tuple) else _counting(rows.filter(one))
        if part is None:
            parts.append("0")
            continue
        parts.append(f"(SELECT count(*) FROM ({part[0]}) counted)")
        values += part[1]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return list(cursor.fetchone())


def _counting(rows: models.QuerySet) -> tuple[str, list] | None:
    """Return the statement that counts rows, with its parameters; None where there are none for sure."""
    try:
        sql, params = rows.order_by().values("pk")[:MOST_COUNTED].query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql, list(params)


def _of_stages(known: tuple[str, list] | None, stages: tuple[str, ...]) -> tuple[str, list] | None:
    """Return the statement for one stage said of several: "stage = %s" becomes "stage IN (%s, %s)"."""
    if known is None:
        return None
    sql, params = known
    place = params.index(ANY_STAGE)
    pieces = sql.split("%s")
    before = "%s".join(pieces[: place + 1]).removesuffix("= ")
    marks = ", ".join(["%s"] * len(stages))
    return (
        f"{before}IN ({marks}){'%s'.join(pieces[place + 1 :])}",
        [*params[:place], *map(str, stages), *params[place + 1 :]],
    )


def merged(rows, stages: Collection[str], *, columns: tuple[str, ...], order: str, first: int, last: int):
    """Return a subquery with the keys of rows number `first` up to, not including, `last` of some stages together.

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
    sql = f"(SELECT key FROM ({heads}) head ({names}) ORDER BY {order} LIMIT %s OFFSET %s)"
    return RawSQL(sql, [*params, last - first, first])


ANY_STAGE = "any stage"

# What a column of a list of cases needs beside what every line has.
NEEDED_BY_COLUMN = {
    "major": ("minor_class__major_name_zh", "minor_class__major_name_en"),
    "condition": ("filing_condition__condition_zh", "filing_condition__condition_en"),
    "grid": ("duty_grid__name_zh", "duty_grid__name_en", "duty_grid__code"),
    "description": ("description",),
}


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

    def most_pressing(self, stages: Collection[str], *, first: int, last: int):
        """Return rows number `first` up to, not including, `last` of these stages in the order of `by_danger`."""
        keys = merged(
            self.by_danger(), stages, columns=("urgency", "clock_paused", "due_at"),
            order="first DESC, second, third ASC NULLS LAST, key", first=first, last=last,
        )  # fmt: skip
        return self.none() if keys is None else self.model._default_manager.filter(pk__in=keys).by_danger()

    def with_line(self, columns: Collection[str] = ()):
        """Fetch what one line of a list shows, and nothing else; `columns`: those chosen beside the usual ones."""
        more = [field for name in columns for field in NEEDED_BY_COLUMN.get(name, ())]
        joined = {field.partition("__")[0] for field in more if "__" in field}
        return self.select_related("minor_class", "holder_department", "holder_user", *joined).only(
            "public_id", "number", "stage", "source", "urgency", "address", "area_names", "reported_at", "moved_at",
            "due_at", "yellow_at", "clock_paused", "clock", "limit_unit", "area_code", "reopened_count",
            "version", "undo_until", "needs_filing_review", "needs_dispatch_review",
            "minor_class__name_zh", "minor_class__name_en",
            "holder_department__name_zh", "holder_department__name_en", "holder_department__short_name",
            "holder_user__name_zh", "holder_user__name_en", "holder_user__username", *more,
        ).with_signs()  # fmt: skip

    def with_signs(self):
        """Bring what a line shows beside the stage: `is_supervised`, and `field`, the latest task's [stage, opened].

        Both are asked of the rows that are shown only: they neither choose nor order.
        """
        field, directives = self.model._meta.get_field, self.model._meta.get_field("directives").related_model
        tasks = field("tasks").related_model.objects.filter(case=OuterRef("pk")).order_by("-id")
        orders = directives.objects.filter(case=OuterRef("pk"), stage=workflow.DirectiveStage.OPEN)
        said = JSONObject(stage="stage", opened="opened_at")
        return self.annotate(
            field=Subquery(tasks.values(said=said)[:1]),
            is_supervised=Exists(orders.exclude(kind="urge")),
        )

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
            Q(filing_condition=condition) | Q(filing_condition=None, minor_class=condition.minor_class_id)
            | Q(filing_condition=None, minor_class=None),
            Q(urgency=urgency) | Q(urgency=None),
            area_code__in=["", *(area_code[:length] for length in range(1, len(area_code) + 1))],
            area_class__in=["", area_class],
            road_class__in=["", road_class],
        )  # fmt: skip
