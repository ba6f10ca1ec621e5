/* upstream_amd.c - AMD's Key Distribution Service, and a folder in its place. Spec: verifiers.md 4.4. */
#include "base/num.h"
#include "codec/base64.h"
#include "collateral/upstream_int.h"
#include "crypto/x509.h"

#define OID_HWID "1.3.6.1.4.1.3704.1.4"

enum { BL, TEE, SNP, UCODE, FMC, PARTS };

/* "Milan/<chip id>/3.0.8.115", taken apart; every part is of characters that may stand in a URL and in a path. */
struct vcek {
	const char *generation;
	char id[129];
	unsigned part[PARTS];
	unsigned parts;
};

static const char *const generations[] = {"Milan", "Genoa", "Turin"};

static const char *generation_of(const char *key, const char **rest)
{
	for (size_t i = 0; i < COUNT_OF(generations); i++) {
		size_t n = strlen(generations[i]);

		if (strncmp(key, generations[i], n) == 0 && (key[n] == '/' || key[n] == '\0')) {
			*rest = key + n;
			return generations[i];
		}
	}
	return NULL;
}

static RC bad_key(struct why *w, const char *key)
{
	return deny(w, E_NOTFOUND, "upstream.key", "\"%.200s\" names nothing of AMD", key);
}

static bool read_part(const char **p, unsigned *out)
{
	unsigned v = 0, digits = 0;

	for (; **p >= '0' && **p <= '9' && digits < 3; (*p)++, digits++)
		v = v * 10 + (unsigned)(**p - '0');
	*out = v;
	return digits > 0 && v <= 255;
}

static RC read_vcek_key(const char *key, struct vcek *out, struct why *w)
{
	struct vcek v = {.parts = 0};
	const char *p;
	size_t n;
	bool turin;

	v.generation = generation_of(key, &p);
	if (!v.generation || *p++ != '/')
		return bad_key(w, key);
	turin = strcmp(v.generation, "Turin") == 0;
	n = turin ? 16 : 128;
	if (strcspn(p, "/") != n || !upstream_is_hex(p, n) || p[n] != '/')
		return bad_key(w, key);
	if (strspn(p, "0") == n)
		return deny(w, E_NOTFOUND, "upstream.key", "the chip id is masked, so AMD cannot be asked for its certificate");
	for (size_t i = 0; i < n; i++)
		v.id[i] = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] + 32) : p[i];
	p += n;
	do {
		p++;
		if (v.parts == PARTS || !read_part(&p, &v.part[v.parts++]))
			return bad_key(w, key);
	} while (*p == '.');
	if (*p || v.parts != (turin ? PARTS : PARTS - 1u))
		return bad_key(w, key);
	*out = v;
	return rc_of(OK);
}

/* Is it the certificate of that chip? An answer for another one would stay in the cache for good. */
static RC check_chip(const struct vcek *v, struct slice bytes, struct arena *a, struct why *w)
{
	struct x509 *x = NULL;
	struct slice id = {0};
	const char *text;
	rc r = x509_from_any(bytes, &x, w);

	if (!rc_ok(r))
		return deny(w, E_MALFORMED, "upstream.content", "the answer is no certificate");
	r = x509_ext(x, a, OID_HWID, &id, NULL, w);
	x509_free(x);
	TRY(r);
	if (id.n == strlen(v->id) / 2 + 2)	/* an OCTET STRING inside */
		id = slice_sub(id, 2, id.n);
	text = hex_text(a, id);
	return text && strcmp(text, v->id) == 0 ? rc_of(OK) : upstream_other(w, "chip", text, v->id);
}

static const char *vcek_url(struct arena *a, const char *base, const struct vcek *v)
{
	const unsigned *p = v->part;

	if (v->parts == PARTS)
		return arena_printf(a, "%s/vcek/v1/%s/%s?fmcSPL=%02u&blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", base, v->generation,
				    v->id, p[FMC], p[BL], p[TEE], p[SNP], p[UCODE]);
	return arena_printf(a, "%s/vcek/v1/%s/%s?blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", base, v->generation, v->id, p[BL],
			    p[TEE], p[SNP], p[UCODE]);
}

/* Azure names a chip's certificate by the TCB as one number, most significant part first. Turin's chips it does not have. */
static const char *azure_url(struct arena *a, const char *base, const struct vcek *v)
{
	const unsigned *p = v->part;

	return arena_printf(a, "%s/%s/%x%02x00000000%02x%02x?api-version=2020-10-15-preview", base, v->id, p[UCODE], p[SNP], p[TEE], p[BL]);
}

