#!/usr/bin/env bash
# Every gate, in the order of how fast it fails. Needs nothing but Rust and, from Debian, a C compiler
# and Chromium; these are installed if they are missing.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

if ! command -v cargo >/dev/null; then
    echo "cargo is missing: install Rust from https://rustup.rs (rust-toolchain.toml names the version)" >&2
    exit 2
fi

install_missing() {
    local packages=()
    command -v cc >/dev/null || packages+=(gcc)
    # The headers of the C library, without which SQLite can't be compiled.
    [ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
    # The tests of the page drive it in a real browser.
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
        || command -v google-chrome >/dev/null || packages+=(chromium)
    [ ${#packages[@]} -eq 0 ] && return
    say "installing ${packages[*]}"
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${packages[@]}"
}
install_missing

# Queries are checked against the committed descriptions, never against a database that happens
# to be named by the environment.
export SQLX_OFFLINE=true

# What would speed a second build up takes more of the disk than all the rest, and a run of every gate is one build.
export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"

say "format"
cargo fmt --all --check

say "lints"
cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

say "tests"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
cargo test --workspace --all-features --locked 2>&1 | tee "$report"

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked

denied="not installed, skipped"
if command -v cargo-deny >/dev/null; then
    say "dependencies"
    checks=(bans licenses sources)
    denied="checked, but for advisories: their database can't be reached"
    # A machine without a way out must not fail for that; it must say so.
    if cargo deny fetch db; then
        checks+=(advisories)
        denied="checked"
    fi
    cargo deny --locked --all-features check "${checks[@]}"
fi

# The sum over every test binary.
awk '/^test result: /{passed += $4; failed += $6} END {print "\n" passed " passed, " failed " failed"}' "$report"
say "all gates passed (format, lints, tests, documentation; dependencies: $denied)"
