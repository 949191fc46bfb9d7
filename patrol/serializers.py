"""What the API says to a collector, and to the desk that sends him."""

from rest_framework import serializers

from cases.serializers import CaseRef, EvidenceRow, MoveRow
from office.serializers import Named


class MyTask(serializers.Serializer):
    """One task of mine: what to look at and where. For a check never whose department did the work."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    kind_label = serializers.CharField(source="get_kind_display")
    stage = serializers.CharField()
    case = CaseRef()
    requirement = serializers.CharField()
    sent_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    result = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)


class MyTaskBody(MyTask):
    """One task of mine with its pictures and the answer it waits for."""

    evidence = EvidenceRow(many=True, source="shown.evidence")
    answer = EvidenceRow(many=True, source="shown.answer")
    moves = MoveRow(many=True, source="shown.moves")


class CandidateRow(serializers.Serializer):
    """A collector who may be sent."""

    collector = Named()
    staff_number = serializers.CharField(source="collector.staff_number")
    is_on_duty = serializers.BooleanField()
    patrols_here = serializers.BooleanField()
    open_tasks = serializers.IntegerField()
    metres = serializers.FloatField(allow_null=True)


class FoundNear(serializers.Serializer):
    """A similar open case near a place: facts, no more."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField()
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    address = serializers.CharField()
    reported_at = serializers.DateTimeField()
    metres = serializers.FloatField()


class PatrolRow(serializers.Serializer):
    """Who patrols a duty grid, from when until when."""

    id = serializers.UUIDField(source="public_id")
    collector = Named()
    duty_grid = Named()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)
