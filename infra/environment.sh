#!/bin/sh
# Makes .venv of the first Python 3.13 that really runs: python3.13 may be a shim with nothing behind it.
set -eu

works() { "$1" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; }

find_python() {
    if [ -n "$1" ]; then
        set -- "$1"
    else
        set -- python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3.13 /opt/homebrew/bin/python3.13 python3
    fi
    for candidate; do
        if works "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

if ! works .venv/bin/python; then
    if ! python=$(find_python "${1:-}"); then
        echo "Tidelake needs Python 3.13, and there is none that runs${1:+ at $1}:" \
            "install it, or name it with PYTHON=…." >&2
        exit 1
    fi
    "$python" -m venv --clear .venv
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
