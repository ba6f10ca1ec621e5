/* policies.h - the resource policies that come with the program: default, allow_all, deny_all, affirming. */
#pragma once
#include "base/embedded.h"

extern const struct embedded kbs_policies[];
