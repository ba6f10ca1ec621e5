#!/bin/sh
# rego_install.sh BUILD: what `make install` gives others of the policy engine. Installs into a folder of its own, looks at it,
# and builds programs with the installed header and pkg-config file alone: examples/rego-embed, shared and static, and C++.
set -eu
build=$1 dir=$(mktemp -d /tmp/rego-install.XXXXXX)
trap 'rm -rf "$dir"' EXIT
n=0
result() { # status, name
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
decides() { # program
	out=$("$1" "$dir/example/policy.rego")
	case "$out" in *'allowed {"user": "alice"'*'refused {"user": "mallory"'*'line 14: acme.role(input.user) == "auditor"   [null | "auditor"]'*'4 threads: 2000 of 4000 allowed') return 0 ;; esac
	echo "$out" | sed 's/^/# /'
	return 1
}

echo 1..6
DESTDIR="$dir/root" meson install -C "$build" --no-rebuild --quiet >&2
pc=$(find "$dir/root" -name warrant-rego.pc)
lib=$(dirname "$(dirname "$pc")")
prefix=$(dirname "$(find "$dir/root" -path '*/include/warrant/rego.h')")/../..
ok=0
for f in "$lib/libwarrant-rego.so" "$lib/libwarrant-rego.so.0" "$lib/libwarrant-rego.a" "$prefix/include/warrant/rego.h" "$pc"; do
	[ -s "$f" ] || { echo "# missing: $f"; ok=1; }
done
result $ok "header, libraries and pkg-config file are installed"

nm -D --defined-only "$lib/libwarrant-rego.so" | sed 's/.* //; s/@.*//' | sort >"$dir/exported"
sed -n 's/^\t\t\(rego_[a-z_]*\);$/\1/p' "$WARRANT_SOURCE/src/rego/warrant-rego.map" | sort >"$dir/map"
grep -o '\brego_[a-z_]*(' "$prefix/include/warrant/rego.h" | tr -d '(' | sort -u >"$dir/header"
ok=0
diff "$dir/map" "$dir/exported" >"$dir/diff" && diff "$dir/map" "$dir/header" >>"$dir/diff" || { sed 's/^/# /' "$dir/diff"; ok=1; }
result $ok "exported is what the header declares, and nothing else"

export PKG_CONFIG_SYSROOT_DIR="$dir/root" PKG_CONFIG_PATH="$lib/pkgconfig" LD_LIBRARY_PATH="$lib"
flags="-Wall -Wextra -Werror -pedantic -O1"
# a library with sanitizers needs a program with them
case "$(nm -D --undefined-only "$lib/libwarrant-rego.so")" in *__asan_init*) flags="$flags -fsanitize=address,undefined" ;;
*__tsan_init*) flags="$flags -fsanitize=thread" ;; esac
cp -r "$WARRANT_SOURCE/examples/rego-embed" "$dir/example"
rm -f "$dir/example/rego-embed"
make -s -C "$dir/example" CFLAGS="-std=c17 $flags" >&2
ok=0
decides "$dir/example/rego-embed" || ok=1
result $ok "the example decides"
ok=0
ldd "$dir/example/rego-embed" | grep -q "$lib/libwarrant-rego.so.0" || ok=1
result $ok "it runs with the installed library"

# shellcheck disable=SC2046,SC2086
ok=0
# what was built to measure coverage brings along what counts
nm "$lib/libwarrant-rego.a" 2>/dev/null | grep -q __gcov_init && flags="$flags --coverage"
cc -std=c17 $flags $(pkg-config --cflags warrant-rego) -o "$dir/static" "$dir/example/main.c" "$lib/libwarrant-rego.a" \
	$(pkg-config --static --libs warrant-rego | sed 's/-lwarrant-rego//') -pthread >&2 && decides "$dir/static" || ok=1
result $ok "so does the example with the static library"

cat >"$dir/x.cc" <<'CC'
#include <warrant/rego.h>
#include <cstring>
int main()
{
	const char *text = "package p\nx if input.a == 1";
	rego_module m = {"p.rego", text, std::strlen(text)};
	rego_program *p = rego_compile(&m, 1, nullptr, nullptr);
	rego_query *q = rego_query_compile(p, "data.p.x", 8, nullptr);
	rego_eval_options o = {};
	o.size = sizeof(o);
	o.input = "{\"a\": 1}";
	o.input_len = 8;
	rego_result *r = rego_eval(q, &o);
	int allowed = rego_result_allowed(r);
	rego_result_free(r);
	rego_query_free(q);
	rego_program_free(p);
	return allowed ? 0 : 1;
}
CC
# shellcheck disable=SC2046,SC2086
ok=0
c++ -std=c++17 $flags $(pkg-config --cflags warrant-rego) -o "$dir/x" "$dir/x.cc" $(pkg-config --libs warrant-rego) >&2 && "$dir/x" || ok=1
result $ok "a program in C++ decides"
