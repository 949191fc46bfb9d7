"""Forms of the moves, made from the table: what a move must and may say becomes its fields (`FIELDS`)."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms import DateInput
from accounts.models import User
from cases import escalation, workflow
from cases.actions import collectors_for, inspectors_for
from cases.escalation import Audience, Means, Step, When
from cases.models import AlarmChain, Case, Directive, Evidence, LimitOverride
from cases.querysets import usual_classes
from citymgmt.wording import shown
from components.forms import ClassField
from components.models import FilingCondition
from grid.forms import PlaceFields
from grid.models import Area
from office import settings
from office.forms import FilesField, KeepsFiles

TEXT_MAX = 2000
SAME_SHOWN = 12


class ConditionChoice(forms.ModelChoiceField):
    """A filing condition with what it promises."""

    def label_from_instance(self, condition: FilingCondition) -> str:
        """Return condition, close condition and limit in one line."""
        parts = [condition.condition, f"→ {condition.close_condition}"]
        if condition.limit_value is not None:
            parts.append(f"{condition.limit_value.normalize():f} {condition.get_limit_unit_display()}")
        return "　".join(parts)


class PersonChoice(forms.ModelChoiceField):
    """A person by name and staff number."""

    def label_from_instance(self, user: User) -> str:
        """Return name and staff number."""
        return f"{user} · {user.staff_number}"


def _text(form: "MoveForm", *, label: str) -> forms.Field:
    tells = form.rule.verb in TOLD_TO_THE_REPORTER and form.case.source in workflow.PUBLIC_SOURCES
    return forms.CharField(
        label=label, max_length=TEXT_MAX, strip=True, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Whoever reported this reads it.") if tells else "",
    )  # fmt: skip


TOLD_TO_THE_REPORTER = ("refuse", "not_file", "void", "answer_at_once")


def _condition(form: "MoveForm") -> forms.Field:
    known = FilingCondition.objects.filter(minor_class=form.case.minor_class_id, is_active=True).current()
    offered = known.select_related("minor_class").order_by("number")
    return ConditionChoice(
        label=_("Filing condition"), queryset=offered, empty_label=None, widget=forms.RadioSelect,
        initial=offered[0] if len(offered) == 1 else None, to_field_name="public_id",
    )  # fmt: skip


def _collector(form: "MoveForm") -> forms.Field:
    """Collectors of the centre's area who may still go: nobody who would judge what he had a hand in."""
    proof = workflow.HAND if form.rule.verb == "send_verify" else workflow.JUDGED
    able = collectors_for(form.case, proof=proof, day=timezone.localdate(form.at))
    return PersonChoice(label=_("Collector"), queryset=able.order_by("staff_number"), to_field_name="public_id")


def _result(form: "MoveForm") -> forms.Field:
    return forms.ChoiceField(
        label=_("Result"), widget=forms.RadioSelect,
        choices=[
            (name, RESULT_LABELS[(form.rule.verb, name)])
            for name in form.rule.outcomes
            if (form.rule.verb, name) in RESULT_LABELS
        ],
    )  # fmt: skip


