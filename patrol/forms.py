"""What a collector fills in with one hand, standing in the street."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from django import forms
from django.core.validators import URLValidator
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from cases.forms import FIELDS, MoveForm
from cases.models import Evidence
from components.forms import ClassField
from grid.forms import PlaceFields, point_of
from grid.models import DutyGrid
from office import settings
from office.forms import FilesField, KeepsFiles
from office.media import is_possible
from patrol.models import Camera, CameraState

WORST_ACCURACY_M = 100_000


class PhoneFields(forms.Form):
    """Mixin: what the phone says by itself, written into hidden fields by static/js/phone.js. Nonsense is silence."""

    pos_lon = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    pos_lat = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    pos_accuracy_m = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    claimed = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    @property
    def position(self):
        """Where the phone is, None when it does not say."""
        longitude, latitude = self._number("pos_lon", -180, 180), self._number("pos_lat", -90, 90)
        return point_of(longitude, latitude)

    @property
    def position_accuracy_m(self) -> float | None:
        accuracy_m = self._number("pos_accuracy_m", 0, WORST_ACCURACY_M)
        return None if accuracy_m is None else round(accuracy_m, 1)

    @property
    def claimed_at(self) -> datetime | None:
        """The phone's own time, None when it does not say."""
        try:
            said = parse_datetime(self.cleaned_data.get("claimed", ""))
        except ValueError:
            return None
        return said if said is not None and timezone.is_aware(said) and is_possible(said) else None

    def _number(self, name: str, lowest: float, highest: float) -> float | None:
        try:
            number = float(getattr(self, "cleaned_data", {}).get(name, ""))
        except ValueError:
            return None
        return number if lowest <= number <= highest else None


