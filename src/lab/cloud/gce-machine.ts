/** The account and token of a Compute Engine instance. */
export interface ServiceAccount {
  readonly email: string;
  readonly scopes: readonly string[];
  readonly token: string;
  /** When the token expires, in milliseconds since 1970. */
  readonly expires: number;
}

/** Someone who may log in by OS Login. */
export interface OsLoginUser {
  readonly email: string;
  readonly username: string;
  readonly uid: number;
  readonly sshKey: string;
  /** May become root (roles/compute.osAdminLogin). */
  readonly isAdmin: boolean;
}

/** A Compute Engine instance with one network interface. */
export interface GceMachine {
  readonly projectId: string;
  readonly projectNumber: string;
  /** 64 bits, so not a JavaScript number. */
  readonly instanceId: string;
  readonly name: string;
  readonly hostname: string;
  /** Such as europe-west1-b. */
  readonly zone: string;
  readonly machineType: string;
  readonly mac: string;
  readonly mtu: number;
  readonly network: string;
  readonly privateIpv4: string;
  readonly subnetMask: string;
  readonly gateway: string;
  /** Without one, the interface has no access configuration. One without an address has an empty value. */
  readonly publicIpv4?: string;
  readonly ipv6: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly projectAttributes: Readonly<Record<string, string>>;
  readonly serviceAccount?: ServiceAccount;
  readonly tags: readonly string[];
  readonly maintenanceEvent: 'NONE' | 'MIGRATE_ON_HOST_MAINTENANCE' | 'TERMINATE_ON_HOST_MAINTENANCE';
  readonly preempted: boolean;
  /** Without one, the organisation has no users. */
  readonly osLoginUser?: OsLoginUser;
}
