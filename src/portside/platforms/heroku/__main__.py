"""``python -m portside.platforms.heroku CALL ARGUMENTS``: what the programs in bin/ become.

Exit codes: 0 done, 1 the app or its environment must change, 2 usage, 3 a defect.
"""

import contextlib
import gc
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn

from portside import __version__
from portside.console import Style, print_err, render_error
from portside.effects.files import common_modes
from portside.effects.host import Host, read_host
from portside.effects.process import ProcessRunner, shell_status
from portside.effects.redaction import Redactor, secret_values
from portside.effects.toolbox import Toolbox
from portside.event_log import TextLog
from portside.model.errors import BuildError
from portside.platforms.heroku.cache import store_of
from portside.platforms.heroku.compile import Compilation, CompileCall
from portside.platforms.heroku.config_vars import read_config_vars
from portside.platforms.heroku.report import BuildReport
from portside.steps.log import BuildLog

_DEFECT = 3
_CALLS = ("compile", "test-compile")


class _Terminated(BaseException):
    """A signal arrived: unwinds everything, so that children end and staging is removed."""


def main() -> NoReturn:
    """Answer a platform's call and exit."""
    signal.signal(signal.SIGTERM, _on_terminate)
    # A build makes thousands of records and hardly a cycle: looking for those shows.
    gc.disable()
    call, *arguments = sys.argv[1:] or [""]
    if call not in _CALLS or len(arguments) not in {2, 3}:
        print_err(f"Usage: {'|'.join(_CALLS)} BUILD_DIR CACHE_DIR [ENV_DIR]")
        sys.exit(2)
    paths = [Path(argument).absolute() for argument in arguments]
    sys.exit(_compile(paths, read_host(), is_test=call == "test-compile"))


def _compile(paths: list[Path], host: Host, *, is_test: bool) -> int:
    report = BuildReport()
    build, cache, *rest = paths
    with contextlib.suppress(OSError):  # where the report is kept at the end, that is told
        report.begin(cache)
    try:
        config_vars = read_config_vars(rest[0] if rest else None)
        if is_test:
            config_vars = {**config_vars, "INSTALL_TEST": "1", "DISABLE_COLLECTSTATIC": "1"}
        call = CompileCall(
            build.resolve(), cache, rest[0] if rest else None, config_vars, _root(), is_test
        )
        with common_modes():
            Compilation(call, _toolbox(host, call), _log(host), report).run()
    except BuildError as error:
        report.fail(error.failure_reason, error.failure_detail)
        print_err(_block(error))
        return error.exit_code
    except (KeyboardInterrupt, _Terminated) as interruption:
        report.fail("internal-error::abort", "")
        number = signal.SIGTERM if isinstance(interruption, _Terminated) else signal.SIGINT
        return shell_status(-number)
    except Exception as error:  # noqa: BLE001 (the boundary: a defect must be told and reported)
        report.fail("internal-error::unhandled", f"{type(error).__name__}: {error}")
        print_err(traceback.format_exc())
        print_err(f"This is a defect in portside {__version__}, not in your app. Please report it.")
        return _DEFECT
    finally:
        _keep(report, cache)
    return 0


def _toolbox(host: Host, call: CompileCall) -> Toolbox:
    redact = Redactor(secret_values(host.environ, call.config_vars))
    return Toolbox(store_of(call.cache), ProcessRunner(redact), host)


def _log(host: Host) -> BuildLog:
    return BuildLog(TextLog(host.environ, sys.stdout))


def _keep(report: BuildReport, cache: Path) -> None:
    try:
        report.write(cache)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        print_err(f" !     The report of this build can't be kept in {cache}: {cause}.")


def _block(error: BuildError) -> str:
    """Return an error as the block that platforms show errors in."""
    lines = render_error(error, Style(colours=False)).strip("\n").splitlines()
    return "\n" + "".join(f" !     {line}".rstrip() + "\n" for line in lines)


def _root() -> Path:
    return Path(__file__).resolve().parents[4]


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


if __name__ == "__main__":
    main()