class ReportForm(PlaceFields, PhoneFields, KeepsFiles):
    """A problem seen: picture first, then where and what."""

    public_id = forms.UUIDField(widget=forms.HiddenInput)
    near = FilesField(label=_("Picture from near"), capture=True, multiple=False)
    far = FilesField(label=_("Picture from afar, with something to know the place by"), capture=True, multiple=False)
    more = FilesField(label=_("More pictures"), help_text=_("Mark on the lid, plate, number, the way there."))
    minor_class = ClassField()
    description = forms.CharField(
        label=_("Description"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    address = forms.CharField(
        label=_("Place in words"), max_length=200, required=False,
        help_text=_("Left empty, it is taken from the map."),
    )  # fmt: skip

    is_self_handled = forms.BooleanField(
        label=_("I put it right myself on the spot"), required=False,
        help_text=_("Only small things: a picture must show how it looks now."),
    )  # fmt: skip
    after = FilesField(label=_("Picture after it was put right"), capture=True, multiple=False)

    USAGES = {
        "near": Evidence.Usage.NEAR, "far": Evidence.Usage.FAR, "more": Evidence.Usage.REFERENCE,
        "after": Evidence.Usage.AFTER,
    }  # fmt: skip

    def __init__(self, *args, day: date, usual: Sequence[UUID] = (), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minor_class"].for_day(day, usual=usual)
        self.fields["public_id"].initial = uuid4
        self.fields["near"].needed = settings.get("patrol.report_needs_picture", on=day)

    def clean(self):
        cleaned = super().clean()
        if self.point is None and self.position is None and not {"lon", "lat"} & set(self.errors):
            self.add_error("lon", _("Show the place on the map, or let the phone find its position."))
        if cleaned.get("is_self_handled") and not cleaned.get("after") and "after" not in self.errors:
            self.add_error("after", _("A picture is needed here."))
        return cleaned

    @property
    def point(self):
        """Where it is: shown on the map, else where the phone is."""
        return super().point or self.position

    def facts(self) -> dict:
        """Return the keyword arguments of `patrol.actions.report`."""
        said = self.cleaned_data
        return {
            "minor_class": said["minor_class"], "point": self.point, "description": said["description"],
            "address": said["address"], "position": self.position, "accuracy_m": self.position_accuracy_m,
            "claimed_at": self.claimed_at, "files": self.pictures, "public_id": said["public_id"],
            "is_self_handled": said["is_self_handled"],
        }  # fmt: skip

    @property
    def pictures(self) -> list:
        """Pairs of stored file and usage."""
        names = [name for name in self.USAGES if name != "after" or self.cleaned_data["is_self_handled"]]
        return [(file, self.USAGES[name]) for name in names for file in self.cleaned_data[name]]


class AnswerForm(MoveForm, PhoneFields):
    """The answer to a verification or a check."""

    fields_of = {
        **FIELDS,
        "files": lambda form: FilesField(label=_("Picture on the spot"), kinds=("picture", "video"), capture=True),
    }

    def facts(self) -> dict:
        said = self.cleaned_data
        return {
            "result": said["result"],
            "opinion": said["opinion"],
            "files": said["files"],
            "position": self.position,
            "accuracy_m": self.position_accuracy_m,
            "claimed_at": self.claimed_at,
        }


class PersonChoice(forms.ModelChoiceField):
    def label_from_instance(self, user: User) -> str:
        return f"{user} · {user.staff_number}"


class GridChoice(forms.ModelChoiceField):
    def label_from_instance(self, duty_grid: DutyGrid) -> str:
        return f"{duty_grid.code} {duty_grid.name}"


class AssignForm(forms.Form):
    """Who patrols which duty grid from a day on."""

    collector = PersonChoice(User.objects.none(), label=_("Collector"), to_field_name="public_id")
    duty_grid = GridChoice(DutyGrid.objects.none(), label=_("Duty grid"), to_field_name="public_id")
    valid_from = forms.DateField(
        label=_("Valid from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args, day: date, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["collector"].queryset = User.objects.holding(Role.COLLECTOR, day=day).order_by("staff_number")
        self.fields["duty_grid"].queryset = DutyGrid.objects.current().order_by("code")
        self.fields["valid_from"].initial = day


class EndForm(forms.Form):
    """From which day on a collector no longer patrols a duty grid."""

    on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


# — cameras ——————————————————————————————————————————————————————————————————————————————————————————


class CameraFilter(forms.Form):
    """Which cameras a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Number, name or area"), required=False, max_length=100, widget=forms.SearchInput)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("all")), *CameraState.choices])
    level = forms.ChoiceField(label=_("Level"), required=False, choices=[("", _("all")), *Camera.Level.choices])
    owner = forms.ChoiceField(label=_("Whose it is"), required=False, choices=[("", _("all")), *Camera.Owner.choices])

    def narrow(self, cameras):
        """Return those that the filter lets through; nonsense in the address lets everything through."""
        said = self.cleaned_data if self.is_valid() else {}
        chosen = {name: said[name] for name in ("state", "level", "owner") if said.get(name)}
        return cameras.search(said.get("q", "")).filter(**chosen)


class CameraForm(PlaceFields, forms.ModelForm):
    """A camera point of the register."""

    stills_url = forms.URLField(
        label=_("Address of stills"), max_length=300, required=False, assume_scheme="http",
        validators=[URLValidator(schemes=["http", "https"])],
        help_text=_("Gives one picture over HTTP. Empty: stills are handed in as files."),
    )  # fmt: skip

    class Meta:
        model = Camera
        fields = (
            "code", "name", "level", "owner", "direction", "reach_m", "stills_url", "valid_from", "valid_to",
        )  # fmt: skip
        widgets = {
            name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d") for name in ("valid_from", "valid_to")
        }

    def clean(self):
        cleaned = super().clean()
        if self.point is None:
            if not {"lon", "lat"} & set(self.errors):
                self.add_error("lon", _("Show the place on the map, or type its coordinates."))
        else:
            self.instance.point = self.point
        begins, ends = cleaned.get("valid_from"), cleaned.get("valid_to")
        if begins and ends and ends <= begins:
            self.add_error("valid_to", _("It ends after it begins."))
        return cleaned


class CameraReportForm(PlaceFields, KeepsFiles):
    """What a camera shows, as a report: the stills, the class, the place where it is seen."""

    public_id = forms.UUIDField(widget=forms.HiddenInput)
    files = FilesField(label=_("Stills"), help_text=_("Take one from the camera, or choose a file saved elsewhere."))
    minor_class = ClassField()
    description = forms.CharField(
        label=_("Description"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    address = forms.CharField(
        label=_("Place in words"), max_length=200, required=False,
        help_text=_("Left empty, it is taken from the map."),
    )  # fmt: skip

    def __init__(self, *args, day: date, usual: Sequence[UUID] = (), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minor_class"].for_day(day, usual=usual)
        self.fields["public_id"].initial = uuid4
        for name in ("lon", "lat"):  # beside the map, outside the form
            self.fields[name].widget.attrs["form"] = "report"

    def clean(self):
        cleaned = super().clean()
        if self.point is None and not {"lon", "lat"} & set(self.errors):
            self.add_error("lon", _("Show the place on the map, or type its coordinates."))
        return cleaned

    def facts(self) -> dict:
        """Return the keyword arguments of `patrol.actions.report_from_camera`."""
        said = self.cleaned_data
        names = ("minor_class", "files", "description", "address", "public_id")
        return {"point": self.point, **{name: said[name] for name in names}}


class MarkForm(forms.Form):
    """Whether a camera works, and what is the matter with it."""

    why = forms.CharField(label=_("What is the matter"), max_length=200, required=False)
