"""The case 案卷 and what belongs to it: stints, field tasks, requests, clocks, events, evidence.

Stages are changed by `cases.actions.move` alone. Rows that prove something (CaseEvent, ClockEntry) are append-only: the
database refuses to change them (see the migration `guards`).
"""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cases import workflow
from cases.querysets import CaseQuerySet, OverrideQuerySet, RequestQuerySet, StintQuerySet, TaskQuerySet
from cases.time_limits import WORKING, Unit
from citymgmt.wording import label
from components.models import MinorClass
from grid.models import ENDS_AFTER_IT_BEGINS, Changed, Dated, Geography, Road, UnitGrid


def _choices(labels: dict[str, str], members) -> list[tuple[str, str]]:
    return [(str(member), _(labels.get(member, str(member)))) for member in members]


UNIT_CHOICES = [
    (str(Unit.CONTINUOUS_HOUR), _("continuous hours")),
    (str(Unit.WORKING_HOUR), _("working hours")),
    (str(Unit.WORKING_DAY), _("working days")),
    (str(Unit.CALENDAR_DAY), _("natural days")),
    (str(Unit.CONTINUOUS_DAY), _("continuous days")),
    (str(Unit.PLANTING_DAY), _("working days of the planting season")),
]


class Case(models.Model):
    """One problem from report to close. Its place, its promise and whoever holds it now are frozen on the row."""

    class Kind(models.TextChoices):
        DAILY = "daily", _("Daily management")
        CENSUS = "census", _("Special campaign")
        OTHER = "other", _("Other")

    class CloseType(models.TextChoices):
        NORMAL = "normal", _("Normal close")
        OVERTIME = "overtime", _("Closed over time")
        ERROR = "error", _("Closed provisionally, with errors")
        SPECIAL = "special", _("Closed by force")

    class Urgency(models.IntegerChoices):
        NORMAL = 0, _("Normal")
        URGENT = 1, _("Urgent")
        VERY_URGENT = 2, _("Very urgent")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("Case number"), max_length=32, unique=True)
    case_kind = models.CharField(_("Case kind"), max_length=10, choices=Kind.choices, default=Kind.DAILY)
    source = models.CharField(_("Source"), max_length=12, choices=_choices(workflow.SOURCE_LABELS, workflow.Source))
    stage = models.CharField(_("Stage"), max_length=24, choices=_choices(workflow.LABELS, workflow.Stage))
    version = models.PositiveIntegerField(default=0)

    # what
    minor_class = models.ForeignKey(  # found through case_class
        "components.MinorClass", models.PROTECT, db_index=False, verbose_name=_("Class")
    )
    filing_condition = models.ForeignKey(
        "components.FilingCondition", models.PROTECT, null=True, blank=True, verbose_name=_("Filing condition")
    )
    component = models.ForeignKey("components.Component", models.PROTECT, null=True, blank=True)
    description = models.TextField(_("Description"), blank=True)
    urgency = models.PositiveSmallIntegerField(_("Urgency"), choices=Urgency.choices, default=Urgency.NORMAL)
    extended_values = models.JSONField(default=dict, blank=True)

    # where
    point = models.PointField(_("Place"), srid=4490)
    point_crs = models.CharField(max_length=12, default="CGCS2000")
    accuracy_m = models.DecimalField(max_digits=7, decimal_places=1, null=True, blank=True)
    address = models.CharField(_("Address"), max_length=256, blank=True)
    unit_grid = models.ForeignKey("grid.UnitGrid", models.PROTECT, verbose_name=_("Unit grid"))
    area_code = models.CharField(_("Community code"), max_length=12)
    area_names = models.CharField(_("Area"), max_length=200, blank=True)
    duty_grid = models.ForeignKey("grid.DutyGrid", models.PROTECT, null=True, blank=True, verbose_name=_("Duty grid"))
    road = models.ForeignKey("grid.Road", models.PROTECT, null=True, blank=True, verbose_name=_("Road"))
    road_class = models.CharField(max_length=12, blank=True)

    # who
    checking_centre = models.ForeignKey(  # the centre below that checks first, while it does
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )
    supervision_centre = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    command_centre = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reporter_ref = models.UUIDField(null=True, blank=True)  # the vault's row; never shown to a department
    holder_side = models.CharField(max_length=12, blank=True)
    holder_department = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )
    holder_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    # the promise, frozen at filing
    limit_value = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    limit_unit = models.CharField(max_length=16, choices=UNIT_CHOICES, blank=True)
    close_condition = models.TextField(_("Close condition"), blank=True)

    # the clock that runs now (projection of StageClock, for queues and lamps)
    clock = models.CharField(max_length=12, blank=True)
    clock_started_at = models.DateTimeField(null=True, blank=True)
    yellow_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    clock_paused = models.BooleanField(default=False)

    # times
    reported_at = models.DateTimeField(pgettext_lazy("time", "Reported"))
    claimed_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    filed_at = models.DateTimeField(pgettext_lazy("time", "Filed"), null=True, blank=True)
    closed_at = models.DateTimeField(pgettext_lazy("time", "Closed"), null=True, blank=True)
    moved_at = models.DateTimeField()

    # flags beside the stage
    is_self_handled = models.BooleanField(default=False)
    is_duplicate = models.BooleanField(_("Duplicate"), default=False)
    is_system_dispatched = models.BooleanField(default=False)
    needs_dispatch_review = models.BooleanField(default=False)
    undo_until = models.DateTimeField(null=True, blank=True)  # it went straight through: until then it may be undone
    needs_filing_review = models.BooleanField(default=False)  # drawn for the check of what went straight through
    is_ownerless = models.BooleanField(_("Ownerless"), default=False)
    is_practice = models.BooleanField(default=False)
    close_type = models.CharField(_("Way of closing"), max_length=8, choices=CloseType.choices, blank=True)
    close_errors = models.PositiveSmallIntegerField(_("Errors at closing"), default=0)
    reopened_count = models.PositiveSmallIntegerField(default=0)
    emergency_at = models.DateTimeField(pgettext_lazy("time", "Transferred to emergency"), null=True, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged_cases")
    # Whoever reported it says that it is this one; the desk confirms.
    suggested_first = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    # It came back 反复: the case closed before at the same object or place, the first of the chain, the how-many-eth.
    recurs_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    chain = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    recurrence = models.PositiveSmallIntegerField(default=0, db_default=0)

    # the chain of events, so that the next one needs no look-up
    event_count = models.PositiveIntegerField(default=0)
    last_hash = models.BinaryField(max_length=32, default=b"")
    words_erased_at = models.DateTimeField(null=True, blank=True)  # the texts of its events, by a rule of retention
    search = SearchVectorField(null=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("Case")
        verbose_name_plural = _("Cases")
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                name="case_closed_means_closed_at",
                condition=Q(stage="closed", closed_at__isnull=False) | ~Q(stage="closed") & Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="case_filed_means_condition",
                condition=Q(filed_at__isnull=True) | Q(filing_condition__isnull=False),
            ),
            models.CheckConstraint(
                name="case_limit_has_a_unit",
                condition=Q(limit_value__isnull=True, limit_unit="") | Q(limit_value__gt=0) & ~Q(limit_unit=""),
            ),
            models.CheckConstraint(
                name="case_departments_only_after_filing",
                condition=~Q(stage__in=[str(s) for s in (*workflow.AFTER_FILING, workflow.Stage.CLOSED)])
                | Q(filed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="case_merged_means_first",
                condition=Q(stage="merged", merged_into__isnull=False) & ~Q(merged_into=models.F("id"))
                | ~Q(stage="merged") & Q(merged_into__isnull=True),
            ),
            models.CheckConstraint(
                name="case_recurs_in_a_chain",
                condition=Q(recurs_of__isnull=True, chain__isnull=True, recurrence=0)
                | Q(recurs_of__isnull=False, chain__isnull=False, recurrence__gt=0),
            ),
        ]
        indexes = [
            # A page of a desk: a stage in the order of `by_danger`; visibility and filters are judged inside the index.
            models.Index(
                fields=[
                    "stage",
                    "-urgency",
                    "clock_paused",
                    "due_at",
                    "id",
                    "supervision_centre",
                    "command_centre",
                    "area_code",
                    "source",
                ],
                name="case_open_queue",
                condition=Q(stage__in=[str(s) for s in workflow.OPEN]),
            ),
            models.Index(
                fields=["-moved_at", "-id"], name="case_ended", condition=~Q(stage__in=[str(s) for s in workflow.OPEN])
            ),
            # Few of all that ended, so that nobody reads through a million closed ones to find them.
            models.Index(
                fields=["-moved_at", "-id", "stage"],
                name="case_ended_otherwise",
                condition=Q(stage__in=[str(s) for s in workflow.ENDED_OTHERWISE]),
            ),
            models.Index(
                fields=["command_centre", "id"], name="case_dispatch_review", condition=Q(needs_dispatch_review=True)
            ),
            models.Index(fields=["-reported_at"], name="case_reported"),
            models.Index(fields=["-closed_at"], name="case_closed", condition=Q(closed_at__isnull=False)),
            models.Index(fields=["-filed_at"], name="case_filed", condition=Q(filed_at__isnull=False)),
            models.Index(fields=["minor_class", "-reported_at"], name="case_class"),
            models.Index(fields=["area_code", "-reported_at"], name="case_area"),
            models.Index(fields=["undo_until"], name="case_undo", condition=Q(undo_until__isnull=False)),
            models.Index(
                fields=["supervision_centre", "id"], name="case_filing_review", condition=Q(needs_filing_review=True)
            ),
            models.Index(fields=["reporter_ref"], name="case_reporter", condition=Q(reporter_ref__isnull=False)),
            models.Index(
                fields=["moved_at"],
                name="case_words_kept",
                condition=Q(stage__in=sorted(str(s) for s in workflow.FINAL), words_erased_at__isnull=True),
            ),
            GinIndex(fields=["search"], name="case_search"),
            # The class stands in them too: else its hundreds of thousands of cases are read to find the few at a place.
            GistIndex(
                Geography(models.F("point")),
                "minor_class",
                name="case_open_near",
                condition=Q(stage__in=[str(s) for s in workflow.OPEN]),
            ),
            GistIndex(
                Geography(models.F("point")),
                "minor_class",
                name="case_closed_near",
                condition=Q(closed_at__isnull=False),
            ),
            models.Index(fields=["chain"], name="case_chain", condition=Q(chain__isnull=False)),
        ]

    is_as_read = False  # of the database, and not a row that was made or moved in memory

    @classmethod
    def from_db(cls, db, field_names, values):
        """Return a row that was read, and remembers it."""
        row = super().from_db(db, field_names, values)
        row.is_as_read = True
        return row

    def __str__(self) -> str:
        return self.number

    @property
    def leading_case(self) -> "Case":
        """The case that is worked on: the first this one was attached to, else itself."""
        return self.merged_into or self

    @property
    def is_open(self) -> bool:
        """True while somebody still has to do something."""
        return self.stage not in workflow.FINAL

    @property
    def stage_label(self) -> str:
        """The stage in words. Lists ask it of every row: a look into one table, where Django makes one each time."""
        return label(workflow.LABELS[self.stage])

    @property
    def source_label(self) -> str:
        """Where it came from, in words."""
        return label(workflow.SOURCE_LABELS[self.source])

    @property
    def clock_label(self) -> str:
        """What the clock that runs now measures; "" when none does."""
        return gettext(workflow.CLOCK_LABELS[self.clock]) if self.clock else ""


class HandlingStint(models.Model):
    """One case in the hands of one department, from dispatch to accepted hand-over or withdrawal 处置段.

    A department may give it on to one below it: a stint of its own with `parent`. Below the first level a stint is
    nothing the case waits for; its parent is.
    """

    class Verdict(models.TextChoices):
        ACCURATE = "accurate", _("Accurate dispatch")
        WRONG = "wrong", _("Wrong dispatch")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="stints")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="stints")
    department_path = models.CharField(max_length=400)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="below")
    from_department = models.ForeignKey(  # the department of the level above, None where the command centre sent it
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )
    on_behalf_of = models.ForeignKey(  # proxy handling 代处置: the owner for whom this department does it
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_lead = models.BooleanField(default=True)
    is_required = models.BooleanField(default=True)  # the case waits for it; never so below the first level
    stage = models.CharField(max_length=20, choices=_choices(workflow.STINT_LABELS, workflow.StintStage))
    handler = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    dispatched_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    dispatched_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)  # the last time: again after a return
    limit_value = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)  # None: the case's
    limit_unit = models.CharField(max_length=16, choices=UNIT_CHOICES, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)  # the handler's, inside the department
    handed_over_at = models.DateTimeField(null=True, blank=True)  # the last one: judged by it
    ended_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    rework_count = models.PositiveSmallIntegerField(default=0)
    extension_count = models.PositiveSmallIntegerField(default=0)
    suspension_count = models.PositiveSmallIntegerField(default=0)
    suspended_until = models.DateTimeField(null=True, blank=True)
    suspended_overdue = models.BooleanField(default=False)
    is_shirked = models.BooleanField(default=False)
    is_undone = models.BooleanField(default=False)  # taken back within minutes: it counts nowhere
    dispatch_verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True)
    deferred_at = models.DateTimeField(null=True, blank=True)
    stock_at = models.DateTimeField(null=True, blank=True)  # entered the stock list 积存
    left_stock_at = models.DateTimeField(null=True, blank=True)
    proposal_rule = models.CharField(max_length=40, blank=True)

    objects = StintQuerySet.as_manager()

    class Meta:
        verbose_name = _("Handling stint")
        verbose_name_plural = _("Handling stints")
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["case", "department"],
                name="stint_one_open_per_department",
                condition=Q(stage__in=[str(s) for s in workflow.STINT_OPEN]),
            ),
            models.CheckConstraint(
                name="stint_below_has_a_level_above",
                condition=Q(parent__isnull=True, from_department__isnull=True)
                | Q(parent__isnull=False, from_department__isnull=False, is_required=False),
            ),
            models.CheckConstraint(
                name="stint_stock_in_order",
                condition=Q(left_stock_at__isnull=True) | Q(stock_at__isnull=False),
            ),
            models.CheckConstraint(
                name="stint_suspended_until",
                condition=~Q(stage="suspended") | Q(suspended_until__isnull=False),
            ),
            models.CheckConstraint(
                name="stint_handed_over_means_time",
                condition=~Q(stage__in=["handed_over", "accepted"]) | Q(handed_over_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["department", "stage", "due_at", "id"], name="stint_department_queue"),
            models.Index(
                fields=["handler", "stage", "due_at"],
                name="stint_handler_queue",
                condition=Q(stage__in=[str(s) for s in workflow.STINT_OPEN]),
            ),
            models.Index(
                fields=["stage", "case"],
                name="stint_open",
                condition=Q(stage__in=[str(s) for s in workflow.STINT_OPEN]),
            ),
            models.Index(
                fields=["department", "stage", "-ended_at", "-id"],
                name="stint_department_ended",
                condition=~Q(stage__in=[str(s) for s in workflow.STINT_OPEN]),
            ),
            models.Index(fields=["department", "-dispatched_at"], name="stint_department_time"),
            models.Index(fields=["deferred_at"], name="stint_deferred", condition=Q(deferred_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} · {self.department_id}"

    @property
    def stage_label(self) -> str:
        """The stage in words."""
        return gettext(workflow.STINT_LABELS[self.stage])

    @property
    def kind(self) -> str:
        """Which moves it knows: those of the first level, or those of a level below."""
        return workflow.SUB if self.parent_id else workflow.MAIN


class FieldTask(models.Model):
    """One collector sent to verify 核实 (before filing) or to check 核查 (after handling) on the spot."""

    class Kind(models.TextChoices):
        VERIFY = "verify", _("Verification")
        INSPECT = "inspect", _("Inspection")
        CHECK = "check", _("Check")
        SPOT = "spot", _("Spot check")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    stage = models.CharField(max_length=12, choices=_choices(workflow.LABELS, workflow.TaskStage))
    collector = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="field_tasks")
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    sent_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)  # the collector looked at it: he is on his way
    requirement = models.CharField(_("Requirement"), max_length=500, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)  # a check in the same period of the day waits for it
    result = models.CharField(max_length=8, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    point = models.PointField(srid=4490, null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("Field task")
        verbose_name_plural = _("Field tasks")
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["case", "kind"], name="task_one_sent_per_kind", condition=Q(stage="sent")),
            models.CheckConstraint(
                name="task_answered_means_result",
                condition=~Q(stage="answered") | Q(answered_at__isnull=False) & ~Q(result=""),
            ),
        ]
        indexes = [models.Index(fields=["collector", "stage", "due_at"], name="task_collector_queue")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.case_id}"


