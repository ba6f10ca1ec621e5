/* rsa_open.h - RSA PKCS#1 v1.5 decryption, to replay recorded Secure Execution evidence whose keys travel in it.
 *
 * No server of this tree offers it: an attacker who can send ciphertexts and watch the answers or their timing can use such a
 * server to decrypt. What a server must find again is sealed with an AEAD instead (verifier/se/se.h).
 */
#pragma once
#include "crypto/pkey.h"

/* E_DENIED rsa.open. */
RC rsa_open_pkcs1(const struct pkey *private_key, struct slice sealed, struct secret *out, struct why *w);
