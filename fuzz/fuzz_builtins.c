/* Every builtin with arguments made from bytes: of the types that its row names, or any. Whatever comes, it is within the
 * budgets, of the type that the row promises, in canonical form, and the same the second time; the arguments are as they were.
 * When an allocation fails it is the same or an error.
 *
 * Bytes: two choose the builtin, one the allocation that fails; then the arguments, a byte a choice.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "base/utf8.h"
#include "rego/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY ((size_t)8 << 20)
#define STEPS 100000u

struct src {
	const uint8_t *p, *end;
	struct rv_heap *h;
	unsigned left;	/* values that may still be made */
};

static unsigned pick(struct src *s, unsigned n)
{
	return s->p < s->end ? *s->p++ % n : 0;
}

/* ---- values ---- */

static const char *const strings[] = {
	"", "a", "abc", "A", "1", "-1", "0", "1.5e3", "9223372036854775808", "0x1f", "10Gi", "5 KB", "2h30m", "-1ns", "é\u4e16", "\n",
	"2021-03-04T05:06:07.89Z", "2006-01-02", "RFC3339", "Europe/Berlin", "UTC", "Local", "10.0.0.0/8", "10.1.2.3", "::1/64", "fe80::1",
	"^a(b|c)*$", "a.b", "(?i)x{2,5}", "[a-z]+", "*.b", "a/**/{b,c}", "[!a]?", "/a/b", "/a~1b/0", "1.2.3-alpha.1+b", "1.0.0", "%d %s",
	"%v %5.2f %x %q", "%[2]*.[1]*f", "{\"a\": [1, 2.50, null]}", "a: [1, {b: c}]\n", "YQ==", "YQ", "616263", "%41+b", "https://u:p@h:1/p?q=1&q=2#f",
	"q=1&r=%20", "{{.a}} {{range .b}}{{.}}{{end}}", "{{if eq .a 1}}x{{end}}", "query { a }", "type Query { a: Int }", "package p\nx := 1",
	"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}}}", "secret", "sha256", "HS256",
	"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}",
	"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.6Er-OZW6-Vc5_NK3AZxUh5LlTaC_sCzTcqZcQEXJjxk", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
	"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "op", "add", "remove", "replace", "test", "path", "value", "b", "c", "cert", "alg", "iss", "aud",
};

static struct rv make_string(struct src *s)
{
	uint8_t raw[64];
	size_t n = 0, want;
	unsigned how = pick(s, 4);

	if (how < 3)
		return rv_cstr(s->h, strings[pick(s, sizeof(strings) / sizeof(*strings))]);
	for (want = pick(s, 64); n < want && s->p < s->end; n++)
		raw[n] = *s->p++;
	if (!utf8_valid(slice_of(raw, n))) {
		for (size_t i = 0; i < n; i++)
			raw[i] &= 0x7f;
	}
	return rv_str(s->h, raw, n);
}

static struct rv make_number(struct src *s)
{
	static const char *const texts[] = {"0.5", "1e30", "-1.5", "3.14159265358979", "1e-7", "123456789012345678901234567890", "1e400", "2.50", "-0",
					    "9223372036854775807", "-9223372036854775808", "18446744073709551616", "0.1", "1E5", "4294967296"};
	unsigned how = pick(s, 4);
	int64_t i = 0;

	if (how == 0)
		return rv_int(pick(s, 10));
	if (how == 1)
		return rv_int((int64_t)pick(s, 256) - 128);
	if (how == 2)
		return rv_number(s->h, slice_cstr(texts[pick(s, sizeof(texts) / sizeof(*texts))]));
	for (unsigned k = 0; k < 8; k++)
		i = (int64_t)((uint64_t)i << 8 | pick(s, 256));
	return rv_int(i);
}

static struct rv make_any(struct src *s, unsigned depth)
{
	unsigned kind = pick(s, depth ? 8 : 5), n = kind > 4 ? pick(s, 5) : 0;
	struct rv_vec v = rv_vec(s->h);
	struct rv_builder b;

	s->left -= s->left > 0;
	if (!s->left)
		n = 0;
	switch (kind) {
	case 0:
		return make_string(s);
	case 1:
		return make_number(s);
	case 2:
		return rv_bool(pick(s, 2));
	case 3:
		return rv_null();
	case 4:
		return make_string(s);
	case 5:
		while (n--)
			rv_push(&v, make_any(s, depth - 1));
		return rv_vec_done(&v);
	default:
		b = kind == 6 ? rv_set_builder(s->h, n) : rv_object_builder(s->h, n);
		while (n--) {
			struct rv k = make_any(s, depth - 1);

			if (kind == 6)
				rv_set_add(&b, k);
			else
				rv_object_put(&b, k, make_any(s, depth - 1));
		}
		return rv_builder_done(&b);
	}
}