class Request(models.Model):
    """What a department asks of the centres: return 回退, extension 延期, suspension 挂账, and the rarer ones.

    It walks its chain, frozen when it was asked: roles in order, `step` of them have approved. The last one decides.
    """

    class Kind(models.TextChoices):
        RETURN = "return", _("Return")
        EXTENSION = "extension", _("Extension")
        SUSPENSION = "suspension", _("Suspension")
        DEFERRAL = "deferral", _("Deferral")
        VOIDING = "voiding", _("Voiding")
        DISPUTE = "dispute", _("Dispute of responsibility")
        APPEAL = "appeal", _("Overtime appeal")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="requests")
    stint = models.ForeignKey(HandlingStint, models.PROTECT, related_name="requests")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    stage = models.CharField(max_length=12, choices=_choices(workflow.LABELS, workflow.RequestStage))
    ground = models.CharField(_("Ground"), max_length=40, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    chain = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    step = models.PositiveSmallIntegerField(default=0)
    length = models.DecimalField(_("More time"), max_digits=12, decimal_places=6, null=True, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    was_overdue = models.BooleanField(default=False)  # asked after the deadline: never cures lateness
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = RequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("Request")
        verbose_name_plural = _("Requests")
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["stint", "kind"], name="request_one_pending_per_kind", condition=Q(stage="pending")
            ),
            models.CheckConstraint(
                name="request_decided_means_time",
                condition=~Q(stage__in=["granted", "refused"]) | Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.case_id}"


class Approval(models.Model):
    """What one of those who are asked said about a request. His words stand beside the event."""

    request = models.ForeignKey(Request, models.PROTECT, related_name="approvals")
    step = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=24)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    is_granted = models.BooleanField()
    event_sequence = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("Opinion on a request")
        verbose_name_plural = _("Opinions on requests")
        ordering = ("request", "step")
        constraints = [
            models.UniqueConstraint(fields=["request", "step"], name="approval_one_for_each_step"),
            models.UniqueConstraint(fields=["request", "by"], name="approval_nobody_twice"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.step} {self.role}"


class Adjustment(models.Model):
    """What an upheld appeal changes: evaluation takes the stint as on time, the overrun stays visible everywhere."""

    class Kind(models.TextChoices):
        RESTATE = "restate", _("Counts as on time")

    case = models.ForeignKey(Case, models.PROTECT, related_name="adjustments")
    stint = models.OneToOneField(HandlingStint, models.PROTECT, related_name="adjustment")
    request = models.OneToOneField(Request, models.PROTECT, related_name="adjustment")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.RESTATE)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("Adjustment")
        verbose_name_plural = _("Adjustments")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.stint_id} {self.kind}"


