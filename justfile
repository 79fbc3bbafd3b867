# The commands of CONTRIBUTING.md. `just` lists them.

[private]
default:
    @just --list --unsorted

# Everything that CI runs.
ci:
    .ci/run

# Formats, and runs the lints.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# All tests, or those of a crate: `just test rumormill-sim`.
test crate="":
    cargo test {{ if crate == "" { "--workspace" } else { "-p " + crate } }}

# Compares the documentation with what the commands print.
docs-test:
    cargo test -p rumormill --test docs

# Writes what the commands print into the documentation.
docs-write:
    TRYCMD=overwrite cargo test -p rumormill --test docs
    git diff --stat

# Chaos runs with many seeds: `just chaos 5000`.
chaos seeds="1000":
    RUMORMILL_CHAOS_SEEDS={{ seeds }} cargo test --release -p rumormill-sim --test chaos -- --nocapture

# One chaos seed again: `just seed 7`.
seed number:
    RUMORMILL_CHAOS_SEED={{ number }} cargo test --release -p rumormill-sim --test chaos -- --nocapture everything

# The exact law against independent chains: `just gate 5000`.
gate settings="400":
    RUMORMILL_GATE={{ settings }} cargo test --release -p rumormill-model --test gate -- --nocapture random

# The main job: five agents agree on their sum.
demo *flags:
    cargo run --release -- demo {{ flags }}

# The documentation of the libraries.
doc:
    cargo doc --workspace --no-deps --open

# Licences, sources, advisories.
deny:
    cargo deny check

# Checks that the oldest supported Rust builds everything.
msrv:
    cargo +1.90.0 check --workspace --all-targets --locked

# The binary as released: small and stripped.
dist:
    cargo build --profile dist --locked -p rumormill
    ls -l target/dist/rumormill

# Builds the page into the bundle that is committed.
page:
    web/build

# Compares the committed bundle with a fresh build.
page-check:
    web/build --check

# Tests the page in a browser: `just page-test screens -g tour/8`.
page-test *flags:
    web/test {{ flags }}

# Takes pictures of the page, to be looked at.
page-shoot:
    web/shoot

# Measures the page.
page-bench:
    bench/page/run
