#!/bin/sh
# Build the guestbook from nothing, check it, visit it, and build it again.
# `make demo` puts portside on PATH and calls this.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/portside-demo.XXXXXX")
server=

clean_up() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
    printf '\n==> %s\n' "$1"
}

build() {
    portside build examples/guestbook --cache-dir "$work/cache" -o "dir:$1"
}

say 'A cold build: nothing is cached'
build "$work/slug"
echo "The slug is $work/slug (removed when the demo ends)."

say 'Does it boot? portside run --check'
DATABASE_PATH=$work/check.sqlite3 portside run "$work/slug" --check

say 'Boot it and visit it'
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
DATABASE_PATH=$work/guestbook.sqlite3 portside run "$work/slug" --port "$port" >"$work/log" 2>&1 &
server=$!
python3 - "http://127.0.0.1:$port/" <<'PYTHON' || { cat "$work/log"; exit 1; }
import sys
import time
import urllib.request

# Loopback only: a proxy in the environment must not come between.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
deadline = time.monotonic() + 60
while True:
    try:
        with opener.open(sys.argv[1], timeout=5) as answer:
            print("HTTP", answer.status, sys.argv[1])
            print(*answer.read().decode().splitlines()[:10], sep="\n")
        break
    except OSError as error:
        if time.monotonic() > deadline:
            sys.exit(f"no answer within 60 s: {error}")
        time.sleep(0.2)
PYTHON
kill "$server"
wait "$server" 2>/dev/null || true
server=

say 'Build it again: nothing changed, so nothing is done'
build "$work/slug"

say 'Build it into another place: the layers come from the cache'
build "$work/slug-again"
