import { type Html, html, nothing } from './html.ts';

/** A release in a suite or a dnf repository, as src/publish/page.ts knows it. */
interface Row {
  to: 'apt' | 'dnf';
  channel: 'testing' | 'stable';
  name: string;
  release: string;
  date: string;
}

interface Facts {
  url: string;
  fingerprint: string;
  rows: readonly Row[];
  withdrawn: readonly { release: string; reason: string }[];
}

/** Names that people know. */
const SYSTEMS: Readonly<Record<string, string>> = {
  bookworm: 'Debian 12 (bookworm)',
  trixie: 'Debian 13 (trixie)',
  jammy: 'Ubuntu 22.04 (jammy)',
  noble: 'Ubuntu 24.04 (noble)',
  portable: 'RHEL, AlmaLinux, Rocky Linux 9 or newer, Amazon Linux 2023',
  el9: 'RHEL, AlmaLinux, Rocky Linux 9',
};

const CHANNELS = { stable: 'For production.', testing: 'Under test before promotion to stable.' } as const;

const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --panel: #f6f7f9; --text: #1b1f24; --soft: #57606a; --line: #d5dae0; --link: #0550ae; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f1318; --panel: #181d24; --text: #e6e9ed; --soft: #9aa4af; --line: #323a44; --link: #79b8ff; --bad: #ff9c9c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif; }
main { max-width: 880px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; } h2 { font-size: 20px; margin: 36px 0 8px; } h3 { font-size: 16px; margin: 20px 0 6px; }
p { margin: 0 0 8px; overflow-wrap: anywhere; } a { color: var(--link); } .soft { color: var(--soft); } .bad { color: var(--bad); }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
pre { margin: 0 0 12px; padding: 10px 12px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.key { overflow-wrap: normal; word-spacing: .15em; }
table { width: 100%; border-collapse: collapse; margin: 0 0 12px; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; } td:last-child, th:last-child { padding-right: 0; } td.release { width: 13.5em; overflow-wrap: normal; } .date { width: 7em; white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 480px) { main { padding: 16px 14px 32px; } h1 { font-size: 23px; } td.release { width: 8.5em; } }
`;

/**
 * The page at the root of a repository, which shows how to use it. It needs no scripts and nothing else from the network.
 * @param attributes the attributes that mark a row, which need no escaping
 */
export function renderRepositoryPage(
  { fingerprint, rows, withdrawn, ...facts }: Facts,
  attributes: (row: Row) => string,
): string {
  // Commands have it in quotes.
  const url = facts.url.replaceAll("'", '%27');
  const of = (to: Row['to']) => [...new Set(rows.filter((row) => row.to === to).map(({ name }) => name))];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="turnbuild">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>coturn packages</title>
<style>${{ safe: STYLE }}</style>
</head>
<body>
<main>
<h1>coturn packages</h1>
<p>Signed packages of coturn, a TURN and STUN server, from <a href="${url}/">${url}</a>. Run the commands as root.</p>
<h2>Key</h2>
<p>Everything is signed by the key with this fingerprint. Before you install anything, compare it with the fingerprint that you got another way.</p>
<pre class="key">${fingerprint.replace(/(.{4})(?!$)/g, '$1 ')}</pre>
<p><a href="${url}/key.asc">key.asc</a> is the public key. To show its fingerprint:</p>
<pre>curl -fsS '${url}/key.asc' | gpg --show-keys</pre>
${of('apt').map((name) => aptCommands(url, name, channelsOf(rows, 'apt', name)))}${of('dnf').map((name) => dnfCommands(url, name, channelsOf(rows, 'dnf', name)))}
${automaticUpgrades(url, of('apt').length > 0, of('dnf').length > 0)}<p class="soft">A release is named after coturn&#39;s version and the revision of its packages.</p>
${(['stable', 'testing'] as const).map((channel) => channelSection(channel, rows, attributes))}
${withdrawnSection(withdrawn)}</main>
</body>
</html>
`;
  return page.safe;
}

const titleOf = (name: string) => (Object.hasOwn(SYSTEMS, name) ? (SYSTEMS[name] ?? name) : name);

/** A release, which may be broken before its revision. */
const releaseName = (release: string) =>
  html`<code>${release.replace(/\+.*/, '')}<wbr>${release.replace(/^[^+]*/, '')}</code>`;

