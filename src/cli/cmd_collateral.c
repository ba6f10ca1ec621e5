/* cmd_collateral.c - `collateral export|import|status`: the cache of a broker on this machine, and signed bundles of it. */
#include <stdio.h>
#include <time.h>

#include "base/num.h"
#include "cli/commands.h"
#include "collateral/bundle.h"
#include "collateral/cache.h"

#define DEFAULT_STORE "/var/lib/warrant/warrant.db"
#define PAGE	      64u
#define ARENA	      ((size_t)1 << 30)

struct options {
	const char *store, *key, *in, *out, *kind;
};

struct run {
	struct options o;
	struct store *store;
	struct arena *a;
	struct why *w;
};

static rc open_store(struct run *r)
{
	const char *at = r->o.store ? r->o.store : DEFAULT_STORE;

	if (strncmp(at, "postgres", 8) == 0)
		return store_open_postgres(at, &clock_system, &r->store, r->w);
	return note(r->w, store_open_sqlite_shared(at, &clock_system, &r->store, r->w), "opening the broker's store %s", at);
}

static void print_age(char out[32], int64_t s)
{
	if (s < 3600)
		(void)snprintf(out, 32, "%lldm", (long long)(s / 60));
	else if (s < 48 * 3600)
		(void)snprintf(out, 32, "%lldh", (long long)(s / 3600));
	else
		(void)snprintf(out, 32, "%lldd", (long long)(s / 86400));
}

/* ---- status ---- */

static void print_row(const struct cache_row *row, int64_t now)
{
	char age[32], next[32] = "-";

	print_age(age, now - row->fetched_s);
	if (row->next_s != INT64_MAX)
		time_rfc3339(row->next_s, next);
	printf("%-24s %-6s %-20s  %-7s  %s\n", row->kind, age, next, now > row->next_s ? "expired" : "good", row->key[0] ? row->key : "-");
}

static rc status(struct run *r)
{
	int64_t now = clock_now_s(&clock_system);
	char last[STORE_KEY_MAX + 1];
	const char *after = NULL;
	size_t n = PAGE;

	TRY(open_store(r));
	printf("%-24s %-6s %-20s  %-7s  %s\n", "KIND", "AGE", "NEXT UPDATE", "STATE", "KEY");
	while (n == PAGE) {
		struct arena_mark m = arena_mark(r->a);
		struct cache_row *rows;
		char **names;

		TRY(cache_list(r->store, r->o.kind, after, PAGE, r->a, &rows, &names, &n, r->w));
		for (size_t i = 0; i < n; i++)
			if (rows[i].kind)
				print_row(&rows[i], now);
		if (n) {
			(void)snprintf(last, sizeof(last), "%s", names[n - 1]);
			after = last;
		}
		arena_reset(r->a, m);
	}
	return rc_of(OK);
}

/* ---- bundles ---- */

static rc export_bundle(struct run *r)
{
	struct pkey *key = NULL;
	struct bundle b;
	struct slice text;
	SECRET(pem);
	rc v;

	TRY(open_store(r));
	TRY(file_read_secret(r->o.key, 65536, &pem, r->w));
	TRY(note(r->w, pkey_from_private_pem(&pem, &key, r->w), "reading the signer's key %s", r->o.key));
	v = bundle_export(r->store, &clock_system, r->o.kind, r->a, &b, r->w);
	if (rc_ok(v))
		v = bundle_write(&b, key, r->a, &text, r->w);
	pkey_free(key);
	TRY(v);
	TRY(file_write_atomic(r->o.out, text, 0644, r->w));
	printf("%zu pieces, %zu bytes, in %s\n", b.n, text.n, r->o.out);
	return rc_of(OK);
}

static void print_refused(const struct collateral_piece *p, const struct why *why, void *ctx)
{
	(void)ctx;
	printf("not taken: %s \"%s\": %s\n", p->kind, p->key, why_text(why));
}

static rc import_bundle(struct run *r)
{
	struct bundle_result result;
	struct pkey *key = NULL;
	struct slice pem, text;
	struct bundle b;
	char made[32];
	rc v;

	TRY(file_read(r->a, r->o.key, 65536, &pem, r->w));
	TRY(note(r->w, pkey_from_pem(pem, &key, r->w), "reading the signer's public key %s", r->o.key));
	v = file_read(r->a, r->o.in, BUNDLE_MAX, &text, r->w);
	if (rc_ok(v))
		v = note(r->w, bundle_read(text, key, r->a, &b, r->w), "reading the bundle %s", r->o.in);
	pkey_free(key);
	TRY(v);
	TRY(open_store(r));
	TRY(bundle_import(r->store, &clock_system, &b, print_refused, NULL, &result, r->w));
	time_rfc3339(b.made_s, made);
	printf("bundle of %s: %zu pieces taken, %zu older than what is held, %zu refused\n", made, result.imported, result.older,
	       result.refused);
	if (result.refused)
		return deny(r->w, E_DENIED, "bundle.refused", "%zu pieces were refused", result.refused);
	return rc_of(OK);
}

/* ---- the command ---- */

static int check_use(const struct run *r, const struct cli_args *args)
{
	const char *verb = args->n == 1 ? args->v[0] : "";
	bool export = strcmp(verb, "export") == 0, import = strcmp(verb, "import") == 0;

	if (!export && !import && strcmp(verb, "status") != 0)
		return cli_usage("collateral takes one of export, import and status");
	if ((export || import) && !r->o.key)
		return cli_usage("collateral %s needs --key", verb);
	if (export != (r->o.out != NULL))
		return cli_usage(export ? "collateral export needs --out" : "--out is for export alone");
	if (import != (r->o.in != NULL))
		return cli_usage(import ? "collateral import needs --in" : "--in is for import alone");
	if (r->o.kind && !collateral_kind_find(r->o.kind))
		return cli_usage("there is no kind of collateral \"%s\"", r->o.kind);
	return CLI_OK;
}

static int collateral_run(int argc, char **argv)
{
	struct arena *a = arena_new(ARENA);
	struct why w = why_in(a);
	struct run r = {.a = a, .w = &w};
	const struct cli_opt opts[] = {
		{"store", "PATH", "the broker's database, or a postgres:// URL; default " DEFAULT_STORE, &r.o.store},
		{"key", "FILE", "export: private key that signs; import: public key of who signed; PEM", &r.o.key},
		{"in", "FILE", "import: the bundle", &r.o.in},
		{"out", "FILE", "export: the bundle", &r.o.out},
		{"kind", "KIND", "export and status: of one kind alone", &r.o.kind},
	};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client collateral export | import | status [options]",
			     "status lists what is cached. export puts it into one signed file, import takes such a file in; a piece that is older\n"
			     "than the one held is never taken. Make the key with: kbs-client admin-key --out bundle.key\n",
			     &args, &done);

	if (code == CLI_OK && !done)
		code = check_use(&r, &args);
	if (code == CLI_OK && !done) {
		rc v = strcmp(args.v[0], "export") == 0 ? export_bundle(&r) : strcmp(args.v[0], "import") == 0 ? import_bundle(&r) : status(&r);

		code = rc_ok(v) ? CLI_OK : cli_fail(&w);
	}
	if (r.store)
		store_close(r.store);
	arena_free(a);
	return code;
}

const struct cli_command cli_collateral = {"collateral", "export, import and list the cached collateral", collateral_run};
