/* lab_absent.c - a build without the laboratory: `attest --lab` does not exist. */
#include "cli/commands.h"

const struct cli_lab *const cli_lab = NULL;
