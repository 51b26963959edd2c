# Sourced by the scripts here: steps that are named, timed and fail loudly.

exec </dev/null
export CI=true LC_ALL=C.UTF-8 CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/weihe"
mkdir -p "$cache"
cd "$root"

# The toolchain, where there is one, or where rustup puts it.
PATH="$cache/tools/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

_step=
_began=0
_summary=

# step TITLE COMMAND [ARGUMENT ...]
step() {
    _step=$1 _began=$SECONDS
    shift
    printf '\n=== %s\n' "$_step"
    "$@"
    _summary+=$(printf '%5d s  %s' $((SECONDS - _began)) "$_step")$'\n'
    printf '=== %s: %d s\n' "$_step" $((SECONDS - _began))
    _step=
}

_finish() {
    local status=$?
    [ -z "$(type -t clean_up)" ] || clean_up || true
    printf '\n%s' "$_summary"
    if [ "$status" -ne 0 ]; then
        printf '%5d s  FAILED: %s (exit code %d)\n' $((SECONDS - _began)) "${_step:-between two steps}" "$status"
    else
        printf '%5d s  in all\n' "$SECONDS"
    fi
    exit "$status"
}
trap _finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# packages NAME ...: Debian packages, where there is apt-get and a right to use it.
packages() {
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        echo "no apt-get here; expecting to find what is needed: $*"
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "neither root nor sudo; expecting to find: $*"; return; }
        as_root=(sudo --non-interactive)
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get -qq update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@"
}

# need NAME ...: programs that must be there.
need() {
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null || { echo "\`$name\` is missing" >&2; return 1; }
    done
}

# toolchain [COMPONENT ...]: the pinned toolchain with these components and what the pin names.
# Said in full, since rustup may be set not to install anything by itself.
toolchain() {
    local channel component
    channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    need rustup
    rustup toolchain list | grep -q "^$channel-" ||
        rustup toolchain install "$channel" --profile minimal --no-self-update
    for component in rustfmt clippy "$@"; do
        rustup component add --toolchain "$channel" "$component"
    done
    rustup target add --toolchain "$channel" wasm32-wasip2
    cargo --version
}
