from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PatrolConfig(AppConfig):
    name = "patrol"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Collectors in the field")
