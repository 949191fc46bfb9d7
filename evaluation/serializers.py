"""What the API says of rankings: numbers as they are printed, each with the address of the cases behind it."""

from rest_framework import serializers

from cases.serializers import CaseRow


class CellRow(serializers.Serializer):
    """One number as printed, what it counts, and where its cases are ("" where it opens nothing)."""

    name = serializers.CharField()
    label = serializers.CharField()
    words = serializers.CharField()
    cases = serializers.CharField()


class PlaceRow(serializers.Serializer):
    """Where an object stands under one scheme."""

    scheme = serializers.CharField()
    score = serializers.DecimalField(12, 4, allow_null=True)
    grade = serializers.CharField()
    rank = serializers.IntegerField(allow_null=True)
    previous_rank = serializers.IntegerField(allow_null=True)


class ObjectRow(serializers.Serializer):
    """One object of a ranking."""

    of = serializers.CharField()
    name = serializers.CharField()
    is_mine = serializers.BooleanField()
    places = PlaceRow(many=True)
    cells = CellRow(many=True)


class GroupRow(serializers.Serializer):
    """Objects that may be compared, best first."""

    code = serializers.CharField()
    name = serializers.CharField()
    rows = ObjectRow(many=True)
    total = CellRow(many=True)


class PeriodRow(serializers.Serializer):
    """What was counted: the period, by which instant, until when."""

    type = serializers.CharField()
    name = serializers.CharField()
    first = serializers.DateField()
    end = serializers.DateField(help_text="The first day that no longer belongs to it.")
    basis = serializers.CharField()
    cutoff = serializers.DateTimeField()
    frozen_version = serializers.IntegerField(allow_null=True)


class RankingBody(serializers.Serializer):
    """A ranking: who stands where in one period."""

    period = PeriodRow()
    of = serializers.CharField()
    schemes = serializers.ListField(child=serializers.CharField())
    groups = GroupRow(many=True)


class LineRow(serializers.Serializer):
    """One fact behind a number; `case` is null where I may not see it: it counts all the same."""

    times = serializers.IntegerField()
    is_above = serializers.BooleanField()
    at = serializers.DateTimeField()
    case = CaseRow(allow_null=True)


class BehindBody(serializers.Serializer):
    """The cases behind one number."""

    title = serializers.CharField()
    label = serializers.CharField()
    words = serializers.CharField()
    number = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    results = LineRow(many=True)


class FigureRow(serializers.Serializer):
    """One key figure of the city."""

    label = serializers.CharField()
    words = serializers.CharField()
    note = serializers.CharField()


class FreezeBody(serializers.Serializer):
    """The period to freeze: its kind, and a day in it."""

    period = serializers.CharField()
    on = serializers.DateField()


class FrozenBody(serializers.Serializer):
    """A period that was frozen."""

    version = serializers.IntegerField()
    fact_count = serializers.IntegerField()
