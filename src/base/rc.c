#include "base/rc.h"

const char *rc_name(enum rc_code code)
{
	switch (code) {
	case OK:
		return "OK";
	case E_MALFORMED:
		return "E_MALFORMED";
	case E_UNSUPPORTED:
		return "E_UNSUPPORTED";
	case E_UNAUTH:
		return "E_UNAUTH";
	case E_DENIED:
		return "E_DENIED";
	case E_NOTFOUND:
		return "E_NOTFOUND";
	case E_LIMIT:
		return "E_LIMIT";
	case E_UNAVAILABLE:
		return "E_UNAVAILABLE";
	case E_INTERNAL:
		return "E_INTERNAL";
	}
	return "E_UNKNOWN";
}
