import { z } from 'zod';
import { versionRange } from './coturn-version.ts';

const name = z.string().regex(/^[a-z][a-z0-9.-]*$/, 'use lower-case letters, digits, "-" and "."');
const arch = z.enum(['arm64', 'x86_64']);
const port = z.number().int().min(1024).max(65535);

const sourcePackage = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'use the name of a Debian source package');

/**
 * SPDX names of the licenses that may be statically linked into coturn's programs, which are BSD-3-Clause. The LGPL requires that users
 * can relink with a changed library; the source package contains everything required.
 */
const LINKABLE = [
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'LGPL-2.1-or-later',
  'MIT',
  'PostgreSQL',
  'Zlib',
  'blessing',
] as const;

/** `Name <address@host>` in one line of visible characters. A percent sign would start a macro in a spec file. */
export const MAINTAINER =
  /^(?!\s)[^<>%\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+ <[^<>@%\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]+@[^<>@%\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]+>$/u;

/** An address that can never receive mail (RFC 6761): the recipes' default. */
export function isPlaceholder(maintainer: string): boolean {
  return /[@.]invalid>$/i.test(maintainer);
}

/** Keys of the Debian archive, from the package debian-archive-keyring. */
export const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Statically linked libraries. */
const staticLibraries = z.strictObject({
  names: z.array(z.string().regex(/^[\w+.-]+$/)),
  sources: z.array(z.strictObject({ suite: name, package: sourcePackage })),
  licenses: z.record(sourcePackage, z.enum(LINKABLE)),
});

/** A registry image pinned by digest. */
export const pinnedImage = z
  .string()
  .regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/, 'pin the image by digest: image@sha256:…');

/** Digest of an image in a registry. */
export const imageDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'write it as sha256:…');

/** The package archive of a distribution other than Debian. `--mirror NAME=URL` sets its address. */
const archive = z.strictObject({
  name,
  suites: z.array(name).min(1),
  components: z.array(name).min(1),
  keyring: z.string().regex(/^\//, 'write the absolute path of the keyring that signs it'),
});

/** An rpm distribution whose libraries programs are compiled against. dnf installs them in a folder; one of the keys must sign them. */
const sysroot = z.strictObject({
  repositories: z
    .array(
      z.strictObject({
        /** The name in `--mirror NAME=URL`. */
        mirror: name,
        path: z
          .string()
          .regex(/^[\w.{-][\w./{}-]*$/, 'write it relative to the mirror, e.g. BaseOS/{arch}/os')
          .refine((path) => path.includes('{arch}'), 'must contain {arch} in place of the architecture'),
        /** The distribution's own address of the repository; used without a mirror. */
        address: z
          .string()
          .regex(
            /^https:\/\/[^\s?#]+[^\s?#/]$/,
            'write an https URL without a query, fragment or final slash',
          )
          .optional(),
        /** Its metadata must be signed by one of the keys (repodata/repomd.xml.asc). */
        signed: z.boolean().optional(),
      }),
    )
    .min(1),
  keys: z
    .array(z.string().regex(/^\/[\w./+-]+$/, 'write the absolute path of a key that signs its packages'))
    .min(1),
});

/** recipes/targets/NAME.yaml: a target to build packages for. */
const targetShape = z.strictObject({
  name,
  format: z.enum(['deb', 'rpm']),
  suite: name,
  archive: archive.optional(),
  label: z
    .string()
    .regex(/^[a-z0-9.]+$/, 'use lower-case letters, digits and "."')
    .optional(),
  architectures: z.array(arch).min(1),
  tools: z.array(z.string().min(1)),
  libraries: z.array(z.string().min(1)).min(1),
  staticLibraries: staticLibraries.optional(),
  sysroot: sysroot.optional(),
  glibc: z
    .string()
    .regex(/^\d+\.\d+$/, "write the version as text: '2.34'")
    .optional(),
  features: z.array(
    z.enum(['prometheus', 'systemd', 'sqlite', 'postgresql', 'mariadb', 'redis', 'mongodb', 'sctp']),
  ),
  allowedLibraries: z.array(z.string().min(1)).min(1),
  verifyOn: pinnedImage.optional(),
  baseImage: pinnedImage.optional(),
  image: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.:_/-]*:[A-Za-z0-9][\w.-]*$/, 'write it as NAME:TAG, e.g. debian:trixie-slim')
    .optional(),
});

export const targetSchema = targetShape
  .refine((target) => target.format === 'rpm' || target.verifyOn === undefined, {
    path: ['verifyOn'],
    message: 'applies only to rpm targets: a .deb is verified in its own distribution (baseImage)',
  })
  .refine((target) => target.sysroot === undefined || target.format === 'rpm', {
    path: ['sysroot'],
    message: 'applies only to rpm targets: a .deb uses the libraries of its suite',
  })
  .refine((target) => target.sysroot === undefined || target.staticLibraries === undefined, {
    path: ['sysroot'],
    message: 'provides shared libraries: remove staticLibraries, or create a separate target',
  })
  .refine((target) => target.format !== 'deb' || target.label !== undefined, {
    path: ['label'],
    message:
      'a .deb needs a label: it ends the version and orders the builds for different releases of the distribution',
  });

/** A target that inherits missing keys from another one. */
export const extendingSchema = targetShape.partial().extend({ name, suite: name, extends: name });

/** recipes/release.yaml: settings of every release. */
export const releaseSchema = z.strictObject({
  targets: z.array(name).min(1),
  architectures: z.array(arch).min(1),
  revision: z.number().int().min(1),
  maintainer: z.string().regex(MAINTAINER, 'write it as: Name <address@host>'),
  relay: z
    .strictObject({ minPort: port, maxPort: port })
    .refine((range) => range.minPort <= range.maxPort, { message: 'minPort must not be above maxPort' }),
});

/** patches/compatibility.yaml: patches and other additions that ranges of coturn versions need. */
export const compatibilitySchema = z.array(
  z.strictObject({
    versions: versionRange,
    reason: z.string().min(1),
    series: name.optional(),
    prometheusClient: z.boolean().optional(),
    include: z
      .string()
      .regex(/^[\w.-]+\.h$/)
      .optional(),
  }),
);

export type Target = z.infer<typeof targetSchema>;
export type Archive = NonNullable<Target['archive']>;
export type Sysroot = NonNullable<Target['sysroot']>;
export type ReleaseRecipe = z.infer<typeof releaseSchema>;
export type Compatibility = z.infer<typeof compatibilitySchema>;
