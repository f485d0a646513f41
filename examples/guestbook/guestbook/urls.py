from django.urls import path

from entries import views

urlpatterns = [
    path("", views.book, name="book"),
    path("healthz", views.healthz, name="healthz"),
]
