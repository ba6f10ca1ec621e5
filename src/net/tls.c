#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"

/* Mozilla's intermediate profile for TLS 1.2; TLS 1.3 suites are the library's own three. */
#define CIPHERS_12                                                                                                           \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS	  "X25519:secp256r1:secp384r1"
#define GROUPS_PQ "X25519MLKEM768:SecP256r1MLKEM768:" GROUPS

static rc version_of(const char *text, int *out, struct why *w)
{
	if (strcmp(text, "1.2") == 0)
		*out = TLS1_2_VERSION;
	else if (strcmp(text, "1.3") == 0)
		*out = TLS1_3_VERSION;
	else
		return deny(w, E_MALFORMED, "tls.version", "TLS version \"%s\", taken are 1.2 and 1.3", text);
	return rc_of(OK);
}

/* One list of names, TLS 1.3 suites apart from the others: OpenSSL keeps them in two lists. */
static rc set_ciphers(SSL_CTX *ctx, const char *list, struct why *w)
{
	struct arena *a = arena_new(0);
	struct buf old = buf_in(a, 8192), suites = buf_in(a, 8192);
	bool ok;

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ":, ");
		struct buf *b = n > 4 && memcmp(p, "TLS_", 4) == 0 ? &suites : &old;

		if (n) {
			if (b->n)
				buf_putc(b, ':');
			buf_put(b, p, n);
		}
		p += n + (p[n] != 0);
	}
	ok = buf_cstr(&old) && buf_cstr(&suites) && (!old.n || SSL_CTX_set_cipher_list(ctx, (char *)old.p) == 1) &&
	     (!suites.n || SSL_CTX_set_ciphersuites(ctx, (char *)suites.p) == 1) && (old.n || suites.n);
	arena_free(a);
	ERR_clear_error();
	return ok ? rc_of(OK) : deny(w, E_MALFORMED, "tls.ciphers", "no cipher of \"%s\" can be used", list);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char mine[] = "\x02h2\x08http/1.1";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, mine, sizeof(mine) - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;	/* without ALPN: HTTP/1.1 */
	return SSL_TLSEXT_ERR_OK;
}

/* The macro of the library takes `const` away, which one of our compilers does not let pass. */
static bool set_groups(SSL_CTX *ctx, const char *groups)
{
	char *copy = strdup(groups);
	bool ok = copy && SSL_CTX_set1_groups_list(ctx, copy) == 1;

	free(copy);
	return ok;
}

bool tls_is_h2(const SSL *ssl)
{
	const unsigned char *name = NULL;
	unsigned n = 0;

	if (ssl)
		SSL_get0_alpn_selected(ssl, &name, &n);
	return slice_is(slice_of(name, n), "h2");
}

/* A start never asks a terminal for a password. */
static int no_password(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

/* The library does not say whether the file or what is in it is at fault. */
static rc no_pem(const char *path, const char *what, struct why *w)
{
	if (access(path, R_OK) != 0)
		return deny(w, E_UNAVAILABLE, "tls.certificate", "cannot read %s: %s", path, strerror(errno));
	return deny(w, E_UNAVAILABLE, "tls.certificate", "%s: no PEM %s", path, what);
}

static rc configure(SSL_CTX *ctx, const struct tls_config *c, struct why *w)
{
	int min = c->profile == TLS_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION, max = TLS1_3_VERSION;

	if (c->min_version)
		TRY(version_of(c->min_version, &min, w));
	if (c->max_version)
		TRY(version_of(c->max_version, &max, w));
	if (min > max || SSL_CTX_set_min_proto_version(ctx, min) != 1 || SSL_CTX_set_max_proto_version(ctx, max) != 1)
		return deny(w, E_MALFORMED, "tls.version", "tls_min_version is above tls_max_version");
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	TRY(set_ciphers(ctx, CIPHERS_12 ":" SUITES_13, w));
	if (c->ciphers)
		TRY(set_ciphers(ctx, c->ciphers, w));
	if (c->groups ? !set_groups(ctx, c->groups) : !set_groups(ctx, GROUPS_PQ) && !set_groups(ctx, GROUPS))
		return deny(w, E_MALFORMED, "tls.groups", "no group of \"%s\" can be used", c->groups ? c->groups : GROUPS);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(ctx, c->certificate) != 1)
		return no_pem(c->certificate, "certificate chain", w);
	if (SSL_CTX_use_PrivateKey_file(ctx, c->private_key, SSL_FILETYPE_PEM) != 1)
		return no_pem(c->private_key, "private key without a password", w);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return deny(w, E_UNAVAILABLE, "tls.certificate", "%s is not the key of %s", c->private_key, c->certificate);
	return rc_of(OK);
}

rc tls_context(const struct tls_config *c, SSL_CTX **out, struct why *w)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	rc r = ctx ? configure(ctx, c, w) : deny(w, E_INTERNAL, "tls.memory", "no memory");

	ERR_clear_error();
	if (!rc_ok(r)) {
		SSL_CTX_free(ctx);
		return r;
	}
	*out = ctx;
	return r;
}
