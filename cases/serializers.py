"""What the API says of cases: a row of a list, a case as its page shows it, the fields of a step."""

from rest_framework import serializers

from accounts.serializers import ROLE_LABELS
from cases import workflow
from cases.models import Case, CaseEvent, Evidence
from office.serializers import Labelled, Named

CLOCK_LABELS = {str(clock): label for clock, label in workflow.CLOCK_LABELS.items()}
SOURCE_LABELS = {str(source): label for source, label in workflow.SOURCE_LABELS.items()}


class ClassRef(serializers.Serializer):
    """The class of a problem."""

    id = serializers.UUIDField(source="public_id")
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()


class ClockNow(serializers.Serializer):
    """The clock that runs now, as the lamps of a list show it."""

    name = serializers.CharField(source="clock")
    label = Labelled(CLOCK_LABELS, source="clock")
    started_at = serializers.DateTimeField(source="clock_started_at", allow_null=True)
    yellow_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    is_paused = serializers.BooleanField(source="clock_paused")


class PlaceRef(serializers.Serializer):
    """A place in degrees."""

    lon = serializers.FloatField(source="x")
    lat = serializers.FloatField(source="y")


class CaseRef(serializers.Serializer):
    """What departments and collectors are told of a case beside their own part in it."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField()
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    urgency = serializers.IntegerField()
    minor_class = ClassRef()
    description = serializers.CharField()
    place = PlaceRef(source="point")
    address = serializers.CharField()
    area_names = serializers.CharField()


class CaseRow(serializers.Serializer):
    """A case as one row of a list."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField()
    version = serializers.IntegerField()
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    source = serializers.CharField()
    source_label = Labelled(SOURCE_LABELS, source="source")
    urgency = serializers.IntegerField()
    minor_class = ClassRef()
    place = PlaceRef(source="point")
    address = serializers.CharField()
    area_code = serializers.CharField()
    area_names = serializers.CharField()
    reported_at = serializers.DateTimeField()
    moved_at = serializers.DateTimeField()
    clock = ClockNow(source="*")
    holder = Named(source="holder_department", allow_null=True)

    def to_representation(self, case: Case) -> dict:
        """Whose report it was, departments and collectors do not learn (cases.views.sees_facts_only)."""
        said = super().to_representation(case)
        if self.context["facts_only"]:
            said["source"] = said["source_label"] = ""
        return said


class NearRow(CaseRow):
    """An open case near by."""

    metres = serializers.FloatField()


class StintRow(serializers.Serializer):
    """A case in the hands of one department."""

    id = serializers.UUIDField(source="public_id")
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    department = Named()
    handler = Named(allow_null=True)
    is_lead = serializers.BooleanField()
    dispatched_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField(allow_null=True)
    handed_over_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    suspended_until = serializers.DateTimeField(allow_null=True)
    rework_count = serializers.IntegerField()
    extension_count = serializers.IntegerField()
    suspension_count = serializers.IntegerField()


class TaskRow(serializers.Serializer):
    """A collector sent to verify or to check."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    collector = Named()
    sent_at = serializers.DateTimeField()
    requirement = serializers.CharField()
    result = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)


class RequestRow(serializers.Serializer):
    """What a department asks for."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    kind_label = serializers.CharField(source="get_kind_display")
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    stint = serializers.UUIDField(source="stint.public_id")
    department = Named(source="stint.department")
    ground = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    asked_by = Named()
    asked_at = serializers.DateTimeField()
    was_overdue = serializers.BooleanField()
    decided_at = serializers.DateTimeField(allow_null=True)


class EvidenceRow(serializers.Serializer):
    """A picture, sound or video of a case; its bytes are at `view`, `thumb`, or `original` where that is open."""

    id = serializers.UUIDField(source="public_id")
    usage = serializers.CharField()
    usage_label = serializers.CharField(source="get_usage_display")
    kind = serializers.CharField(source="file.kind")
    content_type = serializers.CharField(source="file.content_type")
    at = serializers.DateTimeField()
    urls = serializers.SerializerMethodField()

    def get_urls(self, one: Evidence) -> dict[str, str]:
        return self.context["evidence_urls"](one)


class DirectiveRow(serializers.Serializer):
    """A supervision or an instruction, with what was answered."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    kind_label = serializers.CharField(source="get_kind_display")
    level = serializers.CharField()
    stage = serializers.CharField()
    stage_label = serializers.CharField(source="get_stage_display")
    demand = serializers.CharField()
    reply = serializers.CharField()
    reply_by = serializers.DateField(allow_null=True)
    given_by = Named()
    given_at = serializers.DateTimeField()
    to_department = Named()


class EventRow(serializers.Serializer):
    """One step of the time line."""

    sequence = serializers.IntegerField()
    at = serializers.DateTimeField()
    verb = serializers.CharField()
    label = serializers.CharField()
    outcome = serializers.CharField()
    result = serializers.CharField()
    side = serializers.CharField()
    role = serializers.CharField()
    role_label = Labelled(ROLE_LABELS, source="role")
    actor = Named(allow_null=True)
    department = Named(allow_null=True)
    from_stage = serializers.CharField()
    to_stage = serializers.CharField()
    words = serializers.SerializerMethodField()

    def get_words(self, event: CaseEvent) -> str:
        return event.words or ""


class ClockLine(serializers.Serializer):
    """One line of a deadline's account: a stretch of time that counted, or what happened to the clock."""

    kind = serializers.CharField()
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField(allow_null=True)
    words = serializers.CharField()
    is_ahead = serializers.BooleanField()
    used_seconds = serializers.IntegerField()
    left_seconds = serializers.IntegerField()


