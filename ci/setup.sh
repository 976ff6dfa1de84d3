#!/usr/bin/env bash
# Makes the virtual environment with every package at its locked version; on Debian it installs venv if that is missing.
set -euo pipefail
venv=$1
python=${PYTHON3:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: Python 3.11 or later is needed" >&2
    echo "  try: apt-get install python3, or PYTHON3=/path/to/python3 make setup" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "  installing Debian packages: python3-venv"
        apt-get update -q >/dev/null && apt-get install -qy --no-install-recommends python3-venv >/dev/null
    else
        echo "error: this Python cannot make virtual environments" >&2
        echo "  try: sudo apt-get install python3-venv" >&2
        exit 2
    fi
fi
started=$SECONDS
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --require-hashes -r ci/setup.lock
"$venv/bin/uv" pip install -q --compile-bytecode --python "$venv/bin/python" --require-hashes -r ci/python.lock
"$venv/bin/uv" pip install -q --python "$venv/bin/python" --no-deps --no-build-isolation -e .
touch "$venv/.ready"
echo "√ setup: $venv is ready after $((SECONDS - started)) s"
