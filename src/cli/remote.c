#include "cli/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/sys.h"
#include "net/client.h"

struct remote {
	struct client *client;
	char *url;	/* without a slash at the end */
};

/* Is the authority this host's own? */
static bool loopback(const char *authority)
{
	size_t n = strcspn(authority, "/");

	if (authority[0] == '[')
		return strncmp(authority, "[::1]", 5) == 0;
	if (memchr(authority, '@', n))
		return false;
	n = strcspn(authority, ":/");
	return (n == 9 && strncmp(authority, "localhost", 9) == 0) || (n >= 7 && n < 16 && strncmp(authority, "127.", 4) == 0 && strspn(authority, "0123456789.") == n);
}

rc remote_open(const struct remote_options *o, struct remote **out, struct why *w)
{
	struct client_options options = {.ca_file = o->cert_file, .user_agent = "kbs-client/" WARRANT_VERSION};
	const char *url = o->url ? o->url : REMOTE_DEFAULT_URL;
	struct remote *r;
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return deny(w, E_MALFORMED, "cli.usage.url", "--url: \"%s\" is not an http:// or https:// URL", url);
	if (strncmp(url, "http://", 7) == 0 && !loopback(url + 7))
		fprintf(stderr, "warning: %s has no TLS: whoever is on the way reads tokens and may change answers\n", url);
	if (o->cert_file && !file_exists(o->cert_file))
		return deny(w, E_NOTFOUND, "client.ca", "%s: no such certificate file", o->cert_file);
	r = calloc(1, sizeof(*r));
	if (!r || !(r->url = strndup(url, n))) {
		free(r);
		return deny(w, E_INTERNAL, "client.memory", "no memory");
	}
	if (!rc_ok(client_new(&options, &r->client, w))) {
		remote_close(r);
		return rc_of(E_INTERNAL);
	}
	*out = r;
	return rc_of(OK);
}

void remote_close(struct remote *r)
{
	if (r) {
		client_free(r->client);
		free(r->url);
		free(r);
	}
}

/* "kbs-session-id=VALUE; Expires=..." */
static struct slice session_of(struct slice set_cookie)
{
	static const char name[] = "kbs-session-id=";
	struct slice v;
	const uint8_t *semi;

	if (set_cookie.n < sizeof(name) || memcmp(set_cookie.p, name, sizeof(name) - 1) != 0)
		return (struct slice){NULL, 0};
	v = slice_sub(set_cookie, sizeof(name) - 1, set_cookie.n);
	semi = memchr(v.p, ';', v.n);
	return slice_sub(v, 0, semi ? (size_t)(semi - v.p) : v.n);
}

/* What the library says of a refused connection does not say what to change. */
static rc hinted(const struct remote *r, rc result, struct why *w)
{
	const char *reason = rc_ok(result) ? "" : why_reason(w);

	if (strcmp(reason, "client.tls") == 0 && !remote_options.cert_file)
		return note(w, result, "no --cert-file is given: the roots of this system decide");
	if (strcmp(reason, "client.connect") == 0 && strncmp(r->url, "http://", 7) == 0)
		return note(w, result, "asking without TLS: a broker with TLS answers https:// alone");
	return result;
}

static rc call(void *ctx, const struct http_call *call, struct arena *a, struct http_answer *out, struct why *w)
{
	struct remote *r = ctx;
	const char *headers[3] = {NULL};
	struct client_call c = {.method = call->method, .content_type = call->content_type, .body = call->body, .headers = headers};
	struct client_reply reply;
	size_t n = 0;

	c.url = arena_printf(a, "%s%s", r->url, call->path);
	if (call->cookie.p)
		headers[n++] = arena_printf(a, "Cookie: kbs-session-id=%.*s", (int)call->cookie.n, (const char *)call->cookie.p);
	if (call->bearer.p)
		headers[n++] = arena_printf(a, "Authorization: Bearer %.*s", (int)call->bearer.n, (const char *)call->bearer.p);
	if (!c.url || arena_bad(a))
		return deny(w, E_INTERNAL, "client.memory", "no memory");
	TRY(hinted(r, client_do(r->client, &c, a, &reply, w), w));
	*out = (struct http_answer){reply.status, reply.body, session_of(reply.set_cookie)};
	return rc_of(OK);
}

struct transport remote_transport(struct remote *r)
{
	return (struct transport){call, r};
}

rc remote_token(const char *file, size_t max_bytes, struct arena *a, struct slice *token, struct why *w)
{
	struct slice t;

	TRY(file_read(a, file, max_bytes, &t, w));
	while (t.n && (t.p[t.n - 1] == '\n' || t.p[t.n - 1] == '\r' || t.p[t.n - 1] == ' '))
		t.n--;
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] >= 0x7f)
			return deny(w, E_MALFORMED, "client.token", "%s holds no token: byte 0x%02x at %zu", file, t.p[i], i);
	if (!t.n)
		return deny(w, E_MALFORMED, "client.token", "%s holds no token: it is empty", file);
	*token = t;
	return rc_of(OK);
}

rc remote_admin_token(const char *file, struct arena *a, struct slice *token, struct why *w)
{
	const char *home = getenv("HOME");
	struct stat st;

	*token = (struct slice){NULL, 0};
	if (!file) {
		file = home ? arena_printf(a, "%s/.trustee/admin-token", home) : NULL;
		if (!file || !file_exists(file)) {
			fprintf(stderr, "warning: no admin token: neither --admin-token-file nor $HOME/.trustee/admin-token\n");
			return rc_of(OK);
		}
	}
	if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
		fprintf(stderr, "warning: others can read the admin token %s (mode %04o): chmod 600\n", file, (unsigned)(st.st_mode & 07777));
	return note(w, remote_token(file, 65536, a, token, w), "reading the admin token");
}

char *remote_quote(struct arena *a, const char *text, bool slashes)
{
	struct buf b = buf_in(a, 65536);

	for (const char *p = text; *p; p++) {
		if ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') || strchr("-._", *p) || (slashes && *p == '/'))
			buf_putc(&b, *p);
		else
			buf_printf(&b, "%%%02X", (unsigned)(uint8_t)*p);
	}
	return buf_cstr(&b);
}

rc remote_admin(struct remote *r, struct slice token, const char *method, const char *path, const char *content_type,
		struct slice body, const char *doing, struct arena *a, struct slice *reply, struct why *w)
{
	struct http_call c = {.method = method, .path = path, .content_type = content_type, .body = body, .bearer = token};
	struct http_answer answer;

	TRY(call(r, &c, a, &answer, w));
	if (answer.status != 200)
		return guest_refused(&answer, doing, a, w);
	*reply = answer.body;
	return rc_of(OK);
}
