import type { Socket } from 'node:net';

// Facts from inside come through a unit that the firmware's tables (SMBIOS) add to an unchanged image, as only the host of a machine can: it
// runs commands that arrive on a virtio port.

const SCRIPT = [
  'exec 3<>/dev/virtio-ports/turnbuild.probe',
  'while IFS=" " read -r id command <&3; do',
  'out=$(echo "$command" | base64 -d | sh 2>&1 | base64 -w0); echo "$id $out" >&3; done',
]
  .join('; ')
  .replace('do; ', 'do ');

const UNIT = `[Unit]
Description=Probe of the laboratory
DefaultDependencies=no
After=local-fs.target systemd-udevd.service
[Service]
ExecStartPre=/bin/sh -c 'modprobe virtio_console; until [ -e /dev/virtio-ports/turnbuild.probe ]; do sleep 0.2; done'
ExecStart=/bin/sh -c '${SCRIPT.replaceAll('$', '$$').replaceAll('%', '%%')}'
StandardOutput=null
`;

/** Where the machine finds the certificate of the laboratory's services, beside those that the image trusts. */
const TRUSTED = '/run/turnbuild-trusted';

/**
 * Credentials that add the probe to a machine, and a certificate that turn-agent trusts.
 * @param certificate in PEM
 * @see systemd-debug-generator(8), systemd-tmpfiles(8)
 */
export function labCredentials(certificate: string): Readonly<Record<string, string>> {
  const encoded = Buffer.from(certificate).toString('base64');
  return {
    'systemd.extra-unit.turnbuild-probe.service': UNIT,
    'systemd.unit-dropin.sysinit.target': '[Unit]\nWants=turnbuild-probe.service\n',
    'systemd.unit-dropin.turn-agent.service': `[Service]\nEnvironment=SSL_CERT_DIR=${TRUSTED}\n`,
    'tmpfiles.extra': `d ${TRUSTED} 0755\nf~ ${TRUSTED}/services.pem 0644 - - - ${encoded}\n`,
  };
}

/** Runs commands in the machine. */
export interface Probe {
  /** Output of a shell command, standard error included. @throws Error if the machine does not answer in time */
  run(command: string, ms?: number): Promise<string>;
  close(): void;
}

const PATIENCE_MS = 60_000;

/** Milliseconds between two attempts to reach the probe. */
const KNOCK_MS = 500;

/** @param socket QEMU's end of the port */
export function createProbe(socket: Socket): Probe {
  const waiting = new Map<string, (text: string) => void>();
  let rest = '';
  let last = 0;
  let reached = false;
  socket.on('data', (bytes) => {
    const lines = (rest + bytes.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [id = '', out = ''] = line.trim().split(' ');
      waiting.get(id)?.(Buffer.from(out, 'base64').toString());
      waiting.delete(id);
    }
  });
  const send = (command: string, ms: number) =>
    new Promise<string>((resolve, reject) => {
      last += 1;
      const id = `p${last}`;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(`the machine's probe did not answer: ${command}`));
      }, ms);
      waiting.set(id, (text) => {
        clearTimeout(timer);
        resolve(text);
      });
      socket.write(`${id} ${Buffer.from(command).toString('base64')}\n`);
    });
  return {
    async run(command, ms = PATIENCE_MS) {
      // QEMU discards what it receives before the machine has opened the port.
      for (const end = Date.now() + ms; !reached && Date.now() < end; )
        reached = await send('echo here', KNOCK_MS).then(
          () => true,
          () => false,
        );
      return send(command, ms);
    },
    close: () => socket.destroy(),
  };
}
