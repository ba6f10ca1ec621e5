/* cmd_audit.c - `audit list|verify|prove|head`: the log of releases and changes, read from the broker or from files, and checked here. */
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "base/num.h"
#include "base/sys.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"

#define PAGE	    500u
#define RECORDS_MAX ((size_t)1 << 30)	/* bytes of a file of records */

struct log {
	struct remote *remote;
	struct slice token;
	struct arena *a;
	struct why *w;
	const char *state, *records, *head;	/* files; NULL: none */
};

/* A head whose signature was checked. */
struct signed_head {
	uint64_t size;
	uint8_t root[32];
	struct slice key;	/* RFC 7638 thumbprint of the key that signed it */
	struct slice jws;
	const struct json *jwk;
};

static rc get(struct log *l, const char *path, const char *doing, struct slice *reply)
{
	return remote_admin(l->remote, l->token, "GET", path, NULL, (struct slice){0}, doing, l->a, reply, l->w);
}

static rc check_head(struct log *l, struct slice jws, const struct json *jwk, struct signed_head *out)
{
	struct signed_head h = {.jws = jws, .jwk = jwk};
	struct json *payload;
	struct pkey *key;
	struct slice hex;
	rc r;

	TRY(jwk_to_pkey(jwk, &key, l->w));
	r = jws_verify_json(jws, key, SIG_ES256, l->a, &payload, l->w);
	pkey_free(key);
	TRY(note(l->w, r, "checking the signature of the head"));
	TRY(json_need_u64(payload, "size", UINT64_MAX, &h.size, "audit head", l->w));
	TRY(json_need_str(payload, "root", &hex, "audit head", l->w));
	TRY(hex_decode_into(hex, h.root, 32, "root", l->w));
	TRY(jwk_thumbprint(jwk, l->a, &h.key, l->w));
	*out = h;
	return rc_of(OK);
}

/* Of the broker: its newest head, checked with the key that it publishes. Which key that is, the state of an earlier run can tell. */
static rc newest_head(struct log *l, struct signed_head *out)
{
	struct slice reply, keys, jws;
	struct json *doc, *set;

	TRY(get(l, "/kbs/v0/audit/head", "reading the head of the log", &reply));
	TRY(json_parse(l->a, reply, NULL, &doc, l->w));
	TRY(json_need_str(doc, "jws", &jws, "audit head", l->w));
	TRY(get(l, "/.well-known/jwks.json", "reading the broker's keys", &keys));
	TRY(json_parse(l->a, keys, NULL, &set, l->w));
	return check_head(l, jws, json_at(json_get(set, "keys"), 0), out);
}

static rc head_of_file(struct log *l, struct signed_head *out)
{
	struct slice text, jws;
	const struct json *jwk;
	struct json *doc;

	TRY(file_read(l->a, l->head, 65536, &text, l->w));
	TRY(note(l->w, json_parse(l->a, text, NULL, &doc, l->w), "reading %s", l->head));
	TRY(json_need_str(doc, "jws", &jws, l->head, l->w));
	TRY(json_need(doc, "jwk", JSON_OBJECT, &jwk, l->head, l->w));
	return check_head(l, jws, jwk, out);
}

typedef rc record_fn(struct log *l, uint64_t index, const struct json *record, void *ctx);

static rc each_record(struct log *l, uint64_t from, uint64_t to, record_fn *fn, void *ctx)
{
	while (from < to) {
		struct arena_mark m = arena_mark(l->a);
		struct slice reply;
		struct json *list;

		TRY(get(l, arena_printf(l->a, "/kbs/v0/audit/records?from=%llu&limit=%u", (unsigned long long)from, PAGE),
			"reading the log", &reply));
		TRY(json_parse(l->a, reply, NULL, &list, l->w));
		if (list->kind != JSON_ARRAY || list->n == 0)
			return deny(l->w, E_DENIED, "audit.truncated", "the log ends at record %llu, its head says %llu",
				    (unsigned long long)from, (unsigned long long)to);
		for (size_t i = 0; i < list->n && from < to; i++, from++)
			TRY(fn(l, from, list->items[i], ctx));
		cli_progress("records", from, to);
		arena_reset(l->a, m);
	}
	cli_progress_end();
	return rc_of(OK);
}

