from django.urls import path

from components import api, views

app_name = "components"

urlpatterns = [
    path("map/components.geojson", views.layer, name="layer"),
    path("class/<uuid:public_id>/promise/", views.promise, name="promise"),
    path("maintenance/catalogue/", views.catalogue, name="catalogue"),
    path("maintenance/catalogue/new/", views.new_class, name="new_class"),
    path("maintenance/catalogue/<uuid:public_id>/", views.minor_class, name="class"),
    path("maintenance/catalogue/<uuid:public_id>/new-condition/", views.new_condition, name="new_condition"),
    path("maintenance/conditions/<uuid:public_id>/", views.condition, name="condition"),
    path("maintenance/components/", views.components, name="components"),
    path("maintenance/components/new/", views.new_component, name="new_component"),
    path("maintenance/components/<uuid:public_id>/", views.component, name="component"),
    path("maintenance/components/<uuid:public_id>/retire/", views.retire, name="retire"),
    path("api/v1/classes/", api.Classes.as_view(), name="api_classes"),
    path("api/v1/classes/<uuid:public_id>/", api.OneClass.as_view(), name="api_class"),
    path("api/v1/components/", api.Components.as_view(), name="api_components"),
]
