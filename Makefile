# A thin front for CMake presets and scripts/: nothing is known here that is not known there.
.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-compare scaling check-instructions format lint asan tsan install-test clean

# Arguments for the demo, as in: make demo ARGS="--epochs 2"
ARGS ?=
# How long `make bench` measures each case.
BENCH_ARGS ?= --benchmark_min_time=0.1
# Progress in place on a terminal; in a log, only what goes wrong.
QUIET := $(shell test -t 2 || echo -- --quiet)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build/release/build.ninja ## train on Fashion-MNIST; arguments in ARGS, results in out/
	@cmake --build --preset release --target fashion_mnist $(QUIET)
	@mkdir -p out
	@build/release/examples/fashion_mnist/fashion_mnist $(ARGS)

test: build/release/build.ninja ## build all and run the tests
	@cmake --build --preset release $(QUIET)
	@scripts/run_tests build/release -LE install

bench: build/release/build.ninja ## run the benchmarks briefly, then hold the promises of speed and compile time to them
	@cmake --build --preset release --target bench $(QUIET)
	@for program in build/release/bench/*_bench; do $$program $(BENCH_ARGS) || exit 1; done
	@scripts/check_speed build/release
	@scripts/compile_time --limit 3

bench-compare: build/release/build.ninja ## the same workloads in Mica and in libtorch, which must be installed, in turn
	@scripts/bench_compare --build build/release --write bench/results.md

scaling: build/release/build.ninja ## how time and memory grow with batch, width, depth, length and threads
	@cmake --build --preset release --target scaling $(QUIET)
	@scripts/scaling_study --write docs/scaling.md

check-instructions: build/release/build.ninja ## count the instructions of small workloads against those on record
	@scripts/bootstrap --count
	@cmake --build --preset release --target instruction_counts $(QUIET)
	@scripts/check_instructions build/release

format: ## lay out the sources
	@scripts/bootstrap --lint
	@scripts/format

lint: bootstrap ## check layout, layers, scripts; run clang-tidy
	@scripts/bootstrap --lint
	@cmake --preset release >/dev/null
	@scripts/lint build/release

asan tsan: ## build and test with sanitizers (asan: addresses and undefined behaviour; tsan: threads)
	@scripts/bootstrap --sanitize
	@cmake --preset $@ >/dev/null
	@cmake --build --preset $@ $(QUIET)
	@scripts/run_tests build/$@

install-test: build/release/build.ninja ## use the library from another project, installed and as a subfolder
	@cmake --build --preset release --target mica $(QUIET)
	@scripts/run_tests build/release -L install

clean: ## remove everything built
	rm -rf build out

# Configured once; CMake itself notices what changes afterwards. Packages are checked each time, which is quick.
build/release/build.ninja: bootstrap
	@test -e $@ || cmake --preset release >/dev/null

.PHONY: bootstrap
bootstrap:
	@scripts/bootstrap
