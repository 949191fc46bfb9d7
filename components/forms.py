"""The class box of a form: a plain list that works everywhere, and that static/js/class_box.js makes searchable."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby

from django import forms
from django.utils.translation import gettext_lazy as _

from components.models import MinorClass


class ClassSelect(forms.Select):
    """Options carry what the search of the page looks through: code, pinyin initials, other names."""

    def create_option(self, name, value, label, selected, index, subindex=None, attrs=None):
        option = super().create_option(name, value, label, selected, index, subindex, attrs)
        minor_class = getattr(value, "instance", None)
        if minor_class is not None:
            option["attrs"]["data-find"] = " ".join(
                [minor_class.code, minor_class.pinyin_initials, *minor_class.aliases.split("\n"), minor_class.name_en]
            ).strip()
        return option


class _ByMajor(forms.models.ModelChoiceIterator):
    """The choices under the names of their majors."""

    def __iter__(self) -> Iterator:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        rows = list(self.queryset)
        for name, group in groupby(rows, key=lambda row: row.major_name):
            yield name, [self.choice(row) for row in group]


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
        self.widget.attrs["data-class-box"] = True

    def for_day(self, day: date) -> None:
        self.queryset = MinorClass.objects.offered(day)

    def label_from_instance(self, minor_class: MinorClass) -> str:
        return f"{minor_class.code} {minor_class.name}"
