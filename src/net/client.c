#include "net/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"

struct client {
	CURL *curl;
	struct client_options o;
	char error[CURL_ERROR_SIZE];
};

struct sink {
	struct buf body;
	struct slice set_cookie;
	struct arena *a;
};

rc client_new(const struct client_options *o, struct client **out, struct why *w)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(c->curl = curl_easy_init())) {
		free(c);
		return deny(w, E_INTERNAL, "client.memory", "cannot start the HTTP client");
	}
	c->o = *o;
	if (!c->o.timeout_ms)
		c->o.timeout_ms = 60000;
	if (!c->o.reply_max)
		c->o.reply_max = (size_t)64 << 20;
	*out = c;
	return rc_of(OK);
}

void client_free(struct client *c)
{
	if (c) {
		curl_easy_cleanup(c->curl);
		free(c);
	}
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct sink *s = ctx;

	buf_put(&s->body, p, size * n);
	return buf_ok(&s->body) ? size * n : 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct sink *s = ctx;
	size_t len = size * n;

	if (len > 11 && strncasecmp(p, "set-cookie:", 11) == 0) {
		struct slice v = slice_of(p + 11, len - 11);

		while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
			v = slice_sub(v, 1, v.n);
		while (v.n && (v.p[v.n - 1] == '\r' || v.p[v.n - 1] == '\n'))
			v.n--;
		s->set_cookie = arena_dup(s->a, v);
	}
	return len;
}

static rc failed(struct client *c, CURLcode code, const char *url, struct why *w)
{
	const char *text = c->error[0] ? c->error : curl_easy_strerror(code);

	switch ((int)code) {
	case CURLE_SSL_CACERT_BADFILE:
		return deny(w, E_UNAVAILABLE, "client.ca", "%s holds no PEM certificate that can be read", c->o.ca_file ? c->o.ca_file : "the system's store");
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
		return deny(w, E_UNAVAILABLE, "client.tls", "%s: the server's certificate or TLS is not acceptable: %s", url, text);
	case CURLE_OPERATION_TIMEDOUT:
		return deny(w, E_UNAVAILABLE, "client.timeout", "%s: no answer in time: %s", url, text);
	case CURLE_WRITE_ERROR:
		return deny(w, E_LIMIT, "client.size", "%s: the answer is larger than %zu bytes", url, c->o.reply_max);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return deny(w, E_MALFORMED, "client.url", "%s: not a URL that can be asked: %s", url, text);
	default:
		return deny(w, E_UNAVAILABLE, "client.connect", "%s: %s", url, text);
	}
}

rc client_do(struct client *c, const struct client_call *call, struct arena *a, struct client_reply *out, struct why *w)
{
	struct sink sink = {.body = buf_in(a, c->o.reply_max), .a = a};
	struct curl_slist *headers = NULL;
	long status = 0;
	CURLcode code;

	curl_easy_reset(c->curl);
	c->error[0] = 0;
	if (call->content_type)
		headers = curl_slist_append(headers, arena_printf(a, "Content-Type: %s", call->content_type));
	else
		headers = curl_slist_append(headers, "Content-Type:");
	headers = curl_slist_append(headers, "Expect:");
	for (size_t i = 0; call->headers && call->headers[i]; i++)
		headers = curl_slist_append(headers, call->headers[i]);
	curl_easy_setopt(c->curl, CURLOPT_URL, call->url);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)c->o.timeout_ms);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(c->curl, CURLOPT_USERAGENT, c->o.user_agent ? c->o.user_agent : "warrant");
	curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->o.ca_file)
		curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->o.ca_file);
	if (call->body.p || strcmp(call->method, "POST") == 0) {
		curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, call->method);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, call->body.p ? (const char *)call->body.p : "");
	}
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &sink);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &sink);
	code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return failed(c, code, call->url, w);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!buf_cstr(&sink.body))
		return deny(w, E_LIMIT, "client.size", "%s: no room for the answer", call->url);
	*out = (struct client_reply){(int)status, buf_view(&sink.body), sink.set_cookie};
	return rc_of(OK);
}
