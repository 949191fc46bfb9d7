"""How a rule's values stand in the cells of the rule book: written in Chinese words and codes, read back strictly.

`said` writes a value as the text of a cell, `value` reads such a text back; ValueError says what is wrong and what to
do. The words of a choice are the Chinese labels of the program, whatever the language of the page.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Department
from cases import escalation
from cases.escalation import Audience, Means, Step, When
from components.codes import Scheme
from components.models import FilingCondition, MinorClass
from dispatch.permissions import DISPATCHABLE
from grid.models import Area, DutyGrid, Road, UnitGrid
from office.declared import SETTINGS

CHINESE = "zh-hans"
KINDS = {"component": "部件", "event": "事件"}
YES, NO = "是", "否"
LIST = "、"


class Names:
    """What cells name by a code, as it holds on a day or later; each table is read when it is first asked for.

    `classes_to_come` are classes of the same book that are not in the database yet.
    """

    def __init__(self, day: date) -> None:
        self.day = day
        self.classes_to_come: list[MinorClass] = []

    def _not_over(self, rows):
        return rows.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=self.day))

    @cached_property
    def _classes(self) -> dict[tuple[str, str, str], MinorClass]:
        return {(one.kind, one.code, one.scheme): one for one in self._not_over(MinorClass.objects.all())}

    def minor_class(self, kind: str, code: str, scheme: str) -> MinorClass | None:
        """Return a class by its code; without a scheme that of the standard in force, else the only one there is."""
        known = self._classes | {(one.kind, one.code, one.scheme): one for one in self.classes_to_come}
        if scheme or (kind, code, str(Scheme.GBT47678)) in known:
            return known.get((kind, code, scheme or str(Scheme.GBT47678)))
        found = [one for (of_kind, of_code, _scheme), one in known.items() if (of_kind, of_code) == (kind, code)]
        return found[0] if len(found) == 1 else None

    @cached_property
    def conditions(self) -> dict[tuple[int, int], FilingCondition]:
        """The conditions that hold on the day, by key of class and number."""
        rows = FilingCondition.objects.on(self.day).select_related("minor_class")
        return {(row.minor_class_id, row.number): row for row in rows}

    @cached_property
    def areas(self) -> frozenset[str]:
        return frozenset(self._not_over(Area.objects.all()).values_list("code", flat=True))

    def is_area(self, code: str) -> bool:
        """Whether there is a division, street, community or unit grid with this code."""
        return code in self.areas or (len(code) == 15 and UnitGrid.objects.on(self.day).filter(code=code).exists())

    @cached_property
    def departments(self) -> dict[str, Department]:
        """The departments that cases go to, by code."""
        rows = self._not_over(Department.objects.filter(kind__in=DISPATCHABLE))
        return {one.code: one for one in rows}

    @cached_property
    def duty_grids(self) -> dict[str, DutyGrid]:
        return {one.code: one for one in self._not_over(DutyGrid.objects.all())}

    @cached_property
    def roads(self) -> dict[str, list[Road]]:
        found: dict[str, list[Road]] = {}
        for one in self._not_over(Road.objects.defer("line")):
            found.setdefault(one.name_zh, []).append(one)
        return found


def short(said: str) -> str:
    """Return the beginning of what somebody wrote, to be quoted."""
    return said[:30]


class Cell:
    """Plain text of at most so many characters; one line unless told otherwise."""

    is_number = False

    def __init__(self, longest: int = 200, *, lines: bool = False, pattern: str = "", wants: str = "") -> None:
        self.longest, self.lines, self.pattern, self.wants = longest, lines, pattern, wants

    def said(self, value: Any) -> str:
        """Return the text of the cell; "" for nothing."""
        return str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip()

    def value(self, said: str, names: Names) -> Any:
        """Return what the text means. ValueError: what is wrong and what to do."""
        if any(ord(sign) < 32 and sign != "\n" for sign in said) or ("\n" in said and not self.lines):
            raise ValueError(_("“%s” is a formula or holds signs that cannot be kept") % short(said))
        if len(said) > self.longest:
            raise ValueError(_("“%s” is too long") % short(said))
        if said and self.pattern and not re.fullmatch(self.pattern, said):
            raise ValueError(_("“%(said)s” does not fit; write it like %(example)s")
                             % {"said": short(said), "example": self.wants})  # fmt: skip
        return said

    def shown(self, said: str) -> str:
        """Return the text as a reader of the page knows it."""
        return said


class SettingKey(Cell):
    """The key of a setting; a page says what it means."""

    def shown(self, said: str) -> str:
        return _(SETTINGS[said].help).rstrip(".。") if said in SETTINGS else said


class Aliases(Cell):
    """Several names, one a line in the database, with a comma in the book."""

    def said(self, value: Any) -> str:
        return LIST.join(one.strip() for one in str(value or "").splitlines() if one.strip())

    def value(self, said: str, names: Names) -> str:
        return "\n".join(one.strip() for one in re.split(r"[、\n]", super().value(said, names)) if one.strip())


class Whole(Cell):
    """A whole number between two bounds; `empty` is what nothing means."""

    is_number = True

    def __init__(self, lowest: int, highest: int, *, empty: int | None = None) -> None:
        self.lowest, self.highest, self.empty = lowest, highest, empty

    def said(self, value: Any) -> str:
        return "" if value == self.empty or value is None else str(value)

    def value(self, said: str, names: Names) -> int | None:
        if not said:
            return self.empty
        if not re.fullmatch(r"[0-9]{1,9}", said) or not self.lowest <= int(said) <= self.highest:
            bounds = {"said": short(said), "lowest": self.lowest, "highest": self.highest}
            raise ValueError(_("“%(said)s” is no whole number from %(lowest)s to %(highest)s") % bounds)
        return int(said)


class Amount(Cell):
    """A number above nothing, exact to so many places."""

    is_number = True

    def __init__(self, digits: int, places: int) -> None:
        self.digits, self.places = digits, places

    def said(self, value: Any) -> str:
        return "" if value is None else f"{Decimal(value).normalize():f}"

    def value(self, said: str, names: Names) -> Decimal | None:
        if not said:
            return None
        try:
            number = Decimal(said) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", said) else Decimal(0)
        except InvalidOperation:
            number = Decimal(0)
        exact = Decimal(1).scaleb(-self.places)
        if number <= 0 or number >= 10 ** (self.digits - self.places) or number != number.quantize(exact):
            raise ValueError(_("“%(said)s” is no number above 0 with at most %(places)s decimal places")
                             % {"said": short(said), "places": self.places})  # fmt: skip
        return number


class Choice(Cell):
    """One of a few words. `choices` are values with their labels; `empty` is what nothing means."""

    def __init__(self, choices: Iterable[tuple[Any, Any]], *, empty: Any = "") -> None:
        self.choices, self.empty = tuple(choices), empty

    @cached_property
    def words(self) -> dict[Any, str]:
        """The Chinese word of each value."""
        with override(CHINESE):
            # A unit's label begins with a measure word where Chinese counts with one.
            return {value: str(label).removeprefix("个") for value, label in self.choices}

    def said(self, value: Any) -> str:
        return "" if value == self.empty else self.words.get(value, str(value))

    def value(self, said: str, names: Names) -> Any:
        if not said:
            return self.empty
        for value, word in self.words.items():
            if said == word:
                return value
        raise ValueError(_("“%(said)s” is not known here; write one of: %(words)s")
                         % {"said": short(said), "words": LIST.join(self.words.values())})  # fmt: skip

    def shown(self, said: str) -> str:
        labels = {self.words[value]: str(label) for value, label in self.choices}
        return labels.get(said, said)


def flag(*, empty: Any = False) -> Choice:
    """Return a cell for yes and no; nothing means no, or neither."""
    return Choice(((True, _yes), (False, _no)) if empty is None else ((True, _yes),), empty=empty)


class _Word:
    """A word of the book that the page says in the reader's language."""

    def __init__(self, chinese: str, msgid: str) -> None:
        self.chinese, self.msgid = chinese, msgid

    def __str__(self) -> str:
        return _(self.msgid)


