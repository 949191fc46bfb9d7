from django.urls import path

from office import api, views

app_name = "office"

urlpatterns = [
    path("messages/", views.message_box, name="messages"),
    path("messages/read/", views.open_all, name="open_all"),
    path("messages/<uuid:public_id>/", views.open_message, name="message"),
    path("views/<str:desk>/", views.saved_views, name="views"),
    path("views/<str:desk>/<uuid:public_id>/", views.saved_view, name="view"),
    path("kept/<str:mark>/", views.kept, name="kept"),
    path("api/v1/messages/", api.Messages.as_view(), name="api_messages"),
    path("api/v1/messages/read/", api.ReadAllMessages.as_view(), name="api_read_all"),
    path("api/v1/messages/<uuid:public_id>/read/", api.ReadMessage.as_view(), name="api_read"),
    path("api/v1/files/", api.Files.as_view(), name="api_files"),
]
