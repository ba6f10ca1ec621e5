/* aws.c - providers.aws.sign_req: a request with the headers of AWS Signature Version 4; http.send as far as its request. */
#include <stdlib.h>

#include "base/num.h"
#include "crypto/digest.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/jwt.h"
#include "rego/builtin/unicode.h"
#include "rego/builtin/uri.h"

struct job {
	struct rego_call *c;
	struct slice method, service, access, secret, region, session, body;
	struct rv headers;
	bool unsigned_body;
	struct uri url;
	struct slice host;
	char date[16], stamp[32];
};

static const char *const request_keys[] = {
	"method", "url", "body", "enable_redirect", "force_json_decode", "force_yaml_decode", "headers", "raw_body",
	"tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file", "tls_ca_cert_env_variable", "tls_client_cert",
	"tls_client_cert_file", "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file",
	"tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout", "cache", "force_cache",
	"force_cache_duration_seconds", "raise_error", "caching_mode", "max_retry_attempts", "cache_ignored_headers",
};

static const char *const config_keys[] = {"aws_access_key", "aws_region", "aws_secret_access_key", "aws_service"};

/* "operand N TEXT: {"a", "b"}" */
static RC name_set(struct rego_call *c, unsigned operand, const char *text, struct rv_builder *names)
{
	struct buf b = lib_buf(c);
	struct rv set = rv_builder_done(names);

	if (set.kind == RV_UNDEF)
		return lib_no_memory(c);
	rv_to_text(&b, set);
	return rego_operand_text(c, operand, "%s: " SLICE_FMT, text, SLICE_ARG(buf_view(&b)));
}

static RC check_config(struct job *j, struct rv config)
{
	struct rv_builder missing = rv_set_builder(j->c->heap, 4), invalid = rv_set_builder(j->c->heap, 4);
	struct slice *parts[] = {&j->access, &j->region, &j->secret, &j->service};
	const struct rv *v;
	bool gone = false, wrong = false;

	for (size_t i = 0; i < COUNT_OF(config_keys); i++) {
		struct rv name = rv_cstr(j->c->heap, config_keys[i]);

		v = rv_get_c(config, config_keys[i]);
		gone = gone || !v;
		wrong = wrong || (v && v->kind != RV_STRING);
		if (!v)
			rv_set_add(&missing, name);
		else if (v->kind != RV_STRING)
			rv_set_add(&invalid, name);
		else
			*parts[i] = rv_slice(*v);
	}
	if (gone)
		return name_set(j->c, 2, "missing required AWS config parameters(s)", &missing);
	if (wrong)
		return name_set(j->c, 2, "invalid values for required AWS config parameters(s)", &invalid);
	v = rv_get_c(config, "aws_session_token");
	if (v && v->kind == RV_STRING)
		j->session = rv_slice(*v);
	v = rv_get_c(config, "disable_payload_signing");
	if (v && v->kind != RV_BOOL)
		return rego_operand_text(j->c, 2, "invalid value for 'disable_payload_signing' in AWS config");
	j->unsigned_body = v && v->sub;
	return rc_of(OK);
}

static bool known_key(struct rv key)
{
	for (size_t i = 0; i < COUNT_OF(request_keys); i++)
		if (rv_is_str(key, request_keys[i]))
			return true;
	return false;
}

static RC check_request(struct job *j, struct rv req)
{
	struct rv_builder unknown = rv_set_builder(j->c->heap, 0), missing = rv_set_builder(j->c->heap, 2),
			  invalid = rv_set_builder(j->c->heap, 2);
	bool bad = false, gone = false, wrong = false;

	for (size_t i = 0; i < rv_len(req); i++) {
		if (rv_key(req, i).kind != RV_STRING || !known_key(rv_key(req, i))) {
			rv_set_add(&unknown, rv_key(req, i));
			bad = true;
		}
	}
	if (bad)
		return name_set(j->c, 1, "invalid request parameters(s)", &unknown);
	for (size_t i = 0; i < 2; i++) {
		const struct rv *v = rv_get_c(req, request_keys[i]);
		struct rv name = rv_cstr(j->c->heap, request_keys[i]);

		gone = gone || !v;
		wrong = wrong || (v && v->kind != RV_STRING);
		if (!v)
			rv_set_add(&missing, name);
		else if (v->kind != RV_STRING)
			rv_set_add(&invalid, name);
	}
	if (gone)
		return name_set(j->c, 1, "missing required request parameters(s)", &missing);
	if (rv_get_c(req, "headers") && rv_get_c(req, "headers")->kind != RV_OBJECT)
		return rego_operand_error(j->c, 0, "object", *rv_get_c(req, "headers"));
	if (wrong)
		return name_set(j->c, 1, "invalid values for required request parameters(s)", &invalid);
	return rc_of(OK);
}

