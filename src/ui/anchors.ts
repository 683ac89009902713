/** An id for links on the page. Different names get different ids, even if they contain special characters. */
function anchor(kind: string, name: string): string {
  const safe = name.replace(/[^A-Za-z0-9.-]/gu, (char) => `_${(char.codePointAt(0) ?? 0).toString(16)}_`);
  return `${kind}-${safe}`;
}

export const checkAnchor = (id: string): string => anchor('check', id);
export const subjectAnchor = (subject: string): string => anchor('checks', subject);
export const advisoryAnchor = (id: string): string => anchor('advisory', id);

/** The address of a file beside the page. `./` keeps a name with a colon from being read as a scheme. */
export function fileAddress(path: string): string {
  return `./${path
    .replace(/\p{Cs}/gu, '\ufffd')
    .split('/')
    .map(encodeURIComponent)
    .join('/')}`;
}