def _description(form: "MoveForm") -> forms.Field:
    hint = _("The citizen's own words are behind “Show the reporter”.") if form.case.reporter_ref else ""
    return forms.CharField(
        label=_("Facts in the desk's words, without the reporter"), max_length=TEXT_MAX, strip=True, help_text=hint,
        initial=form.case.description, widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip


def _minor_class(form: "MoveForm") -> forms.Field:
    field = ClassField(label=_("Another class"), empty_label=_("as it is"))
    field.for_day(timezone.localdate(form.at), usual=usual_classes(form.user))
    return field


def _first(form: "MoveForm") -> forms.Field:
    """The open cases near by that may be the same, the nearest first; others are named by their number."""
    offered = [] if form.is_bound else form.same_problem()  # sent: looked for again only to be shown again
    suggested = [str(one.public_id) for one in offered if one.pk == form.case.suggested_first_id]
    field = forms.ChoiceField(
        label=_("The same problem as"), widget=forms.RadioSelect, initial=next(iter(suggested), None),
        choices=[(str(one.public_id), _in_a_line(one)) for one in offered],
    )  # fmt: skip
    if form.is_bound:
        field.choices = lambda: [(str(one.public_id), _in_a_line(one)) for one in form.same_problem()]
    field.valid_value = lambda value: True  # any case that this person may see: looked up in clean()
    return field


def _in_a_line(one: Case) -> str:
    when, where = shown(one.reported_at), f"{one.metres:.0f} m"
    return f"{one.number}　{one.minor_class.name}　{one.get_stage_display()}　{where}　{when}"


RESULT_LABELS = {
    ("verify", "true"): _("True"),
    ("verify", "untrue"): _("Untrue"),
    ("verify", "cannot"): _("Cannot verify"),
    ("check", "pass"): _("Passed"),
    ("check", "fail"): _("Failed"),
    ("check", "cannot"): _("Cannot check"),
    ("inspect", "pass"): _("Passed"),
    ("inspect", "fail"): _("Failed"),
    ("spot_check", "pass"): _("Passed"),
    ("spot_check", "fail"): _("Failed"),
}


def _inspector(form: "MoveForm") -> forms.Field:
    able = inspectors_for(form.case, day=timezone.localdate(form.at))
    return PersonChoice(label=_("Inspector"), queryset=able.order_by("staff_number"), to_field_name="public_id")


def _same_period(form: "MoveForm") -> forms.Field:
    classes = settings.get("cases.same_period_classes", on=timezone.localdate(form.at), area_code=form.case.area_code)
    seen = timezone.localtime(form.case.reported_at)
    return forms.BooleanField(
        label=_("Check at the hour at which it was seen (%s)") % f"{seen:%H:%M}",
        initial=form.case.minor_class.code in classes,
    )  # fmt: skip


def _reply_by(form: "MoveForm") -> forms.Field:
    within = {"type": "date", "min": str(timezone.localdate(form.at))}
    return forms.DateField(label=_("Reply by"), widget=forms.DateInput(attrs=within, format="%Y-%m-%d"))


FIELDS: dict[str, Callable[["MoveForm"], forms.Field]] = {
    "inspector": _inspector,
    "same_period": _same_period,
    "errors": lambda form: forms.IntegerField(
        label=_("Errors (a provisional close)"), min_value=0, max_value=99, widget=forms.NumberInput()
    ),
    "level": lambda form: forms.ChoiceField(
        label=_("Level"), choices=[one for one in Directive.Level.choices if one[0] != Directive.Level.NONE],
        widget=forms.RadioSelect,
    ),
    "demand": lambda form: _text(
        form, label=_("Instruction") if form.rule.verb == "instruct" else _("What is demanded")
    ),
    "needs_reply": lambda form: forms.BooleanField(label=_("A reply is required")),
    "reply_by": _reply_by,
    "reply": lambda form: _text(form, label=_("Reply")),
    "opinion": lambda form: _text(form, label=OPINION_LABELS.get(form.rule.verb, _("Opinion"))),
    "reason": lambda form: _text(form, label=_("Reason")),
    "description": _description,
    "address": lambda form: forms.CharField(label=_("Address"), max_length=256, initial=form.case.address),
    "minor_class": _minor_class,
    "collector": _collector,
    "condition": _condition,
    "urgent": lambda form: forms.BooleanField(label=_("Urgent")),
    "met": lambda form: forms.BooleanField(label=_("The close condition is met: %s") % form.case.close_condition),
    "is_duplicate": lambda form: forms.TypedChoiceField(
        label=_("Has the same problem been filed here before?"), choices=[("no", _("No")), ("yes", _("Yes"))],
        coerce=lambda value: value == "yes", widget=forms.RadioSelect,
        initial="yes" if form.case.recurs_of_id else "no",
    ),
    "result": _result,
    "first": _first,
    "files": lambda form: FilesField(label=_("Pictures"), kinds=("picture", "video"), capture=False),
}  # fmt: skip
OPINION_LABELS = {
    "send_verify": _("What to look at"),
    "send_check": _("What to look at"),
    "send_inspection": _("What to look at"),
    "send_spot_check": _("What to look at"),
    "urge": _("What to hurry with"),
    "answer_at_once": _("Answer given"),
    "hand_over": _("Result"),
    "submit_result": _("Result"),
    "record_result": _("Result"),
}


class MoveForm(KeepsFiles):
    """The form of one move on one subject. `facts()` are the keyword arguments of the move's action."""

    fields_of: dict[str, Callable[["MoveForm"], forms.Field]] = FIELDS
    # Fields that a form has beside the table's facts, or instead of one, with whether they must be filled in.
    own_fields: dict[str, bool] = {}

    def __init__(self, *args, rule: workflow.Move, case, subject, user, at: datetime, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.rule, self.case, self.subject, self.user, self.at = rule, case, subject, user, at
        for fact in (*rule.facts, *rule.optional):
            make = self.fields_of.get(fact)
            if make is None:
                continue
            field = make(self)
            field.required = fact in rule.facts
            self.fields[fact] = field

    def facts(self) -> dict:
        """Return what was said, without what was left empty."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}


class AttachForm(MoveForm):
    """To which case a report is attached: one of those near by, or any open one by its number."""

    own_fields = {"first": False, "number": False}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        first = self.fields["first"]
        first.required = False
        number = forms.CharField(label=_("Or another case, by its number"), max_length=32, required=False)
        self.fields = {"first": first, "number": number, **self.fields}
        if not self.is_bound and not first.choices:
            first.widget = forms.HiddenInput()

    def same_problem(self) -> list[Case]:
        """Return the open cases that may be the same problem, the one that was named first of all."""
        visible, case = Case.objects.visible_to(self.user, self.at), self.case
        named = self._named(visible, self.initial.get("first", "")) or case.suggested_first_id
        near = visible.exclude(pk=case.pk).open_near(
            case.point, minor_class=case.minor_class, at=case.reported_at, area_code=case.area_code,
            component=case.component_id, road=case.road_id, named=named,
        )  # fmt: skip
        return list(near.with_row()[:SAME_SHOWN])

    def _named(self, visible, public_id: str) -> int | None:
        try:
            return visible.filter(public_id=UUID(public_id)).values_list("pk", flat=True).first()
        except ValueError:
            return None

    def clean(self) -> dict:
        cleaned = super().clean()
        visible = Case.objects.visible_to(self.user, self.at)
        number, first = cleaned.pop("number", ""), cleaned.pop("first", "")
        if number:
            found = visible.filter(number=number).first()
        else:
            found = visible.filter(pk=self._named(visible, first)).first()
        if found is None:
            self.add_error("number" if number or not first else "first", _("Choose the case, or type its number."))
        else:
            cleaned["first"] = found
        return cleaned


class RegisterForm(PlaceFields, KeepsFiles):
    """What a desk writes down of a report that came in by letter, camera, press …: facts, no reporter."""

    public_id = forms.UUIDField(required=False)
    source = forms.ChoiceField(label=_("Source"))
    minor_class = ClassField()
    description = forms.CharField(label=_("Description"), max_length=TEXT_MAX)
    address = forms.CharField(label=_("Address"), max_length=256, required=False)
    urgency = forms.TypedChoiceField(
        label=_("Urgency"), choices=Case.Urgency.choices, coerce=int, required=False, empty_value=Case.Urgency.NORMAL
    )
    files = FilesField(label=_("Pictures"), kinds=("picture", "video"))

    def __init__(self, *args, sources: tuple[str, ...], at: datetime, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [(one, _(workflow.SOURCE_LABELS[one])) for one in sources]
        self.fields["minor_class"].for_day(timezone.localdate(at))

    def clean(self):
        said = super().clean()
        if self.point is None and not {"lon", "lat"} & set(self.errors):
            self.add_error("lon", _("Show the place on the map, or type its coordinates."))
        return said

    def facts(self) -> dict:
        """Return the keyword arguments of `cases.actions.report`."""
        said = self.cleaned_data
        return {
            "source": said["source"], "minor_class": said["minor_class"], "point": self.point,
            "description": said["description"], "address": said["address"], "urgency": said["urgency"],
            "accuracy_m": said["accuracy_m"], "public_id": said["public_id"],
            "files": [(file, Evidence.Usage.BEFORE) for file in said["files"]],
        }  # fmt: skip


class CalendarForm(forms.Form):
    """A year's official arrangement of holidays as a spreadsheet."""

    year = forms.TypedChoiceField(label=_("Year"), coerce=int)
    file = forms.FileField(
        label=_("Spreadsheet"), widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}), max_length=200
    )

    def __init__(self, *args, official_until, at, **kwargs):
        super().__init__(*args, **kwargs)
        last = official_until.year if official_until else timezone.localdate(at).year
        self.fields["year"].choices = [(year, str(year)) for year in range(last + 1, last - 2, -1)]
        self.fields["year"].initial = last + 1


