"""The technical pages of who patrols which duty grid."""

from django.contrib import admin

from patrol.models import CollectorGrid


@admin.register(CollectorGrid)
class CollectorGridAdmin(admin.ModelAdmin):
    list_display = ("duty_grid", "collector", "valid_from", "valid_to")
    list_select_related = ("duty_grid", "collector")
    raw_id_fields = ("collector", "duty_grid")

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
