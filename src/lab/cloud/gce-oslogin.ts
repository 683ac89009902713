import type { GceMachine, OsLoginUser } from './gce-machine.ts';

const LISTS = ['oslogin/users', 'oslogin/groups'];
const EMPTY = '{"nextPageToken":"0"}';

/**
 * The answer of OS Login to a question about users and groups. Lists are empty, because programs ask for the user whom they need as well.
 * Undefined, which is 404, for unknown users, and for everything if OS Login is not enabled. Source: guest-oslogin, src/oslogin_utils.cc.
 */
export function answerOsLogin(machine: GceMachine, path: string, query: string): string | undefined {
  const enabled = machine.attributes['enable-oslogin'] ?? machine.projectAttributes['enable-oslogin'] ?? '';
  if (enabled.toUpperCase() !== 'TRUE') return undefined;
  const wanted = new URLSearchParams(query);
  if (LISTS.includes(path) && wanted.has('pagesize')) return EMPTY;
  const user = machine.osLoginUser;
  return user === undefined ? undefined : answerAbout(user, path, wanted);
}

function answerAbout(user: OsLoginUser, path: string, wanted: URLSearchParams): string | undefined {
  const { email, username, uid, isAdmin } = user;
  const isNamed = wanted.get('username') === username || wanted.get('uid') === String(uid);
  if (path === 'oslogin/users' && isNamed) return JSON.stringify({ loginProfiles: [profileOf(user)] });
  if (wanted.get('email') !== email) return undefined;
  // Groups of the user.
  if (path === 'oslogin/groups') return EMPTY;
  if (path !== 'oslogin/authorize') return undefined;
  const policy = wanted.get('policy');
  return JSON.stringify({ success: policy === 'login' || (policy === 'adminLogin' && isAdmin) });
}

function profileOf({ email, username, uid, sshKey }: OsLoginUser) {
  const account = {
    ...{ primary: true, username, uid: String(uid), gid: String(uid) },
    ...{ homeDirectory: `/home/${username}`, shell: '/bin/bash', operatingSystemType: 'LINUX' },
  };
  const fingerprint = 'a-fingerprint';
  return {
    name: email,
    posixAccounts: [account],
    sshPublicKeys: { [fingerprint]: { key: sshKey, fingerprint } },
  };
}
