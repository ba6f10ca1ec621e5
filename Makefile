# The front door. Meson and Ninja do the work; each target here is one or two commands.
BUILD := build
BUILD_TEST := build-test
# Warnings stop the test build, not that of a user with another compiler.
MESON_RELEASE := --buildtype=release -Db_ndebug=false -Dwerror=false
MESON_TEST := --buildtype=debugoptimized -Db_sanitize=address,undefined

.PHONY: all run serve test bench bench-rego fuzz install format format-check lint deps clean check-long coverage tsan valgrind clang mutate

all: $(BUILD)/build.ninja
	ninja -C $(BUILD) programs

deps:
	@tools/install-deps

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD) $(MESON_RELEASE)

$(BUILD_TEST)/build.ninja: | deps
	meson setup $(BUILD_TEST) $(MESON_TEST)

run: deps all
	@tools/demo run

serve: deps all
	@tools/demo serve

test: deps $(BUILD_TEST)/build.ninja
	ninja -C $(BUILD_TEST)
	@tools/run-tests $(BUILD_TEST)

bench: deps all
	@tools/bench

bench-rego: deps all
	@tools/install-deps valgrind
	@tools/bench-rego
	@tools/bench-rego --instructions
	@tools/bench-rego --threads
	@$(BUILD)/bin/bench-rego --hostile

# ---- checks for those who change it; each has a build folder of its own ----

# SECONDS=60 of processor time for each target, or UPTO=3600: go on until each has had as much; NAMES="json cookie" for some of
# them, JOBS=2 at a time. Each run goes on where the last one stopped, and prints what each target has had in all.
fuzz:
	@tools/install-deps clang libclang-rt-14-dev llvm
	@[ -f build-fuzz/build.ninja ] || CC=clang CXX=clang++ meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined
	ninja -C build-fuzz fuzzers
	@SECONDS=$(SECONDS) tools/fuzz build-fuzz $(NAMES)

tsan: deps
	@[ -f build-tsan/build.ninja ] || meson setup build-tsan -Db_sanitize=thread
	ninja -C build-tsan
	@tools/run-tests build-tsan

valgrind:
	@tools/install-deps valgrind
	@[ -f build-valgrind/build.ninja ] || meson setup build-valgrind
	ninja -C build-valgrind
	@tools/valgrind build-valgrind

# Branch coverage by folder. FOLDERS="codec verifier/snp" lists their files.
coverage:
	@tools/install-deps gcovr
	@[ -f build-coverage/build.ninja ] || meson setup build-coverage --buildtype=debug -Db_coverage=true \
		-Dc_args=-fprofile-update=atomic -Dcpp_args=-fprofile-update=atomic
	ninja -C build-coverage
	@tools/coverage build-coverage $(FOLDERS)

# Every bit of the signed parts of every TEE's evidence, flipped one at a time: none may be accepted.
mutate: deps $(BUILD_TEST)/build.ninja
	ninja -C $(BUILD_TEST)
	@tools/mutate $(BUILD_TEST)

clang:
	@tools/install-deps clang
	@[ -f build-clang/build.ninja ] || CC=clang CXX=clang++ meson setup build-clang
	ninja -C build-clang

# All of the above: some three hours of two processors, of which fuzzing is one.
check-long: test lint clang mutate tsan valgrind coverage fuzz

format-check:
	@tools/install-deps clang-format
	@tools/format-check $(BASE)

# What is installed has no laboratory.
install: $(BUILD)/build.ninja
	meson configure $(BUILD) -Dlab=false
	meson install -C $(BUILD)

format:
	@git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

lint:
	@tools/lint

clean:
	rm -rf $(BUILD) $(BUILD_TEST) build-*
