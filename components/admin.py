"""The technical pages of the catalogue and the inventory: to look at. They are changed in the maintenance pages."""

from django.contrib import admin

from components.models import Component, FilingCondition, MinorClass
from grid.admin import LookOnly


@admin.register(MinorClass)
class MinorClassAdmin(LookOnly):
    list_display = ("code", "name_zh", "scheme", "kind", "department_type", "valid_from", "valid_to")
    list_filter = ("scheme", "kind", "major_code")
    search_fields = ("name_zh", "name_en", "aliases", "pinyin_initials")


@admin.register(FilingCondition)
class FilingConditionAdmin(LookOnly):
    list_display = (
        "minor_class", "number", "condition_zh", "limit_value", "limit_unit", "is_active", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("is_active", "limit_unit")
    list_select_related = ("minor_class",)
    search_fields = ("condition_zh", "minor_class__name_zh")


@admin.register(Component)
class ComponentAdmin(LookOnly):
    shapes = ("geometry",)
    list_display = ("identifier", "name_zh", "state", "owner_name", "maintainer_name", "initial_date", "valid_to")
    list_filter = ("state",)
    search_fields = ("identifier",)
    show_full_result_count = False
