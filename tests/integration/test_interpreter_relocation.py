"""Copies of the interpreters on this machine, moved elsewhere."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portside.effects.bytecode import compile_sources
from portside.effects.host import Host
from portside.effects.interpreters.bytecode import convert_bytecode
from portside.effects.interpreters.check import check_interpreter
from portside.effects.interpreters.installation import copy_interpreter
from portside.effects.interpreters.local import find_local_interpreters
from portside.effects.interpreters.relocate import make_relocatable
from portside.effects.process import ProcessRunner
from portside.model.interpreter import InterpreterSource
from portside.model.python_version import PythonVersion

RUNNER = ProcessRunner()
PYENV = Path.home() / ".pyenv" / "versions"
PYENV_SERIES = ("3.10", "3.12", "3.13")
ABSOLUTE = ("prefix", "BINDIR", "LIBDIR", "LIBDEST", "INCLUDEPY", "INCLUDEDIR", "CONFINCLUDEPY")


def host(home: Path, **environ: str) -> Host:
    return Host(environ, home, os.uname().machine, "gnu")


def system_python() -> tuple[Path, PythonVersion] | None:
    for found in find_local_interpreters(host(Path("/nonexistent")), RUNNER):
        if found.location.startswith("/usr/bin/"):
            return Path(found.location), found.version
    return None


def original(name: str) -> tuple[Path, PythonVersion]:
    if name == "system":
        found = system_python()
        if found is None:
            pytest.skip("there is no Python in /usr/bin")
        return found
    versions = [PythonVersion.parse(path.name) for path in PYENV.glob(f"{name}.*")]
    if not versions:
        pytest.skip(f"pyenv has no Python {name}")
    return PYENV / str(max(versions)) / "bin" / f"python{name}", max(versions)


class Tree:
    def __init__(self, root: Path, version: PythonVersion, prefix: Path) -> None:
        self.root, self.version, self.prefix = root, version, prefix
        self.executable = root / "bin" / f"python{version.series}"
        self.library = root / "lib" / f"python{version.series}"

    def run(self, code: str, *options: str) -> str:
        argv = [str(self.executable), "-I", *options, "-c", code]
        return subprocess.run(argv, env={}, check=True, capture_output=True, text=True).stdout

    def settings(self) -> dict[str, object]:
        code = "import json, sysconfig; print(json.dumps(sysconfig.get_config_vars()))"
        settings: dict[str, object] = json.loads(self.run(code))
        return settings

    def snapshot(self) -> dict[str, tuple[int, int, int]]:
        return {
            str(path): (s.st_ino, s.st_size, s.st_mtime_ns)
            for path in sorted(self.root.rglob("*"))
            for s in [path.lstat()]
        }


def complete_bytecode(directory: Path, executable: Path, work: Path) -> None:
    missing = convert_bytecode(directory, executable, RUNNER)
    compile_sources(missing, directory, executable, RUNNER, work)


@pytest.fixture(scope="module", params=[*PYENV_SERIES, "system"])
def tree(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tree]:
    executable, version = original(request.param)
    before = tmp_path_factory.mktemp("made-here") / "python"
    copy_interpreter(executable, version, before)
    make_relocatable(before, version, RUNNER)
    library = f"lib/python{version.series}"
    work = tmp_path_factory.mktemp("work")
    complete_bytecode(before / library, before / f"bin/python{version.series}", work)
    after = tmp_path_factory.mktemp("a-new-home") / "python"
    before.rename(after)
    yield Tree(after, version, executable.resolve().parent.parent)
    shutil.rmtree(after)


def test_a_moved_copy_passes_the_check(tree: Tree) -> None:
    assert check_interpreter(tree.root, tree.version, RUNNER) is None


def test_the_check_notices_another_version(tree: Tree) -> None:
    other = PythonVersion(tree.version.major, tree.version.minor, 99)
    assert check_interpreter(tree.root, other, RUNNER) == (
        f"it is Python {tree.version}, not {other}"
    )


def test_the_original_fails_the_check_elsewhere(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / tree.executable.name).symlink_to(tree.prefix / "bin" / tree.executable.name)
    complaint = check_interpreter(tmp_path, tree.version, RUNNER)
    assert complaint is not None
    assert "outside" in complaint


def test_packages_are_gone_and_go_to_site_packages(tree: Tree) -> None:
    assert list((tree.library / "site-packages").iterdir()) == []
    code = "import json, sys, sysconfig; print(json.dumps([sys.path, sysconfig.get_paths()]))"
    search, paths = json.loads(tree.run(code))
    expected = str(tree.library / "site-packages")
    assert search.count(expected) == 1
    assert paths["purelib"] == paths["platlib"] == expected
    assert paths["scripts"] == str(tree.root / "bin")
    assert paths["data"] == str(tree.root)


def test_packages_are_found_and_their_pth_files_run_once(tree: Tree) -> None:
    packages = tree.library / "site-packages"
    (packages / "hello.py").write_text("")
    (packages / "hello.pth").write_text("import sys; sys.stdout.write('once ')\n")
    try:
        assert tree.run("import hello; print(hello.__name__)", "-B") == "once hello\n"
        frozen = tree.run("import hello", "-B", "-X", "frozen_modules=off")
        assert frozen == "once "
    finally:
        (packages / "hello.py").unlink()
        (packages / "hello.pth").unlink()


def test_test_suites_and_static_libraries_are_gone(tree: Tree) -> None:
    paths = [path.relative_to(tree.root) for path in tree.root.rglob("*")]
    unwanted = {"test", "tests", "idlelib", "turtledemo", "EXTERNALLY-MANAGED", "sitecustomize.py"}
    assert not [p for p in paths if p.name in unwanted or p.suffix == ".a"]
    assert not [p for p in paths if p.name.startswith("config-")]


def test_no_link_leads_out_of_the_tree(tree: Tree) -> None:
    links = [path for path in tree.root.rglob("*") if path.is_symlink()]
    assert {"python", "python3"} <= {link.name for link in links}
    assert not [link for link in links if link.readlink().is_absolute() or not link.exists()]
    assert not [p for p in links if not p.resolve().is_relative_to(tree.root)]


def test_links_start_the_same_interpreter(tree: Tree) -> None:
    for name in ("python", "python3"):
        argv = [str(tree.root / "bin" / name), "-I", "-c", "import sys; print(sys.prefix)"]
        done = subprocess.run(argv, env={}, check=True, capture_output=True, text=True)
        assert done.stdout.strip() == str(tree.root)


def test_using_it_writes_nothing(tree: Tree) -> None:
    directories = [tree.root, *(p for p in tree.root.rglob("*") if p.is_dir())]
    before = tree.snapshot()
    for directory in directories:
        directory.chmod(0o555)
    try:
        code = "import asyncio, json, email.mime.text, http.server, sqlite3, sysconfig, unittest"
        tree.run(f"{code}; sysconfig.get_config_vars()")
        done = subprocess.run(
            [str(tree.executable), "-c", code], env={"HOME": "/nonexistent"}, check=True
        )
        assert done.returncode == 0
        assert tree.snapshot() == before
    finally:
        for directory in directories:
            directory.chmod(0o755)


def test_all_bytecode_is_unchecked_and_complete(tree: Tree) -> None:
    caches = list(tree.library.rglob("*.pyc"))
    assert {path.read_bytes()[4:8] for path in caches} == {b"\1\0\0\0"}
    tag = f"cpython-{tree.version.major}{tree.version.minor}"
    sources = {
        path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc"
        for path in tree.library.rglob("*.py")
    }
    compiled = set(caches)
    assert compiled <= sources
    assert len(sources - compiled) <= 2, sources - compiled


def test_bytecode_is_accepted_even_when_checked(tree: Tree) -> None:
    code = "import json, asyncio, unittest, importlib.util as u, pathlib, argparse, sys\n"
    code += "for m in list(sys.modules.values()):\n"
    code += "    c = getattr(getattr(m, '__spec__', None), 'cached', None)\n"
    code += "    if c and m.__name__ != '__main__':\n"
    code += "        s = open(m.__spec__.origin, 'rb').read()\n"
    code += "        h = open(c, 'rb').read()[8:16]\n"
    code += "        assert h == u.source_hash(s), m\n"
    tree.run(code)


def test_settings_lead_into_the_tree(tree: Tree) -> None:
    settings = tree.settings()
    for name in ABSOLUTE:
        value = str(settings[name])
        assert Path(value).is_relative_to(tree.root), (name, value)
    assert settings["LIBDIR"] == str(tree.root / "lib")
    for flag in str(settings["LDFLAGS"]).replace(str(tree.root), "/TREE").split():
        if flag.startswith("-L"):
            assert flag == "-L/TREE/lib"
    assert settings["INSTALL"] == "/usr/bin/install -c"


def test_no_text_names_the_original_prefix(tree: Tree) -> None:
    if tree.prefix == Path("/usr"):
        pytest.skip("/usr is named for many other reasons")
    old = str(tree.prefix).encode()
    named = [
        path
        for path in [
            *tree.library.rglob("*.py"),
            *tree.root.glob("bin/*"),
            *tree.root.glob("lib/*"),
        ]
        if path.is_file()
        and path.suffix != ".so"
        and ".so." not in path.name
        and old in path.read_bytes().replace(b"." + old, b"")
    ]
    named += [p for p in tree.root.rglob("*.pc") if old in p.read_bytes()]
    assert [p for p in named if p != tree.executable] == []


def test_a_second_time_changes_nothing(tree: Tree, tmp_path: Path) -> None:
    before = tree.snapshot()
    make_relocatable(tree.root, tree.version, RUNNER)
    complete_bytecode(tree.library, tree.executable, tmp_path)
    links = ("/python", "/python3", "/python-config", "/python3-config")
    after = tree.snapshot()
    assert before.keys() == after.keys()
    assert not [
        path
        for path in before
        if before[path] != after[path] and Path(path).is_file() and not path.endswith(links)
    ]


def test_the_config_script_follows(tree: Tree) -> None:
    script = tree.root / "bin" / f"python{tree.version.series}-config"
    if not script.exists():
        pytest.skip("the installation has no python-config")
    argv = [str(script), "--prefix"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(tree.root)


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="pkg-config isn't installed")
def test_pkg_config_follows(tree: Tree) -> None:
    directory = tree.root / "lib" / "pkgconfig"
    if not directory.is_dir():
        pytest.skip("the installation has no pkgconfig files")
    argv = ["pkg-config", "--variable=includedir", f"python-{tree.version.series}"]
    env = {"PKG_CONFIG_LIBDIR": str(directory), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=env)
    assert Path(done.stdout.strip().replace("\\", "")).resolve() == tree.root / "include"


EXTENSION = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "hello", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_hello(void) { return PyModule_Create(&module); }
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc isn't installed")
def test_an_extension_compiles_against_it(tree: Tree, tmp_path: Path) -> None:
    settings = tree.settings()
    include = Path(str(settings["INCLUDEPY"]))
    if not (include / "Python.h").is_file():
        pytest.skip("the installation has no headers")
    (tmp_path / "hello.c").write_text(EXTENSION)
    argv = ["gcc", "-shared", "-fPIC", f"-I{include}", "hello.c", "-o"]
    subprocess.run([*argv, f"hello{settings['EXT_SUFFIX']}"], cwd=tmp_path, check=True)
    code = f"import sys; sys.path.append({str(tmp_path)!r}); import hello; print(hello.__name__)"
    assert tree.run(code, "-B").strip() == "hello"


def test_settings_of_a_downloaded_build_are_adapted(tmp_path: Path) -> None:
    executable, version = original("3.12")
    root = tmp_path / "python"
    copy_interpreter(executable, version, root)
    [settings] = (root / "lib/python3.12").glob("_sysconfigdata_*.py")
    text = settings.read_text().replace(str(executable.parent.parent), "/install")
    text = text.replace("'CC': 'gcc'", "'CC': '/tools/llvm/bin/clang -pthread'")
    settings.write_text(text.replace("'AR': 'ar'", "'AR': 'llvm-ar'"))
    (root / "bin" / "pip3.12").write_text("#!/bin/sh\nexec python3.12 -m pip\n")
    (root / "bin" / "pip").symlink_to("pip3.12")
    (root / "lib/python3.12/site-packages/pip").mkdir()
    (root / "lib/libpython3.12.a").touch()
    make_relocatable(root, version, RUNNER)
    found = Tree(root, version, executable.parent.parent).settings()
    assert (found["CC"], found["AR"]) == ("cc -pthread", "ar")
    assert found["INSTALL"] == "/usr/bin/install -c"
    flags = f"-L{root}/lib -Wl,-rpath,{root}/lib"
    assert found["LDSHARED"] == f"gcc -shared {flags} {flags}"
    assert sorted(path.name for path in (root / "bin").iterdir()) == sorted(
        f"python{suffix}" for suffix in ("", "3", "3.12", "-config", "3-config", "3.12-config")
    )
    assert list((root / "lib/python3.12/site-packages").iterdir()) == []
    assert not (root / "lib/libpython3.12.a").exists()


def test_a_broken_interpreter_is_told_apart(tmp_path: Path) -> None:
    version = PythonVersion(3, 12, 1)
    assert check_interpreter(tmp_path, version, RUNNER) == (
        "it can't be started: no such file or directory"
    )
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "python3.12"
    program.write_text("#!/bin/sh\necho 'cannot go on' >&2; exit 3\n")
    program.chmod(0o755)
    complaint = check_interpreter(tmp_path, version, RUNNER)
    assert complaint == "it ended with exit status 3: cannot go on"


def test_stale_bytecode_is_compiled_again(tmp_path: Path) -> None:
    executable, _ = original("3.12")
    (tmp_path / "fresh.py").write_text("value = 1\n")
    (tmp_path / "stale.py").write_text("value = 1\n")
    (tmp_path / "broken.py").write_text("value =\n")
    subprocess.run([str(executable), "-m", "compileall", "-q", str(tmp_path)], check=False)
    (tmp_path / "stale.py").write_text("value = 22\n")
    cache = tmp_path / "__pycache__"
    fresh = (cache / "fresh.cpython-312.pyc").read_bytes()
    shutil.copy(cache / "fresh.cpython-312.pyc", cache / "orphan.cpython-312.pyc")
    work = tmp_path / "work"
    work.mkdir()
    assert convert_bytecode(tmp_path, executable, RUNNER) == ["broken.py", "stale.py"]
    complete_bytecode(tmp_path, executable, work)
    converted = (cache / "fresh.cpython-312.pyc").read_bytes()
    assert converted[16:] == fresh[16:]
    assert sorted(p.name for p in cache.iterdir()) == [
        "fresh.cpython-312.pyc",
        "stale.cpython-312.pyc",
    ]
    code = (
        f"import sys; sys.path.append({str(tmp_path)!r}); import fresh, stale; print(stale.value)"
    )
    done = subprocess.run(
        [str(executable), "-I", "--check-hash-based-pycs", "always", "-c", code],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "22\n"
    assert all(path.read_bytes()[4:8] == b"\1\0\0\0" for path in cache.iterdir())


def test_local_interpreters_are_found_without_running_shims(tmp_path: Path) -> None:
    executable, version = original("3.12")
    directories = {
        "pyenv": tmp_path / f".pyenv/versions/{version}",
        "not a full version": tmp_path / ".local/share/mise/installs/python/3.12",
        "uv of another platform": tmp_path
        / f".local/share/uv/python/cpython-{version}-linux-arm-musl",
    }
    for directory in directories.values():
        directory.parent.mkdir(parents=True)
        directory.symlink_to(executable.parent.parent)
    shim = tmp_path / ".asdf/installs/python/3.12.99/bin/python3.12"
    shim.parent.mkdir(parents=True)
    shim.write_text(f"#!/bin/sh\ntouch {tmp_path}/shim-was-run\n")
    shim.chmod(0o755)
    found = find_local_interpreters(host(tmp_path), RUNNER)
    ours = [c for c in found if not c.location.startswith("/usr/")]
    assert [(c.version, c.source, c.location) for c in ours] == [
        (version, InterpreterSource.LOCAL, str(executable.resolve()))
    ]
    assert [c.version for c in found] == sorted((c.version for c in found), reverse=True)
    assert not (tmp_path / "shim-was-run").exists()


def test_a_root_given_by_the_environment_is_used(tmp_path: Path) -> None:
    executable, _ = original("3.12")
    found = find_local_interpreters(host(tmp_path, PYENV_ROOT=str(PYENV.parent)), RUNNER)
    assert str(executable.resolve()) in {candidate.location for candidate in found}
