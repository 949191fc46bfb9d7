"""What every room uses: settings kept in the database, messages, stored files, the log of reading."""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from office.media import EXTENSIONS
from office.querysets import MessageQuerySet, PhraseQuerySet, SavedViewQuerySet


class Setting(models.Model):
    """One value of a setting declared in office/declared.py, from a day on, for the city or for an area."""

    key = models.CharField(max_length=80)
    area_code = models.CharField(max_length=15, blank=True)
    valid_from = models.DateField()
    value = models.JSONField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="settings_changed"
    )
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("setting")
        verbose_name_plural = _("settings")
        ordering = ["key", "area_code", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["key", "area_code", "valid_from"], name="office_setting_one_value_a_day")
        ]

    def __str__(self):
        return f"{self.key} {self.area_code} {self.valid_from}"


class Message(models.Model):
    """Something one person was told. The sentence is made when it is shown, in the reader's language."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=20)
    code = models.CharField(max_length=60)
    facts = models.JSONField(default=dict)
    # What it is about, by its public number, as text: nothing here points up to another room.
    about = models.CharField(max_length=60, blank=True)
    url = models.CharField(max_length=300, blank=True)
    dedupe_key = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["recipient", "-created_at", "-id"], name="office_message_box"),
            models.Index(fields=["recipient"], name="office_message_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["about"], name="office_message_about"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "dedupe_key"], name="office_message_told_once"),
        ]

    def __str__(self):
        return f"{self.code} → {self.recipient_id}"


class Reach(models.Model):
    """How somebody wants to be reached outside the program; without a row a text message goes to his phone."""

    class Channel(models.TextChoices):
        MAIL = "mail", _("Mail")
        SMS = "sms", _("Text message")
        CHAT = "chat", _("Chat robot")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reaches")
    channel = models.CharField(_("channel"), max_length=4, choices=Channel)
    # A mail address, a phone number, or the name of a robot in the file of gateways.
    address = models.CharField(_("address"), max_length=150, blank=True)
    is_wanted = models.BooleanField(_("wanted"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("quiet until"), null=True, blank=True)

    class Meta:
        verbose_name = _("way to reach somebody")
        verbose_name_plural = _("ways to reach people")
        ordering = ["user", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["user", "channel"], name="office_reach_one_a_channel"),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_to__isnull=True)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="office_reach_quiet_has_two_ends",
            ),
        ]

    def __str__(self):
        return f"{self.user_id} {self.channel}"


class Delivery(models.Model):
    """One message on its way out of the house: the outbox, written together with the message itself. 外发

    It holds no personal data beside the address and no free text: a number, a class, an area, a deadline, a link.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        UNKNOWN = "unknown", _("Perhaps sent")
        DEAD = "dead", _("Given up")

    # The key by which a gateway knows one sent twice.
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    channel = models.CharField(max_length=4, choices=Reach.Channel)
    address = models.CharField(max_length=150)
    code = models.CharField(max_length=60)
    facts = models.JSONField(default=dict)
    url = models.CharField(max_length=300, blank=True)
    dedupe_key = models.CharField(max_length=150)
    at_night = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["next_try_at"], name="office_delivery_waiting", condition=Q(state="waiting")),
            models.Index(fields=["claimed_at"], name="office_delivery_sending", condition=Q(state="sending")),
            models.Index(fields=["channel", "sent_at"], name="office_delivery_rate", condition=Q(state="sent")),
            models.Index(fields=["-created_at", "-id"], name="office_delivery_newest"),
            models.Index(
                fields=["-created_at", "-id"],
                name="office_delivery_trouble",
                condition=Q(state__in=["unknown", "dead"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["channel", "address", "dedupe_key"], name="office_delivery_once"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="office_delivery_sent_means_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False), name="office_delivery_sending_means_time"
            ),
        ]

    def __str__(self):
        return f"{self.channel} {self.code} {self.state}"


class StoredFile(models.Model):
    """A picture, sound, video or document somebody handed in. The bytes lie in storage under their own hash."""

    class Kind(models.TextChoices):
        PICTURE = "picture", _("Picture")
        SOUND = "sound", _("Sound")
        VIDEO = "video", _("Video")
        DOCUMENT = "document", _("Document")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="stored_files"
    )
    claimed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    # What the picture says about itself; a claim, not a proof.
    taken_at = models.DateTimeField(null=True)
    taken_point = models.PointField(srid=4490, null=True)
    # The bytes are gone by a rule of retention; the row and its hash stay as a tombstone.
    erased_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["sha256"], name="office_storedfile_sha256"),
            models.Index(fields=["uploaded_by", "recorded_at"], name="office_storedfile_uploads"),
            models.Index(
                fields=["kind", "recorded_at"], name="office_storedfile_kept", condition=Q(erased_at__isnull=True)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="office_storedfile_sha256_is_one"
            ),
        ]

    def __str__(self):
        return self.name or str(self.public_id)

    def path(self, variant: str) -> str:
        """Where in storage the bytes lie: `original`, and for pictures `view` and `thumb`, which carry no metadata."""
        ending = EXTENSIONS[self.content_type] if variant == "original" else f"{variant}.jpg"
        return f"{self.sha256[:2]}/{self.sha256[2:4]}/{self.sha256}.{ending}"


