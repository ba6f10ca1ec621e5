/* curl_late.c - libcurl, loaded when something is asked of another host (base/late.h). */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdarg.h>

#include "base/late.h"

static struct late lib = LATE_LIBRARY("libcurl.so.4");

CURLcode curl_global_init(long flags)
{
	__typeof__(curl_global_init) *f = LATE(lib, curl_global_init);

	return f ? f(flags) : CURLE_FAILED_INIT;
}

CURL *curl_easy_init(void)
{
	__typeof__(curl_easy_init) *f = LATE(lib, curl_easy_init);

	return f ? f() : NULL;
}

/* Each option has the type that its number says. */
CURLcode curl_easy_setopt(CURL *c, CURLoption option, ...)
{
	__typeof__(curl_easy_setopt) *f = LATE(lib, curl_easy_setopt);
	CURLcode r = CURLE_FAILED_INIT;
	va_list ap;

	if (!f)
		return r;
	va_start(ap, option);
	if ((int)option / 10000 * 10000 == CURLOPTTYPE_LONG)
		r = f(c, option, va_arg(ap, long));
	else if ((int)option / 10000 * 10000 == CURLOPTTYPE_OFF_T)
		r = f(c, option, va_arg(ap, curl_off_t));
	else
		r = f(c, option, va_arg(ap, void *));
	va_end(ap);
	return r;
}

/* Each answer goes where a pointer says. */
CURLcode curl_easy_getinfo(CURL *c, CURLINFO info, ...)
{
	__typeof__(curl_easy_getinfo) *f = LATE(lib, curl_easy_getinfo);
	CURLcode r;
	va_list ap;

	va_start(ap, info);
	r = f ? f(c, info, va_arg(ap, void *)) : CURLE_FAILED_INIT;
	va_end(ap);
	return r;
}

CURLcode curl_easy_perform(CURL *c)
{
	__typeof__(curl_easy_perform) *f = LATE(lib, curl_easy_perform);

	return f ? f(c) : CURLE_FAILED_INIT;
}

void curl_easy_reset(CURL *c)
{
	__typeof__(curl_easy_reset) *f = LATE(lib, curl_easy_reset);

	if (f)
		f(c);
}

void curl_easy_cleanup(CURL *c)
{
	__typeof__(curl_easy_cleanup) *f = c ? LATE(lib, curl_easy_cleanup) : NULL;

	if (f)
		f(c);
}

const char *curl_easy_strerror(CURLcode code)
{
	__typeof__(curl_easy_strerror) *f = LATE(lib, curl_easy_strerror);

	return f ? f(code) : "libcurl is not installed";
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
	__typeof__(curl_slist_append) *f = LATE(lib, curl_slist_append);

	return f ? f(list, text) : NULL;
}

void curl_slist_free_all(struct curl_slist *list)
{
	__typeof__(curl_slist_free_all) *f = list ? LATE(lib, curl_slist_free_all) : NULL;

	if (f)
		f(list);
}
