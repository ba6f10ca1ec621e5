/* kbs_priv.h - shared by the files of the broker. */
#pragma once
#include "kbs/kbs.h"
#include "kbs/policy.h"

struct kbs {
	struct kbs_env env;
	struct kbs_config config;
	struct challenge_sealer *sealer;
	struct attempts *attempts;
	struct records *records;
	struct policy *policy;
	struct admin *admin;
};
