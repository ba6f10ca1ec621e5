/* simple.h - regular expressions that need no compiler: characters and dots, each perhaps repeated by * + or ?, perhaps between
 * ^ and $. Paths and names in policies are mostly these; compiling one for RE2 costs a hundred times what matching it does.
 *
 * All states are run at once, so time is pattern length times text length at the worst. What is matched is what RE2 would match.
 */
#pragma once
#include "base/slice.h"

#define SIMPLE_PATTERN_MAX 60u	/* characters that stand for one */
#define SIMPLE_TEXT_MAX	   4096u

/* SIMPLE_NOT: the pattern is not of this form, or the text is long or not ASCII where a dot looks at it: ask RE2. */
enum simple { SIMPLE_NOT, SIMPLE_MISS, SIMPLE_HIT };

enum simple simple_match(struct slice pattern, struct slice text);
