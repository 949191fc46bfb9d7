"""The dispatch desk and the departments' desk through the API. Their steps: `views.DOORS`, in urls."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from cases.api import FILTERS, ORDER, case_page, queue_rows
from cases.models import Case
from cases.querysets import Tab, counted
from cases.serializers import CaseRow, QueueRow
from cases.views import filtered, visible_case
from dispatch import facts, querysets, views
from dispatch.permissions import may_open_department_desk, may_open_dispatch_desk
from dispatch.serializers import DeskStint, ProposalRow
from office.api import CURSOR, Endpoint, page, paged

TAB = OpenApiParameter("tab", str, description="A list of the desk; its names: the queues of the desk.")


class AtTheDispatchDesk(Endpoint):
    """For the command centre's people."""

    def initial(self, request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if not may_open_dispatch_desk(request.user, at=self.at):
            raise PermissionDenied(_("The dispatch desk belongs to the command centre."))


class AtADepartmentsDesk(Endpoint):
    """For a department's people."""

    def initial(self, request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if not may_open_department_desk(request.user, at=self.at):
            raise PermissionDenied(_("This desk belongs to the departments."))


def _named(tabs, request) -> Tab | None:
    return next((tab for tab in tabs if tab.name == request.query_params.get("tab")), None)


class Queues(AtTheDispatchDesk):
    """The lists of the dispatch desk with what waits in each."""

    @extend_schema(operation_id="dispatch_queues", tags=["dispatch"], responses=QueueRow(many=True))
    def get(self, request):
        visible = Case.objects.visible_to(request.user, self.at)
        return Response(queue_rows(counted(visible, querysets.DESK_TABS, at=self.at, user=request.user)))


class DeskCases(AtTheDispatchDesk):
    """The cases of one list of the dispatch desk, the most pressing first."""

    @extend_schema(operation_id="dispatch_cases", tags=["dispatch"], responses=paged(CaseRow),
                   parameters=[TAB, *(one for one in FILTERS if one.name not in ("tab", "stage")), ORDER, *CURSOR],
                   )  # fmt: skip
    def get(self, request):
        tab = _named(querysets.DESK_TABS, request) or querysets.DESK_TABS[0]
        rows = Case.objects.visible_to(request.user, self.at).filter(tab.holds(self.at, request.user))
        rows = filtered(rows, request.query_params, at=self.at)
        return case_page(request, rows, at=self.at, order="due" if tab.is_counted else "moved")


class Proposals(AtTheDispatchDesk):
    """Who should get a case, the best first."""

    @extend_schema(operation_id="proposals", tags=["dispatch"], responses=ProposalRow(many=True))
    def get(self, request, case_id: UUID):
        case = visible_case(request, case_id, at=self.at)
        return Response(ProposalRow(facts.suggestions(case, at=self.at), many=True).data)


class DepartmentQueues(AtADepartmentsDesk):
    """The lists of a department's desk with what waits in each; a handler's own."""

    @extend_schema(operation_id="department_queues", tags=["departments"], responses=QueueRow(many=True))
    def get(self, request):
        stints = views.stints_seen(request.user, self.at)
        return Response(queue_rows(counted(stints, querysets.DEPARTMENT_TABS, at=self.at, user=request.user)))


class Stints(AtADepartmentsDesk):
    """The stints of one list of a department's desk, the most pressing first; without a list all."""

    @extend_schema(operation_id="stints", tags=["departments"], responses=paged(DeskStint),
                   parameters=[TAB, OpenApiParameter("q", str), *CURSOR])  # fmt: skip
    def get(self, request):
        rows = views.stints_seen(request.user, self.at)
        tab = _named(querysets.DEPARTMENT_TABS, request)
        if tab is not None:
            rows = rows.filter(tab.holds(self.at, request.user))
        if words := request.query_params.get("q", "").strip():
            rows = rows.filter(case__in=Case.objects.matching(words))
        order = ("-ended_at", "-id") if tab is not None and not tab.is_counted else ("due_at", "id")
        return page(request, rows, DeskStint, order=order)
