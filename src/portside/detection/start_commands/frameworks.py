"""The frameworks by what makes an app of theirs: a table, and nothing that looks at code."""

from enum import StrEnum

from msgspec import Struct


class Interface(StrEnum):
    """What a server calls an app by; OWN is a framework that brings its own server."""

    WSGI = "wsgi"
    ASGI = "asgi"
    OWN = "own"


class Framework(Struct, frozen=True):
    """A framework: its name for people, and what serves its apps."""

    name: str
    interface: Interface


_W, _A, _O = Interface.WSGI, Interface.ASGI, Interface.OWN

DASH = Framework("Dash", _O)
AIOHTTP = Framework("aiohttp", _O)
SANIC = Framework("Sanic", _O)
MARIMO = Framework("Marimo", _O)
TORNADO = Framework("Tornado", _O)
CELERY = Framework("Celery", _O)
ROBYN = Framework("Robyn", _O)
MICRODOT = Framework("Microdot", _O)
MCP = Framework("MCP server", _O)
BOTTLE = Framework("Bottle", _W)
FLASK = Framework("Flask", _W)
PYRAMID = Framework("Pyramid", _W)
BARE_WSGI = Framework("WSGI", _W)
BARE_ASGI = Framework("ASGI", _A)

# By the top-level module, then by the name that makes an app when it is called.
MAKERS: dict[str, dict[str, Framework]] = {
    "flask": {"Flask": FLASK},
    "apiflask": {"APIFlask": Framework("APIFlask", _W)},
    "flask_openapi3": {"OpenAPI": Framework("flask-openapi3", _W)},
    "fastapi": {"FastAPI": Framework("FastAPI", _A)},
    "starlette": {"Starlette": Framework("Starlette", _A)},
    "litestar": {"Litestar": Framework("Litestar", _A)},
    "quart": {"Quart": Framework("Quart", _A)},
    "blacksheep": {"Application": Framework("BlackSheep", _A)},
    "sanic": {"Sanic": SANIC},
    "aiohttp": {"Application": AIOHTTP},
    "tornado": {"Application": TORNADO},
    "falcon": {"App": Framework("Falcon", _W), "API": Framework("Falcon", _W)},
    "bottle": {"Bottle": BOTTLE, "default_app": BOTTLE},
    "fasthtml": {"FastHTML": Framework("FastHTML", _A), "fast_app": Framework("FastHTML", _A)},
    "dash": {"Dash": DASH},
    "marimo": {"App": MARIMO},
    "robyn": {"Robyn": ROBYN},
    "microdot": {"Microdot": MICRODOT},
    "mcp": {"FastMCP": MCP},
    "fastmcp": {"FastMCP": MCP},
    "shiny": {"App": Framework("Shiny", _A)},
    "celery": {"Celery": CELERY},
    "connexion": {
        "AsyncApp": Framework("Connexion", _A),
        "FlaskApp": Framework("Connexion", _A),
    },
    "django": {
        "get_wsgi_application": Framework("Django", _W),
        "get_asgi_application": Framework("Django", _A),
    },
}
FALCON_ASGI = Framework("Falcon", _A)

# What takes an app and returns one; the interface it turns into where that changes.
WRAPPERS: dict[tuple[str, str], Interface | None] = {
    ("asgiref", "WsgiToAsgi"): _A,
    ("a2wsgi", "WSGIMiddleware"): _A,
    ("a2wsgi", "ASGIMiddleware"): _W,
    ("socketio", "ASGIApp"): _A,
    ("socketio", "WSGIApp"): _W,
    ("engineio", "ASGIApp"): _A,
    ("engineio", "WSGIApp"): _W,
    ("whitenoise", "WhiteNoise"): None,
    ("werkzeug", "ProxyFix"): None,
    ("werkzeug", "DispatcherMiddleware"): None,
    ("starlette", "CORSMiddleware"): None,
    ("fastapi", "CORSMiddleware"): None,
    ("sentry_sdk", "SentryAsgiMiddleware"): None,
    ("sentry_sdk", "SentryWsgiMiddleware"): None,
    ("channels", "ProtocolTypeRouter"): None,
}

# What a file must mention for a look at it to be worth its time, by the module it imports.
MENTIONS: dict[str, tuple[bytes, ...]] = {
    **{top: tuple(name.encode() for name in makers) for top, makers in MAKERS.items()},
    "bottle": (b"Bottle", b"default_app", b"run("),
    "tornado": (b"Application", b"listen("),
    "pyramid": (b"make_wsgi_app",),
    "streamlit": (b"st.", b"streamlit."),
    "gradio": (b".launch(", b"mount_gradio_app"),
    "panel": (b".servable(", b"serve("),
    "nicegui": (b"ui.run",),
    "dramatiq": (b"actor",),
    "rq": (b"Queue", b"Worker"),
    "uvicorn": (b"run(", b"Server("),
    "hypercorn": (b"serve(",),
    "waitress": (b"serve(",),
    "wsgiref": (b"make_server(",),
    "http": (b"HTTPServer(",),
    "gevent": (b"WSGIServer(",),
    "socketserver": (b"Server(",),
    "cherrypy": (b"quickstart",),
    "xmlrpc": (b"XMLRPCServer(",),
    "websockets": (b"serve(",),
    "asyncio": (b"start_server(", b"create_server("),
    "socket": (b".listen(", b"create_server("),
}
# A bare callable imports nothing: its parameters tell.
BARE = (b"start_response", b"scope, receive, send")
