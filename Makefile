# The front door. Meson and Ninja do the work; each target here is one or two commands.
BUILD := build
BUILD_TEST := build-test
MESON_RELEASE := --buildtype=release -Db_ndebug=false
MESON_TEST := --buildtype=debugoptimized -Db_sanitize=address,undefined

.PHONY: all run serve test bench bench-rego fuzz install format format-check lint deps clean check-long coverage tsan valgrind

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)
	@mkdir -p $(BUILD)/bin

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

install: all
	meson install -C $(BUILD) --no-rebuild

format:
	@git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

lint:
	@tools/lint

clean:
	rm -rf $(BUILD) $(BUILD_TEST) build-*
