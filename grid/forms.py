"""A place in a form: picked on the map, found by the phone, or typed. Then the forms of the maintenance pages."""

from decimal import Decimal

from django import forms
from django.contrib.gis.geos import Point
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from grid.models import SRID, Area, DutyGrid, Place, Road


def degrees(label: str, most: int, **kwargs) -> forms.DecimalField:
    """A field for a longitude (most 180) or a latitude (most 90). More decimals than a micrometre's are cut."""
    return forms.FloatField(
        label=label, min_value=-most, max_value=most, required=False,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}), **kwargs,
    )  # fmt: skip


def point_of(longitude: float | None, latitude: float | None) -> Point | None:
    """Return the point, None when one of the two is missing. WGS 84 is relabelled: it differs by centimetres."""
    if longitude is None or latitude is None:
        return None
    return Point(longitude, latitude, srid=SRID)


class PlaceFields(forms.Form):
    """Mixin: `lon`, `lat` and how exactly they are known; `point` is the place, None when not given.

    The page puts a map beside the fields that writes into them (static/js/map.js).
    """

    lon = degrees(_("Longitude"), 180)
    lat = degrees(_("Latitude"), 90)
    accuracy_m = forms.FloatField(min_value=0, required=False, widget=forms.HiddenInput)

    @property
    def point(self) -> Point | None:
        said = getattr(self, "cleaned_data", {})  # an empty form has none
        return point_of(said.get("lon"), said.get("lat"))

    def clean_accuracy_m(self) -> Decimal | None:
        """To a decimetre; what is worse than 100 km says nothing."""
        accuracy_m = self.cleaned_data["accuracy_m"]
        return None if accuracy_m is None or accuracy_m > 100_000 else Decimal(str(round(accuracy_m, 1)))


class PlaceBox(forms.CharField):
    """The words of a place; static/js/place_box.js finds the point that they mean and fills in `lon` and `lat`.

    `onward` is the id of the field to which one goes on from here.
    """

    def __init__(self, *, onward: str = "", **kwargs) -> None:
        super().__init__(**{"label": _("Place"), **kwargs})
        self.widget.attrs |= {"data-place-box": "id_lon,id_lat", "data-find": reverse_lazy("find_place")}
        if onward:
            self.widget.attrs["data-next"] = onward


class AreaFilter(forms.Form):
    """Which areas a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Name or code"), required=False, widget=forms.SearchInput)
    level = forms.ChoiceField(label=_("Level"), required=False, choices=[("", _("all")), *Area.Level.choices])


class AreaForm(forms.ModelForm):
    class Meta:
        model = Area
        fields = ["name_zh", "name_en"]


class RoadFilter(forms.Form):
    """Which roads a list shows; kept in the page's address."""

    q = forms.CharField(label=_("Name"), required=False, widget=forms.SearchInput)
    road_class = forms.ChoiceField(
        label=_("Road class"), required=False, choices=[("", _("all")), *Road.RoadClass.choices]
    )


class RoadForm(forms.ModelForm):
    class Meta:
        model = Road
        fields = ["name_zh", "name_en", "road_class"]


class CodesField(forms.CharField):
    """Codes of unit grids, or of communities and streets for all cells in them; one a line or with spaces between."""

    widget = forms.Textarea

    def clean(self, value: str) -> list[str]:
        return sorted(set(super().clean(value).replace(",", " ").replace("，", " ").split()))


class CellsForm(forms.Form):
    cells = CodesField(
        label=_("Unit grids"),
        help_text=_("Codes, one a line: of unit grids (15 characters), or of a community or street for all in it."),
        widget=forms.Textarea(attrs={"rows": 12, "class": "num"}),
    )


class DutyGridNameForm(forms.ModelForm):
    class Meta:
        model = DutyGrid
        fields = ["name_zh", "name_en"]


class NewDutyGridForm(CellsForm, forms.ModelForm):
    class Meta:
        model = DutyGrid
        fields = ["code", "name_zh", "name_en", "area_code"]


PLACES_AT_ONCE = 2000
COLUMNS_OF_A_PLACE = 5


class PlacesForm(forms.Form):
    """Named places as lines copied from a spreadsheet; `places` are the rows, not written yet."""

    lines = forms.CharField(
        label=_("Named places"), max_length=400_000,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": _("name · kind · address · longitude · latitude")}),
        help_text=_(
            "One a line, as copied from a spreadsheet: name, kind (door plate, point of interest … or empty), address, "
            "longitude, latitude."
        ),
    )  # fmt: skip

    def clean_lines(self) -> str:
        """Read every line; what cannot be read is said with its number."""
        self.places: list[Place] = []
        kinds = {str(label): value for value, label in Place.Kind.choices}
        lines = [line for line in self.cleaned_data["lines"].splitlines() if line.strip()]
        if len(lines) > PLACES_AT_ONCE:
            raise forms.ValidationError(_("At most %(most)s lines at once.") % {"most": PLACES_AT_ONCE})
        for number, line in enumerate(lines, 1):
            cells = [cell.strip() for cell in line.split("\t" if "\t" in line else ",")]
            try:
                name, kind, address, longitude, latitude = cells
                point = point_of(float(longitude), float(latitude))
            except ValueError:
                wrong = {"number": number, "columns": COLUMNS_OF_A_PLACE}
                raise forms.ValidationError(
                    _("Line %(number)s cannot be read: %(columns)s columns, the last two in degrees.") % wrong
                ) from None
            if not name or abs(point.x) > 180 or abs(point.y) > 90 or (kind and kind not in kinds):
                raise forms.ValidationError(
                    _("Line %(number)s: no name, an unknown kind, or a place outside the globe.") % {"number": number}
                )
            kept = kinds.get(kind, Place.Kind.POI)
            self.places.append(Place(name_zh=name[:100], kind=kept, address=address[:256], geometry=point))
        return self.cleaned_data["lines"]
