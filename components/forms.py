"""The class box of a form: a plain list that works everywhere, and that static/js/class_box.js makes searchable.

Then the forms of the maintenance pages.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from django import forms
from django.contrib.gis.geos import Point
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from components.models import Component, FilingCondition, MinorClass
from grid.addresses import initials
from grid.forms import PlaceFields, point_of


class ClassSelect(forms.Select):
    """Options carry what the page searches: code, pinyin initials, other names; and the place of what is used most."""

    usual: Sequence[UUID] = ()

    def create_option(self, name, value, label, selected, index, subindex=None, attrs=None):
        option = super().create_option(name, value, label, selected, index, subindex, attrs)
        minor_class = getattr(value, "instance", None)
        if minor_class is not None:
            aliases = minor_class.aliases.splitlines()
            spelt = [minor_class.pinyin_initials, *map(initials, aliases)]
            option["attrs"]["data-initials"] = " ".join(dict.fromkeys(filter(None, spelt)))
            if find := " ".join([*aliases, minor_class.name_en]).strip():
                option["attrs"]["data-find"] = find
            if minor_class.public_id in self.usual:
                option["attrs"]["data-usual"] = self.usual.index(minor_class.public_id) + 1
        return option


class _ByMajor(forms.models.ModelChoiceIterator):
    """The choices under the names of their majors."""

    def __iter__(self) -> Iterator:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        rows = list(self.queryset)
        for name, group in groupby(rows, key=lambda row: row.major_name):
            yield name, [self.choice(row) for row in group]


# Where the conditions and limits of a class are read; the page puts the class in.
PROMISE = reverse_lazy("components:promise", args=[UUID(int=0)])


class ClassField(forms.ModelChoiceField):
    """A class that a report may be given on a day; call `for_day` when the form is made."""

    widget = ClassSelect
    iterator = _ByMajor

    def __init__(self, **kwargs) -> None:
        defaults = {
            "label": _("Class"),
            "empty_label": _("Choose a class"),
            "error_messages": {"invalid_choice": _("This class is not in use. Choose another one.")},
        }
        super().__init__(MinorClass.objects.none(), to_field_name="public_id", **{**defaults, **kwargs})
        self.widget.attrs |= {"data-class-box": True, "data-promise": PROMISE}

    def for_day(self, day: date, *, usual: Sequence[UUID] = ()) -> None:
        """Offer the classes of a day; `usual` are those that this person uses most, which stand first."""
        self.queryset = MinorClass.objects.offered(day)
        self.widget.usual = usual

    def label_from_instance(self, minor_class: MinorClass) -> str:
        return f"{minor_class.code} {minor_class.name}"


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def asked_place(said) -> tuple[Point | None, MinorClass | None]:
    """Return the point (`lon`, `lat`) and the class (`minor_class`) that an address asks about, None for nonsense."""
    try:
        point = point_of(float(said.get("lon", "")), float(said.get("lat", "")))
    except ValueError:
        point = None
    try:
        chosen = UUID(said.get("minor_class", ""))
    except ValueError:
        return point, None
    return point, MinorClass.objects.filter(public_id=chosen).first()


class CatalogueFilter(forms.Form):
    """Which classes a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Name, initials or code"), required=False, widget=forms.SearchInput)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("all")), *MinorClass.Kind.choices])
    scheme = forms.ChoiceField(
        label=_("Code scheme"), required=False, choices=[("", _("all")), *MinorClass.Scheme.choices]
    )
    without_limit = forms.BooleanField(label=_("only with conditions without a limit"), required=False)


SAME_PROBLEM = ["near_metres", "near_hours", "near_on_road", "recurrence_days"]


class ClassForm(forms.ModelForm):
    class Meta:
        model = MinorClass
        fields = ["name_zh", "name_en", "department_type", "aliases", *SAME_PROBLEM]
        widgets = {"aliases": forms.Textarea(attrs={"rows": 3})}


class ExtensionForm(ClassForm):
    major_code = forms.ChoiceField(label=_("Major class"))

    class Meta(ClassForm.Meta):
        fields = ["kind", "name_zh", "name_en", "department_type", "aliases"]

    field_order = ["kind", "major_code"]

    def __init__(self, *args, majors: list[tuple[str, str, str]], **kwargs) -> None:
        """`majors`: (kind, code, name) of the majors of the scheme in force."""
        super().__init__(*args, **kwargs)
        self.majors = majors
        self.fields["major_code"].choices = [(code, f"{code} {name}") for _kind, code, name in majors]

    def clean(self) -> dict:
        kind, major_code = self.cleaned_data.get("kind"), self.cleaned_data.get("major_code")
        if kind and major_code and not any((kind, major_code) == major[:2] for major in self.majors):
            self.add_error("major_code", _("This major class does not belong to that kind."))
        return self.cleaned_data


class ConditionForm(forms.ModelForm):
    """A filing condition as it holds from a day on."""

    class Meta:
        model = FilingCondition
        fields = [
            "condition_zh",
            "condition_en",
            "close_condition_zh",
            "close_condition_en",
            "limit_value",
            "limit_unit",
            "season",
            "legal_basis",
            "source",
            "note",
            "is_active",
            "valid_from",
        ]
        widgets = {
            "valid_from": DayInput(),
            **{
                name: forms.Textarea(attrs={"rows": 2})
                for name in ("condition_zh", "condition_en", "close_condition_zh", "close_condition_en", "legal_basis")
            },
        }

    def clean_limit_value(self) -> Decimal | None:
        value = self.cleaned_data["limit_value"]
        if value is not None and value <= 0:
            raise forms.ValidationError(_("A limit is more than nothing."))
        return value

    def clean(self) -> dict:
        facts = self.cleaned_data
        if facts.keys() >= {"limit_value", "limit_unit"} and (facts["limit_value"] is None) != (
            not facts["limit_unit"]
        ):
            self.add_error("limit_unit", _("Give the limit with its unit, or neither."))
        return facts


class ComponentFilter(forms.Form):
    """Which components a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Identifier or name"), required=False, widget=forms.SearchInput)
    code = forms.CharField(label=_("Class, such as 01-037"), required=False, max_length=6)
    area = forms.CharField(label=_("Code of the area"), required=False, max_length=15)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("all")), *Component.State.choices])


CARD = [
    "name_zh",
    "state",
    "supervising_authority_code",
    "supervising_authority_name",
    "owner",
    "owner_code",
    "owner_name",
    "maintainer",
    "maintainer_code",
    "maintainer_name",
    "accuracy_class",
    "data_source",
    "note",
]


class ComponentForm(forms.ModelForm):
    """The card of a component, without what is given once: identifier, class, place."""

    class Meta:
        model = Component
        fields = CARD
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}
        labels = {"owner": _("Owner among the departments"), "maintainer": _("Maintainer among the departments")}

    def __init__(self, *args, departments, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in ("owner", "maintainer"):
            self.fields[name].queryset = departments


class NewComponentForm(PlaceFields, ComponentForm):
    minor_class = ClassField()
    public_id = forms.UUIDField(widget=forms.HiddenInput)

    class Meta(ComponentForm.Meta):
        fields = [name for name in CARD if name != "name_zh"]

    field_order = ["minor_class", "lon", "lat"]

    def __init__(self, *args, day: date, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minor_class"].for_day(day)
        self.fields["minor_class"].queryset = self.fields["minor_class"].queryset.filter(kind=MinorClass.Kind.COMPONENT)
        for name in ("lon", "lat"):
            self.fields[name].required = True
