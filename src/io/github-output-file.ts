import { appendFile } from 'node:fs/promises';
import { naming } from './files.ts';

/** Appends to a file that GitHub Actions reads after a step. @throws FILE_ERROR */
export async function appendGithubFile(file: string, text: string): Promise<void> {
  await naming(file, appendFile(file, text));
}
