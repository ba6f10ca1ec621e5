/* verifier.h - the interface of a verifier: evidence in, claims or a denial out, nothing else.
 *
 * A verifier is a pure function. It opens no file, no socket and no clock; what it needs it names while planning
 * (`want`) and is handed while verifying (`collateral`). It emits claims; it never decides policy. It runs in a
 * worker process under seccomp, Landlock and resource limits.
 *
 * Evidence is the JSON document of the wire protocol (first byte that is no white space is `{` or `[`), or, where
 * the TEE has one, its native binary form. Every byte of it is hostile.
 *
 * ABI: structs begin with `size` and grow only at the end; whoever reads a slot first checks that `size` covers
 * it. Codes are those of enum warrant_code. Source: RFC 9334 (roles and conceptual messages).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WARRANT_VERIFIER_ABI 1u

enum warrant_code {
	WARRANT_OK = 0,
	WARRANT_MALFORMED = 1,
	WARRANT_UNSUPPORTED = 2,
	WARRANT_DENIED = 4,
	WARRANT_NOTFOUND = 5,
	WARRANT_LIMIT = 6,
	WARRANT_UNAVAILABLE = 7,
	WARRANT_INTERNAL = 8,
};

struct warrant_bytes {
	const uint8_t *p;
	size_t n;
};

/* What the evidence must be bound to. */
struct warrant_bindings {
	uint32_t size;
	uint32_t report_data_n;	/* 0: not compared. More than one: any of them is right */
	const struct warrant_bytes *report_data;	/* unpadded; the driver fits it to its field by the rule of its TEE */
	struct warrant_bytes init_data;	/* digest; p == NULL: not compared */
};

/* What the host offers. `job` is the handle passed to plan and verify; it is good for that one call. */
struct warrant_host {
	uint32_t abi, size;
	/* Zeroed memory of the job, or NULL: then the job is refused whatever follows. Freed by the host after the call. */
	void *(*alloc)(void *job, size_t n);
	/* Planning only: names collateral by kind and key; the same kind and key again is one. */
	int32_t (*want)(void *job, const char *kind, const char *key);
	/* The bytes; p == NULL when the host has none. */
	struct warrant_bytes (*collateral)(void *job, const char *kind, const char *key);
	/* The time of the verdict, unix seconds. */
	int64_t (*now)(void *job);
	/* 1 when the SHA-256 (32 bytes) is a pinned or configured anchor of that name ("amd-ark", "intel-sgx-root",
	 * "tpm-ak", ...), else 0. */
	int32_t (*anchor)(void *job, const char *set, const uint8_t sha256[32]);
	/* Begins a result (one an attested device) of a class: "cpu", "gpu", "switch", "ppcie", "dcu". Claims go to
	 * the newest one. */
	int32_t (*result)(void *job, const char *tee_class);
	/* Sets a claim at a path of names; `json` is the text of its value. */
	int32_t (*claim)(void *job, const char *const *path, uint32_t path_n, struct warrant_bytes json);
	/* The root cause of a denial: a stable reason "<tee>.<class>[.<detail>]" and one sentence. Returns `code`. */
	int32_t (*deny)(void *job, int32_t code, const char *reason, const char *text);
	/* What was compared: the claim or field, the value found, the value expected. Strings are copied. */
	void (*compared)(void *job, const char *subject, const char *found, const char *expected);
	/* One frame of context around a denial. Returns `code`. */
	int32_t (*note)(void *job, int32_t code, const char *text);
};

struct warrant_verifier {
	uint32_t abi, size;
	const char *tee;	/* as on the wire, lower case: "snp"; of a plug-in "x-..." */
	/* May be NULL. Names the collateral that `verify` will ask for. */
	int32_t (*plan)(const struct warrant_host *host, void *job, struct warrant_bytes evidence);
	/* Claims or a denial. Anything but WARRANT_OK is a denial; WARRANT_OK without a result is one too. */
	int32_t (*verify)(const struct warrant_host *host, void *job, struct warrant_bytes evidence,
			  const struct warrant_bindings *expected);
};

/* The one symbol that a plug-in exports. Returns NULL when it cannot work with the host's ABI. */
const struct warrant_verifier *warrant_verifier_entry(uint32_t host_abi);

#ifdef __cplusplus
}
#endif
