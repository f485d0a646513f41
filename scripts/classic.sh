#!/usr/bin/env bash
# Builds an app as a classic platform does, twice, and boots the slug from /app as its dynos do.
# `make classic APP=DIR` calls this. Needs to be able to write to /app, which must be empty.
set -euo pipefail
buildpack=$(cd "$(dirname "$0")/.." && pwd -P)

if [ $# -ne 1 ] || [ ! -d "$1" ]; then
    echo "Usage: make classic APP=DIRECTORY" >&2
    exit 2
fi
source=$(cd "$1" && pwd -P)

say() { printf '\n==> %s\n' "$1"; }
stop() {
    echo "classic: $1" >&2
    exit 1
}

mkdir -p /app 2>/dev/null || true
[ -w /app ] || stop "/app can't be written to: use root, or a container"
rm -f /app/.heroku/python 2>/dev/null || true
rmdir /app/.heroku 2>/dev/null || true
[ -z "$(ls -A /app)" ] || stop "/app isn't empty, so it is left alone"

work=$(mktemp -d "${TMPDIR:-/tmp}/portside-classic.XXXXXX")
server=
clean_up() {
    # The process and all that it started.
    [ -z "$server" ] || { kill -- "-$server" && wait "$server"; } 2>/dev/null || true
    find /app -mindepth 1 -delete
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/cache" "$work/env"
# Config vars of the app: those given in CONFIG, a file of NAME=VALUE lines.
while IFS='=' read -r name value; do
    [ -z "$name" ] || printf '%s' "$value" >"$work/env/$name"
done <"${CONFIG:-/dev/null}"
export STACK=${STACK:-heroku-24}

build() { # DIRECTORY
    cp -a "$source" "$1"
    rm -rf "$1/.venv" "$1/venv" "$1/.git"
    say "bin/detect"
    "$buildpack/bin/detect" "$1"
    say "bin/compile in $1"
    "$buildpack/bin/compile" "$1" "$work/cache" "$work/env"
    say "bin/report"
    "$buildpack/bin/report" "$1" "$work/cache" "$work/env"
    say "bin/release"
    "$buildpack/bin/release" "$1"
}

build "$work/first"
build "$work/second"

web=$(sed -n 's/^web:[[:space:]]*//p' "$work/second/Procfile" 2>/dev/null | tail -n 1)
[ -n "$web" ] || stop "there is no web process in the Procfile, so there is nothing to boot"

say "Booting from /app: $web"
find /app -mindepth 1 -delete
cp -a "$work/second/." /app/
rm -rf "$work/first" "$work/second"
port=${PORT:-$((20000 + RANDOM % 10000))}
# shellcheck disable=SC2016 # the shell that boots the app expands it
boot='for script in .profile.d/*.sh .profile; do [ ! -f "$script" ] || . "$script"; done ; eval "$0"'
config=()
for file in "$work"/env/*; do
    [ ! -f "$file" ] || config+=("${file##*/}=$(cat "$file")")
done
(
    cd /app
    exec setsid env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/app PORT="$port" DYNO=web.1 \
        ${config[@]+"${config[@]}"} bash -c "$boot" "$web"
) &
server=$!

for _ in $(seq 120); do
    status=$(curl --noproxy '*' --silent --output "$work/answer" --write-out '%{http_code}' \
        --max-time 5 "http://127.0.0.1:$port/" || true)
    [ "$status" = 000 ] || break
    kill -0 "$server" 2>/dev/null || stop "the web process ended before it answered"
    sleep 0.5
done
[ "$status" != 000 ] || stop "no answer at port $port within 60 s"
say "HTTP $status from http://127.0.0.1:$port/"
sed -n '1,10p' "$work/answer"
[ "$status" -lt 500 ] || stop "the app answered with an error"
