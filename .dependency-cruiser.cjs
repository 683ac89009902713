// The import table of CONTRIBUTING.md, enforced. Each folder lists what it may import; everything else is an error.
const allow = (name, from, to, packages) => [
  {
    name: `${name}-folders`,
    comment: `src/${name} may import only: ${to.join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: from },
    to: { path: '^src/', pathNot: to.map((t) => `^src/${t}`) },
  },
  {
    name: `${name}-packages`,
    comment: `src/${name} may import only these packages: ${packages.join(', ') || 'none'}`,
    severity: 'error',
    from: { path: from },
    to: {
      dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'core', 'npm-no-pkg', 'npm-unknown'],
      pathNot: packages.map((p) =>
        p === 'node'
          ? '^(node:)?(assert|buffer|child_process|crypto|dgram|dns|events|fs|http|https|module|net|os|path|process|readline|stream|string_decoder|timers|tls|tty|url|util|v8|zlib)(/|$)'
          : `node_modules/${p}(/|$)`,
      ),
    },
  },
];
module.exports = {
  forbidden: [
    ...allow('errors', '^src/errors\\.ts$', [], []),
    ...allow('recipe', '^src/recipe/', ['recipe/', 'errors\\.ts'], ['zod', 'yaml', 'semver']),
    ...allow(
      'plan',
      '^src/plan/',
      ['plan/', 'recipe/', 'manifest/(sealed|source)\\.ts', 'errors\\.ts'],
      ['semver', 'zod', '@cyclonedx', 'packageurl-js'],
    ),
    ...allow('turn', '^src/turn/', ['turn/'], ['node']),
    ...allow(
      'config',
      '^src/config/',
      ['config/', 'turn/', 'recipe/', 'errors\\.ts'],
      ['node', '@zxcvbn-ts'],
    ),
    ...allow('lab', '^src/lab/', ['lab/', 'turn/'], ['node']),
    ...allow('manifest', '^src/manifest/', ['manifest/', 'errors\\.ts'], ['zod']),
    ...allow(
      'checks',
      '^src/checks/',
      [
        'checks/',
        'config/',
        'lab/facts\\.ts',
        'manifest/schema\\.ts',
        'plan/',
        'recipe/',
        'turn/',
        'errors\\.ts',
      ],
      ['semver', '@prometheus-io', '@lezer'],
    ),
    ...allow(
      'io',
      '^src/io/',
      ['io/', 'plan/(apt-install|buildx|command|doctor|source-lock)\\.ts', 'errors\\.ts'],
      ['node', 'execa', 'tar', 'fzstd', '@octokit', 'undici'],
    ),
    ...allow(
      'stages',
      '^src/stages/',
      [
        'stages/',
        'checks/',
        'plan/',
        'manifest/',
        'recipe/',
        'turn/',
        'config/',
        'lab/facts\\.ts',
        'io/index\\.ts',
        'errors\\.ts',
      ],
      [],
    ),
    ...allow('ui', '^src/ui/', ['ui/', 'plan/', 'manifest/', 'errors\\.ts'], ['listr2', 'junit-xml']),
    ...allow(
      'commands',
      '^src/commands/',
      [
        'commands/',
        'checks/',
        'plan/',
        'recipe/',
        'config/',
        'manifest/',
        'stages/',
        'io/',
        'ui/',
        'errors\\.ts',
      ],
      ['node', 'semver'],
    ),
    ...allow(
      'cli',
      '^src/cli(\\.ts$|/)',
      ['cli/', 'commands/', 'io/proxy\\.ts', 'plan/types\\.ts', 'ui/format\\.ts', 'errors\\.ts'],
      ['commander'],
    ),
    {
      name: 'no-stage-imports-another',
      comment: 'Stages meet only in the plan and the manifest',
      severity: 'error',
      from: { path: '^src/stages/(?!shared/)([^/]+?)(\\.ts|/)' },
      to: { path: '^src/stages/', pathNot: '^src/stages/($1(\\.ts|/)|shared/)' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '^src/(cli|lab/main)\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