/* ---- types, as the rows write them ---- */

/* Behind one type without its alternatives. */
static const char *skip(const char *t)
{
	int deep = 0;

	for (; *t; t++) {
		if (*t == '[' || *t == '<')
			deep++;
		else if (*t == ']' || (*t == '>' && t[-1] != '-'))
			deep--;
		if (deep < 0 || (deep == 0 && strchr(",|:", *t)) || (deep == 0 && strncmp(t, " ->", 3) == 0))
			break;
	}
	return t;
}

static bool starts(const char *t, const char *word)
{
	return strncmp(t, word, strlen(word)) == 0;
}

static const char *blanks(const char *t)
{
	while (*t == ' ')
		t++;
	return t;
}

/* Behind `name: ` of an argument or a field; a type is followed by no colon outside of object[K:V]. */
static const char *unnamed(const char *t)
{
	const char *e = t;

	while ((*e >= 'a' && *e <= 'z') || (*e >= 'A' && *e <= 'Z') || *e == '_')
		e++;
	return *e == ':' ? blanks(e + 1) : t;
}

/* The alternatives of a type, at most 8. */
static unsigned alternatives(const char *t, const char *alt[8])
{
	unsigned n = 0;

	for (;;) {
		t = blanks(t);
		if (n < 8)
			alt[n++] = t;
		t = skip(t);
		if (*t != '|')
			return n;
		t++;
	}
}

/* Behind a type with all its alternatives. */
static const char *behind(const char *t)
{
	for (t = skip(t); *t == '|'; t = skip(t + 1))
		;
	return t;
}

static struct rv make_typed(struct src *s, const char *type, unsigned depth)
{
	const char *alt[8], *t;
	unsigned n = alternatives(type, alt), count;
	struct rv_vec v = rv_vec(s->h);
	struct rv_builder b;

	t = alt[pick(s, n)];
	if (!depth || !s->left)
		return make_any(s, 0);
	s->left--;
	if (starts(t, "string"))
		return make_string(s);
	if (starts(t, "number"))
		return make_number(s);
	if (starts(t, "boolean"))
		return rv_bool(pick(s, 2));
	if (starts(t, "null"))
		return rv_null();
	if (starts(t, "array[")) {
		for (count = pick(s, 5); count; count--)
			rv_push(&v, make_typed(s, t + 6, depth - 1));
		return rv_vec_done(&v);
	}
	if (starts(t, "set[")) {
		b = rv_set_builder(s->h, 0);
		for (count = pick(s, 5); count; count--)
			rv_set_add(&b, make_typed(s, t + 4, depth - 1));
		return rv_builder_done(&b);
	}
	if (starts(t, "object[")) {
		b = rv_object_builder(s->h, 0);
		for (count = pick(s, 5); count; count--) {
			struct rv k = make_typed(s, t + 7, depth - 1);

			rv_object_put(&b, k, make_typed(s, blanks(behind(t + 7) + 1), depth - 1));
		}
		return rv_builder_done(&b);
	}
	if (starts(t, "array<")) {
		for (t += 6; *t && *t != '>'; t = *t == ',' ? blanks(t + 1) : t) {
			rv_push(&v, make_typed(s, t, depth - 1));
			t = behind(t);
		}
		return rv_vec_done(&v);
	}
	if (starts(t, "object<")) {
		b = rv_object_builder(s->h, 0);
		for (t += 7; *t && *t != '>'; t = *t == ',' ? blanks(t + 1) : t) {
			const char *of = unnamed(t);

			rv_object_put(&b, rv_str(s->h, t, strcspn(t, ":")), make_typed(s, of, depth - 1));
			t = behind(of);
		}
		return rv_builder_done(&b);
	}
	return make_any(s, depth);
}

static bool fits(const char *type, struct rv v);