/* A file that `audit list` wrote: one record a line. */
static rc each_record_of_file(struct log *l, uint64_t to, record_fn *fn, void *ctx)
{
	struct slice text;
	uint64_t i = 0;

	TRY(file_read(l->a, l->records, RECORDS_MAX, &text, l->w));
	while (text.n && i < to) {
		struct arena_mark m = arena_mark(l->a);
		const uint8_t *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n;
		struct json *record;

		TRY(note(l->w, json_parse(l->a, slice_sub(text, 0, n), NULL, &record, l->w), "reading record %llu of %s", (unsigned long long)i,
			 l->records));
		TRY(fn(l, i++, record, ctx));
		text = slice_sub(text, MIN_OF(n + 1, text.n), text.n);
		arena_reset(l->a, m);
		cli_progress("records", i, to);
	}
	cli_progress_end();
	return i == to ? rc_of(OK)
		       : deny(l->w, E_DENIED, "audit.truncated", "%s ends at record %llu, the head says %llu", l->records, (unsigned long long)i,
			      (unsigned long long)to);
}

static rc print_record(struct log *l, uint64_t index, const struct json *record, void *ctx)
{
	(void)l;
	(void)index;
	(void)ctx;
	printf(SLICE_FMT "\n", (int)record->raw.n, (const char *)record->raw.p);
	return rc_of(OK);
}

/* The root of an append-only tree from its leaves, one after another: a stack of perfect subtrees (RFC 9162 2.1). */
struct tree {
	uint8_t node[64][32];
	uint64_t n;
};

static rc join(const uint8_t left[32], const uint8_t right[32], uint8_t out[32], struct why *w)
{
	const struct slice parts[] = {SLICE_LIT("\x01"), {left, 32}, {right, 32}};

	return digest_parts(DIGEST_SHA256, parts, 3, out, w);
}

static rc tree_root(const struct tree *t, uint8_t out[32], struct why *w)
{
	bool have = false;

	if (t->n == 0)
		return digest(DIGEST_SHA256, (struct slice){0}, out, w);
	for (unsigned level = 0; level < 64; level++) {
		if (!(t->n >> level & 1))
			continue;
		if (have)
			TRY(join(t->node[level], out, out, w));
		else
			memcpy(out, t->node[level], 32);
		have = true;
	}
	return rc_of(OK);
}

/* What an earlier run verified: the log must go on from there, under the same key. */
struct kept {
	bool any;
	uint64_t size;
	uint8_t root[32];
	struct slice key;
};

struct verification {
	struct tree tree;
	struct kept kept;
};

static rc check_kept(struct log *l, const struct verification *v)
{
	uint8_t root[32];
	rc r;

	TRY(tree_root(&v->tree, root, l->w));
	if (memcmp(root, v->kept.root, 32) == 0)
		return rc_of(OK);
	r = deny(l->w, E_DENIED, "audit.rewritten", "the first %llu records are not those that were verified earlier (%s)",
		 (unsigned long long)v->kept.size, l->state);
	why_compared(l->w, "root", hex_text(l->a, slice_of(root, 32)), hex_text(l->a, slice_of(v->kept.root, 32)));
	return r;
}

static rc add_leaf(struct log *l, uint64_t index, const struct json *record, void *ctx)
{
	struct verification *v = ctx;
	struct tree *t = &v->tree;
	uint8_t h[32];
	unsigned level = 0;

	(void)index;
	audit_leaf_hash(record->raw, h);
	for (uint64_t n = t->n; n & 1; n >>= 1, level++)
		TRY(join(t->node[level], h, h, l->w));
	memcpy(t->node[level], h, 32);
	t->n++;
	return v->kept.any && t->n == v->kept.size ? check_kept(l, v) : rc_of(OK);
}

