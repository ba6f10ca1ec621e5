#include "lab/vendor.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/num.h"
#include "lab/vendor_int.h"

#define FAULTS_MAX 32u
#define ASKED_MAX  4096u

struct vendor {
	struct arena *arena;	/* worlds; what is set; what was asked */
	const struct clock *clock;
	struct vendor_worlds worlds;
	const char *generation;	/* of AMD's world; NULL without */
	pthread_mutex_t lock;	/* of what follows */
	struct {
		const char *kind;
		struct fault fault;
	} faults[FAULTS_MAX];
	size_t faults_n;
	const struct json *with;
	struct arena *shelf;	/* of what was made */
	struct made *made;
	struct json *asked;	/* every request, as {"target", "status"} */
};

/* ---- opening ---- */

static rc load(struct vendor *v, const char *dir, struct why *w)
{
	struct why inner = why_in(v->arena);

	v->worlds.has_snp = rc_ok(lab_load(dir, "snp", v->arena, &v->worlds.snp, &inner));
	v->worlds.has_intel = rc_ok(lab_load(dir, "tdx", v->arena, &v->worlds.intel, &inner));
	v->worlds.has_nvidia = rc_ok(lab_load(dir, "nvidia", v->arena, &v->worlds.nvidia, &inner));
	if (!v->worlds.has_snp && !v->worlds.has_intel && !v->worlds.has_nvidia)
		return deny(w, E_NOTFOUND, "lab.world", "%s", why_text(&inner));
	v->generation = v->worlds.has_snp ? lab_snp_generation(&v->worlds.snp, v->arena) : NULL;
	v->asked = json_new_array(v->arena);
	return arena_bad(v->arena) ? lab_failed(w, "a vendor") : rc_of(OK);
}

rc vendor_open(const char *dir, const struct clock *clock, struct vendor **out, struct why *w)
{
	struct vendor *v = calloc(1, sizeof(*v));
	rc r;

	if (!v)
		return lab_failed(w, "a vendor");
	v->clock = clock;
	v->arena = arena_new(0);
	v->shelf = arena_new(0);
	pthread_mutex_init(&v->lock, NULL);
	r = v->arena && v->shelf ? load(v, dir, w) : lab_failed(w, "a vendor");
	if (!rc_ok(r)) {
		vendor_close(v);
		return r;
	}
	*out = v;
	return r;
}

