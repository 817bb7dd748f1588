# A thin front door to CMake: `make help` lists what it can do. The build tree is build/ (others: build/asan, build/tsan, …).
BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
CMAKE  ?= cmake

.DEFAULT_GOAL := release
.PHONY: release demo check static asan tsan fuzz faults kills lint format bench install help clean setup exports \
        studio studio-wasm studio-test

release: ## build the command, the library, tests and examples into build/ (the default)
	@scripts/build.sh release $(BUILD)

demo: ## install what is missing, build, train LeNet on handwritten digits, evaluate it, save it as ONNX
	@scripts/demo.sh

check: ## install what the checks need and run all of them; ends with a line "N passed, N failed"
	@scripts/check.sh

static: ## build/soma-static: the command, fully static and stripped
	@scripts/build.sh static build/static soma
	@cp build/static/soma-static build/soma-static && ls -l build/soma-static

asan: ## tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/build.sh asan build/asan && ctest --test-dir build/asan --output-on-failure -j $(JOBS)

tsan: ## tests under ThreadSanitizer
	@scripts/build.sh tsan build/tsan && ctest --test-dir build/tsan --output-on-failure -j $(JOBS)

fuzz: ## throw 30 seconds (SECONDS_EACH) of broken files at each reader (clang)
	@scripts/fuzz.sh

faults: ## fail each allocation, write and read of the command in turn (build/asan; some minutes)
	@scripts/build.sh asan build/asan soma soma_faults && FAULTS=all SOMA_BUILD=build/asan python3 tests/faults/test_faults.py

kills: release ## kill a training 50 times (KILLS) at random moments, resume it, compare the bits
	@KILLS=$${KILLS-50} SOMA=$(BUILD)/soma python3 tests/faults/test_kills.py

lint: ## clang-format, clang-tidy and cppcheck over all C files
	@scripts/lint.sh

format: ## write all C files as .clang-format wants them
	@clang-format -i $$(git ls-files '*.c' '*.h')

bench: release ## measure training and inference of the usual networks
	@scripts/bench.sh

studio: ## build the studio: the page in studio/page/dist/site, and as one file build/soma-studio.html
	@scripts/studio.sh build

studio-wasm: ## build the engine for browsers alone: the npm package studio/packages/soma-wasm
	@scripts/studio.sh wasm

studio-test: ## compare the engine with the native library, and try every room of the studio in a browser
	@scripts/studio.sh test

install: release ## install library, headers and command; make install PREFIX=/where
	@$(CMAKE) --install $(BUILD) --prefix $(PREFIX)

setup: ## install the packages that building needs (as root or with sudo)
	@scripts/setup.sh demo

exports: ## write the list of public functions that the tests compare with
	@sh scripts/exports.sh include/soma/*.h > tests/project/exports.txt

clean: ## remove all build trees
	@rm -rf build build-neon build-wasm studio/packages/*/dist studio/page/dist

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