class ClockEntryRow(serializers.Serializer):
    """What happened to a clock."""

    kind = serializers.CharField()
    label = serializers.CharField(source="get_kind_display")
    at = serializers.DateTimeField()
    due_before = serializers.DateTimeField(allow_null=True)
    due_after = serializers.DateTimeField(allow_null=True)
    event = serializers.IntegerField(source="event_sequence")


class ClockRow(serializers.Serializer):
    """One clock with how its deadline came about, line by line."""

    name = serializers.CharField(source="clock.name")
    label = serializers.CharField(source="clock.get_name_display")
    state = serializers.CharField(source="clock.state")
    state_label = serializers.CharField(source="clock.get_state_display")
    holder = Named(source="clock.holder_department", allow_null=True)
    limit_value = serializers.DecimalField(12, 6, source="clock.limit_value", allow_null=True)
    limit_unit = serializers.CharField(source="clock.limit_unit")
    started_at = serializers.DateTimeField(source="clock.started_at")
    due_at = serializers.DateTimeField(source="clock.due_at", allow_null=True)
    is_provisional = serializers.BooleanField(source="clock.is_provisional")
    limit_seconds = serializers.IntegerField(help_text="With everything granted on top.")
    used_seconds = serializers.IntegerField()
    left_seconds = serializers.IntegerField()
    lines = ClockLine(many=True, source="rows")
    entries = ClockEntryRow(many=True)


class FieldRow(serializers.Serializer):
    """One field of a step."""

    name = serializers.CharField()
    required = serializers.BooleanField()


class ChoiceRow(serializers.Serializer):
    """What may be chosen, with its words."""

    value = serializers.CharField()
    label = serializers.CharField()


class FormFieldRow(FieldRow):
    """A field with all that a form needs to know of it."""

    type = serializers.ChoiceField(
        ["text", "number", "integer", "boolean", "date", "datetime", "uuid", "choice", "choices", "files"]
    )
    label = serializers.CharField()
    help = serializers.CharField()
    max_length = serializers.IntegerField(allow_null=True)
    initial = serializers.JSONField(allow_null=True)
    choices = ChoiceRow(many=True, allow_null=True)


class FormRow(serializers.Serializer):
    """The form of a step: what must and may be said, with the choices that are open now."""

    verb = serializers.CharField()
    label = serializers.CharField()
    fields = FormFieldRow(many=True)


class MoveRow(serializers.Serializer):
    """One step that I may make now: POST to `url`, GET it for the choices of its fields."""

    verb = serializers.CharField()
    label = serializers.CharField()
    subject = serializers.CharField()
    subject_id = serializers.UUIDField()
    tone = serializers.CharField()
    url = serializers.CharField()
    fields = FieldRow(many=True)


class CaseBody(CaseRow):
    """A case as its page shows it to this person."""

    description = serializers.CharField()
    filing_condition = serializers.CharField(source="filing_condition.condition", default="")
    close_condition = serializers.CharField()
    limit_value = serializers.DecimalField(12, 6, allow_null=True)
    limit_unit = serializers.CharField()
    duty_grid = Named(allow_null=True)
    filed_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    may_see_reporter = serializers.BooleanField(source="shown.may_see_reporter")
    stints = StintRow(many=True, source="shown.stints")
    tasks = TaskRow(many=True, source="shown.tasks")
    requests = RequestRow(many=True, source="shown.requests")
    directives = DirectiveRow(many=True, source="shown.directives")
    evidence = EvidenceRow(many=True, source="shown.evidence")
    clocks = ClockRow(many=True, source="shown.explained")
    timeline = EventRow(many=True, source="shown.timeline")
    moves = MoveRow(many=True, source="shown.moves")


class QueueRow(serializers.Serializer):
    """One list of a desk and how much waits in it; a list that only grows is not counted."""

    name = serializers.CharField()
    label = serializers.CharField()
    number = serializers.IntegerField(allow_null=True)


class NearBody(serializers.Serializer):
    """Beside a case: what may be the same problem, what else is open, what is attached, when it was here before."""

    same = NearRow(many=True, source="rows")
    others = NearRow(many=True)
    attached = CaseRow(many=True)
    earlier = CaseRow(many=True)
    around = serializers.IntegerField()
