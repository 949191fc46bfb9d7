from django.urls import path

from office import views

app_name = "office"

urlpatterns = [
    path("messages/", views.message_box, name="messages"),
    path("messages/read/", views.open_all, name="open_all"),
    path("messages/<uuid:public_id>/", views.open_message, name="message"),
    path("kept/<str:mark>/", views.kept, name="kept"),
]
