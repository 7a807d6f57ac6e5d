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

make_venv() {  # make_venv FOLDER REQUIREMENTS [LARGER REQUIREMENTS...]: does nothing when one of these was installed before
    local venv=$1 requirements=$2 python file
    python=$(find_python)
    for file in "${@:2}"; do
        [ "$(cat "$venv/.installed" 2>/dev/null)" = "$(stamp "$python" "$file")" ] && return
    done
    echo "Installing the locked packages into $venv (once)..." >&2
    rm -f "$venv/.installed"
    "$python" -m venv --clear "$venv" || {
        echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv" >&2
        return 1
    }
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$requirements"
    case ${requirements##*/} in export.txt | compare.txt) ;; *) install_command "$venv" ;; esac
    stamp "$python" "$requirements" > "$venv/.installed"
}

stamp() {  # what an environment was made from
    echo "$(cksum < "$2") $("$1" -c 'import sys; print(sys.version)') $PWD"
}

install_command() {  # puts `lookalike` into the environment, as a link to this checkout
    PYTHONDONTWRITEBYTECODE=1 "$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-index --no-deps --no-build-isolation --editable .
}
