from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from entries.forms import EntryForm
from entries.models import Entry

SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """Show the newest entries and the form; a valid entry is saved and redirects."""
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("book")
    return render(request, "entries/book.html", {"form": form, "entries": Entry.objects.all()[:SHOWN]})


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process serves; deliberately without asking the database."""
    return HttpResponse("ok\n", content_type="text/plain")
