# SPDX-License-Identifier: Apache-2.0
# The front door. `make demo` and `make test` set up what they need (scripts/setup.sh says what).
#
#   make           build/mica and build/libmica.a
#   make demo      a real network on an emulated Cortex-M4, from file to table
#   make test      unit tests, golden tests, a sample of the conformance cases, the command
#   make test-all  everything: all cases, all cores, clang, sanitizers, fuzzing for a minute
#   make bench     instructions, bytes and times, beside the saved figures
#   make fuzz      fuzzes the road from file to C; FUZZ_SECONDS=60
#   make docs      the pages that are generated from the code and from runs
#   make format    clang-format
.POSIX:
.PHONY: all setup demo test test-all bench fuzz docs format clean

JOBS = 2
PYTHON = .venv/bin/python
FUZZ_SECONDS = 60

all:
	@cmake -S . -B build -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	@cmake --build build -j $(JOBS) >build/log 2>&1 || { cat build/log; exit 1; }

setup:
	@scripts/setup.sh

demo: setup all
	@scripts/demo.sh

test: setup all
	@scripts/test.sh

test-all: setup all
	@scripts/test-all.sh $(FUZZ_SECONDS)

bench: setup all
	@$(PYTHON) bench/bench.py

fuzz: setup
	@scripts/fuzz.sh $(FUZZ_SECONDS)

docs: setup all
	@scripts/docs.sh

format: setup
	@clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build
