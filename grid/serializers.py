"""What the API says of places."""

from rest_framework import serializers

from office.serializers import Named


class AreaRow(serializers.Serializer):
    """A division, a street or a community."""

    id = serializers.UUIDField(source="public_id")
    code = serializers.CharField()
    level = serializers.CharField()
    level_label = serializers.CharField(source="get_level_display")
    name = serializers.CharField()
    parent = Named(allow_null=True)


class PlaceBody(serializers.Serializer):
    """Where a point lies."""

    unit_grid = serializers.CharField(source="unit_grid.code")
    community = serializers.CharField(source="community_name")
    community_code = serializers.CharField()
    street = serializers.CharField(source="street_name")
    division = serializers.CharField(source="division_name")
    duty_grid = serializers.CharField(source="duty_grid.code", default="")
    road = serializers.CharField(source="road.name", default="")
    road_class = serializers.CharField()
    words = serializers.CharField()


class DutyGridRow(serializers.Serializer):
    """A duty grid."""

    id = serializers.UUIDField(source="public_id")
    code = serializers.CharField()
    name = serializers.CharField()


class RoadRow(serializers.Serializer):
    """A road."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    road_class = serializers.CharField()
    road_class_label = serializers.CharField(source="get_road_class_display")
