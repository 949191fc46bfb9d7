"""Calls to 12319, the links by which citizens follow what they reported, and whom the desk has called back.

Name, number and words of whoever called or wrote are not here: they lie sealed in the vault, under `reporter_ref`.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hotline.querysets import CallBackQuerySet, CallQuerySet


class Call(models.Model):
    """One call that a seat took 来电. It ends in a case, in an answer, or in words why it is not ours."""

    class Kind(models.TextChoices):
        REPORT = "report", _("Report of a problem")
        COMPLAINT = "complaint", _("Complaint")
        CONSULTATION = "consultation", _("Consultation")
        SUGGESTION = "suggestion", _("Suggestion")
        OTHER = "other", _("Other call")

    class Urgency(models.IntegerChoices):
        NORMAL = 0, _("Normal")
        URGENT = 1, _("Urgent")
        VERY_URGENT = 2, _("Very urgent")

    class Result(models.TextChoices):
        REGISTERED = "registered", _("Registered as a case")
        JOINED = "joined", _("Joined to an open case")
        ANSWERED = "answered", _("Answered at once")
        OUT_OF_SCOPE = "out_of_scope", _("Out of scope, told where to turn")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    centre = models.ForeignKey(
        "accounts.Department", models.PROTECT, related_name="+", verbose_name=_("Supervision centre")
    )
    seat = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("Taken by"))
    received_at = models.DateTimeField(pgettext_lazy("call", "Received"))
    ended_at = models.DateTimeField(_("Ended"))
    kind = models.CharField(_("Kind of call"), max_length=12, choices=Kind.choices)
    urgency = models.PositiveSmallIntegerField(_("Urgency"), choices=Urgency.choices, default=Urgency.NORMAL)
    result = models.CharField(_("Result"), max_length=12, choices=Result.choices)
    # Of the five elements (name, time, place, cause, course) only time and place stand here, in the desk's words.
    happened_at = models.DateTimeField(_("When it happened"), null=True, blank=True)
    place = models.CharField(_("Place"), max_length=256, blank=True)
    summary = models.TextField(_("Summary in the desk's words"), blank=True)
    answer = models.TextField(_("What was answered"), blank=True)
    reporter_ref = models.UUIDField(null=True, blank=True)  # the vault's row
    case = models.ForeignKey("cases.Case", models.PROTECT, null=True, blank=True, related_name="+")

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("Call")
        verbose_name_plural = _("Calls")
        ordering = ("-received_at", "-id")
        constraints = [
            models.CheckConstraint(
                name="hotline_call_case_when_it_became_one",
                condition=Q(result__in=["registered", "joined"], case__isnull=False)
                | Q(result__in=["answered", "out_of_scope"], case__isnull=True) & ~Q(answer=""),
            ),
            models.CheckConstraint(
                name="hotline_call_ends_after_it_begins", condition=Q(ended_at__gte=F("received_at"))
            ),
        ]
        indexes = [
            models.Index(fields=["seat", "-received_at"], name="hotline_call_of_seat"),
            models.Index(fields=["centre", "-received_at"], name="hotline_call_of_centre"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.received_at:%Y-%m-%d %H:%M}"


class FollowUp(models.Model):
    """One secret link by which a citizen follows a case. Only the hash of its secret is kept."""

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    is_reporter = models.BooleanField(_("Belongs to the one who reported it"), default=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("Citizen's link")
        verbose_name_plural = _("Citizens' links")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.case_id} {self.created_at:%Y-%m-%d}"


class CallBack(models.Model):
    """The desk tried to tell a citizen how his report ended 回复."""

    class Outcome(models.TextChoices):
        TOLD = "told", _("Was told the result")
        NOT_REACHED = "not_reached", _("Was not reached")
        UNSOLVED = "unsolved", _("Says it is not solved")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("Called by"))
    at = models.DateTimeField(_("Called"))
    outcome = models.CharField(_("Outcome"), max_length=12, choices=Outcome.choices)

    objects = CallBackQuerySet.as_manager()

    class Meta:
        verbose_name = _("Call back")
        verbose_name_plural = _("Calls back")
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["case", "outcome"], name="hotline_callback_of_case")]
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(outcome="told"), name="hotline_callback_told_once")
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.outcome}"
