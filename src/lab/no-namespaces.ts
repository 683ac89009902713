/** Namespaces cannot be created. The message says which step failed. */
export class NoNamespaces extends Error {
  readonly code = 'LAB_NO_NAMESPACES';
}
