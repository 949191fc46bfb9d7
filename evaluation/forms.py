"""Forms of the maintenance pages."""

from datetime import date, timedelta
from decimal import Decimal

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evaluation.indicators import label_of
from evaluation.models import EvalGroup, EvalScheme
from evaluation.scoring import PROBLEMS, check, from_data


class GroupForm(forms.ModelForm):
    """The name of a comparable group; its code, by which departments belong to it, is given once."""

    class Meta:
        model = EvalGroup
        fields = ("code", "name_zh", "name_en", "sort")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["code"]


class WeightsForm(forms.Form):
    """New weights for the items of a scheme, from a day on."""

    valid_from = forms.DateField(
        label=gettext_lazy("Holds from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Periods that were frozen before keep the weights they were counted with."),
    )

    def __init__(self, *args, scheme: EvalScheme, today: date, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.scheme = scheme
        self.fields["valid_from"].initial = today + timedelta(days=1)
        for place, item in enumerate(scheme.scheme.items):
            self.fields[f"weight_{place}"] = forms.DecimalField(
                label=_(label_of(item.source)), min_value=0, max_value=1000, decimal_places=2, max_digits=6,
                initial=Decimal(item.weight.numerator) / item.weight.denominator,
            )  # fmt: skip

    @property
    def weights(self) -> list[Decimal]:
        """The weights in the order of the items."""
        return [self.cleaned_data[f"weight_{place}"] for place in range(len(self.scheme.definition["items"]))]

    def clean(self):
        data = super().clean()
        if self.errors:
            return data
        items = [
            {**item, "weight": str(weight)}
            for item, weight in zip(self.scheme.definition["items"], self.weights, strict=True)
        ]
        problems = check(from_data({**self.scheme.definition, "items": items}))
        for problem in problems:
            self.add_error(None, _(PROBLEMS[problem]))
        return data
