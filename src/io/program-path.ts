import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Path of a program, from PATH and from the folders of system programs; undefined if it is not installed. */
export async function programPath(program: string): Promise<string | undefined> {
  // dockerd is in /usr/sbin, which isn't on every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
