"""What the telephone desk and the citizen fill in."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from components.forms import ClassField
from components.models import Component
from grid.forms import PlaceBox, PlaceFields
from grid.models import Area
from hotline.actions import TOKEN_PATTERN, new_token
from hotline.models import Call
from office import settings
from office.forms import FilesField, KeepsFiles
from office.media import EARLIEST, LATEST

WORDS = 2000
UNKEPT = {"autocomplete": "off"}
POSSIBLE = (MinValueValidator(EARLIEST), MaxValueValidator(LATEST))


def words(rows: int, *, most: int = WORDS, attrs: dict | None = None, **kwargs) -> forms.CharField:
    """A field for some sentences."""
    widget = forms.Textarea(attrs={"rows": rows, **(attrs or {})})
    return forms.CharField(max_length=most, required=False, widget=widget, **kwargs)


class CallForm(PlaceFields):
    """One call while it lasts. Which fields are needed depends on how it ends: `needed_for`."""

    public_id = forms.UUIDField(widget=forms.HiddenInput)
    received_at = forms.DateTimeField(widget=forms.HiddenInput, required=False, validators=POSSIBLE)
    kind = forms.ChoiceField(label=_("Kind of call"), choices=Call.Kind.choices, initial=Call.Kind.REPORT)
    urgency = forms.TypedChoiceField(
        label=_("Urgency"), choices=Call.Urgency.choices, coerce=int, initial=Call.Urgency.NORMAL
    )
    # the caller: into the vault
    # and therefore neither into the browser's memory nor into the draft that the page keeps
    name = forms.CharField(
        label=pgettext_lazy("person", "Name"), max_length=50, required=False, widget=forms.TextInput(attrs=UNKEPT)
    )
    phone = forms.CharField(
        label=_("Phone"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "data-next": "id_minor_class", **UNKEPT}),
    )
    cause = forms.CharField(
        label=_("Cause, as the caller says it"), max_length=200, required=False, widget=forms.TextInput(attrs=UNKEPT)
    )
    course = words(3, label=_("Course, as the caller tells it"), attrs=UNKEPT)
    # the facts: for everybody who works on it
    happened_at = forms.DateTimeField(
        label=_("When it happened"), required=False, validators=POSSIBLE,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    place = PlaceBox(max_length=200, required=False, onward="id_description")
    minor_class = ClassField(required=False)
    description = words(
        3, label=_("Fact sheet in your own words"),
        help_text=_("Departments read this. Nothing that shows who called: no name, number, home or way of speaking."),
    )  # fmt: skip
    answer = words(3, label=_("What was answered"))
    joined = forms.UUIDField(required=False, widget=forms.HiddenInput)
    component = forms.CharField(required=False, max_length=17, widget=forms.HiddenInput)

    NEEDED = {
        Call.Result.REGISTERED: ("minor_class", "description"),
        Call.Result.JOINED: ("joined",),
        Call.Result.ANSWERED: ("answer",),
        Call.Result.OUT_OF_SCOPE: ("answer",),
    }

    def __init__(self, *args, day: date, result: str = "", usual: Sequence[UUID] = (), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.result = result
        self.fields["minor_class"].for_day(day, usual=usual)
        self.fields["minor_class"].widget.attrs["data-next"] = "id_place"
        self.fields["public_id"].initial = uuid4

    def clean(self):
        cleaned = super().clean()
        for name in self.NEEDED.get(self.result, ()):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, self.fields[name].error_messages["required"])
        if self.result == Call.Result.REGISTERED and self.point is None:
            self.add_error("lon", _("Show the place on the map, or type its coordinates."))
        return cleaned

    @property
    def named_component(self) -> Component | None:
        """The component that the place box named, if it is of the class that was chosen."""
        named, minor_class = self.cleaned_data["component"], self.cleaned_data["minor_class"]
        if not named or minor_class is None:
            return None
        return Component.objects.current().filter(identifier=named, minor_class=minor_class).first()

    @property
    def caller_words(self) -> str:
        return "\n".join(text for text in (self.cleaned_data["cause"], self.cleaned_data["course"]) if text)


class AreaField(forms.ModelChoiceField):
    """A community to choose where no map can be used."""

    def label_from_instance(self, area: Area) -> str:
        return f"{area.parent.name} · {area.name}"


class CitizenForm(PlaceFields, KeepsFiles):
    """What a citizen tells: a picture, the place, what it is; words and contact if he likes."""

    public_id = forms.UUIDField(widget=forms.HiddenInput)
    token = forms.CharField(widget=forms.HiddenInput, validators=[RegexValidator(f"^{TOKEN_PATTERN}$")], max_length=22)
    files = FilesField(label=_("Pictures"), help_text=_("One near, one from some steps away."))
    minor_class = ClassField(label=_("What is it?"), empty_label=_("Choose what fits best"))
    place = forms.CharField(
        label=_("Where is it?"), max_length=200, required=False,
        help_text=_("Street and number, or something that stands near."),
    )  # fmt: skip
    area = AreaField(
        Area.objects.none(), label=_("Community"), required=False, to_field_name="public_id",
        empty_label=_("Choose the community"), help_text=_("Only if you cannot show the place on the map."),
    )  # fmt: skip
    words = words(
        4, label=_("Anything else?"), most=1000,
        help_text=_("Only our desk reads your words; the people who do the work do not."),
    )  # fmt: skip
    name = forms.CharField(
        label=_("Your name"), max_length=50, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = forms.CharField(
        label=_("Your phone"), max_length=30, required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
        help_text=_("If you would like to be called back. It is kept sealed, and each look at it is noted."),
    )  # fmt: skip

    def __init__(self, *args, day: date, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minor_class"].for_day(day)
        self.fields["public_id"].initial = uuid4
        self.fields["token"].initial = new_token
        self.fields["area"].queryset = communities()
        self.fields["files"].most = settings.get("hotline.citizen_pictures", on=day)

    def clean(self):
        cleaned = super().clean()
        if self.point is None and not cleaned.get("area") and not {"lon", "lat"} & set(self.errors):
            self.add_error("area", _("Show the place on the map, or choose the community and describe the place."))
        return cleaned

    @property
    def point(self):
        """The place shown on the map; without one a point inside the chosen community."""
        shown = super().point
        area = getattr(self, "cleaned_data", {}).get("area")
        if shown is not None or area is None:
            return shown
        return area.boundary.point_on_surface

    @property
    def is_coarse(self) -> bool:
        return super().point is None


def communities():
    """The communities a citizen may choose from, street by street."""
    return (
        Area.objects.current()
        .filter(level=Area.Level.COMMUNITY, boundary__isnull=False)
        .select_related("parent")
        .defer("boundary", "parent__boundary")
        .order_by("code")
    )
