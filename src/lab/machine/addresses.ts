/** Addresses of the booted machine, as a cloud would give them. All are in the laboratory's own network, which has no other links. */
export const MACHINE = {
  /** The interface's own address. Only the router knows it. */
  private4: '172.31.16.10',
  router4: '172.31.16.1',
  prefix4: 20,
  /** The address that clients and peers use: the router translates it, as EC2 and Google Compute Engine do. */
  public4: '20.0.9.10',
  /** The public address that replaces it. */
  other4: '20.0.9.11',
  ipv6: '2600:1:0:9::10',
  router6: '2600:1:0:9::1',
  mac: '52:54:00:12:34:56',
} as const;

/** Where the metadata service of both clouds answers. */
export const METADATA4 = '169.254.169.254';
/** Where that of EC2 answers as well, if the instance has enabled it. */
export const METADATA6 = 'fd00:ec2::254';
/** Where the services that hold secrets answer. */
export const SERVICES4 = '20.0.9.200';
/** The same for machines without IPv4, through the NAT64 of their network (RFC 6052). */
export const SERVICES6 = '64:ff9b::1400:9c8';
/** The router's link to the machine. */
export const TAP = 'machine';
