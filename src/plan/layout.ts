import type { Target } from '../recipe/schema.ts';

export type Format = Target['format'];

/** Paths of a package's files and the user of its service, by the conventions of a format's distributions. */
export interface Layout {
  /** User and group of the service. */
  user: string;
  configurationDir: string;
  /** Folder of the database. */
  stateDir: string;
  /** File with the service's environment variables. */
  environmentFile: string;
  /** Folder in /var/log. */
  logsDir: string;
  /** Static client library. */
  libraryDir: string;
  /** Database schemas, and the table of options. */
  dataDir: string;
  /** Example of kernel settings for the relay range. */
  sysctlFile: string;
}

/** Inactive until copied, because the settings affect every program and would replace the administrator's own reserved ports. */
const SYSCTL_EXAMPLE = '/usr/share/doc/coturn/examples/sysctl.d/60-coturn.conf';

const LAYOUTS: Record<Format, Layout> = {
  // As in Debian's own coturn.
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
  // As in Fedora's and EPEL's coturn.
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

/** The layout of the tarball, relative to its top-level folder. */
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

/** The layout of a format's packages, which a drop-in upgrade of the distribution's own coturn must keep. */
export function packageLayout(format: Format): Layout {
  return LAYOUTS[format];
}
