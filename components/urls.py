from django.urls import path

from components import views

app_name = "components"

urlpatterns = [
    path("map/components.geojson", views.layer, name="layer"),
]