class LimitForm(forms.ModelForm):
    """A limit that holds for some cases only. What is left empty means any."""

    minor_class = ClassField(label=_("Class"), required=False)
    number = forms.IntegerField(
        label=_("Only its filing condition number"), min_value=1, max_value=99, required=False,
        help_text=_("Empty: all conditions of the class."),
    )  # fmt: skip

    class Meta:
        model = LimitOverride
        fields = ("minor_class", "area_code", "area_class", "road_class", "urgency", "limit_value", "limit_unit",
                  "share", "note", "valid_from")  # fmt: skip
        widgets = {"valid_from": DateInput()}
        help_texts = {"area_code": _("Empty: for the whole city."), "share": _("0.5 is half of the usual limit.")}

    field_order = ["minor_class", "number"]

    def __init__(self, *args, day, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.day = day
        self.fields["minor_class"].for_day(day)
        self.fields["valid_from"].initial = day

    def clean_area_code(self) -> str:
        code = self.cleaned_data["area_code"]
        if code and not Area.objects.on(self.day).filter(code=code).exists():
            raise forms.ValidationError(_("There is no area with this code."))
        return code

    def clean_valid_from(self):
        if self.cleaned_data["valid_from"] < self.day:
            raise forms.ValidationError(_("Choose today or a later day."))
        return self.cleaned_data["valid_from"]

    def clean(self) -> dict:
        """Return what the row holds: the condition in place of class and number, where a number is given."""
        said = super().clean()
        number, minor_class = said.pop("number", None), said.get("minor_class")
        said["filing_condition"] = None
        if number and minor_class:
            known = FilingCondition.objects.on(said.get("valid_from") or self.day)
            said["filing_condition"] = known.filter(minor_class=minor_class, number=number).first()
            said["minor_class"] = None
            if said["filing_condition"] is None:
                self.add_error("number", _("The class has no condition with this number on that day."))
        elif number:
            self.add_error("number", _("Choose the class that the condition belongs to."))
        if (said.get("limit_value") is None) != (not said.get("limit_unit")):
            self.add_error("limit_unit", _("Give the limit with its unit, or neither."))
        elif (said.get("limit_value") is None) == (said.get("share") is None):
            self.add_error("share", _("Give either a limit of its own, or a share of the usual one."))
        for name in ("limit_value", "share"):
            if said.get(name) is not None and said[name] <= 0:
                self.add_error(name, _("A limit is more than nothing."))
        return said

    def _post_clean(self) -> None:
        """The row is checked by the form and kept by the action; there is no instance to fill."""


class EndForm(forms.Form):
    """From which day on something holds no longer."""

    on = forms.DateField(label=_("No longer from"), widget=DateInput())


# — escalation chains ————————————————————————————————————————————————————————————————————————————————


def _labelled(labels: dict) -> list[tuple[str, str]]:
    return [(str(value), _(label)) for value, label in labels.items()]


class ChainForm(forms.ModelForm):
    """For which clocks a chain is; its steps are rows of their own."""

    minor_class = ClassField(label=_("Minor class"), required=False)
    clock = forms.ChoiceField(label=_("Clock"), required=False)

    class Meta:
        model = AlarmChain
        fields = ("name", "kind", "major_code", "minor_class", "clock", "urgency", "area_code", "valid_from")
        widgets = {"valid_from": DateInput()}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        clocks = {name: label for name, label in workflow.CLOCK_LABELS.items() if name != workflow.Clock.OVERALL}
        self.fields["clock"].choices = [("", _("All clocks")), *_labelled(clocks)]
        if self.instance.pk:
            del self.fields["valid_from"]

    def clean(self) -> dict:
        """One way to name the class: a minor class, or a kind with or without a major class."""
        said = super().clean()
        if said.get("minor_class") and (said.get("kind") or said.get("major_code")):
            self.add_error("minor_class", _("Name either the minor class, or the kind and the major class."))
        if said.get("major_code") and not said.get("kind"):
            self.add_error("major_code", _("A major class belongs to a kind: choose components or events."))
        return said


class StepForm(forms.Form):
    """One step of a chain; one that tells nobody is left out."""

    when = forms.ChoiceField(label=_("When"), choices=_labelled(escalation.WHEN_LABELS))
    number = forms.IntegerField(
        label=_("Number"), min_value=0, max_value=escalation.MOST_OVERDUE, required=False, initial=0
    )
    to = forms.MultipleChoiceField(
        label=_("Whom"), choices=_labelled(escalation.AUDIENCE_LABELS), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    by = forms.MultipleChoiceField(
        label=_("Also by"), choices=_labelled(escalation.MEANS_LABELS), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    repeat_minutes = forms.IntegerField(label=_("Again every … minutes"), min_value=0, required=False, initial=0)
    repeat_times = forms.IntegerField(
        label=_("How many times"), min_value=0, max_value=escalation.MOST_REPEATS, required=False, initial=0
    )
    at_night = forms.BooleanField(label=_("In quiet hours too"), required=False)

    def step(self) -> Step | None:
        """Return the step, None where nobody is to be told."""
        said = self.cleaned_data
        if not said.get("to"):
            return None
        return Step(
            When(said["when"]),
            said["number"] or 0,
            tuple(Audience(one) for one in said["to"]),
            tuple(Means(one) for one in said["by"]),
            said["repeat_minutes"] or 0,
            said["repeat_times"] or 0,
            said["at_night"],
        )


StepRows = forms.formset_factory(StepForm, extra=0, max_num=escalation.MOST_STEPS, absolute_max=escalation.MOST_STEPS)
