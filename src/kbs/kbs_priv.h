/* kbs_priv.h - shared by the files of the broker. */
#pragma once
#include "kbs/kbs.h"
#include "kbs/policy.h"

#include <pthread.h>

#define HEALTH_NS ((int64_t)1000000000)	/* how long an answer about the store holds */

struct kbs {
	struct kbs_env env;
	struct kbs_config config;
	struct challenge_sealer *sealer;
	struct attempts *attempts;
	struct records *records;
	struct policy *policy;
	struct admin *admin;
	/* Asking the store costs a synced write, and anybody may ask us: one question a second. */
	pthread_mutex_t health_lock;
	int64_t health_ns;
	enum rc_code health;
	bool health_asked;	/* a question is under way */
};
