#include "store/files_name.h"

#include "base/buf.h"
#include "base/cur.h"

#define JOURNAL_MAGIC 0x57724a31u /* "WrJ1" */
#define STEPS_MAX     (2u * STORE_BATCH_MAX)

static const char hex[] = "0123456789ABCDEF";

size_t files_name(const char *key, bool expires, char out[FILES_NAME_MAX])
{
	size_t n = 0, part = 0;

	for (const char *p = key; *p; p++) {
		bool escaped;

		if (part >= FILES_PART) {
			memcpy(out + n, "\\+/", 3);
			n += 3;
			part = 0;
		}
		escaped = *p == '/' || *p == '\\' || (*p == '.' && part == 0);
		if (escaped) {
			memcpy(out + n, "\\x", 2);
			out[n + 2] = hex[*p >> 4];
			out[n + 3] = hex[*p & 15];
		} else {
			out[n] = *p;
		}
		n += escaped ? 4 : 1;
		part += escaped ? 4 : 1;
	}
	if (expires) {
		out[n++] = '\\';
		out[n++] = 'e';
	}
	out[n] = 0;
	return n;
}

static rc not_ours(struct slice name, struct why *w)
{
	return deny(w, E_MALFORMED, "store.name", "\"" SLICE_FMT "\" is not the name of a value", SLICE_ARG(name));
}

/* Behind a backslash: the character that was escaped; 0 for a part's end; -1 for the end of a value that expires. */
static int unescape(struct cur *c)
{
	struct slice digits;

	switch (cur_u8(c)) {
	case 'e':
		return -1;
	case '+':
		if (cur_u8(c) != '/')
			cur_spoil(c);
		return 0;
	case 'x':
		digits = cur_take(c, 2);
		if (slice_is(digits, "2F"))
			return '/';
		if (slice_is(digits, "5C"))
			return '\\';
		if (slice_is(digits, "2E"))
			return '.';
		break;
	default:
		break;
	}
	cur_spoil(c);
	return 0;
}

rc files_key(struct slice name, char key[STORE_KEY_MAX + 1], bool *expires, struct why *w)
{
	char again[FILES_NAME_MAX];
	struct msg m;
	struct cur c = cur_open(&m, name);
	bool ends = false;
	size_t n = 0;

	while (cur_more(&c) && !ends) {
		int ch = cur_u8(&c);

		if (ch == '\\')
			ch = unescape(&c);
		else if (ch < 0x20 || ch > 0x7e)
			cur_spoil(&c);
		ends = ch < 0;
		if (ch > 0 && n == STORE_KEY_MAX)
			cur_spoil(&c);
		else if (ch > 0)
			key[n++] = (char)ch;
	}
	key[n] = 0;
	if (!rc_ok(cur_end(&c, NULL, "store.name", "file name")) || n == 0)
		return not_ours(name, w);
	/* One name a key: what does not come out the same way was not written by us. */
	if (!slice_eq(slice_of(again, files_name(key, ends, again)), name))
		return not_ours(name, w);
	*expires = ends;
	return rc_of(OK);
}

struct slice files_journal_write(struct arena *a, const struct files_step *steps, size_t n)
{
	struct buf b = buf_in(a, 0);

	buf_be32(&b, JOURNAL_MAGIC);
	buf_be32(&b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		struct slice from = slice_cstr(steps[i].from), to = slice_cstr(steps[i].to);

		buf_be16(&b, (uint16_t)from.n);
		buf_slice(&b, from);
		buf_be16(&b, (uint16_t)to.n);
		buf_slice(&b, to);
	}
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

static bool stays_inside(struct slice path)
{
	size_t start = 0;

	if (path.n == 0)
		return false;
	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.p[i] == 0)
			return false;
		if (i < path.n && path.p[i] != '/')
			continue;
		if (i == start || path.p[start] == '.')
			return false; /* an empty part, ".", "..", or a name that we never make */
		start = i + 1;
	}
	return true;
}

rc files_journal_parse(struct arena *a, struct slice in, struct files_step **steps, size_t *n, struct why *w)
{
	struct files_step *got;
	uint32_t count;
	struct msg m;
	struct cur c = cur_open(&m, in);

	if (cur_be32(&c) != JOURNAL_MAGIC)
		cur_spoil(&c);
	count = cur_be32(&c);
	if (count > STEPS_MAX || count > in.n / 4)
		cur_spoil(&c);
	got = m.bad ? NULL : arena_array(a, count + 1, struct files_step);
	if (!m.bad && !got)
		return store_refuse_memory(w);
	for (uint32_t i = 0; i < count && !m.bad; i++) {
		struct slice from = cur_take(&c, cur_be16(&c)), to = cur_take(&c, cur_be16(&c));

		if ((from.n && (!stays_inside(from) || memchr(from.p, '/', from.n))) || !stays_inside(to))
			cur_spoil(&c);
		got[i].from = from.n ? arena_strndup(a, from.p, from.n) : NULL;
		got[i].to = arena_strndup(a, to.p, to.n);
		if (!got[i].to || (from.n && !got[i].from))
			return store_refuse_memory(w);
	}
	TRY(cur_end(&c, w, "store.journal", "journal"));
	*steps = got;
	*n = count;
	return rc_of(OK);
}