static rc read_kept(struct log *l, struct kept *out)
{
	struct kept k = {.any = true};
	struct slice text, hex;
	struct json *doc;

	if (!l->state || !file_exists(l->state))
		return rc_of(OK);
	TRY(file_read(l->a, l->state, 65536, &text, l->w));
	TRY(note(l->w, json_parse(l->a, text, NULL, &doc, l->w), "reading %s", l->state));
	TRY(json_need_u64(doc, "size", UINT64_MAX, &k.size, l->state, l->w));
	TRY(json_need_str(doc, "root", &hex, l->state, l->w));
	TRY(json_need_str(doc, "key", &k.key, l->state, l->w));
	TRY(hex_decode_into(hex, k.root, 32, "root", l->w));
	*out = k;
	return rc_of(OK);
}

static rc write_kept(struct log *l, const struct signed_head *h)
{
	struct json *doc = json_new_object(l->a);

	if (!l->state)
		return rc_of(OK);
	json_set(l->a, doc, "size", json_new_u64(l->a, h->size));
	json_set(l->a, doc, "root", json_new_hex(l->a, slice_of(h->root, 32)));
	json_set(l->a, doc, "key", json_new_str(l->a, h->key));
	return file_write_atomic(l->state, json_text(l->a, doc), 0600, l->w);
}

/* A store that was put back whole to an earlier state is sound in itself: it shows only against what was seen before. */
static rc goes_on(struct log *l, const struct kept *k, const struct signed_head *h)
{
	if (k->any && !slice_eq(k->key, h->key))
		return deny(l->w, E_DENIED, "audit.key-changed",
			    "the head is signed by another key than the one that was verified earlier: found " SLICE_FMT ", expected " SLICE_FMT " (%s)",
			    SLICE_ARG(slice_sub(h->key, 0, 64)), SLICE_ARG(slice_sub(k->key, 0, 64)), l->state);
	if (k->any && h->size < k->size)
		return deny(l->w, E_DENIED, "audit.rolled-back",
			    "the log has %llu records, and %llu were verified earlier (%s): the store was put back to an earlier state",
			    (unsigned long long)h->size, (unsigned long long)k->size, l->state);
	return rc_of(OK);
}

static rc verify(struct log *l)
{
	struct verification v = {.tree = {.n = 0}};
	struct signed_head h;
	uint8_t found[32];

	TRY(read_kept(l, &v.kept));
	TRY(l->head ? head_of_file(l, &h) : newest_head(l, &h));
	TRY(goes_on(l, &v.kept, &h));
	if (v.kept.any && v.kept.size == 0)
		TRY(check_kept(l, &v));
	TRY(l->records ? each_record_of_file(l, h.size, add_leaf, &v) : each_record(l, 0, h.size, add_leaf, &v));
	TRY(tree_root(&v.tree, found, l->w));
	if (memcmp(h.root, found, 32) != 0) {
		rc r = deny(l->w, E_DENIED, "audit.root", "the records do not give the root that the signed head names");

		why_compared(l->w, "root", hex_text(l->a, slice_of(found, 32)), hex_text(l->a, slice_of(h.root, 32)));
		return r;
	}
	TRY(write_kept(l, &h));
	printf("verified: %llu records, root %s, head signed by " SLICE_FMT "%s\n", (unsigned long long)h.size,
	       hex_text(l->a, slice_of(h.root, 32)), SLICE_ARG(h.key), v.kept.any ? ", going on from what was verified earlier" : "");
	return rc_of(OK);
}

/* The newest head and the key that signed it, for a check without the broker. */
static rc print_head(struct log *l)
{
	struct json *doc = json_new_object(l->a);
	struct signed_head h;
	struct slice text;

	TRY(newest_head(l, &h));
	json_set(l->a, doc, "jws", json_new_str(l->a, h.jws));
	json_set(l->a, doc, "jwk", h.jwk);
	text = json_text(l->a, doc);
	if (!text.p)
		return deny(l->w, E_INTERNAL, "cli.memory", "no memory");
	printf(SLICE_FMT "\n", (int)text.n, (const char *)text.p);
	return rc_of(OK);
}

