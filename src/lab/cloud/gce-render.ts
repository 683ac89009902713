import type { GceItem } from './gce-items.ts';

/** How an item is written: JSON, or plain text. */
export type Form = 'json' | 'text';

/** Whether an item is a folder, which needs a slash at the end of its path. */
export const isFolder = (item: GceItem) => item.is === 'folder' || item.is === 'list';

/** Finds an item by the names of its path. */
export function find(item: GceItem, names: readonly string[]): GceItem | undefined {
  const [name, ...rest] = names;
  if (name === undefined) return item;
  const child = childrenOf(item).find((each) => each[0] === name)?.[1];
  return child === undefined ? undefined : find(child, rest);
}

/** The names in a folder, one a line. Names of folders end with a slash. */
export function listing(folder: GceItem): string {
  return childrenOf(folder)
    .map(([name, item]) => `${name}${isFolder(item) ? '/' : ''}\n`)
    .join('');
}

/** An item with everything below it. In text, a line for each value: its path, a space and the value. */
export function render(item: GceItem, form: Form): string {
  return form === 'json' ? json(item) : lines(item, '');
}

/** The form without `alt=`: JSON for recursive folders, documents and `tags`, text for everything else. */
export function usualForm(item: GceItem, name: string | undefined): Form {
  return isFolder(item) || item.is === 'document' || name === 'tags' ? 'json' : 'text';
}

function childrenOf(item: GceItem): [string, GceItem][] {
  if (item.is === 'folder') return [...item.items];
  return item.is === 'list' ? item.items.map((each, index) => [`${index}`, each]) : [];
}

function json(item: GceItem): string {
  switch (item.is) {
    case 'text':
      return JSON.stringify(item.value);
    case 'number':
      return item.value;
    case 'values':
      return JSON.stringify(item.values);
    case 'document':
      return JSON.stringify(item.fields);
    case 'list':
      return `[${item.items.map(json).join(',')}]`;
    case 'folder':
      return `{${below(item)
        .map(
          ([name, child]) => `${JSON.stringify(item.hasUserNames ? name : camelCase(name))}:${json(child)}`,
        )
        .join(',')}}`;
  }
}

function lines(item: GceItem, path: string): string {
  const line = (value: string) => (path === '' ? value : `${path} ${value}\n`);
  if (item.is === 'text' || item.is === 'number') return line(item.value);
  if (item.is === 'values')
    return path === '' ? item.values.map((each) => `${each}\n`).join('') : item.values.map(line).join('');
  if (item.is === 'document')
    return Object.entries(item.fields)
      .map(([name, value]) => `${name} ${value}\n`)
      .join('');
  return below(item)
    .map(([name, child]) => lines(child, path === '' ? name : `${path}/${name}`))
    .join('');
}

/** Recursive answers leave out tokens. */
const below = (item: GceItem) => childrenOf(item).filter(([, child]) => child.is !== 'document');

const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
