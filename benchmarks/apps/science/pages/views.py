import numpy as np
import pandas as pd
from django.http import HttpRequest, HttpResponse


def index(_request: HttpRequest) -> HttpResponse:
    table = pd.DataFrame({"x": np.arange(5), "square": np.arange(5) ** 2})
    return HttpResponse(table.to_html())


def healthz(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")
