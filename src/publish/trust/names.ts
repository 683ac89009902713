/** The folder of statements and signatures, in a release's folder. */
export const TRUST_FOLDER = 'trust';
export const SUMS_FILE = 'SHA256SUMS';
/** OpenPGP signature of SHA256SUMS. */
export const SIGNATURE_FILE = 'SHA256SUMS.asc';
/** End of the name of a sigstore bundle. */
export const BUNDLE_SUFFIX = '.sigstore.json';
