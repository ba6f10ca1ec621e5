/* kms_int.h - between the host (kms.c) and the back ends that are built in. */
#pragma once
#include "kms/kms.h"
#include "warrant/kms.h"

#define KMS_PART_MAX 150u	/* three parts, two slashes and a version fit a key of the store */
