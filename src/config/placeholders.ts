import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import type { Setting } from './settings.ts';

/** Patterns of placeholders in templates and examples. */
const SHAPES: readonly RegExp[] = [
  /\$\{[^}]*\}|\$\([^)]*\)|^\$[A-Z_][A-Z0-9_]*$|\$[A-Z]{2,}_[A-Z0-9_]+\b|[=@/ .]\$[A-Z_][A-Z0-9_]{2,}\b/,
  /#\{[^}]*\}|%\([A-Za-z_]\w*\)s|\(\([^)]*\)\)|`[^`]+`/,
  /^\$([a-z]+(_[a-z0-9]+)+|(secret|pass|user|realm|domain|address|ip)[a-z]*)$/,
  /\{\{.*\}\}|\{%.*%\}|<%.*%>|^\{[A-Za-z_][\w.-]*\}$|\{[A-Z][A-Z0-9_]{2,}\}/,
  /<[A-Za-z][\w .-]*>/,
  /%[A-Z][A-Z0-9_]*%|@[A-Z][A-Z0-9_]*@|__[A-Za-z][A-Za-z0-9_]*__|\[[A-Z][A-Z0-9_ -]*\]|^\[[a-z][\w -]*\]$/,
  // Two or more words in capitals: YOUR_SERVER_IP, REPLACE-ME. Digits only at a word's end, which is rare in random text.
  /^[A-Z]+\d*(_[A-Z]+\d*)+$/,
  /^(?=.*\b(YOUR|CHANGE|REPLACE|INSERT|SERVER|SECRET|PASSWORD|PUBLIC|PRIVATE|DOMAIN|ADDRESS|HERE)\b)[A-Z]+\d*(-[A-Z]+\d*)+$/,
  /\b(change|replace|fill|insert|set)[-_ ]?(me|this|it|here)\b|\byour[-_. ]?(own|public|private|external|server|secret|shared|strong|static|realm|domain|user|pass|key|ip|name|auth|turn)/i,
  /(^|[^a-z])(enter|type|put|paste|add|insert|change|replace|your)[-_ ]([a-z]+[-_ ])*here$|(^|\/)path\/to(\/|$)/i,
  /^\W*(placeholder|todo|fixme|tbd)\b[^/]*$/i,
  /^(x{3,9}|\.{3,}|\*{3,}|x+\.x+\.x+\.x+)$/i,
];

/** Whether a text is a placeholder for a password, address or name. */
export function isPlaceholder(text: string): boolean {
  return SHAPES.some((shape) => shape.test(text));
}

/** Options whose valid values may look like placeholders, such as formats and cipher lists. */
const EXEMPT = /^(new-log-timestamp-format|cipher-list|syslog-facility|ec-curve-name)$/;

/** Reports values that were never filled in. */
export function lintPlaceholders({ settings }: Configuration): Finding[] {
  return settings.filter(isUnfilled).map((setting) => {
    const shown = isSecret(setting.name) ? '' : ` "${setting.value}"`;
    const message = `the value${shown} of ${setting.name} looks like a placeholder that was not replaced`;
    return finding('placeholder', 'error', setting, message);
  });
}

/** Separators of values with several parts. */
const SEPARATORS: Readonly<Record<string, string>> = { user: ':', 'external-ip': '/' };

/** Whether a value or a part of it is a placeholder. */
export function isUnfilled({ name, value }: Setting): boolean {
  if (EXEMPT.test(name)) return false;
  const separator = SEPARATORS[name];
  const parts = separator === undefined ? [value] : value.split(separator);
  return parts.some(isPlaceholder);
}

const isSecret = (name: string) =>
  /^(user|static-auth-secret|cli-password|pkey-pwd|.*-userdb|redis-statsdb|stateless-nonce-secret)$/.test(
    name,
  );
