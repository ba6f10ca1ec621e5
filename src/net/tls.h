/* tls.h - server-side TLS contexts by profile (spec kbs.md 7.2).
 *
 * Threads: no state; call from any.
 */
#pragma once
#include <openssl/ssl.h>

#include "net/server.h"

/* E_MALFORMED tls.version, tls.ciphers, tls.groups; E_UNAVAILABLE tls.certificate. */
RC tls_context(const struct tls_config *c, SSL_CTX **out, struct why *w);
/* What ALPN chose, behind the handshake: false is HTTP/1.1. */
bool tls_is_h2(const SSL *ssl);
