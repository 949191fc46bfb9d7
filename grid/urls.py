from django.urls import re_path

from grid import views
from grid.map_layers import LAYERS

app_name = "grid"

urlpatterns = [
    re_path(rf"^map/(?P<name>{'|'.join(LAYERS)})\.geojson$", views.layer, name="layer"),
]
