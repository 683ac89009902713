/** Maximum number of complaints listed for one comparison. */
const MOST = 10;

/** An id from the range that distributions reserve for services. */
const isSystem = (id: string | undefined) => Number(id) >= 100 && Number(id) <= 999;

/** Patterns of the records of the service's own account, after the name. The last number in `passwd` and `group` is the group id. */
const OWN = new Map([
  ['passwd', /^x:(\d+):(\d+):[^:?]*:\/[^:?]*:(?:\/usr)?(?:\/bin\/false|\/s?bin\/nologin)$/],
  ['group', /^[x*!]:(\d+):$/],
  ['shadow', /^(?:!|\*|!\*|!!):\(day\)(?::\d*){6}$/],
  ['gshadow', /^(?:!|\*|!\*|!!)::$/],
]);

interface Difference {
  kind: string;
  file: string;
  record: string;
}

/** The user and group ids in a record of the service's own account; undefined for any other record. */
function ownNumbers({ kind, file, record }: Difference, account: string): string[] | undefined {
  if (kind !== 'added' || !record.startsWith(`${account}:`)) return undefined;
  const match = OWN.get(file.replace(/-$/, ''))?.exec(record.slice(account.length + 1));
  const numbers = match?.slice(1);
  return numbers?.every(isSystem) ? numbers : undefined;
}

/**
 * Complaints about changes to the account files. The service may keep one account: a system account with its own group and without a password,
 * a login shell or other groups.
 * @param text lines of recipes/docker/verify/trees.sh: kind, file and record, separated by tabs
 * @param account name of the service's account, if one may have been added
 */
export function accountComplaints(text: string | undefined, account: string | undefined): string[] {
  if (text === undefined) return ['the account files were not compared'];
  const found: string[] = [];
  const own = new Map([...OWN.keys()].map((file) => [file, [] as string[][]]));
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [kind = '', file = '', record = ''] = line.split('\t');
    const numbers = account === undefined ? undefined : ownNumbers({ kind, file, record }, account);
    if (numbers === undefined)
      found.push(
        kind === 'shared'
          ? `/etc/${file}: two records share "${record}"`
          : `/etc/${file}: the record "${record}" was ${kind}`,
      );
    else own.get(file)?.push(numbers);
  }
  for (const [file, records] of own)
    if (records.length > 1) found.push(`/etc/${file}: ${records.length} records of ${account} were added`);
  const [user, group] = [own.get('passwd')?.[0], own.get('group')?.[0]];
  if (user !== undefined && user[1] !== group?.[0])
    found.push(`the primary group of ${account} (${user[1]}) is not its own group`);
  return found.length > MOST ? [...found.slice(0, MOST), `${found.length - MOST} more`] : found;
}
