"""Rules about secrets in files. No message ever holds a secret, or a part of one."""

import posixpath
import re
from collections.abc import Iterator

from portside.checks.app import App, is_of_tests
from portside.checks.rule import Place, Rule
from portside.model.findings import Severity

_ENV_FILE = re.compile(r"\.env(\.[\w-]+)*|[\w-]+\.env|\.envrc")
_HARMLESS = re.compile(
    r"(^|[._-])(example|examples|sample|template|tmpl|dist|default|defaults|test|tests|testing|ci"
    r"|schema|vault|enc|encrypted|age|sops)([._-]|$)"
)
_SET = re.compile(r"^\s*(?:export\s+)?[A-Za-z_]\w*\s*=\s*[^\s#]", re.MULTILINE)
_KEY = re.compile(
    r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED) )?PRIVATE KEY-----"
    r"(?:\s|\\n)+[A-Za-z0-9+/=:]{16}|-----BEGIN PGP PRIVATE KEY BLOCK-----\s+\S"
)
_DATABASE = (
    r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?)(?:\+\w+)?://"
    r"[^\s:/@'\"<>{}$%]*:[^\s/@'\"<>{}$%*]{6,}@[\w.-]+\.[a-z]{2,}\b"
)
# Each begins as its issuer says that its tokens begin.
_TOKENS = (
    ("an access key ID of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a token of GitHub", r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}"),
    ("a token of GitLab", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a token of Slack", r"\bxox[abeoprs]-[0-9]{8,}-[A-Za-z0-9-]{10,}"),
    ("a secret key of Stripe", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    ("an API key of Google", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("an API key of SendGrid", r"\bSG\.[\w-]{20,24}\.[\w-]{40,}"),
    ("an API key of OpenAI", r"\bsk-(?:proj-|svcacct-)?[\w-]{20,}T3BlbkFJ[\w-]{20,}"),
    ("a token of PyPI", r"\bpypi-AgEIcHlwaS5vcmc[\w-]{40,}"),
    ("a token of npm", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a token of Hugging Face", r"\bhf_[A-Za-z]{34}\b"),
    ("an API key of Heroku", r"\bHRKU-[A-Za-z0-9_-]{30,}"),
    ("a token of a Telegram bot", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    ("a database's address with its password", _DATABASE),
)
_TOKEN = re.compile("|".join(f"(?P<kind{at}>{text})" for at, (_, text) in enumerate(_TOKENS)))
_PLACEHOLDER = re.compile(
    r"example|placeholder|changeme|password|your|xxxx|dummy|fake|sample|secret|test|0{6}|1234567"
    r"|abcdef|\.\.\.",
    re.IGNORECASE,
)
_NOT_SEARCHED = (
    ".lock",
    ".svg",
    ".map",
    ".min.js",
    ".min.css",
    ".ipynb",
    ".csv",
    ".po",
)
_MOST_BYTES = 100_000_000


def _env_files(app: App) -> Iterator[Place]:
    for path in app.files:
        name = posixpath.basename(path)
        if not _ENV_FILE.fullmatch(name) or _HARMLESS.search(name) or is_of_tests(path):
            continue
        match = _SET.search(app.text(path))
        if match:
            line = _line(app.text(path), match.start())
            is_known = app.evidence.tracked is not None
            where = "is under version control" if is_known else "lies in the source"
            yield Place(path, line, f"{path}, with the values of config vars, {where}.")


def _private_keys(app: App) -> Iterator[Place]:
    for path, text in _texts(app):
        match = _KEY.search(text) if "PRIVATE KEY" in text else None
        if match:
            yield Place(path, _line(text, match.start()), "There is a private key in this file.")


def _tokens(app: App) -> Iterator[Place]:
    for path, text in _texts(app):
        for match in _TOKEN.finditer(text):
            if not _PLACEHOLDER.search(match[0]):
                kind = next(
                    what for at, (what, _) in enumerate(_TOKENS) if match[f"kind{at}"] is not None
                )
                yield Place(path, _line(text, match.start()), f"There is {kind} in this file.")


def _texts(app: App) -> Iterator[tuple[str, str]]:
    """Yield the files that may hold a secret, with their text; tests have keys made for them."""
    left = _MOST_BYTES
    for path in app.files:
        if is_of_tests(path) or path.endswith(_NOT_SEARCHED):
            continue
        text = app.text(path)
        left -= len(text)
        if left < 0:
            return
        yield path, text


def _line(text: str, at: int) -> int:
    # A match may begin with the blank lines before it.
    at += len(text[at:]) - len(text[at:].lstrip())
    return text.count("\n", 0, at) + 1


_REASON = "Everyone who can read the repository has it, now and in its history."
RULES = (
    Rule(
        "env-file-committed",
        Severity.ERROR,
        "A .env file is part of the source.",
        f"Such files hold secrets. {_REASON} It never gets into a slug: config vars do that.",
        "Keep it out, and change the secrets that were in it:\n"
        "    git rm --cached .env && echo .env >> .gitignore",
        _env_files,
    ),
    Rule(
        "private-key",
        Severity.ERROR,
        "A private key is part of the source.",
        _REASON,
        "Make a new key, keep it in a config var, and delete the file here.",
        _private_keys,
    ),
    Rule(
        "access-token",
        Severity.ERROR,
        "A token or password of a service is part of the source.",
        _REASON,
        "Revoke it where it was issued, make a new one, and keep that in a config var.",
        _tokens,
    ),
)
