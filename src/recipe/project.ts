import { validRange } from 'semver';
import { Document, isSeq, parseDocument } from 'yaml';
import { z } from 'zod';
import { nearestName } from '../errors.ts';
import { parseRecipeFile } from './parse.ts';
import { releaseSchema } from './schema.ts';

const { targets, architectures, revision, maintainer } = releaseSchema.shape;
const path = z.string().min(1);

/** An exact version with three or four parts, `latest`, or a semver range. */
const isRequest = (word: string) =>
  word === 'latest' || /^v?\d+(\.\d+){2,3}$/.test(word) || validRange(word) !== null;

/** turnbuild.yaml: the settings of a project. A command-line option takes precedence over the corresponding key. */
export const projectSchema = z.strictObject({
  coturn: z
    .string({ error: 'write the version as text, in quotes: "4.18.0"' })
    .refine(isRequest, 'write a version, a semver range, or latest: "4.18.0", "^4.18.0"')
    .optional()
    .describe('coturn version, semver range, or latest'),
  source: path
    .refine(
      (word) => /^https?:\/\//i.test(word) || !/^[a-z][a-z\d+.-]*:\/\//i.test(word),
      'write github, debian, an http or https URL, or the path of a tarball',
    )
    .optional()
    .describe('where sources come from: github, debian, a URL, or the path of a tarball'),
  targets: targets.optional().describe('targets to build: built-in ones, or those in recipes'),
  architectures: architectures.optional().describe('architectures of the packages'),
  revision: z
    .union([revision, z.literal('auto')], { error: 'write a whole number of at least 1, or auto' })
    .optional()
    .describe('package revision; auto: the next one if a statically linked library is outdated'),
  maintainer: maintainer.optional().describe('maintainer of the packages: Name <address@host>'),
  accept: z
    .array(z.string().min(1))
    .optional()
    .describe("known advisories whose failed checks don't fail the package"),
  mirrors: z
    .record(
      z.string(),
      z.string().regex(/^https?:\/\/[^\s?#]+$/, 'write an http or https URL without a query or fragment'),
    )
    .optional()
    .describe('URLs of package archives by name, e.g. debian, ubuntu, ubuntu/arm64'),
  recipes: path.optional().describe("folder of the project's own recipes, which extend the built-in ones"),
  patches: path.optional().describe("folder of the project's own patches, which extend the built-in ones"),
  out: path.optional().describe('where results go (default: dist)'),
  publish: z
    .strictObject({
      to: z
        .array(z.enum(['apt', 'dnf', 'github']))
        .min(1)
        .optional()
        .describe('where packages are published'),
      repo: path
        .refine(
          (word) => /^(?:s3|gs):\/\/[^/]/.test(word) || !/^[a-z][a-z\d+.-]*:\/\//i.test(word),
          'write the path of a folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX',
        )
        .optional()
        .describe('folder of the repository, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX'),
      github: z
        .string()
        .regex(/^[\w.-]+\/[\w.-]+$/, 'write OWNER/NAME')
        .optional()
        .describe('repository on GitHub that has the releases'),
      signWith: z
        .string()
        .regex(/^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/, 'write the full fingerprint of a key, in quotes')
        .optional()
        .describe('fingerprint of the OpenPGP key that signs the repository'),
      extraKeys: path
        .optional()
        .describe('file of public keys that clients trust as well, while the signing key is replaced'),
      url: z
        .string()
        .regex(/^https?:\/\/[^\s?#@$]+$/, 'write an http or https URL without a password, query or fragment')
        .optional()
        .describe('URL of the repository, for the files that clients copy'),
      origin: z.string().min(1).optional().describe("who publishes the repository, in apt's Release"),
      validFor: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('days after which apt refuses a suite that was not signed again (default: never)'),
      keep: z
        .strictObject({
          releases: z
            .number()
            .int()
            .min(1)
            .optional()
            .describe('newest releases of each channel that stay (default: 3)'),
          days: z
            .number()
            .int()
            .min(0)
            .optional()
            .describe('days that files stay after their last use (default: 30)'),
        })
        .optional()
        .describe('what turnbuild gc keeps'),
    })
    .optional()
    .describe('the repository of packages: publish, promote, withdraw, refresh, gc'),
});

export type ProjectSettings = z.infer<typeof projectSchema>;

/** Names that are defined by recipes. */
export interface KnownNames {
  targets: readonly string[];
  mirrors: readonly string[];
  advisories: readonly string[];
}

/** The error of a turnbuild.yaml. */
const PROJECT = {
  code: 'PROJECT_INVALID',
  what: 'turnbuild.yaml',
  hint: 'The keys and their meaning are in docs/project.md.',
} as const;

/**
 * Text of a turnbuild.yaml -> settings. An empty file leaves everything at its default.
 * @param file its path, for messages
 * @param known if given, names are checked too, which requires the project's own recipes
 * @throws PROJECT_INVALID with every issue and its line
 */
export function parseProject(file: string, text: string, known?: KnownNames): ProjectSettings {
  const document = parseDocument(text);
  if (document.errors.length === 0 && document.toJS() === null) return {};
  return parseRecipeFile(file, text, known === undefined ? projectSchema : knowing(known), PROJECT);
}

function knowing(known: KnownNames) {
  return projectSchema.superRefine((settings, context) => {
    const require = (key: string, names: readonly string[], candidates: readonly string[], what: string) => {
      for (const [index, name] of names.entries()) {
        // An architecture's own mirror: ubuntu/arm64.
        if (candidates.includes(key === 'mirrors' ? name.replace(/\/(arm64|x86_64)$/, '') : name)) continue;
        const near = nearestName(name, candidates);
        const advice = near === undefined ? `; known: ${candidates.join(', ')}` : `; did you mean "${near}"?`;
        const at = key === 'mirrors' ? name : index;
        context.addIssue({ code: 'custom', path: [key, at], message: `unknown ${what} "${name}"${advice}` });
      }
    };
    require('targets', settings.targets ?? [], known.targets, 'target');
    require('accept', settings.accept ?? [], known.advisories, 'advisory');
    require('mirrors', Object.keys(settings.mirrors ?? {}), known.mirrors, 'archive');
  });
}

/** Settings -> text of a turnbuild.yaml. @param schema absolute or relative address of its JSON schema */
export function formatProject(settings: ProjectSettings, schema: string): string {
  const document = new Document(settings);
  for (const key of Object.keys(settings)) {
    const value = document.get(key, true);
    if (isSeq(value)) value.flow = true;
  }
  const body = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  const maintainer =
    settings.maintainer === undefined
      ? '# Contact for users of the packages.\n# maintainer: Name <address@host>\n'
      : '';
  return `# yaml-language-server: $schema=${schema}\n# Settings of this turnbuild project. Documentation: https://github.com/turnbuild/turnbuild/blob/main/docs/project.md\n${body}${maintainer}`;
}
