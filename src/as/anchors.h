/* anchors.h - trust anchors that operators add: digests in the store, read once a second, handed to each verification. */
#pragma once
#include "evidence/job.h"
#include "store/store.h"

#define ANCHORS_MAX 4096u

struct anchors;

RC anchors_open(struct store *store, struct anchors **out, struct why *w);
void anchors_close(struct anchors *an);
/* PEM key or certificate; set: [a-z0-9-]{1,32}. */
RC anchors_add(struct anchors *an, struct slice set, struct slice pem, struct why *w);
/* All of them, in the arena. */
RC anchors_get(struct anchors *an, struct arena *a, const struct vanchor **out, size_t *n, struct why *w);
