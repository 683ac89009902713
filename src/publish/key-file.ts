/** Path of the public key with ASCII armor, relative to the repository. */
export const KEY_FILE = 'key.asc';
