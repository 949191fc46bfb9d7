"""The technical view of people: to look at. They are changed on the maintenance pages; sealed records are not shown."""

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.models import Appointment, Department, Duty, User
from office.admin import LookOnly

# Rights come from appointments alone.
admin.site.unregister(Group)


@admin.register(Department)
class DepartmentAdmin(LookOnly):
    list_display = ["code", "name_zh", "kind", "path", "valid_from", "valid_to"]
    list_filter = ["kind"]
    search_fields = ["code", "name_zh"]


@admin.register(User)
class UserAdmin(LookOnly):
    list_display = ["username", "name_zh", "staff_number", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["username", "name_zh", "staff_number"]
    exclude = ["password"]


@admin.register(Appointment)
class AppointmentAdmin(LookOnly):
    list_display = ["user", "role", "department", "scope_area_code", "valid_from", "valid_to"]
    list_filter = ["role"]
    list_select_related = ["user", "department"]
    search_fields = ["user__username", "user__name_zh"]


@admin.register(Duty)
class DutyAdmin(LookOnly):
    list_display = ["user", "started_at", "ended_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__name_zh"]