_yes, _no = _Word(YES, "yes"), _Word(NO, "no")


class Several(Choice):
    """Several words of a choice in order, each once."""

    def __init__(self, choices: Iterable[tuple[Any, Any]], *, between: str = LIST) -> None:
        super().__init__(choices)
        self.between = between

    def said(self, value: Any) -> str:
        return self.between.join(super(Several, self).said(one) for one in value or ())

    def value(self, said: str, names: Names) -> list:
        return [super(Several, self).value(one.strip(), names) for one in re.split("[、→]", said) if one.strip()]

    def shown(self, said: str) -> str:
        return self.between.join(super(Several, self).shown(one) for one in said.split(self.between)) if said else ""


class Codes(Cell):
    """Several codes, with a comma between them."""

    def said(self, value: Any) -> str:
        return LIST.join(value or ())

    def value(self, said: str, names: Names) -> list[str]:
        return [super(Codes, self).value(one.strip(), names) for one in said.split(LIST) if one.strip()]


class Clock(Cell):
    """A time of day."""

    def __init__(self) -> None:
        pass

    def said(self, value: Any) -> str:
        return f"{value:%H:%M}" if value is not None else ""

    def value(self, said: str, names: Names) -> time | None:
        if not said:
            return None
        if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", said):
            raise ValueError(_("“%s” is no time of day; write it as 08:00") % short(said))
        hours, minutes = said.split(":")
        return time(int(hours), int(minutes))


