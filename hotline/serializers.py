"""What the API says at the telephone desk. Who called stands nowhere but in `OpenedRow`."""

from rest_framework import serializers

from hotline.models import CallBack
from hotline.workflow import WHY
from office.serializers import Named


class CallCase(serializers.Serializer):
    """The case that a call became or joined."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField()
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")


class CallRow(serializers.Serializer):
    """One call that a seat took, without the caller."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    kind_label = serializers.CharField(source="get_kind_display")
    urgency = serializers.IntegerField()
    result = serializers.CharField()
    result_label = serializers.CharField(source="get_result_display")
    received_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    happened_at = serializers.DateTimeField(allow_null=True)
    place = serializers.CharField()
    summary = serializers.CharField()
    answer = serializers.CharField()
    seat = Named()
    case = CallCase(allow_null=True)


class WhyBody(serializers.Serializer):
    """Why somebody's data are opened; it is noted."""

    why = serializers.ChoiceField(list(WHY))


class OpenedRow(serializers.Serializer):
    """Who reported, as it was sealed."""

    name = serializers.CharField()
    phone = serializers.CharField()
    words = serializers.CharField()


class VisitBody(serializers.Serializer):
    """How calling back went."""

    outcome = serializers.ChoiceField(CallBack.Outcome.choices)


class VisitRow(serializers.Serializer):
    """A citizen was called back."""

    case = serializers.UUIDField(source="case.public_id")
    outcome = serializers.CharField()
    outcome_label = serializers.CharField(source="get_outcome_display")
    at = serializers.DateTimeField()
