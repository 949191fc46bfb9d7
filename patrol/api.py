"""The collector's phone through the API: tasks, reports, what is near; who may be sent, and who patrols where."""

from types import SimpleNamespace
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from accounts.permissions import may
from cases.api import body_of, case_page, case_row, evidence_urls, fill_in, my_moves, refuse_unless_reported
from cases.models import Case, FieldTask
from cases.permissions import open_moves
from cases.serializers import CaseRow
from components.forms import asked_place
from office.api import CURSOR, Endpoint, Problem, not_valid, page, paged
from patrol import actions, views
from patrol.forms import AssignForm, EndForm, ReportForm
from patrol.models import CollectorGrid
from patrol.permissions import collector_of, may_assign, may_send, who_may_go
from patrol.serializers import CandidateRow, FoundNear, MyTask, MyTaskBody, PatrolRow

NEAR = [
    OpenApiParameter("lon", float, required=True),
    OpenApiParameter("lat", float, required=True),
    OpenApiParameter("minor_class", str, required=True, description="The class's id."),
]


class InTheField(Endpoint):
    """For collectors."""

    def initial(self, request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if collector_of(request.user, at=self.at) is None:
            raise PermissionDenied


class Tasks(InTheField):
    """What I have to verify and to check, the most pressing first."""

    @extend_schema(operation_id="tasks", tags=["field"], responses=paged(MyTask), parameters=CURSOR)
    def get(self, request):
        waiting = FieldTask.objects.waiting_for(request.user).select_related("case__minor_class")
        return page(request, waiting.defer("case__search", "case__last_hash"), MyTask, order=("due_at", "id"))


class Task(InTheField):
    """One task of mine."""

    @extend_schema(operation_id="task", tags=["field"], responses=MyTaskBody)
    def get(self, request, task_id: UUID):
        task = get_object_or_404(
            FieldTask.objects.filter(collector=request.user).select_related("case__minor_class"), public_id=task_id
        )
        evidence = list(task.case.evidence.select_related("file"))
        buttons = [one for one in open_moves(request.user, task.case, at=self.at, tasks=[task]) if one.subject == task]
        task.shown = SimpleNamespace(
            evidence=[one for one in evidence if one.task_id != task.pk],
            answer=[one for one in evidence if one.task_id == task.pk],
            moves=my_moves(buttons),
        )
        return Response(MyTaskBody(task, context={"evidence_urls": evidence_urls(request.user, self.at)}).data)


class Reports(InTheField):
    """What I reported, the newest first; a new report."""

    @extend_schema(operation_id="my_reports", tags=["field"], responses=paged(CaseRow), parameters=CURSOR)
    def get(self, request):
        return case_page(request, Case.objects.filter(reported_by=request.user), at=self.at, order="newest")

    @extend_schema(operation_id="report", tags=["field"], responses={201: CaseRow},
                   request={"application/json": body_of("report_body", ReportForm),
                            "multipart/form-data": body_of("report_body", ReportForm)})  # fmt: skip
    def post(self, request):
        day = timezone.localdate(self.at)
        form = fill_in(lambda data, files: ReportForm(data, files, day=day), request)
        form.keep_files(by=request.user, at=self.at)
        if not form.is_valid():
            raise not_valid(form)
        case = actions.report(by=request.user, at=self.at, **form.facts())
        refuse_unless_reported(case, request.user)
        return Response(case_row(case, request, at=self.at), status=201)


class NearMe(InTheField):
    """Open cases of a class near a place, so that nobody reports one twice."""

    @extend_schema(operation_id="near_in_the_field", tags=["field"], responses=FoundNear(many=True), parameters=NEAR)
    def get(self, request):
        found = views.near_cases(*asked_place(request.query_params), at=self.at)
        return Response(FoundNear(found, many=True).data)


class Candidates(Endpoint):
    """The collectors who may be sent to verify or to check a case, the most suitable first."""

    @extend_schema(operation_id="candidates", tags=["cases"], responses=CandidateRow(many=True))
    def get(self, request, case_id: UUID, kind: str):
        found = get_object_or_404(Case.objects.visible_to(request.user, self.at), public_id=case_id)
        if kind not in views.ACTIONS:
            raise Problem("not_found")
        if not may_send(request.user, found, kind, at=self.at):
            raise PermissionDenied
        return Response(CandidateRow(who_may_go(found, kind, at=self.at), many=True).data)


class Patrols(Endpoint):
    """Who patrols which duty grid, now and later; give a collector one more."""

    @extend_schema(operation_id="patrols", tags=["field"], responses=paged(PatrolRow), parameters=CURSOR)
    def get(self, request):
        if not may_assign(request.user, at=self.at) and not may(request.user, "see_people", at=self.at):
            raise PermissionDenied
        rows = CollectorGrid.objects.not_over(timezone.localdate(self.at)).select_related("collector", "duty_grid")
        return page(request, rows, PatrolRow, order=("valid_from", "id"))

    @extend_schema(operation_id="assign_patrol", tags=["field"], responses={201: PatrolRow},
                   request=body_of("assign_patrol_body", AssignForm))  # fmt: skip
    def post(self, request):
        if not may_assign(request.user, at=self.at):
            raise PermissionDenied
        form = fill_in(lambda data, files: AssignForm(data, day=timezone.localdate(self.at)), request)
        if not form.is_valid():
            raise not_valid(form)
        said = form.cleaned_data
        made = actions.assign_grid(
            said["collector"], duty_grid=said["duty_grid"], valid_from=said["valid_from"], by=request.user, at=self.at
        )
        return Response(PatrolRow(made).data, status=201)


class EndPatrol(Endpoint):
    """From a day on a collector no longer patrols a duty grid."""

    @extend_schema(operation_id="end_patrol", tags=["field"], responses=PatrolRow,
                   request=body_of("end_patrol_body", EndForm))  # fmt: skip
    def post(self, request, public_id: UUID):
        if not may_assign(request.user, at=self.at):
            raise PermissionDenied
        patrols = CollectorGrid.objects.select_related("collector", "duty_grid")
        assignment = get_object_or_404(patrols, public_id=public_id)
        form = fill_in(lambda data, files: EndForm(data), request)
        if not form.is_valid():
            raise not_valid(form)
        actions.end_grid(assignment, on=form.cleaned_data["on"], by=request.user, at=self.at)
        return Response(PatrolRow(assignment).data)
