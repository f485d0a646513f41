"""Files of small projects that several tests build; their indentation is taken away later."""

# What a project says that builds with no more than setuptools.
_PROJECT = """
    [build-system]
    requires = ["setuptools>=75"]
    build-backend = "setuptools.build_meta"
    [project]
    name = "harbour"
    version = "1.0"
    [project.scripts]
    harbour = "harbour.cli:main"
    [tool.setuptools.packages.find]
    where = ["src"]
"""
EDITABLE_LAYOUTS = {
    # A .pth file is enough for src/; a mapped package makes setuptools write a finder.
    "path file": _PROJECT,
    "finder": _PROJECT.replace(
        '[tool.setuptools.packages.find]\n    where = ["src"]',
        '[tool.setuptools]\n    packages = ["harbour"]\n'
        '    package-dir = {harbour = "src/harbour"}',
    ),
}
# Django's own, but for the name of the module with the settings.
MANAGE = """
    import os, sys
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
