"""People over time: departments, accounts, appointments, duty; and the sealed records of reporters' data."""

import uuid
from datetime import time

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.querysets import (
    AppointmentQuerySet,
    DepartmentQuerySet,
    DutyQuerySet,
    NoticeQuerySet,
    RosterQuerySet,
    TokenQuerySet,
    UserManager,
)
from accounts.roles import ROLES, SIDE_LABELS, Side
from citymgmt.wording import language


def in_this_language(name_zh: str, name_en: str) -> str:
    """The name to show: English where the page is English and a name is known, Chinese otherwise."""
    english = (language() or "").startswith("en")
    return name_en if english and name_en else name_zh


class Department(models.Model):
    """A body of the city: a centre, a bureau, a street, a utility, a contractor. 部门 (专业部门、责任单位)"""

    class Kind(models.TextChoices):
        SUPERVISION_CENTRE = "supervision_centre", _("Supervision centre")
        COMMAND_CENTRE = "command_centre", _("Command centre")
        DEPARTMENT = "department", _("Bureau")
        STREET = "street", _("Street office")
        UTILITY = "utility", _("Utility")
        CONTRACTOR = "contractor", _("Contractor")

    public_id = models.UUIDField(_("public number"), unique=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("code"), max_length=32, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=150, blank=True)
    short_name = models.CharField(_("short name"), max_length=30, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    department_type = models.CharField(
        _("type in the catalogue"),
        max_length=200,
        blank=True,
        help_text=_("As in the catalogue's column, several separated by commas: 环卫部门,市容部门"),
    )
    parent = models.ForeignKey(
        "self", verbose_name=_("belongs to"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    # The codes from the top down to this one, "/city/street/". Kept by actions; frozen on events and stints.
    path = models.CharField(max_length=400, editable=False)
    area_code = models.CharField(_("area code"), max_length=15, blank=True)
    evaluation_group = models.CharField(_("comparable group"), max_length=50, blank=True)
    is_evaluated = models.BooleanField(_("is evaluated"), default=True)
    sends_messages = models.BooleanField(_("receives messages"), default=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    succeeded_by = models.ForeignKey(
        "self",
        verbose_name=_("succeeded by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="predecessors",
    )
    sort = models.PositiveIntegerField(_("order"), default=100)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["sort", "code"]
        indexes = [models.Index(fields=["path"], name="accounts_department_path", opclasses=["varchar_pattern_ops"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="accounts_department_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(succeeded_by__isnull=True) | Q(valid_to__isnull=False),
                name="accounts_department_succeeded_only_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Za-z0-9_.-]+$"), name="accounts_department_code_fits_into_a_path"
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        return in_this_language(self.name_zh, self.name_en)


class User(AbstractBaseUser):
    """One account, one person: the staff number is unique. What somebody may do comes from appointments alone."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("user name"), max_length=50, unique=True)
    staff_number = models.CharField(_("staff number"), max_length=30, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=50)
    name_en = models.CharField(_("name in English"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    must_change_password = models.BooleanField(_("must change the password"), default=True)
    is_active = models.BooleanField(_("is active"), default=True)
    is_staff = models.BooleanField(_("may open the technical pages"), default=False)
    is_superuser = models.BooleanField(_("may change everything in the technical pages"), default=False)
    # Part of what every session is signed with: moving it on ends all sessions of this person.
    sessions_valid_from = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # The roles whose guide has opened by itself once.
    guides_seen = models.JSONField(default=list, db_default=[], editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["staff_number", "name_zh"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                condition=Q(username=Lower(F("username"))), name="accounts_user_username_in_lower_case"
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        return in_this_language(self.name_zh, self.name_en)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret=None):
        """Django compares this with the session on each request, so log-out everywhere costs no query."""
        signed = f"{self.password}{self.sessions_valid_from.isoformat()}"
        return salted_hmac("accounts.models.User.session", signed, secret=secret, algorithm="sha256").hexdigest()

    # The technical pages (Django's admin) know two kinds of people only: those who may and those who may not.
    def has_perm(self, perm, obj=None) -> bool:
        return self.is_active and self.is_superuser

    def has_perms(self, perm_list, obj=None) -> bool:
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label) -> bool:
        return self.is_active and self.is_superuser


class Appointment(models.Model):
    """Somebody holds a role in a department, perhaps only for an area, for a time. 任职"""

    user = models.ForeignKey(User, verbose_name=_("person"), on_delete=models.PROTECT, related_name="appointments")
    role = models.CharField(_("role"), max_length=32)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, related_name="appointments"
    )
    scope_area_code = models.CharField(_("only in the area"), max_length=15, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["user", "valid_from", "id"]
        indexes = [models.Index(fields=["department", "role"], name="accounts_appointment_holders")]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="accounts_appointment_ends_not_before_it_begins",
            ),
            ExclusionConstraint(
                name="accounts_appointment_once_at_a_time",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("department", RangeOperators.EQUAL),
                    ("scope_area_code", RangeOperators.EQUAL),
                    (
                        Func(F("valid_from"), F("valid_to"), Value("[)"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self):
        return f"{self.user} · {self.role} · {self.department}"

    def get_role_display(self) -> str:
        """The role as a reader knows it."""
        return gettext(ROLES[self.role].label)


class ApiToken(models.Model):
    """What a program sends instead of a password; it may do what its person may do at that moment. 令牌

    The token itself is shown once and never kept: only its hash.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, verbose_name=_("person"), on_delete=models.PROTECT, related_name="tokens")
    purpose = models.CharField(_("what it is for"), max_length=80)
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="accounts_apitoken_ends_after_it_begins"
            ),
        ]

    def __str__(self):
        return f"{self.user_id} {self.purpose}"


class Duty(models.Model):
    """A seat taken: from signing on to signing off. 值班"""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="duties")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = DutyQuerySet.as_manager()

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duties")
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["started_at"], name="accounts_duty_started_at")]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at__isnull=True), name="accounts_duty_one_seat"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="accounts_duty_ends_after_it_begins",
            ),
        ]

    def __str__(self):
        return f"{self.user} {self.started_at:%Y-%m-%d %H:%M}"