class Place(Cell):
    """The code of a division, street, community or, where so many digits may stand, unit grid."""

    def __init__(self, digits: int = 12) -> None:
        super().__init__(digits)

    def value(self, said: str, names: Names) -> str:
        if said and (not re.fullmatch(r"[0-9]{2,15}", said) or len(said) > self.longest or not names.is_area(said)):
            raise ValueError(_("there is no area with the code “%s”; look it up among the areas") % short(said))
        return said


_CLASS = re.compile(rf"({'|'.join(KINDS.values())})\s*([0-9]{{2}}-[0-9]{{2,3}})(@[A-Z0-9]{{3,8}})?(\s.*)?")


class ClassCell(Cell):
    """A class by kind and code: 事件06-003; one of another scheme with its name behind an @."""

    def __init__(self) -> None:
        pass

    def said(self, value: MinorClass | None) -> str:
        return f"{class_said(value)} {value.name_zh}" if value is not None else ""

    def value(self, said: str, names: Names) -> MinorClass | None:
        if not said:
            return None
        match = re.fullmatch(
            rf"({'|'.join(KINDS.values())})\s*([0-9]{{2}}-[0-9]{{2,3}})(@[A-Z0-9]{{3,8}})?(\s.*)?", said
        )
        if not match:
            raise ValueError(_("“%s” names no class; write it like 事件06-003") % short(said))
        kind = next(kind for kind, word in KINDS.items() if word == match[1])
        found = names.minor_class(kind, match[2], (match[3] or "")[1:])
        if found is None:
            raise ValueError(_("there is no class “%s” on that day; look it up on the sheet of classes") % short(said))
        return found

    def shown(self, said: str) -> str:
        for kind, word in KINDS.items():
            if said.startswith(word):
                return f"{MinorClass.Kind(kind).label} {said.removeprefix(word)}"
        return said


def class_said(value: MinorClass) -> str:
    """Return a class as the book names it, without its name."""
    scheme = "" if value.scheme == Scheme.GBT47678 else f"@{value.scheme}"
    return f"{KINDS[value.kind]}{value.code}{scheme}"


class ConditionCell(ClassCell):
    """A filing condition: its class, and its number after a #."""

    def said(self, value: FilingCondition | None) -> str:
        return f"{class_said(value.minor_class)}#{value.number}" if value is not None else ""

    def value(self, said: str, names: Names) -> FilingCondition | None:
        if not said:
            return None
        named, _hash, number = said.rpartition("#")
        minor_class = super().value(named, names)
        found = names.conditions.get((minor_class.pk, int(number))) if minor_class and number.isdecimal() else None
        if found is None:
            raise ValueError(_("there is no condition “%s” on that day; write it like 事件06-003#1") % short(said))
        return found


class DepartmentCell(Cell):
    """A department by its code; its name may stand behind it."""

    def __init__(self) -> None:
        pass

    def said(self, value: Department | None) -> str:
        return f"{value.code} {value.name_zh}" if value is not None else ""

    def value(self, said: str, names: Names) -> Department | None:
        if not said:
            return None
        found = names.departments.get(said) or names.departments.get(said.split()[0])
        if found is None:
            raise ValueError(_("“%s” is no department that cases go to on that day; begin with its code") % short(said))
        return found


