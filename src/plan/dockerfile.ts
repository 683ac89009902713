/** A stage of a Dockerfile: its base, and its other instructions. */
interface DockerStage {
  from: string;
  instructions: string[];
}

/** A parsed Dockerfile: its stages by name, and its own build arguments with their defaults. */
interface Dockerfile {
  args: Record<string, string>;
  stages: Map<string, DockerStage>;
}

/**
 * The files of the build context that some stages use, including the stages that they are based on or copy from, as named in the
 * Dockerfile: paths, folders (`sysroot/`) and patterns (`deb/inspect*`), sorted.
 * @param args build arguments, which select stages and paths
 * @throws Error for an unknown stage
 */
export function contextPaths(
  text: string,
  names: readonly string[],
  args: Readonly<Record<string, string>>,
): string[] {
  const dockerfile = parsed(text);
  const expand = (word: string) =>
    word.replace(/\$\{?(\w+)\}?/g, (_, name: string) => args[name] ?? dockerfile.args[name] ?? '');
  const seen = new Set<string>();
  const paths = new Set<string>();
  /** Skips named contexts, which are not stages: their contents are digested where they are created. */
  const visit = (name: string) => {
    const stage = dockerfile.stages.get(name);
    if (stage === undefined || seen.has(name)) return;
    seen.add(name);
    visit(expand(stage.from));
    for (const instruction of stage.instructions) {
      for (const [, from] of instruction.matchAll(/(?:--from=|[,=]from=)([^\s,]+)/g))
        visit(expand(from ?? ''));
      for (const [, mount = ''] of instruction.matchAll(/--mount=(\S+)/g)) {
        const source = /(?:^|,)source=([^,]+)/.exec(mount)?.[1];
        if (source !== undefined && !/(?:^|,)from=/.test(mount)) paths.add(expand(source));
      }
      const [, words] = /^(?:COPY|ADD)\s+(.*)$/.exec(instruction) ?? [];
      if (words === undefined || words.includes('--from=')) continue;
      const [...sources] = words.split(/\s+/).filter((word) => !word.startsWith('--'));
      for (const source of sources.slice(0, -1)) paths.add(expand(source));
    }
  };
  for (const name of names) {
    if (!dockerfile.stages.has(name)) throw new Error(`the Dockerfile has no stage ${name}`);
    visit(name);
  }
  return [...paths].sort();
}

/** Files that machine.Dockerfile deletes before it uses their folder: tests and documents of turn-agent. */
const DROPPED = /^machine\/agent\/(?:testdata\/|internal\/clouds\/|.*_test\.go$|.*\.md$)/;

/** The files, by their paths in the build context, that a COPY of these paths includes, without those that are dropped again. */
export function matching(files: readonly string[], paths: readonly string[]): string[] {
  const patterns = paths.map((path) => {
    const literal = path.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
    return new RegExp(`^${literal.replace(/\/$/, '')}(?:/|$)`);
  });
  return files.filter((file) => !DROPPED.test(file) && patterns.some((pattern) => pattern.test(file)));
}

function parsed(text: string): Dockerfile {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const dockerfile: Dockerfile = { args: {}, stages: new Map() };
  let stage: DockerStage | undefined;
  for (const line of lines) {
    const [, from, name] = /^FROM\s+(?:--\S+\s+)*(\S+)\s+AS\s+(\S+)$/i.exec(line) ?? [];
    const [, arg, value] = /^ARG\s+(\w+)=(\S*)$/.exec(line) ?? [];
    if (from !== undefined && name !== undefined) {
      stage = { from, instructions: [] };
      dockerfile.stages.set(name, stage);
    } else if (stage !== undefined) stage.instructions.push(line);
    else if (arg !== undefined) dockerfile.args[arg] = value ?? '';
  }
  return dockerfile;
}
