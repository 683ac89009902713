import { join } from 'node:path';
import { TurnbuildError, usageError } from '../errors.ts';
import { readDebControl } from '../io/deb-file.ts';
import { download } from '../io/download.ts';
import { runProcess } from '../io/exec.ts';
import * as files from '../io/files.ts';
import { dearmored, gpgv } from '../io/gpgv.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { ExtraPackage } from '../plan/machine.ts';
import { type Arch, platformOf } from '../plan/platforms.ts';
import type { Choices } from '../plan/types.ts';
import type { Session } from './session.ts';

/** `FILE@sha256:HEX` or `URL@sha256:HEX`. */
interface Given {
  location: string;
  /** Lower-case hex. */
  sha256: string;
}

/** Parses --extra-package. @throws OPTION_INVALID */
export function parseExtraPackage(word: string): Given {
  const [, location, sha256] = /^(.+)@sha256:([0-9a-f]{64})$/i.exec(word.trim()) ?? [];
  if (location !== undefined && sha256 !== undefined) return { location, sha256: sha256.toLowerCase() };
  throw usageError(
    'OPTION_INVALID',
    `Invalid --extra-package "${shownUrl(word)}": expected FILE@sha256:HEX or URL@sha256:HEX`,
    '`sha256sum FILE` prints the digest. Compare it with the one that the vendor publishes.',
  );
}

/** Path of an extra package in the cache. */
export function cachedPackage(cache: string, sha256: string): string {
  return join(cache, 'packages', `${sha256}.deb`);
}

/**
 * Fetches the packages of --extra-package into the cache and checks them.
 * @throws OPTION_INVALID, DEB_NOT_FOUND, DEB_INVALID, PACKAGE_SHA256_MISMATCH, PACKAGE_FOREIGN, KEY_NOT_FOUND, PACKAGE_SIGNATURE_MISSING,
 *   PACKAGE_SIGNATURE_INVALID, GPGV_MISSING, and the errors of `download`
 */
export async function fetchExtraPackages(
  { options, io, cache }: Pick<Session, 'options' | 'io' | 'cache'>,
  architectures: readonly Arch[],
): Promise<ExtraPackage[]> {
  const found: ExtraPackage[] = [];
  const { extraPackage = [], extraPackageKey } = options;
  if (extraPackage.length === 0 && extraPackageKey !== undefined)
    throw usageError('OPTION_INVALID', '--extra-package-key requires --extra-package');
  for (const given of extraPackage.map(parseExtraPackage)) {
    const file = cachedPackage(cache, given.sha256);
    const lock = await io.lockFolder(join(cache, 'packages'), io.signal);
    try {
      if (!(await files.isIntact(file, given.sha256))) await obtain(given, file, io.signal);
      if (extraPackageKey !== undefined) await requireSigned(given, { file, key: extraPackageKey, io });
    } finally {
      await lock.release();
    }
    found.push({ ...(await describe(given, file, architectures)), sha256: given.sha256 });
  }
  for (const [index, { name, architecture }] of found.entries())
    if (found.slice(0, index).some((each) => each.name === name && each.architecture === architecture))
      throw usageError('OPTION_INVALID', `--extra-package names ${name} for ${architecture} twice`);
  return found;
}

const isUrl = (location: string) => /^https?:\/\//i.test(location);

async function obtain({ location, sha256 }: Given, file: string, signal: AbortSignal): Promise<void> {
  if (isUrl(location)) {
    await download({ url: location, file, sha256, signal }).catch((error: unknown) => {
      const wrong = error instanceof TurnbuildError && error.code === 'SOURCE_SHA256_MISMATCH';
      throw wrong ? mismatch(error.message) : error;
    });
    return;
  }
  if (!(await files.exists(location)))
    throw new TurnbuildError('DEB_NOT_FOUND', `File not found: ${location}`);
  const own = await files.sha256File(location);
  if (own !== sha256) throw mismatch(`${location} has the sha256 ${own} (expected ${sha256})`);
  await files.copyInto(location, `${file}.part`);
  await files.moveInto(`${file}.part`, file);
}

/** Requires a detached signature beside the package, `LOCATION.sig`, by a key in a file. */
async function requireSigned(
  { location }: Given,
  { file, key, io }: { file: string; key: string; io: Session['io'] },
): Promise<void> {
  const { exec, signal } = io;
  if (!(await files.exists(key)))
    throw new TurnbuildError('KEY_NOT_FOUND', `File not found: ${key}`, {
      hint: '--extra-package-key takes a file of OpenPGP public keys.',
    });
  const [keyring, signature] = [`${file}.gpg`, `${file}.sig`];
  try {
    await files.writeText(keyring, dearmored(await files.readBytes(key)));
    await obtainSignature(location, signature, signal);
    const { signer, stderr } = await gpgv(exec, ['--keyring', keyring, signature, file], signal);
    if (signer !== undefined) return;
    const said = stderr.split('\n').filter((line) => !line.startsWith('[GNUPG:]'));
    throw new TurnbuildError(
      'PACKAGE_SIGNATURE_INVALID',
      `${shownUrl(location)} is not signed by a key in ${key}: ${said.join('; ')}`,
      { hint: "Get the package, its .sig file and the vendor's key again." },
    );
  } finally {
    for (const each of [keyring, signature]) await files.remove(each);
  }
}

async function obtainSignature(location: string, file: string, signal: AbortSignal): Promise<void> {
  const beside = `${location}.sig`;
  if (isUrl(location)) return download({ url: beside, file, signal, maxBytes: MAX_SIGNATURE });
  if (await files.exists(beside)) return files.copyInto(beside, file);
  throw new TurnbuildError('PACKAGE_SIGNATURE_MISSING', `File not found: ${beside}`, {
    hint: "--extra-package-key requires the vendor's detached signature beside the package.",
  });
}

/** A signature has a few hundred bytes. */
const MAX_SIGNATURE = 65_536;

function mismatch(message: string): TurnbuildError {
  return new TurnbuildError('PACKAGE_SHA256_MISMATCH', message, {
    hint: 'Compare both digests with the one that the vendor publishes.',
  });
}

async function describe(
  { location }: Given,
  file: string,
  architectures: readonly Arch[],
): Promise<Omit<ExtraPackage, 'sha256'>> {
  const shown = shownUrl(location);
  const control = await readDebControl(file, runProcess).catch((error: unknown) => {
    // The user knows the package by its own name.
    if (!(error instanceof TurnbuildError)) throw error;
    throw new TurnbuildError(error.code, error.message.replace(file, shown), {
      hint: '--extra-package takes Debian packages.',
    });
  });
  const { Package: name = '', Version: version = '', Architecture: architecture = '' } = control;
  if (name === 'coturn')
    throw usageError(
      'OPTION_INVALID',
      `${shown} is coturn; the image contains the coturn that turnbuild built`,
    );
  const names = architectures.map((arch) => platformOf(arch).debian);
  if (architecture !== 'all' && !names.includes(architecture))
    throw usageError(
      'PACKAGE_FOREIGN',
      `${shown} is for ${architecture}, but the images are for ${names.join(' and ')}`,
      'Pass the package for that architecture, or select its image with --arch.',
    );
  return { name, version, architecture };
}

/** Adds packages from elsewhere to the choices of images. */
export function withExtra(choices: Choices, extra: readonly ExtraPackage[]): Choices {
  if (choices.machine === undefined || extra.length === 0) return choices;
  return { ...choices, machine: { ...choices.machine, extra } };
}