class DutyGridCell(Cell):
    """A duty grid by its code."""

    def __init__(self) -> None:
        pass

    def said(self, value: DutyGrid | None) -> str:
        return value.code if value is not None else ""

    def value(self, said: str, names: Names) -> DutyGrid | None:
        if said and said not in names.duty_grids:
            raise ValueError(_("there is no duty grid with the code “%s”") % short(said))
        return names.duty_grids[said] if said else None


class RoadCell(Cell):
    """A road by its name; of several of one name the one whose area's code stands behind an @."""

    def __init__(self) -> None:
        pass

    def said(self, value: Road | None) -> str:
        return (f"{value.name_zh}@{value.area_code}" if value.area_code else value.name_zh) if value else ""

    def value(self, said: str, names: Names) -> Road | None:
        if not said:
            return None
        name, _at, area_code = said.partition("@")
        found = [one for one in names.roads.get(name, ()) if not area_code or one.area_code == area_code]
        if len(found) != 1:
            raise ValueError(_("“%s” is not one road; write its name, and @ and the code of its area") % short(said))
        return found[0]


class Steps(Cell):
    """The steps of an escalation chain, one a line: 超期120分钟：领导；短信；每60分钟重复3次；夜间."""

    _LINE = re.compile(
        r"(?:用时(?P<share>[0-9]{1,2})%|(?P<lamp>黄灯)|超期(?P<minutes>[0-9]{1,5})分钟)：(?P<to>[^；：]+)"
        r"(?:；(?P<by>(?!每|夜间)[^；：]+))?(?:；每(?P<every>[0-9]{1,5})分钟重复(?P<times>[0-9])次)?(?P<night>；夜间)?"
    )

    def __init__(self, audiences: Sequence[tuple[str, Any]], means: Sequence[tuple[str, Any]]) -> None:
        self.audiences, self.means = Several(audiences), Several(means)

    @cached_property
    def words(self) -> dict[str, str]:
        """The words that may stand in a step."""
        return self.audiences.words | self.means.words

    def said(self, value: Iterable[Step]) -> str:
        return "\n".join(self._said(step) for step in value)

    def _said(self, step: Step) -> str:
        when = {When.SHARE: f"用时{step.number}%", When.LAMP: "黄灯", When.OVERDUE: f"超期{step.number}分钟"}[step.when]
        parts = [f"{when}：{self.audiences.said(step.to)}"]
        if step.by:
            parts.append(self.means.said(step.by))
        if step.repeat_times:
            parts.append(f"每{step.repeat_minutes}分钟重复{step.repeat_times}次")
        if step.at_night:
            parts.append("夜间")
        return "；".join(parts)

    def value(self, said: str, names: Names) -> tuple[Step, ...]:
        steps = tuple(self._step(line.strip(), names) for line in said.splitlines() if line.strip())
        faults = [_(fault) for step in steps for fault in step.faults]
        if not 1 <= len(steps) <= escalation.MOST_STEPS:
            faults.append(_(escalation.NUMBER_OF_STEPS))
        if faults:
            raise ValueError(faults[0])
        return steps

    def shown(self, said: str) -> str:
        lines = []
        for line in said.splitlines():
            step = self._step(line, None)
            when = _(escalation.WHEN_LABELS[step.when])
            if step.when is not When.LAMP:
                when = f"{step.number} {when}"
            to = [_(escalation.AUDIENCE_LABELS[one]) for one in step.to]
            by = [_(escalation.MEANS_LABELS[one]) for one in step.by]
            lines.append(f"{when}: {', '.join([*to, *by])}{f' × {step.repeat_times + 1}' if step.repeat_times else ''}")
        return "\n".join(lines)

    def _step(self, line: str, names: Names | None) -> Step:
        match = self._LINE.fullmatch(line.replace(":", "：").replace(";", "；"))
        if match is None:
            raise ValueError(_("“%s” is no step; write it like 超期120分钟：领导；短信") % short(line))
        when = When.SHARE if match["share"] else When.LAMP if match["lamp"] else When.OVERDUE
        return Step(
            when,
            int(match["share"] or match["minutes"] or 0),
            tuple(Audience(one) for one in self.audiences.value(match["to"], names)),
            tuple(Means(one) for one in self.means.value(match["by"] or "", names)),
            int(match["every"] or 0),
            int(match["times"] or 0),
            bool(match["night"]),
        )
