"""Who I am, my seat, departments and people."""

from django.conf import settings as installation
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from accounts import actions
from accounts.forms import PersonFilter
from accounts.middleware import BearerToken, DeskSession
from accounts.models import Duty, User
from accounts.permissions import appointments_of, may
from accounts.serializers import DepartmentRow, MeBody, PersonRow, SeatBody
from accounts.views import departments_wanted, people_wanted, takes_a_seat
from office.api import CURSOR, Endpoint, Problem, page, paged
from office.models import Message

# — who is asking, for the schema ————————————————————————————————————————————————————————————————————


class BearerTokenScheme(OpenApiAuthenticationExtension):
    target_class = BearerToken
    name = "token"

    def get_security_definition(self, auto_schema) -> dict:
        return {"type": "http", "scheme": "bearer", "description": "A token from the account page."}


class DeskSessionScheme(OpenApiAuthenticationExtension):
    target_class = DeskSession
    name = "session"

    def get_security_definition(self, auto_schema) -> dict:
        return {"type": "apiKey", "in": "cookie", "name": installation.SESSION_COOKIE_NAME,
                "description": "A page of the same origin; writes carry X-CSRFToken."}  # fmt: skip


# — me ———————————————————————————————————————————————————————————————————————————————————————————————


def _me(user: User, at) -> dict:
    user.held = appointments_of(user, at)
    user.is_on_duty = Duty.objects.on_duty(at, longest=actions.longest_shift(at)).filter(user=user).exists()
    user.unread_messages = Message.objects.unread(user).count()
    return MeBody(user).data


class Me(Endpoint):
    """Who I am today, and how many messages wait."""

    @extend_schema(operation_id="me", tags=["me"], responses=MeBody)
    def get(self, request):
        return Response(_me(request.user, self.at))


class Seat(Endpoint):
    """Take the seat or give it up: a break, the end of a shift."""

    @extend_schema(operation_id="duty", tags=["me"], request=SeatBody, responses=MeBody)
    def post(self, request):
        said = SeatBody(data=request.data)
        if not said.is_valid():
            raise Problem("not_valid", errors=said.errors)
        if not takes_a_seat(request.user, self.at):
            raise PermissionDenied
        (actions.sign_on if said.validated_data["on"] else actions.sign_off)(request.user, at=self.at)
        return Response(_me(request.user, self.at))


# — departments and people ———————————————————————————————————————————————————————————————————————————


class Departments(Endpoint):
    """The departments of today, or all that ever were."""

    @extend_schema(
        operation_id="departments", tags=["standards"], responses=paged(DepartmentRow),
        parameters=[*CURSOR, OpenApiParameter("q", str), OpenApiParameter("ended", str, enum=["yes"])],
    )  # fmt: skip
    def get(self, request):
        if not may(request.user, "see_departments", at=self.at):
            raise PermissionDenied
        rows = departments_wanted(request.query_params, day=timezone.localdate(self.at))
        return page(request, rows, DepartmentRow, order=("path", "id"))


class People(Endpoint):
    """The accounts with what each person is appointed to today."""

    @extend_schema(
        operation_id="people", tags=["standards"], responses=paged(PersonRow),
        parameters=[*CURSOR, OpenApiParameter("q", str), OpenApiParameter("role", str),
                    OpenApiParameter("department", str)],
    )  # fmt: skip
    def get(self, request):
        if not may(request.user, "see_people", at=self.at):
            raise PermissionDenied
        form = PersonFilter(request.query_params, day=timezone.localdate(self.at))
        rows = people_wanted(form, at=self.at)
        return page(request, rows, PersonRow, order=("-is_active", "username"))
