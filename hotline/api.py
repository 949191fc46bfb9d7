"""The telephone desk through the API: calls, what is near, who reported (each look noted), calling back."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from cases.api import body_of, case_page, fill_in
from cases.models import Case
from cases.serializers import CaseRow, NearRow
from cases.views import sees_facts_only
from components.forms import asked_place
from hotline import actions, views
from hotline.forms import CallForm
from hotline.models import Call, CallBack
from hotline.permissions import seat_of
from hotline.serializers import CallRow, OpenedRow, VisitBody, VisitRow, WhyBody
from office.api import CURSOR, Endpoint, Problem, not_valid, page, paged

NEAR = [
    OpenApiParameter("lon", float, required=True),
    OpenApiParameter("lat", float, required=True),
    OpenApiParameter("minor_class", str, required=True, description="The class's id."),
]


class AtTheTelephone(Endpoint):
    """For the seats that take calls."""

    def initial(self, request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if seat_of(request.user, at=self.at) is None:
            raise PermissionDenied


class Calls(AtTheTelephone):
    """The calls of this seat, the newest first; a new call."""

    @extend_schema(operation_id="calls", tags=["hotline"], responses=paged(CallRow), parameters=CURSOR)
    def get(self, request):
        rows = Call.objects.visible_to(request.user, self.at).with_row()
        return page(request, rows, CallRow, order=("-received_at", "-id"))

    @extend_schema(
        operation_id="take_call", tags=["hotline"], responses={201: CallRow},
        request=body_of("call_body", CallForm),
        parameters=[OpenApiParameter("result", str, enum=list(map(str, CallForm.NEEDED)),
                                     description="What becomes of the call; else “registered”.")],
    )  # fmt: skip
    def post(self, request):
        result = request.query_params.get("result", str(Call.Result.REGISTERED))
        if result not in CallForm.NEEDED:
            raise Problem("not_valid", errors={"result": [", ".join(map(str, CallForm.NEEDED))]})
        day = timezone.localdate(self.at)
        form = fill_in(lambda data, files: CallForm(data, day=day, result=result), request)
        if not form.is_valid():
            raise not_valid(form)
        taken = views.take_call(request, form, result, at=self.at)
        if not Call.objects.visible_to(request.user, self.at).filter(pk=taken.pk).exists():
            raise actions.AlreadyReceived()
        return Response(CallRow(Call.objects.with_row().get(pk=taken.pk)).data, status=201)


class OneCall(AtTheTelephone):
    """One call."""

    @extend_schema(operation_id="call", tags=["hotline"], responses=CallRow)
    def get(self, request, public_id: UUID):
        found = get_object_or_404(Call.objects.visible_to(request.user, self.at).with_row(), public_id=public_id)
        return Response(CallRow(found).data)


class NearTheCall(AtTheTelephone):
    """Open cases of a class near the place of a call."""

    @extend_schema(operation_id="near_the_call", tags=["hotline"], responses=NearRow(many=True), parameters=NEAR)
    def get(self, request):
        found = views.near_for_desk(request, *asked_place(request.query_params), at=self.at)
        context = {"facts_only": sees_facts_only(request.user, self.at)}
        return Response(NearRow(found, many=True, context=context).data)


def _why(request) -> str:
    said = WhyBody(data=request.data)
    if not said.is_valid():
        raise Problem("not_valid", errors=said.errors)
    return said.validated_data["why"]


class Reporter(Endpoint):
    """Who reported a case and in which words. The look is noted with its reason; its answer is kept nowhere."""

    keeps_answers = False

    @extend_schema(operation_id="open_reporter", tags=["hotline"], request=WhyBody, responses=OpenedRow(many=True))
    def post(self, request, case_id: UUID):
        case, _calls, refs = views.reporter_of(request, case_id, at=self.at)
        opened = views.open_records(refs, request.user, case.number, _why(request), at=self.at, number=case.number)
        return Response(OpenedRow(opened, many=True).data)


class Caller(AtTheTelephone):
    """Who made a call that became no case; noted as well."""

    keeps_answers = False

    @extend_schema(operation_id="open_caller", tags=["hotline"], request=WhyBody, responses=OpenedRow(many=True))
    def post(self, request, public_id: UUID):
        found = get_object_or_404(Call.objects.visible_to(request.user, self.at), public_id=public_id)
        refs = [found.reporter_ref] if found.reporter_ref else []
        opened = views.open_records(refs, request.user, str(found.public_id), _why(request), at=self.at)
        return Response(OpenedRow(opened, many=True).data)


class Visits(AtTheTelephone):
    """The ended cases whose citizen was not told the result yet, the oldest first."""

    @extend_schema(operation_id="visits", tags=["hotline"], responses=paged(CaseRow), parameters=CURSOR)
    def get(self, request):
        return case_page(request, CallBack.objects.owed(request.user, self.at), at=self.at, order="waiting")


class Visit(AtTheTelephone):
    """Note how calling a citizen back went."""

    @extend_schema(operation_id="visit", tags=["hotline"], request=VisitBody, responses=VisitRow)
    def post(self, request, case_id: UUID):
        case = get_object_or_404(Case.objects.visible_to(request.user, self.at), public_id=case_id)
        said = VisitBody(data=request.data)
        if not said.is_valid():
            raise Problem("not_valid", errors=said.errors)
        made = actions.tell_result(case, by=request.user, at=self.at, outcome=said.validated_data["outcome"])
        made.case = case
        return Response(VisitRow(made).data)


class Owed(AtTheTelephone):
    """How many citizens are still to be called back."""

    @extend_schema(operation_id="owed", tags=["hotline"],
                   responses=inline_serializer("Owed", {"owed": serializers.IntegerField()}))  # fmt: skip
    def get(self, request):
        return Response({"owed": CallBack.objects.owed(request.user, self.at).count()})
