"""portside turns the source of a Python app into something that runs."""

__version__ = "0.1.0"
