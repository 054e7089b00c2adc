#!/bin/sh
# Takes a vendor out of a copy of the tree: its folders, and its line in each list.
#
#   tests/remove_vendor.sh FOLDER COPY           FOLDER: the vendor's folder below adapters/
#   tests/remove_vendor.sh FOLDER COPY --build   then builds everything and runs the tests that have to
#                                                do with every vendor
#
# Where COPY is not there yet, the tree is copied to it first. This tree is never changed. What the procedures
# need of a vendor they need still: without Keap or Clear Connection the rest does not build, because tests
# and the invented clinic are about them.
set -eu

vendor=$1
copy=$2
root=$(cd "$(dirname "$0")/.." && pwd)
module=$(printf %s "$vendor" | tr - _)
[ -f "$root/adapters/$vendor/quality.toml" ] || [ -f "$copy/adapters/$vendor/quality.toml" ] || {
    echo "adapters/$vendor is no vendor's" >&2
    exit 2
}
if [ ! -e "$copy" ]; then
    mkdir -p "$copy"
    (cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf -) | tar -xf - -C "$copy"
fi
[ "$(cd "$copy" && pwd)" != "$root" ] || {
    echo "name a copy: this tree is not changed" >&2
    exit 2
}
cd "$copy"

# The seeds of its fuzz targets, before the targets are gone.
for name in $(sed -n 's/^ *name: "\([a-z_]*\)",$/\1/p' fuzz/src/targets/"$module"/*.rs); do
    rm -r "fuzz/corpus/$name"
done
rm -r "adapters/$vendor" "src/config/$module" "src/wiring/$module" "fuzz/src/targets/$module"
rm -rf "fixtures/$vendor"

# Its lines: the workspace, the modules, the lists. A line of documentation above an entry goes with it.
sed -i "/^relay-$vendor[. ]/d" Cargo.toml fuzz/Cargo.toml
sed -i "/^ *\(pub \)\{0,1\}mod $module;\$/d" src/config/mod.rs src/wiring/mod.rs fuzz/src/targets/mod.rs
sed -i "/^ *&\{0,1\}$module::VENDOR,\$/d" src/wiring/mod.rs fuzz/src/targets/mod.rs
sed -i "/^    \/\/\/ /{N;/\n    $module: [A-Za-z]*,\$/d}" src/config/vendors.rs

# Its section of the example, up to the next one.
awk -v section="$module" '
    /^\[/ { own = ($0 == "[" section "]" || index($0, "[" section ".") == 1) }
    !own
' clear-relay.example.toml >example.new
mv example.new clear-relay.example.toml

[ "${3:-}" = --build ] || exit 0
# A target folder of its own: in a shared one the two trees' crates have the same names.
CARGO_TARGET_DIR=$(pwd)/target
SQLX_OFFLINE=true
export CARGO_TARGET_DIR SQLX_OFFLINE
# Its package is in the lock file, too; nothing else may change there.
cargo metadata --offline --format-version 1 >/dev/null
cargo check --offline --workspace --all-targets
cargo test --offline --lib
cargo test --offline --test it -- vendors:: boundaries:: config:: doctor::init sandbox:: stage::routes
cargo test --offline -p relay-fuzz --lib -- every_target no_request_breaks_the_edge
