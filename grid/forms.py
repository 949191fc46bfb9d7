"""A place in a form: picked on the map, found by the phone, or typed as degrees."""

from decimal import Decimal

from django import forms
from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _

from grid.models import SRID


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
        return point_of(self.cleaned_data.get("lon"), self.cleaned_data.get("lat"))

    def clean_accuracy_m(self) -> Decimal | None:
        """To a decimetre; what is worse than 100 km says nothing."""
        accuracy_m = self.cleaned_data["accuracy_m"]
        return None if accuracy_m is None or accuracy_m > 100_000 else Decimal(str(round(accuracy_m, 1)))
