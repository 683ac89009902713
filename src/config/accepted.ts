import { type Finding, finding, RULES, type RuleId } from './finding.ts';

/** The decision to accept the findings of a rule. */
export interface Acceptance {
  rule: string;
  reason: string;
  /** Line of the comment, which applies to the next line that is not a comment; undefined for the whole file. */
  line?: number;
}

/** `# turnbuild: accept RULE: REASON` on its own line. */
const COMMENT = /^[ \t]*#+[ \t]*turnbuild:[ \t]*accept\b[ \t]*(.*)$/;

/** Reads the acceptances in a configuration. Returns findings for invalid ones. */
export function readAcceptances(text: string): { acceptances: Acceptance[]; found: Finding[] } {
  const acceptances: Acceptance[] = [];
  const found: Finding[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const statement = COMMENT.exec(content)?.[1];
    if (statement === undefined) continue;
    const line = index + 1;
    const at = { line, column: content.indexOf('#') + 1 };
    const [, rule = '', reason = ''] = /^([\w-]*)[ \t]*:?[ \t]*(.*?)[ \t]*$/.exec(statement) ?? [];
    if (!isRule(rule)) found.push(finding('invalid-acceptance', 'warning', at, `unknown rule "${rule}"`));
    else if (reason === '')
      found.push(
        finding('invalid-acceptance', 'warning', at, `add a reason: # turnbuild: accept ${rule}: REASON`),
      );
    else acceptances.push({ rule, reason, line });
  }
  return { acceptances, found };
}

export function isRule(name: string): name is RuleId {
  return Object.hasOwn(RULES, name);
}

/**
 * Marks accepted findings. A comment applies to the next setting, and to findings about the whole file, which have no line.
 * @returns all findings, and one for each acceptance in the file that is no longer needed
 */
export function markAccepted(
  findings: readonly Finding[],
  acceptances: readonly Acceptance[],
  text: string,
): Finding[] {
  const lines = text.split('\n');
  const meant = acceptances.map((each) => ({
    ...each,
    target: each.line === undefined ? undefined : nextSetting(lines, each.line),
  }));
  const used = new Set<Acceptance>();
  const marked = findings.map((each): Finding => {
    const matches = meant.filter(
      ({ rule, line, target }) =>
        rule === each.rule && (line === undefined || each.line === undefined || each.line === target),
    );
    const [match] = matches;
    if (match === undefined) return each;
    for (const one of matches) used.add(one);
    return { ...each, accepted: { reason: match.reason, inFile: match.line !== undefined } };
  });
  const stale = meant
    .filter((each) => each.line !== undefined && !used.has(each))
    .map(({ rule, line }) =>
      finding(
        'invalid-acceptance',
        'note',
        { line: line as number, column: 1 },
        `${rule} no longer reports anything here: remove the comment`,
      ),
    );
  return [...marked, ...stale];
}

/** Number of the first line after `line` that is neither empty nor a comment. */
function nextSetting(lines: readonly string[], line: number): number {
  const index = lines.findIndex((content, at) => at >= line && !/^\s*(#|$)/.test(content));
  return index + 1;
}
