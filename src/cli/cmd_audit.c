/* cmd_audit.c - `audit list|verify|prove`: the log of releases and changes, read from the broker and checked here. */
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "base/num.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"

#define PAGE 500u

struct log {
	struct remote *remote;
	struct slice token;
	struct arena *a;
	struct why *w;
};

static rc get(struct log *l, const char *path, const char *doing, struct slice *reply)
{
	return remote_admin(l->remote, l->token, "GET", path, NULL, (struct slice){0}, doing, l->a, reply, l->w);
}

/* A signed head: the JWS is verified with the broker's published key, and says size and root. */
static rc signed_head(struct log *l, uint64_t *size, uint8_t root[32])
{
	struct slice reply, keys, jws, hex;
	struct json *doc, *set, *payload;
	struct pkey *key = NULL;
	rc r;

	TRY(get(l, "/kbs/v0/audit/head", "reading the head of the log", &reply));
	TRY(json_parse(l->a, reply, NULL, &doc, l->w));
	TRY(json_need_str(doc, "jws", &jws, "audit head", l->w));
	TRY(get(l, "/.well-known/jwks.json", "reading the broker's keys", &keys));
	TRY(json_parse(l->a, keys, NULL, &set, l->w));
	TRY(jwk_to_pkey(json_at(json_get(set, "keys"), 0), &key, l->w));
	r = jws_verify_json(jws, key, SIG_ES256, l->a, &payload, l->w);
	pkey_free(key);
	TRY(r);
	TRY(json_need_u64(payload, "size", UINT64_MAX, size, "audit head", l->w));
	TRY(json_need_str(payload, "root", &hex, "audit head", l->w));
	return hex_decode_into(hex, root, 32, "root", l->w);
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

static rc add_leaf(struct log *l, uint64_t index, const struct json *record, void *ctx)
{
	struct tree *t = ctx;
	uint8_t h[32];
	unsigned level = 0;

	(void)index;
	audit_leaf_hash(record->raw, h);
	for (uint64_t n = t->n; n & 1; n >>= 1, level++)
		TRY(join(t->node[level], h, h, l->w));
	memcpy(t->node[level], h, 32);
	t->n++;
	return rc_of(OK);
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

static rc verify(struct log *l)
{
	uint8_t root[32], found[32];
	struct tree t = {.n = 0};
	uint64_t size;

	TRY(signed_head(l, &size, root));
	TRY(each_record(l, 0, size, add_leaf, &t));
	TRY(tree_root(&t, found, l->w));
	if (memcmp(root, found, 32) != 0) {
		rc r = deny(l->w, E_DENIED, "audit.root", "the records do not give the root that the signed head names");

		why_compared(l->w, "root", hex_text(l->a, slice_of(found, 32)), hex_text(l->a, slice_of(root, 32)));
		return r;
	}
	printf("verified: %llu records, root %s, head signed by the broker\n", (unsigned long long)size, hex_text(l->a, slice_of(root, 32)));
	return rc_of(OK);
}

static rc prove(struct log *l, const char *text)
{
	struct slice reply, record, hashes_hex, hashes;
	uint8_t root[32], leaf[32];
	struct json *doc;
	uint64_t index = strtoull(text, NULL, 10), size;

	TRY(signed_head(l, &size, root));
	TRY(get(l, arena_printf(l->a, "/kbs/v0/audit/proof?index=%llu&size=%llu", (unsigned long long)index, (unsigned long long)size),
		"reading the proof", &reply));
	TRY(json_parse(l->a, reply, NULL, &doc, l->w));
	TRY(json_need_str(doc, "record", &record, "audit proof", l->w));
	TRY(json_need_str(doc, "hashes", &hashes_hex, "audit proof", l->w));
	TRY(hex_decode(l->a, hashes_hex, &hashes, "hashes", l->w));
	audit_leaf_hash(record, leaf);
	TRY(audit_check_inclusion(leaf, index, size, hashes, root, l->w));
	printf("proved: record %llu is in the log of %llu records with root %s\n" SLICE_FMT "\n", (unsigned long long)index,
	       (unsigned long long)size, hex_text(l->a, slice_of(root, 32)), (int)record.n, (const char *)record.p);
	return rc_of(OK);
}

static rc list(struct log *l)
{
	uint8_t root[32];
	uint64_t size;

	TRY(signed_head(l, &size, root));
	return each_record(l, 0, size, print_record, NULL);
}

static int audit_run(int argc, char **argv)
{
	const char *token_file = NULL;
	const struct cli_opt opts[] = {{"admin-token-file", "FILE", "JWT of the administrator; default $HOME/.trustee/admin-token", &token_file}};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct log l = {.a = a, .w = &w};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client [--url URL] audit list | verify | prove INDEX [options]",
			     "list prints the records, one JSON object a line. verify recomputes the Merkle tree of the whole log and checks\n"
			     "the signed head. prove checks that one record is in the log.\n",
			     &args, &done);
	rc r = rc_of(OK);

	if (code || done)
		goto out;
	if (args.n < 1 || (strcmp(args.v[0], "prove") == 0) != (args.n == 2)) {
		code = cli_usage("audit takes list, verify, or prove INDEX");
		goto out;
	}
	r = remote_admin_token(token_file, a, &l.token, &w);
	if (rc_ok(r))
		r = remote_open(&remote_options, &l.remote, &w);
	if (!rc_ok(r))
		code = cli_fail(&w);
	else if (strcmp(args.v[0], "list") == 0)
		r = list(&l);
	else if (strcmp(args.v[0], "verify") == 0)
		r = verify(&l);
	else if (strcmp(args.v[0], "prove") == 0)
		r = prove(&l, args.v[1]);
	else
		code = cli_usage("audit takes list, verify, or prove INDEX");
	if (!code && !rc_ok(r))
		code = cli_fail(&w);
out:
	remote_close(l.remote);
	arena_free(a);
	return code;
}

const struct cli_command cli_audit = {"audit", "list, verify and prove the audit log", audit_run};