/* Its answer is the certificate with its authorities behind it, as PEM. */
static RC first_of(struct arena *a, struct slice pem, struct slice *out, struct why *w)
{
	struct x509 *list[X509_PATH_MAX];
	size_t n = 0;

	if (!rc_ok(x509_list_from_pem(pem, list, X509_PATH_MAX, &n, NULL)))
		return deny(w, E_MALFORMED, "upstream.content", "the answer is no list of certificates");
	*out = arena_dup(a, x509_der(list[0]));
	x509_free_all(list, n);
	return out->p ? rc_of(OK) : deny(w, E_INTERNAL, "upstream.memory", "no memory for a certificate");
}

static RC vcek_file(struct arena *a, const char *dir, const struct vcek *v, struct slice *out, struct why *w)
{
	const unsigned *p = v->part;
	char *fmc = v->parts == PARTS ? arena_printf(a, "_fmc%02u", p[FMC]) : arena_strdup(a, "");
	char *path = arena_printf(a, "%s/vcek/%s/bl%02u_tee%02u_snp%02u_ucode%02u%s_vcek.der", dir, v->id, p[BL], p[TEE], p[SNP], p[UCODE],
				  fmc ? fmc : "");
	rc r;

	if (!fmc || !path)
		return deny(w, E_INTERNAL, "upstream.memory", "no memory for a path");
	r = file_read(a, path, COLLATERAL_PIECE_MAX, out, w);
	if (r.code != E_NOTFOUND)
		return r;
	path = arena_printf(a, "%s/vcek/%s/vcek.der", dir, v->id);
	return path ? file_read(a, path, COLLATERAL_PIECE_MAX, out, w) : deny(w, E_INTERNAL, "upstream.memory", "no memory for a path");
}

static RC get_vcek(struct upstream_call *call, const struct upstream_amd *from, const struct vcek *v, struct why *w)
{
	struct fetch_reply reply;
	struct slice bytes;

	if (from->folder) {
		TRY(vcek_file(call->a, from->at, v, &bytes, w));
	} else if (from->azure && v->parts == PARTS) {
		return deny(w, E_NOTFOUND, "upstream.absent", "Azure's cache has no chips of Turin");
	} else {
		TRY(upstream_ask(call, from->azure ? azure_url(call->a, from->at, v) : vcek_url(call->a, from->at, v), &reply, w));
		bytes = reply.body;
		if (from->azure && reply.status == 200)
			TRY(first_of(call->a, reply.body, &bytes, w));
	}
	if (from->folder || reply.status == 200)
		TRY(check_chip(v, bytes, call->a, w));
	upstream_add(call, call->kind, from->folder ? NULL : &reply, bytes);
	return rc_of(OK);
}

/* "cert_chain" and "crl" of a generation, below vcek or vlek; a folder mirrors the paths of the service. */
static RC get_authority(struct upstream_call *call, const struct upstream_amd *from, struct why *w)
{
	const char *leaf = strcmp(call->kind, "amd-crl") == 0 ? "crl" : "cert_chain";
	const char *rest, *generation = generation_of(call->key, &rest);
	struct fetch_reply reply;
	struct slice bytes;
	const char *at;

	if (!generation || (*rest && strcmp(rest, "/vlek") != 0))
		return bad_key(w, call->key);
	if (from->azure)
		return deny(w, E_NOTFOUND, "upstream.absent", "Azure's cache has chips alone");
	at = arena_printf(call->a, "%s/%s/v1/%s/%s", from->at, *rest ? "vlek" : "vcek", generation, leaf);
	if (!at)
		return deny(w, E_INTERNAL, "upstream.memory", "no memory for a URL");
	if (from->folder) {
		TRY(file_read(call->a, at, COLLATERAL_PIECE_MAX, &bytes, w));
		upstream_add(call, call->kind, NULL, bytes);
		return rc_of(OK);
	}
	TRY(upstream_ask(call, at, &reply, w));
	upstream_add(call, call->kind, &reply, reply.body);
	return rc_of(OK);
}

rc upstream_amd(struct upstream_call *call, struct why *w)
{
	bool is_vcek = strcmp(call->kind, "amd-vcek") == 0;
	struct upstream *u = call->u;
	rc worst = rc_of(E_NOTFOUND);
	struct vcek v = {0};

	if (is_vcek)
		TRY(read_vcek_key(call->key, &v, w));
	for (size_t i = 0; i < u->config.amd_n; i++) {
		struct why inner = why_in(call->a);
		rc r = is_vcek ? get_vcek(call, &u->config.amd[i], &v, &inner) : get_authority(call, &u->config.amd[i], &inner);

		if (rc_ok(r)) {
			why_clear(w);
			return r;
		}
		/* That it is nowhere is said only if all that were asked say so. */
		if (i == 0 || worst.code == E_NOTFOUND)
			worst = deny(w, r.code, why_reason(&inner), "%s", why_text(&inner));
	}
	return worst;
}
