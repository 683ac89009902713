import type { Cloud } from '../../recipe/machine.ts';
import { REFERENCES } from '../../recipe/user-data.ts';
import type { Json } from './json.ts';
import { reportUnknown } from './names.ts';
import type { Reader } from './reader.ts';
import { secretProblem } from './secret.ts';

type Store = keyof typeof REFERENCES;

/** The cloud whose machines can read a store. */
const CLOUD_OF: Readonly<Record<Store, Cloud>> = {
  'SSM Parameter Store': 'aws',
  'AWS Secrets Manager': 'aws',
  'Google Secret Manager': 'gce',
};

/** The references of a cloud's secrets, for messages. */
const FORMS: Readonly<Record<Cloud, string>> = {
  aws: 'the name (/…) or ARN of an SSM parameter, or the ARN of a Secrets Manager secret',
  gce: 'projects/PROJECT/secrets/SECRET or projects/PROJECT/secrets/SECRET/versions/VERSION',
};

/** The store of the secret that a text names, with its cloud; undefined if the text is not a reference. */
export function storeOf(text: string): { name: Store; cloud: Cloud } | undefined {
  const [name] = (Object.keys(REFERENCES) as Store[]).filter((store) => REFERENCES[store].test(text));
  return name === undefined ? undefined : { name, cloud: CLOUD_OF[name] };
}

/**
 * Reports what is wrong with `{"value": …}` or `{"valueFrom": …}`. No message shows either, because a secret is easily written into the
 * wrong one. @returns the value, if it has a valid one
 */
export function checkSource(r: Reader, path: string, { value: object }: Json): string | undefined {
  if (!(object instanceof Map)) {
    r.report(path, 'must be an object: {"value": …} or {"valueFrom": …}');
    return undefined;
  }
  reportUnknown(r, `${path}.`, object, ['value', 'valueFrom']);
  const [plain, from] = [object.get('value'), object.get('valueFrom')];
  if ((plain === undefined) === (from === undefined)) r.report(path, 'must have either value or valueFrom');
  else if (from !== undefined) checkReference(r, `${path}.valueFrom`, from);
  else if (typeof plain?.value === 'string') return plain.value;
  else r.report(`${path}.value`, 'must be a string');
  return undefined;
}

/** Also checks a shared secret that is given by value. */
export function checkSharedSecret(r: Reader, path: string, json: Json): void {
  const secret = checkSource(r, path, json);
  const problem = secret === undefined ? undefined : secretProblem(secret);
  if (problem !== undefined) r.report(`${path}.value`, problem);
}

function checkReference(r: Reader, path: string, { value }: Json): void {
  const store = typeof value === 'string' ? storeOf(value) : undefined;
  if (store === undefined) r.report(path, `must be ${FORMS[r.cloud]}`);
  else if (store.cloud !== r.cloud)
    r.report(path, `names a secret of ${store.name}, which a machine on ${r.cloud} cannot read`);
}
