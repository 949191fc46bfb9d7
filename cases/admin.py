from django.contrib import admin

from cases.models import LimitOverride


@admin.register(LimitOverride)
class LimitOverrideAdmin(admin.ModelAdmin):
    list_display = (
        "minor_class", "filing_condition", "area_code", "area_class", "road_class", "urgency", "limit_value",
        "limit_unit", "share", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("area_class", "road_class", "urgency")
    raw_id_fields = ("minor_class", "filing_condition")
