import { escapeHtml } from './format.ts';

/** HTML that is known to be safe: made by `html`, or a constant. Nothing else gets onto the page unescaped. */
export interface Html {
  readonly safe: string;
}

type Part = Html | string | number | undefined | readonly Html[];

/** Tagged template: escapes strings, inserts HTML unchanged, omits undefined. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { safe: strings.reduce((all, text, i) => `${all}${render(parts[i - 1])}${text}`) };
}

function render(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  if ('safe' in part) return part.safe;
  return part.map((p) => p.safe).join('');
}

export const nothing: Html = html``;

/** A section with a heading that links to itself. @param id unique on the page; must need no escaping */
export function section(id: string, title: string, content: Html): Html {
  return html`<section id="${id}"><h2><a class="self" href="#${id}">${title}</a></h2>
${content}</section>
`;
}

/**
 * A table that scrolls on a narrow page; its head stays in view. `head` has `<th>`s, `body` `<tr>`s or `<tbody>`s. With kind `stack`, its
 * cells stack on a narrow page instead.
 */
export function table(caption: string, head: readonly Html[], body: readonly Html[], kind = ''): Html {
  return html`<div class="scroll">
<table class="${kind}"><caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
${body}</table></div>
`;
}

/** Collapsed content. Kind `long` stays collapsed in print. */
export function folded(title: string, content: Html, kind: 'long' | '' = ''): Html {
  return html`<details class="${kind}"><summary>${title}</summary>${content}</details>`;
}

/** Column headings. */
export function columns(...titles: readonly string[]): Html[] {
  return titles.map((title) => html`<th scope="col">${title}</th>`);
}

/** The heading of a column of numbers. */
export function numberColumn(title: string): Html {
  return html`<th scope="col" class="number">${title}</th>`;
}

/** A hash or digest: fixed pitch, one click selects all of it. */
export function hash(value: string | undefined): Html {
  return value === undefined
    ? html`<span class="muted">none</span>`
    : html`<code class="hash">${value}</code>`;
}

/** A link for an http or https URL; plain text for any other, such as `javascript:`. */
export function link(address: string, label: string = address): Html {
  return /^https?:\/\//i.test(address)
    ? html`<a href="${address}" rel="noopener noreferrer">${label}</a>`
    : html`${label === address ? address : `${label} (${address})`}`;
}
