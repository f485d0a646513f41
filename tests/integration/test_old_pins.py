"""Old pins that install but don't start, or don't install at all, are named with the fix."""

import pytest
from workshop import Workshop, launch

pytestmark = pytest.mark.network


def test_a_server_that_needs_an_older_setuptools_is_named_until_it_is_replaced(
    workshop: Workshop,
) -> None:
    app = workshop.app(
        files={
            "requirements.txt": "gunicorn==20.0.4\nsetuptools>=82\n",
            "Procfile": "web: gunicorn app:app\n",
            "app.py": "def app(environ, start_response): return []\n",
        }
    )
    slug = workshop.root / "slug"
    starts = ("--", "python", "-c", "import gunicorn.app.wsgiapp")
    for change in ("", "# changed\n"):
        (app / "app.py").write_text(f"{change}def app(environ, start_response): return []\n")
        told = workshop.build(app, slug).expect().err
        assert "gunicorn/util.py:26: import pkg_resources" in told
        assert "setuptools<81" in told
    assert "No module named 'pkg_resources'" in launch(slug, *starts).err
    (app / "requirements.txt").write_text("gunicorn==20.0.4\nsetuptools<81\n")
    assert "won't start" not in workshop.build(app, slug).expect().err
    launch(slug, *starts).expect()