function channelsOf(rows: readonly Row[], to: Row['to'], name: string): Row['channel'][] {
  const own = rows.filter((row) => row.to === to && row.name === name).map(({ channel }) => channel);
  return (['stable', 'testing'] as const).filter((channel) => own.includes(channel));
}

function aptCommands(url: string, name: string, channels: readonly Row['channel'][]): Html {
  const [first] = channels;
  const suite = first === 'stable' ? name : `${name}-testing`;
  return html`<h2>${titleOf(name)}</h2>
${trial(first)}<pre>curl -fsSo /etc/apt/sources.list.d/coturn.sources '${url}/apt/coturn-${suite}.sources'
apt-get update
apt-get install coturn</pre>
${alsoTesting(channels, `${url}/apt/coturn-${name}-testing.sources`)}`;
}

function dnfCommands(url: string, name: string, channels: readonly Row['channel'][]): Html {
  const [first = 'stable'] = channels;
  return html`<h2>${titleOf(name)}</h2>
${trial(first)}<pre>curl -fsSo /etc/yum.repos.d/coturn.repo '${url}/dnf/coturn-${name}-${first}.repo'
dnf install coturn</pre>
${alsoTesting(channels, `${url}/dnf/coturn-${name}-testing.repo`)}`;
}

function trial(channel: Row['channel'] | undefined): Html {
  return channel === 'testing' ? html`<p class="soft">There is no stable release yet.</p>\n` : nothing;
}

function alsoTesting(channels: readonly Row['channel'][], file: string): Html {
  return channels.length < 2
    ? nothing
    : html`<p class="soft">To get releases before they are stable, use this file instead: <a href="${file}">${file.replace(/.*\//, '')}</a></p>\n`;
}

/**
 * How machines upgrade by themselves: `site` is the host of a repository (README of unattended-upgrades), and dnf-automatic-install.timer
 * installs whatever its settings say (dnf-automatic's manual).
 */
function automaticUpgrades(url: string, apt: boolean, dnf: boolean): Html {
  const origin = `Unattended-Upgrade::Origins-Pattern { "site=${new URL(url).hostname}"; };`;
  return html`<h2>Automatic upgrades</h2>
${
  apt
    ? html`<p>Debian and Ubuntu, with unattended-upgrades:</p>
<pre>echo '${origin}' &gt; /etc/apt/apt.conf.d/52coturn</pre>
`
    : nothing
}${
  dnf
    ? html`<p>Systems with dnf:</p>
<pre>dnf install dnf-automatic
systemctl enable --now dnf-automatic-install.timer</pre>
`
    : nothing
}`;
}

function channelSection(
  channel: Row['channel'],
  rows: readonly Row[],
  attributes: (row: Row) => string,
): Html {
  const own = rows.filter((row) => row.channel === channel);
  const head = html`<h2>Channel ${channel}</h2>
<p class="soft">${CHANNELS[channel]}</p>
`;
  if (own.length === 0) return html`${head}<p>No releases.</p>\n`;
  const lines = own.map(
    (
      row,
    ) => html`<tr ${{ safe: attributes(row) }}><td class="release">${releaseName(row.release)}</td><td>${titleOf(row.name)}</td><td class="date">${row.date}</td></tr>
`,
  );
  return html`${head}<table>
<thead><tr><th scope="col">Release</th><th scope="col">For</th><th scope="col" class="date">Since</th></tr></thead>
<tbody>
${lines}</tbody></table>
`;
}

function withdrawnSection(withdrawn: Facts['withdrawn']): Html {
  if (withdrawn.length === 0) return nothing;
  const lines = withdrawn.map(
    ({ release, reason }) => html`<tr><td class="release">${releaseName(release)}</td><td>${reason}</td></tr>
`,
  );
  return html`<h2 class="bad">Withdrawn releases</h2>
<p>Do not use these releases. A machine that has one keeps it until you install another version:</p>
<pre>apt-get install --allow-downgrades 'coturn=VERSION*'
dnf downgrade coturn</pre>
<table>
<thead><tr><th scope="col">Release</th><th scope="col">Reason</th></tr></thead>
<tbody>
${lines}</tbody></table>
`;
}
