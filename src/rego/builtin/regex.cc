// regex.cc - the only C++ of the engine: RE2 behind C functions. No exception leaves this file.
#include "rego/builtin/regex.h"

#include <cstdio>
#include <map>
#include <new>
#include <string>

#include <re2/re2.h>

struct regex {
	RE2 re;
	regex(const std::string &pattern, const RE2::Options &o) : re(pattern, o)
	{
	}
};

// Our users write (?<name>...) as well; this RE2 knows (?P<name>...) only.
// *bytes: it holds \C, a byte of a character, which their language has not.
static std::string translated(const uint8_t *p, size_t n, bool *bytes)
{
	std::string out;
	bool in_class = false;

	for (size_t i = 0; i < n; i++) {
		char c = static_cast<char>(p[i]);

		if (c == '\\' && i + 1 < n) {
			out += c;
			out += static_cast<char>(p[++i]);
			*bytes = *bytes || p[i] == 'C';
			if (p[i] == 'Q' && !in_class) {	// literal up to \E
				while (++i < n && !(p[i] == '\\' && i + 1 < n && p[i + 1] == 'E'))
					out += static_cast<char>(p[i]);
				i--;
			}
			continue;
		}
		if (in_class) {
			if (c == '[' && i + 1 < n && p[i + 1] == ':') {	// [:alpha:] has a bracket of its own
				out += c;
				out += ':';
				for (i += 2; i < n && !(p[i] == ':' && i + 1 < n && p[i + 1] == ']'); i++)
					out += static_cast<char>(p[i]);
				if (i < n)
					out += ":]";
				i++;
				continue;
			}
			in_class = c != ']';
		} else if (c == '[') {
			in_class = true;
			out += c;
			if (i + 1 < n && p[i + 1] == '^')
				out += static_cast<char>(p[++i]);
			if (i + 1 < n && p[i + 1] == ']')	// a member when it comes first
				out += static_cast<char>(p[++i]);
			continue;
		} else if (c == '(' && i + 3 < n && p[i + 1] == '?' && p[i + 2] == '<' && p[i + 3] != '=' && p[i + 3] != '!') {
			out += "(?P<";
			i += 2;
			continue;
		}
		out += c;
	}
	return out;
}

// The wording of Go's regexp/syntax, which policies and their tests know.
static const char *error_text(RE2::ErrorCode code)
{
	switch (code) {
	case RE2::NoError:
		return "no error";
	case RE2::ErrorInternal:
		return "regexp/syntax: internal error";
	case RE2::ErrorBadEscape:
		return "invalid escape sequence";
	case RE2::ErrorBadCharClass:
		return "invalid character class";
	case RE2::ErrorBadCharRange:
		return "invalid character class range";
	case RE2::ErrorMissingBracket:
		return "missing closing ]";
	case RE2::ErrorMissingParen:
		return "missing closing )";
	case RE2::ErrorUnexpectedParen:
		return "unexpected )";
	case RE2::ErrorTrailingBackslash:
		return "trailing backslash at end of expression";
	case RE2::ErrorRepeatArgument:
		return "missing argument to repetition operator";
	case RE2::ErrorRepeatSize:
		return "invalid repeat count";
	case RE2::ErrorRepeatOp:
		return "invalid nested repetition operator";
	case RE2::ErrorBadPerlOp:
		return "invalid or unsupported Perl syntax";
	case RE2::ErrorBadUTF8:
		return "invalid UTF-8";
	case RE2::ErrorBadNamedCapture:
		return "invalid named capture";
	case RE2::ErrorPatternTooLarge:
		return "expression too large";
	}
	return "unknown error";
}

enum regex_status regex_new(const uint8_t *pattern, size_t n, struct regex **out, char *err, size_t err_n)
{
	*out = nullptr;
	if (err_n)
		err[0] = 0;
	if (n > REGEX_PATTERN_MAX) {
		snprintf(err, err_n, "error parsing regexp: expression of %zu bytes, %u at most", n, REGEX_PATTERN_MAX);
		return REGEX_BAD;
	}
	try {
		RE2::Options o;
		bool bytes = false;
		std::string text = translated(pattern, n, &bytes);

		if (bytes) {
			snprintf(err, err_n, "error parsing regexp: invalid escape sequence: `\\C`");
			return REGEX_BAD;
		}
		o.set_log_errors(false);
		o.set_max_mem(REGEX_MEMORY);
		regex *re = new regex(text, o);
		if (!re->re.ok()) {
			// of an unclosed group the whole expression is shown
			const std::string &arg = re->re.error_code() == RE2::ErrorMissingParen ? text : re->re.error_arg();
			const char *what = error_text(re->re.error_code());

			if (re->re.error_code() == RE2::ErrorTrailingBackslash)
				snprintf(err, err_n, "error parsing regexp: %s: ``", what);
			else
				snprintf(err, err_n, "error parsing regexp: %s: `%s`", what, arg.c_str());
			delete re;
			return REGEX_BAD;
		}
		*out = re;
		return REGEX_OK;
	} catch (...) {
		return REGEX_NO_MEMORY;
	}
}

void regex_free(struct regex *re)
{
	delete re;
}

size_t regex_cost(const struct regex *re)
{
	int n = re->re.ProgramSize();

	return n > 0 ? static_cast<size_t>(n) : 1;
}

int regex_group_count(const struct regex *re)
{
	return re->re.NumberOfCapturingGroups();
}

int regex_group_by_name(const struct regex *re, const uint8_t *name, size_t n)
{
	try {
		const auto &names = re->re.NamedCapturingGroups();
		auto it = names.find(std::string(reinterpret_cast<const char *>(name), n));

		return it == names.end() ? -1 : it->second;
	} catch (...) {
		return -1;
	}
}

int regex_find(const struct regex *re, const uint8_t *text, size_t n, size_t from, int n_groups, ptrdiff_t *span)
{
	try {
		re2::StringPiece groups[REGEX_GROUPS];
		re2::StringPiece all(reinterpret_cast<const char *>(text), n);

		if (n_groups > REGEX_GROUPS)
			n_groups = REGEX_GROUPS;
		if (from > n || !re->re.Match(all, from, n, RE2::UNANCHORED, groups, n_groups))
			return 0;
		for (int i = 0; i < n_groups; i++) {
			bool took_part = groups[i].data() != nullptr;

			span[2 * i] = took_part ? groups[i].data() - all.data() : -1;
			span[2 * i + 1] = took_part ? span[2 * i] + static_cast<ptrdiff_t>(groups[i].size()) : -1;
		}
		return 1;
	} catch (...) {
		return -1;
	}
}
