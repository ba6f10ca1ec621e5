/* jwt.h - what tokens need of the encodings (encoding.c). */
#pragma once
#include "rego/builtin/lib.h"

/* Base64url with or without padding, as base64url.decode reads it. False: err says why, unless the buffer failed. */
bool lib_base64url(struct rego_call *c, struct slice s, struct buf *out, char *err, size_t err_n);
/* Padded standard base64, newlines skipped; *bad is the offset that Go names. */
bool lib_base64(struct slice s, struct buf *out, size_t *bad);
/* The text that json.marshal gives. */
RC lib_json_text(struct rego_call *c, struct rv v, struct slice *out);
