#include "main/kbs_se.h"

#include <dirent.h>
#include <errno.h>

#include "base/num.h"
#include "base/sys.h"
#include "crypto/x509.h"
#include "verifier/se/hkd.h"
#include "verifier/se/uv.h"

#define FILE_MAX ((size_t)1 << 20)

/* One file of a folder. */
typedef rc file_fn(void *ctx, struct slice bytes, struct arena *a, struct why *w);

static rc each_file(const char *dir, file_fn *fn, void *ctx, struct arena *a, struct why *w)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	rc r = rc_of(OK);

	if (!d)
		return deny(w, E_UNAVAILABLE, "config.se", "cannot read %s: %s", dir, strerror(errno));
	while (rc_ok(r) && (e = readdir(d))) {
		const char *path = arena_printf(a, "%s/%s", dir, e->d_name);
		struct slice bytes;

		if (e->d_name[0] == '.')
			continue;
		r = path ? file_read(a, path, FILE_MAX, &bytes, w) : deny(w, E_INTERNAL, "kbs.memory", "no memory");
		if (rc_ok(r))
			r = fn(ctx, bytes, a, w);
		r = note(w, r, "reading %s/%s", dir, e->d_name);
	}
	closedir(d);
	return r;
}

/* ---- what host key documents are checked with ---- */

struct trust {
	struct se_hkd_check check;
	struct x509 *signing, *root;
	struct x509_crl *lists[SE_CRLS_MAX];
};

static bool is_host_key_signer(const struct x509 *c, struct arena *a)
{
	const char *name = x509_subject_text(c, a);

	return name && strstr(name, "Key Signing Service") && !x509_is_ca(c);
}

static rc add_certificate(void *ctx, struct slice bytes, struct arena *a, struct why *w)
{
	struct trust *t = ctx;
	struct x509 *c;

	TRY(x509_from_any(bytes, &c, w));
	if (!t->signing && is_host_key_signer(c, a)) {
		t->check.signing = t->signing = c;
		return rc_of(OK);
	}
	if (t->check.cas_n == SE_CAS_MAX) {
		x509_free(c);
		return deny(w, E_LIMIT, "config.se", "more than %u certificates between the signing certificate and the root", SE_CAS_MAX);
	}
	t->check.cas[t->check.cas_n++] = c;
	return rc_of(OK);
}

static rc add_list(void *ctx, struct slice bytes, struct arena *a, struct why *w)
{
	struct trust *t = ctx;

	(void)a;
	if (t->check.crls_n == SE_CRLS_MAX)
		return deny(w, E_LIMIT, "config.se", "more than %u revocation lists", SE_CRLS_MAX);
	TRY(x509_crl_from(bytes, &t->lists[t->check.crls_n], w));
	t->check.crls[t->check.crls_n] = t->lists[t->check.crls_n];
	t->check.crls_n++;
	return rc_of(OK);
}

static rc load_trust(const struct kbs_se_settings *s, struct trust *t, struct arena *a, struct why *w)
{
	struct slice bytes;

	if (s->certificates)
		TRY(each_file(s->certificates, add_certificate, t, a, w));
	if (s->lists)
		TRY(each_file(s->lists, add_list, t, a, w));
	if (s->root) {
		TRY(file_read(a, s->root, FILE_MAX, &bytes, w));
		TRY(note(w, x509_from_any(bytes, &t->root, w), "reading %s", s->root));
	}
	t->check.root = t->root;
	return rc_of(OK);
}

static void free_trust(struct trust *t)
{
	x509_free(t->signing);
	x509_free(t->root);
	x509_free_all(t->check.cas, t->check.cas_n);
	for (size_t i = 0; i < t->check.crls_n; i++)
		x509_crl_free(t->lists[i]);
}

/* ---- host keys ---- */

struct keys {
	struct trust trust;
	struct kbs_se *out;
};

static rc check_document(struct trust *t, struct slice bytes, struct arena *a, struct why *w)
{
	struct x509 *c;
	rc r;

	if (!t->signing || !t->root)
		return deny(w, E_DENIED, "config.se",
			    "a host key document counts only with its signing certificate (certificates) and a root (root_ca) at hand");
	TRY(x509_from_any(bytes, &c, w));
	t->check.hkd = c;
	r = se_hkd_verify(&t->check, a, w);
	t->check.hkd = NULL;
	x509_free(c);
	return r;
}

static rc add_host_key(void *ctx, struct slice bytes, struct arena *a, struct why *w)
{
	struct keys *k = ctx;

	if (k->out->n == COUNT_OF(k->out->key))
		return deny(w, E_LIMIT, "config.se", "more than %zu host keys", COUNT_OF(k->out->key));
	if (!slice_starts(bytes, SLICE_LIT("-----BEGIN PUBLIC KEY-----")))
		TRY(check_document(&k->trust, bytes, a, w));
	TRY(pkey_from_pem(bytes, &k->out->key[k->out->n], w));
	k->out->n++;
	if (pkey_kind(k->out->key[k->out->n - 1]) != KEY_P521)
		return deny(w, E_UNSUPPORTED, "config.se", "a host key that is not on P-521");
	return rc_of(OK);
}

static rc read_header(const char *path, struct as_se *se, struct arena *a, struct why *w)
{
	struct se_header h;
	struct buf tags = buf_in(a, SE_TAGS_SIZE);

	TRY(file_read(a, path, FILE_MAX, &se->image_header, w));
	TRY(note(w, se_header_parse(se->image_header, &h, w), "reading %s", path));
	buf_slice(&tags, h.tags.pld);
	buf_slice(&tags, h.tags.ald);
	buf_slice(&tags, h.tags.tld);
	buf_slice(&tags, h.tags.tag);
	se->image_tags = buf_view(&tags);
	return buf_ok(&tags) ? rc_of(OK) : deny(w, E_INTERNAL, "kbs.memory", "no memory");
}

rc kbs_se_open(const struct kbs_se_settings *s, const struct secret *seal_key, int64_t now_s, struct arena *a, struct kbs_se *out,
	       struct why *w)
{
	struct keys k = {.trust.check = {.require_crls = true, .now_s = now_s}, .out = out};
	rc r = load_trust(s, &k.trust, a, w);

	if (rc_ok(r))
		r = each_file(s->host_keys, add_host_key, &k, a, w);
	free_trust(&k.trust);
	TRY(r);
	if (!out->n)
		return deny(w, E_MALFORMED, "config.se", "%s holds no host key", s->host_keys);
	TRY(read_header(s->image_header, &out->se, a, w));
	out->se.seal_key = seal_key;
	out->se.host_keys = (const struct pkey *const *)out->key;
	out->se.host_keys_n = out->n;
	return rc_of(OK);
}

void kbs_se_close(struct kbs_se *se)
{
	while (se->n)
		pkey_free(se->key[--se->n]);
}
