import { z } from 'zod';

/** Lower-case hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The sources of a release: where they came from, and their digests. */
export const sourceSchema = z.strictObject({
  provider: z.enum(['github', 'debian', 'file', 'url']),
  location: z.string(),
  sha256,
  /** Digest of the tree: the same for the same sources from any provider. */
  tree: sha256,
  commit: z.string().optional(),
  gitTree: z.string().optional(),
});
