"""Forms of the command centre's and the departments' moves, and of the responsibility table."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property

from django import forms
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from cases.forms import FIELDS, MoveForm
from components.models import MinorClass
from dispatch import facts
from dispatch.models import ResponsibilityRule, ReturnGround
from dispatch.permissions import departments_to_dispatch_to, handlers_of
from grid.models import Area
from office import settings


class ProposalChoice(forms.Widget):
    """The proposed departments with reason and confidence, keys 1–9; below them a list of all the others.

    The list is empty until somebody uses it, so what is chosen there counts.
    """

    suggestions: list[facts.Suggestion] = []
    others: list[Department] = []

    def value_from_datadict(self, data, files, name):
        return data.get(f"{name}_other") or data.get(name)

    def render(self, name, value, attrs=None, renderer=None):
        proposed = [one.id for one in self.suggestions]
        context = {
            "name": name,
            "first_id": self.id_for_label((attrs or {}).get("id", "")),
            "value": value or next(iter(proposed), ""),
            "is_other": bool(value) and value not in proposed,
            "suggestions": self.suggestions,
            "others": [one for one in self.others if str(one.public_id) not in proposed],
        }
        return render_to_string("dispatch/_proposals.html", context)

    def id_for_label(self, id_):
        return f"{id_}_first" if id_ else ""


class FoldedChoices(forms.SelectMultiple):
    """Boxes that stay folded until somebody needs them."""

    def render(self, name, value, attrs=None, renderer=None):
        context = {
            "name": name,
            "first_id": (attrs or {}).get("id", ""),
            "choices": self.choices,
            "chosen": [str(one) for one in value or ()],
        }
        return render_to_string("dispatch/_folded.html", context)


def _department(form: "DispatchMoveForm") -> forms.Field:
    widget = ProposalChoice()
    widget.suggestions, widget.others = form.suggestions, form.departments
    return forms.TypedChoiceField(
        label=_("Responsible department"), choices=form.department_choices, coerce=form.departments_by_id.get,
        widget=widget,
    )  # fmt: skip


def _assisting(form: "DispatchMoveForm") -> forms.Field:
    return forms.TypedMultipleChoiceField(
        label=_("Assisting departments"), choices=form.department_choices, coerce=form.departments_by_id.get,
        widget=FoldedChoices,
    )  # fmt: skip


class HandlerChoice(forms.ModelChoiceField):
    """Somebody who handles for the department, by name and phone."""

    def label_from_instance(self, user: User) -> str:
        """Return the name with the number under which he is reached."""
        return f"{user} · {user.phone}" if user.phone else str(user)


def _handler(form: "DispatchMoveForm") -> forms.Field:
    able = handlers_of(form.subject.department, form.at).order_by("staff_number")
    return HandlerChoice(
        label=_("Handler"), queryset=able, to_field_name="public_id", initial=_public_id(form.subject.handler),
        empty_label=_("Not yet decided"),
    )  # fmt: skip


def _public_id(user: User | None):
    return user.public_id if user else None


def _ground(form: "DispatchMoveForm") -> forms.Field:
    return forms.ChoiceField(label=_("Ground"), choices=ReturnGround.choices, widget=forms.RadioSelect)


def _until(form: "DispatchMoveForm") -> forms.Field:
    day = timezone.localdate(form.at)
    longest = settings.get("dispatch.suspension_days", on=day, area_code=form.case.area_code)
    within = {"type": "date", "min": str(day + timedelta(days=1)), "max": str(day + timedelta(days=longest))}
    return forms.DateField(label=_("Suspended until"), widget=forms.DateInput(attrs=within, format="%Y-%m-%d"))


class DispatchMoveForm(MoveForm):
    """The form of one of the moves of this room."""

    fields_of: dict[str, Callable[[MoveForm], forms.Field]] = {
        **FIELDS,
        "department": _department,
        "assisting": _assisting,
        "handler": _handler,
        "ground": _ground,
        "until": _until,
    }

    @cached_property
    def departments(self) -> list[Department]:
        """Everybody a case may be dispatched to on this day; one query."""
        return list(departments_to_dispatch_to(self.at))

    @cached_property
    def departments_by_id(self) -> dict[str, Department]:
        return {str(one.public_id): one for one in self.departments}

    @property
    def department_choices(self) -> list[tuple[str, str]]:
        return [(str(one.public_id), one.name) for one in self.departments]

    @cached_property
    def suggestions(self) -> list[facts.Suggestion]:
        """Who should get the case, the best first."""
        return facts.suggestions(self.case, at=self.at, departments=self.departments)

    def facts(self) -> dict:
        said = super().facts()
        if "department" in said:
            said["rule"] = facts.rule_of(said["department"], self.suggestions)
        return said


class ResponsibilityForm(forms.ModelForm):
    """One row of the responsibility table. What is left empty means any."""

    class Meta:
        model = ResponsibilityRule
        fields = (
            "minor_class", "kind", "major_code", "area_code", "road_class", "owner", "department", "valid_from", "note",
        )  # fmt: skip
        widgets = {"valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args, at, **kwargs):
        super().__init__(*args, **kwargs)
        day = timezone.localdate(at)
        schemes = settings.get("components.schemes", on=day)
        classes = MinorClass.objects.current().filter(scheme__in=schemes)
        departments = departments_to_dispatch_to(at).order_by("sort", "code")
        majors = classes.order_by("major_code").values_list("major_code", "major_name_zh").distinct()
        areas = Area.objects.current().exclude(level=Area.Level.COMMUNITY).order_by("code")
        self.fields["minor_class"].queryset = classes.order_by("kind", "major_code", "minor_code")
        self.fields["major_code"] = _select(_("Major class"), [(code, f"{code} {name}") for code, name in majors])
        self.fields["area_code"] = _select(_("Area"), [(one.code, one.name) for one in areas])
        self.fields["owner"].queryset = self.fields["department"].queryset = departments
        self.fields["valid_from"].initial = day

    def clean(self):
        said = super().clean()
        if said.get("minor_class") and (said.get("kind") or said.get("major_code")):
            raise forms.ValidationError(_("Name either a minor class, or a kind and major class."))
        if said.get("major_code") and not said.get("kind"):
            self.add_error("kind", _("A major class belongs to components or to events: say which."))
        return said


def _select(label, choices) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", "—"), *choices], required=False)


class EndForm(forms.Form):
    """From which day on something holds no longer."""

    on = forms.DateField(label=_("No longer from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
