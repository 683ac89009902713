/** Namespaces can't be made here. The message says what failed. */
export class NoNamespaces extends Error {
  readonly code = 'LAB_NO_NAMESPACES';
}
