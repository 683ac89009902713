import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { diskErrors, exists, naming } from './files.ts';
import { MAX_DOCUMENT, readRegular } from './regular-file.ts';

/** A file of JSON lines that only grows. */
export interface JournalFile {
  /** Its text when it was opened. */
  text: string;
  /** Adds a record. It is on the disk, not only in memory, when the call returns. */
  add(record: object): Promise<void>;
  close(): Promise<void>;
}

/** Opens or creates a journal that only this user can read. @throws DISK_FULL, FILE_ERROR */
export async function openJournal(file: string): Promise<JournalFile> {
  const text = (await exists(file)) ? (await readRegular(file, MAX_DOCUMENT)).toString('utf8') : '';
  // A link could lead anywhere.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await naming(file, open(file, flags, 0o600));
  await naming(file, handle.chmod(0o600));
  // A crash may have cut off the last line.
  if (text !== '' && !text.endsWith('\n')) await append(handle, file, '\n');
  let last: Promise<unknown> = Promise.resolve();
  return {
    text,
    add(record) {
      // One line after the other.
      const added = last.then(() => append(handle, file, `${JSON.stringify(record)}\n`));
      last = added.catch(() => {});
      return added;
    },
    close: () => handle.close(),
  };
}

async function append(handle: FileHandle, file: string, line: string): Promise<void> {
  await diskErrors(naming(file, handle.appendFile(line)));
  await diskErrors(naming(file, handle.datasync()));
}
