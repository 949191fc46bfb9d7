from django.contrib import admin

from dispatch.models import ResponsibilityRule


@admin.register(ResponsibilityRule)
class ResponsibilityRuleAdmin(admin.ModelAdmin):
    list_display = (
        "minor_class",
        "kind",
        "major_code",
        "area_code",
        "road_class",
        "owner",
        "department",
        "valid_from",
        "valid_to",
    )
    list_filter = ("kind", "road_class")
    raw_id_fields = ("minor_class", "owner", "department")