void vendor_close(struct vendor *v)
{
	if (!v)
		return;
	arena_free(v->arena);
	arena_free(v->shelf);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

/* ---- what is set ---- */

/* Under the lock: everything is issued anew from here on. */
static void clear_shelf(struct vendor *v)
{
	arena_free(v->shelf);
	v->shelf = arena_new(0);
	v->made = NULL;
}

rc vendor_set_faults(struct vendor *v, struct slice text, struct why *w)
{
	struct fault parsed[FAULTS_MAX];
	struct json *doc;
	struct slice own;

	pthread_mutex_lock(&v->lock);
	own = arena_dup(v->arena, text);
	rc r = json_parse(v->arena, own, NULL, &doc, w);
	if (rc_ok(r) && (doc->kind != JSON_OBJECT || doc->n > FAULTS_MAX))
		r = deny(w, E_MALFORMED, "lab.fault", "faults are an object: {\"amd-crl\": \"revoked\"}");
	for (size_t i = 0; rc_ok(r) && i < doc->n; i++)
		r = fault_parse(doc->members[i].value->text, &parsed[i], w);
	if (rc_ok(r)) {
		v->faults_n = doc->n;
		for (size_t i = 0; i < doc->n; i++) {
			v->faults[i].kind = (const char *)doc->members[i].name.p;
			v->faults[i].fault = parsed[i];
		}
		clear_shelf(v);
	}
	pthread_mutex_unlock(&v->lock);
	return r;
}

static rc set_with(struct vendor *v, struct slice text, struct why *w)
{
	struct json *doc;

	TRY(json_parse(v->arena, arena_dup(v->arena, text), NULL, &doc, w));
	v->with = doc;
	clear_shelf(v);
	return rc_of(OK);
}

static struct fault fault_of(const struct vendor *v, const char *kind)
{
	struct fault any = {FAULT_NONE, 0};

	for (size_t i = 0; i < v->faults_n; i++) {
		if (strcmp(v->faults[i].kind, kind) == 0)
			return v->faults[i].fault;
		if (strcmp(v->faults[i].kind, "*") == 0)
			any = v->faults[i].fault;
	}
	return any;
}

/* ---- answering ---- */

static void say(struct vendor_reply *out, int status, const char *type, struct slice body)
{
	out->head.status = status;
	out->head.content_type = type;
	out->head.body = body;
}

static void say_text(struct vendor_reply *out, int status, const char *text)
{
	say(out, status, "text/plain", slice_cstr(text));
}

/* Under the lock. NULL: *out has the refusal. */
static const struct made *find_made(struct vendor *v, const struct http_request *r, const struct asked *q, struct fault f,
				    struct vendor_reply *out)
{
	/* a responder is asked at one target about everything */
	struct slice name = q->key ? slice_cstr(q->key) : r->target;
	struct why w = why_in(r->arena);
	struct made *m;
	rc made;

	for (m = v->made; m; m = m->next)
		if (slice_is(name, m->target))
			return m;
	m = ARENA_NEW(v->shelf, struct made);
	made = m ? vendor_make(&v->worlds, q, f, clock_now_s(v->clock), v->with, v->shelf, m, &w) : lab_failed(&w, q->kind);
	if (!rc_ok(made)) {
		say_text(out, made.code == E_NOTFOUND ? 404 : 400, why_text(&w));
		return NULL;
	}
	m->target = arena_strndup(v->shelf, name.p, name.n);
	m->next = v->made;
	v->made = m;
	return m;
}

/* The shelf may be cleared while the answer is under way: it is copied to the request's arena. */
static void say_made(struct vendor_reply *out, const struct http_request *r, const struct made *m)
{
	struct slice held = http_header(r, "if-none-match");

	http_response_header(&out->head, "ETag", arena_strdup(r->arena, m->etag));
	http_response_header(&out->head, "Last-Modified", arena_strdup(r->arena, m->modified));
	if (m->chain_header)
		http_response_header(&out->head, m->chain_header, arena_strndup(r->arena, m->chain.p, m->chain.n));
	if (held.p ? slice_is(held, m->etag) : slice_is(http_header(r, "if-modified-since"), m->modified)) {
		say(out, 304, NULL, (struct slice){0});
		return;
	}
	say(out, 200, m->type, arena_dup(r->arena, m->body));
}

static void with_fault(struct vendor *v, const struct http_request *r, const struct asked *q, struct vendor_reply *out)
{
	struct fault f = fault_of(v, q->kind);
	const struct made *m;

	switch (f.kind) {
	case FAULT_BUSY:
		http_response_header(&out->head, "Retry-After", arena_printf(r->arena, "%u", (unsigned)f.amount));
		say_text(out, 429, "too many requests");
		return;
	case FAULT_ERROR:
		say_text(out, (int)f.amount, "an error");
		return;
	case FAULT_DROP:
		out->drop = true;
		return;
	case FAULT_SLOW:
		out->delay_ms = (unsigned)(f.amount * 1000);
		break;
	case FAULT_TRUNCATED:
		out->cut = true;
		break;
	case FAULT_NONE:
	case FAULT_FUTURE:
	case FAULT_GAP:
	case FAULT_REVOKED:
	case FAULT_SIGNATURE:
	case FAULT_OTHER:
		break;
	}
	m = find_made(v, r, q, f, out);
	if (m)
		say_made(out, r, m);
}

static bool has_world(const struct vendor *v, const struct asked *q)
{
	if (strncmp(q->kind, "nvidia-", 7) == 0)
		return v->worlds.has_nvidia;
	return strncmp(q->kind, "amd-", 4) == 0 ? v->worlds.has_snp : v->worlds.has_intel;
}

/* Services are read, save the responder, which is sent its question. */
static bool right_method(const struct http_request *r)
{
	return slice_is(r->method, r->segments && slice_is(r->segment[0], "ocsp") ? "POST" : "GET");
}

/* "/lab/...": for whoever conducts the experiment. */
static void control(struct vendor *v, const struct http_request *r, struct vendor_reply *out)
{
	struct why w = why_in(r->arena);
	bool put = slice_is(r->method, "PUT");
	rc done = rc_of(OK);

	if (put && slice_is(r->path, "/lab/faults")) {
		done = vendor_set_faults(v, r->body, &w);
	} else if (put && slice_is(r->path, "/lab/documents")) {
		pthread_mutex_lock(&v->lock);
		done = set_with(v, r->body, &w);
		pthread_mutex_unlock(&v->lock);
	} else if (slice_is(r->method, "GET") && slice_is(r->path, "/lab/asked")) {
		pthread_mutex_lock(&v->lock);
		say(out, 200, "application/json", json_text(r->arena, v->asked));
		pthread_mutex_unlock(&v->lock);
		return;
	} else {
		say_text(out, 404, "the laboratory has PUT /lab/faults, PUT /lab/documents and GET /lab/asked");
		return;
	}
	say_text(out, rc_ok(done) ? 200 : 400, rc_ok(done) ? "set" : why_text(&w));
}

/* Under the lock. */
static void note_asked(struct vendor *v, const struct http_request *r, const struct vendor_reply *out)
{
	struct json *row;

	if (v->asked->n == ASKED_MAX)
		return;
	row = json_new_object(v->arena);
	json_set(v->arena, row, "target", json_new_str(v->arena, r->target));
	json_set(v->arena, row, "status", json_new_i64(v->arena, out->drop ? 0 : out->head.status));
	json_push(v->arena, v->asked, row);
}

void vendor_answer(struct vendor *v, const struct http_request *r, struct vendor_reply *out)
{
	struct asked q;

	*out = (struct vendor_reply){.head.arena = r->arena, .head.close = true};
	if (r->segments && slice_is(r->segment[0], "lab")) {
		control(v, r, out);
		return;
	}
	pthread_mutex_lock(&v->lock);
	if (!right_method(r))
		say_text(out, 405, "the services are read with GET, and the responder with POST");
	else if (!vendor_route(r, v->generation, &q) || !has_world(v, &q))
		say_text(out, 404, "there is no such thing");
	else
		with_fault(v, r, &q, out);
	note_asked(v, r, out);
	pthread_mutex_unlock(&v->lock);
}
