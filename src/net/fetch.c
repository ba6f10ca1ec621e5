/* fetch.c - libcurl with everything switched off that a broker does not need. */
#include "net/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/sys.h"

enum { HEADERS_MAX = 64, URL_MAX = 4096 };

struct fetcher {
	struct fetch_config config;
	pthread_mutex_t lock;	/* of `idle` */
	CURL *idle;		/* one handle with its kept connection; others are made as needed */
};

/* One exchange under way. */
struct exchange {
	struct arena *arena;
	struct fetch_reply *reply;
	struct buf body;
	struct secret *secret;	/* NULL: the body goes to `body` */
	size_t secret_n;
	size_t max;
	bool too_large, no_memory;
};

RC fetcher_new(const struct fetch_config *config, struct fetcher **out, struct why *w)
{
	struct fetcher *f;

	f = calloc(1, sizeof(*f));
	if (!f)
		return deny(w, E_INTERNAL, "fetch.memory", "no memory for a fetcher");
	f->config = *config;
	f->config.max_reply = config->max_reply ? config->max_reply : (size_t)4 << 20;
	f->config.timeout_ms = config->timeout_ms ? config->timeout_ms : 10000;
	f->config.connect_ms = config->connect_ms ? config->connect_ms : 3000;
	pthread_mutex_init(&f->lock, NULL);
	*out = f;
	return rc_of(OK);
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	curl_easy_cleanup(f->idle);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* The host of an http URL must be this host itself, written as a number, so that no resolver has a say. */
static bool loopback(const char *rest)
{
	static const char *const hosts[] = {"127.0.0.1", "[::1]"};

	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		size_t n = strlen(hosts[i]);

		if (strncmp(rest, hosts[i], n) == 0 && (rest[n] == '\0' || strchr(":/?", rest[n])))
			return true;
	}
	return false;
}

static RC check_url(const struct fetcher *f, const char *url, struct why *w)
{
	bool https = url && strncmp(url, "https://", 8) == 0;
	const char *rest;

	if (!url || strlen(url) > URL_MAX)
		return deny(w, E_MALFORMED, "fetch.url", "there is no URL, or it is longer than %d bytes", URL_MAX);
	if (!https && !(f->config.allow_loopback_http && strncmp(url, "http://", 7) == 0 && loopback(url + 7)))
		return deny(w, E_MALFORMED, "fetch.url", "\"%s\" is not an https URL", url);
	rest = url + (https ? 8 : 7);
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '\\')
			return deny(w, E_MALFORMED, "fetch.url", "the URL holds byte 0x%02x", (unsigned char)*p);
	if (memchr(rest, '@', strcspn(rest, "/?#")))
		return deny(w, E_MALFORMED, "fetch.url", "the URL holds credentials");
	return rc_of(OK);
}

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	size_t n = size * count;	/* libcurl: size is 1 */

	if (n > x->max - (x->secret ? x->secret_n : x->body.n)) {
		x->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (x->secret) {
		memcpy(x->secret->p + x->secret_n, p, n);
		x->secret_n += n;
		return n;
	}
	buf_put(&x->body, p, n);
	x->no_memory = !buf_ok(&x->body);
	return x->no_memory ? CURL_WRITEFUNC_ERROR : n;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	size_t n = size * count;
	struct slice line = slice_of(p, n);
	const uint8_t *colon = n ? memchr(p, ':', n) : NULL;

	if (!colon)
		return n;	/* the status line, or the empty one */
	if (x->reply->n_headers == HEADERS_MAX) {
		x->too_large = true;
		return 0;
	}
	size_t name_n = (size_t)(colon - line.p);
	char *name = arena_strndup(x->arena, p, name_n);
	struct slice value = slice_sub(line, name_n + 1, n);
	while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = slice_sub(value, 1, value.n);
	while (value.n && strchr(" \t\r\n", value.p[value.n - 1]))
		value.n--;
	value = arena_dup(x->arena, value);
	if (!name || !value.p) {
		x->no_memory = true;
		return 0;
	}
	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	x->reply->headers[x->reply->n_headers++] = (struct fetch_header){name, value};
	return n;
}

static RC verdict(CURLcode code, const struct exchange *x, const char *url, struct why *w)
{
	if (x->too_large)
		return deny(w, E_LIMIT, "fetch.size", "the reply of %s is larger than %zu bytes or %d headers", url, x->max,
			    HEADERS_MAX);
	if (x->no_memory)
		return deny(w, E_INTERNAL, "fetch.memory", "no memory for the reply of %s", url);
	if (code == CURLE_OK)
		return rc_of(OK);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return deny(w, E_UNAVAILABLE, "fetch.timeout", "%s did not answer in time", url);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH ||
	    code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM)
		return deny(w, E_UNAVAILABLE, "fetch.tls", "%s: %s", url, curl_easy_strerror(code));
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
		return deny(w, E_UNAVAILABLE, "fetch.connect", "%s: %s", url, curl_easy_strerror(code));
	return deny(w, E_UNAVAILABLE, "fetch.io", "%s: %s", url, curl_easy_strerror(code));
}

static long timeout_of(const struct fetcher *f, const struct fetch_request *req)
{
	int64_t ms = f->config.timeout_ms;

	if (req->deadline_ns)
		ms = MIN_OF(ms, (req->deadline_ns - sys_monotonic_ns()) / 1000000);
	return (long)ms;
}

static bool set_trust(CURL *c, const struct fetch_config *config)
{
	bool ok = curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;

	if (ok && config->ca_file)
		ok = curl_easy_setopt(c, CURLOPT_CAINFO, config->ca_file) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK;
	if (ok && config->pinned_key)
		ok = curl_easy_setopt(c, CURLOPT_PINNEDPUBLICKEY, config->pinned_key) == CURLE_OK;
	if (ok && config->client_cert)
		ok = curl_easy_setopt(c, CURLOPT_SSLCERT, config->client_cert) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_SSLKEY, config->client_key) == CURLE_OK;
	return ok;
}

