/* eventlog.h - measured boot logs: TCG PC client (legacy SHA-1 and crypto-agile), CCEL of confidential guests, and the AAEL
 * entries of the attestation agent; their replay, and their details for policy.
 *
 * A log proves nothing by itself. Replay against signed registers binds the digests; the data of an event is bound only
 * where its digest covers it, and eventlog_json() says for each event which it is. Details never decide: data that a parser
 * does not understand gives an event without details, never a refusal. Every slice points into the log.
 * Source: TCG PC Client Platform Firmware Profile 1.06 (9, 10), UEFI 2.10 (10, 32.4), verifiers.md 16. Threads: no state.
 */
#pragma once
#include "codec/json.h"
#include "crypto/digest.h"

#define EVENTLOG_MAX	     (4u << 20)
#define EVENTLOG_EVENTS_MAX  8192u
#define EVENTLOG_DIGESTS_MAX 8u
#define EVENTLOG_REGISTERS   25u	/* PCR 0 to 23; CCEL 0 to 4 */
#define EVENTLOG_ALGS	     8u	/* more than the last digest_alg */
#define EVENTLOG_NO_REGISTER UINT32_MAX	/* index of some EV_NO_ACTION events */

enum eventlog_kind {
	EVENTLOG_PCR,	/* TCG2: index is the PCR */
	EVENTLOG_CC,	/* CCEL: index 0 is the build-time register (MRTD), 1 to 4 are RTMR 0 to 3 */
};

struct eventlog_digest {
	uint16_t alg_id;	/* TPM_ALG_ID; `alg` is 0 for one that we cannot compute */
	enum digest_alg alg;
	struct slice bytes;
};

struct event {
	uint32_t index, type;
	struct eventlog_digest digest[EVENTLOG_DIGESTS_MAX];
	unsigned digests_n;
	struct slice data;
};

struct eventlog {
	enum eventlog_kind kind;
	bool agile;	/* crypto-agile; else legacy SHA-1 */
	bool padded;	/* ended by a mark of 0xff or zeros, not by the end of the bytes */
	size_t used;	/* bytes up to the end or the mark */
	struct event *events;
	size_t n;
	uint8_t locality;	/* of a StartupLocality event; PCR 0 begins with it */
	struct {
		uint16_t alg_id;
		enum digest_alg alg;
		uint16_t size;
	} algs[EVENTLOG_DIGESTS_MAX];	/* of the Spec ID event */
	unsigned algs_n;
};

/* `reason` "<tee>.parse.eventlog": E_MALFORMED; E_LIMIT for too many bytes or events. */
RC eventlog_parse(struct arena *a, struct slice in, enum eventlog_kind kind, const char *reason, struct eventlog *out,
		  struct why *w);
bool eventlog_has(const struct eventlog *l, enum digest_alg alg);
/* Does an event extend this register in this bank? */
bool eventlog_extends(const struct eventlog *l, enum digest_alg alg, uint32_t index);
/* The register as the log would leave it; out holds digest_size(alg) bytes. EV_NO_ACTION extends nothing. */
RC eventlog_replay(const struct eventlog *l, enum digest_alg alg, uint32_t index, uint8_t *out, struct why *w);
/* Replays and compares with a signed value. E_DENIED `reason` "tdx.rtmr-mismatch". */
RC eventlog_matches(const struct eventlog *l, enum digest_alg alg, uint32_t index, struct slice value, struct arena *a,
		    const char *reason, struct why *w);

/* Drops what no signature speaks for: registers[alg] has bit n set when register n was compared in that bank. Digests of other
 * banks and registers go, and events that have none left; EV_NO_ACTION stays, which extends nothing. */
void eventlog_keep(struct eventlog *l, const uint32_t registers[EVENTLOG_ALGS]);

enum event_binding {
	EVENT_BOUND,		/* every digest is the hash of the data, whole */
	EVENT_BOUND_PART,	/* of the part that the type defines: the variable's data, the text without its NUL */
	EVENT_DESCRIPTIVE,	/* the digest covers something else (an image, a blob): the data is text without proof */
	EVENT_MISMATCH,		/* a type whose digest must cover the data, and it does not */
};

enum event_binding event_binding(const struct event *e, struct why *w);
/* Events of types that must be bound, are. E_DENIED `reason` "tpm.event-digest-mismatch". */
RC eventlog_check_digests(const struct eventlog *l, const char *reason, struct why *w);

/* "EV_SEPARATOR", or "0x11" in hexadecimal. */
const char *event_type_name(uint32_t type, char out[16]);

/* The claim `uefi_event_logs`: [{index, type_name, digests, event, digest_matches_event, details, binding}], as
 * verifiers.md 16.3; `binding` is "digest", "digest-part", "descriptive". NULL without memory. */
struct json *eventlog_json(struct arena *a, const struct eventlog *l);
/* Details of one event; an empty object when there are none. Never fails but for memory. */
struct json *event_details(struct arena *a, const struct event *e);
