# Sourced by scripts/devnet and scripts/test: makes the virtual environment when it is missing or old.
# Sets VENV. Usage: ensure_environment runtime|test

VENV=${TALLYSTICK_VENV:-.venv}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed and was not found; install it or set PYTHON=/path/to/python." >&2
    return 1
}

ensure_environment() { # runtime or test
    local kind=$1 lock="requirements/$1.txt" stamp python wanted
    wanted=$(cat "$lock" pyproject.toml | cksum)
    stamp="$VENV/.tallystick-$kind"
    if [ -x "$VENV/bin/tallystick" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python=$(find_python)
    echo "Installing Tallystick's $kind requirements into $VENV (locked and hashed, about a minute the first time)"
    [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
    echo "  [1/2] packages of $lock"
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
    echo "  [2/2] the tallystick command"
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps \
        --no-build-isolation --editable .
    echo "$wanted" >"$stamp"
}
