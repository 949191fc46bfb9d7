"""The technical pages of places: to look at. Names are changed in the maintenance pages, shapes by drawing."""

from django.contrib import admin

from grid.models import Area, DutyGrid, DutyGridCell, Place, Road, UnitGrid


class LookOnly(admin.ModelAdmin):
    """Nothing is added, changed or deleted here; shapes are left to the map."""

    shapes: tuple[str, ...] = ()

    def get_exclude(self, request, obj=None) -> tuple[str, ...]:
        return self.shapes

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Area)
class AreaAdmin(LookOnly):
    shapes = ("boundary",)
    list_display = ("code", "name_zh", "level", "is_made_up", "valid_from", "valid_to")
    list_filter = ("level",)
    search_fields = ("code", "name_zh", "name_en")


@admin.register(UnitGrid)
class UnitGridAdmin(LookOnly):
    shapes = ("boundary", "centre")
    list_display = ("code", "area_m2", "area_class", "valid_from", "valid_to")
    search_fields = ("code",)


@admin.register(DutyGrid)
class DutyGridAdmin(LookOnly):
    list_display = ("code", "name_zh", "area_code", "valid_from", "valid_to")
    search_fields = ("code", "name_zh")


@admin.register(DutyGridCell)
class DutyGridCellAdmin(LookOnly):
    list_display = ("duty_grid", "unit_grid", "valid_from", "valid_to")
    list_select_related = ("duty_grid", "unit_grid")
    search_fields = ("duty_grid__code", "unit_grid__code")


@admin.register(Road)
class RoadAdmin(LookOnly):
    shapes = ("line",)
    list_display = ("name_zh", "road_class", "area_code", "source", "valid_from", "valid_to")
    list_filter = ("road_class",)
    search_fields = ("name_zh", "name_en")


@admin.register(Place)
class PlaceAdmin(LookOnly):
    shapes = ("geometry",)
    list_display = ("name_zh", "kind", "address", "area_code", "valid_from", "valid_to")
    list_filter = ("kind",)
    search_fields = ("name_zh", "name_en", "address")
