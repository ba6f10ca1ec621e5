/* xml_late.c - libxml2, loaded when the first reference integrity manifest is read (base/late.h): only NVIDIA's evidence has one. A
 * worker loads it with rim_prepare(), before its sandbox closes.
 */
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>

#include "base/late.h"
#include "evidence/rim.h"

static struct late lib = LATE_LIBRARY("libxml2.so.2");

/* The library's allocator is malloc, unless somebody told it otherwise, which nobody here does. */
xmlFreeFunc xmlFree = free;

bool rim_prepare(void)
{
	if (!late_load(&lib))
		return false;
	xmlInitParser();
	return true;
}

void xmlInitParser(void)
{
	__typeof__(xmlInitParser) *f = LATE(lib, xmlInitParser);

	if (f)
		f();
}

void xmlSetGenericErrorFunc(void *ctx, xmlGenericErrorFunc handler)
{
	__typeof__(xmlSetGenericErrorFunc) *f = LATE(lib, xmlSetGenericErrorFunc);

	if (f)
		f(ctx, handler);
}

xmlDocPtr xmlReadMemory(const char *p, int n, const char *url, const char *encoding, int options)
{
	__typeof__(xmlReadMemory) *f = LATE(lib, xmlReadMemory);

	return f ? f(p, n, url, encoding, options) : NULL;
}

void xmlFreeDoc(xmlDocPtr doc)
{
	__typeof__(xmlFreeDoc) *f = doc ? LATE(lib, xmlFreeDoc) : NULL;

	if (f)
		f(doc);
}

xmlNodePtr xmlDocGetRootElement(const xmlDoc *doc)
{
	__typeof__(xmlDocGetRootElement) *f = LATE(lib, xmlDocGetRootElement);

	return f ? f(doc) : NULL;
}

xmlChar *xmlNodeGetContent(const xmlNode *node)
{
	__typeof__(xmlNodeGetContent) *f = LATE(lib, xmlNodeGetContent);

	return f ? f(node) : NULL;
}

xmlChar *xmlGetNsProp(const xmlNode *node, const xmlChar *name, const xmlChar *space)
{
	__typeof__(xmlGetNsProp) *f = LATE(lib, xmlGetNsProp);

	return f ? f(node, name, space) : NULL;
}

xmlChar *xmlGetNoNsProp(const xmlNode *node, const xmlChar *name)
{
	__typeof__(xmlGetNoNsProp) *f = LATE(lib, xmlGetNoNsProp);

	return f ? f(node, name) : NULL;
}

int xmlStrEqual(const xmlChar *x, const xmlChar *y)
{
	__typeof__(xmlStrEqual) *f = LATE(lib, xmlStrEqual);

	return f ? f(x, y) : 0;
}

xmlOutputBufferPtr xmlAllocOutputBuffer(xmlCharEncodingHandlerPtr encoder)
{
	__typeof__(xmlAllocOutputBuffer) *f = LATE(lib, xmlAllocOutputBuffer);

	return f ? f(encoder) : NULL;
}

int xmlOutputBufferFlush(xmlOutputBufferPtr b)
{
	__typeof__(xmlOutputBufferFlush) *f = LATE(lib, xmlOutputBufferFlush);

	return f ? f(b) : -1;
}

int xmlOutputBufferClose(xmlOutputBufferPtr b)
{
	__typeof__(xmlOutputBufferClose) *f = LATE(lib, xmlOutputBufferClose);

	return f ? f(b) : -1;
}

const xmlChar *xmlOutputBufferGetContent(xmlOutputBufferPtr b)
{
	__typeof__(xmlOutputBufferGetContent) *f = LATE(lib, xmlOutputBufferGetContent);

	return f ? f(b) : NULL;
}

size_t xmlOutputBufferGetSize(xmlOutputBufferPtr b)
{
	__typeof__(xmlOutputBufferGetSize) *f = LATE(lib, xmlOutputBufferGetSize);

	return f ? f(b) : 0;
}

int xmlC14NExecute(xmlDocPtr doc, xmlC14NIsVisibleCallback visible, void *ctx, int mode, xmlChar **prefixes, int comments,
		   xmlOutputBufferPtr out)
{
	__typeof__(xmlC14NExecute) *f = LATE(lib, xmlC14NExecute);

	return f ? f(doc, visible, ctx, mode, prefixes, comments, out) : -1;
}
