/* eventlog_int.h - between the files of the event log. */
#pragma once
#include "evidence/eventlog.h"

enum {
	EV_POST_CODE = 0x1,
	EV_NO_ACTION = 0x3,
	EV_SEPARATOR = 0x4,
	EV_ACTION = 0x5,
	EV_EVENT_TAG = 0x6,
	EV_PLATFORM_CONFIG_FLAGS = 0xa,
	EV_COMPACT_HASH = 0xc,
	EV_IPL = 0xd,
	EV_OMIT_BOOT_DEVICE_EVENTS = 0x12,
};
#define EV_EFI_VARIABLE_DRIVER_CONFIG	    0x80000001u
#define EV_EFI_VARIABLE_BOOT		    0x80000002u
#define EV_EFI_BOOT_SERVICES_APPLICATION    0x80000003u
#define EV_EFI_BOOT_SERVICES_DRIVER	    0x80000004u
#define EV_EFI_RUNTIME_SERVICES_DRIVER	    0x80000005u
#define EV_EFI_GPT_EVENT		    0x80000006u
#define EV_EFI_ACTION			    0x80000007u
#define EV_EFI_PLATFORM_FIRMWARE_BLOB2	    0x8000000au
#define EV_EFI_HANDOFF_TABLES2		    0x8000000bu
#define EV_EFI_VARIABLE_BOOT2		    0x8000000cu
#define EV_EFI_VARIABLE_AUTHORITY	    0x800000e0u

const char *event_type_table(uint32_t type);	/* NULL when it has no name */

/* UEFI_VARIABLE_DATA. */
struct event_variable {
	struct slice guid;	/* 16 */
	struct slice name;	/* UTF-16LE */
	struct slice data;
};
bool event_is_variable(uint32_t type);
bool event_variable(struct slice data, struct event_variable *out);

/* Text in UTF-8; NULL when the bytes are no UTF-16LE, or without memory. */
struct json *event_utf16(struct arena *a, struct slice le);
/* "8be4df61-93ca-11d2-aa0d-00e098032b8c", in the order that people write it. */
const char *event_guid(struct arena *a, struct slice guid);

/* The nodes of a device path as texts; stops at the end node, at the end of the bytes, or at a node that is none. */
struct json *event_device_path(struct arena *a, struct slice path);
/* The partitions of a UEFI_GPT_DATA; NULL when it is none. */
struct json *event_gpt(struct arena *a, struct slice data);
/* The entries of EFI_SIGNATURE_LISTs: [{type, owner, sha256 | certificate_sha256, subject}]; NULL when they are none. */
struct json *event_signatures(struct arena *a, struct slice lists);
