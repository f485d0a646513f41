# shellcheck shell=bash
# Sourced by bash when a process of the app starts, with HOME as the app's directory.
# It may be sourced twice, and under `set -eu`.

# Makes a directory the first of a search path, unless it is already.
portside_prepend() {
    case "${!1:-}:" in
        "$2:"*) ;;
        *) export "$1=$2${!1:+:${!1}}" ;;
    esac
}

portside_append_path() {
    # Behind Python's own programs, before everything else.
    case ":$PATH:" in
        *":$1:"*) ;;
        *) export PATH="$HOME/.heroku/python/bin:$1${PATH#"$HOME/.heroku/python/bin"}" ;;
    esac
}

# The memory limit in MB; nothing where there is none. Above 1 TB no limit is meant.
portside_memory_limit() {
    local root=/sys/fs/cgroup file bytes
    for file in "$root/memory.max" "$root/memory/memory.limit_in_bytes"; do
        if [[ -f $file && -r $file ]]; then
            read -r bytes <"$file" || true
            # A number that began with 0 would be octal.
            if [[ ${bytes:-} =~ ^[1-9][0-9]{0,17}$ ]] && ((bytes / 1048576 <= 1048576)); then
                echo "$((bytes / 1048576))"
            fi
            return 0
        fi
    done
}

# Twice the processors and one, as far as there are 256 MB for each.
portside_web_concurrency() {
    local by_memory=$(($1 / 256)) by_processors=$(($2 * 2 + 1))
    ((by_memory >= 1)) || by_memory=1
    echo "$((by_memory < by_processors ? by_memory : by_processors))"
}

portside_say() {
    if [[ ${DYNO:-} == web.* ]]; then
        echo "$1"
    fi
}

portside_set_concurrency() {
    local limit processors
    limit=$(portside_memory_limit)
    if [[ -z $limit ]]; then
        return 0
    fi
    processors=$(nproc 2>/dev/null || echo 1)
    export DYNO_RAM=$limit
    portside_say "Python: $limit MB of memory and $processors processors are available."
    if [[ -n ${WEB_CONCURRENCY:-} ]]; then
        portside_say "Python: WEB_CONCURRENCY is $WEB_CONCURRENCY, as it was set."
        return 0
    fi
    WEB_CONCURRENCY=$(portside_web_concurrency "$limit" "$processors")
    export WEB_CONCURRENCY WEB_CONCURRENCY_SET_BY=heroku/python
    portside_say "Python: WEB_CONCURRENCY is $WEB_CONCURRENCY. Set it yourself to change that."
}

portside_prepend PATH "$HOME/.heroku/python/bin"
portside_prepend LIBRARY_PATH "$HOME/.heroku/python/lib"
portside_prepend LD_LIBRARY_PATH "$HOME/.heroku/python/lib"
export PYTHONUNBUFFERED=true
export PYTHONHOME="$HOME/.heroku/python"
export LANG="${LANG:-en_US.UTF-8}"
export PYTHONPATH="${PYTHONPATH:-$HOME}"
export FORWARDED_ALLOW_IPS='*'
export GUNICORN_CMD_ARGS="${GUNICORN_CMD_ARGS:---access-logfile -}"
portside_set_concurrency

# What was built for /app may be asked for by that path. A directory there is an app's own.
if [[ $HOME != /app && (-L /app/.heroku/python || ! -e /app/.heroku/python) ]]; then
    { mkdir -p /app/.heroku && ln -nsf "$HOME/.heroku/python" /app/.heroku/python; } 2>/dev/null || true
fi
