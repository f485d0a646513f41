"""Units of systemd: a template for each process type, and a target that starts them together.

https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
"""

from portside.export.target import RELEASE, WEB, File, Target

STOP_SECONDS = 30
_LONGEST_USER = 31
# Restrictions that no app notices: it neither administers the machine nor loads modules. Left out
# is MemoryDenyWriteExecute, which breaks what compiles at run time (cffi, numba, PyPy).
_HARDENING = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome={home}
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
"""
_NETWORK = "Wants=network-online.target\nAfter=network-online.target"
_HOMES = ("/home", "/root", "/run/user")


def export(target: Target) -> tuple[File, ...]:
    """Return the units: a template for each process type, the release process, the target."""
    units = [
        File(f"{_unit(target, name)}@.service", _process(target, name)) for name in target.running
    ]
    if target.has_release:
        units.append(File(f"{_unit(target, RELEASE)}.service", _release(target)))
    return (*units, File(f"{target.name}.target", _target(target)))


def _unit(target: Target, process: str) -> str:
    return f"{target.name}-{process}"


def _first(target: Target, process: str) -> str:
    """Return the unit of the first process of a type; for web its instance is the port."""
    return f"{_unit(target, process)}@{target.port if process == WEB else 1}.service"


def _process(target: Target, process: str) -> str:
    is_web = process == WEB
    variables = (f"DYNO={process}.%i", *(["PORT=%i"] if is_web else []))
    return f"""\
# One {process} process of {target.name}; the instance is its {"port" if is_web else "number"}:
#   systemctl enable --now {_first(target, process)}
[Unit]
Description={target.name} {process} %i
PartOf={target.name}.target
{_dependencies(target)}
{_assertion(target)}
# It is started again however often it ends.
StartLimitIntervalSec=0

[Service]
Type=exec
{_service(target, process, variables)}
Restart=always
RestartSec=5
# SIGTERM goes to all processes, as on platforms, and SIGKILL to what is left after that.
KillMode=control-group
TimeoutStopSec={STOP_SECONDS}

{_rights(target)}
[Install]
WantedBy={target.name}.target
"""


def _release(target: Target) -> str:
    return f"""\
# Runs before the processes of {target.name} start; they don't where it fails. To run it again:
#   systemctl restart {target.name}.target
[Unit]
Description={target.name} release
PartOf={target.name}.target
{_NETWORK}
{_assertion(target)}

[Service]
Type=oneshot
RemainAfterExit=yes
{_service(target, RELEASE, ("DYNO=release.1",))}
TimeoutStopSec={STOP_SECONDS}

{_rights(target)}"""


def _target(target: Target) -> str:
    wants = "\n".join(f"Wants={_first(target, name)}" for name in target.running)
    return f"""\
# All processes of {target.name}. Copy the units to /etc/systemd/system, write the config vars to
# {target.env_file}, NAME=VALUE a line, for root to read alone, and:
#   systemctl daemon-reload && systemctl enable --now {target.name}.target
[Unit]
Description={target.name}
{wants}

[Install]
WantedBy=multi-user.target
"""


def _dependencies(target: Target) -> str:
    if not target.has_release:
        return _NETWORK
    release = f"{_unit(target, RELEASE)}.service"
    return f"{_NETWORK}\nRequires={release}\nAfter={release}"


def _assertion(target: Target) -> str:
    return f"AssertFileIsExecutable={_specifiers(target.launcher)}"


def _service(target: Target, process: str, variables: tuple[str, ...]) -> str:
    command = " ".join((_word(target.launcher), _word(process)))
    return f"""\
WorkingDirectory={_specifiers(target.directory)}
# It may be missing. It is read before the process gets its user.
EnvironmentFile=-{_specifiers(target.env_file)}
Environment=HOME=%S/{target.name}
# env has the last word: what stands in the file outranks Environment=.
ExecStart=/usr/bin/env {" ".join(variables)} {command}"""


def _rights(target: Target) -> str:
    user = target.user or _dynamic_user(target.name)
    dynamic = "" if target.user else "DynamicUser=yes\n"
    is_at_home = any(target.directory.startswith(f"{place}/") for place in _HOMES)
    hardening = _HARDENING.format(home="read-only" if is_at_home else "yes")
    return f"User={user}\n{dynamic}StateDirectory={target.name}\n{hardening}"


def _dynamic_user(name: str) -> str:
    """Return a user's name: all units share it, and with it what they write."""
    return name[:_LONGEST_USER].rstrip("-")


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """Return a word of a command: quoted, nothing in it replaced (systemd.service(5))."""
    escaped = _specifiers(text).replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    is_plain = not any(character.isspace() or character in "\"'\\;" for character in text)
    return escaped if is_plain else f'"{escaped}"'
