"""Who answers for what 权责矩阵, what became of earlier dispatches, what goes straight through, who agrees to requests.

What is dispatched, and to whom, lies in `cases`: cases, stints, requests.
"""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models import Request
from components.models import MinorClass
from dispatch import approval
from dispatch.querysets import DatedQuerySet, ResponsibilityQuerySet, SafeClassQuerySet, StraightQuerySet
from grid.models import Road

DAY_OF_A_YEAR = r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"


class ResponsibilityRule(models.Model):
    """Who answers for a class of problems at a place, for an owner's things, on a road, at a time; empty means any.

    `area_code` is the beginning of a code: a division, a street, a community or a unit grid. A span of hours may go
    over midnight, a season over New Year. A precedent is what a joint decision settled; it goes before the table.
    """

    class Origin(models.TextChoices):
        TABLE = "table", _("Responsibility table")
        PRECEDENT = "precedent", _("Precedent")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("Kind"), max_length=9, choices=MinorClass.Kind, blank=True)
    major_code = models.CharField(_("Major class"), max_length=2, blank=True)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, null=True, blank=True, verbose_name=_("Minor class"))
    area_code = models.CharField(_("Area code"), max_length=15, blank=True)
    duty_grid = models.ForeignKey(
        "grid.DutyGrid", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Duty grid")
    )
    road = models.ForeignKey(
        "grid.Road", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Road")
    )
    road_class = models.CharField(_("Road class"), max_length=12, choices=Road.RoadClass, blank=True)
    owner = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Owner")
    )
    department = models.ForeignKey(
        "accounts.Department", models.PROTECT, related_name="+", verbose_name=_("Responsible department")
    )
    opens_at = models.TimeField(_("From (time of day)"), null=True, blank=True)
    closes_at = models.TimeField(_("Until (time of day)"), null=True, blank=True)
    weekdays = models.CharField(_("Weekdays"), max_length=7, blank=True)  # "67": Saturday and Sunday
    season_from = models.CharField(
        _("Season from (month-day)"), max_length=5, blank=True, validators=[RegexValidator(f"^{DAY_OF_A_YEAR}$")]
    )
    season_to = models.CharField(
        _("Season until (that day too)"), max_length=5, blank=True, validators=[RegexValidator(f"^{DAY_OF_A_YEAR}$")]
    )
    origin = models.CharField(max_length=9, choices=Origin, default=Origin.TABLE, editable=False)
    case_number = models.CharField(_("Case number"), max_length=32, blank=True, editable=False)
    note = models.CharField(_("Note"), max_length=200, blank=True)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)
    sort = models.PositiveIntegerField(_("Order"), default=100)

    objects = ResponsibilityQuerySet.as_manager()

    class Meta:
        verbose_name = _("Responsibility")
        verbose_name_plural = _("Responsibility table")
        ordering = ("sort", "id")
        constraints = [
            models.CheckConstraint(
                name="responsibility_period",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="responsibility_major_class_of_a_kind", condition=Q(major_code="") | ~Q(kind="")
            ),
            models.CheckConstraint(
                name="responsibility_one_way_to_name_the_class",
                condition=Q(minor_class__isnull=True) | Q(kind="", major_code=""),
            ),
            models.CheckConstraint(
                name="responsibility_hours_have_two_ends",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False) & ~Q(opens_at=F("closes_at")),
            ),
            models.CheckConstraint(
                name="responsibility_season_has_two_ends",
                condition=Q(season_from="", season_to="") | ~Q(season_from="") & ~Q(season_to=""),
            ),
            models.CheckConstraint(name="responsibility_weekdays", condition=Q(weekdays__regex=r"^[1-7]*$")),
        ]
        indexes = [models.Index(fields=["minor_class", "valid_from"], name="responsibility_class")]

    def __str__(self) -> str:
        return f"{self.minor_class or self.major_code or '*'} {self.area_code or '*'} → {self.department}"


# — what became of earlier dispatches ———————————————————————————————————————————————————————————————