static RC read_request(struct job *j, struct rv req)
{
	struct why w = why_in(j->c->heap->arena);
	const struct rv *body = rv_get_c(req, "body"), *raw = rv_get_c(req, "raw_body"), *headers = rv_get_c(req, "headers");
	struct buf host = lib_buf(j->c);
	bool v6 = false;
	rc r;

	TRY(check_request(j, req));
	j->method = rv_slice(*rv_get_c(req, "method"));
	j->headers = headers ? *headers : rv_empty_object(j->c->heap);
	r = uri_parse(j->c->heap->arena, rv_slice(*rv_get_c(req, "url")), &j->url, &w);
	if (!rc_ok(r))
		return lib_refused(j->c, r, &w);
	for (size_t i = 0; i < j->url.hostname.n; i++)
		v6 = v6 || j->url.hostname.p[i] == ':';
	buf_puts(&host, v6 ? "[" : "");
	buf_slice(&host, j->url.hostname);
	buf_puts(&host, v6 ? "]" : "");
	if (j->url.port.n) {
		buf_putc(&host, ':');
		buf_slice(&host, j->url.port);
	}
	j->host = buf_view(&host);
	if (raw)
		j->body = raw->kind == RV_STRING ? rv_slice(*raw) : j->body;
	else if (body)
		TRY(lib_json_text(j->c, *body, &j->body));
	return rc_of(OK);
}

/* ---- signing ---- */

struct field {
	struct slice name, value;
};

static int by_name(const void *a, const void *b)
{
	const struct field *x = a, *y = b;

	return slice_cmp(x->name, y->name);
}

static struct slice lowered(struct rego_call *c, struct slice s)
{
	struct buf b = lib_buf(c);

	for (size_t i = 0; i < s.n;)
		uni_put(&b, uni_lower(uni_next(s, &i)));
	return buf_view(&b);
}

static RC sha_hex(struct rego_call *c, struct slice s, struct slice *out)
{
	uint8_t d[32];
	struct why w = why_in(c->heap->arena);
	rc r = digest(DIGEST_SHA256, s, d, &w);
	struct buf b = lib_buf(c);

	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	for (size_t i = 0; i < sizeof(d); i++)
		buf_printf(&b, "%02x", d[i]);
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : lib_no_memory(c);
}

static RC mac(struct rego_call *c, uint8_t key[32], struct slice text)
{
	struct why w = why_in(c->heap->arena);
	rc r = hmac(DIGEST_SHA256, slice_of(key, 32), text, key, &w);

	return rc_ok(r) ? r : lib_refused(c, r, &w);
}

static bool ignored(struct slice name)
{
	return slice_is(name, "authorization") || slice_is(name, "user-agent") || slice_is(name, "x-amzn-trace-id");
}

/* The headers that AWS asks for. */
static size_t own_headers(const struct job *j, struct slice content, struct field out[4])
{
	size_t n = 0;

	out[n++] = (struct field){SLICE_LIT("host"), j->host};
	out[n++] = (struct field){SLICE_LIT("x-amz-date"), slice_cstr(j->stamp)};
	if (slice_is(j->service, "s3") || slice_is(j->service, "glacier"))
		out[n++] = (struct field){SLICE_LIT("x-amz-content-sha256"), content};
	if (j->session.n)
		out[n++] = (struct field){SLICE_LIT("x-amz-security-token"), j->session};
	return n;
}

/* All headers that are signed, by lower-case name; the request's own win over ours. */
static RC signed_headers(const struct job *j, const struct field *own, size_t n_own, struct field **out, size_t *n)
{
	size_t max = n_own + rv_len(j->headers), count = 0;
	struct field *f = arena_array(j->c->heap->arena, max, struct field);

	if (!f)
		return lib_no_memory(j->c);
	rv_sort(j->headers);
	for (size_t i = 0; i < rv_len(j->headers); i++) {
		struct rv k = rv_key(j->headers, i), v = rv_val(j->headers, i);
		struct slice name = k.kind == RV_STRING ? lowered(j->c, rv_slice(k)) : (struct slice){0};

		if (!ignored(name))
			f[count++] = (struct field){name, v.kind == RV_STRING ? rv_slice(v) : (struct slice){0}};
	}
	for (size_t i = 0; i < n_own; i++) {
		bool given = false;

		for (size_t k = 0; k < count && !given; k++)
			given = slice_eq(f[k].name, own[i].name);
		if (!given)
			f[count++] = own[i];
	}
	qsort(f, count, sizeof(*f), by_name);
	*out = f;
	*n = count;
	return rego_charge(j->c, count * 4);
}

