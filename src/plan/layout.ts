import type { Target } from '../recipe/schema.ts';

export type Format = Target['format'];

/** Where a package's files lie, and what its service runs as: the customs of the distributions that a format is for. */
export interface Layout {
  /** User and group of the service. */
  user: string;
  configurationDir: string;
  /** Where the database is. */
  stateDir: string;
  /** Environment of the service. */
  environmentFile: string;
  /** Beneath /var/log. */
  logsDir: string;
  /** Static client library. */
  libraryDir: string;
  /** Database schemas, and the table of options. */
  dataDir: string;
  /** Kernel settings for the relay range: an example. */
  sysctlFile: string;
}

/** Off until it is copied: it concerns every program of a machine, and would replace the administrator's own reserved ports. */
const SYSCTL_EXAMPLE = '/usr/share/doc/coturn/examples/sysctl.d/60-coturn.conf';

const LAYOUTS: Record<Format, Layout> = {
  // As Debian's own coturn has it.
  deb: {
    user: 'turnserver',
    configurationDir: '/etc',
    stateDir: '/var/lib/turn',
    environmentFile: '/etc/default/coturn',
    logsDir: 'turnserver',
    libraryDir: '/usr/lib',
    dataDir: '/usr/share/coturn',
    sysctlFile: SYSCTL_EXAMPLE,
  },
  // As Fedora's and EPEL's coturn has it.
  rpm: {
    user: 'coturn',
    configurationDir: '/etc/coturn',
    stateDir: '/var/lib/coturn',
    environmentFile: '/etc/sysconfig/coturn',
    logsDir: 'coturn',
    libraryDir: '/usr/lib64',
    dataDir: '/usr/share/coturn',
    sysctlFile: SYSCTL_EXAMPLE,
  },
};

/** Of a tarball that is unpacked anywhere: as seen from the folder that it makes. */
export const TARBALL_LAYOUT: Layout = {
  user: '',
  configurationDir: 'etc',
  stateDir: 'var',
  environmentFile: 'the environment',
  logsDir: '',
  libraryDir: 'lib',
  dataDir: 'share',
  sysctlFile: '',
};

/** The layout of a format's packages: what a drop-in upgrade of the distribution's own coturn has to keep. */
export function packageLayout(format: Format): Layout {
  return LAYOUTS[format];
}
