#include "main/kbs_se.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "verifier/se/hostkeys.h"
#include "verifier/se/uv.h"

#define FILE_MAX  ((size_t)1 << 20)
#define FILES_MAX 256u

/* ---- folders ---- */

/* One file of a folder. */
typedef rc file_fn(void *ctx, struct slice bytes, struct arena *a, struct why *w);

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* In the order of their names: whatever a file system lists first, the same files mean the same. */
static rc list_files(const char *dir, const char *names[FILES_MAX], size_t *n, struct arena *a, struct why *w)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	rc r = rc_of(OK);

	*n = 0;
	if (!d)
		return deny(w, E_UNAVAILABLE, "config.se", "cannot read %s: %s", dir, strerror(errno));
	while (rc_ok(r) && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (*n == FILES_MAX)
			r = deny(w, E_LIMIT, "config.se", "%s has more than %u files", dir, FILES_MAX);
		else if (!(names[(*n)++] = arena_strdup(a, e->d_name)))
			r = deny(w, E_INTERNAL, "kbs.memory", "no memory");
	}
	closedir(d);
	if (rc_ok(r))
		qsort(names, *n, sizeof(names[0]), by_name);
	return r;
}

static rc each_file(const char *dir, file_fn *fn, void *ctx, struct arena *a, struct why *w)
{
	const char *names[FILES_MAX];
	size_t n;

	TRY(list_files(dir, names, &n, a, w));
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", dir, names[i]);
		struct slice bytes;
		rc r = path ? file_read(a, path, FILE_MAX, &bytes, w) : deny(w, E_INTERNAL, "kbs.memory", "no memory");

		if (rc_ok(r))
			r = fn(ctx, bytes, a, w);
		TRY(note(w, r, "reading %s/%s", dir, names[i]));
	}
	return rc_of(OK);
}

/* ---- what host key documents are checked with, and these ---- */

static rc add_certificates(void *ctx, struct slice bytes, struct arena *a, struct why *w)
{
	return se_trust_certificates(ctx, bytes, a, w);
}

static rc add_list(void *ctx, struct slice bytes, struct arena *a, struct why *w)
{
	(void)a;
	return se_trust_list(ctx, bytes, w);
}

static rc load_trust(const struct kbs_se_settings *s, struct se_trust *t, struct arena *a, struct why *w)
{
	struct slice bytes;

	if (s->certificates)
		TRY(each_file(s->certificates, add_certificates, t, a, w));
	if (s->lists)
		TRY(each_file(s->lists, add_list, t, a, w));
	if (s->root) {
		TRY(file_read(a, s->root, FILE_MAX, &bytes, w));
		TRY(note(w, se_trust_root(t, bytes, w), "reading %s", s->root));
	}
	return rc_of(OK);
}

struct keys {
	struct se_trust trust;
	int64_t now_s;
	struct kbs_se *out;
};

static rc add_host_key(void *ctx, struct slice bytes, struct arena *a, struct why *w)
{
	struct keys *k = ctx;

	if (k->out->n == COUNT_OF(k->out->key))
		return deny(w, E_LIMIT, "config.se", "more than %zu host keys", COUNT_OF(k->out->key));
	TRY(se_host_key(&k->trust, bytes, k->now_s, a, &k->out->key[k->out->n], w));
	k->out->n++;
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
	struct keys k = {.now_s = now_s, .out = out};
	rc r = load_trust(s, &k.trust, a, w);

	if (rc_ok(r))
		r = each_file(s->host_keys, add_host_key, &k, a, w);
	se_trust_free(&k.trust);
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
