#!/bin/sh
# rego_embed.sh BUILD LIBRARY: examples/rego-embed, built with the header and pkg-config alone, decides as its policy says.
set -eu
build=$1 dir=$(mktemp -d /tmp/rego-embed.XXXXXX)
trap 'rm -rf "$dir"' EXIT
cp "$WARRANT_SOURCE"/examples/rego-embed/* "$dir"
export PKG_CONFIG_PATH="$build/meson-uninstalled" LD_LIBRARY_PATH="$build/src/rego"
flags="-std=c17 -Wall -Wextra -Werror -O1"
# a library with sanitizers needs a program with them
case "$(nm -D --undefined-only "$build/src/rego/libwarrant-rego.so")" in *__asan_init*) flags="$flags -fsanitize=address,undefined" ;;
*__tsan_init*) flags="$flags -fsanitize=thread" ;; esac
echo 1..2
make -s -C "$dir" CFLAGS="$flags" >&2
out=$("$dir/rego-embed" "$dir/policy.rego")
case "$out" in *'allowed {"user": "alice"'*'refused {"user": "mallory"'*'line 14: acme.role(input.user) == "auditor"   [null | "auditor"]'*'4 threads: 2000 of 4000 allowed') echo "ok 1 - decisions" ;;
*) echo "not ok 1 - decisions"; echo "$out" | sed 's/^/# /' ;; esac
printf '#include <warrant/rego.h>\nint main() { return rego_errors_count(nullptr) != 0; }\n' >"$dir/x.cc"
# shellcheck disable=SC2046,SC2086
if c++ ${flags#-std=c17} -std=c++17 $(pkg-config --cflags warrant-rego) -o "$dir/x" "$dir/x.cc" $(pkg-config --libs warrant-rego) && "$dir/x"; then
	echo "ok 2 - from C++"
else
	echo "not ok 2 - from C++"
fi
