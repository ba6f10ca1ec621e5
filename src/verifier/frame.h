/* frame.h - jobs and verdicts as bytes between the service and a worker.
 *
 * The worker trusts no request to be well formed, and the service trusts no answer: a worker that was taken over by hostile
 * evidence writes what it likes. Little endian; a text or a blob is a length of 4 bytes and the bytes; an absent one has the
 * length 0xffffffff. Slices of a decoded frame point into it. Threads: no state.
 */
#pragma once
#include "evidence/job.h"
#include "verifier/registry.h"

#define FRAME_COLLATERAL_MAX 256u
#define FRAME_ANCHORS_MAX    4096u
#define FRAME_WHY_MAX	     32u
#define FRAME_CLAIMS_MAX     ((size_t)8 << 20)

/* Head of a request: all but the evidence, which follows as the last part and is not copied. */
RC frame_put_request(struct buf *b, const char *tee, enum verifier_step step, const struct vjob *job);
/* job->arena and job->why are set by the caller. E_MALFORMED verifier.frame. */
RC frame_get_request(struct slice in, char tee[32], enum verifier_step *step, struct vjob *job);

RC frame_put_answer(struct buf *b, rc verdict, const struct vjob *job);
/* Fills results, wants and the why of the job, and returns the verdict in *verdict. E_MALFORMED verifier.frame when the bytes
 * are no answer: then the job is as it was. */
RC frame_get_answer(struct slice in, struct vjob *job, rc *verdict, struct why *w);
