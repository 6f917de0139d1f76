# What a contributor runs. `just` lists it.

# List the recipes.
default:
    @just --list

# Run the tests, as the README says.
test:
    cargo test --locked

# Check format, lints and documentation.
lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items

# Run everything that a change must pass, on a clean checkout.
ci:
    .ci/run

# Tell the stories on another engine: `just stories sled`, `just stories postgres`.
stories engine="sled":
    MUSTER_TEST_ENGINE={{engine}} cargo test --locked --test it -- story::

# Damage every file of a store, and fill a small disk.
damage:
    cargo test --locked --test it -- damage:: crash::

# Run the demo, in a terminal of your own.
demo:
    cargo run --release -- demo

# Measure Muster on this machine.
bench:
    cargo run --release -- bench

# Measure a storm of alerts.
storm:
    cargo bench --bench storm

# Fuzz every parser for some seconds each. It needs a nightly toolchain and cargo-fuzz.
fuzz seconds="30":
    fuzz/run all {{seconds}}

# Write what is made from the code: the page of commands, and the samples for templates.
docs:
    MUSTER_WRITE_DOCS=1 MUSTER_WRITE_SAMPLES=1 cargo test --locked --test it -- the_page_of_commands templates_are_tried

# Draw the picture of an incident's lineage, `lineage.png`, into a folder.
pictures folder="target":
    MUSTER_PICTURES={{absolute_path(folder)}} cargo test --locked --test it -- the_picture

# Accept new snapshots of messages and documents, after you have read them.
snapshots:
    INSTA_UPDATE=always cargo test --locked