class Shift(models.Model):
    """A stretch of the day in which seats are taken; one that ends when it begins lasts a day and a night. 班次"""

    name = models.CharField(_("shift"), max_length=30, unique=True)
    begins_at = models.TimeField(_("begins"))
    ends_at = models.TimeField(_("ends"))

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["begins_at", "name"]

    def __str__(self):
        return self.name

    @property
    def passes_midnight(self) -> bool:
        return self.ends_at <= self.begins_at


class RosterEntry(models.Model):
    """Who sits at a desk, or can be called, in a shift: on a weekday, or on one day, which then takes its place. 排班

    A day's entries replace the weekly ones of the same desk and shift; one without a person leaves it empty.
    """

    class Kind(models.TextChoices):
        SEAT = "seat", _("Seat at the desk")
        ON_CALL = "on_call", _("On call")

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind of duty"), max_length=8, choices=Kind)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, related_name="roster"
    )
    role = models.CharField(_("role"), max_length=32, blank=True)
    shift = models.ForeignKey(Shift, verbose_name=_("shift"), on_delete=models.PROTECT, related_name="entries")
    user = models.ForeignKey(
        User, verbose_name=_("person"), null=True, blank=True, on_delete=models.PROTECT, related_name="roster"
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday, null=True, blank=True)
    on_date = models.DateField(_("on one day"), null=True, blank=True)
    # Of problems of this class only, by the catalogue's code, "06" or "06003"; empty: of all.
    class_code = models.CharField(_("only for classes beginning with"), max_length=8, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    objects = RosterQuerySet.as_manager()

    class Meta:
        verbose_name = _("roster entry")
        verbose_name_plural = _("roster")
        ordering = ["department", "kind", "role", "shift", "weekday", "on_date", "id"]
        indexes = [
            models.Index(fields=["on_date"], name="accounts_roster_day"),
            models.Index(fields=["department", "weekday"], name="accounts_roster_week"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(weekday__isnull=True, on_date__isnull=False)
                | Q(weekday__isnull=False, on_date__isnull=True, user__isnull=False),
                name="accounts_roster_weekday_or_day",
            ),
            models.CheckConstraint(
                condition=~Q(kind="seat", role="") & ~Q(kind="seat", class_code__gt=""),
                name="accounts_roster_seat_is_at_a_desk",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="accounts_roster_ends_not_before_it_begins",
            ),
        ]

    def __str__(self):
        return f"{self.department} {self.shift} {self.user or '—'}"

    def get_role_display(self) -> str:
        """The desk as a reader knows it."""
        return gettext(ROLES[self.role].label) if self.role else ""


class Contact(models.Model):
    """Whom to ring at a department, in the order of `sort`; somebody with an account is told in his box too. 联系人"""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, related_name="contacts"
    )
    name = models.CharField(_("name"), max_length=50)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    mobile = models.CharField(_("mobile phone"), max_length=30, blank=True)
    user = models.ForeignKey(
        User, verbose_name=_("account"), null=True, blank=True, on_delete=models.PROTECT, related_name="contact_for"
    )
    sort = models.PositiveSmallIntegerField(_("order of call"), default=1)
    # Both empty: at any hour.
    from_time = models.TimeField(_("reachable from"), null=True, blank=True)
    to_time = models.TimeField(_("reachable until"), null=True, blank=True)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["department", "sort", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_time__isnull=True, to_time__isnull=True)
                | Q(from_time__isnull=False, to_time__isnull=False),
                name="accounts_contact_hours_have_two_ends",
            ),
        ]

    def __str__(self):
        return f"{self.department} · {self.name}"

    def is_reachable(self, at: time) -> bool:
        """Whether this hour of the day is one of his; hours may pass midnight."""
        if self.from_time is None:
            return True
        if self.from_time < self.to_time:
            return self.from_time <= at < self.to_time
        return at >= self.from_time or at < self.to_time


