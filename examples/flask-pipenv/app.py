"""A greeting page and a health check."""

import os
from datetime import UTC, datetime

from flask import Flask, render_template

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return render_template(
        "index.html", now=datetime.now(UTC), name=os.environ.get("GREETING_NAME", "world")
    )


@app.get("/healthz")
def healthz() -> tuple[str, dict[str, str]]:
    return "ok\n", {"Content-Type": "text/plain"}