static RC authorization(const struct job *j, const struct field *f, size_t n, struct slice content, struct rv *out)
{
	struct buf req = lib_buf(j->c), names = lib_buf(j->c), text = lib_buf(j->c), head = lib_buf(j->c), first = lib_buf(j->c);
	struct slice hash;
	uint8_t key[32];
	struct why w = why_in(j->c->heap->arena);
	rc r;

	for (size_t i = 0; i < n; i++)
		buf_printf(&names, "%s" SLICE_FMT, i ? ";" : "", SLICE_ARG(f[i].name));
	buf_slice(&req, j->method);
	buf_putc(&req, '\n');
	buf_slice(&req, j->url.written_path);
	buf_putc(&req, '\n');
	buf_slice(&req, j->url.raw_query);
	buf_putc(&req, '\n');
	for (size_t i = 0; i < n; i++) {
		buf_slice(&req, f[i].name);
		buf_putc(&req, ':');
		buf_slice(&req, f[i].value);
		buf_putc(&req, '\n');
	}
	buf_putc(&req, '\n');
	buf_slice(&req, buf_view(&names));
	buf_putc(&req, '\n');
	buf_slice(&req, content);
	TRY(sha_hex(j->c, buf_view(&req), &hash));
	buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s/" SLICE_FMT "/" SLICE_FMT "/aws4_request\n" SLICE_FMT, j->stamp, j->date,
		   SLICE_ARG(j->region), SLICE_ARG(j->service), SLICE_ARG(hash));

	/* the key is derived from the secret step by step */
	buf_puts(&first, "AWS4");
	buf_slice(&first, j->secret);
	r = hmac(DIGEST_SHA256, buf_view(&first), slice_cstr(j->date), key, &w);
	if (!rc_ok(r))
		return lib_refused(j->c, r, &w);
	TRY(mac(j->c, key, j->region));
	TRY(mac(j->c, key, j->service));
	TRY(mac(j->c, key, SLICE_LIT("aws4_request")));
	TRY(mac(j->c, key, buf_view(&text)));
	buf_printf(&head, "AWS4-HMAC-SHA256 Credential=" SLICE_FMT "/%s/" SLICE_FMT "/" SLICE_FMT "/aws4_request,SignedHeaders=",
		   SLICE_ARG(j->access), j->date, SLICE_ARG(j->region), SLICE_ARG(j->service));
	buf_slice(&head, buf_view(&names));
	buf_puts(&head, ",Signature=");
	for (size_t i = 0; i < sizeof(key); i++)
		buf_printf(&head, "%02x", key[i]);
	return lib_buffer(j->c, &head, out);
}

static RC sign(struct job *j, struct rv req, struct rv *out)
{
	struct rv_builder headers = rv_object_builder(j->c->heap, 8), result = rv_object_builder(j->c->heap, rv_len(req) + 1u);
	struct slice content = SLICE_LIT("UNSIGNED-PAYLOAD");
	struct field own[4], *f = NULL;
	size_t n = 0, n_own;
	struct rv auth;

	if (!j->unsigned_body)
		TRY(sha_hex(j->c, j->body, &content));
	n_own = own_headers(j, content, own);
	TRY(signed_headers(j, own, n_own, &f, &n));
	TRY(authorization(j, f, n, content, &auth));
	for (size_t i = 0; i < rv_len(j->headers); i++) {
		struct rv k = rv_key(j->headers, i), v = rv_val(j->headers, i);

		rv_object_put(&headers, k.kind == RV_STRING ? k : rv_cstr(j->c->heap, ""),
			      v.kind == RV_STRING ? v : rv_cstr(j->c->heap, ""));
	}
	rv_object_put_c(&headers, "Authorization", auth);
	for (size_t i = 0; i < n_own; i++)
		rv_object_put(&headers, rv_str(j->c->heap, own[i].name.p, own[i].name.n),
			      rv_str(j->c->heap, own[i].value.p, own[i].value.n));
	for (size_t i = 0; i < rv_len(req); i++)
		rv_object_put(&result, rv_key(req, i), rv_val(req, i));
	rv_object_put_c(&result, "headers", rv_builder_done(&headers));
	return lib_return(j->c, rv_builder_done(&result), out);
}

static rc sign_req(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct job j = {.c = c};
	struct buf date = {.p = (uint8_t *)j.date, .cap = sizeof(j.date), .max = sizeof(j.date) - 1};
	struct buf stamp = {.p = (uint8_t *)j.stamp, .cap = sizeof(j.stamp), .max = sizeof(j.stamp) - 1};
	struct gotime t;
	int64_t ns;

	(void)n;
	ARG_OBJECT(c, args, 0);
	if (args[1].kind != RV_OBJECT)
		return rego_operand_error(c, 1, "object", args[1]);
	TRY(check_config(&j, args[1]));
	if (args[2].kind != RV_NUMBER)
		return rego_operand_error(c, 1, "number", args[2]);
	if (!rv_i64(args[2], &ns) || ns < 0)
		return rego_operand_text(c, 3, "could not convert time_ns value into a unix timestamp");
	t = gotime_at(ns, NULL);
	gotime_format(&date, &t, SLICE_LIT("20060102"));
	gotime_format(&stamp, &t, SLICE_LIT("20060102T150405Z"));
	j.date[date.n] = 0;
	j.stamp[stamp.n] = 0;
	TRY(read_request(&j, args[0]));
	return sign(&j, args[0], out);
}

/* Its request is looked at, so that a bad one has its own error; then the call is refused. */
static rc http_send(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct job j = {.c = c};

	(void)n;
	(void)out;
	ARG_OBJECT(c, args, 0);
	return check_request(&j, args[0]);
}

const struct rego_builtin builtin_aws[] = {
	{"http.send", "object[string:any] -> object[any:any]", http_send, 1, REGO_NONDET | REGO_REFUSED, 1},
	{"providers.aws.sign_req", "object[string:any], object[string:any], number -> object[any:any]", sign_req, 3, 0, 50},
	{0},
};
