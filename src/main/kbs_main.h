/* kbs_main.h - the broker under construction, and what its settings name: read without opening a store or a socket, so that a check and a
 * start read the same.
 */
#pragma once
#include "api/kbs_http.h"
#include "base/task.h"
#include "collateral/upstream.h"
#include "kms/keyring.h"
#include "main/kbs_config.h"
#include "net/server.h"
#include "store/store.h"

struct kbs_main {
	struct arena *a;	/* process life */
	struct why w;
	struct kbs_settings s;
	struct store *store;
	struct keyring *keyring;
	struct kms *kms;
	struct pool *pool;
	struct rvps *rvps;
	struct upstream *upstream;
	struct collateral *collateral;
	struct as *as;
	struct audit *audit;
	struct kbs *kbs;
	struct kbs_http *http;
	struct server *server;
	struct executor later;	/* the server's threads, once there are any */
	struct pkey *signer;
	struct secret challenge_key, se_key;
	struct kbs_se se;
	struct pkey *admin_key[16];
	size_t admin_keys;
};

/* All keep their results in m, or in its arena, and say in m->w what is wrong. */

/* The configuration, into m->s; a refusal names file and line. */
RC setup_read(struct kbs_main *m, const char *config);
/* The key that signs tokens: of the file that is named, else of m->keyring. */
RC setup_signing_key(struct kbs_main *m);
/* PEM certificates of m->signer, its own first, as an array of base64 DER; *out stays as it is where none are named. */
RC setup_x5c(struct kbs_main *m, struct json **out);
/* Trust in tokens, with m->signer where there is one. */
RC setup_tokens(struct kbs_main *m, struct token_config *t);
/* Keys of administrators are m's, to be freed with it. */
RC setup_admin(struct kbs_main *m, struct admin_config *c);
/* Says in the log what will soon keep guests away: a TLS certificate that is past its time, or will be within a week. */
void setup_warn_certificate(const struct kbs_main *m);
/* Listeners with their TLS; the handlers' ctx is m->http, where there is one yet. */
RC setup_server(struct kbs_main *m, struct server_config *out);
