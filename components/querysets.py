"""The named queries of the catalogue and the inventory."""

from datetime import date
from typing import Self

from django.contrib.gis.geos import Polygon
from django.db.models import Case, Q, QuerySet, When

from components.codes import Scheme
from office import settings as office_settings


class DatedQuerySet(QuerySet):
    """Rows with `valid_from` and `valid_to` (the first day on which the row no longer holds)."""

    def current(self) -> Self:
        return self.filter(valid_to__isnull=True)

    def on(self, day: date) -> Self:
        """Return the rows that held on `day`."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)


class MinorClassQuerySet(DatedQuerySet):
    def of_scheme(self, scheme: Scheme | str) -> Self:
        return self.filter(scheme=scheme)

    def in_order(self) -> Self:
        """Return the classes as a catalogue prints them: the scheme of 2026 first, components before events."""
        rank = Case(*(When(scheme=scheme, then=number) for number, scheme in enumerate(Scheme)))
        return self.order_by(rank, "kind", "major_code", "minor_code")

    def offered(self, day: date) -> Self:
        """Return the classes a report may be given on `day`, in the schemes the city works with."""
        schemes = office_settings.get("components.schemes", on=day)
        return self.on(day).filter(scheme__in=schemes).order_by("kind", "major_code", "minor_code")

    def search(self, words: str) -> Self:
        """Return the classes found by name, alias, pinyin initials ("lmjg") or code ("01-001", "01001")."""
        words = words.strip()
        found = (
            Q(name_zh__icontains=words)
            | Q(name_en__icontains=words)
            | Q(aliases__icontains=words)
            | Q(pinyin_initials__icontains=words)
        )
        digits = words.replace("-", "")
        if digits.isascii() and digits.isdigit():
            found |= Q(major_code=digits[:2], minor_code__startswith=digits[2:])
        return self.filter(found)


class FilingConditionQuerySet(DatedQuerySet):
    def in_use(self, day: date) -> Self:
        """Return the conditions under which a case may be filed on `day`."""
        return self.on(day).filter(is_active=True)


class ComponentQuerySet(QuerySet):
    def current(self) -> Self:
        """Return the components that still stand in the street."""
        return self.filter(valid_to__isnull=True)

    def search(self, words: str) -> Self:
        """Return the components whose identifier begins with `words` or whose name holds them."""
        words = words.strip()
        if words.isascii() and words.isdigit():
            return self.filter(identifier__startswith=words)
        return self.filter(name_zh__icontains=words)

    def wanted(self, *, q: str, code: str, area: str, state: str) -> Self:
        """Return the components found by identifier or name, class ("01-037" or "01"), area code and state; "" is any.

        Those that were taken away only where their state is asked for.
        """
        found = self.search(q) if q.strip() else self
        digits = code.replace("-", "").strip()
        if digits:
            found = found.filter(minor_class__major_code=digits[:2], minor_class__minor_code__startswith=digits[2:])
        if area.strip():
            found = found.filter(unit_grid__code__startswith=area.strip())
        return found.filter(state=state) if state else found.current()

    def in_box(self, box: Polygon) -> Self:
        return self.filter(geometry__bboverlaps=box)