class ReadLog(models.Model):
    """Who opened something private, when and why 查阅记录. Rows are only added: the database refuses to change them."""

    at = models.DateTimeField()
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="readings")
    what = models.CharField(max_length=40)
    about = models.CharField(max_length=60)
    # The number of the case that it belongs to, as text: nothing here points up to another room.
    number = models.CharField(max_length=32, blank=True)
    why = models.CharField(max_length=200)

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["about", "at"], name="office_readlog_about"),
            models.Index(fields=["reader", "at"], name="office_readlog_reader"),
            models.Index(fields=["-at", "-id"], name="office_readlog_at"),
            models.Index(fields=["number", "-at"], name="office_readlog_number", condition=~Q(number="")),
        ]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M} {self.reader_id} {self.what} {self.about}"


class Erasure(models.Model):
    """The tombstone of something private that was erased: what, when, by whom and by which rule. Only ever added."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="erasures")
    rule = models.CharField(max_length=40)
    why = models.CharField(max_length=200)
    about = models.CharField(max_length=60)
    number = models.CharField(max_length=32, blank=True)
    pieces = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="office_erasure_at"),
            models.Index(fields=["number", "rule"], name="office_erasure_number"),
        ]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M} {self.rule} {self.about}"


class KeptAnswer(models.Model):
    """The answer to a write that came with a key, so that whoever repeats it reads the same again.

    The row is made before the write and filled after it, in its transaction: no `status` is never seen by others.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=100)
    said = models.CharField(max_length=64)  # a keyed fingerprint of method, address and content
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")
        ordering = ["id"]
        indexes = [models.Index(fields=["created_at"], name="office_keptanswer_age")]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="office_keptanswer_once")]

    def __str__(self):
        return f"{self.user_id} {self.key}"


class Phrase(models.Model):
    """A stock phrase 惯用语 that a key puts into a text: one person's own, or everybody's in a role."""

    class Use(models.TextChoices):
        """The texts a phrase is meant for, by the name of their field; "" is any."""

        ANY = "", _("Any text")
        DESCRIPTION = "description", _("Fact sheet")
        ANSWER = "answer", _("Answer to the caller")
        OPINION = "opinion", _("Opinion")
        REASON = "reason", _("Reason")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    role = models.CharField(_("role"), max_length=24, blank=True)
    use = models.CharField(_("meant for"), max_length=12, choices=Use, blank=True)
    text = models.CharField(_("phrase"), max_length=300)
    number = models.PositiveSmallIntegerField(_("place in the list"), default=1)

    objects = PhraseQuerySet.as_manager()

    class Meta:
        verbose_name = _("phrase")
        verbose_name_plural = _("phrases")
        ordering = ["number", "id"]
        constraints = [
            models.CheckConstraint(
                name="office_phrase_of_a_person_or_a_role",
                condition=Q(owner__isnull=False, role="") | Q(owner__isnull=True) & ~Q(role=""),
            )
        ]
        indexes = [
            models.Index(fields=["owner", "number"], name="office_phrase_own", condition=Q(owner__isnull=False)),
            models.Index(fields=["role", "number"], name="office_phrase_role", condition=Q(owner__isnull=True)),
        ]

    def __str__(self):
        return self.text


class SavedView(models.Model):
    """A view of a desk that one person kept under a name: the address of its list, with filters, order and columns."""

    class Desk(models.TextChoices):
        SUPERVISION = "supervision", _("Supervision desk")
        DISPATCH = "dispatch", _("Dispatch desk")
        DEPARTMENT = "department", _("Department desk")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    desk = models.CharField(max_length=12, choices=Desk)
    name = models.CharField(_("name of the view"), max_length=40)
    query = models.CharField(max_length=1000)  # "tab=check&street=…&sort=new&cols=number&cols=class"
    number = models.PositiveSmallIntegerField(_("place in the list"), default=1)
    is_default = models.BooleanField(_("opened first"), default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["number", "name"]
        constraints = [
            models.UniqueConstraint(fields=["person", "desk", "name"], name="office_view_one_name"),
            models.UniqueConstraint(
                fields=["person", "desk"], name="office_view_one_default", condition=Q(is_default=True)
            ),
        ]

    def __str__(self):
        return self.name
