/* certs.h - certificates and requests as values with the field names of Go's crypto/x509. */
#pragma once
#include "rego/builtin/lib.h"

/* RV_UNDEF when the DER is malformed (or memory ran out: ask the heap). uris: with the member URIStrings. */
struct rv cert_value(struct rego_call *c, struct slice der, bool uris);
struct rv cert_request_value(struct rego_call *c, struct slice der);
/* Its extended key usages, as Go's numbers; -1 in front when it names none. At most 16. */
size_t cert_key_usages(struct slice der, int *out, size_t max);
