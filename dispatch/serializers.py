"""What the API says of the command centre's and the departments' desks."""

from rest_framework import serializers

from accounts.serializers import DepartmentRow
from cases.serializers import CaseRef, StintRow


class DeskStint(StintRow):
    """A stint as one row of a department's desk."""

    case = CaseRef()
    yellow_at = serializers.DateTimeField(allow_null=True)
    clock_paused = serializers.BooleanField()
    asked = serializers.CharField(allow_null=True, help_text="What the department asks for and waits for.")


class ProposalRow(serializers.Serializer):
    """Who should get a case, why, and how sure that is (0 to 1)."""

    department = DepartmentRow()
    rule = serializers.CharField(source="proposal.rule")
    label = serializers.CharField()
    reason = serializers.CharField()
    experience = serializers.CharField()
    confidence = serializers.FloatField(source="proposal.confidence")
