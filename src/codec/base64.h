/* base64.h - RFC 4648 base64 and base16, strict: no white space, no stray bits, padding as the variant says. */
#pragma once
#include "base/buf.h"
#include "base/why.h"

enum b64 {
	B64_STD,	/* +/ with padding */
	B64_URL,	/* -_ without padding */
	B64_URL_PAD,	/* -_ with padding */
	B64_STD_NOPAD,	/* +/ without padding */
};

void b64_write(struct buf *b, enum b64 variant, struct slice in);
struct slice b64_text(struct arena *a, enum b64 variant, struct slice in);
/* E_MALFORMED base64.malformed; `what` names the field. */
RC b64_decode(struct arena *a, enum b64 variant, struct slice in, struct slice *out, const char *what, struct why *w);
/* Bytes that decoding needs at most. */
size_t b64_decoded_max(size_t n);
/* Into caller memory (a secret's, say) of b64_decoded_max(in.n) bytes. */
RC b64_decode_into(enum b64 variant, struct slice in, uint8_t *out, size_t *out_n, const char *what, struct why *w);

void hex_write(struct buf *b, struct slice in);	/* lower case */
char *hex_text(struct arena *a, struct slice in);
/* Either case. E_MALFORMED hex.malformed. */
RC hex_decode(struct arena *a, struct slice in, struct slice *out, const char *what, struct why *w);
/* Exactly n bytes. */
RC hex_decode_into(struct slice in, uint8_t *out, size_t n, const char *what, struct why *w);
