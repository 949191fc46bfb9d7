"""Rankings, the cases behind their numbers, the leader's figures, and freezing a period, through the API."""

from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from cases.models import Case
from cases.views import sees_facts_only
from evaluation import actions, facts, overview, permissions, tables, views
from evaluation.indicators import add_up, label_of
from evaluation.periods import PeriodType, period_of
from evaluation.scoring import ObjectType
from evaluation.serializers import BehindBody, FigureRow, FreezeBody, FrozenBody, RankingBody
from evaluation.tables import COLUMNS, Cell, Look, Place, printed
from office.api import CURSOR, Endpoint, Problem

PERIOD = [
    OpenApiParameter("period", str, enum=list(map(str, PeriodType)), description="Else the month."),
    OpenApiParameter("on", str, description="A day in the period; else today."),
    OpenApiParameter("cutoff", int, description="Seconds since 1970: counted as it stood then."),
]


def _period(look: Look) -> dict:
    footing = look.footing
    return {
        "type": str(look.period.type), "name": look.name, "first": look.period.first, "end": look.period.end,
        "basis": footing["basis"], "cutoff": footing["cutoff"],
        "frozen_version": look.kept.version if look.kept else None,
    }  # fmt: skip


def _cell(name: str, cell: Cell) -> dict:
    behind = f"{reverse('evaluation:api_cases')}?{urlsplit(cell.url).query}" if cell.url else ""
    return {"name": name, "label": _(label_of(name)), "words": cell.words, "cases": behind}


def _place(code: str, place: Place | None) -> dict:
    if place is None:
        return {"scheme": code, "score": None, "grade": "", "rank": None, "previous_rank": None}
    return {"scheme": code, "score": place.score, "grade": place.grade, "rank": place.rank,
            "previous_rank": place.previous_rank}  # fmt: skip


def _ranking(context: dict, columns: tuple[str, ...]) -> dict:
    """Return a ranking as the page has it, in the API's shape."""
    codes = [scheme.code for scheme in context["schemes"]]

    def cells(found: list[Cell]) -> list[dict]:
        return [_cell(name, cell) for name, cell in zip(columns, found, strict=True)]

    return RankingBody({
        "period": _period(context["look"]), "of": str(context["object_type"]), "schemes": codes,
        "groups": [
            {"code": group.code, "name": group.name, "total": cells(group.total), "rows": [
                {"of": row.key, "name": row.name, "is_mine": row.is_mine, "cells": cells(row.cells),
                 "places": [_place(code, place) for code, place in zip(codes, row.places, strict=True)]}
                for row in group.rows
            ]}
            for group in context["groups"]
        ],
    }).data  # fmt: skip


class Ranking(Endpoint):
    """Who stands where: one kind of object, one period, every scheme side by side."""

    @extend_schema(operation_id="ranking", tags=["evaluation"], responses=RankingBody,
                   parameters=[OpenApiParameter("of", str, enum=list(map(str, ObjectType))), *PERIOD,
                               OpenApiParameter("scheme", str), OpenApiParameter("group", str)])  # fmt: skip
    def get(self, request):
        object_type = views.object_type_of(request)
        if not permissions.may_see_ranking(request.user, object_type, at=self.at):
            raise PermissionDenied
        look, columns = views.look_at(request, self.at), COLUMNS[object_type]
        return Response(_ranking(views.ranking_context(request, look, object_type, columns=columns), columns))


class CasesBehind(Endpoint):
    """The cases behind one number: as many lines as the number says."""

    @extend_schema(operation_id="cases_behind", tags=["evaluation"], responses=BehindBody,
                   parameters=[OpenApiParameter("of", str, required=True),
                               OpenApiParameter("count", str, required=True), *PERIOD, *CURSOR])  # fmt: skip
    def get(self, request):
        look = views.look_at(request, self.at)
        count = request.query_params.get("count", "")
        title, owns = views.behind(request, request.query_params.get("of", ""), look)
        lines = tables.lines_behind(count, look.facts(), owns)
        said = request.query_params.get("cursor", "0")
        if not (said.isascii() and said.isdigit() and len(said) < 9):
            raise Problem("malformed")
        start = int(said)
        shown, end = lines[start : start + views.PAGE], start + views.PAGE
        visible = Case.objects.visible_to(request.user, self.at).with_row()
        rows = visible.in_bulk([line.fact.case_id for line in shown])
        kept = request.query_params.copy()
        # The list is frozen by its cut-off, so a place in it is a cursor.
        kept["cutoff"], kept["cursor"] = str(int(look.window.cutoff.timestamp())), str(end)
        body = {
            "title": title, "label": _(label_of(count)),
            "words": printed(count, add_up(line.fact.measures for line in lines)),
            "number": sum(line.times for line in lines),
            "next": f"{request.path}?{kept.urlencode()}" if end < len(lines) else None,
            "results": [{"times": line.times, "is_above": line.is_above, "at": line.fact.at,
                         "case": rows.get(line.fact.case_id)} for line in shown],
        }  # fmt: skip
        return Response(BehindBody(body, context={"facts_only": sees_facts_only(request.user, self.at)}).data)


class Figures(Endpoint):
    """The leader's key figures of one period."""

    @extend_schema(operation_id="figures", tags=["evaluation"], responses=FigureRow(many=True), parameters=PERIOD)
    def get(self, request):
        figures, _found = overview.figures(views.overview_look(request, self.at))
        return Response(FigureRow(figures, many=True).data)


class Freeze(Endpoint):
    """Count a period that is over and freeze it."""

    @extend_schema(operation_id="freeze", tags=["evaluation"], request=FreezeBody, responses={201: FrozenBody})
    def post(self, request):
        if not permissions.may_freeze(request.user, at=self.at):
            raise PermissionDenied
        said = FreezeBody(data=request.data)
        if not said.is_valid():
            raise Problem("not_valid", errors=said.errors)
        kind, day = said.validated_data["period"], said.validated_data["on"]
        if kind not in list(PeriodType):
            raise Problem("not_valid", errors={"period": [", ".join(map(str, PeriodType))]})
        if not views.FIRST_YEAR <= day.year <= timezone.localdate(self.at).year:
            raise Problem("not_valid", errors={"on": [_("Nothing was counted then.")]})
        row = actions.freeze(period_of(PeriodType(kind), day, month_starts=facts.month_starts(day)), at=self.at)
        return Response(FrozenBody(row).data, status=201)
