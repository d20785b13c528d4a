# Sourced by scripts/devnet, scripts/test and scripts/bench: makes the virtual environments when they
# are missing or old. Sets ROOT and VENV. Usage: ensure_environment runtime|p2p|test, ensure_oracle

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${TALLYSTICK_VENV:-$ROOT/.venv}

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

# Installs a lock file, counting the packages; pip's errors are shown, its warnings are not.
install_locked() { # virtual environment, lock file
    local venv=$1 lock=$2 total
    total=$(grep -c '^[a-z0-9].*==' "$lock")
    "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        --require-hashes -r "$lock" 2> >(grep -v '^WARNING' >&2) |
        awk -v total="$total" '
            /^(Collecting|Requirement already satisfied)/ {
                printf "\r  %d of %d packages", ++count, total
                fflush()
            }
            /^Installing collected packages/ { printf ", unpacking"; fflush() }
            END { print "" }'
}

ensure_environment() { # runtime, p2p or test
    local kind=$1 lock="$ROOT/requirements/$1.txt" stamp python wanted
    wanted=$(cat "$lock" "$ROOT/pyproject.toml" | cksum)
    stamp="$VENV/.tallystick-$kind"
    if [ -x "$VENV/bin/tallystick" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python=$(find_python)
    echo "Installing Tallystick's $kind requirements into $VENV (locked and hashed, about a minute the first time)"
    [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
    install_locked "$VENV" "$lock"
    echo "  the tallystick command"
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps \
        --no-build-isolation --editable "$ROOT"
    echo "$wanted" >"$stamp"
}

# The execution specification, for the tests that compare with it.
ensure_oracle() {
    local venv=$ROOT/.venv-oracle lock=$ROOT/requirements/oracle.txt wanted
    wanted=$(cksum <"$lock")
    if [ "$(cat "$venv/.tallystick" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "Installing the execution specification into $venv (locked and hashed)"
    [ -x "$venv/bin/python" ] || "$(find_python)" -m venv "$venv"
    install_locked "$venv" "$lock"
    echo "$wanted" >"$venv/.tallystick"
}
