#!/bin/sh
# Renews what the classic buildpack installs at pinned versions with hashes: its own dependencies,
# uv itself, and the package managers it gives to apps. `make lock` calls this.
set -eu
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
compile() { # INPUT OUTPUT [OPTIONS]
    input=$1 output=$2
    shift 2
    $uv --no-config pip compile --quiet --universal --upgrade --generate-hashes --no-header \
        --no-annotate "$@" "$input" -o "$output"
}

# A build needs neither the router, nor .env files, completion or archives with zstd.
compile pyproject.toml libexec/requirements.txt --python-version 3.11 \
    --no-emit-package httptools --no-emit-package python-dotenv --no-emit-package shtab \
    --no-emit-package backports-zstd
for name in pip pipenv poetry uv; do
    locks=src/portside/platforms/heroku/locks
    compile "$locks/$name.in" "$locks/$name.txt" --python-version 3.8 --fork-strategy requires-python
done

# The hashes of uv's wheels for Linux, by file name, as the index gives them.
version=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' libexec/requirements.txt)
.venv/bin/python - "$version" <<'PYTHON' >libexec/uv.sha256.new
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

PLATFORMS = ("manylinux_2_17_x86_64", "musllinux_1_1_x86_64", "manylinux_2_17_aarch64")
with tempfile.TemporaryDirectory() as directory:
    for platform in PLATFORMS:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", directory]
        options = ["--only-binary", ":all:", "--platform", platform, f"uv=={sys.argv[1]}"]
        subprocess.run([*command, *options], check=True)
    for wheel in sorted(Path(directory).iterdir()):
        print(f"{sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}")
PYTHON
mv libexec/uv.sha256.new libexec/uv.sha256
