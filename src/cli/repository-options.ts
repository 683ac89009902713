import type { Command } from 'commander';
import { listParser } from './options.ts';

/** Adds the options of commands that change a repository or GitHub Releases. */
export function addRepositoryOptions(command: Command): Command {
  return addStoreOptions(
    command.option('--to <names>', 'where to: apt, dnf, github, or several, e.g. apt,dnf', listParser),
  ).option('--github-repo <name>', 'repository on GitHub: OWNER/NAME (default: GITHUB_REPOSITORY)');
}

/** Adds the options of commands that change only apt and dnf repositories. */
export function addPlainRepositoryOptions(command: Command): Command {
  return addStoreOptions(command.option('--to <names>', 'where to: apt, dnf, or both: apt,dnf', listParser));
}

function addStoreOptions(command: Command): Command {
  return command
    .option('--repo <place>', 'folder of the repository, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX')
    .option('--sign-with <fingerprint>', 'OpenPGP key that signs the repository')
    .option(
      '--extra-keys <file>',
      'public keys that clients trust as well, while the signing key is replaced',
    )
    .option('--url <url>', 'URL of the repository, for the files that clients copy')
    .option('--origin <name>', "who publishes the repository, in apt's Release (default: turnbuild)")
    .option(
      '--valid-for <days>',
      'days after which apt refuses a suite that was not signed again (default: never)',
    );
}

/** These options in examples. */
export const REPOSITORY =
  '--to apt,dnf --repo /srv/packages --sign-with FINGERPRINT --url https://packages.example.org';