class VaultRecord(models.Model):
    """Name, phone and words of somebody who reported, sealed. Read only through accounts/vault.py."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20)
    ciphertext = models.BinaryField()
    nonce = models.BinaryField()
    key_id = models.CharField(max_length=40)
    # HMAC of the number in its normal form: finds an exact number without opening anything.
    phone_index = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sealed record")
        verbose_name_plural = _("sealed records")
        indexes = [
            models.Index(fields=["phone_index"], name="accounts_vault_phone", condition=Q(phone_index__isnull=False)),
            models.Index(fields=["key_id"], name="accounts_vault_key"),
            models.Index(fields=["created_at"], name="accounts_vault_kept", condition=Q(erased_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(ciphertext=b"", phone_index__isnull=True),
                name="accounts_vault_erased_is_empty",
            ),
            models.UniqueConstraint(fields=["kind"], condition=Q(kind="canary"), name="accounts_vault_one_canary"),
        ]

    def __str__(self):
        return str(self.public_id)


class Notice(models.Model):
    """What everybody concerned should know for a while 公告. It is taken back, never changed: people have read it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    title = models.CharField(_("title of the notice"), max_length=80)
    body = models.TextField(_("text of the notice"), max_length=2000, blank=True)
    roles = models.JSONField(default=list, blank=True)  # none: for all roles
    # For this department and all below it; none: for all.
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    valid_from = models.DateTimeField(_("holds from"))
    valid_to = models.DateTimeField(_("holds until"), null=True, blank=True)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="accounts_notice_ends_after_it_begins",
            ),
        ]
        indexes = [
            models.Index(fields=["-valid_from"], name="accounts_notice_kept", condition=Q(withdrawn_at__isnull=True))
        ]

    def __str__(self):
        return self.title

    @property
    def role_names(self) -> list[str]:
        """Return whom it is for, in the order of the loop; [] is everybody."""
        return [gettext(info.label) for role, info in ROLES.items() if role in self.roles]


class NoticeReading(models.Model):
    """Somebody has read a notice."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="readings")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        verbose_name = _("notice that was read")
        verbose_name_plural = _("notices that were read")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["notice", "user"], name="accounts_notice_read_once")]

    def __str__(self):
        return f"{self.notice_id} {self.user_id}"


class HandOver(models.Model):
    """A shift handed to the next 交接班: what was open, as it stood, and what the one who leaves wants known.

    It waits until somebody of the same desk takes it over; at one desk of one centre only one waits at a time.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    centre = models.ForeignKey(Department, models.PROTECT, related_name="+")
    side = models.CharField(
        max_length=12, choices=[(str(side), SIDE_LABELS[side]) for side in (Side.SUPERVISION, Side.COMMAND)]
    )
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("shift"))
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(null=True)
    notes = models.TextField(_("notes for the next shift"), max_length=2000, blank=True)
    # {"counts": {name: number}, "rows": {name: [{"id", "number", "class", "place", "due_at"}, …]}}
    figures = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        ordering = ["-given_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(taken_by__isnull=True, taken_at__isnull=True)
                | Q(taken_by__isnull=False, taken_at__gte=F("given_at")),
                name="accounts_handover_taken_means_by_and_when",
            ),
            models.CheckConstraint(
                condition=Q(taken_by__isnull=True) | ~Q(taken_by=F("given_by")), name="accounts_handover_to_another"
            ),
            models.UniqueConstraint(
                fields=["centre", "side"], condition=Q(taken_at__isnull=True), name="accounts_handover_one_waits"
            ),
        ]
        indexes = [models.Index(fields=["centre", "side", "-given_at"], name="accounts_handover_register")]

    def __str__(self):
        return f"{self.centre_id} {self.side} {self.given_at:%Y-%m-%d %H:%M}"