class SettledStint(models.Model):
    """A dispatch whose outcome is known: it stayed there, or it came back. What OutcomeCount counts, one by one."""

    stint = models.OneToOneField("cases.HandlingStint", models.PROTECT, related_name="+")
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    area_code = models.CharField(max_length=9)  # of the street
    kind = models.CharField(max_length=9)
    rule = models.CharField(max_length=40)
    month = models.DateField()  # the first day of the month in which it was settled
    is_right = models.BooleanField()

    class Meta:
        verbose_name = _("Settled dispatch")
        verbose_name_plural = _("Settled dispatches")

    def __str__(self) -> str:
        return f"{self.stint_id} {self.is_right}"


class OutcomeCount(models.Model):
    """How many dispatches were right and wrong, by month: of a class to a department, by street, district and in all.

    Also by rule, of a class (no department) and of all classes (no class either): what a rule is worth where little is
    known.
    """

    minor_class = models.ForeignKey(MinorClass, models.PROTECT, null=True, related_name="+")
    area_code = models.CharField(max_length=9, blank=True)
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=9, blank=True)
    rule = models.CharField(max_length=40, blank=True)
    month = models.DateField()
    right = models.PositiveIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("Count of outcomes")
        verbose_name_plural = _("Counts of outcomes")
        constraints = [
            models.UniqueConstraint(
                fields=["minor_class", "area_code", "month", "department", "kind", "rule"],
                name="outcome_count_key",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.minor_class_id} {self.area_code} {self.month:%Y-%m}"


class LearnedUntil(models.Model):
    """One row: up to which instant outcomes were counted."""

    at = models.DateTimeField()

    class Meta:
        verbose_name = _("Outcomes counted until")

    def __str__(self) -> str:
        return f"{self.at}"


# — straight through ————————————————————————————————————————————————————————————————————————————————


class SafeClass(models.Model):
    """A class that a city declares safe 直通: a collector's report of it may be filed and dispatched without a hand."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, related_name="+", verbose_name=_("Minor class"))
    area_code = models.CharField(_("Area code"), max_length=15, blank=True)
    needs_far_picture = models.BooleanField(_("Needs a picture from far"), default=True)
    accuracy_m = models.PositiveSmallIntegerField(
        _("Position exact to (metres)"), default=30, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    least_sure = models.FloatField(
        _("At least so sure"), default=0.9, validators=[MinValueValidator(0.5), MaxValueValidator(0.999)]
    )
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    declared_at = models.DateTimeField()
    switched_off_at = models.DateTimeField(null=True, blank=True)  # by itself: too many were wrong

    objects = SafeClassQuerySet.as_manager()

    class Meta:
        verbose_name = _("Class that goes straight through")
        verbose_name_plural = _("Classes that go straight through")
        ordering = ("minor_class_id", "area_code", "id")
        constraints = [
            models.CheckConstraint(
                name="safe_class_period", condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from"))
            ),
            models.UniqueConstraint(
                fields=["minor_class", "area_code"],
                name="safe_class_declared_once",
                condition=Q(valid_to__isnull=True, switched_off_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minor_class} {self.area_code or '*'}"


class StraightDecision(models.Model):
    """What the system decided about one report of a safe class, once: straight through, or why not.

    Afterwards: undone within minutes, or looked at as a sample, with a verdict each.
    """

    case = models.OneToOneField("cases.Case", models.PROTECT, related_name="+")
    safe_class = models.ForeignKey(SafeClass, models.PROTECT, related_name="decisions")
    decided_at = models.DateTimeField()
    went = models.BooleanField()
    against = models.JSONField(default=list)  # codes of dispatch.routing.AGAINST
    stint = models.OneToOneField("cases.HandlingStint", models.PROTECT, null=True, related_name="+")
    sure = models.FloatField(null=True)
    rests_on = models.PositiveIntegerField(default=0)
    is_sample = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)
    filing_verdict = models.CharField(max_length=20, blank=True)
    dispatch_verdict = models.CharField(max_length=20, blank=True)

    objects = StraightQuerySet.as_manager()

    class Meta:
        verbose_name = _("Straight-through decision")
        verbose_name_plural = _("Straight-through decisions")
        ordering = ("-id",)
        indexes = [models.Index(fields=["safe_class", "-decided_at"], name="straight_class_time")]

    def __str__(self) -> str:
        return f"{self.case_id} {'went' if self.went else ','.join(self.against)}"


# — what departments ask ———————————————————————————————————————————————————————————————————————————

APPROVER_LABELS = {
    approval.DISPATCHER: _("Dispatcher"),
    approval.COMMANDER: _("Commander"),
    approval.OPERATOR: _("Acceptance operator"),
    approval.LEADER: _("Duty leader"),
}
ENDS_LATER = Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from"))


class Ground(models.Model):
    """Why a department may ask for something: a row of the city's own, in place of the built-in one of that code."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("Request"), max_length=12, choices=Request.Kind)
    code = models.SlugField(_("Code"), max_length=40)
    name_zh = models.CharField(_("Name"), max_length=60)
    name_en = models.CharField(_("Name in English"), max_length=80, blank=True)
    is_wrong_dispatch = models.BooleanField(_("Granted for it, the dispatch was wrong"), default=False)
    sort = models.PositiveIntegerField(_("Order"), default=100)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("Ground")
        verbose_name_plural = _("Grounds")
        ordering = ("kind", "sort", "id")
        constraints = [models.CheckConstraint(name="ground_period", condition=ENDS_LATER)]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"


class ApprovalRule(models.Model):
    """Who must agree to a request, how often and for how long it may be granted; empty means any."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("Request"), max_length=12, choices=Request.Kind)
    ground = models.CharField(_("Ground"), max_length=40, blank=True)
    class_kind = models.CharField(_("Kind"), max_length=9, choices=MinorClass.Kind, blank=True)
    major_code = models.CharField(_("Major class"), max_length=2, blank=True)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, null=True, blank=True, verbose_name=_("Minor class"))
    area_code = models.CharField(_("Area code"), max_length=12, blank=True)
    level = models.PositiveSmallIntegerField(_("Level of the department (0: any)"), default=0)
    nth = models.PositiveSmallIntegerField(_("Which time (0: any)"), default=0)
    min_days = models.PositiveIntegerField(_("From so many days on"), default=0)
    is_custom = models.BooleanField(_("Only for a length of its own"), null=True, blank=True)
    chain = ArrayField(models.CharField(max_length=24, choices=APPROVER_LABELS), verbose_name=_("Who agrees, in order"))
    max_count = models.PositiveSmallIntegerField(_("Granted at most so often"), null=True, blank=True)
    max_days = models.PositiveIntegerField(_("Days at most"), null=True, blank=True)
    grounds = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("Grounds allowed"))
    needs_file = models.BooleanField(_("A paper must be added"), default=False)
    note = models.CharField(_("Note"), max_length=200, blank=True)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("Approval rule")
        verbose_name_plural = _("Approval rules")
        ordering = ("kind", "id")
        constraints = [
            models.CheckConstraint(name="approval_rule_period", condition=ENDS_LATER),
            models.CheckConstraint(name="approval_rule_has_a_chain", condition=Q(chain__len__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {' → '.join(self.chain)}"


class RuleChange(models.Model):
    """A rule book that somebody sent: what it changes and from when, what that would have done, if it was taken in.

    `changes` are those of dispatch.rulebook as JSON, `found` the parts of dispatch.foresight; `left` is what is still
    to be done on the day itself.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    source = models.CharField(max_length=120)
    valid_from = models.DateField(_("Valid from"))
    changes = models.JSONField(default=list)
    left_out = models.PositiveIntegerField(default=0)
    found = models.JSONField(default=dict)
    counted_at = models.DateTimeField(null=True)
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(null=True)
    left = models.JSONField(default=list)

    class Meta:
        verbose_name = _("Change of the rules")
        verbose_name_plural = _("Changes of the rules")
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                name="rule_change_taken_by_somebody",
                condition=Q(taken_at__isnull=True, taken_by__isnull=True)
                | Q(taken_at__isnull=False, taken_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.valid_from}"


class JointMeeting(models.Model):
    """The meeting about a dispute 现场确权: where, when, who, and what was decided."""

    request = models.OneToOneField(Request, models.PROTECT, related_name="meeting")
    meets_at = models.DateTimeField(_("Meeting at"), null=True, blank=True)
    place = models.CharField(_("Place"), max_length=200, blank=True)
    participants = models.CharField(_("Participants"), max_length=400, blank=True)
    department = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("Responsible department"),
    )  # fmt: skip
    decided_at = models.DateTimeField(null=True, blank=True)
    precedent = models.ForeignKey(ResponsibilityRule, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("Joint meeting")
        verbose_name_plural = _("Joint meetings")
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                name="meeting_decided_means_department",
                condition=Q(decided_at__isnull=True) | Q(department__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.place}"


# — crews, and the one-case link ———————————————————————————————————————————————————————————————————————


class Crew(models.Model):
    """A crew or contractor that works for a department without an account 作业班组: whom to ring, until when."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey(
        "accounts.Department", models.PROTECT, related_name="+", verbose_name=_("Department")
    )
    name = models.CharField(_("Crew or contractor"), max_length=80)
    contact = models.CharField(_("Contact person"), max_length=50)
    phone = models.CharField(_("Mobile phone"), max_length=30, blank=True)
    note = models.CharField(_("Note"), max_length=200, blank=True)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("Crew")
        verbose_name_plural = _("Crews")
        ordering = ("department_id", "name", "id")
        constraints = [
            models.CheckConstraint(name="crew_period", condition=ENDS_LATER),
            models.UniqueConstraint(
                fields=["department", "name"], name="crew_named_once", condition=Q(valid_to__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LinkPractice(models.Model):
    """How one department takes results that come by link; without a row the city's setting holds."""

    department = models.OneToOneField("accounts.Department", models.PROTECT, related_name="+")
    confirms = models.BooleanField(_("The department confirms a crew's result before it goes to the centre"))
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("Practice with links")
        verbose_name_plural = _("Practices with links")

    def __str__(self) -> str:
        return f"{self.department_id} {self.confirms}"


class CaseLink(models.Model):
    """The link by which a named person handles one case on a phone 一案一链. Only the hash of its secret is kept.

    It belongs to the department's work on the case as it stood when the link was made: `sent_at` and `rework_count` are
    the stint's of then.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    stint = models.ForeignKey("cases.HandlingStint", models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True)
    rework_count = models.PositiveSmallIntegerField(default=0)
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    crew = models.ForeignKey(Crew, models.PROTECT, null=True, blank=True, related_name="links")
    name = models.CharField(_("For whom"), max_length=50, blank=True)
    phone = models.CharField(_("Mobile phone"), max_length=30, blank=True)
    note = models.CharField(_("Note for the crew"), max_length=300, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    confirms = models.BooleanField(default=False)  # the department confirms the result before it goes on
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)  # name and phone are gone by a rule of retention

    class Meta:
        verbose_name = _("One-case link")
        verbose_name_plural = _("One-case links")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["made_at"], name="caselink_named", condition=Q(erased_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(name="caselink_ends_after_it_begins", condition=Q(expires_at__gt=F("made_at"))),
            models.CheckConstraint(
                name="caselink_revoked_by_somebody",
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.CheckConstraint(name="caselink_for_somebody", condition=Q(erased_at__isnull=False) | ~Q(name="")),
        ]

    def __str__(self) -> str:
        return f"{self.stint_id} {self.made_at:%Y-%m-%d %H:%M}"


class LinkStep(models.Model):
    """What happened to a link: made, shown, sent, opened, a picture, done, refused, taken back. Rows are only added."""

    class What(models.TextChoices):
        MADE = "made", _("made")
        SHOWN = "shown", _("address shown")
        SENT = "sent", _("sent")
        OPENED = "opened", _("opened")
        TURNED_AWAY = "turned_away", _("opened in vain")
        PICTURE = "picture", _("picture sent")
        REFUSED = "refused", _("sending refused")
        DONE = "done", _("result sent")
        REVOKED = "revoked", _("taken back")

    link = models.ForeignKey(CaseLink, models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    what = models.CharField(max_length=12, choices=What)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")  # None: its holder
    detail = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("Step of a link")
        verbose_name_plural = _("Steps of links")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.link_id} {self.at:%Y-%m-%d %H:%M} {self.what}"