static bool set_limits(CURL *c, const struct fetcher *f, const char *url, long timeout)
{
	return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, f->config.allow_loopback_http ? "https,http" : "https") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, MIN_OF(timeout, (long)f->config.connect_ms)) == CURLE_OK;
}

static bool set_request(CURL *c, const struct fetch_request *req, struct curl_slist *headers)
{
	const char *method = req->method ? req->method : "GET";
	bool ok = curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK;

	if (strcmp(method, "HEAD") == 0)
		return ok && curl_easy_setopt(c, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (req->body.n || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
		ok = ok && curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body.n ? (const char *)req->body.p : "") == CURLE_OK;
	return ok && curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

/* "Expect:" without a value keeps libcurl from waiting a second before large bodies. */
static RC make_headers(const struct fetch_request *req, struct arena *a, struct curl_slist **out, struct why *w)
{
	*out = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; *out && i < req->n_headers; i++) {
		const struct fetch_header *h = &req->headers[i];
		struct buf b = buf_in(a, 65536);
		struct curl_slist *longer;
		const char *text;

		for (size_t k = 0; k < h->value.n; k++)
			if (h->value.p[k] < 0x20 || h->value.p[k] == 0x7f)
				return deny(w, E_MALFORMED, "fetch.header", "the value of %s holds a control character", h->name);
		buf_printf(&b, h->value.n ? "%s: " : "%s;", h->name);
		buf_slice(&b, h->value);
		text = buf_cstr(&b);
		longer = text ? curl_slist_append(*out, text) : NULL;
		if (!longer)
			return deny(w, E_INTERNAL, "fetch.memory", "no memory for the headers");
		*out = longer;
	}
	return *out ? rc_of(OK) : deny(w, E_INTERNAL, "fetch.memory", "no memory for the headers");
}

/* With the first question, not before: most processes ask nobody, and need not carry the library. */
static void start_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);	/* where it fails, curl_easy_init() does */
}

static CURL *take_handle(struct fetcher *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CURL *c;

	pthread_mutex_lock(&f->lock);
	c = f->idle;
	f->idle = NULL;
	pthread_mutex_unlock(&f->lock);
	pthread_once(&once, start_curl);
	if (!c)
		return curl_easy_init();
	curl_easy_reset(c);	/* options go, the connection stays */
	return c;
}

static void give_handle(struct fetcher *f, CURL *c)
{
	pthread_mutex_lock(&f->lock);
	if (!f->idle) {
		f->idle = c;
		c = NULL;
	}
	pthread_mutex_unlock(&f->lock);
	curl_easy_cleanup(c);
}

static RC perform(struct fetcher *f, const struct fetch_request *req, struct exchange *x, struct why *w)
{
	struct curl_slist *headers = NULL;
	long timeout = timeout_of(f, req), status = 0;
	CURL *c;

	if (timeout <= 0)
		return deny(w, E_UNAVAILABLE, "fetch.timeout", "no time is left to ask %s", req->url);
	c = take_handle(f);
	rc r = c ? make_headers(req, x->arena, &headers, w) : deny(w, E_INTERNAL, "fetch.memory", "libcurl does not start: no memory, or it is not installed");
	if (rc_ok(r) && !(set_limits(c, f, req->url, timeout) && set_trust(c, &f->config) && set_request(c, req, headers) &&
			  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
			  curl_easy_setopt(c, CURLOPT_WRITEDATA, x) == CURLE_OK &&
			  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
			  curl_easy_setopt(c, CURLOPT_HEADERDATA, x) == CURLE_OK))
		r = deny(w, E_INTERNAL, "fetch.option", "libcurl does not take an option");
	if (rc_ok(r)) {
		r = verdict(curl_easy_perform(c), x, req->url, w);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		x->reply->status = (unsigned)status;
	}
	curl_slist_free_all(headers);
	if (c)
		give_handle(f, c);
	return r;
}

static RC run(struct fetcher *f, const struct fetch_request *req, struct arena *a, struct fetch_reply *out,
	      struct secret *secret, struct why *w)
{
	struct fetch_reply reply = {.headers = arena_array(a, HEADERS_MAX, struct fetch_header)};
	struct exchange x = {.arena = a, .reply = &reply, .body = buf_in(a, f->config.max_reply + 1), .secret = secret,
			     .max = f->config.max_reply};

	TRY(check_url(f, req->url, w));
	if (!reply.headers)
		return deny(w, E_INTERNAL, "fetch.memory", "no memory for a reply");
	TRY(perform(f, req, &x, w));
	if (secret)
		secret_shrink(secret, x.secret_n);
	reply.body = buf_view(&x.body);
	*out = reply;
	return rc_of(OK);
}

RC fetch(struct fetcher *f, const struct fetch_request *req, struct arena *a, struct fetch_reply *out, struct why *w)
{
	return run(f, req, a, out, NULL, w);
}

RC fetch_secret(struct fetcher *f, const struct fetch_request *req, struct arena *a, struct fetch_reply *out,
		struct secret *body, struct why *w)
{
	SECRET(room);

	TRY(secret_new(&room, f->config.max_reply, w));
	TRY(run(f, req, a, out, &room, w));
	secret_free(body);
	*body = secret_move(&room);
	return rc_of(OK);
}

struct slice fetch_header_get(const struct fetch_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->n_headers; i++)
		if (strcmp(reply->headers[i].name, name) == 0)
			return reply->headers[i].value;
	return (struct slice){0};
}