static rc prove(struct log *l, const char *text)
{
	struct slice reply, record, hashes_hex, hashes;
	struct signed_head h;
	uint8_t leaf[32];
	struct json *doc;
	uint64_t index;

	if (!json_u64(json_new_number(l->a, slice_cstr(text)), &index))
		return deny(l->w, E_MALFORMED, "cli.usage.index", "\"%s\" is no index of a record: `audit list` prints them", text);
	TRY(newest_head(l, &h));
	TRY(get(l, arena_printf(l->a, "/kbs/v0/audit/proof?index=%llu&size=%llu", (unsigned long long)index, (unsigned long long)h.size),
		"reading the proof", &reply));
	TRY(json_parse(l->a, reply, NULL, &doc, l->w));
	TRY(json_need_str(doc, "record", &record, "audit proof", l->w));
	TRY(json_need_str(doc, "hashes", &hashes_hex, "audit proof", l->w));
	TRY(hex_decode(l->a, hashes_hex, &hashes, "hashes", l->w));
	audit_leaf_hash(record, leaf);
	TRY(audit_check_inclusion(leaf, index, h.size, hashes, h.root, l->w));
	printf("proved: record %llu is in the log of %llu records with root %s\n" SLICE_FMT "\n", (unsigned long long)index,
	       (unsigned long long)h.size, hex_text(l->a, slice_of(h.root, 32)), (int)record.n, (const char *)record.p);
	return rc_of(OK);
}

static rc list(struct log *l)
{
	struct signed_head h;

	TRY(newest_head(l, &h));
	return each_record(l, 0, h.size, print_record, NULL);
}

static int run(struct log *l, const struct cli_args *args, const char *token_file)
{
	const char *what = args->n ? args->v[0] : "";
	bool offline = l->records || l->head, is_verify = strcmp(what, "verify") == 0;
	rc r = rc_of(OK);

	if (strcmp(what, "list") != 0 && strcmp(what, "prove") != 0 && strcmp(what, "head") != 0 && !is_verify)
		return cli_usage("audit takes list, verify, head, or prove INDEX");
	if ((strcmp(what, "prove") == 0) != (args->n == 2))
		return cli_usage(args->n == 1 ? "audit prove needs the index of a record" : "audit %s takes no argument", what);
	if ((offline || l->state) && !is_verify)
		return cli_usage("--state, --records and --head go with verify");
	if (offline && !(l->records && l->head))
		return cli_usage("--records and --head go together");
	if (!offline)
		r = remote_admin_token(token_file, l->a, &l->token, l->w);
	if (rc_ok(r) && !offline)
		r = remote_open(&remote_options, &l->remote, l->w);
	if (!rc_ok(r))
		return cli_fail(l->w);
	r = is_verify ? verify(l) : what[0] == 'l' ? list(l) : what[0] == 'h' ? print_head(l) : prove(l, args->v[1]);
	return rc_ok(r) ? CLI_OK : cli_fail(l->w);
}

static int audit_run(int argc, char **argv)
{
	struct arena *a = arena_new(2 * RECORDS_MAX);
	struct why w = why_in(a);
	struct log l = {.a = a, .w = &w};
	const char *token_file = NULL;
	const struct cli_opt opts[] = {
		{"admin-token-file", "FILE", "JWT of the administrator; default $HOME/.trustee/admin-token", &token_file},
		{"state", "FILE", "verify: what the last run verified is kept here, and the log must go on from it", &l.state},
		{"records", "FILE", "verify without the broker: what `audit list` printed", &l.records},
		{"head", "FILE", "verify without the broker: what `audit head` printed", &l.head},
	};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client [--url URL] audit list | verify | head | prove INDEX [options]",
			     "list prints the records, one JSON object a line. verify recomputes the Merkle tree of the whole log and checks the\n"
			     "signed head; a store that was put back to an earlier state shows only with --state. head prints the signed head.\n"
			     "prove checks that one record is in the log.\n\nexamples:\n"
			     "  kbs-client audit verify --admin-token-file token --state audit.state\n"
			     "  kbs-client audit list > records; kbs-client audit head > head.json\n"
			     "  kbs-client audit verify --records records --head head.json\n",
			     &args, &done);

	if (code == CLI_OK && !done)
		code = run(&l, &args, token_file);
	remote_close(l.remote);
	arena_free(a);
	return code;
}

const struct cli_command cli_audit = {"audit", "list, verify and prove the audit log", audit_run};
