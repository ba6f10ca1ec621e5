/* test_shared.h - recorded cases for tests: files below $WARRANT_SHARED/evidence; a test skips when they are not there. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/sys.h"
#include "codec/base64.h"
#include "codec/json.h"

/* p == NULL when the file is absent. */
static inline struct slice shared_try(struct arena *a, const char *path)
{
	const char *root = getenv("WARRANT_SHARED");
	struct slice bytes = {0};

	if (root && rc_ok(file_read(a, arena_printf(a, "%s/evidence/%s", root, path), 1u << 22, &bytes, NULL)))
		return bytes;
	return (struct slice){0};
}

static inline struct slice shared_file(struct arena *a, const char *path)
{
	struct slice bytes = shared_try(a, path);

	if (!bytes.p) {
		arena_free(a);	/* skip() does not come back */
		skip();
	}
	return bytes;
}

/* Into the arena of a group of tests, which its teardown frees. */
static inline struct slice shared_of_group(struct arena *group, const char *path)
{
	static struct {
		const struct arena *of;
		const char *path;
		struct slice bytes;
	} read[64];	/* once: tests ask thousands of times */
	size_t i = 0;

	for (; i < 64 && read[i].of; i++)
		if (read[i].of == group && strcmp(read[i].path, path) == 0)
			return read[i].bytes;
	assert_true(i < 64);
	read[i].bytes = shared_try(group, path);
	if (!read[i].bytes.p)
		skip();
	read[i].path = arena_strdup(group, path);
	read[i].of = group;
	return read[i].bytes;
}

/* cases.json of a platform: the array. */
static inline const struct json *shared_cases(struct arena *a, const char *platform)
{
	struct slice text = shared_file(a, arena_printf(a, "%s/cases.json", platform));
	struct json *v = NULL;

	if (!rc_ok(json_parse(a, text, NULL, &v, NULL)))
		fail_msg("%s/cases.json is no JSON", platform);
	return json_is(v, JSON_ARRAY) ? v : json_get(v, "cases");
}

static inline const struct json *shared_case(struct arena *a, const char *platform, const char *id)
{
	const struct json *cases = shared_cases(a, platform);

	for (size_t i = 0; cases && i < cases->n; i++)
		if (slice_is(json_get(json_at(cases, i), "id")->text, id))
			return json_at(cases, i);
	fail_msg("no case %s", id);
	return NULL;
}

/* A copy of exactly n bytes in memory of its own, so that a sanitizer sees the first byte beyond. Free it. */
static inline uint8_t *exact_copy(struct slice s, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	assert_non_null(p);
	if (n)
		memcpy(p, s.p, n);
	return p;
}
