"""What the API says of people and departments."""

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.models import Appointment
from accounts.roles import ROLES, SIDE_LABELS
from office.serializers import Labelled, Named

ROLE_LABELS = {str(role): info.label for role, info in ROLES.items()}


class AppointmentRow(serializers.Serializer):
    role = serializers.CharField()
    role_label = Labelled(ROLE_LABELS, source="role")
    side = serializers.SerializerMethodField()
    side_label = serializers.SerializerMethodField()
    department = Named()
    scope_area_code = serializers.CharField()

    def get_side(self, appointment: Appointment) -> str:
        return str(ROLES[appointment.role].side)

    def get_side_label(self, appointment: Appointment) -> str:
        return _(SIDE_LABELS[ROLES[appointment.role].side])


class MeBody(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    username = serializers.CharField()
    name = serializers.CharField()
    staff_number = serializers.CharField()
    language = serializers.CharField()
    appointments = AppointmentRow(many=True, source="held")
    is_on_duty = serializers.BooleanField()
    unread_messages = serializers.IntegerField()


class SeatBody(serializers.Serializer):
    on = serializers.BooleanField()


class DepartmentRow(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    code = serializers.CharField()
    name = serializers.CharField()
    short_name = serializers.CharField()
    kind = serializers.CharField()
    kind_label = serializers.CharField(source="get_kind_display")
    area_code = serializers.CharField()
    parent = Named(allow_null=True)


class PersonRow(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    staff_number = serializers.CharField()
    phone = serializers.CharField()
    is_active = serializers.BooleanField()
    is_on_duty = serializers.SerializerMethodField()
    appointments = AppointmentRow(many=True, source="held")

    def get_is_on_duty(self, person) -> bool:
        return bool(person.seats)
