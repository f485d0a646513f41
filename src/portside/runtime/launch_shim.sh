#!/bin/sh
# Starts a process of this slug with the slug's own Python, wherever the slug is: the path is
# found from this file's own, through symbolic links, and nothing is written.
set -eu
self=$0
case $self in
    */*) ;;
    *) self=$(command -v -- "$self") ;;
esac
while [ -h "$self" ]; do
    link=$(readlink "$self")
    case $link in
        /*) self=$link ;;
        *) self=${self%/*}/$link ;;
    esac
done
here=$(CDPATH='' cd -- "${self%/*}" && pwd -P)
# -I: the caller's PYTHONHOME and PYTHONPATH mustn't reach the launcher; -S: it needs no packages.
exec "$here/../.heroku/python/bin/python3" -I -S "$here/launcher.py" "$@"