static bool fits_one(const char *t, struct rv v)
{
	const char *of;
	uint32_t i = 0;

	if (starts(t, "any"))
		return true;
	if (starts(t, "string") || starts(t, "number") || starts(t, "boolean") || starts(t, "null")) {
		const char *name = rv_kind_name((enum rv_kind)v.kind);

		return starts(t, name);
	}
	if (starts(t, "array[")) {
		for (; v.kind == RV_ARRAY && i < rv_len(v); i++) {
			if (!fits(t + 6, rv_at(v, i)))
				return false;
		}
		return v.kind == RV_ARRAY;
	}
	if (starts(t, "set[")) {
		for (; v.kind == RV_SET && i < rv_len(v); i++) {
			if (!fits(t + 4, rv_key(v, i)))
				return false;
		}
		return v.kind == RV_SET;
	}
	if (starts(t, "object[")) {
		for (; v.kind == RV_OBJECT && i < rv_len(v); i++) {
			if (!fits(t + 7, rv_key(v, i)) || !fits(blanks(behind(t + 7) + 1), rv_val(v, i)))
				return false;
		}
		return v.kind == RV_OBJECT;
	}
	if (starts(t, "array<")) {
		if (v.kind != RV_ARRAY)
			return false;
		for (t += 6; *t && *t != '>'; t = *t == ',' ? blanks(t + 1) : t, i++) {
			if (i >= rv_len(v) || !fits(t, rv_at(v, i)))
				return false;
			t = behind(t);
		}
		return i == rv_len(v);
	}
	if (starts(t, "object<")) {
		if (v.kind != RV_OBJECT)
			return false;
		for (t += 7; *t && *t != '>'; t = *t == ',' ? blanks(t + 1) : t) {
			char name[64];
			const struct rv *field;

			snprintf(name, sizeof(name), "%.*s", (int)strcspn(t, ":"), t);
			field = rv_get_c(v, name);
			of = unnamed(t);
			if (!field || !fits(of, *field))
				return false;
			t = behind(of);
		}
		return true;
	}
	fprintf(stderr, "unknown type %s\n", t);
	abort();
}

static bool fits(const char *type, struct rv v)
{
	const char *alt[8];
	unsigned n = alternatives(type, alt);

	for (unsigned i = 0; i < n; i++) {
		if (fits_one(alt[i], v))
			return true;
	}
	return false;
}

/* These two say null where there is no key, whatever their rows promise: so does the language. */
static bool null_too(const struct rego_builtin *b)
{
	return strcmp(b->name, "crypto.parse_private_keys") == 0 || strcmp(b->name, "crypto.x509.parse_rsa_private_key") == 0;
}

/* ---- what a value must be ---- */

static void check_canonical(struct rv_heap *h, struct rv v)
{
	char scratch[24];
	struct rv again;

	assert(v.kind > RV_UNDEF && v.kind <= RV_SET);
	assert(rv_depth(v) <= RV_MAX_DEPTH);
	rv_sort(v);
	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
	case RV_NULL:
		break;
	case RV_BOOL:
		assert(v.sub <= 1);
		break;
	case RV_NUMBER:
		again = rv_number(h, rv_number_text(v, scratch));
		assert(rv_heap_bad(h) || (again.kind == RV_NUMBER && rv_eq(again, v) && rv_hash(again) == rv_hash(v)));
		break;
	case RV_STRING:
		assert(v.str->p[v.str->n] == 0 && v.str->hash == rv_hash_bytes(v.str->p, v.str->n) && v.hash == v.str->hash);
		break;
	case RV_ARRAY:
		for (uint32_t i = 0; i < rv_len(v); i++)
			check_canonical(h, rv_at(v, i));
		break;
	case RV_OBJECT:
	case RV_SET:
		for (uint32_t i = 0; i < rv_len(v); i++) {
			assert(i == 0 || rv_cmp(rv_key(v, i - 1), rv_key(v, i)) < 0);
			check_canonical(h, rv_key(v, i));
			if (v.kind == RV_OBJECT)
				check_canonical(h, rv_val(v, i));
			assert(rv_get(v, rv_key(v, i)));
		}
		break;
	}
}

static const struct rego_builtin *choose(unsigned at)
{
	unsigned n = 0;

	for (const struct rego_builtin *const *t = rego_builtin_tables; *t; t++) {
		for (const struct rego_builtin *b = *t; b->name; b++) {
			if (!(b->flags & REGO_REFUSED))
				n++;
		}
	}
	at %= n;
	for (const struct rego_builtin *const *t = rego_builtin_tables; *t; t++) {
		for (const struct rego_builtin *b = *t; b->name; b++) {
			if (!(b->flags & REGO_REFUSED) && at-- == 0)
				return b;
		}
	}
	return NULL;
}

