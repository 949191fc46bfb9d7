"""The named queries of the grid. A row is current while it has no last day."""

from datetime import date
from typing import Self

from django.contrib.gis.db.models import Union
from django.contrib.gis.geos import Polygon
from django.db.models import ExpressionWrapper, F, FilteredRelation, FloatField, Func, Q, QuerySet


class DatedQuerySet(QuerySet):
    """Rows with `valid_from` and `valid_to` (the first day on which the row no longer holds)."""

    def current(self) -> Self:
        return self.filter(valid_to__isnull=True)

    def on(self, day: date) -> Self:
        """Return the rows that held on `day`."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)


class AreaQuerySet(DatedQuerySet):
    def inside(self, code: str) -> Self:
        """Return the areas whose code begins with `code`, itself included; every area for ""."""
        return self.filter(code__startswith=code)

    def search(self, words: str) -> Self:
        """Return the areas whose name holds `words` or whose code begins with them."""
        return self.filter(Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(code__startswith=words))

    def in_box(self, box: Polygon) -> Self:
        return self.filter(boundary__bboverlaps=box)


class UnitGridQuerySet(DatedQuerySet):
    def inside(self, code: str) -> Self:
        return self.filter(code__startswith=code)

    def in_box(self, box: Polygon) -> Self:
        return self.filter(boundary__bboverlaps=box)

    def with_duty_grid(self) -> Self:
        """Return the cells, each with the code of the duty grid that it is patrolled for now, as `duty_grid`."""
        patrolled = FilteredRelation("memberships", condition=Q(memberships__valid_to__isnull=True))
        return self.annotate(patrolled=patrolled, duty_grid=F("patrolled__duty_grid__code"))


class DutyGridQuerySet(DatedQuerySet):
    def search(self, words: str) -> Self:
        return self.filter(Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(code__startswith=words))

    def in_box(self, box: Polygon) -> Self:
        """Return the duty grids of which a cell touches the box; the alias `boundary` is the outline of their cells."""
        touching = self.filter(memberships__valid_to__isnull=True, cells__boundary__bboverlaps=box)
        return self.filter(pk__in=touching.values("pk"), memberships__valid_to__isnull=True).alias(
            boundary=Union("cells__boundary")
        )


class PlaceQuerySet(DatedQuerySet):
    def search(self, words: str) -> Self:
        """Return the named places whose name or address holds `words`, or whose pinyin initials begin with them."""
        named = Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(address__icontains=words)
        return self.filter(named | Q(pinyin_initials__startswith=words.lower())) if words else self


class RoadQuerySet(DatedQuerySet):
    def search(self, words: str) -> Self:
        return self.filter(Q(name_zh__icontains=words) | Q(name_en__icontains=words))

    def in_box(self, box: Polygon) -> Self:
        return self.filter(line__bboverlaps=box)

    def with_length(self) -> Self:
        """Return the roads, each with its `length_m` on the ground, over all its lines."""
        metres = Func(F("line"), function="ST_Length", template="%(function)s(%(expressions)s::geography)")
        return self.annotate(length_m=ExpressionWrapper(metres, output_field=FloatField()))
