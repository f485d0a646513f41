"""The programs in bin/ as platforms call them: builds, their cache, what platforms give them."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from classic import APP, ODD, PIPFILE, PYTHON, SIX, Done, Platform, checkout, needs_python

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("app-directory")]

KEYS = {
    "cache_restore_duration",
    "cache_save_duration",
    "cache_status",
    "dependencies_install_duration",
    "package_manager",
    "package_manager_install_duration",
    "pip_version",
    "post_compile_hook",
    "pre_compile_hook",
    "python_install_duration",
    "python_version",
    "python_version_major",
    "python_version_origin",
    "python_version_outdated",
    "python_version_pinned",
    "python_version_requested",
    "total_duration",
}
IS_ROOT = os.geteuid() == 0
SETPRIV = shutil.which("setpriv")


def test_a_cold_build_from_a_bare_checkout(first_build: tuple[Platform, Done]) -> None:
    platform, first = first_build
    assert platform.call("detect", platform.build).stdout == "Python\n"
    assert set(first.report) == KEYS
    expected = {
        "cache_status": "empty",
        "package_manager": "pip",
        "post_compile_hook": False,
        "pre_compile_hook": False,
        "python_version_major": "3.12",
        "python_version_origin": ".python-version",
        "python_version_pinned": False,
        "python_version_requested": "3.12",
    }
    assert {name: first.report[name] for name in expected} == expected
    assert platform.call("release", platform.build).stdout == "---\n"
    site = platform.build / PYTHON / "lib/python3.12/site-packages"
    compiled = {name for name in ("pip", "setuptools") if (site / name / "__pycache__").is_dir()}
    assert compiled == {"setuptools"}
    steps = [line for line in first.text.splitlines() if line.startswith("----->")]
    assert [step.split()[1] for step in steps] == ["Preparing", "Using", "Providing", "Installing"]


def test_what_did_not_change_is_reused_wherever_it_is(own_cache: Platform) -> None:
    again = own_cache.app().compile()
    assert again.report["cache_status"] == "reused"
    assert "dependencies: reused, no input changed" in again.text
    elsewhere = own_cache.app(name="elsewhere").compile()
    assert elsewhere.report["cache_status"] == "reused"
    moved = own_cache.with_(cache=own_cache.cache.rename(own_cache.root / "moved cache"))
    assert moved.app(name="third").compile().report["cache_status"] == "reused"
    # Platforms keep caches in archives, and this format knows whole seconds only.
    archive = own_cache.root / "cache.tar"
    subprocess.run(["tar", "--format=gnu", "-C", moved.cache, "-cf", archive, "."], check=True)
    unpacked = own_cache.root / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-C", unpacked, "-xf", archive], check=True)
    restored = own_cache.with_(cache=unpacked).app(name="fourth").compile()
    assert restored.report["cache_status"] == "reused"
    assert "damaged" not in restored.text
    assert (
        own_cache.with_(build=own_cache.root / "fourth").later_buildpack(
            "python -c 'import six; print(six.__version__)'"
        )
        == "1.16.0"
    )


def test_each_change_is_told_and_discards_what_depends_on_it(own_cache: Platform) -> None:
    def changed(platform: Platform, *reasons: str) -> Done:
        done = platform.compile()
        assert done.report["cache_status"] == "discarded", done.text
        told = done.text.partition("The cached dependencies are discarded:\n")[2]
        lines = [line.strip() for line in told.splitlines()]
        assert lines[: len(reasons)] == [f"- {reason}" for reason in reasons], done.text
        assert not lines[len(reasons)].startswith("- "), done.text
        return done

    changed(own_cache.app({"requirements.txt": f"# one\n{SIX}"}), "requirements.txt changed")
    other_stack = own_cache.setting(STACK="heroku-22")
    changed(
        other_stack.app(name="two"),
        "stack changed from heroku-24 to heroku-22",
        "requirements.txt changed",
    )
    pipenv = other_stack.app({"Pipfile": PIPFILE}, name="three")
    (pipenv.build / "requirements.txt").unlink()
    done = changed(
        pipenv,
        "package manager changed from pip to pipenv",
        "Pipfile is new",
        "requirements.txt is gone",
    )
    assert done.report["package_manager"] == "pipenv"
    assert done.report["pipenv_version"]
    changed(
        other_stack.app(name="four"),
        "package manager changed from pipenv to pip",
        "requirements.txt is new",
        "Pipfile is gone",
    )


def test_another_version_of_the_package_manager_discards_what_it_installed(
    own_cache: Platform, first_build: tuple[Platform, Done]
) -> None:
    buildpack = checkout(own_cache.root / "buildpack")
    lock = buildpack / "src/portside/platforms/heroku/locks/pip.txt"
    # The pip for the oldest Python becomes that for all of them.
    elsewhere = r"\1 ; python_version < '3' \\"
    text = re.sub(r"^(pip==\S+) ; .*", elsewhere, lock.read_text(), flags=re.MULTILINE)
    lock.write_text(text.replace("python_version < '3'", "python_version > '3'", 1))
    app = own_cache.with_(buildpack=buildpack).app()
    done = app.compile()
    before, after = first_build[1].report["pip_version"], done.report["pip_version"]
    assert before != after
    assert done.report["cache_status"] == "discarded"
    assert f"- package manager's version changed from {before} to {after}\n" in done.text
    assert app.later_buildpack("pip --version").startswith(f"pip {after} ")


@needs_python("3.11")
def test_the_series_of_the_last_build_outlives_a_discarded_cache(own_cache: Platform) -> None:
    first = own_cache.app({".python-version": "3.11\n"}).compile()
    assert "- Python changed from 3.12." in first.text
    assert first.report["cache_status"] == "discarded"
    sticky = own_cache.app({"requirements.txt": "six\n"}, name="sticky")
    (sticky.build / ".python-version").unlink()
    done = sticky.compile()
    assert (done.report["python_version_major"], done.report["python_version_origin"]) == (
        "3.11",
        "cached",
    )
    assert done.report["cache_status"] == "discarded"
    assert "Warning" in done.text
    assert ".python-version" in done.text


def test_a_poisoned_environment_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    poisoned = platform.setting(
        PYTHONHOME=nowhere,
        PYTHONPATH=nowhere,
        PYTHONSTARTUP=nowhere,
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONPLATLIBDIR="nowhere",
        VIRTUAL_ENV=nowhere,
        PIP_TARGET=nowhere,
        PIP_USER="1",
        PIP_PREFIX=nowhere,
        PIP_REQUIRE_VIRTUALENV="1",
        UV_PYTHON="2.7",
        UV_PROJECT_ENVIRONMENT=nowhere,
        GIT_DIR=nowhere,
    ).app({"requirements.txt": f"{SIX}iniconfig==2.0.0\n"})
    poisoned.compile()
    assert not Path(nowhere).exists()
    poisoned.boot()
    code = "import six, iniconfig, sys; print(six.__file__, sys.prefix)"
    told = poisoned.process(f"python -c '{code}'").split()
    assert told == [f"/app/{PYTHON}/lib/python3.12/site-packages/six.py", f"/app/{PYTHON}"]


def test_a_cache_that_the_existing_buildpack_wrote(own_cache: Platform) -> None:
    shutil.rmtree(own_cache.cache / "portside" / "layers")
    shutil.rmtree(own_cache.cache / "portside" / "apps")
    old = own_cache.cache / ".heroku"
    for name, text in {
        "python-version": "python-3.10.4\n",
        "python-stack": "heroku-24\n",
        "requirements.txt": SIX,
        "python/bin/python": "not one",
        "python/lib/python3.10/site-packages/six.py": "raise SystemError",
        "src/thing/setup.py": "",
    }.items():
        own_cache.write(old / name, text)
    own_cache.write(own_cache.cache / "build-data/python", "python_version=3.10.4\n")
    own_cache.write(own_cache.cache / "node/kept.txt", "another buildpack's")
    app = own_cache.app()
    done = app.compile()
    assert done.report["cache_status"] == "discarded"
    assert "- another buildpack wrote the cache" in done.text
    assert sorted(p.name for p in own_cache.cache.iterdir()) == [
        ".heroku",
        "build-data",
        "node",
        "portside",
    ]
    assert list(old.iterdir()) == []
    assert [p.name for p in (own_cache.cache / "build-data").iterdir()] == ["python.json"]
    assert app.later_buildpack("python -c 'import six; print(six.__version__)'") == "1.16.0"


@needs_python("3.10")
def test_the_series_in_a_cache_of_the_existing_buildpack_is_sticky(own_cache: Platform) -> None:
    shutil.rmtree(own_cache.cache / "portside" / "apps")
    own_cache.write(own_cache.cache / ".heroku/python-version", "python-3.10.4\n")
    app = own_cache.app({"requirements.txt": ""})
    (app.build / ".python-version").unlink()
    report = app.compile().report
    assert (report["python_version_major"], report["python_version_origin"]) == ("3.10", "cached")


def test_the_cache_keeps_only_what_the_last_build_used(own_cache: Platform) -> None:
    def held() -> list[str]:
        found = own_cache.cache.rglob("*.dist-info")
        return sorted(path.name for path in found if path.name.startswith(("six", "iniconfig")))

    before = held()
    assert before == ["six-1.16.0.dist-info"] * 2
    # Another version of uv had its cache in other directories.
    uv_cache = own_cache.cache / "portside/uv"
    buckets = {path.name for path in uv_cache.iterdir()}
    own_cache.write(uv_cache / "simple-v1/pypi/six.rkyv", "")
    own_cache.app({"requirements.txt": "iniconfig==2.0.0\n"}).compile()
    assert held() == ["iniconfig-2.0.0.dist-info"] * 2
    assert {path.name for path in uv_cache.iterdir()} == buckets
    # What uv finds gone from its cache it downloads again.
    back = own_cache.app(name="back")
    assert back.compile().report["cache_status"] == "discarded"
    assert held() == before
    assert back.later_buildpack("python -c 'import six; print(six.__version__)'") == "1.16.0"


# --- What platforms give ----------------------------------------------------------------------


@pytest.mark.parametrize("program", ["compile", "test-compile", "detect", "release", "report"])
def test_a_wrong_number_of_arguments_is_a_mistake_of_usage(
    platform: Platform, program: str
) -> None:
    done = platform.call(program)
    assert done.returncode == 2
    assert f"Usage: bin/{program} BUILD_DIR" in (done.stdout + (done.stderr or ""))
    if program.endswith("compile"):
        many = platform.call(program, platform.root, platform.cache, "env", "more")
        assert (many.returncode, "Usage" in many.stdout) == (2, True)


def test_missing_env_and_cache_directories_are_empty_ones(platform: Platform) -> None:
    app = platform.app()
    assert not app.env_dir.exists()
    app.compile()
    shutil.rmtree(app.cache)
    done = app.call("compile", app.build.rename(app.root / "again"), app.cache)
    # The first build's Python is still in place.
    assert done.returncode == 1, done.stdout
    assert ".heroku/python" in done.stdout
    assert app.report()["failure_reason"] == "checks::existing-python-dir"


@pytest.mark.parametrize("how", ["gone", "cut", "replaced"])
def test_what_the_cache_holds_damaged_is_made_anew(own_cache: Platform, how: str) -> None:
    (six,) = own_cache.cache.glob("portside/layers/dependencies/*/tree/**/six.py")
    content = six.read_bytes()
    six.unlink()
    if how != "gone":
        six.write_bytes(content[:9] if how == "cut" else b"#" * len(content))
    app = own_cache.app()
    done = app.compile()
    assert done.report["cache_status"] == "discarded"
    assert "damaged" in done.text
    assert app.later_buildpack("python -c 'import six; print(six.__version__)'") == "1.16.0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_ended_is_reported(own_cache: Platform, number: signal.Signals) -> None:
    hook = "#!/bin/sh\ntouch here\nexec sleep 60\n"
    app = own_cache.app({"bin/pre_compile": hook})
    assert app.report()["python_version_major"] == "3.12"
    arguments = (app.build, app.cache, app.env_dir)
    process = subprocess.Popen(
        [app.buildpack / "bin/compile", *map(str, arguments)],
        env=app.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (app.build / "here").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    status = process.wait(30)
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    assert app.report()["failure_reason"] == "internal-error::abort"
    # The next build goes on from the last one that succeeded.
    (app.build / "bin/pre_compile").unlink()
    assert app.compile().report["cache_status"] == "reused"


def test_an_interrupted_build_with_a_temporary_cache_ends_all_it_started(
    platform: Platform,
) -> None:
    app = platform.app({"bin/pre_compile": "#!/bin/sh\necho $$ >pid; exec sleep 60\n"})
    no_directory = app.root / "file"
    no_directory.touch()
    process = subprocess.Popen(
        [app.buildpack / "bin/compile", app.build, no_directory],
        env=app.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (app.build / "pid").exists() or not (app.build / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((app.build / "pid").read_text()), 0)


def test_a_python_of_its_own_in_app_is_left_alone(platform: Platform) -> None:
    (APP / PYTHON).mkdir(parents=True)
    (APP / PYTHON / "kept").touch()
    app = platform.app()
    app.compile()
    assert (APP / PYTHON / "kept").exists()
    version = "python -c 'import six, sys; print(six.__version__, sys.prefix)'"
    assert app.later_buildpack(version) == f"1.16.0 {app.build / PYTHON}"


@pytest.mark.parametrize("kind", ["a link to it", "/app"])
def test_a_build_directory_may_be(platform: Platform, kind: str) -> None:
    hook = "#!/bin/sh\npython -c 'import six; print(\"hook has\", six.__version__)'\n"
    app = platform.app({"bin/post_compile": hook}, name=ODD)
    if kind == "/app":
        app.boot()
        app = app.with_(build=APP)
    else:
        link = app.root / "link"
        link.symlink_to(app.build)
        app = app.with_(build=link)
    assert "hook has 1.16.0" in app.compile().text
    assert (app.build / PYTHON / "bin/python").exists()
    assert (APP / PYTHON).is_symlink() is (kind != "/app")
    assert app.later_buildpack("python -c 'import six; print(six.__version__)'") == "1.16.0"


@pytest.mark.skipif(
    not (IS_ROOT and SETPRIV), reason="needs root and setpriv: modes don't hold for root"
)
def test_a_config_var_that_cannot_be_read(platform: Platform) -> None:
    app = platform.app().config(SECRET="x", OTHER="y")
    (app.env_dir / "SECRET").chmod(0)
    done = app.with_(prefix=(str(SETPRIV), "--bounding-set=-all", "--inh-caps=-all")).run()
    assert done.expect(1).report["failure_detail"] == "SECRET"
    assert " !     Error: The config var SECRET can't be read." in done.text


def a_venv(platform: Platform) -> Platform:
    platform.write(platform.build / ".venv/pyvenv.cfg", "")
    return platform


def a_committed_python(platform: Platform) -> Platform:
    platform.write(platform.build / PYTHON / "bin/python", "")
    return platform


def two_managers(platform: Platform) -> Platform:
    platform.write(platform.build / "poetry.lock", "")
    platform.write(platform.build / "pyproject.toml", "[tool.poetry]\n")
    return platform


def no_manifest(platform: Platform) -> Platform:
    (platform.build / "requirements.txt").unlink()
    return platform


def misspelt(platform: Platform) -> Platform:
    platform.write(platform.build / ".python_version", "3.12")
    return platform


def several(platform: Platform) -> Platform:
    platform.write(platform.build / ".python-version", "3.12\n2.7\n")
    return platform


def earlier_python(platform: Platform) -> Platform:
    platform.write(platform.root / "other/bin/python", "")
    return platform.setting(PYTHONHOME=str(platform.root / "other"))


@pytest.mark.parametrize(
    ("spoil", "reason", "detail"),
    [
        (lambda p: p.setting(STACK="heroku-18"), "checks::stack::eol", "heroku-18"),
        (lambda p: p.setting(STACK="moon-1"), "checks::stack::unknown", "moon-1"),
        (a_venv, "checks::existing-venv-dir", ".venv"),
        (a_committed_python, "checks::existing-python-dir", None),
        (two_managers, "package-manager::multiple-found", None),
        (earlier_python, "checks::duplicate-python-buildpack", None),
        (no_manifest, "package-manager::none-found", None),
        (misspelt, "python-version-file::misspelled", ".python_version"),
        (several, "python-version-file::multiple-versions", "3.12,2.7"),
        (
            lambda p: p.app({"requirements.txt": "no-such-thing==1.0\n"}),
            "install-dependencies::pip",
            None,
        ),
    ],
)
def test_what_fails_is_told_and_reported(
    platform: Platform, spoil: Callable[[Platform], Platform], reason: str, detail: str | None
) -> None:
    layers = sorted(platform.cache.glob("portside/layers/*/*"))
    app = spoil(platform.app())
    done = app.run().expect(1)
    assert done.report["failure_reason"] == reason
    if detail is not None:
        assert done.report["failure_detail"] == detail
    block = done.text[done.text.index("\n !     Error: ") :].strip("\n").splitlines()
    assert all(line.startswith(" !") for line in block), done.text
    assert sorted(platform.cache.glob("portside/layers/*/*")) == layers
    assert list(platform.cache.glob("portside/staging/*")) == []
