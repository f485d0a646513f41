"""Programs of distributions whose names hold spaces or dots start in a slug, wherever it is."""

import pytest
from workshop import Workshop, launch

pytestmark = pytest.mark.network
SETUP = """\
    from setuptools import setup
    scripts = ["my tool=shop:main", "shop.open=shop:main"]
    setup(name="shop", version="1", py_modules=["shop"], entry_points={"console_scripts": scripts})
    """


def test_names_with_spaces_and_dots(workshop: Workshop) -> None:
    code = "import sys\ndef main(): print(sys.argv[0].rpartition('/')[2], *sys.argv[1:])\n"
    app = workshop.app(files={"shop/setup.py": SETUP, "shop/shop.py": code})
    (app / "requirements.txt").write_text("./shop\n")
    (app / "Procfile").write_text('web: "my tool" $PORT\nworker: shop.open now\n')
    slug = workshop.built(app)
    moved = slug.rename(workshop.root / "moved here")
    assert launch(moved, "web").expect().out == "my tool 8000\n"
    assert launch(moved, "worker").expect().out == "shop.open now\n"
    assert launch(moved, "--", "my tool", "a b").expect().out == "my tool a b\n"
