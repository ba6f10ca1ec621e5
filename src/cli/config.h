/* config.h - between the files of `config`: its sub-commands, and what they share. */
#pragma once
#include "base/why.h"

struct remote;

/* One run of a sub-command: the broker, and who asks. */
struct admin {
	struct remote *remote;
	struct slice token;
	struct arena *a;
	struct why *w;
};

struct config_command {
	const char *name, *summary;
	int (*run)(struct admin *ad, int argc, char **argv);
};
extern const struct config_command config_commands[];	/* cmd_config.c; a NULL name ends */

/* config_read.c */
int config_list_resources(struct admin *ad, int argc, char **argv);
int config_list_references(struct admin *ad, int argc, char **argv);
int config_list_attestation_policies(struct admin *ad, int argc, char **argv);
int config_list_anchors(struct admin *ad, int argc, char **argv);
int config_get_reference(struct admin *ad, int argc, char **argv);
int config_get_resource_policy(struct admin *ad, int argc, char **argv);
int config_get_attestation_policy(struct admin *ad, int argc, char **argv);
