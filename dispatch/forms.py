"""Forms of the command centre's and the departments' moves, and of the responsibility table."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from django import forms
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from cases.forms import FIELDS, MoveForm
from cases.models import UNIT_CHOICES
from components.models import MinorClass
from dispatch import approval, facts, safety, terms
from dispatch.links import ways_to_send
from dispatch.models import APPROVER_LABELS, ApprovalRule, Crew, Ground, ResponsibilityRule, SafeClass
from dispatch.permissions import all_to_dispatch_to, departments_below, departments_to_dispatch_to, handlers_of
from grid.models import Area, DutyGrid, Road
from office import settings
from office.forms import FilesField, KeepsFiles


class ProposalChoice(forms.Widget):
    """The proposed departments with reason and confidence, keys 1–9; below them a list of all the others.

    The list is empty until somebody uses it, so what is chosen there counts.
    """

    form: "DispatchMoveForm"  # asked for its suggestions only when they are shown

    def value_from_datadict(self, data, files, name):
        return data.get(f"{name}_other") or data.get(name)

    def render(self, name, value, attrs=None, renderer=None):
        suggestions = self.form.suggestions
        proposed = [one.id for one in suggestions]
        context = {
            "name": name,
            "first_id": self.id_for_label((attrs or {}).get("id", "")),
            "value": value or next(iter(proposed), ""),
            "is_other": bool(value) and value not in proposed,
            "suggestions": suggestions,
            "others": [one for one in self.form.departments if str(one.public_id) not in proposed],
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
    if form.rule.verb != "dispatch":
        return _one_department(form, _("Responsible department") if form.rule.verb == "decide_dispute"
                               else _("Assisting department"))  # fmt: skip
    widget = ProposalChoice()
    widget.form = form
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


# Which request a move asks for, where its name does not say it.
ASKS = {"return_up": "return", "open_dispute": "dispute", "raise_dispute": "dispute"}


def _ground(form: "DispatchMoveForm") -> forms.Field:
    verb, day = form.rule.verb, timezone.localdate(form.at)
    kind = ASKS.get(verb, verb.removeprefix("ask_"))
    # Sent: the action itself refuses a ground that is not allowed here.
    allowed = () if form.is_bound else terms.terms_of(kind, form.subject, form.case, at=form.at).grounds
    offered = [one for one in terms.grounds(day, kind=kind) if not allowed or one.code in allowed]
    hint = ""
    if verb == "ask_return" and (until := terms.return_until(form.subject, form.case, at=form.at)):
        hint = _("Possible until %(until)s.") % {"until": date_format(timezone.localtime(until), "m-d H:i")}
    return forms.ChoiceField(
        label=_("Ground"), choices=[(one.code, one.name) for one in offered], widget=forms.RadioSelect, help_text=hint
    )


def _length(form: "DispatchMoveForm") -> forms.Field:
    unit = dict(UNIT_CHOICES).get(form.subject.limit_unit or form.case.limit_unit, "")
    return forms.DecimalField(
        label=_("Another length"), min_value=Decimal("0.5"), max_digits=6, decimal_places=1,
        help_text=_("In %(unit)s. Empty: one original limit. Another length needs the signed form.") % {"unit": unit},
    )  # fmt: skip


def _hours(form: "DispatchMoveForm") -> forms.Field:
    share = settings.get("dispatch.level_share", on=timezone.localdate(form.at), area_code=form.case.area_code)
    return forms.DecimalField(
        label=_("Limit in working hours"), min_value=Decimal("0.5"), max_digits=6, decimal_places=1,
        help_text=_("Empty: %(percent)s%% of the limit above.") % {"percent": round(share * 100)},
    )  # fmt: skip


def _one_department(form: "DispatchMoveForm", label, departments=None) -> forms.Field:
    departments = form.departments if departments is None else list(departments)
    by_id = {str(one.public_id): one for one in departments}
    return forms.TypedChoiceField(
        label=label, choices=[("", "—"), *((key, one.name) for key, one in by_id.items())], coerce=by_id.get,
        empty_value=None,
    )  # fmt: skip


def _department_below(form: "DispatchMoveForm") -> forms.Field:
    below = departments_below(form.subject.department, form.at)
    return _one_department(form, _("Department below"), below)


def _meets_at(form: "DispatchMoveForm") -> forms.Field:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=_("Meeting at"), widget=widget, input_formats=["%Y-%m-%dT%H:%M"])


def _until(form: "DispatchMoveForm") -> forms.Field:
    day = timezone.localdate(form.at)
    longest = settings.get("dispatch.suspension_days", on=day, area_code=form.case.area_code)
    within = {"type": "date", "min": str(day + timedelta(days=1)), "max": str(day + timedelta(days=longest))}
    return forms.DateField(label=_("Suspended until"), widget=forms.DateInput(attrs=within, format="%Y-%m-%d"))


def _verdict(form: "DispatchMoveForm") -> forms.Field:
    asked = safety.VERDICTS_OF[form.rule.verb]
    return forms.ChoiceField(
        label=_("What is wrong?") if form.rule.verb.startswith("undo_") else _("Verdict"),
        choices=[(code, translate(safety.VERDICTS[code])) for code in asked],
        widget=forms.RadioSelect, initial=asked[0] if len(asked) <= 2 else None,
    )  # fmt: skip


class DispatchMoveForm(MoveForm):
    """The form of one of the moves of this room."""

    fields_of: dict[str, Callable[[MoveForm], forms.Field]] = {
        **FIELDS,
        "department": _department,
        "assisting": _assisting,
        "handler": _handler,
        "ground": _ground,
        "until": _until,
        "length": _length,
        "hours": _hours,
        "department_below": _department_below,
        "owner": lambda form: _one_department(form, _("Owner for whom it is done")),
        "is_optional": lambda form: forms.BooleanField(label=_("Optional: the case does not wait for it")),
        "required": lambda form: forms.TypedChoiceField(
            label=_("Does the case wait for it?"),
            choices=[("yes", _("Yes")), ("no", _("No"))],
            widget=forms.RadioSelect,
            coerce=lambda value: value == "yes",
            initial="yes" if form.subject.is_required else "no",
        ),
        "is_precedent": lambda form: forms.BooleanField(
            label=_("From now on, this class in this street goes to this department")
        ),
        "meets_at": _meets_at,
        "place": lambda form: forms.CharField(label=_("Place"), max_length=200, initial=form.case.address),
        "participants": lambda form: forms.CharField(
            label=_("Participants"), max_length=400, widget=forms.Textarea(attrs={"rows": 2})
        ),
        "verdict": _verdict,
    }

    @cached_property
    def departments(self) -> list[Department]:
        """Everybody a case may be dispatched to on this day; one query."""
        return all_to_dispatch_to(self.at)

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
        if self.rule.verb == "dispatch" and "department" in said:
            # Under which rule is told without looking at what became of earlier cases.
            known = facts.suggestions(self.case, at=self.at, departments=self.departments, with_outcomes=False)
            said["rule"] = facts.rule_of(said["department"], known)
        return said


class ResponsibilityForm(forms.ModelForm):
    """One row of the responsibility table. What is left empty means any."""

    class Meta:
        model = ResponsibilityRule
        fields = (
            "minor_class", "kind", "major_code", "area_code", "duty_grid", "road", "road_class", "owner", "opens_at",
            "closes_at", "weekdays", "season_from", "season_to", "department", "valid_from", "note",
        )  # fmt: skip
        widgets = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "opens_at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "closes_at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "season_from": forms.TextInput(attrs={"placeholder": "05-01"}),
            "season_to": forms.TextInput(attrs={"placeholder": "09-30"}),
        }

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
        self.fields["duty_grid"].queryset = DutyGrid.objects.current().order_by("code")
        self.fields["road"].queryset = Road.objects.current().order_by("name_zh")
        self.fields["weekdays"] = forms.MultipleChoiceField(
            label=_("Weekdays"), required=False, widget=FoldedChoices,
            choices=[(str(number), name) for number, name in enumerate(facts.WEEKDAYS, 1)],
        )  # fmt: skip
        self.fields["owner"].queryset = self.fields["department"].queryset = departments
        self.fields["valid_from"].initial = day

    def clean_weekdays(self):
        return "".join(sorted(self.cleaned_data["weekdays"]))

    def clean(self):
        said = super().clean()
        for one, other in (("opens_at", "closes_at"), ("season_from", "season_to")):
            if bool(said.get(one)) != bool(said.get(other)):
                self.add_error(other if said.get(one) else one, _("Give both ends, or neither."))
        if said.get("opens_at") and said.get("opens_at") == said.get("closes_at"):
            self.add_error("closes_at", _("Both ends are the same time."))
        if said.get("minor_class") and (said.get("kind") or said.get("major_code")):
            raise forms.ValidationError(_("Name either a minor class, or a kind and major class."))
        if said.get("major_code") and not said.get("kind"):
            self.add_error("kind", _("A major class belongs to components or to events: say which."))
        return said


class ApprovalRuleForm(forms.ModelForm):
    """One rule about requests. What is left empty means any."""

    class Meta:
        model = ApprovalRule
        fields = (
            "kind", "ground", "minor_class", "class_kind", "major_code", "area_code", "level", "nth", "min_days",
            "is_custom", "max_count", "max_days", "needs_file", "valid_from", "note",
        )  # fmt: skip
        widgets = {"valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args, at, **kwargs):
        super().__init__(*args, **kwargs)
        day = timezone.localdate(at)
        schemes = settings.get("components.schemes", on=day)
        self.fields["minor_class"].queryset = MinorClass.objects.current().filter(scheme__in=schemes)
        areas = Area.objects.current().exclude(level=Area.Level.COMMUNITY).order_by("code")
        self.fields["area_code"] = _select(_("Area"), [(one.code, one.name) for one in areas])
        names = {one.code: one.name for one in terms.grounds(day)}
        self.fields["ground"] = _select(_("Ground"), list(names.items()))
        self.fields["valid_from"].initial = day
        for number, label in enumerate((_("First"), _("Second"), _("Third")), 1):
            self.fields[f"step_{number}"] = _select(label, list(APPROVER_LABELS.items()))
        self.fields["step_1"].required = True

    def clean(self):
        said = super().clean()
        chain = [said.pop(f"step_{number}", "") for number in (1, 2, 3)]
        said["chain"] = [role for role in chain if role]
        wrong = approval.problem(said["kind"], said["chain"]) if said.get("kind") else ""
        if wrong:
            raise forms.ValidationError(CHAIN_PROBLEMS[wrong])
        return said


CHAIN_PROBLEMS = {
    "empty": _("Name at least one who agrees."),
    "unknown": _("This role agrees to no requests."),
    "twice": _("Nobody agrees twice to the same request."),
    "last": _(
        "The last word on this request belongs to the other centre: dispatcher or commander for return, extension, "
        "suspension, deferral and dispute; the duty leader for voiding; supervision for an appeal."
    ),
}


class GroundForm(forms.ModelForm):
    """A ground of the city's own."""

    class Meta:
        model = Ground
        fields = ("kind", "code", "name_zh", "name_en", "is_wrong_dispatch", "valid_from")
        widgets = {"valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}


def _select(label, choices) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", "—"), *choices], required=False)


class EndForm(forms.Form):
    """From which day on something holds no longer."""

    on = forms.DateField(label=_("No longer from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class SafeClassForm(forms.ModelForm):
    """A class that is to go straight through, and what its reports must show."""

    class Meta:
        model = SafeClass
        fields = ("minor_class", "area_code", "least_sure", "accuracy_m", "needs_far_picture", "valid_from")
        widgets = {"valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args, at, **kwargs):
        super().__init__(*args, **kwargs)
        day = timezone.localdate(at)
        self.fields["minor_class"].queryset = MinorClass.objects.offered(day)
        areas = Area.objects.current().exclude(level=Area.Level.COMMUNITY).order_by("code")
        self.fields["area_code"] = _select(_("Area"), [(one.code, one.name) for one in areas])
        self.fields["least_sure"].help_text = _("A share from 0.5 to 0.999: how sure the proposal must be.")
        self.fields["valid_from"].initial = day


# — crews and links —————————————————————————————————————————————————————————————————————————————————


class CrewForm(forms.ModelForm):
    """A crew or contractor of one's own department."""

    class Meta:
        model = Crew
        fields = ("department", "name", "contact", "phone", "valid_from", "valid_to", "note")
        widgets = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "valid_to": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "phone": forms.TextInput(attrs={"inputmode": "tel"}),
        }

    def __init__(self, *args, departments, day, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        own = Department.objects.valid(day).filter(pk__in=departments).order_by("sort", "code")
        self.fields["department"].queryset = own
        if len(departments) == 1:
            self.fields["department"].initial = next(iter(departments))
            self.fields["department"].widget = forms.HiddenInput()
        self.fields["valid_from"].initial = day

    def clean(self):
        said = super().clean()
        if said.get("valid_to") and said.get("valid_from") and said["valid_to"] <= said["valid_from"]:
            self.add_error("valid_to", _("It ends after it begins."))
        return said


class CrewChoice(forms.ModelChoiceField):
    """A crew, by name and contact."""

    def label_from_instance(self, crew: Crew) -> str:
        return f"{crew.name} · {crew.contact}"


WAYS = {"sms": _("By text message"), "chat": _("By the department’s chat robot")}


class LinkForm(forms.Form):
    """Whom a case is given to by link."""

    crew = CrewChoice(Crew.objects.none(), label=_("Crew"), required=False, to_field_name="public_id",
                      empty_label=_("No crew: a person"))  # fmt: skip
    name = forms.CharField(
        label=_("For whom"), max_length=50, required=False, help_text=_("Empty: the crew’s contact person.")
    )
    phone = forms.CharField(
        label=_("Mobile phone"), max_length=30, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    note = forms.CharField(
        label=_("Note for the crew"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    channels = forms.MultipleChoiceField(label=_("Send it"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args, stint, at, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        crews = Crew.objects.on(timezone.localdate(at)).filter(department=stint.department_id)
        self.fields["crew"].queryset = crews.order_by("name")
        ways = ways_to_send("any", stint.department)
        self.fields["channels"].choices = [(way, WAYS[way]) for way in ways]
        if not ways:
            del self.fields["channels"]

    def clean(self):
        said = super().clean()
        crew = said.get("crew")
        if crew is not None and not said.get("name"):
            said["name"] = crew.contact
            said["phone"] = said.get("phone") or crew.phone
        if not said.get("name"):
            self.add_error("name", _("Say for whom the link is: every step is logged under this name."))
        return said


class ResultForm(KeepsFiles):
    """What a crew sends from the street: pictures and a word."""

    files = FilesField(label=_("Pictures of the result"), needed=True, capture=True)
    words = forms.CharField(label=_("What was done"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].initial = _("Done as required.")
