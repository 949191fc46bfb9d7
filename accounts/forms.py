"""What is typed into the pages of this room. Forms check; actions do."""

import unicodedata

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.utils.translation import gettext_lazy as _

from accounts.models import Appointment, Contact, Department, HandOver, Notice, RosterEntry, Shift, User
from accounts.querysets import valid_on
from accounts.roles import ROLES, Role
from office.declared import Declared
from office.models import Delivery, Phrase, Reach


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs):
        super().__init__(format="%Y-%m-%d", **kwargs)


def name_tried(request, credentials: dict | None = None) -> str | None:
    """The user name that somebody tries, as accounts are found by it: capitals and blanks make no other name."""
    said = (credentials or request.POST).get("username")
    return said and unicodedata.normalize("NFKC", said).strip().lower()


class LogInForm(AuthenticationForm):
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _(
            "User name and password do not fit together. Try again; capitals matter in the password only."
        )
    }


class UnlockForm(forms.Form):
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class OwnPasswordForm(forms.Form):
    """The old password, and twice the new one."""

    old = forms.CharField(
        label=_("Present password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
    )
    again = forms.CharField(
        label=_("New password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args, request, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old(self) -> str:
        # As at the door, so that wrong ones are counted here too.
        user, old = self.request.user, self.cleaned_data["old"]
        if authenticate(self.request, username=user.username, password=old) != user:
            raise forms.ValidationError(_("This is not your present password."))
        return old

    def clean(self) -> dict:
        new, again = self.cleaned_data.get("new"), self.cleaned_data.get("again")
        if new and again and new != again:
            self.add_error("again", _("The two new passwords differ. Type the new one again."))
        if new and new == self.cleaned_data.get("old"):
            self.add_error("new", _("The new password must differ from the present one."))
        return self.cleaned_data


class DepartmentForm(forms.ModelForm):
    class Meta:
        model = Department
        fields = [
            "code",
            "name_zh",
            "name_en",
            "short_name",
            "kind",
            "parent",
            "department_type",
            "area_code",
            "evaluation_group",
            "is_evaluated",
            "sends_messages",
            "phone",
            "sort",
            "valid_from",
        ]
        widgets = {"valid_from": DateInput()}

    def __init__(self, *args, day, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["parent"].queryset = Department.objects.valid(day)
        if self.instance.pk:
            # A code stands on events and stints of the past: it never changes.
            del self.fields["code"]
            del self.fields["valid_from"]


class EndDepartmentForm(forms.Form):
    on = forms.DateField(label=_("Ends on"), widget=DateInput())
    succeeded_by = forms.ModelChoiceField(label=_("Succeeded by"), queryset=Department.objects.none(), required=False)

    def __init__(self, *args, department: Department, day, **kwargs):
        super().__init__(*args, **kwargs)
        self.department = department
        self.fields["succeeded_by"].queryset = Department.objects.valid(day).exclude(pk=department.pk)

    def clean_on(self):
        if self.cleaned_data["on"] <= self.department.valid_from:
            raise forms.ValidationError(_("A department can end only after it began."))
        return self.cleaned_data["on"]


class PersonForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["username", "staff_number", "name_zh", "name_en", "phone", "language", "is_active"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", _("As delivered")), *settings.LANGUAGES]
        if self.instance.pk:
            del self.fields["username"]
            del self.fields["staff_number"]
        else:
            del self.fields["is_active"]

    def clean_username(self) -> str:
        return self.cleaned_data["username"].strip().lower()


class AppointmentForm(forms.ModelForm):
    role = forms.ChoiceField(label=_("Role"))

    class Meta:
        model = Appointment
        fields = ["role", "department", "scope_area_code", "valid_from", "valid_to"]
        widgets = {"valid_from": DateInput(), "valid_to": DateInput()}

    def __init__(self, *args, day, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, _(info.label)) for role, info in ROLES.items()]
        self.fields["department"].queryset = Department.objects.filter(valid_on(day))


class PersonFilter(forms.Form):
    """Which people a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Name or number"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    role = forms.ChoiceField(label=_("Role"), required=False)
    department = forms.ModelChoiceField(
        label=_("Works in"), queryset=Department.objects.none(), required=False, to_field_name="public_id"
    )

    def __init__(self, *args, day, **kwargs):
        super().__init__(*args, **kwargs)
        roles = [(role.value, _(info.label)) for role, info in ROLES.items()]
        self.fields["role"].choices = [("", _("All roles")), *roles]
        self.fields["department"].queryset = Department.objects.valid(day)
        self.fields["department"].empty_label = _("All departments")


class ReadingFilter(forms.Form):
    """Which looks at private data a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Person"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    what = forms.ChoiceField(label=_("What was opened"), required=False)
    number = forms.CharField(label=_("Case number"), required=False, max_length=60)
    first = forms.DateField(label=_("From"), required=False, widget=DateInput)
    last = forms.DateField(label=_("To"), required=False, widget=DateInput)

    def __init__(self, *args, looks: dict, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = [("", _("Anything")), *looks.items()]


class ChangeFilter(forms.Form):
    """Which changes a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Person"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    kind = forms.ChoiceField(label=_("What was changed"), required=False)
    first = forms.DateField(label=_("From"), required=False, widget=DateInput)
    last = forms.DateField(label=_("To"), required=False, widget=DateInput)

    def __init__(self, *args, kinds: dict, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Anything")), *kinds.items()]


class LogInFilter(forms.Form):
    q = forms.CharField(
        label=_("Person or address"), required=False, max_length=60, widget=forms.TextInput(attrs={"type": "search"})
    )


# How a value is typed, by its declared type.
SETTING_FIELDS = {
    bool: lambda: forms.TypedChoiceField(
        choices=[("yes", _("Yes")), ("no", _("No"))], coerce=lambda text: text == "yes"
    ),
    int: forms.IntegerField,
    float: forms.FloatField,
    str: forms.CharField,
    list: forms.JSONField,
    dict: forms.JSONField,
}


class SettingForm(forms.Form):
    area_code = forms.CharField(
        label=_("Area code"), required=False, max_length=15, help_text=_("Empty: for the whole city.")
    )
    valid_from = forms.DateField(label=_("Valid from"), widget=DateInput())

    def __init__(self, *args, declared: Declared, **kwargs):
        super().__init__(*args, **kwargs)
        self.declared = declared
        field = SETTING_FIELDS[declared.type]()
        field.label = _("Value")
        self.fields = {"value": field, **self.fields}

    def clean_value(self):
        value = self.cleaned_data["value"]
        if not self.declared.accepts(value) and self.declared.pattern:
            raise forms.ValidationError(_("Write it as 22:00-07:00, or leave it empty."))
        if not self.declared.accepts(value):
            raise forms.ValidationError(
                _("Allowed is %(lowest)s to %(highest)s."),
                params={"lowest": self.declared.lowest, "highest": self.declared.highest},
            )
        return value


class TokenForm(forms.Form):
    """What a new token is for and how long it is valid."""

    purpose = forms.CharField(label=_("What it is for"), max_length=80)
    days = forms.IntegerField(label=_("Days for which it is valid"), min_value=1, max_value=1830, initial=90)


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, **kwargs):
        super().__init__(format="%H:%M", **kwargs)


# Whose seats are on a roster: the desks, not the street.
SEATS = [role for role, info in ROLES.items() if info.is_desk and role != Role.COLLECTOR]


class ShiftForm(forms.ModelForm):
    class Meta:
        model = Shift
        fields = ["name", "begins_at", "ends_at"]
        widgets = {"begins_at": TimeInput(), "ends_at": TimeInput()}


class TurnsForm(forms.ModelForm):
    """Somebody on the roster: on weekdays, or on one day."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        coerce=int,
        choices=RosterEntry.Weekday.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    role = forms.ChoiceField(label=_("Desk"), required=False)

    class Meta:
        model = RosterEntry
        fields = ["kind", "department", "role", "shift", "user", "class_code", "on_date", "valid_from", "valid_to"]
        widgets = {"on_date": DateInput(), "valid_from": DateInput(), "valid_to": DateInput()}

    field_order = [
        "kind", "department", "role", "shift", "user", "weekdays", "on_date", "class_code", "valid_from", "valid_to",
    ]  # fmt: skip

    def __init__(self, *args, day, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", "—"), *((role.value, _(ROLES[role].label)) for role in SEATS)]
        self.fields["department"].queryset = Department.objects.valid(day)
        self.fields["user"].queryset = User.objects.filter(is_active=True)
        self.fields["user"].empty_label = _("Nobody (on one day only)")

    def clean(self) -> dict:
        said = super().clean()
        if bool(said.get("weekdays")) == bool(said.get("on_date")):
            self.add_error("weekdays", _("Choose weekdays, or one day."))
        if said.get("user") is None and not said.get("on_date"):
            self.add_error("user", _("Say who. Only a single day can be left without anybody."))
        if said.get("kind") == RosterEntry.Kind.SEAT and not said.get("role"):
            self.add_error("role", _("A seat is at a desk: choose which."))
        if said.get("kind") == RosterEntry.Kind.SEAT and said.get("class_code"):
            self.add_error("class_code", _("Only somebody on call is called for certain classes."))
        if said.get("kind") == RosterEntry.Kind.ON_CALL:
            said["role"] = ""
        return said

    def _post_clean(self) -> None:
        """The roster's own action makes the rows, one for each weekday; there is no single row to check here."""


class HandTurnForm(forms.Form):
    """One day on which somebody else has a turn."""

    entry = forms.ModelChoiceField(label=_("Turn"), queryset=RosterEntry.objects.none())
    on = forms.DateField(label=_("On the day"), widget=DateInput())
    to = forms.ModelChoiceField(
        label=_("Instead"), queryset=User.objects.none(), required=False, empty_label=_("Nobody")
    )

    def __init__(self, *args, entries=None, **kwargs):
        super().__init__(*args, **kwargs)
        if entries is not None:
            self.fields["entry"].queryset = entries
        self.fields["to"].queryset = User.objects.filter(is_active=True)

    def named(self, entry: RosterEntry) -> str:
        """A turn as it stands in the list."""
        day = entry.on_date or entry.get_weekday_display()
        return f"{entry.user} · {entry.department} · {entry.shift} · {day}"


class ContactForm(forms.ModelForm):
    class Meta:
        model = Contact
        fields = ["department", "name", "mobile", "phone", "user", "sort", "from_time", "to_time"]
        widgets = {"from_time": TimeInput(), "to_time": TimeInput()}

    def __init__(self, *args, departments, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = departments
        self.fields["user"].queryset = User.objects.filter(is_active=True)
        self.fields["user"].empty_label = _("No account")

    def clean(self) -> dict:
        said = super().clean()
        if not (said.get("mobile") or said.get("phone")):
            self.add_error("mobile", _("Give at least one number."))
        if (said.get("from_time") is None) != (said.get("to_time") is None):
            self.add_error("to_time", _("Give both ends of the hours, or neither."))
        return said


class ReachForm(forms.ModelForm):
    """Somebody's own wish for one channel."""

    class Meta:
        model = Reach
        fields = ["is_wanted", "address", "quiet_from", "quiet_to"]
        widgets = {"quiet_from": TimeInput(), "quiet_to": TimeInput()}

    def __init__(self, *args, channel: str, robots: list[str], **kwargs):
        super().__init__(*args, prefix=channel, **kwargs)
        self.channel = channel
        if channel == Reach.Channel.MAIL:
            self.fields["address"] = forms.EmailField(label=_("Mail address"), required=False, max_length=150)
        elif channel == Reach.Channel.CHAT:
            choices = [("", _("My department's")), *((name, name) for name in robots)]
            self.fields["address"] = forms.ChoiceField(label=_("Robot"), required=False, choices=choices)
        else:
            self.fields["address"].label = _("Mobile phone; empty: the one in my account")
        self.order_fields(["is_wanted", "address", "quiet_from", "quiet_to"])

    def clean(self) -> dict:
        said = super().clean()
        if (said.get("quiet_from") is None) != (said.get("quiet_to") is None):
            self.add_error("quiet_to", _("Give both ends of the hours, or neither."))
        return said


class DeliveryFilter(forms.Form):
    """Which deliveries a list shows; kept in the page's address."""

    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Needs looking at")), *Delivery.State.choices]
    )
    channel = forms.ChoiceField(
        label=_("channel"), required=False, choices=[("", _("All channels")), *Reach.Channel.choices]
    )


class PhraseForm(forms.ModelForm):
    """One phrase; whose it is, the page knows."""

    class Meta:
        model = Phrase
        fields = ["text", "use", "number"]
        widgets = {"number": forms.NumberInput(attrs={"min": 1, "max": 99})}


class NoticeForm(forms.ModelForm):
    """A new notice. `roles` that may be addressed, `centre`: the only department, None where any may be chosen."""

    roles = forms.MultipleChoiceField(
        label=_("For these roles"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: for all of them."),
    )  # fmt: skip

    class Meta:
        model = Notice
        fields = ["title", "body", "roles", "department", "valid_from", "valid_to"]
        widgets = {
            "body": forms.Textarea(attrs={"rows": 4}),
            "valid_from": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "valid_to": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }

    def __init__(self, *args, roles=(), centre=None, day=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = [(str(role), _(ROLES[role].label)) for role in ROLES if role in roles]
        if centre is not None:
            del self.fields["department"]
        else:
            self.fields["department"].queryset = Department.objects.valid(day).order_by("path")
            self.fields["department"].empty_label = _("All departments")

    def clean(self):
        said = super().clean()
        begins, ends = said.get("valid_from"), said.get("valid_to")
        if begins and ends and ends <= begins:
            self.add_error("valid_to", _("It must end after it begins."))
        return said


class HandOverForm(forms.ModelForm):
    """What is said when a shift is handed over."""

    class Meta:
        model = HandOver
        fields = ["shift", "notes"]
        widgets = {"notes": forms.Textarea(attrs={"rows": 5})}
