# Sourced by the other scripts: a virtual environment with exactly the locked packages, made once.

find_python() {  # the first Python that is new enough
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Lookalike needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3.11." >&2
    return 1
}

make_venv() {  # make_venv FOLDER REQUIREMENTS: does nothing when that was done before
    local venv=$1 requirements=$2 python stamp
    python=$(find_python)
    stamp="$(cat "$requirements" pyproject.toml | cksum) $("$python" -c 'import sys; print(sys.version)') $PWD"
    [ "$(cat "$venv/.installed-${requirements##*/}" 2>/dev/null)" = "$stamp" ] && return
    echo "Installing the locked packages into $venv (once)..." >&2
    "$python" -m venv "$venv" || {
        echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv" >&2
        return 1
    }
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$requirements"
    echo "$stamp" > "$venv/.installed-${requirements##*/}"
}
