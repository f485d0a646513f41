from pathlib import Path

import pytest

from portside.effects.host import Host
from portside.effects.process import ProcessRunner
from portside.effects.store import Store
from portside.effects.toolbox import Toolbox
from portside.model.events import Event, Noticed
from portside.model.facts import PackageManager
from portside.platforms.heroku.compile import Compilation, CompileCall
from portside.platforms.heroku.report import BuildReport
from portside.steps.log import BuildLog


@pytest.mark.parametrize("is_writable", [True, False])
def test_a_checkout_that_cant_keep_export_is_a_warning(
    tmp_path: Path, *, is_writable: bool
) -> None:
    told: list[Event] = []
    # Root may write to any file, but not over a directory.
    if not is_writable:
        (tmp_path / "export").mkdir()
    (tmp_path / "build").mkdir()
    call = CompileCall(tmp_path / "build", tmp_path / "cache", None, {}, tmp_path)
    host = Host({}, tmp_path, "x86_64", "gnu")
    tools = Toolbox(Store(tmp_path / "cache"), ProcessRunner(), host)
    compilation = Compilation(call, tools, BuildLog(told.append), BuildReport())
    compilation.home = "/app/.heroku/python"
    compilation._export(PackageManager.PIP)
    assert (tmp_path / "export").is_file() == is_writable
    codes = [event.notice.code for event in told if isinstance(event, Noticed)]
    assert codes == ([] if is_writable else ["export::not-written"])
