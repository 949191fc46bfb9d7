"""What the API says of the catalogue and the inventory."""

from rest_framework import serializers


class ClassRow(serializers.Serializer):
    """A class of the catalogue."""

    id = serializers.UUIDField(source="public_id")
    scheme = serializers.CharField()
    kind = serializers.CharField()
    kind_label = serializers.CharField(source="get_kind_display")
    code = serializers.CharField()
    name = serializers.CharField()
    major_code = serializers.CharField()
    major_name = serializers.CharField()
    department_type = serializers.CharField()


class ConditionRow(serializers.Serializer):
    """What makes it a case, what ends it, and how long that may take."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.IntegerField()
    condition = serializers.CharField()
    close_condition = serializers.CharField()
    limit_value = serializers.DecimalField(12, 6, allow_null=True)
    limit_unit = serializers.CharField()
    limit_unit_label = serializers.CharField(source="get_limit_unit_display")


class ClassBody(ClassRow):
    """A class with its filing conditions in use."""

    conditions = ConditionRow(many=True, source="in_use")


class ComponentRow(serializers.Serializer):
    """Something that stands in the street."""

    id = serializers.UUIDField(source="public_id")
    identifier = serializers.CharField()
    name = serializers.CharField(source="name_zh")
    minor_class = serializers.UUIDField(source="minor_class.public_id")
    class_name = serializers.CharField(source="minor_class.name")
    state = serializers.CharField()
    state_label = serializers.CharField(source="get_state_display")
    unit_grid = serializers.CharField(source="unit_grid.code")
    owner = serializers.CharField(source="owner_name")
    maintainer = serializers.CharField(source="maintainer_name")
