from django.test import Client, TestCase, override_settings
from django.urls import reverse

from entries.models import Entry

# The tests run before collectstatic, when the manifest doesn't exist yet.
PLAIN_STATIC = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@override_settings(STORAGES=PLAIN_STATIC)
class BookTests(TestCase):
    def test_an_entry_is_saved_and_shown(self):
        answer = self.client.post(
            reverse("book"), {"name": "Ada", "message": "Lovely harbour."}, follow=True
        )
        self.assertRedirects(answer, reverse("book"))
        self.assertContains(answer, "Lovely harbour.")

    def test_an_entry_without_a_message_is_refused(self):
        answer = self.client.post(reverse("book"), {"name": "Ada", "message": ""})
        self.assertContains(answer, "This field is required.")
        self.assertFalse(Entry.objects.exists())

    def test_markup_in_an_entry_is_escaped(self):
        Entry.objects.create(name="Eve", message="<script>")
        self.assertContains(self.client.get(reverse("book")), "&lt;script&gt;")

    def test_a_post_without_a_csrf_token_is_refused(self):
        strict = Client(enforce_csrf_checks=True)
        answer = strict.post(reverse("book"), {"name": "Eve", "message": "x"})
        self.assertEqual(answer.status_code, 403)

    def test_healthz_answers(self):
        self.assertEqual(self.client.get(reverse("healthz")).content, b"ok\n")