class Directive(models.Model):
    """A push from above 催办/督办/批示: it changes no stage and no clock; a supervision may ask for a reply.

    The alarm sweep tells whoever holds the case (`told_at`), so that no push is lost and none is told twice.
    """

    class Kind(models.TextChoices):
        URGE = "urge", _("Urging")
        SUPERVISE = "supervise", _("Supervision order")
        INSTRUCT = "instruct", _("Leader's instruction")

    class Level(models.TextChoices):
        OVERTIME = "overtime", _("Overtime")
        LEADER = "leader", _("Leader's order")
        KEY = "key", _("Key case")
        NONE = "none", _("Ordinary")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="directives")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    level = models.CharField(_("Level"), max_length=10, choices=Level.choices)
    stage = models.CharField(max_length=10, choices=_choices(workflow.LABELS, workflow.DirectiveStage))
    demand = models.CharField(_("Demand"), max_length=500, blank=True)
    needs_reply = models.BooleanField(_("A reply is required"), default=True)
    reply_by = models.DateField(_("Reply by"), null=True, blank=True)
    to_department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    reply = models.CharField(_("Reply"), max_length=2000, blank=True)
    replied_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    replied_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Supervision")
        verbose_name_plural = _("Supervisions")
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                name="directive_replied_means_time",
                condition=Q(stage="open", replied_at__isnull=True) | ~Q(stage="open"),
            )
        ]
        indexes = [
            models.Index(fields=["to_department", "given_at"], name="directive_open", condition=Q(stage="open")),
            models.Index(fields=["id"], name="directive_untold", condition=Q(told_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.case_id}"


class CasePart(models.Model):
    """The part one person has in one case: one side, and either a hand in it or a judgement on it, never both.

    The database holds the separation of powers with this row: (case, actor) is unique, every event refers to
    (case, actor, side), and the check constraint refuses a judge who had a hand in it. Free of races.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="parts")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    side = models.CharField(max_length=12)
    had_hand = models.BooleanField(default=False)
    has_judged = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("Part in a case")
        constraints = [
            models.UniqueConstraint(fields=["case", "actor"], name="part_one_side_per_case"),
            models.CheckConstraint(name="part_never_hand_and_judge", condition=~Q(had_hand=True, has_judged=True)),
        ]
        indexes = [models.Index(fields=["actor", "-case"], name="part_mine")]

    def __str__(self) -> str:
        return f"{self.case_id} · {self.actor_id} · {self.side}"


class CaseEvent(models.Model):
    """One step of a case, append-only and chained 流程记录. `payload` are the very bytes that were hashed."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    verb = models.CharField(max_length=24)
    subject = models.CharField(max_length=10)
    subject_id = models.UUIDField()
    outcome = models.CharField(max_length=12, blank=True)
    side = models.CharField(max_length=12)
    proof = models.CharField(max_length=8, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    role = models.CharField(max_length=24, blank=True)
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    from_stage = models.CharField(max_length=24, blank=True)
    to_stage = models.CharField(max_length=24)
    facts = models.JSONField(default=dict)
    format_version = models.PositiveSmallIntegerField(default=1)
    payload = models.BinaryField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("Case event")
        ordering = ("case_id", "sequence")
        constraints = [models.UniqueConstraint(fields=["case", "sequence"], name="event_sequence")]
        indexes = [
            models.Index(fields=["-at"], name="event_at"),
            models.Index(fields=["actor", "-at"], name="event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.sequence} {self.verb}"


class EventText(models.Model):
    """The free text of a step, beside its event: retention may erase it, the salted hash in the event stays."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="texts")
    sequence = models.PositiveIntegerField()
    salt = models.BinaryField(max_length=16)
    text = models.TextField(blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Text of an event")
        constraints = [
            models.UniqueConstraint(fields=["case", "sequence"], name="event_text_sequence"),
            models.CheckConstraint(
                name="event_text_erased_is_empty", condition=Q(erased_at__isnull=True) | Q(text="", salt=b"")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.sequence}"


class Checkpoint(models.Model):
    """What all cases came to up to one night, append-only and chained 历史校验点. See cases/checkpoint.py.

    It covers the events and clock entries with `…_after < id <= …_upto`. `leaves` has a line for each case that they
    belong to; `payload` are the very bytes that were hashed.
    """

    number = models.PositiveIntegerField(unique=True)
    day = models.DateField()
    made_at = models.DateTimeField()
    events_after = models.BigIntegerField()
    events_upto = models.BigIntegerField()
    entries_after = models.BigIntegerField()
    entries_upto = models.BigIntegerField()
    event_count = models.PositiveIntegerField()
    entry_count = models.PositiveIntegerField()
    case_count = models.PositiveIntegerField()
    total_events = models.PositiveBigIntegerField()
    leaves = models.BinaryField()
    payload = models.BinaryField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("Checkpoint of the history")
        verbose_name_plural = _("Checkpoints of the history")
        ordering = ("number",)
        indexes = [models.Index(fields=["-day"], name="checkpoint_day")]

    def __str__(self) -> str:
        return f"{self.number} {self.day}"


class HistoryCheck(models.Model):
    """One run of the proof over the history: what it looked at and what it found."""

    class Scope(models.TextChoices):
        RECENT = "recent", _("Cases of the last days")
        ALL = "all", _("All cases")

    scope = models.CharField(_("Looked at"), max_length=8, choices=Scope.choices)
    started_at = models.DateTimeField(_("Begun"))
    finished_at = models.DateTimeField(_("Ended"), null=True)
    cases_upto = models.BigIntegerField(default=0)  # the key of the last case looked at, while it goes on in slices
    event_count = models.PositiveBigIntegerField(default=0)
    case_count = models.PositiveBigIntegerField(default=0)
    checkpoint_count = models.PositiveIntegerField(default=0)
    finding_count = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)  # the first of them: [code, case number, sequence, detail]

    class Meta:
        verbose_name = _("Proof of the history")
        verbose_name_plural = _("Proofs of the history")
        ordering = ("-started_at", "-id")

    def __str__(self) -> str:
        return f"{self.scope} {self.started_at:%Y-%m-%d}"


class LegalHold(models.Model):
    """Nothing of this case is erased while the hold stands: somebody needs it as it is 证据保全."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="holds")
    why = models.CharField(_("Why"), max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Legal hold")
        verbose_name_plural = _("Legal holds")
        ordering = ("-at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["case"], name="hold_one_at_a_time", condition=Q(ended_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.at:%Y-%m-%d}"


class StageClock(models.Model):
    """One clock of a case: a stage visit at a desk, a task, or the handling of one stint. Projection of its entries."""

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("bulk", "Running")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped")

    case = models.ForeignKey(Case, models.PROTECT, related_name="clocks")
    stint = models.ForeignKey(HandlingStint, models.PROTECT, null=True, blank=True, related_name="clocks")
    task = models.ForeignKey(FieldTask, models.PROTECT, null=True, blank=True, related_name="clocks")
    name = models.CharField(max_length=12, choices=_choices(workflow.CLOCK_LABELS, workflow.Clock))
    holder_department = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )
    holder_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices)
    limit_value = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    limit_unit = models.CharField(max_length=16, choices=UNIT_CHOICES, blank=True)
    schedule_version = models.CharField(max_length=40, blank=True)
    is_provisional = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    running_since = models.DateTimeField(null=True, blank=True)
    used_seconds = models.BigIntegerField(default=0)  # work time used up to running_since
    extra_seconds = models.BigIntegerField(default=0)  # work time granted by extensions
    earlier_seconds = models.BigIntegerField(
        default=0, db_default=0
    )  # of the used time, what an earlier limit had to bear
    limit_began_at = models.DateTimeField(null=True, blank=True)  # the present limit, where rework brought a new one
    due_at = models.DateTimeField(null=True, blank=True)
    yellow_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    resume_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    told_level = models.PositiveSmallIntegerField(default=0)  # how far it was told: cases/escalation.py
    rounds = models.PositiveSmallIntegerField(default=1)

    class Meta:
        verbose_name = _("Clock")
        verbose_name_plural = _("Clocks")
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                name="clock_stopped_means_time",
                condition=Q(state="stopped", stopped_at__isnull=False)
                | ~Q(state="stopped") & Q(stopped_at__isnull=True),
            ),
            models.CheckConstraint(
                name="clock_paused_means_time",
                condition=Q(state="paused", paused_at__isnull=False) | ~Q(state="paused") & Q(paused_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["case", "name"],
                name="clock_one_open_at_a_desk",
                condition=Q(stint__isnull=True, task__isnull=True) & ~Q(state="stopped"),
            ),
            models.UniqueConstraint(
                fields=["stint", "name"], name="clock_one_open_of_a_stint", condition=~Q(state="stopped")
            ),
            models.UniqueConstraint(
                fields=["task", "name"], name="clock_one_open_of_a_task", condition=~Q(state="stopped")
            ),
        ]
        indexes = [
            models.Index(fields=["next_look_at"], name="clock_next_look", condition=Q(next_look_at__isnull=False)),
            models.Index(fields=["name", "-started_at"], name="clock_name_started"),
            models.Index(fields=["id"], name="clock_running", condition=Q(state="running")),
            models.Index(
                fields=["due_at"],
                name="clock_open_in_work_time",
                condition=Q(limit_unit__in=[str(unit) for unit in sorted(WORKING)]) & ~Q(state="stopped"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.name} {self.state}"


class AlarmChain(models.Model):
    """When and to whom the clocks that it names ring 告警升级链; empty means any, the narrowest row holds."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("Name of the chain"), max_length=60)
    kind = models.CharField(_("Kind"), max_length=9, choices=MinorClass.Kind, blank=True)
    major_code = models.CharField(_("Major class"), max_length=2, blank=True)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, null=True, blank=True, verbose_name=_("Minor class"))
    clock = models.CharField(_("Clock"), max_length=12, blank=True)
    urgency = models.PositiveSmallIntegerField(_("Urgency"), choices=Case.Urgency.choices, null=True, blank=True)
    area_code = models.CharField(_("Area code"), max_length=12, blank=True)
    steps = models.JSONField(default=list)  # rows of cases.escalation.Step, in the order of the page
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True)  # when the sweep last looked at all clocks because of it

    class Meta:
        verbose_name = _("Escalation chain")
        verbose_name_plural = _("Escalation chains")
        ordering = ("name", "valid_from", "id")
        constraints = [
            models.CheckConstraint(
                name="alarm_chain_period", condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from"))
            ),
            models.CheckConstraint(name="alarm_chain_major_class_of_a_kind", condition=Q(major_code="") | ~Q(kind="")),
            models.CheckConstraint(
                name="alarm_chain_one_way_to_name_the_class",
                condition=Q(minor_class__isnull=True) | Q(kind="", major_code=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.valid_from}"

    @property
    def clock_label(self) -> str:
        """Return the clock's name as a reader knows it; "" for any."""
        return gettext(workflow.CLOCK_LABELS[workflow.Clock(self.clock)]) if self.clock else ""


class ClockEntry(models.Model):
    """What happened to a clock, append-only: "as it was at the cut-off" can always be answered from these."""

    class Kind(models.TextChoices):
        START = "start", _("Start")
        PAUSE = "pause", _("Pause")
        RESUME = "resume", _("Resume")
        EXTEND = "extend", _("Extension")
        RECOMPUTE = "recompute", _("Recomputed")
        REOPEN = "reopen", _("Runs on")
        STOP = "stop", _("Stop")

    clock = models.ForeignKey(StageClock, models.PROTECT, related_name="entries")
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    due_before = models.DateTimeField(null=True, blank=True)
    due_after = models.DateTimeField(null=True, blank=True)
    used_seconds = models.BigIntegerField(default=0)
    event_sequence = models.PositiveIntegerField()
    note = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = _("Clock entry")
        ordering = ("clock_id", "id")

    def __str__(self) -> str:
        return f"{self.clock_id} {self.kind}"


class Evidence(models.Model):
    """A picture, sound or video of a case and what it shows 附件."""

    class Usage(models.TextChoices):
        NEAR = "near", _("Near")
        FAR = "far", _("Far")
        REFERENCE = "reference", _("With reference")
        BEFORE = "before", _("Before")
        AFTER = "after", _("After")
        VERIFY = "verify", _("Verification")
        CHECK = "check", _("Check")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence")
    file = models.ForeignKey("office.StoredFile", models.PROTECT, related_name="+")
    usage = models.CharField(max_length=10, choices=Usage.choices)
    stint = models.ForeignKey(HandlingStint, models.PROTECT, null=True, blank=True, related_name="+")
    task = models.ForeignKey(FieldTask, models.PROTECT, null=True, blank=True, related_name="+")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    from_reporter = models.BooleanField(default=False)  # a citizen's: the original is protected
    point = models.PointField(srid=4490, null=True, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("Evidence")
        verbose_name_plural = _("Evidence")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.case_id} {self.usage}"


class CalendarDay(models.Model):
    """A day that differs from its weekday: a statutory holiday 法定节假日 or a make-up working day 调休工作日."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", _("Statutory holiday")
        MAKE_UP = "make_up", _("Make-up working day")

    date = models.DateField(_("Date"), unique=True)
    kind = models.CharField(_("Kind"), max_length=8, choices=Kind.choices)
    name = models.CharField(_("Name"), max_length=60, blank=True)
    source = models.CharField(_("Source"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("Calendar day")
        verbose_name_plural = _("Calendar days")
        ordering = ("date",)

    def __str__(self) -> str:
        return f"{self.date} {self.kind}"


class WorkScheduleSpan(models.Model):
    """One daily span of working time, with dates of validity 工作时间方案; of the city or of an area.

    An area with rows of its own keeps these alone; of several areas around a place the smallest decides.
    """

    area_code = models.CharField(_("Area code"), max_length=12, blank=True)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid to"), null=True, blank=True)
    opens_at = models.TimeField(_("From"))
    closes_at = models.TimeField(_("To"))
    note = models.CharField(_("Note"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("Working hours")
        verbose_name_plural = _("Working hours")
        ordering = ("area_code", "valid_from", "opens_at")
        constraints = [
            models.CheckConstraint(name="span_opens_before_it_closes", condition=Q(opens_at__lt=models.F("closes_at")))
        ]

    def __str__(self) -> str:
        return f"{self.valid_from}: {self.opens_at}–{self.closes_at}"


MONTH_AND_DAY = r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


class SeasonSpan(models.Model):
    """When, every year, a season lasts: from month and day to month and day, both within it 种植季节."""

    class Name(models.TextChoices):
        PLANTING = "planting", _("Planting season")

    name = models.CharField(_("Season"), max_length=8, choices=Name, default=Name.PLANTING)
    area_code = models.CharField(_("Area code"), max_length=12, blank=True)
    begins_on = models.CharField(_("Begins on (month-day)"), max_length=5)
    ends_on = models.CharField(_("Ends on (month-day)"), max_length=5)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid to"), null=True, blank=True)
    note = models.CharField(_("Note"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("Season")
        verbose_name_plural = _("Seasons")
        ordering = ("name", "area_code", "valid_from", "begins_on")
        constraints = [
            models.CheckConstraint(
                name="season_month_and_day",
                condition=Q(begins_on__regex=MONTH_AND_DAY, ends_on__regex=MONTH_AND_DAY),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.begins_on}–{self.ends_on}"


class CalendarState(models.Model):
    """One row: until when the official calendar is known, and the version that clocks are counted with now."""

    official_until = models.DateField(_("Official until"))
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("State of the calendar")

    def __str__(self) -> str:
        return str(self.official_until)


class CalendarVersion(models.Model):
    """The whole calendar as it stood in one version, so that a clock of then can still explain itself.

    `changed`: [[area code, first day, last day], …], where it counts otherwise than the version before, or [] when
    nothing known before changed. `recounted_at`: when the last open clock had followed it.
    """

    number = models.PositiveIntegerField(unique=True)
    rows = models.JSONField()
    changed = models.JSONField(default=list)
    source = models.CharField(_("Source"), max_length=120, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    moved = models.PositiveIntegerField(default=0)
    recounted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Version of the calendar")
        verbose_name_plural = _("Versions of the calendar")
        ordering = ("number",)
        indexes = [
            models.Index(fields=["number"], name="calendar_to_be_followed", condition=Q(recounted_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"calendar-{self.number}"


class LimitOverride(Dated, Changed):
    """Another limit for some cases 时限调整: of a condition or class, in an area, on a road, at an urgency; empty: any.

    Read once, at filing; what was promised then stays. Either a limit of its own, or a share of the usual one.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    minor_class = models.ForeignKey(
        "components.MinorClass", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Class")
    )
    filing_condition = models.ForeignKey(
        "components.FilingCondition", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("Filing condition"),
    )  # fmt: skip
    area_code = models.CharField(_("Area code"), max_length=12, blank=True)
    area_class = models.CharField(_("Class of area"), max_length=1, choices=UnitGrid.AreaClass, blank=True)
    road_class = models.CharField(_("Road class"), max_length=9, choices=Road.RoadClass, blank=True)
    urgency = models.PositiveSmallIntegerField(_("Urgency"), choices=Case.Urgency, null=True, blank=True)
    limit_value = models.DecimalField(_("Limit"), max_digits=12, decimal_places=6, null=True, blank=True)
    limit_unit = models.CharField(_("Unit of the limit"), max_length=16, choices=UNIT_CHOICES, blank=True)
    share = models.DecimalField(_("Share of the usual limit"), max_digits=5, decimal_places=3, null=True, blank=True)
    note = models.CharField(_("Note"), max_length=200, blank=True)

    objects = OverrideQuerySet.as_manager()

    class Meta:
        verbose_name = _("Limit for some cases")
        verbose_name_plural = _("Limits for some cases")
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(name="override_period", condition=ENDS_AFTER_IT_BEGINS),
            models.CheckConstraint(
                name="override_limit_or_share",
                condition=Q(limit_value__gt=0, share__isnull=True) & ~Q(limit_unit="")
                | Q(limit_value__isnull=True, limit_unit="", share__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minor_class_id or '*'} {self.area_code or '*'} {self.limit_value or self.share}"


# — many cases at once ————————————————————————————————————————————————————————————————————————————————


class BulkRun(models.Model):
    """One order for many cases 批量办理: looked at first, then done row by row; it can be left and come back to."""

    class State(models.TextChoices):
        LOOKING = "looking", pgettext_lazy("bulk", "Being looked at")
        READY = "ready", _("Waiting for your yes")
        RUNNING = "running", _("Running")
        DONE = "done", pgettext_lazy("bulk", "Done")
        DROPPED = "dropped", _("Dropped")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    verb = models.CharField(max_length=24)
    state = models.CharField(max_length=8, choices=State.choices, default=State.LOOKING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    language = models.CharField(max_length=10)
    said = models.JSONField(default=dict)  # what was filled in once for all of them
    back = models.CharField(max_length=500, blank=True)  # the address of the queue it was chosen from
    undoes = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="undone_by")
    path = models.CharField(max_length=120, blank=True)  # of the file that was made
    asked_at = models.DateTimeField()
    stepped_at = models.DateTimeField()  # the last sign of life
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Bulk run")
        verbose_name_plural = _("Bulk runs")
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                name="bulk_ended_means_time",
                condition=Q(state__in=["done", "dropped"], ended_at__isnull=False)
                | ~Q(state__in=["done", "dropped"]) & Q(ended_at__isnull=True),
            )
        ]
        indexes = [
            models.Index(fields=["by", "-id"], name="bulk_mine"),
            models.Index(fields=["stepped_at"], name="bulk_under_way", condition=Q(state__in=["looking", "running"])),
            models.Index(fields=["asked_at"], name="bulk_age"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.asked_at:%Y-%m-%d %H:%M}"


class BulkRow(models.Model):
    """One case of a bulk run: what would happen, then what did, in the language of whoever asked. Each once."""

    class State(models.TextChoices):
        NEW = "new", _("Not looked at yet")
        READY = "ready", _("Will be done")
        EXCEPTED = "excepted", _("Exception")
        DONE = "done", pgettext_lazy("bulk", "Done")
        REFUSED = "refused", _("Not done")

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="rows")
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    place = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    words = models.CharField(max_length=400, blank=True)
    facts = models.JSONField(default=dict)  # what the preview promised: the department, the collector
    subject_id = models.UUIDField(null=True, blank=True)  # what it is made on, and afterwards what it made

    class Meta:
        verbose_name = _("Row of a bulk run")
        verbose_name_plural = _("Rows of bulk runs")
        ordering = ("run", "place")
        constraints = [models.UniqueConstraint(fields=["run", "case"], name="bulk_each_case_once")]
        indexes = [models.Index(fields=["run", "state", "place"], name="bulk_next_row")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.case_id} {self.state}"
