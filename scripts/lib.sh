# What the scripts share. To be sourced.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

# Runs a command that takes minutes, and says each half minute that it goes on.
with_progress() {
    "$@" &
    local work=$! seconds=0
    while kill -0 "$work" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ $((seconds % 30)) = 0 ]; then say "… $seconds seconds"; fi
    done
    wait "$work"
}

# Runs a command as root: as it is, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        say "This needs root: $*"
        return 1
    fi
}

# Whether there is a PostgreSQL of version 15 or newer.
have_postgres() {
    [ -n "${BWP_POSTGRES_BIN:-}" ] && return 0
    local program version
    for program in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres \
        /opt/homebrew/opt/postgresql*/bin/postgres /usr/local/opt/postgresql*/bin/postgres \
        /Applications/Postgres.app/Contents/Versions/*/bin/postgres; do
        [ -x "$program" ] || continue
        version=$("$program" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
        [ "${version:-0}" -ge 15 ] && return 0
    done
    return 1
}

# Installs packages by the platform's package manager. Arguments: apt, dnf, pacman, apk, brew; empty to do without.
install_package() {
    if command -v apt-get >/dev/null && [ -n "$1" ]; then
        as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $1
    elif command -v dnf >/dev/null && [ -n "$2" ]; then as_root dnf install -y $2
    elif command -v pacman >/dev/null && [ -n "$3" ]; then as_root pacman -S --needed --noconfirm $3
    elif command -v apk >/dev/null && [ -n "$4" ]; then as_root apk add $4
    elif command -v brew >/dev/null && [ -n "$5" ]; then brew install $5
    else return 1; fi
}

need_postgres() {
    have_postgres && return 0
    say "PostgreSQL (15 or newer) is missing: installing it by the package manager. Its own service is not needed."
    install_package postgresql "postgresql-server postgresql-contrib" postgresql "postgresql postgresql-contrib" postgresql@17 ||
        { say "Install PostgreSQL 15 or newer, then run this again."; exit 1; }
}

need_redis() {
    command -v redis-server >/dev/null || command -v valkey-server >/dev/null && return 0
    say "Redis is missing: installing it by the package manager. Its own service is not needed."
    install_package redis-server redis valkey redis redis || { say "Install redis-server, then run this again."; exit 1; }
}

# Installs wrk, which makes load.
need_wrk() {
    command -v wrk >/dev/null && return 0
    say "wrk is missing: installing it by the package manager."
    install_package wrk wrk "" wrk wrk || { say "Install wrk (https://github.com/wg/wrk), then run this again."; exit 1; }
}

# For a test of many nodes behind a proxy.
need_nginx() {
    if command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; then return 0; fi
    say "nginx is missing: installing it by the package manager. Its own service is not needed."
    install_package nginx-light nginx nginx nginx nginx || { say "Install nginx, then run this again."; exit 1; }
}

# For tests of pages in a real browser: Chromium and its driver, of one version.
need_chromium() {
    if command -v chromedriver >/dev/null; then
        local browser
        for browser in chromium chromium-browser google-chrome google-chrome-stable chrome \
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
            command -v "$browser" >/dev/null && return 0
        done
    fi
    say "Chromium or its driver is missing: installing both by the package manager."
    install_package "chromium chromium-driver chromium-sandbox" "chromium chromedriver" chromium "chromium chromium-chromedriver" "" ||
        { say "Install Chromium (or Chrome) and the chromedriver of the same version, then run this again."; exit 1; }
}

# For tests of PDFs: what reads their text and structure, and what finds faults in a file.
need_pdf_tools() {
    command -v pdftotext >/dev/null && command -v pdfinfo >/dev/null && command -v qpdf >/dev/null && return 0
    say "poppler's programs or qpdf are missing: installing them by the package manager."
    install_package "poppler-utils qpdf" "poppler-utils qpdf" "poppler qpdf" "poppler-utils qpdf" "poppler qpdf" ||
        { say "Install pdftotext and pdfinfo (poppler) and qpdf, then run this again."; exit 1; }
}

# axe-core, which finds what keeps people from using a page, from npm's registry: target/tools/axe.min.js. It is not
# part of this repository, as its license is the MPL 2.0.
axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
need_axe() {
    local file=target/tools/axe.min.js work
    has_sha256 "$file" "$axe_sha256" && return 0
    if ! command -v npm >/dev/null; then
        say "npm is missing: installing it by the package manager."
        install_package npm npm npm npm node || { say "Install npm (https://nodejs.org), then run this again."; exit 1; }
    fi
    say "axe-core is missing: fetching it into target/tools."
    mkdir -p target/tools
    work=$(mktemp -d target/tools/axe.XXXXXX)
    npm pack "axe-core@$axe_version" --pack-destination "$work" --ignore-scripts --silent >/dev/null &&
        tar -xzf "$work"/axe-core-*.tgz -C "$work" package/axe.min.js && mv "$work/package/axe.min.js" "$file"
    rm -rf "$work"
    has_sha256 "$file" "$axe_sha256" && return 0
    rm -f "$file"
    say "axe-core $axe_version could not be fetched, or is not the file that it was."
    exit 1
}

# Whether a file is there with this content.
has_sha256() {
    [ -f "$1" ] && [ "$( (sha256sum "$1" 2>/dev/null || shasum -a 256 "$1") | cut -d ' ' -f 1)" = "$2" ]
}

need_rust() {
    command -v cargo >/dev/null || [ ! -f "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
    if ! command -v cargo >/dev/null; then
        say "Rust is missing. Install it as https://www.rust-lang.org/tools/install says, then run this again."
        exit 1
    fi
    if ! command -v cc >/dev/null; then
        say "A C compiler is missing (the linker, and one dependency): installing it by the package manager."
        install_package build-essential gcc base-devel build-base "" || { say "Install a C compiler."; exit 1; }
    fi
}

# LLVM's tool that merges what programs counted, of the version that the compiler is of, as $profdata.
need_profdata() {
    local version candidate
    version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    for candidate in "$(rustc --print target-libdir)/../bin/llvm-profdata" "llvm-profdata-$version" \
        "/usr/lib/llvm-$version/bin/llvm-profdata" llvm-profdata; do
        profdata=$(command -v "$candidate") && "$profdata" show --version 2>&1 | grep -q "LLVM version $version\." && return 0
    done
    if command -v rustup >/dev/null; then
        say "llvm-profdata is missing: installing it by rustup."
        profdata=$(rustc --print target-libdir)/../bin/llvm-profdata
        rustup component add llvm-tools && [ -x "$profdata" ] && return 0
    fi
    say "Install llvm-profdata of LLVM $version (rustup component add llvm-tools, or a package such as llvm-$version), then run this again."
    exit 1
}

# Installs a cargo tool into target/tools, unless it is there. Arguments: program, crate, version, options.
need_tool() {
    local program=$1 crate=$2 version=$3
    shift 3
    export PATH="$PWD/target/tools/bin:$PATH"
    command -v "$program" >/dev/null && return 0
    say "$program is missing: building it into target/tools."
    cargo install "$crate" --version "$version" --locked --quiet --root target/tools "$@"
}
