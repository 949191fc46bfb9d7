from django.urls import path, re_path

from grid import api, views
from grid.map_layers import LAYERS

app_name = "grid"

urlpatterns = [
    re_path(rf"^map/(?P<name>{'|'.join(LAYERS)})\.geojson$", views.layer, name="layer"),
    path("maintenance/areas/", views.areas, name="areas"),
    path("maintenance/areas/<uuid:public_id>/", views.area, name="area"),
    path("maintenance/duty-grids/", views.duty_grids, name="duty_grids"),
    path("maintenance/duty-grids/new/", views.new_duty_grid, name="new_duty_grid"),
    path("maintenance/duty-grids/<uuid:public_id>/", views.duty_grid, name="duty_grid"),
    path("maintenance/duty-grids/<uuid:public_id>/cells/", views.set_cells, name="set_cells"),
    path("maintenance/places/", views.places, name="places"),
    path("maintenance/places/<uuid:public_id>/end/", views.end_place, name="end_place"),
    path("maintenance/roads/", views.roads, name="roads"),
    path("maintenance/roads/<uuid:public_id>/", views.road, name="road"),
    path("api/v1/areas/", api.Areas.as_view(), name="api_areas"),
    path("api/v1/duty-grids/", api.DutyGrids.as_view(), name="api_duty_grids"),
    path("api/v1/roads/", api.Roads.as_view(), name="api_roads"),
    path("api/v1/locate/", api.Locate.as_view(), name="api_locate"),
]
