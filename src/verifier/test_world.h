/* test_world.h - worlds of the laboratory in a test: made once, trusted as an operator would, with evidence of chosen fields. */
#pragma once
#include "verifier/test_driver.h"

#include <stdio.h>

#include "crypto/pkey.h"
#include "lab/lab.h"
#include "verifier/registry.h"

#define NOW ((int64_t)1795557718)

struct world {
	struct arena *a;
	struct lab_world lab;
	const struct vdriver *driver;
};

static const uint8_t request[48] = {0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59};

/* Keys take long to make: each world is made once. */
#define KEPT_MAX 32u

static struct kept {
	char tee[16], variant[16];
	struct arena *a;
	struct lab_world lab;
} kept[KEPT_MAX];

static inline struct kept *keep(const char *tee, const char *variant)
{
	const struct lab_options o = {.variant = variant, .now_s = NOW, .small_keys = true};
	struct why why;
	struct kept *k = kept;

	while (k->a && (strcmp(k->tee, tee) != 0 || strcmp(k->variant, variant ? variant : "") != 0))
		assert_true(++k < kept + KEPT_MAX);
	if (k->a)
		return k;
	snprintf(k->tee, sizeof(k->tee), "%s", tee);
	snprintf(k->variant, sizeof(k->variant), "%s", variant ? variant : "");
	k->a = arena_new(0);
	why = why_in(k->a);
	if (!rc_ok(lab_make(tee, &o, k->a, &k->lab, &why)))
		fail_msg("%s: %s", tee, why_text(&why));
	return k;
}

static inline int forget_worlds(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEPT_MAX; i++)
		kept[i].a = arena_free(kept[i].a);
	return 0;
}

static inline void world_open(struct world *w, const char *tee, const char *variant)
{
	w->a = arena_new(0);
	w->driver = registry_find(tee);
	assert_non_null(w->driver);
	w->lab = keep(tee, variant)->lab;
}

static inline void world_close(struct world *w)
{
	w->a = arena_free(w->a);
}

/* As an operator's trust folder would enrol it: by the key. */
static inline void trust(struct trial *t, const struct lab_item *item)
{
	struct pkey *key = NULL;
	struct slice spki;

	assert_true(rc_ok(pkey_from_pem(item->bytes, &key, NULL)));
	assert_true(rc_ok(pkey_to_spki(key, t->a, &spki, NULL)));
	trial_anchor(t, item->anchor, spki);
	pkey_free(key);
}

static inline void begin_bound(struct trial *t, const struct world *w, const char *fields, struct slice init_data)
{
	const struct lab_binding bind = {.report_data = slice_of(request, sizeof(request)), .init_data = init_data, .now_s = NOW};
	struct json *v = NULL;
	struct slice evidence;
	struct why why = why_in(w->a);

	if (fields)
		assert_true(rc_ok(json_parse(w->a, slice_cstr(fields), NULL, &v, NULL)));
	if (!rc_ok(lab_evidence(&w->lab, &bind, v, w->a, &evidence, &why)))
		fail_msg("%s: %s", fields ? fields : w->lab.tee, why_text(&why));
	trial_begin(t, evidence);
	t->job.without = 0;
	t->job.no_time = false;
	t->job.now_s = NOW;
	t->job.report_data[0] = bind.report_data;
	t->job.report_data_n = 1;
	for (size_t i = 0; i < w->lab.n; i++) {
		if (w->lab.item[i].anchor)
			trust(t, &w->lab.item[i]);
		if (w->lab.item[i].kind)
			trial_collateral(t, w->lab.item[i].kind, w->lab.item[i].key, w->lab.item[i].bytes);
	}
}

static inline void begin(struct trial *t, const struct world *w, const char *fields)
{
	begin_bound(t, w, fields, (struct slice){0});
}

/* Calls back for each variant of each shape: the names stand in one text, "rsa, ecc". */
static inline void each_variant(void (*fn)(struct world *))
{
	for (size_t i = 0; lab_shapes[i]; i++) {
		const char *v = lab_shapes[i]->variants;

		do {
			struct world w = {0};
			char name[32] = "";

			if (v) {
				size_t n = strcspn(v, ",");

				snprintf(name, sizeof(name), "%.*s", (int)n, v);
				v += n + strspn(v + n, ", ");
			}
			world_open(&w, lab_shapes[i]->tee, name[0] ? name : NULL);
			fn(&w);
			world_close(&w);
		} while (v && *v);
	}
}