static void begin(struct rego_query_state *q, struct arena *a, const struct rego_program *p)
{
	memset(&q->vm, 0, sizeof(q->vm));
	q->vm.prog = p;
	q->vm.heap = rv_heap_in(a, MEMORY);
	q->vm.max_steps = STEPS;
	q->vm.next_look = 1024;
	q->vm.deadline = sys_monotonic_ns() + 10000000000;
	q->vm.now_ns = 1700000000000000000;
	q->vm.strict = true;
}

static void end(struct rego_query_state *q)
{
	for (uint32_t i = 0; i < q->vm.nobjects; i++) {
		if (q->vm.objects[i].drop)
			q->vm.objects[i].drop(q->vm.objects[i].object);
	}
}

static void show(const struct rego_builtin *b, const struct rv *args, struct rv out)
{
	struct arena *a = arena_new(0);
	struct buf t = buf_in(a, 0);

	buf_printf(&t, "%s(", b->name);
	for (unsigned i = 0; i < b->arity; i++) {
		buf_puts(&t, i ? ", " : "");
		rv_to_text(&t, args[i]);
	}
	buf_puts(&t, ") = ");
	rv_to_text(&t, out);
	fprintf(stderr, "%s\n", buf_cstr(&t));
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(64 << 20), *work[3] = {arena_new(4 * MEMORY), arena_new(4 * MEMORY), arena_new(4 * MEMORY)};
	struct rv_heap keep = rv_heap_in(a, 0);
	struct src s = {.p = data, .end = data + size, .h = &keep, .left = 200};
	unsigned at = pick(&s, 256) << 8;
	const struct rego_builtin *b = choose(at | pick(&s, 256));
	struct rego_query_state *q = ARENA_NEW(a, struct rego_query_state);
	struct rego_program *none = rego_compile(NULL, 0, NULL, NULL);
	unsigned fail = 1 + pick(&s, 256);
	struct rv args[32], out[3];
	bool ok[3], soft[3];
	const char *type = b->type;
	char *before[32];

	for (unsigned i = 0; i < b->arity; i++) {
		struct rv text;

		args[i] = pick(&s, 5) ? make_typed(&s, unnamed(blanks(type)), 4) : make_any(&s, 3);
		type = behind(unnamed(blanks(type)));
		type += *type == ',';
		text = rv_text_value(&keep, args[i]);
		before[i] = text.kind == RV_STRING ? arena_strdup(a, text.str->p) : NULL;
	}
	for (int run = 0; run < 3 && !rv_heap_bad(&keep); run++) {
		begin(q, work[run], none);
		if (run == 2) { /* each value an allocation of its own */
			q->vm.heap.chunk = 0;
			arena_fail_at(work[run], fail);
		}
		ok[run] = call_builtin(&q->vm, b, args, b->arity, &out[run]);
		soft[run] = q->vm.soft;
		ok[run] = ok[run] && !arena_bad(work[run]); /* an evaluation looks at that in the end */
		assert(!ok[run] || !q->vm.failed);
		assert(q->vm.steps <= STEPS || !ok[run]);
		if (ok[run] && out[run].kind != RV_UNDEF) {
			const char *promised = strstr(b->type, "-> ");

			if (getenv("BUILTINS_SHOW"))
				show(b, args, out[run]);
			if (b->flags & REGO_RELATION) {
				assert(out[run].kind == RV_ARRAY);
				for (uint32_t i = 0; i < rv_len(out[run]); i++)
					assert(fits(promised + 3, rv_at(out[run], i)));
			} else if (promised && !fits(promised + 3, out[run]) && !(out[run].kind == RV_NULL && null_too(b))) {
				show(b, args, out[run]);
				abort();
			}
			check_canonical(&q->vm.heap, out[run]);
		}
		end(q);
	}
	if (!rv_heap_bad(&keep)) {
		assert(ok[0] == ok[1] && soft[0] == soft[1] && (ok[0] || !ok[2]));
		for (int run = 1; run < 3; run++) {
			if (ok[run] && !(b->flags & REGO_NONDET) && rv_cmp(out[0], out[run]) != 0) {
				show(b, args, out[0]);
				show(b, args, out[run]);
				abort();
			}
		}
		for (unsigned i = 0; i < b->arity; i++) {
			struct rv text = rv_text_value(&keep, args[i]);

			assert(!before[i] || text.kind != RV_STRING || strcmp(before[i], text.str->p) == 0);
		}
	}
	rego_program_free(none);
	arena_free(work[0]);
	arena_free(work[1]);
	arena_free(work[2]);
	arena_free(a);
	return 0;
}
