#include "lab/lab_rim.h"

#include "codec/base64.h"
#include "lab/lab_x509.h"

#define SWID   "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
#define RIM    "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/"
#define SHA384 "http://www.w3.org/2001/04/xmlenc#sha384"
#define DSIG   "http://www.w3.org/2000/09/xmldsig#"

static const char end_tag[] = "</SoftwareIdentity>";

/* The tag without its signature and its end. */
static void put_tag(struct buf *b, const struct lab_rim *r)
{
	buf_printf(b, "<SoftwareIdentity xmlns=\"" SWID "\" name=\"lab\" tagId=\"lab-%s-%s\" version=\"1\">", r->product, r->version);
	buf_printf(b, "<Meta xmlns:rim=\"" RIM "\" colloquialVersion=\"%s\" edition=\"1\" product=\"%s\" rim:PlatformManufacturerStr=\"Lab\"></Meta>",
		   r->version, r->product);
	buf_puts(b, "<Payload>");
	for (size_t i = 0; i < r->golden_n; i++) {
		buf_printf(b, "<Resource xmlns:SHA384=\"" SHA384 "\" active=\"True\" alternatives=\"1\" index=\"%u\" size=\"%zu\" type=\"Measurement\""
			   " SHA384:Hash0=\"", r->golden[i].index, r->golden[i].value.n);
		hex_write(b, r->golden[i].value);
		buf_puts(b, "\"></Resource>");
	}
	buf_puts(b, "</Payload>");
}

static RC put_signed_info(struct buf *b, struct slice tag, struct arena *a, struct why *w)
{
	struct slice whole[2] = {tag, slice_of(end_tag, sizeof(end_tag) - 1)};
	uint8_t d[48];

	TRY(digest_parts(DIGEST_SHA384, whole, 2, d, w));
	buf_puts(b, "<SignedInfo xmlns=\"" DSIG "\">"
		    "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></CanonicalizationMethod>"
		    "<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"></SignatureMethod>"
		    "<Reference URI=\"\"><Transforms><Transform Algorithm=\"" DSIG "enveloped-signature\"></Transform>"
		    "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></Transform></Transforms>"
		    "<DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384\"></DigestMethod><DigestValue>");
	buf_slice(b, b64_text(a, B64_STD, slice_of(d, sizeof(d))));
	buf_puts(b, "</DigestValue></Reference></SignedInfo>");
	return rc_of(OK);
}

rc lab_rim(const struct lab_rim *r, struct arena *a, struct slice *xml, struct why *w)
{
	struct buf b = buf_in(a, 0), info = buf_in(a, 0);
	struct slice sig;

	put_tag(&b, r);
	TRY(put_signed_info(&info, buf_view(&b), a, w));
	TRY(lab_sign(r->key, LAB_ECDSA, DIGEST_SHA384, buf_view(&info), a, &sig, w));
	buf_puts(&b, "<Signature xmlns=\"" DSIG "\">");
	buf_slice(&b, buf_view(&info));
	buf_puts(&b, "<SignatureValue>");
	buf_slice(&b, b64_text(a, B64_STD, sig));
	buf_puts(&b, "</SignatureValue><KeyInfo><X509Data>");
	for (size_t i = 0; i < r->chain_n; i++) {
		buf_puts(&b, "<X509Certificate>");
		buf_slice(&b, b64_text(a, B64_STD, r->chain[i]));
		buf_puts(&b, "</X509Certificate>");
	}
	buf_puts(&b, "</X509Data></KeyInfo></Signature>");
	buf_puts(&b, end_tag);
	*xml = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : deny(w, E_INTERNAL, "lab.memory", "no memory for a manifest");
}
