# One word for everything that is done often. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Tools that bootstrap builds, and what cargo builds. CI puts both into a cache.
TOOLS := $(if $(RINGFORT_TOOLS),$(RINGFORT_TOOLS),$(CURDIR)/.tools)
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(CURDIR)/target)
export RINGFORT_TOOLS := $(TOOLS)
# Query macros read .sqlx; only scripts/sqlx-prepare asks a database.
export SQLX_OFFLINE := true

# The chosen Rust and the PATH: every recipe begins with it.
WITH_TOOLS := . "$(TOOLS)/env" &&

.PHONY: help bootstrap bootstrap-test run build dev test check fmt lint sqlx e2e bench clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap:
	@scripts/bootstrap run

bootstrap-test:
	@scripts/bootstrap test

run: build ## Build for release and serve the demo on 127.0.0.1:3000
	@$(WITH_TOOLS) LEPTOS_SITE_ROOT="$(CURDIR)/target/site" exec "$(TARGET)/release/ringfort" demo

build: bootstrap ## Build the server and the browser's half for release
	@$(WITH_TOOLS) cargo leptos build --release

dev: bootstrap ## Build, serve the demo, and build again when a file changes
	@$(WITH_TOOLS) cargo leptos watch -- demo

test: ## Everything that CI runs
	@scripts/test

check: bootstrap ## Compile both halves without building them
	@$(WITH_TOOLS) cargo check --profile bench --features ssr --all-targets && \
	  cargo check --profile wasm-release --target-dir "$(TARGET)/front" --features hydrate --target wasm32-unknown-unknown --lib

fmt: bootstrap ## Format
	@$(WITH_TOOLS) cargo fmt

lint: bootstrap ## Clippy for both halves
	@$(WITH_TOOLS) cargo clippy --profile bench --features ssr --all-targets -- -D warnings && \
	  cargo clippy --profile wasm-release --target-dir "$(TARGET)/front" --features hydrate --target wasm32-unknown-unknown --lib -- -D warnings

sqlx: bootstrap ## Describe the queries anew into .sqlx, after a change of SQL
	@$(WITH_TOOLS) scripts/sqlx-prepare

e2e: bootstrap-test ## The end-to-end tests alone
	@$(WITH_TOOLS) cargo leptos build --release && scripts/e2e

bench: bootstrap ## Benchmarks of the promises, with their goals
	@$(WITH_TOOLS) scripts/bench

clean: ## Remove what was built; the demo's data (var) and the tools stay
	@rm -rf "$(CURDIR)/target" "$(TARGET)/release" "$(TARGET)/debug" "$(TARGET)/front"
