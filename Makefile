# SPDX-License-Identifier: Apache-2.0
# The front door. `make demo` and `make test` set up what they need (scripts/setup.sh says what).
#
#   make           build/mica and build/libmica.a
#   make demo      a real network on an emulated Cortex-M4, from file to table
#   make test      unit tests, golden tests, a sample of the conformance cases, the command
#   make test-all  everything: all cases, all cores, clang, sanitizers, fuzzing for a minute
#   make bench     instructions, bytes and times, beside the saved figures
#   make bench-classical  forests, boosting and linear models beside their peers' saved figures
#   make bench-peers  measures those peers anew, in an environment of their own: half an hour and more
#   make package   the Python package, in build/package (PYTHONPATH); `pip install .` installs it
#   make example-digits-forest, make example-anomaly  from fit() to an emulated Cortex-M4F
#   make fuzz      fuzzes the road from file to C; FUZZ_SECONDS=60
#   make docs      the pages that are generated from the code and from runs
#   make format    clang-format
.POSIX:
.PHONY: all setup package demo example-digits-forest example-anomaly test test-all bench \
	bench-classical bench-peers fuzz docs format clean

JOBS = 2
PYTHON = .venv/bin/python
PACKAGE = PYTHONPATH=build/package
FUZZ_SECONDS = 60

all:
	@cmake -S . -B build -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	@cmake --build build -j $(JOBS) >build/log 2>&1 || { cat build/log; exit 1; }

setup:
	@scripts/setup.sh

package:
	@cmake -S . -B build/python -DMICA_PYTHON=ON -DMICA_TESTS=OFF -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build build/python -j $(JOBS) >build/python/log 2>&1 || { cat build/python/log; exit 1; }
	@cmake --install build/python --component python --prefix build/package >/dev/null
	@cp -R python/mica build/package/

demo: setup all
	@scripts/demo.sh

example-digits-forest: setup package
	@$(PACKAGE) $(PYTHON) examples/digits-forest/digits_forest.py

example-anomaly: setup package
	@$(PACKAGE) $(PYTHON) examples/anomaly/anomaly.py

test: setup all package
	@scripts/test.sh

test-all: setup all package
	@scripts/test-all.sh $(FUZZ_SECONDS)

bench: setup all
	@$(PYTHON) bench/bench.py

bench-classical: setup all package
	@$(PACKAGE) $(PYTHON) bench/classical/classical.py

bench-peers: setup all
	@$(PYTHON) bench/classical/peers.py

fuzz: setup
	@scripts/fuzz.sh $(FUZZ_SECONDS)

docs: setup all
	@scripts/docs.sh

format: setup
	@clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build
